#: cap deploy
# A block under a name that the target's namespace has: the other task is meant, and the block never runs.
after('deploy:publishing', :restart) { all_note 'never' }
before('deploy:updated', :failed) { all_note 'never either' }
after('deploy:published', :own) { all_note 'own' }
namespace(:apart) { task(:reached) { all_note 'reached' } }
after 'deploy:published', 'apart:reached'
