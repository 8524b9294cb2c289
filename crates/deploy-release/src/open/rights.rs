//! Who may write into a directory, and the command that lets a login do it.

use deploy_inventory::HostId;
use deploy_plan::RemotePath;

use crate::facts::{Owner, Place};

/// Why a login may not write into a directory, and what mends it. `deploy:check` and a refused run say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable {
    /// One sentence: whose it is, and who may not write there.
    pub why: String,
    /// What to type on the host; none where the directory should not be given to the login at all.
    pub command: Option<String>,
}

impl Unwritable {
    /// Of a directory that is there; `user` is empty where the host could not tell who the login is.
    ///
    /// ```
    /// use deploy_plan::RemotePath;
    /// use deploy_release::{Owner, Place, Unwritable};
    ///
    /// let releases = RemotePath::new("/var/www/shop/releases")?;
    /// let owner = Owner::of_stat("555\tdeploy\tdeploy\t64\t1234");
    /// let place = Place { owner, ..Place::default() };
    /// let ours = Unwritable::new(&releases, &place, "deploy");
    /// assert_eq!(ours.command.as_deref(), Some("chmod u+rwx /var/www/shop/releases"));
    /// let theirs = Unwritable::new(&releases, &place, "ann");
    /// assert_eq!(theirs.command.as_deref(), Some("sudo chown ann: /var/www/shop/releases"));
    /// # Ok::<(), deploy_plan::NameError>(())
    /// ```
    #[must_use]
    pub fn new(path: &RemotePath, place: &Place, user: &str) -> Self {
        let owner = place.owner.as_ref();
        let (text, login) = (path.to_string(), if user.is_empty() { "the login" } else { user });
        let word = shown_word(&text);
        if place.read_only {
            let why = format!("{path} is on a filesystem that is mounted read-only, as a failing disk becomes");
            let command = format!("dmesg | tail; sudo mount -o remount,rw \"$(stat -c %m {word})\"");
            return Self { why, command: Some(command) };
        }
        let who = match owner {
            Some(owner) => format!("{path} belongs to {}:{} with mode {}", owner.user, owner.group, owner.mode),
            None => format!("{path} belongs to somebody else"),
        };
        let ours = owner.filter(|owner| owner.user == user);
        if user == "root" || ours.is_some_and(Owner::may_write) {
            let why = format!(
                "{who}, and {login} may not write there all the same: an attribute or an access list forbids it"
            );
            let command = format!("lsattr -d {word}; getfacl {word}; sudo chattr -i -a {word}");
            return Self { why, command: Some(command) };
        }
        let why = format!("{who}, and {login} may not write there");
        let command = if ours.is_some() { format!("chmod u+rwx {word}") } else { chown(&text, user) };
        let command = (!path.rest().is_empty()).then_some(command);
        Self { why, command }
    }

    /// Of a directory that is to be made: `parent` is the nearest one above it that is there, and is not writable.
    #[must_use]
    pub fn to_make(path: &RemotePath, parent: &str, owner: Option<&Owner>, user: &str) -> Self {
        let owner = owner.map_or_else(String::new, |owner| {
            format!(" (it belongs to {}:{} with mode {})", owner.user, owner.group, owner.mode)
        });
        let to = path.to_string();
        let why = format!("the login may not make directories in {parent}{owner}");
        let command = format!("sudo mkdir -p {} && {}", shown_word(&to), chown(&to, user));
        Self { why, command: Some(command) }
    }

    /// Of a file, or whatever else is no directory, in the place of one.
    #[must_use]
    pub fn no_directory(path: &RemotePath) -> Self {
        let text = path.to_string();
        let why = format!("{path} is there, but is no directory");
        Self { why, command: Some(move_away(&text)) }
    }

    /// Of a directory in the place of a file.
    #[must_use]
    pub fn no_file(path: &RemotePath) -> Self {
        let text = path.to_string();
        Self { why: format!("{path} is a directory, not a file"), command: Some(move_away(&text)) }
    }

    /// Of a directory that is to be made below something that is no directory.
    #[must_use]
    pub fn below_a_file(file: &str) -> Self {
        let why = format!("{file} is there, but is no directory, so nothing can be made in it");
        Self { why, command: Some(move_away(file)) }
    }

    /// What to do, where it is no command.
    pub const ELSE: &'static str = "set :deploy_to to a directory of the application's own";
}

/// What a person types to run a command on a host: a shell there, with the login, port and gateway that the recipe gives,
/// then the command as it stands.
///
/// ```
/// use deploy_inventory::HostId;
/// use deploy_release::by_hand;
///
/// assert_eq!(by_hand(&HostId::new("web1"), "chmod u+rwx ~/app"), "in `cap ssh web1`: chmod u+rwx ~/app");
/// assert_eq!(by_hand(&HostId::new("ann@web1:2222"), "sudo id"), "in `cap ssh ann@web1:2222`: sudo id");
/// assert_eq!(by_hand(&HostId::new("[::1]:22"), "id"), "in `cap ssh '[::1]:22'`: id");
/// ```
#[must_use]
pub fn by_hand(host: &HostId, command: &str) -> String {
    format!("in `cap ssh {}`: {command}", crate::text::word(host.as_str()))
}

fn move_away(path: &str) -> String {
    format!("mv {} {}", shown_word(path), shown_word(&format!("{path}.before")))
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
