//! Making the layout and building a release.

use deploy_inventory::HostId;
use deploy_plan::{
    BuiltinItem, Op, Problem, ProblemKind, Purpose, ReleaseId, ReleaseState, RemotePath, Slot, StepClass, UpdateCode,
    Work,
};
use indexmap::IndexMap;

use super::draft::{Draft, NewStep};
use super::{Building, Planner};

impl Planner {
    pub(super) fn setup(
        &mut self,
        item: &BuiltinItem,
        directories: &[RemotePath],
        group_writable: bool,
        draft: &mut Draft,
    ) {
        let mut ops: Vec<Op> = directories.iter().map(|path| Op::MakeDir { path: path.clone() }).collect();
        if group_writable {
            ops.extend(directories.iter().map(|path| Op::GroupWritable { path: path.clone(), recursive: false }));
        }
        if let Some(context) = &self.context {
            ops.push(Op::MakeStateDir { path: context.layout.state(), group: context.layout.group_writable });
        }
        let title = match directories.first() {
            Some(first) => format!("make {first} and the directories in it"),
            None => "make the directories".to_owned(),
        };
        let step = NewStep::same(Slot::Setup, title.clone(), &item.hosts, &ops)
            .from(&item.task, item.site.as_ref(), item.sudo)
            .within(120);
        draft.merge(Slot::Setup, title, vec![step], &mut self.handlers);
    }

    pub(super) fn small_ops(&mut self, item: &BuiltinItem, title: &str, ops: &[Op], undo: &[Op], draft: &mut Draft) {
        let slot = self.command_slot();
        let hosts = self.that_need(slot, &item.hosts);
        if hosts.is_empty() {
            return;
        }
        self.built_on(&hosts);
        let mut step = NewStep::same(slot, title, &hosts, ops)
            .from(&item.task, item.site.as_ref(), item.sudo)
            .class(StepClass::Probe);
        if !undo.is_empty() {
            step = step.undo(hosts.iter().map(|host| (host.clone(), undo.to_vec())).collect());
        }
        draft.merge(slot, title, vec![step], &mut self.handlers);
    }

    pub(super) fn update_code(
        &mut self,
        item: &BuiltinItem,
        update: &UpdateCode,
        draft: &mut Draft,
    ) -> Result<(), Problem> {
        let what = || format!("build release {}", update.release);
        if let Some(building) = &self.building {
            let why = format!("this run builds {} already; one run makes one release", building.update.release);
            return Err(Problem::new(ProblemKind::Unsupported, what(), why).at(item.site.clone()));
        }
        if self.published.is_some() {
            let why = "this run has published a release already";
            return Err(Problem::new(ProblemKind::Unsupported, what(), why).at(item.site.clone()));
        }
        let hosts = self.that_need(Slot::Build, &item.hosts);
        let item = &BuiltinItem { hosts, ..item.clone() };
        self.building = Some(Building {
            update: update.clone(),
            hosts: item.hosts.clone(),
            sudo: item.sudo,
            task: item.task.clone(),
            site: item.site.clone(),
            unsealed: item.hosts.iter().cloned().collect(),
            migrating: false,
        });
        if item.hosts.is_empty() {
            return Ok(());
        }
        let steps = vec![self.claim(item, update)?, self.checkout(item, update)?, self.finalize(item, update)?];
        let steps = steps.into_iter().flatten().collect();
        draft.merge(Slot::Build, what(), steps, &mut self.handlers);
        Ok(())
    }

    /// Where the claim fails nothing is undone: what is there then is not ours.
    fn claim(&mut self, item: &BuiltinItem, update: &UpdateCode) -> Result<Option<NewStep>, Problem> {
        let release = self.context()?.layout.release(&update.release);
        let mut ops = IndexMap::new();
        for host in &item.hosts {
            let mut here = self.adopt(host)?;
            self.unit(host)?;
            for left in self.context()?.left_by_dead_runs(host) {
                if !left.unwritten {
                    here.push(Op::Record(self.entry(host, &left.id, ReleaseState::Failed)?));
                }
                here.push(Op::RemoveRelease { release: left.id.clone() });
            }
            here.extend(self.make_way(host, &update.release)?);
            if self.unit(host)?.trash > 0 {
                here.push(Op::EmptyTrash);
            }
            here.push(Op::ClaimRelease { release: release.clone() });
            here.push(Op::Record(self.entry(host, &update.release, ReleaseState::Building)?));
            here.extend(self.begin(host, &update.release)?);
            ops.insert(host.clone(), here);
        }
        let step = NewStep::new(Slot::Build, format!("claim releases/{}", update.release), Work::Ops(ops));
        Ok(Some(step.from(&item.task, item.site.as_ref(), item.sudo).class(StepClass::Probe).within(900)))
    }

    /// Where a host is to catch up with others, a half-made release of that name may lie there.
    fn make_way(&self, host: &HostId, release: &ReleaseId) -> Result<Vec<Op>, Problem> {
        let context = self.context()?;
        let known = self.unit(host)?.history.get(release).filter(|known| known.present);
        let goes = context.left_by_dead_runs(host).iter().any(|left| left.id == *release);
        if context.purpose != Purpose::CatchUp || known.is_none() || goes {
            return Ok(Vec::new());
        }
        let failed = Op::Record(self.entry(host, release, ReleaseState::Failed)?);
        Ok(vec![failed, Op::RemoveRelease { release: release.clone() }])
    }

