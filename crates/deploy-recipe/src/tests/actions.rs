//! The text and options of commands.

use std::cell::RefCell;

use async_trait::async_trait;
use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandResult, Event, Hosts, Item, Opened, ProblemKind, Program, Sent, Site, Stopped, Suspension,
    Transaction, Transfer, Via, Want,
};

use super::{Notes, fail, load};

/// Keeps the commands whole.
#[derive(Default)]
struct Commands {
    notes: Notes,
    commands: RefCell<Vec<Command>>,
}

#[async_trait(?Send)]
impl Hosts for Commands {
    fn record(&self, item: Item) {
        if let Item::Command(command) = &item {
            self.commands.borrow_mut().push(command.clone());
        }
        self.notes.record(item);
    }

    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        self.notes.begin(transaction).await
    }

    async fn command(&self, command: Command, want: Want, why: Suspension) -> Result<Vec<CommandResult>, Stopped> {
        self.commands.borrow_mut().push(command.clone());
        self.notes.command(command, want, why).await
    }

    async fn settle(&self, why: Suspension, site: Option<Site>) -> Result<(), Stopped> {
        self.notes.settle(why, site).await
    }

    fn is_rehearsal(&self) -> bool {
        false
    }

    fn tell(&self, event: Event) {
        self.notes.tell(event);
    }
}

const FLEET: &str =
    "role :web, 'w1', 'w2'\nrole :app, 'deploy@a1:2222', 'a2', :jobs => true\nrole :app, 'a3'\nset :use_sudo, true\n";

/// The commands of a task `t` with this body, on the application hosts.
async fn commands(options: &str, body: &str) -> Vec<Command> {
    commands_for(&format!(":roles => :app{options}"), body).await
}

async fn commands_for(options: &str, body: &str) -> Vec<Command> {
    let recipe = load(&format!("{FLEET}task(:t, {options}) do\n{body}\nend")).await;
    let hosts = Commands::default();
    recipe.program(vec!["t".into()]).run(&hosts).await.unwrap_or_else(|stopped| panic!("{stopped}"));
    hosts.commands.into_inner()
}

async fn one(body: &str) -> Command {
    let mut all = commands("", body).await;
    assert_eq!(all.len(), 1, "{body}");
    all.remove(0)
}

fn on_first(command: &Command) -> &str {
    command.text.on(&command.hosts[0])
}

