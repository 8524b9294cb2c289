//! One HTTP request on a stream: enough to ask an application how it is.
//!
//! Limits: plain HTTP/1, `GET` only, no redirects, no compression, at most 1 MiB of an answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::forward::Stream;

/// Most of an answer that is read.
const LIMIT: usize = 1024 * 1024;
/// Most header fields of an answer.
const HEADERS: usize = 128;

/// What a server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields in their order.
    pub headers: Vec<(String, String)>,
    /// The body, as much of it as is read.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header field; names have no case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Asks for a path; `host` is what the `Host` field says.
///
/// # Errors
/// In words, when the stream breaks or what comes is not HTTP.
pub async fn get(stream: &mut dyn Stream, host: &str, path: &str) -> Result<Answer, String> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: capstan\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| format!("the request could not be sent: {error}"))?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let read = stream.read(&mut chunk).await.map_err(|error| format!("the answer broke off: {error}"))?;
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let ended = read == 0 || bytes.len() >= LIMIT;
        if let Some(answer) = parse(&bytes, ended)? {
            return Ok(answer);
        }
        if ended && bytes.is_empty() {
            return Err("the connection was closed without an answer".to_owned());
        }
        if ended {
            return Err("the answer broke off in its header".to_owned());
        }
    }
}

/// The answer in these bytes; none while it is not whole. `ended` says that nothing more comes.
fn parse(bytes: &[u8], ended: bool) -> Result<Option<Answer>, String> {
    let Some((mut answer, length)) = head(bytes)? else { return Ok(None) };
    let body = bytes.get(length..).unwrap_or_default();
    let chunked =
        answer.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    let wanted = answer.header("content-length").and_then(|value| value.trim().parse::<usize>().ok());
    let (content, whole) = match (chunked, wanted) {
        _ if matches!(answer.status, 204 | 304) => (Vec::new(), true),
        (true, _) => unchunked(body),
        (false, Some(wanted)) => (body.get(..wanted).unwrap_or(body).to_vec(), body.len() >= wanted),
        (false, None) => (body.to_vec(), false),
    };
    answer.body = content;
    Ok((whole || ended).then_some(answer))
}

/// Status line and header fields, and how long they are.
///
/// # Errors
/// In words, when they are not HTTP.
pub fn head(bytes: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = response.headers.iter().map(|field| (field.name.to_owned(), text(field.value))).collect();
            let status = response.code.unwrap_or_default();
            Ok(Some((Answer { status, headers, body: Vec::new() }, length)))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => {
            let start: Vec<u8> = bytes.iter().take(40).copied().collect();
            Err(format!("what answers does not speak HTTP ({error}): {:?}", String::from_utf8_lossy(&start)))
        }
    }
}

/// The content of a chunked body, and whether its end has come.
fn unchunked(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(body) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size == 0 {
            return (content, true);
        }
        let rest = body.get(start..).unwrap_or_default();
        content.extend_from_slice(rest.get(..size).unwrap_or(rest));
        match size.checked_add(2).and_then(|next| rest.get(next..)) {
            Some(next) => body = next,
            None => return (content, false),
        }
    }
    (content, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(answer: &'static [u8]) -> (Result<Answer, String>, String) {
        let (mut near, mut far) = tokio::io::duplex(64);
        let server = tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(far.read_u8().await.unwrap());
            }
            far.write_all(answer).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let answer = get(&mut near, "shop.example", "/up").await;
        (answer, server.await.unwrap())
    }

    #[tokio::test]
    async fn an_answer_with_a_length() {
        let (answer, request) = asked(b"HTTP/1.1 200 OK\r\nX-Release: 7\r\nContent-Length: 3\r\n\r\nyes!!").await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.header("x-release")), (200, &b"yes"[..], Some("7")));
        assert!(request.starts_with("GET /up HTTP/1.1\r\nHost: shop.example\r\n"), "{request}");
    }

    #[tokio::test]
    async fn answers_in_chunks_to_the_end_and_none() {
        let chunks = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndown\r\n5;x=y\r\n for \r\n0\r\n\r\n";
        let answer = asked(chunks).await.0.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (503, &b"down for "[..]));
        assert_eq!(asked(b"HTTP/1.0 200 OK\r\n\r\nall of it").await.0.unwrap().body, b"all of it");
        assert_eq!(asked(b"HTTP/1.1 204 No Content\r\n\r\n").await.0.unwrap().body, b"");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_said() {
        assert!(asked(b"SSH-2.0-OpenSSH_9.2\r\n").await.0.unwrap_err().contains("does not speak HTTP"));
        assert!(asked(b"").await.0.unwrap_err().contains("without an answer"));
        assert!(asked(b"HTTP/1.1 200 OK\r\nX-").await.0.unwrap_err().contains("broke off in its header"));
        // Where it breaks off in its body, what has come is looked at.
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.0.unwrap().body, b"half");
    }
}
