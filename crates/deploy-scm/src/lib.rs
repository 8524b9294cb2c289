//! Source code management for deployments: which commit a name means, and how its files come to a host.
//!
//! For git and Subversion. Everything here is data and text; the caller runs it:
//!
//! - [`RepositoryUrl`] checks an address, [`detect`] and [`decide`] tell the system it belongs to.
//! - [`Resolver`] pins a branch, tag or revision once, on the deployer, by [`Query`]s to the repository.
//! - [`Source::host_ops`] gives the ops that bring the pinned revision to a host by a [`Strategy`], and
//!   [`Source::requirements`] the programs that the host needs.
//!
//! Names enter the text of a host's script only as quoted words. No step can ask a question, accept an unknown host
//! key, or show a password in a process list. Programs get only arguments that git 1.8.3 and svn 1.7 understand.
//!
//! Limits: no process is run and no file read here. Mercurial and other systems, the copy strategies, and passwords
//! for Subversion clients before 1.10 are refused by an error that names the option. An address with a password
//! needs a private file on the host into which the caller puts it. Externals of Subversion are as the repository has
//! them and are not pinned. Large files of git LFS are fetched only where the host has `git-lfs` set up.
//!
//! ```
//! use deploy_plan::{Op, RemotePath, ReleaseId, Layout};
//! use deploy_scm::{Detection, HostSide, QueryOutput, RepositoryUrl, Resolution, Resolver, Source, Strategy, detect};
//!
//! let url = RepositoryUrl::parse("svn://svn.example.com/apps/shop/trunk")?;
//! let Detection::Known(kind) = detect(&url) else { panic!("svn:// is Subversion") };
//! let source = Source::new(kind, url);
//!
//! let (mut resolver, Resolution::Ask(query)) = Resolver::start(&source, "HEAD")? else { panic!("HEAD moves") };
//! assert_eq!(query.argv, ["svn", "--non-interactive", "info", "-r", "HEAD", "svn://svn.example.com/apps/shop/trunk@"]);
//! // … the caller runs it …
//! let stdout = b"Revision: 4711\nLast Changed Rev: 4700\n".to_vec();
//! let answer = resolver.answer(&query, &QueryOutput { code: Some(0), stdout, stderr: Vec::new() })?;
//! let Resolution::Pinned(pinned) = answer else { panic!("one answer is enough") };
//! assert_eq!((pinned.revision.as_str(), pinned.label.as_str()), ("4711", "trunk"));
//!
//! let layout = Layout::new(RemotePath::new("/var/www/shop")?);
//! let release = layout.release(&ReleaseId::new("20261123054446")?);
//! let side = HostSide::new(
//!     Strategy::Checkout,
//!     release,
//!     layout.shared.join("cached-copy"),
//!     layout.state().join("run"),
//! );
//! let ops = source.host_ops(&pinned, &side)?;
//! let Op::Script { title, body } = &ops[0] else { panic!("a script") };
//! assert_eq!(title, "check out 4711 (trunk) from svn://svn.example.com/apps/shop/trunk");
//! assert!(body.contains("--non-interactive"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod host;
mod kind;
mod query;
mod redacted;
mod reference;
mod resolve;
mod script;
mod source;
mod url;

pub use error::ScmError;
pub use host::HostSide;
pub use kind::{Detection, LocalDirectory, ScmKind, Strategy, decide, detect};
pub use query::{Query, QueryOutput, complaint};
pub use redacted::Redacted;
pub use reference::Pinned;
pub use resolve::{Resolution, Resolver};
pub use source::{Requirement, Source, Submodules};
pub use url::{RepositoryUrl, Transport};
