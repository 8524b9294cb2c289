#: cap deploy BRANCH=v2
#: fails(2) deploy BRANCH=nowhere
#: cap deploy BRANCH=v3
after('deploy:updated', :tell) { all_note 'updated' }
