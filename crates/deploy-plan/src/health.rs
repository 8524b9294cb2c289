//! How it is found out whether the application of a host is healthy.

use std::fmt;
use std::time::Duration;

use deploy_inventory::HostId;

use crate::{ReleaseId, Site};

/// What an answer of the application must name: the release that is to be live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseIn {
    /// Somewhere in the body.
    Body,
    /// In this header field.
    Header(String),
}

/// An HTTP request, and what the answer must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// The server's name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Path and query; begins with a slash.
    pub path: String,
    /// What the `Host` field says.
    pub host_header: String,
    /// Status codes that are right, from and to.
    pub status: Vec<(u16, u16)>,
    /// A text that the body must have.
    pub body: Option<String>,
    /// Where the answer must name the release.
    pub release: Option<ReleaseIn>,
}

impl HttpProbe {
    /// The address that is asked.
    #[must_use]
    pub fn url(&self) -> String {
        let host = if self.host.contains(':') && !self.host.contains('$') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!("http://{host}:{}{}", self.port, self.path)
    }

    /// Looks at an answer; `header` gives the value of a field.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn judge<'a>(
        &self,
        release: &ReleaseId,
        status: u16,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Result<(), String> {
        let body = String::from_utf8_lossy(body);
        if !self.status.iter().any(|(from, to)| (*from..=*to).contains(&status)) {
            return Err(format!("status {status} instead of {}{}", self.wanted(), first_line(&body)));
        }
        if let Some(text) = self.body.as_ref().filter(|text| !body.contains(text.as_str())) {
            return Err(format!("status {status}, but the body has no {text:?}{}", first_line(&body)));
        }
        match &self.release {
            Some(ReleaseIn::Body) if !body.contains(release.as_str()) => {
                Err(format!("the answer is not of release {release}: its body does not name it{}", first_line(&body)))
            }
            Some(ReleaseIn::Header(name)) => match header(name) {
                Some(value) if value.contains(release.as_str()) => Ok(()),
                Some(value) => Err(format!("the answer is not of release {release}: {name} says {value:?}")),
                None => Err(format!("the answer does not say its release: it has no {name}")),
            },
            _ => Ok(()),
        }
    }

    fn wanted(&self) -> String {
        let one = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        self.status.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// The beginning of a body, to be recognised.
fn first_line(body: &str) -> String {
    let line: String = body.trim().lines().next().unwrap_or_default().chars().take(80).collect();
    if line.is_empty() { String::new() } else { format!(" ({line:?})") }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A request.
    Http(HttpProbe),
    /// Whether a port is open.
    Tcp {
        /// The name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A command on the host, which ends with 0.
    Command(String),
    /// A systemd unit on the host, which is active.
    Unit(String),
}

/// From where a port is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// From the host itself, through its own connection.
    Host,
    /// From the machine that deploys.
    Deployer,
}

/// A health check: a probe, and how patient one is with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub probe: Probe,
    /// From where.
    pub from: Vantage,
    /// How often at most.
    pub attempts: u32,
    /// The pause between two attempts.
    pub interval: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long all of it may take.
    pub deadline: Duration,
}

impl HealthCheck {
    /// The same for one host: its name stands where the recipe has `$CAPISTRANO:HOST$`.
    #[must_use]
    pub fn on(&self, host: &str) -> Self {
        let named = |text: &str| text.replace("$CAPISTRANO:HOST$", host);
        let probe = match &self.probe {
            Probe::Http(http) => Probe::Http(HttpProbe {
                host: named(&http.host),
                path: named(&http.path),
                host_header: named(&http.host_header),
                ..http.clone()
            }),
            Probe::Tcp { host: at, port } => Probe::Tcp { host: named(at), port: *port },
            Probe::Command(text) => Probe::Command(named(text)),
            Probe::Unit(unit) => Probe::Unit(named(unit)),
        };
        Self { probe, ..self.clone() }
    }

