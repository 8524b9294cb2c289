//! Recipes that somebody has mangled: an error or a run, never a panic, and always an end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::v3::project;
use super::{Notes, deployer};
use crate::Loader;

const SECOND: &str = r##"set :application, "shop"
set :repository, "git@example.com:shop.git"
set :scm, :git
set(:deploy_to) { "/srv/#{application}" }
role :app, "web1", "web2", :primary => true
role(:db) { %w[db1] }
server "deploy@web3:2222", :web, :weight => 3
class Note
  attr_accessor :text
  def initialize(text = "x") @text = text end
  def to_s() "note #{@text}" end
end
namespace :deploy do
  task :restart, :roles => [:app], :except => { :no_release => true } do
    run "touch #{current_path}/tmp/restart.txt" do |channel, stream, data|
      channel.send_data("y\n") if data =~ /sure\?/
    end
  end
  [:start, :stop].each { |verb| task(verb) { try_sudo "service #{verb} && echo #{Note.new(verb)}" } }
end
after "deploy:update_code" do
  transaction { on_rollback { run "rm -f x" }; put ERB.new("<%= application %>").result(binding), "#{shared_path}/x" }
end
task(:look) { find_servers(:roles => :app).each { |host| logger.info host.host } ; x = capture("uptime").split(/,\s*/)[0] || "none" }
"##;

const THIRD: &str = r##"set :deploy_to, -> { "/var/www/#{fetch(:application)}" }
append :linked_dirs, "log", *%w[tmp/pids tmp/cache]
server "web9:2222", user: "deploy", roles: %w[app web], primary: true
role :worker, %w[job1 job2], queue: { fast: 1 }
namespace :deploy do
  desc "Restart it"
  task :restart, [:how] => :check do |task, args|
    args.with_defaults(how: "soft")
    on roles(:app), in: :groups, limit: 2, wait: 0 do |host|
      within release_path do
        with rails_env: fetch(:stage), path: "/x:$PATH" do
          execute :touch, "tmp/#{args[:how]}.txt" if test("[ -d tmp ]")
          info capture(:cat, "x", raise_on_non_zero_exit: false).lines.map(&:strip).first.to_s + host.hostname
        end
      end
    end
  end
  after :publishing, :restart
  before(:starting, :guard) { run_locally { execute :git, "status" } }
end
task(:own) { |t| invoke "deploy:restart", "hard"; Rake::Task["deploy:restart"].reenable; upload! StringIO.new(<<~END), "/tmp/x" }
  text #{fetch(:nothing, 1) + 1}
END
"##;

/// A generator of its own, so that a number names a case for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % bound.max(1)
    }
}

const SPICE: &[&str] = &[
    "nil",
    "end",
    "do",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "#{",
    "|x|",
    ":a",
    "=> ",
    "*",
    "&",
    "self",
    "0",
    "-1",
    "super",
    "@@x",
    "99999999",
    "1.0/0",
    "\u{e9}",
    "\n",
    ".",
    "lambda { |x| x }",
    "%w[]",
    "{}",
    "class A; end",
    "/(a+)+$/",
    "raise",
    "'-oProxyCommand=x'",
    "''",
    "loop { }",
    "\0",
    "** 9",
    "[[0]] * 3",
    "fetch(:x)",
    "set(:x) { x }",
];

fn mangle(text: &str, dice: &mut Dice) -> String {
    let mut words: Vec<String> = text.split_inclusive([' ', '\n', '.', ',', '(']).map(str::to_owned).collect();
    for _ in 0..=dice.below(5) {
        let at = dice.below(words.len());
        match dice.below(5) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, SPICE[dice.below(SPICE.len())].to_owned()),
            2 => words[at] = SPICE[dice.below(SPICE.len())].to_owned(),
            3 => {
                let other = dice.below(words.len());
                words.swap(at, other);
            }
            _ => {
                let mut bytes = std::mem::take(&mut words[at]).into_bytes();
                let index = dice.below(bytes.len());
                if let Some(byte) = bytes.get_mut(index) {
                    *byte = u8::try_from(dice.below(256)).unwrap_or(0);
                }
                words[at] = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }
    words.concat()
}

async fn try_out(number: u64) {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let three = number % 2 == 1;
    let mut loader = if three {
        let mut loader = Loader::new(project("", &mangle(THIRD, &mut dice), ""));
        loader.words = vec!["production".into()];
        loader
    } else {
        let effects = deployer();
        effects.add_file("/app/config/deploy.rb", &mangle(&format!("load 'deploy'\n{SECOND}"), &mut dice));
        let mut loader = Loader::new(effects);
        loader.files = vec!["/app/config/deploy.rb".into()];
        loader
    };
    loader.steps = 60_000;
    if number.is_multiple_of(3) {
        loader.allow_require = vec!["x".into()];
    }
    let Ok(recipe) = loader.load().await else { return };
    for task in ["deploy:restart", "deploy:start", "look", "own", "deploy"] {
        let words: &[&str] = if three { &["production", task] } else { &[task] };
        let program = recipe.program(words.iter().map(|word| (*word).to_owned()).collect());
        let _ = deploy_plan::Program::run(&program, &Notes::default()).await;
    }
}

/// `CAPSTAN_FUZZ=20000` tries so many; a number that fails names its case.
#[test]
fn mangled_recipes_end_in_an_error_or_a_run() {
    let cases: u64 = std::env::var("CAPSTAN_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(250);
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for number in 0..cases {
            let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(try_out(number))));
            assert!(done.is_ok(), "case {number} panicked");
        }
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap().join().unwrap();
}
