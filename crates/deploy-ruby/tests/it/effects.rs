//! Files, environment, processes and time, in memory.

use crate::eval;
use deploy_ruby::{CommandLine, Finished, MemoryEffects};
use std::rc::Rc;

fn world() -> Rc<MemoryEffects> {
    let effects = Rc::new(MemoryEffects::new());
    effects.set_clock("2024-03-05T06:07:08.123456789Z".parse().unwrap());
    effects.add_file("/app/config/deploy.rb", "set :a, 1\n");
    effects.add_file("/app/lib/tasks/one.rake", "one\n");
    effects.add_file("/app/lib/tasks/deep/two.rake", "two\n");
    effects.on_run(|command| {
        let (status, out) = match &command.line {
            CommandLine::Shell(line) if line.starts_with("git rev-parse") => (0, "main\n"),
            CommandLine::Shell(line) if line == "false" => (1, ""),
            CommandLine::Argv(words) if words[0] == "echo" => (0, "hi\n"),
            _ => (127, ""),
        };
        Ok(Finished { status: Some(status), stdout: out.into(), ..Finished::default() })
    });
    effects
}

fn shows(program: &str, expected: &str) {
    let value = eval(&world(), program).unwrap_or_else(|error| panic!("{program}\n{error}"));
    assert_eq!(value.inspect(), expected, "{program}");
}

#[test]
fn files_are_read_and_written() {
    shows("File.read('/app/config/deploy.rb')", "\"set :a, 1\\n\"");
    shows("File.exist?('/nope') || File.file?('/app/config/deploy.rb') && File.directory?('/app')", "true");
    shows(
        "File.write('/app/x', 'hello'); File.open('/app/x', 'a') { |f| f.puts ' you' }; IO.read('/app/x')",
        "\"hello you\\n\"",
    );
    shows(
        "File.open('/app/y', 'w') { |f| f << 'a' << 1; f.write('b', 'c') }; [File.size('/app/y'), File.readlines('/app/y')]",
        "[4, [\"a1bc\"]]",
    );
    shows(
        "begin; File.read('/nope'); rescue Errno::ENOENT, IOError => e; e.message; end",
        "\"No such file or directory - /nope\"",
    );
    shows("File.expand_path('../config', '/app/lib/x.rb')", "\"/app/lib/config\"");
    shows(
        "[File.join('a', '/b', ['c']), File.basename('/a/b.rb', '.rb'), File.extname('x.tar.gz'), File.expand_path('~/x')]",
        "[\"a/b/c\", \"b\", \".gz\", \"/home/user/x\"]",
    );
}

#[test]
fn directories_are_globbed() {
    shows("Dir['/app/lib/**/*.rake']", "[\"/app/lib/tasks/one.rake\", \"/app/lib/tasks/deep/two.rake\"]");
    shows("Dir.chdir('/app') { Dir.glob('{lib,config}/*') }", "[\"lib/tasks\", \"config/deploy.rb\"]");
    shows(
        "require 'fileutils'; FileUtils.mkdir_p('/a/b/c'); FileUtils.touch('/a/b/c/f'); FileUtils.rm_rf('/a/b'); [Dir.exist?('/a'), Dir.exist?('/a/b')]",
        "[true, false]",
    );
    shows("Dir.mktmpdir { |d| File.write(\"#{d}/f\", 'x'); Dir.entries(d) }", "[\".\", \"..\", \"f\"]");
    shows("Pathname.new('/app').join('lib', 'x').relative_path_from(Pathname.new('/app/config')).to_s", "\"../lib/x\"");
}

#[test]
fn the_environment_is_a_hash_of_strings() {
    shows(
        "ENV['A'] = 'x'; [ENV['A'], ENV.fetch('B', 'd'), ENV['HOME'], ENV.key?('Z'), ENV.delete('A'), ENV['A']]",
        "[\"x\", \"d\", \"/home/user\", false, \"x\", nil]",
    );
    shows("ENV.fetch('NOPE') { |k| k.downcase }", "\"nope\"");
    shows(
        "begin; ENV['A'] = 1; rescue TypeError => e; e.message; end",
        "\"no implicit conversion of Integer into String\"",
    );
    shows("ENV.map { |k, v| k }.sort", "[\"HOME\", \"USER\"]");
}

#[test]
fn processes_run_through_the_effects() {
    shows("[`git rev-parse --abbrev-ref HEAD`.chomp, $?.success?, $?.exitstatus]", "[\"main\", true, 0]");
    shows("[system('false'), $?.exitstatus, system('echo', 'x'), system('nonesuch')]", "[false, 1, true, nil]");
    shows("sleep 2; sleep 0.5", "1");
}

#[test]
fn time_is_formatted() {
    shows("Time.now.strftime('%Y%m%d%H%M%S')", "\"20240305060708\"");
    shows(
        "Time.now.utc.strftime('%-d/%-m/%y %l:%M %p %j %A %^b %L %3N %s %% %e|%10Y|%z')",
        "\"5/3/24  6:07 AM 065 Tuesday MAR 123 123 1709618828 %  5|0000002024|+0000\"",
    );
    shows(
        "t = Time.at(0).utc; [t.year, (t + 90).min, (Time.at(10) - Time.at(4)), t.to_s, t.iso8601, t.monday?]",
        "[1970, 1, 6.0, \"1970-01-01 00:00:00 UTC\", \"1970-01-01T00:00:00Z\", false]",
    );
    shows("require 'time'; Time.parse('2020-02-03 04:05:06 UTC').to_i", "1580702706");
    shows(
        "require 'date'; [(Date.new(2024, 2, 28) + 2).to_s, Date.parse('2024-01-31').next_month.to_s, (Date.new(2024,3,1) - Date.new(2024,2,1))]",
        "[\"2024-03-01\", \"2024-02-29\", 29]",
    );
}
