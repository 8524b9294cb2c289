//! Processes on this machine for a recipe: backticks, `system`, `run_locally`, queries of the repository.

use std::io;
use std::path::Path;

use deploy_ruby::{Command, CommandLine, Finished, Stderr};
use deploy_shell::quote;
use deploy_transport::{Connector as _, Event, Exec, ExitStatus, LocalConnector, Running, Target};

use super::SystemEffects;

impl SystemEffects {
    /// Runs a process to its end. Its standard input is what the recipe gives, else empty: never the terminal.
    pub(super) async fn run_process(&self, command: Command) -> io::Result<Finished> {
        if let CommandLine::Argv(argv) = &command.line {
            self.find(argv.first().map_or("", String::as_str), &command)?;
        }
        let target = Target::new("localhost", self.local.user.clone(), &self.local);
        let session = LocalConnector.connect(&target).await.map_err(io::Error::other)?;
        let mut exec = Exec::new(self.text(&command)?);
        exec.env = self.variables(&command).into_iter().filter_map(|(name, value)| value.map(|v| (name, v))).collect();
        let mut running = session.exec(exec).await.map_err(io::Error::other)?;
        let input = running.take_stdin();
        let data = command.stdin.clone().unwrap_or_default();
        // Beside the reading, or both sides could wait for each other. That the command does not read it all is its own affair.
        let writer = tokio::spawn(async move {
            if let Some(mut input) = input {
                let _ = input.write(data).await;
            }
        });
        let finished = self.collect(&mut running, &command).await;
        writer.abort();
        session.close().await;
        finished
    }

    async fn collect(&self, running: &mut Running, command: &Command) -> io::Result<Finished> {
        let mut finished = Finished::default();
        let (mut out, mut err) = (self.secrets.stream(), self.secrets.stream());
        let mut status = ExitStatus::Lost("it ended without a status".to_owned());
        while let Some(event) = running.next().await {
            match event {
                Event::Stdout(bytes) if command.capture => finished.stdout.extend_from_slice(&bytes),
                Event::Stderr(bytes) if command.stderr == Stderr::Capture => finished.stderr.extend_from_slice(&bytes),
                Event::Stdout(bytes) => self.show(false, |clean| out.push(&bytes, clean)),
                Event::Stderr(bytes) => self.show(true, |clean| err.push(&bytes, clean)),
                Event::Exit(exit) => status = exit,
            }
        }
        self.show(false, |clean| out.finish(clean));
        self.show(true, |clean| err.finish(clean));
        match status {
            ExitStatus::Code(code) => finished.status = i32::try_from(code).ok(),
            ExitStatus::Signal { name, .. } => finished.signal = Some(signal_number(&name)),
            ExitStatus::Lost(why) => return Err(io::Error::other(why)),
        }
        Ok(finished)
    }

    fn show(&self, error: bool, clean: impl FnOnce(&mut Vec<u8>)) {
        let mut text = Vec::new();
        clean(&mut text);
        if !text.is_empty() {
            self.screen.print(error, &text);
        }
    }

    /// The environment that the process gets, as differences from ours: values to set, names to remove.
    fn variables(&self, command: &Command) -> Vec<(String, Option<String>)> {
        let environment = self.environment.borrow();
        let removed = self.inherited.iter().filter(|name| !environment.contains_key(*name));
        let mut all: Vec<(String, Option<String>)> = removed.map(|name| (name.clone(), None)).collect();
        all.extend(environment.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        for (name, value) in &command.env {
            all.retain(|(known, _)| known != name);
            all.push((name.clone(), value.clone()));
        }
        all
    }

    /// The text for `sh`: the directory, the removed variables, the command.
    fn text(&self, command: &Command) -> io::Result<String> {
        let directory = command.dir.as_ref().map_or_else(|| self.directory.borrow().clone(), |dir| self.path(dir));
        let mut text = format!("cd {} || exit 127\n", quoted(&directory.to_string_lossy())?);
        for (name, value) in self.variables(command) {
            let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if value.is_none() && is_word && !name.starts_with(|c: char| c.is_ascii_digit()) {
                text.push_str(&format!("unset {name}\n"));
            }
        }
        if command.stderr == Stderr::Merge {
            text.push_str("exec 2>&1\n");
        }
        match &command.line {
            CommandLine::Shell(line) => text.push_str(line),
            CommandLine::Argv(argv) => {
                text.push_str("exec");
                for word in argv {
                    text.push_str(&format!(" {}", quoted(word)?));
                }
            }
        }
        Ok(text)
    }

    /// That a program is there at all: a shell would only say 127.
    fn find(&self, program: &str, command: &Command) -> io::Result<()> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{program}: no such program on this machine"));
        if program.is_empty() {
            return Err(missing());
        }
        if program.contains('/') {
            return if self.path(program).exists() { Ok(()) } else { Err(missing()) };
        }
        let own = command.env.iter().rev().find(|(name, _)| name == "PATH").and_then(|(_, value)| value.clone());
        let path = own.or_else(|| self.environment.borrow().get("PATH").cloned()).unwrap_or_default();
        let found = path.split(':').any(|directory| Path::new(directory).join(program).is_file());
        if found { Ok(()) } else { Err(missing()) }
    }
}

fn quoted(word: &str) -> io::Result<String> {
    quote(word).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The usual numbers, as Ruby's `$?.termsig` gives them.
pub(crate) fn signal_number(name: &str) -> i32 {
    let known = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("ABRT", 6),
        ("BUS", 7),
        ("FPE", 8),
        ("KILL", 9),
        ("SEGV", 11),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    known.iter().find(|(known, _)| *known == name).map_or(0, |(_, number)| *number)
}
