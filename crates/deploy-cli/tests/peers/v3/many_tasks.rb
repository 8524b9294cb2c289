#: cap one two one three[x] deploy
#: cap two deploy:cleanup one BRANCH=v2
task(:one) { all_note 'one' }
task(:two => :one) { all_note 'two' }
task(:three, :a) { |_, a| all_note 'three', a[:a] }
after 'deploy:finishing', :two
set :keep_releases, 1