fn hosts(command: &Command) -> String {
    command.hosts.iter().map(HostId::as_str).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn texts() {
    for (body, text) in [
        ("run 'ls -l'", "sh -c 'ls -l'"),
        ("run \"echo 'hi'\"", r"sh -c 'echo '\''hi'\'''"),
        ("run <<-CMD\n  cd /x &&\n  ls\nCMD", "sh -c 'cd /x &&\\\n  ls'"),
        ("run 'ls', :shell => false", "ls"),
        ("run 'ls', :shell => :bash", "bash -c 'ls'"),
        ("set :default_shell, '/bin/bash'; run 'ls'", "/bin/bash -c 'ls'"),
        ("set :default_shell, false; run 'ls'", "ls"),
        ("run 'ls', :env => { 'A' => 1, :B => 'x y' }", "env A=1 B=x\\ y sh -c 'ls'"),
        ("default_environment['PATH'] = '/opt:$PATH'; run 'ls'", "env PATH=/opt:$PATH sh -c 'ls'"),
        ("default_environment['A'] = 1; run 'ls', :env => { 'A' => 2 }", "env A=2 sh -c 'ls'"),
        ("default_run_options[:shell] = 'zsh'; run 'ls'", "zsh -c 'ls'"),
        ("run 'ls', :env => 'A=1'", "env A=1 sh -c 'ls'"),
        ("run 'echo $CAPISTRANO:HOST$ $CAPISTRANO:HOSTROLES$ $CAPISTRANO:X$'", "sh -c 'echo a1 app $CAPISTRANO:X$'"),
        ("stream 'tail -f log'", "sh -c 'tail -f log'"),
    ] {
        let command = one(body).await;
        assert_eq!(on_first(&command), text, "{body}");
    }
}

#[tokio::test]
async fn a_text_that_is_put_is_in_no_command() {
    for (body, wanted) in [
        ("put 'se''cret', '/etc/my conf', :mode => 0600", &["deploy@a1:2222 a2 a3: secret /etc/my conf 600"][..]),
        ("put 'secret', '~/x', :mode => '640', :via => :scp", &["deploy@a1:2222 a2 a3: secret ~/x 640"]),
        ("put 'secret', 'x', :roles => :web", &["w1 w2: secret x -"]),
        ("put 'secret', 'x', :once => true", &["deploy@a1:2222: secret x -"]),
        ("upload StringIO.new('secret'), 'x'", &["deploy@a1:2222 a2 a3: secret x -"]),
        ("begin; put('secret', '/x'); rescue; end", &["deploy@a1:2222 a2 a3: secret /x -"]),
    ] {
        let fleet = Commands::default();
        let recipe = load(&format!("{FLEET}task(:t, :roles => :app) do\n{body}\nend")).await;
        recipe.program(vec!["t".into()]).run(&fleet).await.unwrap_or_else(|stopped| panic!("{stopped}"));
        let sent: Vec<String> = fleet.commands.borrow().iter().map(sent).collect();
        assert_eq!(sent, wanted, "{body}");
        assert!(fleet.notes.lines.borrow().iter().all(|line| !line.contains("secret")), "{body}");
        assert!(!format!("{:?}", fleet.commands).contains("secret"), "{body}");
    }
}

/// What the first host is sent.
fn sent(command: &Command) -> String {
    let hosts: Vec<&str> = command.hosts.iter().map(HostId::as_str).collect();
    match command.text.transfer(&command.hosts[0]) {
        Some(Transfer::Send { what: Sent::Bytes(content), to, mode, .. }) => {
            let mode = mode.map_or_else(|| "-".to_owned(), |mode| format!("{mode:o}"));
            format!("{}: {} {to} {mode}", hosts.join(" "), String::from_utf8_lossy(content.bytes()))
        }
        other => format!("{}: {} {other:?}", hosts.join(" "), on_first(command)),
    }
}

#[tokio::test]
async fn files_are_carried_by_the_words_of_capistrano() {
    let send =
        |what: Sent, to: &str, mode: Option<u32>| Transfer::Send { what, to: to.to_owned(), mode, via: Via::Command };
    let tree = |inside| Sent::Tree { path: "/app/config".into(), inside };
    let file = || Sent::File("/app/config/deploy.rb".into());
    let fetch = |to: &str| Transfer::Fetch { from: "/var/log/x".to_owned(), to: Some(to.into()), via: Via::Command };
    for (body, wanted) in [
        ("upload '/app/config/deploy.rb', '/x'", send(file(), "/x", None)),
        ("transfer :up, '/app/config/deploy.rb', '/x', :via => :scp, :mode => 0755", send(file(), "/x", Some(0o755))),
        ("upload '/app/config', '/x'", send(tree(false), "/x", None)),
        ("upload '/app/config', '/x', :via => :scp, :recursive => true", send(tree(true), "/x", None)),
        ("upload '/app/config/deploy.rb', '/x/$CAPISTRANO:HOST$'", send(file(), "/x/a1", None)),
        ("download '/var/log/x', '/logs/$CAPISTRANO:HOST$.log'", fetch("/logs/a1.log")),
        ("get '/var/log/x', '/x'", fetch("/x")),
        (
            "upload '/app/config', '/x', :via => :sftp",
            Transfer::Send { what: tree(false), to: "/x".to_owned(), mode: None, via: Via::Sftp },
        ),
    ] {
        let fleet = Commands::default();
        let recipe = load(&format!("{FLEET}task(:t, :roles => :app) do\n{body}\nend")).await;
        recipe.program(vec!["t".into()]).run(&fleet).await.unwrap_or_else(|stopped| panic!("{stopped}"));
        let commands = fleet.commands.borrow();
        assert_eq!(commands.len(), 1, "{body}");
        assert_eq!(commands[0].text.transfer(&HostId::new("deploy@a1:2222")), Some(&wanted), "{body}");
        assert_eq!(hosts(&commands[0]) == "deploy@a1:2222", body.starts_with("get"), "{body}");
        let waits = fleet.notes.work().iter().any(|line| line.starts_with("wait Result Output"));
        assert_eq!(waits, matches!(wanted, Transfer::Fetch { .. }), "{body}");
    }
    // Modes in words, and of directories, are set as Capistrano does.
    for (body, chmod) in [
        ("put 'x', '/a b', :mode => 'u=rw,g='", "chmod u=rw,g= "),
        ("upload '/app/config', '/x', :mode => 0755", "chmod 755 /x"),
    ] {
        let all = commands("", body).await;
        assert_eq!(all.len(), 2, "{body}");
        assert!(all[1].shown.starts_with(chmod), "{body}: {}", all[1].shown);
    }
}

#[tokio::test]
async fn a_transfer_that_fails_can_be_rescued() {
    let notes = Notes::answering(|command, _| (i32::from(command.text.is_transfer()), String::new()));
    let body = "begin; upload('/app/config/deploy.rb', '/x'); rescue Capistrano::TransferError => e; run \"no #{e.class}\"; end";
    let done = super::run_on(&format!("{FLEET}task(:t) {{ {body} }}"), &["t"], notes).await;
    assert!(done.work().iter().any(|line| line.starts_with("run no Capistrano::TransferError")), "{:?}", done.work());
    let (problem, _) = fail(&format!("{FLEET}task(:t) {{ upload '/no/such', '/x' }}"), &["t"]).await;
    assert_eq!((problem.what.as_str(), problem.kind), ("read /no/such on this machine", ProblemKind::Recipe));
}

#[tokio::test]
async fn sudo() {
    for (body, text, shown) in [
        ("sudo 'ls'", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("sudo 'ls', :as => 'bob'", "sudo -S -p 'sudo password: ' -u bob ls", "sudo -u bob ls"),
        ("run \"#{sudo} ls\"", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("run \"#{sudo :as => 'bob'} ls\"", "sudo -S -p 'sudo password: ' -u bob ls", "sudo -u bob ls"),
        ("run \"#{try_sudo} ls\"", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("try_sudo 'ls'", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("set :admin_runner, 'adm'; try_sudo 'ls'", "sudo -S -p 'sudo password: ' -u adm ls", "sudo -u adm ls"),
        ("try_runner 'ls'", "sudo -S -p 'sudo password: ' -u app ls", "sudo -u app ls"),
        ("set :runner, nil; try_runner 'ls'", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("invoke_command 'ls', :via => :sudo", "sudo -S -p 'sudo password: ' ls", "sudo ls"),
        ("set :sudo, '/opt/sudo'; sudo 'ls'", "/opt/sudo -S -p 'sudo password: ' ls", "/opt/sudo ls"),
        ("set :sudo_prompt, ''; sudo 'ls'", "sudo -S ls", "sudo ls"),
    ] {
        let command = one(body).await;
        assert_eq!(on_first(&command).replace("'\\''", "'"), format!("sh -c '{text}'"), "{body}");
        assert_eq!(command.shown, shown, "{body}");
        assert!(command.sudo, "{body}");
    }
    for body in
        ["set :use_sudo, false; try_sudo 'ls'", "set :use_sudo, false; run \"#{try_sudo}ls\"", "invoke_command 'ls'"]
    {
        let command = one(body).await;
        assert_eq!((on_first(&command), command.sudo), ("sh -c 'ls'", false), "{body}");
    }
}

#[tokio::test]
async fn who_gets_it() {
    for (body, wanted) in [
        ("run 'x'", "deploy@a1:2222,a2,a3"),
        ("run 'x', :roles => :web", "w1,w2"),
        ("run 'x', :roles => [:web, :app]", "w1,w2,deploy@a1:2222,a2,a3"),
        ("run 'x', :roles => lambda { :web }", "w1,w2"),
        ("run 'x', :hosts => 'w2'", "w2"),
        ("run 'x', :hosts => ['other', 'a1']", "other,deploy@a1:2222"),
        ("run 'x', :only => { :jobs => true }", "deploy@a1:2222,a2"),
        ("run 'x', :except => { :jobs => true }", "a3"),
        ("run 'x', :once => true", "deploy@a1:2222"),
        ("capture 'x'", "deploy@a1:2222"),
    ] {
        assert_eq!(hosts(&one(body).await), wanted, "{body}");
    }
}

#[tokio::test]
async fn nested_tasks_have_their_own_scope() {
    let recipe = load(&format!(
        "{FLEET}task(:inner, :roles => :web) {{ run 'inner' }}\ntask(:none) {{ run 'all' }}\n\
         task(:t, :roles => :app) {{ inner; none; run 'outer' }}"
    ))
    .await;
    let notes = Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(
        notes.work(),
        ["run inner @ w1,w2", "run all @ w1,w2,deploy@a1:2222,a2,a3", "run outer @ deploy@a1:2222,a2,a3"]
    );
}

#[tokio::test]
async fn options_of_the_flow() {
    let slices = commands(", :max_hosts => 2", "run 'a'; run 'b', :max_hosts => 1").await;
    assert_eq!(slices.iter().map(|c| c.max_hosts).collect::<Vec<_>>(), [Some(2), Some(1)]);
    let goes_on = commands(", :on_error => :continue", "run 'a'").await;
    assert!(goes_on[0].continue_on_error);
    assert!(one("run 'a', :pty => true").await.pty);
    assert!(!one("default_run_options[:pty] = true; run 'a'").await.pty, "a default is only a permission");
    assert!(one("run 'a'").await.site.is_some_and(|site| site.line == 6 && site.column == 1));
    assert_eq!(one("run 'a'").await.task.as_deref(), Some("t"));
    let forwarding = load(&format!("{FLEET}ssh_options[:forward_agent] = true\ntask(:t) {{ run 'x' }}")).await;
    let hosts = Commands::default();
    forwarding.program(vec!["t".into()]).run(&hosts).await.unwrap();
    assert!(hosts.commands.borrow()[0].forward_agent);
}

#[tokio::test]
async fn parallel() {
    let body = "parallel do |s|\n  s.when \"in?(:web)\", 'web'\n  s.when 'server.host == \"a1\"', 'first', :last => true\n  \
                s.when lambda { in?(:app) }, 'app'\n  s.when \"server.host =~ /2/\", 'two'\n  s.else 'rest'\nend";
    let all = commands_for(":hosts => %w(w1 a1 a2 other)", body).await;
    let text = |n: usize, host: &str| all[n].text.on(&HostId::new(host)).to_owned();
    assert_eq!(all.len(), 2);
    assert_eq!(text(0, "w1"), "sh -c 'web'");
    assert_eq!(text(0, "deploy@a1:2222"), "sh -c 'first'");
    assert_eq!((text(0, "a2"), text(1, "a2")), ("sh -c 'app'".to_owned(), "sh -c 'two'".to_owned()));
    assert_eq!(text(0, "other"), "sh -c 'rest'");
    assert_eq!(hosts(&all[1]), "a2");
}

#[tokio::test]
async fn what_is_not_there_yet() {
    for body in [
        "run 'a', :data => 'x'",
        "put 'x', 'b', :mode => 'rw; rm'",
        "put 'x', 'b', :via => :ftp",
        "download 'a', StringIO.new",
    ] {
        let (problem, notes) = fail(&format!("{FLEET}task(:t) {{ {body} }}"), &["t"]).await;
        assert_eq!(problem.kind, ProblemKind::Unsupported, "{body}: {}", problem.why);
        assert_eq!(problem.site.unwrap().line, 5);
        assert!(notes.work().is_empty());
    }
}

#[tokio::test]
async fn nothing_runs_while_the_recipe_is_loaded() {
    for text in ["run 'x'", "puts current_release", "set :x, capture('ls')\nputs x"] {
        let problem = super::refuse(&format!("set :application, 'a'\nset :repository, 'git@h:x'\n{FLEET}{text}")).await;
        assert!(problem.why.contains("only while a task runs"), "{text}: {}", problem.why);
    }
}

#[tokio::test]
async fn a_command_needs_a_text() {
    for body in ["run", "run nil", "run 'a', 'b'", "capture"] {
        let (problem, _) = fail(&format!("{FLEET}task(:t) {{ {body} }}"), &["t"]).await;
        assert!(problem.why.contains("(ArgumentError)"), "{body}: {}", problem.why);
    }
}

#[tokio::test]
async fn run_locally() {
    let body = "x = run_locally('echo hello'); run \"got #{x.strip}\"";
    let all = commands("", body).await;
    assert_eq!(on_first(&all[0]), "sh -c 'got hello'");
    let (problem, _) = fail(&format!("{FLEET}task(:t) {{ run_locally 'false' }}"), &["t"]).await;
    assert_eq!(problem.what, "run \"false\" on this machine");
}
