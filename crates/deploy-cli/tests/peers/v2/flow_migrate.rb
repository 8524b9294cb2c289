#: sh all printf 'echo "$(pwd) $*" >> %s.log\n' $ROOT > $ROOT.rake
#: cap deploy:setup
#: cap deploy:migrations
#: cap deploy:migrate
#: cap deploy:migrate -s migrate_target=current -s rails_env=staging -s migrate_env=VERSION=3
#: cap deploy:cold BRANCH=v2
#: fails(2) deploy:migrate -s migrate_target=nowhere
set(:rake) { "sh #{deploy_to}.rake" }
namespace :deploy do
  task(:start, :roles => :app) { note 'start' }
  task(:restart, :roles => :app) { note 'restart' }
end
