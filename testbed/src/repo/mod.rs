//! Small real repositories with a sample web application: something to deploy.

mod sample;
mod serve;
mod web;

use std::path::{Path, PathBuf};
use std::process::Command;

pub use sample::APPLICATION;
pub use serve::RepoServer;
pub use web::{Access, WebServer};

use crate::access::write_file;
use crate::error::{Doing, Result, TestbedError};
use crate::output::{find_program, must};

/// A version control system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scm {
    /// git.
    Git,
    /// Subversion.
    Subversion,
}

impl Scm {
    /// Whether its programs are installed here.
    #[must_use]
    pub fn is_installed(self) -> bool {
        let programs: &[&str] = match self {
            Scm::Git => &["git"],
            Scm::Subversion => &["svn", "svnadmin", "svnserve"],
        };
        programs.iter().all(|p| find_program(p).is_some())
    }
}

/// A repository of the sample application, with a working copy to commit from.
///
/// The application is a small web site: `public/`, `config/`, `tmp/`, `db/migrate/`, `VERSION`, a
/// `Rakefile`. git: `git/my_cool_app.git`, branch `main`. Subversion: `svn/apps`, with
/// `my_cool_app/trunk`, `branches` and `tags`.
#[derive(Debug)]
pub struct AppRepo {
    scm: Scm,
    dir: PathBuf,
    application: String,
}

impl AppRepo {
    /// Makes one of `my_cool_app` below `dir`, with the application's version 1 committed.
    pub fn create(dir: &Path, scm: Scm) -> Result<Self> {
        Self::create_named(dir, scm, APPLICATION)
    }

    /// Makes one of an application of another name.
    pub fn create_named(dir: &Path, scm: Scm, application: &str) -> Result<Self> {
        if !scm.is_installed() {
            return Err(TestbedError::Unavailable {
                backend: "repository",
                why: format!("the programs of {scm:?} are not installed"),
            });
        }
        std::fs::create_dir_all(dir).doing(|| format!("create {}", dir.display()))?;
        let repo = Self::open(dir, scm, application)?;
        match scm {
            Scm::Git => repo.create_git()?,
            Scm::Subversion => repo.create_svn()?,
        }
        let files = sample::files("1");
        let files: Vec<(&str, &str)> = files.iter().map(|(p, c)| (*p, c.as_str())).collect();
        repo.commit("The first version", &files)?;
        Ok(repo)
    }

    /// The one that was made there before.
    pub fn open(dir: &Path, scm: Scm, application: &str) -> Result<Self> {
        let dir = dir.canonicalize().doing(|| format!("find the repository {}", dir.display()))?;
        Ok(AppRepo { scm, dir, application: application.to_owned() })
    }

    /// Which system it is.
    #[must_use]
    pub fn scm(&self) -> Scm {
        self.scm
    }

