//! Who may write into a directory, and the command that lets a login do it.

use deploy_plan::RemotePath;

use crate::facts::Owner;

/// Why a login may not write into a directory, and what mends it. `deploy:check` and a refused run say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable {
    /// One sentence: whose it is, and who may not write there.
    pub why: String,
    /// What to type on the host; none where the directory should not be given to the login at all.
    pub command: Option<String>,
}

impl Unwritable {
    /// Of a directory that is there; `owner` where the host could tell it, `user` empty where it could not.
    ///
    /// ```
    /// use deploy_plan::RemotePath;
    /// use deploy_release::{Owner, Unwritable};
    ///
    /// let releases = RemotePath::new("/var/www/shop/releases")?;
    /// let stat = Owner::of_stat("555\tdeploy\tdeploy\t64\t1234").expect("five fields");
    /// let ours = Unwritable::new(&releases, Some(&stat), "deploy");
    /// assert_eq!(ours.command.as_deref(), Some("chmod u+rwx /var/www/shop/releases"));
    /// let theirs = Unwritable::new(&releases, Some(&stat), "ann");
    /// assert_eq!(theirs.command.as_deref(), Some("sudo chown ann: /var/www/shop/releases"));
    /// # Ok::<(), deploy_plan::NameError>(())
    /// ```
    #[must_use]
    pub fn new(path: &RemotePath, owner: Option<&Owner>, user: &str) -> Self {
        let who = match owner {
            Some(owner) => format!("{path} belongs to {}:{} with mode {}", owner.user, owner.group, owner.mode),
            None => format!("{path} belongs to somebody else"),
        };
        let login = if user.is_empty() { "the login" } else { user };
        let why = format!("{who}, and {login} may not write there");
        let ours = owner.is_some_and(|owner| owner.user == user);
        let path_text = path.to_string();
        let command = if ours { format!("chmod u+rwx {}", shown_word(&path_text)) } else { chown(&path_text, user) };
        let command = (!path.rest().is_empty()).then_some(command);
        Self { why, command }
    }

    /// What to do, where it is no command.
    pub const ELSE: &'static str = "set :deploy_to to a directory of the application's own";
}

pub(super) fn chown(path: &str, user: &str) -> String {
    let user = if user.is_empty() { "USER" } else { user };
    format!("sudo chown {user}: {}", shown_word(path))
}

/// A path as one types it: quoted only where it must be.
pub(super) fn shown_word(path: &str) -> String {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-~".contains(&b));
    if plain { path.to_owned() } else { crate::text::word(path) }
}