    /// The same by a host's identity, whose user and port are no part of its name.
    #[must_use]
    pub fn on_host(&self, host: &HostId) -> Self {
        let text = host.as_str().rsplit('@').next().unwrap_or_default();
        let name = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => name,
            _ => text,
        };
        self.on(name)
    }
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.probe {
            Probe::Http(http) => {
                write!(f, "GET {} is {}", http.url(), http.wanted())?;
                if let Some(text) = &http.body {
                    write!(f, " with {text:?}")?;
                }
                match &http.release {
                    Some(ReleaseIn::Body) => f.write_str(", the release in its body")?,
                    Some(ReleaseIn::Header(name)) => write!(f, ", the release in {name}")?,
                    None => {}
                }
            }
            Probe::Tcp { host, port } => write!(f, "{host}:{port} is open")?,
            Probe::Command(text) => write!(f, "`{text}` ends with 0")?,
            Probe::Unit(unit) => write!(f, "the unit {unit} is active")?,
        }
        if self.from == Vantage::Deployer {
            f.write_str(", asked from here")?;
        }
        let (interval, deadline) = (self.interval.as_secs_f32(), self.deadline.as_secs_f32());
        write!(f, " ({} × every {interval} s, {deadline} s at most)", self.attempts)
    }
}

/// A health check on some hosts, recorded where the application has been restarted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthItem {
    /// The check.
    pub check: HealthCheck,
    /// On which hosts; those that are no part of what is published are passed over.
    pub hosts: Vec<HostId>,
    /// Where the recipe sets it.
    pub site: Option<Site>,
}

/// A probe of a port with the release that is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortCheck {
    /// The check; its probe is one of a port.
    pub check: HealthCheck,
    /// The release.
    pub release: ReleaseId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> HttpProbe {
        HttpProbe {
            host: "::1".into(),
            port: 80,
            path: "/up".into(),
            host_header: "shop".into(),
            status: vec![(200, 299), (401, 401)],
            body: Some("fine".into()),
            release: Some(ReleaseIn::Header("X-Release".into())),
        }
    }

    fn judged(probe: &HttpProbe, status: u16, release: Option<&str>, body: &str) -> String {
        let id = ReleaseId::new("20261123060439").unwrap();
        let header = |name: &str| release.filter(|_| name == "X-Release");
        probe.judge(&id, status, header, body.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn an_answer_is_right_or_says_what_is_wrong() {
        let probe = probe();
        assert_eq!(probe.url(), "http://[::1]:80/up");
        assert_eq!(judged(&probe, 204, Some("r=20261123060439"), "all fine"), "");
        assert_eq!(judged(&probe, 503, None, "down\nfor now"), "status 503 instead of 200-299, 401 (\"down\")");
        assert_eq!(judged(&probe, 200, None, ""), "status 200, but the body has no \"fine\"");
        let old = judged(&probe, 200, Some("20251111111111"), "fine");
        assert_eq!(old, "the answer is not of release 20261123060439: X-Release says \"20251111111111\"");
        assert!(judged(&probe, 401, None, "fine").contains("it has no X-Release"));
        let in_body = HttpProbe { release: Some(ReleaseIn::Body), body: None, ..probe };
        assert_eq!(judged(&in_body, 200, None, "20261123060439"), "");
        assert!(judged(&in_body, 200, None, "20251111111111").contains("its body does not name it"));
    }

    #[test]
    fn a_check_in_words_and_for_one_host() {
        let (interval, timeout) = (Duration::from_millis(500), Duration::from_secs(5));
        let http = HttpProbe { host: "$CAPISTRANO:HOST$".into(), ..probe() };
        let check = HealthCheck {
            probe: Probe::Http(http),
            from: Vantage::Deployer,
            attempts: 3,
            interval,
            timeout,
            deadline: Duration::from_secs(30),
        };
        assert_eq!(
            check.on_host(&HostId::new("deploy@web1:2222")).to_string(),
            "GET http://web1:80/up is 200-299, 401 with \"fine\", the release in X-Release, asked from here (3 × every \
             0.5 s, 30 s at most)"
        );
    }
}
