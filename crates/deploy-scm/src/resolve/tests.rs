//! Tables of answers and what they are taken to mean.

use super::*;
use crate::RepositoryUrl;

const A: &str = "aaaa000000000000000000000000000000000001";
const B: &str = "bbbb000000000000000000000000000000000002";

fn git() -> Source {
    Source::new(ScmKind::Git, RepositoryUrl::parse("git://h/x.git").unwrap())
}

fn svn() -> Source {
    Source::new(ScmKind::Subversion, RepositoryUrl::parse("svn://h/x/branches/1.2").unwrap())
}

fn out(stdout: &str) -> QueryOutput {
    QueryOutput { code: Some(0), stdout: stdout.as_bytes().to_vec(), stderr: Vec::new() }
}

fn failed(stderr: &str) -> QueryOutput {
    QueryOutput { code: Some(1), stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() }
}

/// Plays the answers in order.
fn play(source: &Source, wanted: &str, answers: &[QueryOutput]) -> Result<Pinned, ScmError> {
    let (mut resolver, mut state) = Resolver::start(source, wanted)?;
    for answer in answers {
        let Resolution::Ask(query) = state else { panic!("asks no more") };
        state = resolver.answer(&query, answer)?;
    }
    match state {
        Resolution::Pinned(pinned) => Ok(pinned),
        Resolution::Ask(query) => panic!("asks {:?}", query.argv),
    }
}

#[test]
fn git_names() {
    let branch = format!("{A}\trefs/heads/main\n");
    let tag = format!("{A}\trefs/tags/v1\n{B}\trefs/tags/v1^{{}}\n");
    for (wanted, answer, revision, label, name) in [
        ("main", branch.as_str(), A, "branch main", Some("main")),
        ("heads/main", &branch, A, "branch main", Some("main")),
        ("refs/heads/main", &branch, A, "branch main", Some("main")),
        ("v1", &tag, B, "tag v1", Some("v1")),
        ("HEAD", &format!("{A}\tHEAD\n"), A, "HEAD", None),
        ("x", &format!("{A}\trefs/heads/x\n{A}\trefs/tags/x\n"), A, "branch x", Some("x")),
        ("x", &format!("{B}\trefs/heads/a/refs/heads/x\n{A}\trefs/heads/x\n"), A, "branch x", Some("x")),
    ] {
        let pinned = play(&git(), wanted, &[out(answer)]).unwrap();
        assert_eq!((pinned.revision.as_str(), pinned.label.as_str(), pinned.name.as_deref()), (revision, label, name));
    }
}

#[test]
fn git_full_hashes() {
    let named = play(&git(), &A.to_uppercase(), &[out(&format!("{A}\trefs/heads/main\n"))]).unwrap();
    assert_eq!((named.revision.as_str(), named.unverified), (A, None));
    let other = out(&format!("{B}\trefs/heads/main\n"));
    let asked = play(&git(), A, &[other.clone(), out("")]).unwrap();
    assert_eq!((asked.revision.as_str(), asked.unverified), (A, None));
    let gone = failed(&format!("fatal: remote error: upload-pack: not our ref {A}\n"));
    assert!(matches!(play(&git(), A, &[other.clone(), gone]), Err(ScmError::NotFound { .. })));
    // Where the repository does not say, the hosts will.
    let refused = failed(&format!("error: Server does not allow request for unadvertised object {A}\n"));
    let taken = play(&git(), A, &[other, refused]).unwrap();
    assert!(taken.unverified.unwrap().contains("does not allow"));
    let taken = play(&git(), A, &[failed("fatal: unable to connect to h\n")]).unwrap();
    assert_eq!((taken.revision.as_str(), taken.unverified.as_deref()), (A, Some("fatal: unable to connect to h")));
}

