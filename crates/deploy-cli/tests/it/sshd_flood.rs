//! One host that prints without end: `cap` stays small, and the other hosts do not wait for it.
//!
//! `CAPSTAN_FLOOD_MIB=1024` makes it the gigabyte of the book's figure; the ordinary size is enough to see either go wrong.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Stage, start};

const ALLOWED_KIB: usize = 64 << 10;

/// web1 prints that much and then goes on, slowly enough to be shown at once. The others begin when this test has seen the flood, and it ends
/// when this test has seen their ends: so the order of events is the proof.
const TASK: &str = r#"
task :flood do
  run <<-'SH'
    if test "$(hostname)" != web1; then
    until test -e ~/go; do sleep 0.05; done;
    for n in 1 2 3 4 5; do echo "line $n"; done; echo "others-done"; exit 0; fi;
    head -c SIZE /dev/zero | tr '\0' x | fold -w 4000; echo; echo size-reached;
    until test -e ~/go; do head -c 100000 /dev/zero | tr '\0' x | fold -w 4000; echo; sleep 0.1; done; echo flood-ended
  SH
end
"#;

/// The largest size that a process had so far.
fn peak_kib(child: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_host_that_prints_without_end() {
    let mib: usize = std::env::var("CAPSTAN_FLOOD_MIB").map_or(48, |size| size.parse().unwrap());
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let recipe = format!("{RECIPE}{}", TASK.replace("SIZE", &(mib << 20).to_string()));
    let stage = Stage::with(fleet, Scm::Git, &recipe);
    let go = |host: &str| {
        let home = stage.fleet.host(host).unwrap().root.clone().unwrap().join("home/deploy");
        std::fs::write(home.join("go"), "").unwrap();
    };
    let mut command = stage.command(&["flood"]);
    // What hosts say is shown on standard error; two pipes would need two readers.
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut others, mut bytes, mut events, mut released) = (Vec::new(), 0, 0, Vec::new(), false);
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        let before = bytes;
        bytes += line.len();
        assert!(released || bytes < (mib + mib / 8 + 64) << 20, "the others wait for the flood: {events:?}");
        if before < 1 << 20 && bytes >= 1 << 20 {
            ALL.iter().filter(|host| **host != "web1").for_each(|host| go(host));
        }
        // The recipe's text is shown, too.
        let text = String::from_utf8_lossy(&line);
        events.extend(
            ["others-done", "size-reached", "flood-ended"]
                .into_iter()
                .filter(|event| text.trim_end().ends_with(event) && text.contains("out: ")),
        );
        others = events.iter().filter(|event| **event == "others-done").count();
        if !released && others == 4 && events.len() == 5 {
            released = true;
            let peak = peak_kib(&child);
            println!("{} MiB shown, peak {peak} KiB, {events:?}", bytes >> 20);
            assert!(peak <= ALLOWED_KIB, "{peak} KiB after {bytes} bytes");
            go("web1");
        }
        line.clear();
    }
    assert!(child.wait().unwrap().success(), "{events:?}");
    assert!(bytes >= mib << 20, "all of it is shown: {bytes}");
    assert_eq!((others, events.last()), (4, Some(&"flood-ended")), "{events:?}");
}
