//! Files and trees to and from a real server and this machine: whole, with their modes, or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use deploy_transport::transfer::{
    Download, Existing, Progress, Source, TransferProblem, Upload, download, read, upload,
};
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{connector, environment};

/// Sessions of every kind that can run here.
async fn sessions(home: &Path) -> Vec<(Arc<dyn Session>, Option<Sshd>)> {
    let local = LocalConnector.connect(&Target::new("localhost", "me", &environment(home))).await.unwrap();
    let mut all: Vec<(Arc<dyn Session>, Option<Sshd>)> = vec![(local, None)];
    if let Some(sshd) = Sshd::start("") {
        all.push((connector().connect(&sshd.target()).await.unwrap(), Some(sshd)));
    }
    all
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn quiet(_: Progress) {}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("it's a file");
    let content: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&from, &content).unwrap();
    fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).unwrap();
    for (index, (session, _server)) in sessions(dir.path()).await.into_iter().enumerate() {
        let there = dir.path().join(format!("there {index}"));
        fs::create_dir(&there).unwrap();
        let to = format!("{}/", there.display());
        let mut seen = Vec::new();
        let sent = upload(&*session, "web1", &Upload::new(Source::File(from.clone()), to), &mut |p| seen.push(p)).await;
        assert_eq!(sent.unwrap(), 12_000_000);
        let arrived = there.join("it's a file");
        assert!(fs::read(&arrived).unwrap() == content);
        assert_eq!((mode(&arrived), names(&there).len()), (0o640, 1));
        assert_eq!(seen.last(), Some(&Progress { bytes: 12_000_000, total: Some(12_000_000) }));
        assert!(seen.windows(2).all(|pair| pair[0].bytes < pair[1].bytes));
        // Over an existing one, with another mode, and back.
        let data = Upload { mode: Some(0o600), ..Upload::new(Source::Bytes("new".into()), arrived.to_str().unwrap()) };
        upload(&*session, "web1", &data, &mut quiet).await.unwrap();
        assert_eq!((fs::read_to_string(&arrived).unwrap().as_str(), mode(&arrived)), ("new", 0o600));
        let back = dir.path().join(format!("back {index}"));
        download(&*session, "web1", &Download::new(arrived.to_str().unwrap(), &back), &mut quiet).await.unwrap();
        assert_eq!((fs::read_to_string(&back).unwrap().as_str(), mode(&back)), ("new", 0o600));
        let text = read(&*session, "web1", arrived.to_str().unwrap(), 3).await.unwrap();
        assert_eq!(text, b"new");
        let error = read(&*session, "web1", arrived.to_str().unwrap(), 2).await.unwrap_err();
        assert!(matches!(error.problem, TransferProblem::TooLarge(2)), "{error}");
    }
}

fn tree(root: &Path) {
    fs::create_dir_all(root.join("a/empty")).unwrap();
    fs::write(root.join("a/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.join("a/run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join(format!("long {}", "n".repeat(150))), vec![7; 300_000]).unwrap();
    symlink("../a/run", root.join("a/link")).unwrap();
    symlink("/nowhere", root.join("dangling")).unwrap();
    fs::set_permissions(root.join("a/empty"), fs::Permissions::from_mode(0o500)).unwrap();
}

fn listing(root: &Path) -> String {
    let text = "find . -printf '%p %y %m %l\\n' | sort; find . -type f -exec cksum {} + | sort";
    let output = Command::new("sh").args(["-c", text]).current_dir(root).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_tree_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("tree");
    tree(&from);
    let expected = listing(&from);
    for (index, (session, _server)) in sessions(dir.path()).await.into_iter().enumerate() {
        let there = dir.path().join(format!("there{index}"));
        let mut send = Upload::new(Source::Tree(from.clone()), there.to_str().unwrap());
        upload(&*session, "web1", &send, &mut quiet).await.unwrap();
        assert_eq!(listing(&there), expected);
        // Added to what is there.
        fs::write(there.join("own"), "kept").unwrap();
        fs::write(there.join("a/run"), "changed").unwrap();
        upload(&*session, "web1", &send, &mut quiet).await.unwrap();
        assert_eq!(fs::read_to_string(there.join("own")).unwrap(), "kept");
        assert_eq!(fs::read_to_string(there.join("a/run")).unwrap(), "#!/bin/sh\n");
        fs::remove_file(there.join("own")).unwrap();
        assert_eq!(listing(&there), expected);
        // Inside what is there.
        send.existing = Existing::Inside;
        upload(&*session, "web1", &send, &mut quiet).await.unwrap();
        assert_eq!(listing(&there.join("tree")), expected);
        let back = dir.path().join(format!("back{index}"));
        let fetch = Download::new(format!("{}/tree", there.display()), &back);
        download(&*session, "web1", &fetch, &mut quiet).await.unwrap();
        assert_eq!(listing(&back), expected);
        // A second time it goes inside under its own name, and then there is something already.
        download(&*session, "web1", &fetch, &mut quiet).await.unwrap();
        assert_eq!(listing(&back.join("tree")), expected);
        let error = download(&*session, "web1", &fetch, &mut quiet).await.unwrap_err();
        assert!(matches!(error.problem, TransferProblem::Local { .. }), "{error}");
        assert!(names(dir.path()).iter().all(|name| !name.starts_with(".capstan")), "{:?}", names(dir.path()));
    }
}

#[tokio::test]
async fn what_breaks_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (session, _server) in sessions(dir.path()).await {
        let place = dir.path().join("place");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("file"), "old").unwrap();
        // A file that changes while it is sent is not what was announced.
        let to = place.join("file");
        let problem = |text: &str, error: transfer::TransferError| {
            let mut said = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                said.push_str(&format!(": {error}"));
                source = error.source();
            }
            assert!(said.contains(text) && said.contains("web1"), "{said}");
        };
        let missing = Upload::new(Source::File(dir.path().join("missing")), to.to_str().unwrap());
        problem("missing", upload(&*session, "web1", &missing, &mut quiet).await.unwrap_err());
        let nowhere = Upload::new(Source::Bytes("x".into()), "/nonexistent/place/file");
        problem("nonexistent", upload(&*session, "web1", &nowhere, &mut quiet).await.unwrap_err());
        let full = Upload::new(Source::Bytes(vec![0; 9_000_000].into()), "/dev/full/x");
        problem("sending", upload(&*session, "web1", &full, &mut quiet).await.unwrap_err());
        let gone = Download::new("/nonexistent/x", dir.path().join("got"));
        problem("no such file", download(&*session, "web1", &gone, &mut quiet).await.unwrap_err());
        let onto = Download::new(to.to_str().unwrap(), dir.path().join("no/such/place"));
        assert!(download(&*session, "web1", &onto, &mut quiet).await.is_err());
        assert_eq!((fs::read_to_string(&to).unwrap().as_str(), names(&place)), ("old", vec!["file".to_owned()]));
        assert_eq!(names(dir.path()), ["place"]);
    }
}

