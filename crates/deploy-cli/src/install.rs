//! `cap install`: the files of a new project of dialect 3.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::errors::{Complaint, Exit};
use crate::io::Io;

const CAPFILE: &str = include_str!("install/Capfile");
const DEPLOY: &str = include_str!("install/deploy.rb");
const STAGE: &str = include_str!("install/stage.rb");

/// The stages where none are named.
const STAGES: &str = "staging,production";

/// Whether the words ask for a new project, and not for a task of a recipe that is there.
pub(crate) fn is_asked(tasks: &[String], directory: &Path) -> bool {
    let [task] = tasks else { return false };
    task == "install" && capfile(directory).is_none_or(|text| text.contains("capistrano/setup"))
}

/// The text of the Capfile here or above.
fn capfile(directory: &Path) -> Option<String> {
    let files = directory.ancestors().flat_map(|dir| ["Capfile", "capfile"].map(|name| dir.join(name)));
    files.into_iter().find(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap_or_default())
}

/// Writes what is missing; files that are there stay as they are.
pub(crate) fn run(directory: &Path, environment: &BTreeMap<String, String>, io: &Io) -> Exit {
    let stages = environment.get("STAGES").map_or(STAGES, String::as_str);
    match write_all(directory, stages, io) {
        Ok(()) => Exit::Done,
        Err(complaint) => crate::complain(io, &complaint),
    }
}

fn write_all(directory: &Path, stages: &str, io: &Io) -> Result<(), Complaint> {
    let names: Vec<&str> = stages.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let bad = |name: &&&str| {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        !plain || ["deploy", "doctor", "install"].contains(name)
    };
    if let Some(bad) = names.iter().find(bad) {
        let why = format!("{bad:?} cannot be the name of a stage: letters, digits, _ and -, and no task's name");
        let next = "cap install STAGES=staging,production";
        return Err(Complaint::usage("write the files of a project", "the command line, STAGES", why, next));
    }
    let mut files = vec![(PathBuf::from("config/deploy.rb"), DEPLOY.to_owned())];
    for name in names {
        files.push((PathBuf::from(format!("config/deploy/{name}.rb")), STAGE.replace("STAGE", name)));
    }
    files.push((PathBuf::from("Capfile"), CAPFILE.to_owned()));
    for (name, text) in files {
        write(directory, &name, &text, io)?;
    }
    make_dir(directory, "lib/capistrano/tasks", io)?;
    say(io, "Capified");
    Ok(())
}

fn say(io: &Io, text: &str) {
    // Without a reader there is nobody to tell.
    let _ = writeln!(io.out.clone(), "{text}");
}

fn failed(name: &Path, error: &std::io::Error) -> Complaint {
    let next = "look at who may write in this directory (`ls -ld .`)";
    Complaint::usage("write the files of a project", name.display().to_string(), error.to_string(), next)
}

fn make_dir(directory: &Path, name: &str, io: &Io) -> Result<(), Complaint> {
    let known = directory.join(name).is_dir();
    fs::create_dir_all(directory.join(name)).map_err(|error| failed(Path::new(name), &error))?;
    if !known {
        say(io, &format!("create {name}"));
    }
    Ok(())
}

fn write(directory: &Path, name: &Path, text: &str, io: &Io) -> Result<(), Complaint> {
    let path = directory.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| failed(name, &error))?;
    }
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|error| failed(name, &error))?;
            say(io, &format!("create {}", name.display()));
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            say(io, &format!("[skip] {} already exists", name.display()));
        }
        Err(error) => return Err(failed(name, &error)),
    }
    Ok(())
}
