#: cap invoke 'COMMAND=echo $CAPISTRANO:HOST$ >> /tmp/nothing; true'
#: cap invoke COMMAND=true ROLES=app
#: fails(1) invoke COMMAND=false
#: fails(2) invoke
set :nothing, 1
