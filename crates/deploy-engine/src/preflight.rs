//! Before the first command of a recipe that is to publish goes to any host: every host is connected to, looked at and
//! locked, as far as it can be.

use deploy_inventory::HostId;
use deploy_plan::{Purpose, Stopped, Transaction};
use deploy_release::{HostFacts, blockers_so_far};
use indexmap::IndexMap;

use crate::engine::Mode;
use crate::open::Lacking;
use crate::run::{Run, is_work};

/// What a look ahead has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// The run may begin.
    Clear,
    /// Something stands against the run: whatever else is on its way to a host (v3 `on`) stops, too.
    Refused,
}

/// What the hosts have been looked at for.
pub(crate) struct Preflight {
    transaction: Transaction,
    facts: IndexMap<HostId, HostFacts>,
}

impl Preflight {
    /// The facts of the hosts of an opening of the same place.
    fn facts_for(mut self, transaction: &Transaction) -> Option<IndexMap<HostId, HostFacts>> {
        let same = self.transaction.layout == transaction.layout && self.transaction.sudo == transaction.sudo;
        let facts = transaction.hosts.iter().map(|host| self.facts.swap_remove_entry(host));
        facts.collect::<Option<_>>().filter(|_| same)
    }
}

impl Run<'_> {
    /// Looks at the hosts that the flow is going to open, unless that is done: whatever stands against the run is found out
    /// before it does anything. Locks are taken where there is a place for them; a layout that is missing may still be made.
    pub(crate) async fn preflight(&self) -> Result<Option<Preflight>, Stopped> {
        {
            let state = self.state.borrow();
            let begun = state.undoing || state.past_edge || !state.locked.is_empty();
            match state.outlook {
                Outlook::Refused if !state.undoing => return Err(Stopped::Run),
                Outlook::Unknown if self.settings.mode == Mode::Real && !begun => {}
                _ => return Ok(None),
            }
        }
        let Some(transaction) = self.program.ahead().await else { return Ok(None) };
        {
            let mut state = self.state.borrow_mut();
            state.outlook = Outlook::Refused;
            state.targeted.clone_from(&transaction.hosts);
            state.locked_in = Some(transaction.layout.state());
        }
        self.fleet.connect(self.program, &transaction.hosts).await.map_err(|problems| self.fail(problems))?;
        let facts = self.read(&transaction, Lacking::Allowed).await?;
        let problems = blockers_so_far(&transaction, &facts);
        if !problems.is_empty() {
            return Err(self.fail(problems));
        }
        self.state.borrow_mut().outlook = Outlook::Clear;
        Ok(Some(Preflight { transaction, facts }))
    }

    /// The facts for an opening that makes the layout, where the hosts have just been looked at for what follows it and
    /// nothing has run since.
    pub(crate) async fn looked_at(
        &self,
        transaction: &Transaction,
    ) -> Result<Option<IndexMap<HostId, HostFacts>>, Stopped> {
        let waits = self.state.borrow().pending.iter().any(is_work);
        if transaction.purpose != Purpose::Setup || waits {
            return Ok(None);
        }
        Ok(self.preflight().await?.and_then(|found| found.facts_for(transaction)))
    }

    /// Gives back the locks of a place that was looked at and is not opened after all.
    pub(crate) async fn leave_other_place(&self, transaction: &Transaction) {
        let held = {
            let mut state = self.state.borrow_mut();
            let place = transaction.layout.state();
            let stays = state.locked_in.as_ref().is_none_or(|other| *other == place);
            if stays || state.machine.is_some() {
                return;
            }
            state.locked_in = Some(place);
            std::mem::take(&mut state.locked)
        };
        self.give_back(&held).await;
    }
}
