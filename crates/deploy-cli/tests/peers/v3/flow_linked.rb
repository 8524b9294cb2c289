#: sh all mkdir -p $ROOT/shared/config/deep $ROOT/shared/public; echo x > $ROOT/shared/config/database.yml; echo y > $ROOT/shared/config/deep/er.yml; echo z > $ROOT/shared/.env; echo r > $ROOT/shared/VERSION
#: cap deploy
#: cap deploy BRANCH=v3
append :linked_files, 'config/database.yml', 'config/deep/er.yml', '.env', 'VERSION'
append :linked_dirs, 'log', 'tmp/pids', 'tmp/cache', 'public', 'vendor/bundle', 'db/migrate'
after 'deploy:updated', :look do
  on release_roles(:all) do
    within(release_path) { note capture(:cat, 'REVISION').size, capture(:ls, '-A').split.reject { |name| name == 'REVISION_TIME' }.join(' ') }
    note test("[ -L #{release_path}/public ]"), test("[ -d #{release_path}/public/ ]")
  end
end