    /// The directory that a daemon serves; a URL's path starts below it.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join(match self.scm {
            Scm::Git => "git",
            Scm::Subversion => "svn",
        })
    }

    /// The path of a URL: `my_cool_app.git` or `apps/my_cool_app/trunk`.
    #[must_use]
    pub fn url_path(&self) -> String {
        match self.scm {
            Scm::Git => format!("{}.git", self.application),
            Scm::Subversion => format!("apps/{}/trunk", self.application),
        }
    }

    /// A `file://` URL, for hosts that see this machine's files.
    #[must_use]
    pub fn file_url(&self) -> String {
        format!("file://{}/{}", self.root().display(), self.url_path())
    }

    /// Serves it on 127.0.0.1: git daemon or svnserve.
    pub fn serve(&self) -> Result<RepoServer> {
        RepoServer::start(self.scm, &self.root(), &self.url_path())
    }

    /// Where [`AppRepo::commit`] commits from.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.dir.join(match self.scm {
            Scm::Git => "work-git",
            Scm::Subversion => "work-svn",
        })
    }

    /// Writes files, commits and publishes them; gives the new revision.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> Result<String> {
        let work = self.work();
        for (path, content) in files {
            write_file(&work.join(path), content.as_bytes(), 0o644)?;
        }
        match self.scm {
            Scm::Git => {
                self.git(&["add", "--all"])?;
                self.git(&["commit", "--quiet", "--allow-empty", "-m", message])?;
                self.git(&["push", "--quiet", "origin", "HEAD"])?;
            }
            Scm::Subversion => {
                self.svn(&["add", "--quiet", "--force", "."])?;
                self.svn(&["commit", "--quiet", "-m", message])?;
                self.svn(&["update", "--quiet"])?;
            }
        }
        self.head()
    }

    /// Commits a new version of the application, in every file that names it.
    pub fn release(&self, version: &str) -> Result<String> {
        let files = sample::versioned(version);
        let files: Vec<(&str, &str)> = files.iter().map(|(p, c)| (*p, c.as_str())).collect();
        self.commit(&format!("Version {version}"), &files)
    }

    /// Commits a new migration, `db/migrate/<name>.sql`; one whose text has `FAIL` fails on the
    /// testbed's stand-in for rake.
    pub fn migration(&self, name: &str, text: &str) -> Result<String> {
        let path = format!("db/migrate/{name}.sql");
        self.commit(&format!("Migration {name}"), &[(&path, text)])
    }

    /// The full commit hash, or the revision number of the last change, of the current branch.
    pub fn head(&self) -> Result<String> {
        let text = match self.scm {
            Scm::Git => self.git(&["rev-parse", "HEAD"])?,
            Scm::Subversion => self.svn(&["info", "--show-item", "last-changed-revision"])?,
        };
        Ok(text.trim().to_owned())
    }

    /// Goes to a branch for the commits that follow, making it where it is missing; `main` or
    /// `trunk` go back.
    pub fn branch(&self, name: &str) -> Result<()> {
        match self.scm {
            Scm::Git => {
                let known = self.git(&["branch", "--list", name])?;
                let make = known.trim().is_empty().then_some("-b");
                let words = ["checkout", "--quiet"].into_iter().chain(make).chain([name]);
                self.git(&words.collect::<Vec<_>>())?;
                self.git(&["push", "--quiet", "origin", name])?;
            }
            Scm::Subversion if name == "trunk" => {
                self.svn(&["switch", "--quiet", &format!("^/{}/trunk", self.application)])?;
            }
            Scm::Subversion => {
                let url = format!("^/{}/branches/{name}", self.application);
                if self.svn(&["info", &url]).is_err() {
                    let from = format!("^/{}/trunk", self.application);
                    self.svn(&["copy", "--quiet", "-m", "Branch", &from, &url])?;
                }
                self.svn(&["switch", "--quiet", &url])?;
            }
        }
        Ok(())
    }

    /// Tags what is committed now.
    pub fn tag(&self, name: &str) -> Result<()> {
        match self.scm {
            Scm::Git => {
                self.git(&["tag", "-a", "-m", "Tag", name])?;
                self.git(&["push", "--quiet", "origin", name])?;
            }
            Scm::Subversion => {
                let to = format!("^/{}/tags/{name}", self.application);
                self.svn(&["copy", "--quiet", "-m", "Tag", ".", &to])?;
            }
        }
        Ok(())
    }

    /// Runs git in the working copy, untouched by the user's own configuration.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        let mut git = git_command();
        git.arg("-C").arg(self.work()).args(args);
        must(&format!("run git {}", args.join(" ")), &mut git)
    }

    /// Runs svn in the working copy, likewise.
    pub fn svn(&self, args: &[&str]) -> Result<String> {
        let mut svn = Command::new("svn");
        svn.current_dir(self.work())
            .args(["--non-interactive", "--config-dir"])
            .arg(self.dir.join("svn-config"))
            .args(args);
        must(&format!("run svn {}", args.join(" ")), &mut svn)
    }

    fn create_git(&self) -> Result<()> {
        let bare = self.root().join(self.url_path());
        let what = format!("make the repository {}", bare.display());
        let head = ["-c", "init.defaultBranch=main"];
        must(&what, git_command().args(head).args(["init", "--quiet", "--bare"]).arg(&bare))?;
        must(&what, git_command().args(head).args(["init", "--quiet"]).arg(self.work()))?;
        self.git(&["remote", "add", "origin", &bare.display().to_string()])?;
        Ok(())
    }

    fn create_svn(&self) -> Result<()> {
        let repo = self.root().join("apps");
        let what = format!("make the repository {}", repo.display());
        std::fs::create_dir_all(self.root()).doing(|| what.clone())?;
        std::fs::create_dir_all(self.work()).doing(|| what.clone())?;
        must(&what, Command::new("svnadmin").arg("create").arg(&repo))?;
        let conf = b"[general]\nanon-access = read\nauth-access = none\n";
        write_file(&repo.join("conf/svnserve.conf"), conf, 0o644)?;
        let url = format!("file://{}/{}", repo.display(), self.application);
        let [trunk, branches, tags] = ["trunk", "branches", "tags"].map(|d| format!("{url}/{d}"));
        self.svn(&["mkdir", "--quiet", "--parents", "-m", "Layout", &trunk, &branches, &tags])?;
        self.svn(&["checkout", "--quiet", &trunk, "."])?;
        Ok(())
    }
}

/// git without anybody's configuration, with an author.
fn git_command() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Testbed")
        .env("GIT_AUTHOR_EMAIL", "testbed@example.com")
        .env("GIT_COMMITTER_NAME", "Testbed")
        .env("GIT_COMMITTER_EMAIL", "testbed@example.com")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    git
}