    fn checkout(&self, item: &BuiltinItem, update: &UpdateCode) -> Result<Option<NewStep>, Problem> {
        let release = self.context()?.layout.release(&update.release);
        let mut ops = update.checkout.clone();
        if update.write_revision {
            let content = format!("{}\n", update.revision);
            ops.push(Op::WriteFile { path: release.join("REVISION"), content, mode: None });
        }
        let mut undo = IndexMap::new();
        for host in &item.hosts {
            let failed = self.entry(host, &update.release, ReleaseState::Failed)?;
            undo.insert(host.clone(), vec![Op::AbandonRelease { failed }]);
        }
        let title = format!("check out {} into releases/{}", update.revision.short(), update.release);
        let mut step = NewStep::same(Slot::Build, title, &item.hosts, &ops)
            .from(&item.task, item.site.as_ref(), item.sudo)
            .class(StepClass::Probe)
            .undo(undo);
        // A permission, not a demand: the checkout may use the agent where the recipe forwards it.
        step.forward_agent = true;
        Ok(Some(step))
    }

    fn finalize(&self, item: &BuiltinItem, update: &UpdateCode) -> Result<Option<NewStep>, Problem> {
        let release = self.context()?.layout.release(&update.release);
        let mut ops = Vec::new();
        if update.group_writable {
            ops.push(Op::GroupWritable { path: release.clone(), recursive: true });
        }
        ops.extend(
            update
                .links
                .iter()
                .map(|link| Op::ReplaceWithLink { at: release.join(&link.at), target: link.target.clone() }),
        );
        if let Some(assets) = &update.assets {
            let (children, stamp) = (assets.children.clone(), assets.stamp.clone());
            ops.push(Op::TouchAssets { release, children, stamp });
        }
        if ops.is_empty() {
            return Ok(None);
        }
        let step = NewStep::same(Slot::Build, "link what is shared", &item.hosts, &ops);
        Ok(Some(step.from(&item.task, item.site.as_ref(), item.sudo).within(900)))
    }

    /// Completes the release on every host that has not been sealed: behind the host's last work where that is part of
    /// this segment (no round trip of its own), else in a phase of its own.
    pub(super) fn seal(&mut self, draft: &mut Draft) -> Result<(), Problem> {
        let Some(building) = self.building.clone().filter(|building| !building.unsealed.is_empty()) else {
            return Ok(());
        };
        let mut places: IndexMap<Option<usize>, Vec<HostId>> = IndexMap::new();
        for host in &building.unsealed {
            places.entry(draft.last_with(host)).or_default().push(host.clone());
        }
        for (place, hosts) in places {
            let step = self.seal_step(&building, &hosts)?;
            match place {
                Some(index) => draft.append_to(index, step),
                None => {
                    let title = format!("finish release {}", building.update.release);
                    draft.alone(Slot::Build, title, step, &mut self.handlers);
                }
            }
        }
        if let Some(building) = &mut self.building {
            building.unsealed.clear();
        }
        Ok(())
    }

    /// No schema is changed for a release that some host cannot complete. Once: what the migrations and what comes between
    /// them leave in the release is sealed before the switch.
    pub(super) fn seal_before_migrating(&mut self, draft: &mut Draft) -> Result<(), Problem> {
        if self.published.is_some() || self.building.as_ref().is_none_or(|building| building.migrating) {
            return Ok(());
        }
        self.seal(draft)?;
        if let Some(building) = &mut self.building {
            building.migrating = true;
        }
        Ok(())
    }

    /// The same for hosts where it can follow other work of this segment; the rest stays as it is.
    pub(super) fn seal_on_the_way(&mut self, draft: &mut Draft) -> Result<(), Problem> {
        let Some(building) = self.building.clone() else { return Ok(()) };
        let mut places: IndexMap<usize, Vec<HostId>> = IndexMap::new();
        for host in &building.unsealed {
            if let Some(place) = draft.last_with(host) {
                places.entry(place).or_default().push(host.clone());
            }
        }
        for (place, hosts) in places {
            let step = self.seal_step(&building, &hosts)?;
            draft.append_to(place, step);
            if let Some(building) = &mut self.building {
                building.unsealed.retain(|host| !hosts.contains(host));
            }
        }
        Ok(())
    }

    /// More work on hosts while a release is being built: where it is sealed already, it is not any more.
    pub(super) fn built_on(&mut self, hosts: &[HostId]) {
        if self.published.is_some() {
            return;
        }
        if let Some(building) = &mut self.building {
            let more: Vec<HostId> = hosts.iter().filter(|host| building.hosts.contains(host)).cloned().collect();
            building.unsealed.extend(more);
        }
    }

    fn seal_step(&self, building: &Building, hosts: &[HostId]) -> Result<NewStep, Problem> {
        let update = &building.update;
        let release = self.context()?.layout.release(&update.release);
        let mut ops = IndexMap::new();
        for host in hosts {
            let mut here = vec![Op::CheckLinks { release: release.clone(), refuse: update.refuse_dangling }];
            if update.flush {
                here.push(Op::Flush { path: release.clone() });
            }
            here.push(Op::Record(self.entry(host, &update.release, ReleaseState::Ready)?));
            here.push(Op::ReadyLink { release: update.release.clone() });
            ops.insert(host.clone(), here);
        }
        let step = NewStep::new(Slot::Build, format!("finish releases/{}", update.release), Work::Ops(ops));
        Ok(step.from(&building.task, building.site.as_ref(), building.sudo).within(900))
    }

    /// Records about releases that other tools made or removed, once per host and run: it fixes their order for good.
    pub(super) fn adopt(&mut self, host: &HostId) -> Result<Vec<Op>, Problem> {
        if !self.adopted.insert(host.clone()) {
            return Ok(Vec::new());
        }
        let history = &self.unit(host)?.history;
        let unwritten: Vec<_> = history.unwritten().map(|release| (release.id.clone(), release.state)).collect();
        unwritten.into_iter().map(|(id, state)| self.entry(host, &id, state).map(Op::Record)).collect()
    }
}
