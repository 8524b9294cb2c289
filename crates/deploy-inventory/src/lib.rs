//! Hosts, roles, filters and the selection of hosts for a deployment.
//!
//! A recipe declares roles with servers into an [`Inventory`]; a task or command asks by a [`Selection`]; the command
//! line limits by [`Filters`]; [`Inventory::select`] answers with the hosts and says how many there would have been.
//! The rules are Capistrano 2's: a server's identity is host, user and port as written, and its properties belong to
//! it in one role only.
//!
//! Server strings are checked by [`Address`] before anything else sees them: nothing in them can be taken for an
//! option or expanded by a shell. An empty selection is explained by [`Inventory::why_none`], a name in a filter that
//! the recipe does not know by [`Filters::problems`].
//!
//! Limits: no IO, no name resolution, no `ssh_config`; roles that a recipe computes are declared when it has computed
//! them.
//!
//! ```
//! use deploy_inventory::{Filters, Inventory, Properties, Property, Selection};
//!
//! let none = Properties::new();
//! let mut inventory = Inventory::new();
//! inventory.role("web", ["web1.example.com", "web2.example.com"], &none)?;
//! inventory.role("app", ["app1.example.com"], &none)?;
//! inventory.role("app", ["app2.example.com"], &Properties::from_iter([("no_release".into(), Property::Bool(true))]))?;
//!
//! // task :restart, :roles => :app, :except => { :no_release => true }
//! let restart = Selection::roles(["app"]).except("no_release", Property::Bool(true));
//! let selected = inventory.select(&restart, &Filters::default())?;
//! assert_eq!(selected.hosts.len(), 1);
//!
//! // cap deploy HOSTFILTER=web1.example.com
//! let filters = Filters::from_variables(|name| (name == "HOSTFILTER").then(|| "web1.example.com".to_owned()));
//! let selected = inventory.select(&Selection::all(), &filters)?;
//! assert_eq!(selected.to_string(), "1 of 4 hosts (HOSTFILTER=web1.example.com)");
//!
//! let why = inventory.why_none(&restart, &filters)?.map(|no| no.reasons[0].to_string());
//! assert_eq!(why.as_deref(), Some("the filter excludes the one host there is"));
//! # Ok::<(), deploy_inventory::AddressError>(())
//! ```

mod address;
mod filter;
mod host;
mod inventory;
mod nearest;
mod select;

pub use address::{Address, AddressError, Field};
pub use filter::{FilterProblem, Filters, comma_list};
pub use host::{Host, HostId, Properties, Property};
pub use inventory::Inventory;
pub use nearest::nearest;
pub use select::{NoMatch, NoMatchReason, Selected, Selection};
