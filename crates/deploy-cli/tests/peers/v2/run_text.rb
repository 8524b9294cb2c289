#: cap show
task :show, :roles => [:web, :app] do
  log = "#{deploy_to}.log"
  run <<-CMD
    echo one >> #{log} &&
    echo "two  spaces" 'single $HOME quotes' >> #{log};
    for x in a b; do echo $x >> #{log}; done
  CMD
  run "echo 'it'\\''s' \\\\ \"\\$HOME\" `echo back` $((1+2)) >> #{log}"
  run "cd / && pwd >> #{log}"
  run "pwd | sed s:^#{'/'}home:H: >> #{log}; umask >> #{log}; echo $0 >> #{log}"
  run "printf '%s\\n' a\\ b \"c d\" >> #{log} && test -d / || echo never >> #{log}"
  run "echo out; echo err >&2"
  run "echo percent %d 100% # comment >> #{log}"
  run "true"
  run ": ; echo semicolon >> #{log}"
end
