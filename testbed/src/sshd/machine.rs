//! One running sshd host: a tree of processes in mount, UTS and PID namespaces of its own, with its
//! sshd as process 1. When that process ends, the kernel ends everything else on the host.

use std::io::Write as _;
use std::net::SocketAddrV4;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::root::{HOME, Mount, Root, UID, USER};
use crate::error::{Doing, Result, TestbedError};
use crate::fleet::RunAs;
use crate::output::last_lines;

/// Waits for the end of its input, which comes when the testbed closes it or dies, and then pulls
/// the plug. `wait` returns when the kernel has ended every process of the host.
const GUARD: &str = r#"
unshare --mount --uts --pid --fork --kill-child --propagation private sh -eu -c "$@" </dev/null &
outer=$!
read -r _ || :
inner=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) || inner=
kill -KILL ${inner:-$outer} 2>/dev/null
wait "$outer"
"#;

/// Runs inside the new namespaces; `$1` is the root, `$2` the host's name, the rest are mounts in
/// threes: kind, source or options, and target.
const BOOT: &str = r#"
root=$1 name=$2
shift 2
hostname "$name"
mount -t proc proc "$root/proc"
while [ $# -ge 3 ]; do
  case $1 in
    ro) mount --bind -o ro "$2" "$3" ;;
    all) mount --rbind "$2" "$3" ;;
    pts) mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$3" ;;
    tmpfs) mount -t tmpfs -o "$2" tmpfs "$3" ;;
  esac
  shift 3
done
cd "$root"
exec chroot "$root" /usr/sbin/sshd -D -f /etc/ssh/sshd_config -E /var/log/sshd.log
"#;

/// The processes of a host that is up.
#[derive(Debug)]
pub(super) struct Machine {
    guard: Child,
}

impl Machine {
    /// Starts the processes; sshd may need another moment to listen.
    pub(super) fn boot(root: &Root, name: &str) -> Result<Self> {
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "sh", BOOT, "sh"]).arg(&root.path).arg(name);
        for mount in &root.mounts {
            match mount {
                Mount::ReadOnly(from, to) => guard.arg("ro").arg(from).arg(to),
                Mount::Everything(from, to) => guard.arg("all").arg(from).arg(to),
                Mount::Terminals(to) => guard.arg("pts").arg("").arg(to),
                Mount::Tmpfs(size, to) => {
                    guard.arg("tmpfs").arg(format!("size={size},mode=755,uid={UID},gid={UID}")).arg(to)
                }
            };
        }
        let log = root.path.join("var/log/boot.log");
        let log = std::fs::File::create(&log).doing(|| format!("create {}", log.display()))?;
        let guard = guard
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            // A terminal's Ctrl-C is for the testbed, which then ends its hosts in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .doing(|| format!("start the host {name}"))?;
        Ok(Machine { guard })
    }

    /// Waits until its sshd listens.
    pub(super) fn wait_up(&self, addr: SocketAddrV4, root: &Path) -> Result<()> {
        crate::loopback::wait_listening(addr, "the start of sshd", || {
            ["var/log/boot.log", "var/log/sshd.log"]
                .iter()
                .filter_map(|log| std::fs::read_to_string(root.join(log)).ok())
                .map(|text| last_lines(&text, 5))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    /// The number, on this machine, of the host's process 1.
    fn init(&self) -> Option<i32> {
        let outer = only_child(self.guard.id())?;
        i32::try_from(only_child(outer)?).ok()
    }

    /// A command that runs text in the host's namespaces.
    pub(super) fn command(&self, who: RunAs, text: &str) -> Result<Command> {
        let init = self.init().ok_or_else(|| not_up("whose sshd has ended"))?;
        let (user, home, uid) = match who {
            RunAs::Login => (USER, HOME, UID),
            RunAs::Root => ("root", "/root", 0),
        };
        let mut enter = Command::new("nsenter");
        enter
            .args(["--mount", "--uts", "--pid", "--root", "--target", &init.to_string()])
            .args(["--setuid", &uid.to_string(), "--setgid", &uid.to_string(), "--"])
            .args(["/bin/sh", "-c", "cd && exec /bin/sh -c \"$1\"", "sh", text])
            .env_clear()
            .env("PATH", "/opt/testbed/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .envs([("USER", user), ("LOGNAME", user), ("HOME", home), ("SHELL", "/bin/sh")]);
        Ok(enter)
    }

    /// Pulls the plug; `power_off` waits for the effect.
    pub(super) fn unplug(&mut self) {
        if let Some(mut plug) = self.guard.stdin.take() {
            let _ = plug.write_all(b"\n");
        }
    }

    /// Pulls the plug and waits until every process of the host is gone.
    pub(super) fn power_off(mut self) -> Result<()> {
        self.unplug();
        self.guard.wait().map(drop).doing(|| "wait for the end of a host".to_owned())
    }
}

/// The error for using a host that is off.
pub(super) fn not_up(name: &str) -> TestbedError {
    TestbedError::Io {
        what: format!("run a command on the host {name}"),
        source: std::io::Error::other("it is not up"),
    }
}

fn only_child(pid: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
