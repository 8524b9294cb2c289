//! Recording a new host key. Many hosts may be learnt at the same time, by this process and by others.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Adds a line at the end of the file, unless it is there already. The file is made with mode 0600 and its directory
/// with 0700 if they do not exist.
///
/// # Errors
/// What the system said: the directory cannot be made, or the file not be written.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // The kernel drops the lock when the file is closed.
    flock(&file, FlockOperation::LockExclusive)?;
    let content = read_all(&mut file)?;
    if content.lines().any(|l| l.trim_end() == line) {
        return Ok(());
    }
    let break_before = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{break_before}{line}\n").as_bytes())
}

fn read_all(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn many_writers_lose_nothing_and_repeat_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/known_hosts");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for n in 0..20 {
                        append(path, &format!("host{n} key")).unwrap();
                        append(path, &format!("own{writer}-{n} key")).unwrap();
                    }
                });
            }
        });
        let content = std::fs::read_to_string(&path).unwrap();
        assert_eq!(content.lines().count(), 20 + 8 * 20);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_missing_line_end_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        std::fs::write(&path, "a b c").unwrap();
        append(&path, "d e f").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a b c\nd e f\n");
    }
}
