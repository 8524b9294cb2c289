//! Mistakes planted in the machinery itself: the harness must find each of them.

use deploy_engine::Mode;
use deploy_plan::{Layout, Op, ReleaseState, RunId};
use deploy_release::CompileContext;
use deploy_release::model::{Died, Status, Tree, apply};
use std::sync::{Arc, Mutex};

use super::cells::singles;
use super::fault::Kind;
use super::scenario::{Case, Scenario, Seen, check, one_run, recipe};
use super::world::checkout;

/// A mistake that an op could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// `current` is removed and made again.
    GapInSwitch,
    /// A release is recorded as complete with a file missing.
    HalfRelease,
    /// The release that was live is removed when the new one is.
    OldRelease,
    /// The ledger is written anew instead of appended to.
    LedgerRewritten,
    /// The switch goes to another release than the plan says, and says that all is well.
    WrongSwitch,
    /// One host gets other files.
    OneHostDiffers,
    /// A file beside the deployment is written.
    Outside,
    /// A shared file is removed with a link to it.
    Shared,
    /// Something is left in our own directory.
    Leftover,
    /// What is removed is not moved away first.
    HalfRemoved,
    /// A run that comes back to a host takes its own claims for somebody else's.
    ClaimForgotten,
}

const PLANTS: [(Plant, &str); 11] = [
    (Plant::GapInSwitch, "I1"),
    (Plant::HalfRelease, "I2"),
    (Plant::OldRelease, "I5"),
    (Plant::LedgerRewritten, "I9"),
    (Plant::WrongSwitch, "I14"),
    (Plant::OneHostDiffers, "I13"),
    (Plant::Outside, "I18"),
    (Plant::Shared, "I22"),
    (Plant::Leftover, "I19"),
    (Plant::HalfRemoved, "I12"),
    (Plant::ClaimForgotten, "I19"),
];

impl Plant {
    pub fn apply(self, ops: &[Op], cx: &CompileContext<'_>, tree: &mut Tree, host: &str) -> Result<Status, Died> {
        for op in ops {
            self.before(op, cx, tree, host)?;
            let is_skipped = matches!((self, op), (Self::WrongSwitch, Op::Switch { .. } | Op::ReadBack { .. }));
            let status = if is_skipped { 0 } else { apply(op, cx, tree, &checkout)? };
            if status != 0 {
                return Ok(status);
            }
        }
        Ok(0)
    }

    /// What goes wrong before our own directory is taken over.
    pub fn before_entry(self, layout: &Layout, run: &RunId, tree: &mut Tree) {
        let links = tree.spell(&layout.state().join(&format!("links.{run}")));
        let marks: Vec<String> = tree.names(&links).into_iter().filter(|name| name.starts_with(".claim.")).collect();
        for mark in marks.iter().filter(|_| self == Self::ClaimForgotten) {
            assert_eq!(tree.rm_f(&format!("{links}/{mark}")), Ok(true));
        }
    }

    fn before(self, op: &Op, cx: &CompileContext<'_>, tree: &mut Tree, host: &str) -> Result<(), Died> {
        let at = |path: &deploy_plan::RemotePath, tree: &Tree| tree.spell(path);
        match (self, op) {
            (Self::GapInSwitch, Op::Switch { .. }) => {
                let current = at(&cx.layout.current, tree);
                if let Some(text) = tree.readlink(&current) {
                    tree.rm_f(&current)?;
                    tree.symlink(&text, &current)?;
                }
            }
            (Self::HalfRelease, Op::Record(entry)) if entry.state == ReleaseState::Ready => {
                let release = at(&cx.layout.release(&entry.release), tree);
                tree.rm_f(&format!("{release}/app/code.rb"))?;
            }
            (Self::OneHostDiffers, Op::Record(entry)) if entry.state == ReleaseState::Ready && host == "web1" => {
                let release = at(&cx.layout.release(&entry.release), tree);
                tree.write(&format!("{release}/app/code.rb"), b"other")?;
            }
            (Self::OldRelease, Op::AppendLine { .. }) => {
                let releases = at(&cx.layout.releases, tree);
                if let Some(old) = tree.names(&releases).iter().rev().nth(1) {
                    tree.rm_rf(&format!("{releases}/{old}"))?;
                }
            }
            (Self::LedgerRewritten, Op::Record(_)) => {
                tree.write(&at(&cx.layout.state().join("ledger"), tree), b"")?;
            }
            (Self::Outside, Op::AppendLine { .. }) => drop(tree.write("/home/deploy/other/file", b"x")?),
            (Self::Shared, Op::ReplaceWithLink { .. }) => {
                tree.rm_f("/home/deploy/app/shared/log/keep")?;
            }
            (Self::Leftover, Op::AppendLine { .. }) => {
                tree.write(&at(&cx.layout.state().join("tmp.1"), tree), b"x")?;
            }
            (Self::HalfRemoved, Op::AppendLine { .. }) => {
                let releases = at(&cx.layout.releases, tree);
                if let Some(oldest) = tree.names(&releases).first() {
                    tree.rm_f(&format!("{releases}/{oldest}/app/code.rb"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn every_planted_fault_is_found() {
    for (plant, number) in PLANTS {
        let (mut start, cases) = singles(Scenario::Deploy, 2);
        start.planted = Some(plant);
        // Without any fault of the world, then with one in the switch, where that is what shows it.
        let world = Arc::new(Mutex::new(start.fork()));
        one_run(&world, &recipe(&world, Scenario::Deploy.verb(), 10), None, Mode::Real);
        let mut found = std::mem::take(&mut world.lock().unwrap().broken);
        if found.is_empty() && plant != Plant::Leftover {
            let cut = |case: &Case| case.faults[0].kind == Kind::LinkCut && case.faults[0].site < 8;
            let is_telling = |case: &&Case| match plant {
                Plant::ClaimForgotten => cut(case),
                _ => case.faults[0].site == 8,
            };
            let switch = cases.iter().filter(is_telling);
            found = switch.flat_map(|case| check(&start, case, &mut Seen::default())).take(3).collect();
        }
        if plant == Plant::Leftover {
            super::scenario::afterwards(&world);
            found = std::mem::take(&mut world.lock().unwrap().broken);
        }
        let wanted = format!("{number}: ");
        assert!(found.iter().any(|broken| broken.starts_with(&wanted)), "{plant:?} should break {number}: {found:?}");
    }
}

/// A plan reads hosts and changes nothing on them (I24).
#[test]
fn a_plan_changes_nothing() {
    for scenario in super::scenario::SCENARIOS {
        let world = Arc::new(Mutex::new(scenario.start(3)));
        let before = super::scenario::views(&world.lock().unwrap());
        one_run(&world, &recipe(&world, scenario.verb(), 10), None, Mode::Plan);
        let mut world = world.lock().unwrap();
        for (old, new) in before.iter().zip(super::scenario::views(&world)) {
            world.note(deploy_release::invariants::looking_changes_nothing(old, &new));
        }
        assert_eq!(world.broken, Vec::<String>::new());
    }
}
