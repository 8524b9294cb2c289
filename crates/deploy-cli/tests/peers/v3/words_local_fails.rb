#: fails(1) show
#: cap goes_on
task :show do
  on(roles(:web)) { note 'before' }
  run_locally { execute :test, '-d', '/none' }
  on(roles(:web)) { note 'never' }
end
task :goes_on do
  run_locally { execute(:false) } rescue all_note('rescued')
  run_locally { info 'told' if test(:false) }
  all_note 'end'
end
