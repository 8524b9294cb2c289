#: differs(ahead) 2 raises
#: then web1 cat $ROOT.log 2>/dev/null; true => before | 
#: differs(ahead) 1 aborts
#: differs(ahead) 1 exits
#: differs(ahead) 1 exits_well
#: differs(ahead) 2 unknown_word
#: then app1 cat $ROOT.log 2>/dev/null; true => before | 
#: fails(2) waits
#: fails(2) early
#: cap exits_zero
task(:raises) { all_note 'before'; raise 'a reason'; all_note 'never' }
task(:aborts) { all_note 'before'; abort 'a reason'; all_note 'never' }
task(:exits) { all_note 'before'; exit 1; all_note 'never' }
task(:exits_well) { all_note 'before'; exit 3 }
task(:exits_zero) { all_note 'before'; exit; all_note 'never' }
task(:unknown_word) { all_note 'before'; no_such_word_at_all 1 }
task(:waits) { all_note 'before'; on(roles(:web)) { note "asked"; capture(:whoami) }; raise "too late" }
task(:early) { raise 'before anything'; all_note 'never' }
