//! Repositories behind a real web server: Apache with mod_dav_svn for Subversion and `git http-backend` for git, over http
//! and over https with a certificate of an authority of the server's own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{AppRepo, Scm};
use crate::access::{hash_password, write_file};
use crate::error::{Doing, Result, TestbedError};
use crate::loopback::{self, Base};
use crate::output::{find_program, last_lines, must};

const HTTP: u16 = 8080;
const HTTPS: u16 = 8443;

/// Where Debian and its descendants have Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Debian builds a few others into the program.
const NEEDED: [&str; 11] = [
    "mpm_prefork",
    "alias",
    "env",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "cgi",
    "dav",
    "dav_svn",
];

/// Ends the server when its input ends, which the testbed closes, or the kernel where the testbed was killed.
const GUARD: &str = r#"
"$1" -d "$2" -f "$2/apache.conf" -DFOREGROUND </dev/null &
server=$!
read -r _ || :
kill "$server"
wait "$server"
"#;

/// A running web server; it ends when the value is dropped.
#[derive(Debug)]
pub struct WebServer {
    address: Ipv4Addr,
    password: String,
    guard: Child,
    // Removed after the server has ended, in `drop`.
    dir: tempfile::TempDir,
}

impl WebServer {
    /// The name that [`Access::Login`] wants.
    pub const USER: &str = "deployer";
    /// Serves what lies in the directory that [`AppRepo::create`] was given. Where this runs as root, the server reads the
    /// files as a user without rights, who has to be able to come there.
    pub fn start(repositories: &Path) -> Result<Self> {
        let apache = program()?;
        let doing = || "make the web server's directory".to_owned();
        let dir = tempfile::Builder::new().prefix("capstan-apache-").tempdir().doing(doing)?;
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(dir.path(), open).doing(doing)?;
        let address = free_address();
        certificates(dir.path(), address)?;
        let password = format!("mellon-{:016x}", RandomState::new().build_hasher().finish());
        let users = format!("{}:{}\n", Self::USER, hash_password(&password)?);
        write_file(&dir.path().join("users"), users.as_bytes(), 0o644)?;
        // The repositories belong to somebody else than who reads them.
        write_file(&dir.path().join(".gitconfig"), b"[safe]\n\tdirectory = *\n", 0o644)?;
        let text = configuration(dir.path(), repositories, address)?;
        write_file(&dir.path().join("apache.conf"), text.as_bytes(), 0o644)?;
        let log = dir.path().join("start.log");
        let log = std::fs::File::create(&log).doing(|| format!("create {}", log.display()))?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "sh"])
            .arg(apache)
            .arg(dir.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .doing(|| "start the web server".to_owned())?;
        let server = WebServer { address, password, guard, dir };
        for port in [HTTP, HTTPS] {
            let address = SocketAddrV4::new(address, port);
            loopback::wait_listening(address, "the start of the web server", || server.complaints())?;
        }
        Ok(server)
    }

    /// The address of a repository: `https://127.80.3.1:8443/git/my_cool_app.git`.
    #[must_use]
    pub fn url(&self, repo: &AppRepo, secure: bool, access: Access) -> String {
        let (scheme, port) = if secure { ("https", HTTPS) } else { ("http", HTTP) };
        let private = match access {
            Access::Everybody => "",
            Access::Login => "/private",
        };
        let system = match repo.scm() {
            Scm::Git => "git",
            Scm::Subversion => "svn",
        };
        format!("{scheme}://{}:{port}{private}/{system}/{}", self.address, repo.url_path())
    }

    /// The password of [`WebServer::USER`], another one for each server: whoever finds it anywhere knows whose it is.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The certificate of the authority that whoever uses https has to trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// What was asked so far, a line each: the user, the request and the status.
    #[must_use]
    pub fn requests(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("access.log")).unwrap_or_default()
    }

    /// The ends of its logs, for messages.
    fn complaints(&self) -> String {
        let logs = ["start.log", "error.log"].map(|log| self.dir.path().join(log));
        let texts = logs.iter().filter_map(|log| std::fs::read_to_string(log).ok());
        texts.map(|text| last_lines(&text, 5)).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Who may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Everybody,
    /// [`WebServer::USER`] with [`WebServer::password`].
    Login,
}

fn program() -> Result<PathBuf> {
    let missing = |package: &str| TestbedError::Unavailable {
        backend: "repository",
        why: format!("a web server is missing: apt-get install {package}"),
    };
    let apache = find_program("apache2").ok_or_else(|| missing("apache2"))?;
    for (file, package) in [("mod_ssl.so", "apache2"), ("mod_dav_svn.so", "libapache2-mod-svn")] {
        if !Path::new(MODULES).join(file).exists() {
            return Err(missing(package));
        }
    }
    if find_program("openssl").is_none() {
        return Err(missing("openssl"));
    }
    Ok(apache)
}

fn free_address() -> Ipv4Addr {
    loop {
        let address = Base::pick().address(0);
        if [HTTP, HTTPS].iter().all(|port| std::net::TcpListener::bind((address, *port)).is_ok()) {
            return address;
        }
    }
}

/// An authority, and a certificate of it for the address. Subversion looks at the common name where there is no host name
/// among the alternative ones, git at the alternative ones.
fn certificates(dir: &Path, address: Ipv4Addr) -> Result<()> {
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        must("make a certificate", command.current_dir(dir).args(args.split_whitespace())).map(drop)
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 -days 2 {key} -subj /CN=Testbed -keyout ca.key -out ca.pem"))?;
    openssl(&format!("req {key} -subj /CN={address} -keyout server.key -out server.csr"))?;
    write_file(&dir.join("names"), format!("subjectAltName=IP:{address}\n").as_bytes(), 0o644)?;
    openssl("x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem")
}

fn configuration(dir: &Path, repositories: &Path, address: Ipv4Addr) -> Result<String> {
    let git = must("find git's programs", Command::new("git").arg("--exec-path"))?;
    let (git, here, all) = (git.trim(), dir.display(), repositories.display());
    let modules: Vec<String> = NEEDED
        .iter()
        .chain(["ssl"].iter())
        .map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n"))
        .collect();
    let modules = modules.concat();
    let user = if rustix::process::geteuid().is_root() { "User nobody\nGroup nogroup\n" } else { "" };
    let places: Vec<String> = ["", "/private"]
        .iter()
        .map(|at| {
            format!(
                "ScriptAlias {at}/git/ {git}/git-http-backend/\n\
                 <Location {at}/svn>\n  DAV svn\n  SVNParentPath {all}/svn\n</Location>\n"
            )
        })
        .collect();
    let places = places.concat();
    Ok(format!(
        "ServerRoot {here}\nPidFile {here}/apache.pid\nDefaultRuntimeDir {here}\nServerName {address}\n{user}\
         Listen {address}:{HTTP}\nListen {address}:{HTTPS}\n{modules}\
         StartServers 4\nMaxRequestWorkers 64\n\
         ErrorLog {here}/error.log\nCustomLog {here}/access.log \"%u %r %>s\"\n\
         SetEnv GIT_PROJECT_ROOT {all}/git\nSetEnv GIT_HTTP_EXPORT_ALL 1\nSetEnv HOME {here}\n\
         {places}\
         <Location /private>\n  AuthType Basic\n  AuthName Testbed\n  AuthUserFile {here}/users\n  Require valid-user\n</Location>\n\
         <VirtualHost {address}:{HTTPS}>\n  SSLEngine on\n  SSLCertificateFile {here}/server.pem\n  \
         SSLCertificateKeyFile {here}/server.key\n</VirtualHost>\n"
    ))
}
