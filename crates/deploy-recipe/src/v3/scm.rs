//! The repository in dialect 3: a bare mirror on each host, from which the pinned revision is archived.

use std::rc::Rc;

use deploy_plan::{Op, Problem, ProblemKind, Revision, UpdateCode};
use deploy_ruby::Call;
use deploy_scm::{HostSide, Redacted, RepositoryUrl, ScmKind, Source, Strategy, Submodules};

use super::state::Scm;
use crate::v2::{Cap, Pinned, R, fail};

impl Cap {
    /// The revision of this run, resolved on this machine.
    pub async fn pin3(self: &Rc<Self>, call: &Call) -> R<Pinned> {
        let Some(text) = self.text3(call, "repo_url").await? else {
            let problem =
                Problem::new(ProblemKind::Usage, "read the variable `repo_url'", "the recipe does not set it");
            let next = "add to config/deploy.rb: set :repo_url, \"git@example.com:me/my_shop.git\"";
            return Err(fail(call, problem.next(next)));
        };
        let url = RepositoryUrl::parse(&text).map_err(|error| {
            let problem = Problem::new(ProblemKind::Usage, "read the repository's address", error.to_string());
            fail(call, problem.at(self.set_at("repo_url")))
        })?;
        let svn = self.v3.scm.get() == Scm::Svn;
        let mut source = Source::new(if svn { ScmKind::Subversion } else { ScmKind::Git }, url);
        self.login3(call, &mut source, svn).await?;
        let fixed = self.flow.borrow().revision.as_ref().map(ToString::to_string);
        let is_fixed = fixed.is_some();
        let wanted = if let Some(revision) = fixed {
            revision
        } else if svn {
            self.text3(call, "svn_revision").await?.unwrap_or_else(|| "HEAD".to_owned())
        } else {
            self.text3(call, "branch").await?.unwrap_or_else(|| "master".to_owned())
        };
        self.refuse_stranger(call, "branch", &wanted)?;
        let mut pinned = self.resolve(call, &source, &wanted).await?;
        if let Some(branch) = self.text3(call, "branch").await?.filter(|_| !is_fixed) {
            // What revisions.log says of it.
            pinned.label = format!("branch {branch}");
        }
        // `git archive` leaves submodules out: with them the files come out of a checkout.
        let with_submodules = !svn && self.v3.submodules.get();
        if with_submodules {
            source.submodules = Submodules::Recursive;
        }
        let strategy = if with_submodules { Strategy::Export } else { Strategy::Archive };
        Ok(Pinned { source, strategy, exclude: Vec::new(), pinned })
    }

    async fn login3(self: &Rc<Self>, call: &Call, source: &mut Source, svn: bool) -> R<()> {
        let (user, password) =
            if svn { ("svn_username", "svn_password") } else { ("git_http_username", "git_http_password") };
        source.username = self.text3(call, user).await?;
        if source.password.is_none() {
            source.password = self.text3(call, password).await?.map(Redacted::new);
        }
        let depth = self.read3(call, "git_shallow_clone").await?.unwrap_or_default();
        if !svn && depth.truthy() {
            source.depth = Some(depth.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(1));
        }
        Ok(())
    }

    /// What is built, where the code is brought by us.
    pub async fn update3(self: &Rc<Self>, call: &Call, release: deploy_plan::ReleaseId) -> R<UpdateCode> {
        let layout = self.layout3(call).await?;
        let pinned = self.pinned(call).await?;
        let repo = self.remote_path(call, "repo_path", &self.repo_path(call).await?)?;
        let mut side = HostSide::new(pinned.strategy, layout.release(&release), repo, layout.state());
        side.known_hosts = self.known_hosts(call, &pinned.source).await;
        side.tree = self.text3(call, "repo_tree").await?;
        let ops = pinned.source.host_ops(&pinned.pinned, &side).map_err(|error| {
            let problem = Problem::new(ProblemKind::Usage, "prepare the checkout", error.to_string());
            fail(call, problem.at(self.set_at("repo_url")))
        })?;
        Ok(UpdateCode {
            checkout: ops,
            write_revision: true,
            ..self.claim3(call, release, &pinned.pinned.revision, &pinned.pinned.label).await?
        })
    }

    /// A release that the recipe's own tasks fill.
    pub async fn claim3(
        self: &Rc<Self>,
        call: &Call,
        release: deploy_plan::ReleaseId,
        revision: &Revision,
        label: &str,
    ) -> R<UpdateCode> {
        let dangling = self.read3(call, "dangling_links").await?.unwrap_or_default();
        let flush = self.read3(call, "flush_release").await?.is_none_or(|value| value.truthy());
        let path = self.layout3(call).await?.release(&release);
        Ok(UpdateCode {
            release,
            revision: revision.clone(),
            label: label.to_owned(),
            checkout: vec![Op::MakeDir { path }],
            write_revision: false,
            links: Vec::new(),
            group_writable: false,
            assets: None,
            refuse_dangling: dangling.as_name().as_deref() == Some("fail"),
            flush,
        })
    }
}
