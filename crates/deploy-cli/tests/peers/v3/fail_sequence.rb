#: fails(1) one_by_one
#: fails(1) grouped
#: fails(1) together
task(:one_by_one) { on(roles(:all), in: :sequence, wait: 0) { |h| note 'seq'; execute :test, '-z', h.hostname if h.hostname =~ /app1/; note 'end' } }
task(:grouped) { on(roles(:all), in: :groups, limit: 2, wait: 0) { |h| note 'grp'; execute :false if h.hostname =~ /app1/; note 'end' } }
task(:together) { on(roles(:all)) { |h| note 'all'; execute :false if h.hostname =~ /app2/; note 'end' }; all_note 'never' }
