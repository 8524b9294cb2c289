//! The image of every container of a fleet, made without a registry: from a Debian base where one is
//! at hand, else from a root file system that mmdebstrap makes from the package mirror.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::docker;
use crate::access::write_file;
use crate::error::{Doing, Result, TestbedError};
use crate::output::{failed, find_program, run_within};
use crate::rake;
use crate::spec::Backend;
use crate::workdir::WorkDir;

const NAME: &str = "capstan-testbed";
const BASE: &str = "debian:bookworm-slim";
const SUITE: &str = "bookworm";
const PACKAGES: &str = "openssh-server git subversion rsync sudo ca-certificates busybox-static procps socat";

/// What a host's container runs as process 1: makes of the common image the host that was asked for.
const HOST: &str = include_str!("host.sh");

/// What the repository container runs.
const REPOSITORIES: &str = include_str!("repositories.sh");

/// The layers above the packages.
const LAYERS: &str = r#"
RUN useradd --uid 20022 --user-group --create-home --shell /bin/sh deploy \
 && usermod --password '*' deploy \
 && install -d -o deploy -g deploy -m 700 /home/deploy/.ssh \
 && install -d -o deploy -g deploy /var/www /home/deploy/project \
 && install -d /run/sshd \
 && rm -f /etc/ssh/ssh_host_* \
 && printf '%s\n' 'UsePAM no' 'UseDNS no' 'PasswordAuthentication no' 'MaxStartups 200' 'PrintMotd no' \
    'HostKey /etc/ssh/ssh_host_ed25519_key' >/etc/ssh/sshd_config.d/testbed.conf
COPY rake /usr/local/bin/rake
COPY testbed-host testbed-repositories /usr/local/sbin/
RUN chmod 755 /usr/local/bin/rake /usr/local/sbin/testbed-*
EXPOSE 22
CMD ["/usr/local/sbin/testbed-host"]
"#;

/// An image by name and tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub(super) name: String,
    pub(super) tag: String,
}

impl std::fmt::Display for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

impl Image {
    /// An image by its reference, `name:tag`.
    #[must_use]
    pub fn named(reference: &str) -> Self {
        let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
        Image { name: name.to_owned(), tag: tag.to_owned() }
    }

    fn exists(&self) -> Result<bool> {
        let what = self.to_string();
        match docker::ask_again("find an image", &["image", "inspect", "--format", "{{.Id}}", &what]) {
            Err(TestbedError::Program { .. }) => Ok(false),
            other => other.map(|_| true),
        }
    }
}

/// Gives the image, building it if it is not there. Its tag is a digest of all that goes into it, so
/// that a second call finds it and a changed recipe does not. `progress` is told of each long step.
pub fn ensure(progress: &dyn Fn(&str)) -> Result<Image> {
    docker::check_engine()?;
    let recipe = [SUITE, PACKAGES, LAYERS, HOST, REPOSITORIES, rake::SCRIPT].join("\0");
    let image = Image { name: NAME.to_owned(), tag: digest(recipe.as_bytes()) };
    if image.exists()? {
        return Ok(image);
    }
    let _one_at_a_time = lock_cache()?;
    if image.exists()? {
        return Ok(image);
    }
    let dir = WorkDir::create(None, Backend::Containers)?;
    let first = if base_is_at_hand(progress)? {
        format!(
            "FROM {BASE}\nRUN apt-get update && apt-get install -y --no-install-recommends {PACKAGES} && rm -rf /var/lib/apt/lists/*\n"
        )
    } else {
        let tar = root_file_system(progress)?;
        let here = dir.path().join("rootfs.tar");
        std::fs::hard_link(&tar, &here)
            .or_else(|_| std::fs::copy(&tar, &here).map(drop))
            .doing(|| format!("copy {}", tar.display()))?;
        "FROM scratch\nADD rootfs.tar /\n".to_owned()
    };
    let files = [
        ("Dockerfile", format!("{first}{LAYERS}")),
        ("rake", rake::SCRIPT.to_owned()),
        ("testbed-host", HOST.to_owned()),
        ("testbed-repositories", REPOSITORIES.to_owned()),
    ];
    for (name, content) in files {
        write_file(&dir.path().join(name), content.as_bytes(), 0o644)?;
    }
    progress(&format!("building the image {image}"));
    let tag = image.to_string();
    let mut build = docker::docker(&["build", "--quiet", "--label", super::LABEL, "--tag", &tag]);
    docker::must(&format!("build the image {image}"), docker::BUILD, build.arg(dir.path()))?;
    Ok(image)
}

/// Whether the base is here, or a registry gives it quickly.
fn base_is_at_hand(progress: &dyn Fn(&str)) -> Result<bool> {
    if Image::named(BASE).exists()? {
        return Ok(true);
    }
    progress(&format!("asking a registry for {BASE}"));
    let pulled = run_within(docker::limit(), &mut docker::docker(&["pull", "--quiet", BASE]))?;
    Ok(pulled.is_some_and(|out| out.ok()))
}

/// The tar of a small Debian, kept for the next build.
fn root_file_system(progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let dir = cache_dir();
    let tar = dir.join(format!("rootfs-{}.tar", digest(format!("{SUITE} {PACKAGES}").as_bytes())));
    if tar.exists() {
        return Ok(tar);
    }
    if find_program("mmdebstrap").is_none() {
        return Err(TestbedError::Unavailable {
            backend: "containers",
            why: format!("there is no image {BASE}, and no `mmdebstrap` to make one: apt-get install mmdebstrap"),
        });
    }
    progress("making a small Debian with mmdebstrap (about a minute)");
    let part = dir.join(format!("rootfs-{}.part.tar", std::process::id()));
    let mut make = Command::new("mmdebstrap");
    make.args(["--variant=minbase", "--quiet"])
        .arg(format!("--include={}", PACKAGES.replace(' ', ",")))
        .arg("--aptopt=Acquire::Languages \"none\"")
        .args(["doc", "man", "locale"].map(|d| format!("--dpkgopt=path-exclude=/usr/share/{d}/*")))
        .arg(SUITE)
        .arg(&part);
    let made = small_debian(&mut make);
    if made.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    made?;
    std::fs::rename(&part, &tar).doing(|| format!("create {}", tar.display()))?;
    Ok(tar)
}

fn small_debian(make: &mut Command) -> Result<()> {
    let limit = Duration::from_secs(900);
    match run_within(limit, make)? {
        Some(out) if out.ok() => Ok(()),
        Some(out) => Err(failed("make a small Debian", make, &out)),
        None => Err(TestbedError::Timeout {
            what: "`mmdebstrap` (to make a small Debian)".to_owned(),
            seconds: limit.as_secs(),
            detail: "does this machine's package mirror answer? `apt-get update` tells".to_owned(),
        }),
    }
}

/// `CAPSTAN_TESTBED_CACHE`, or a place in the build directory.
fn cache_dir() -> PathBuf {
    match std::env::var_os("CAPSTAN_TESTBED_CACHE") {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testbed"),
    }
}

/// Parallel tests build the image once; the lock goes with the file.
fn lock_cache() -> Result<std::fs::File> {
    let dir = cache_dir();
    std::fs::create_dir_all(&dir).doing(|| format!("create {}", dir.display()))?;
    let path = dir.join("lock");
    let doing = || format!("lock {}", path.display());
    let file = std::fs::File::create(&path).doing(doing)?;
    file.lock().doing(doing)?;
    Ok(file)
}

/// FNV-1a: enough to tell recipes apart, and the same for every compiler.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
