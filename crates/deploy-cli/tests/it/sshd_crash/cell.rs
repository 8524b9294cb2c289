//! What is done, what goes wrong in it, and what comes after; in one line, to be replayed.

use std::collections::HashSet;
use std::fmt;

/// The command that the fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// The first deploy of all.
    First,
    Deploy,
    Migrations,
    Rollback,
    Cleanup,
    /// `cap recover` behind a deploy that died between two switches.
    Recover,
}

pub const SCENARIOS: [Scenario; 6] =
    [Scenario::First, Scenario::Deploy, Scenario::Migrations, Scenario::Rollback, Scenario::Cleanup, Scenario::Recover];

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The deployer is killed.
    Kill,
    /// The connection ends.
    Cut,
    /// The connection swallows everything.
    Hole,
    /// A second late.
    Slow,
    /// The step dies by SIGKILL.
    Signal,
    /// The host loses its power and comes back after the run.
    Host,
    /// Ctrl-C.
    Interrupt,
    /// No block is free from here on.
    Full,
    /// No inode is free from here on.
    Inodes,
    ReadOnly,
}

/// With how many of a hundred cells each has: a black hole takes half a minute, and nobody wants to wait for many.
const KINDS: [(Kind, u64); 10] = [
    (Kind::Kill, 26),
    (Kind::Cut, 16),
    (Kind::Hole, 2),
    (Kind::Slow, 4),
    (Kind::Signal, 16),
    (Kind::Host, 12),
    (Kind::Interrupt, 10),
    (Kind::Full, 6),
    (Kind::Inodes, 4),
    (Kind::ReadOnly, 4),
];

impl Kind {
    /// Whether it happens to the host's disk, which must then be a small one of its own.
    pub fn is_of_the_disk(self) -> bool {
        matches!(self, Self::Full | Self::Inodes | Self::ReadOnly)
    }

    /// Whether the binary only waits, and the fault is made from here.
    pub fn is_made_here(self) -> bool {
        self.is_of_the_disk() || matches!(self, Self::Host | Self::Interrupt)
    }

    fn moments(self, letter: char) -> &'static [&'static str] {
        match self {
            Self::Kill | Self::Host => &["before", "begun", "unreported", "after"],
            Self::Cut | Self::Hole => &["before", "begun", "unreported", "after"],
            Self::Signal if "CS".contains(letter) => &["before", "unreported"],
            Self::Signal => &[],
            Self::Slow => &["before", "unreported"],
            Self::Interrupt => &["before", "begun", "unreported"],
            Self::Full | Self::Inodes | Self::ReadOnly => &["before", "begun"],
        }
    }
}

/// What comes after the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// At once a plain deploy of a newer commit.
    DeployAtOnce,
    /// The same when the hosts are quiet and have been looked at.
    Deploy,
    /// `cap recover`, twice.
    Recover,
}

const THEN: [Then; 3] = [Then::DeployAtOnce, Then::Deploy, Then::Recover];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    pub scenario: Scenario,
    pub hosts: usize,
    pub host: String,
    pub site: usize,
    pub moment: String,
    pub kind: Kind,
    pub then: Then,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, hosts, host, site, moment, kind, then } = self;
        write!(f, "{scenario:?} {hosts} {host}.{site}.{moment}.{kind:?} {then:?}")
    }
}

impl Cell {
    /// The reverse of `Display`.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [scenario, hosts, fault, then] = words.as_slice() else { return None };
        let [host, site, moment, kind] = fault.split('.').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            scenario: SCENARIOS.into_iter().find(|known| format!("{known:?}") == *scenario)?,
            hosts: hosts.parse().ok()?,
            host: host.to_owned(),
            site: site.parse().ok()?,
            moment: moment.to_owned(),
            kind: KINDS.into_iter().map(|(kind, _)| kind).find(|known| format!("{known:?}") == kind)?,
            then: THEN.into_iter().find(|known| format!("{known:?}") == *then)?,
        })
    }

    /// The fault as the binary takes it.
    pub fn fault(&self) -> String {
        let kind =
            if self.kind.is_made_here() { "pause".to_owned() } else { format!("{:?}", self.kind).to_lowercase() };
        format!("{}.{}.{}.{kind}", self.host, self.site, self.moment)
    }
}

/// The requests of each host in a run that nothing happens to, as the letters of the runner's protocol.
pub type Sites = Vec<(String, Vec<char>)>;

/// Every cell. A host is asked the same whatever others there are.
pub fn all(sites: &mut dyn FnMut(Scenario) -> Sites) -> Vec<Cell> {
    let mut found = Vec::new();
    for scenario in SCENARIOS {
        let sites = sites(scenario);
        for hosts in 1..=sites.len() {
            for (host, letters) in &sites[..hosts] {
                for (site, letter) in letters.iter().enumerate() {
                    let faults =
                        KINDS.into_iter().flat_map(|(kind, _)| kind.moments(*letter).iter().map(move |m| (kind, *m)));
                    for ((kind, moment), then) in faults.flat_map(|fault| THEN.map(|then| (fault, then))) {
                        let (host, moment) = (host.clone(), moment.to_owned());
                        found.push(Cell { scenario, hosts, host, site, moment, kind, then });
                    }
                }
            }
        }
    }
    found
}

/// So many of them, the same for the same seed.
pub fn sample(cells: &[Cell], seed: u64, count: usize) -> Vec<Cell> {
    let mut dice = seed;
    let mut roll = move |end: usize| {
        // SplitMix64.
        dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    };
    let (mut taken, mut known) = (Vec::new(), HashSet::new());
    while taken.len() < count.min(cells.len() / 100) {
        let mut percent = roll(100) as u64;
        let kind = KINDS.into_iter().find(|(_, share)| match percent.checked_sub(*share) {
            Some(rest) => {
                percent = rest;
                false
            }
            None => true,
        });
        let scenario = SCENARIOS[roll(SCENARIOS.len())];
        let of_kind: Vec<&Cell> = cells
            .iter()
            .filter(|cell| Some(cell.kind) == kind.map(|(kind, _)| kind) && cell.scenario == scenario)
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        let cell = of_kind[roll(of_kind.len())];
        if known.insert(cell) {
            taken.push(cell.clone());
        }
    }
    taken
}

#[test]
fn a_cell_is_a_line_and_back() {
    let sites = |_: Scenario| (1..=3).map(|n| (format!("web{n}"), vec!['L', 'S', 'C'])).collect();
    let cells = all(&mut { sites });
    assert!(cells.len() > 1_000);
    assert!(cells.iter().all(|cell| Cell::parse(&cell.to_string()).as_ref() == Some(cell)));
    let once = sample(&cells, 7, 10);
    assert_eq!((once.len(), &once), (10, &sample(&cells, 7, 10)));
    assert_ne!(once, sample(&cells, 8, 10));
}
