#!/bin/sh
# Process 1 of the repository container: svnserve and git daemon on their own ports.
set -eu
git config --system --add safe.directory '*'
mkdir -p /srv/repositories/svn /srv/repositories/git
svnserve --daemon --threads --root /srv/repositories/svn
echo "repositories are served" >&2
# git daemon's own listener has a backlog of five and loses clients when a fleet asks at once.
exec socat TCP-LISTEN:9418,reuseaddr,fork,backlog=256,max-children=64 \
  EXEC:'git daemon --inetd --export-all --base-path=/srv/repositories/git /srv/repositories/git'
