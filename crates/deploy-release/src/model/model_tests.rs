//! The filesystem in memory by itself: paths, faults, power cuts.

use super::*;

fn tree() -> Tree {
    Tree::new("/home/deploy")
}

#[test]
fn paths_lead_through_links() {
    let mut t = tree();
    for dir in ["/a/b/c", "/x"] {
        assert_eq!(t.mkdir_p(dir), Ok(true));
    }
    assert_eq!(t.symlink("/a/b", "/x/abs"), Ok(true));
    assert_eq!(t.symlink("../a/b/c/..", "/x/rel"), Ok(true));
    assert_eq!(t.symlink("round", "/x/round"), Ok(true));
    assert!(t.same("/x/abs", "/a/b") && t.same("/x/rel", "/a/b") && t.is_dir("/x/abs/c"));
    assert!(t.is_link("/x/round") && !t.exists("/x/round"));
    assert_eq!(t.write("/x/abs/f", b"1"), Ok(true));
    assert_eq!(t.read("/a/b/f").as_deref(), Some(&b"1"[..]));
    assert_eq!(t.mkdir("/no/such"), Ok(false));
    assert_eq!(t.rm_f("/a"), Ok(false));
    // Into the directory that a link names, as `mv` and `ln` do.
    assert_eq!(t.mv("/a/b/f", "/x/abs/c"), Ok(true));
    assert!(t.exists("/a/b/c/f"));
    assert_eq!(t.rm_rf("/x"), Ok(true));
    assert!(t.exists("/a/b/c/f"), "links are not followed");
    assert_eq!(t.names("/"), ["a", "home"]);
}

#[test]
fn faults_come_at_their_change() {
    let trap = |after, kind| Some(Trap { after, kind });
    let mut t = tree();
    t.set_trap(trap(1, TrapKind::Die));
    assert_eq!((t.mkdir("/a"), t.mkdir("/b")), (Ok(true), Err(Died)));
    assert_eq!(t.names("/"), ["a", "home"]);
    t.set_trap(trap(0, TrapKind::Fail));
    assert_eq!((t.mkdir("/b"), t.mkdir("/b")), (Ok(false), Ok(true)));
    t.set_trap(trap(1, TrapKind::Tear));
    assert_eq!(t.write("/f", b"1234"), Err(Died));
    assert_eq!(t.read("/f").as_deref(), Some(&b"12"[..]));
    t.set_trap(trap(0, TrapKind::ReadOnly));
    assert_eq!((t.rm_f("/f"), t.mv("/f", "/g"), t.append("/f", b"x")), (Ok(false), Ok(false), Ok(false)));
    t.mend();
    assert_eq!(t.rm_f("/f"), Ok(true));
}

#[test]
fn a_full_disk_takes_what_needs_no_room() {
    let mut t = tree();
    assert_eq!((t.write("/big", &[b'x'; 5000]), t.mkdir("/d")), (Ok(true), Ok(true)));
    assert_eq!(t.symlink("/d", "/l"), Ok(true));
    t.set_trap(Some(Trap { after: 0, kind: TrapKind::Full }));
    assert_eq!(
        (t.symlink("/d", "/m"), t.mkdir("/e"), t.append("/big", &[b'x'; 5000])),
        (Ok(false), Ok(false), Ok(false))
    );
    assert_eq!((t.append("/big", b"tail"), t.mv("/l", "/k")), (Ok(true), Ok(true)), "room in the last block; a rename");
    assert_eq!((t.rm_f("/big"), t.mkdir("/e")), (Ok(true), Ok(true)), "what is removed makes room");
}

#[test]
fn a_power_cut_takes_what_was_not_flushed() {
    let base = {
        let mut t = tree();
        t.watch_durability();
        assert_eq!((t.write("/log", b"1"), t.sync(), t.append("/log", b"2")), (Ok(true), Ok(true), Ok(true)));
        assert_eq!((t.write("/f", b"data"), t.mv("/f", "/g")), (Ok(true), Ok(true)));
        t
    };
    let mut named = base.clone();
    named.cut_power(true);
    assert_eq!((named.read("/log").as_deref(), named.read("/g").as_deref()), (Some(&b"1"[..]), Some(&b""[..])));
    let mut undone = base;
    undone.cut_power(false);
    assert_eq!((undone.read("/log").as_deref(), undone.exists("/g")), (Some(&b"1"[..]), false));
}