/// Whether a process still has the file.
fn is_open(path: &Path) -> bool {
    let entries = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten().collect::<Vec<_>>();
    entries(Path::new("/proc"))
        .iter()
        .flat_map(|process| entries(&process.path().join("fd")))
        .any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == path))
}

/// Where a broken connection left it a big file goes on, if what is there is really its beginning.
#[tokio::test]
async fn a_big_file_goes_on_where_it_was_cut() {
    const SIZE: u64 = 48_000_000;
    let Some(sshd) = Sshd::start("") else { return };
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("big");
    let content: Vec<u8> = (0..SIZE as u32 / 4).flat_map(u32::to_le_bytes).collect();
    fs::write(&from, &content).unwrap();
    let there = dir.path().join("there");
    fs::create_dir(&there).unwrap();
    let to = there.join("arrived");
    fs::write(&to, "old").unwrap();
    let file = Upload::new(Source::File(from.clone()), to.to_str().unwrap());
    let part = || -> std::path::PathBuf {
        let found: Vec<_> = names(&there).into_iter().filter(|name| name.starts_with(".capstan-part-")).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        there.join(&found[0])
    };
    // Cut in the middle, and then whatever is done to what is there.
    let tampering: [fn(&Path); 3] = [
        |_| {},
        |part| fs::write(part, vec![7; 1_000_000]).unwrap(),
        |part| {
            fs::remove_file(part).unwrap();
            symlink("/etc/hostname", part).unwrap();
        },
    ];
    for (index, tamper) in tampering.into_iter().enumerate() {
        let session = connector().connect(&sshd.target()).await.unwrap();
        let mut cut = |progress: Progress| {
            if progress.bytes > SIZE / 2 {
                sshd.signal_sessions(rustix::process::Signal::KILL);
            }
        };
        let error = upload(&*session, "web1", &file, &mut cut).await.unwrap_err();
        assert!(matches!(error.problem, TransferProblem::Lost(_)), "{error:?}");
        assert_eq!(fs::read(&to).unwrap() == content, index > 0);
        // What was on the way still arrives.
        while is_open(&part()) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let size = part().metadata().unwrap().len();
        assert!(size > 0 && size < SIZE, "{size}");
        assert_eq!(mode(&part()), 0o600);
        tamper(&part());
        let session = connector().connect(&sshd.target()).await.unwrap();
        let mut first = None;
        let mut note = |progress: Progress| {
            first.get_or_insert(progress.bytes);
        };
        let sent = upload(&*session, "web1", &file, &mut note).await.unwrap();
        let expected = if index == 0 { SIZE - size } else { SIZE };
        assert_eq!(sent, expected, "{index}");
        assert!(first.unwrap() > SIZE - expected && session.stats().bytes_out < expected + expected / 10, "{index}");
        assert!(fs::read(&to).unwrap() == content, "{index}");
        assert_eq!((names(&there), mode(&to)), (vec!["arrived".to_owned()], mode(&from)), "{index}");
    }
    assert!(fs::read_to_string("/etc/hostname").unwrap().len() < 1000);
}
