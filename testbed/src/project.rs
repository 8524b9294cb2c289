//! A project that deploys the sample application to a fleet: an ordinary Capistrano 2 recipe.

use std::fmt::Write as _;
use std::path::Path;

use crate::access::write_file;
use crate::error::{Doing, Result};
use crate::fleet::FleetHost;

/// The text of `config/deploy.rb` for these hosts. A host's role is in its name (`web1`, `app1`,
/// `db1`); one whose name says nothing has the roles web and app, and the first is the database
/// server where no name says `db`.
#[must_use]
pub fn recipe(hosts: &[FleetHost], application: &str, repository: &str) -> String {
    let deploy_to = hosts.first().map_or("~", |h| h.base.as_str());
    let mut text = format!("set :application, \"{application}\"\nset :repository,  \"{repository}\"\n\n");
    let named_db = hosts.iter().any(|h| roles(&h.name).contains(&"db"));
    for role in ["web", "app"] {
        let names: Vec<String> = hosts.iter().filter(|h| roles(&h.name).contains(&role)).map(quoted).collect();
        if !names.is_empty() {
            let _ = writeln!(text, "role :{role}, {}", names.join(", "));
        }
    }
    let mut databases = hosts.iter().filter(|h| !named_db || roles(&h.name).contains(&"db"));
    if let Some(first) = databases.next() {
        let _ = writeln!(text, "role :db,  {}, :primary => true", quoted(first));
    }
    for other in databases.filter(|_| named_db) {
        let _ = writeln!(text, "role :db,  {}", quoted(other));
    }
    let _ = write!(
        text,
        "\nset :deploy_to, \"{deploy_to}/#{{application}}\"\nset :user, \"deploy\"\nset :use_sudo, false\n{TASKS}"
    );
    text
}

const TASKS: &str = r##"
namespace :deploy do
  desc "Restarts the application: its server watches tmp/restart.txt"
  task :restart, :roles => :app, :except => { :no_release => true } do
    run "touch #{current_path}/tmp/restart.txt"
  end

  task :after_update_code, :roles => :app do
    run "ln -nfs #{shared_path}/config/database.yml #{release_path}/config/database.yml"
  end
end
"##;

fn roles(name: &str) -> &'static [&'static str] {
    match name {
        _ if name.starts_with("web") => &["web"],
        _ if name.starts_with("app") => &["app"],
        _ if name.starts_with("db") => &["db"],
        _ => &["web", "app"],
    }
}

fn quoted(host: &FleetHost) -> String {
    format!("\"{}.example.com\"", host.name)
}

/// Writes `Capfile` and `config/deploy.rb`.
pub fn write(dir: &Path, recipe: &str) -> Result<()> {
    write_file(&dir.join("Capfile"), b"load 'deploy'\nload 'config/deploy'\n", 0o644)?;
    write_file(&dir.join("config/deploy.rb"), recipe.as_bytes(), 0o644)
}

/// Copies an example project: directories and plain files.
pub fn copy_example(from: &Path, to: &Path) -> Result<()> {
    let doing = || format!("copy {}", from.display());
    for entry in std::fs::read_dir(from).doing(doing)? {
        let entry = entry.doing(doing)?;
        let target = to.join(entry.file_name());
        if entry.file_type().doing(doing)?.is_dir() {
            copy_example(&entry.path(), &target)?;
        } else {
            let content = std::fs::read(entry.path()).doing(doing)?;
            write_file(&target, &content, 0o644)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[&str]) -> Vec<FleetHost> {
        let host = |name: &&str| FleetHost {
            name: (*name).to_owned(),
            address: [127, 0, 0, 1].into(),
            port: 22,
            user: "deploy".to_owned(),
            home: "/home/deploy".to_owned(),
            base: "/var/www".to_owned(),
            root: None,
            host_key: String::new(),
        };
        names.iter().map(host).collect()
    }

    #[test]
    fn names_say_the_roles() {
        let text = recipe(&hosts(&["web1", "web2", "app1", "db1"]), "shop", "git://x/shop.git");
        assert!(text.contains("role :web, \"web1.example.com\", \"web2.example.com\"\n"), "{text}");
        assert!(text.contains("role :app, \"app1.example.com\"\n"), "{text}");
        assert!(text.contains("role :db,  \"db1.example.com\", :primary => true\n"), "{text}");
        assert!(text.contains("set :deploy_to, \"/var/www/#{application}\""), "{text}");
    }

    #[test]
    fn hosts_without_a_role_have_them_all() {
        let text = recipe(&hosts(&["host1", "host2"]), "shop", "git://x/shop.git");
        assert!(text.contains("role :web, \"host1.example.com\", \"host2.example.com\"\n"), "{text}");
        assert!(text.contains("role :db,  \"host1.example.com\", :primary => true\n\n"), "{text}");
    }
}
