#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy BRANCH=v3
#: cap deploy:rollback
#: cap deploy BRANCH=v4
#: cap deploy:rollback ROLLBACK_RELEASE=@R2
after('deploy:reverted', :tell) { all_note 'reverted to', release_path, fetch(:rollback_timestamp) }
after('deploy:publishing', :tell_publishing) { on(roles(:app)) { note capture(:cat, current_path.join('VERSION')) } }