#[test]
fn git_refusals() {
    let both = format!("{A}\trefs/heads/x\n{B}\trefs/tags/x\n");
    let error = play(&git(), "x", &[out(&both)]).unwrap_err();
    assert_eq!(error.to_string(), format!("\"x\" is ambiguous in git://h/x.git: branch x is {A}, tag x is {B}"));
    let all = format!("{A}\tHEAD\n{A}\trefs/heads/main\n{A}\trefs/heads/feature/login\n{B}\trefs/tags/v1\n");
    let error = play(&git(), "mian", &[out(""), out(&all)]).unwrap_err();
    assert_eq!(error.to_string(), "there is no \"mian\" in git://h/x.git; did you mean main?");
    let error = play(&git(), "login", &[out(""), out(&all)]).unwrap_err();
    assert!(matches!(error, ScmError::NotFound { nearest, .. } if nearest == ["feature/login"]));
    let error = play(&git(), "origin/main", &[]).unwrap_err();
    assert!(error.to_string().contains("write \"main\""), "{error}");
    let error = play(&git(), "main", &[failed("Cloning\nfatal: unable to connect to h\n")]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the repository git://h/x.git: fatal: unable to connect to h; Cloning");
    let said = "git@h: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
    let error = play(&git(), "main", &[failed(said)]).unwrap_err().to_string();
    assert!(
        error.ends_with(": fatal: Could not read from remote repository.; git@h: Permission denied (publickey)."),
        "{error}"
    );
    assert!(matches!(play(&git(), "main", &[out("garbage\n")]), Err(ScmError::Answer { .. })));
    let missing = QueryOutput { code: None, stdout: vec![], stderr: b"No such file".to_vec() };
    assert_eq!(play(&git(), "main", &[missing]), Err(ScmError::MissingProgram { program: "git".into() }));
}

#[test]
fn git_short_hashes() {
    let all = format!("{A}\trefs/heads/main\n{A}\trefs/tags/t\n{B}\trefs/heads/b\n");
    assert_eq!(play(&git(), "aaaa00", &[out(""), out(&all)]).unwrap().revision.as_str(), A);
    let local = play(&git(), "cccc", &[out(""), out(&all), out(&format!("{B}\n"))]).unwrap();
    assert_eq!((local.revision.as_str(), local.label.as_str()), (B, "commit cccc"));
    assert!(matches!(play(&git(), "cccc", &[out(""), out(&all), failed("")]), Err(ScmError::NotFound { .. })));
    let twins = format!("{A}\trefs/heads/main\n{}2\trefs/heads/b\n", &A[..39]);
    assert!(matches!(play(&git(), "aaaa", &[out(""), out(&twins)]), Err(ScmError::Ambiguous { .. })));
}

#[test]
fn svn_numbers() {
    let info = |rev: u32, last: u32| {
        format!("Path: x\nURL: u\nRevision: {rev}\nNode Kind: directory\nLast Changed Rev: {last}\n")
    };
    for (wanted, answer, revision) in
        [("HEAD", info(9, 7), "9"), ("r7", info(7, 7), "7"), ("{2026-01-01}", info(3, 3), "3")]
    {
        let pinned = play(&svn(), wanted, &[out(&answer)]).unwrap();
        assert_eq!((pinned.revision.as_str(), pinned.label.as_str()), (revision, "branches/1.2"));
    }
    let error = play(&svn(), "99", &[failed("svn: E160006: No such revision 99\n")]).unwrap_err();
    assert_eq!(error.to_string(), "there is no \"99\" in svn://h/x/branches/1.2");
    let error =
        play(&svn(), "HEAD", &[failed("svn: E170013: Unable to connect\nsvn: E000111: refused\n")]).unwrap_err();
    assert!(error.to_string().ends_with("svn: E170013: Unable to connect; svn: E000111: refused"), "{error}");
    assert!(matches!(play(&svn(), "HEAD", &[out("")]), Err(ScmError::Answer { .. })));
    assert!(play(&svn(), "BASE", &[]).is_err());
}

#[test]
fn passwords_stay_out_of_argv() {
    let with = |kind, url: &str| Source::new(kind, RepositoryUrl::parse(url).unwrap());
    for source in [with(ScmKind::Git, "https://al:s3cret@h/x"), with(ScmKind::Subversion, "https://al:s3cret@h/x")] {
        let (mut resolver, Resolution::Ask(query)) = Resolver::start(&source, "HEAD").unwrap() else { panic!("asks") };
        assert!(!format!("{query:?}").contains("s3cret"));
        let held = query.stdin.iter().chain(query.secret_env.iter().map(|(_, v)| v)).any(|s| s.reveal() == "s3cret");
        assert!(held, "{query:?}");
        let crate::Detection::Ask(asking) = crate::detect(&source.url) else { panic!("asks") };
        assert!(asking.iter().all(|q| q.stdin.is_some() || q.secret_env.len() == 1));
        let error = resolver.answer(&query, &failed("fatal: s3cret is wrong")).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn the_deployer_may_have_another_address() {
    for (mut source, word) in [(git(), 2), (svn(), 5)] {
        source.local_url = Some(RepositoryUrl::parse("file:///srv/local").unwrap());
        let (_, Resolution::Ask(query)) = Resolver::start(&source, "HEAD").unwrap() else { panic!("asks") };
        assert!(query.argv[word].starts_with("file:///srv/local"), "{:?}", query.argv);
    }
}
