#: cap in_app HOSTFILTER=app2.example.com
#: cap everywhere HOSTROLEFILTER=app
#: cap -r in_app ROLES=app
#: cap in_app ROLES=web
#: cap in_app HOSTS=web1.example.com,app1.example.com
#: cap everywhere ROLES=db,app
#: cap deploy:setup HOSTS=app1.example.com
#: cap deploy HOSTFILTER=app1.example.com
#: differs(empty filter) 2 in_app HOSTROLEFILTER=web
#: then web1 cat $ROOT.log 2>/dev/null; true =>  | 
task(:in_app, :roles => :app) { note 'in app'; note 'again', :once => true }
task(:everywhere) { note 'everywhere' }
