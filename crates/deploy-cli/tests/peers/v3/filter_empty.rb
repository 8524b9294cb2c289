#: differs(empty filter) 2 show HOSTS=nobody.example.com
#: then web1 cat $ROOT.log 2>/dev/null; echo end => end | end
#: differs(empty filter) 2 deploy ROLES=nobody
#: then web1 ls $ROOT 2>/dev/null; echo end => end | end
task(:show) { all_note 'ran' }
