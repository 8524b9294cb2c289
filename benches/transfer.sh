#!/usr/bin/env bash
# 200 MB to an sshd of its own on loopback: `upload` of a recipe against scp, with the same cipher, turn by turn:
# seconds of wall time, and of CPU of the client and its children.
#   benches/transfer.sh target/release/cap [PAIRS]
set -euo pipefail
cap=$(realpath "$1") pairs=${2:-5}
dir=$(mktemp -d) && cd "$dir"
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
port=2299
ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f id
mkdir -p config there
cat >sshd_config <<CONF
ListenAddress 127.0.0.1:$port
HostKey $dir/host
AuthorizedKeysFile $dir/id.pub
PidFile none
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
CONF
test -d /run/sshd || mkdir -p /run/sshd
/usr/sbin/sshd -D -e -f sshd_config 2>log & server=$!
cut -d' ' -f1,2 host.pub | sed "s/^/[127.0.0.1]:$port /" >known_hosts
cat >ssh_config <<CONF
Host here
  HostName 127.0.0.1
  Port $port
  User $(id -un)
  IdentityFile $dir/id
  IdentitiesOnly yes
  UserKnownHostsFile $dir/known_hosts
  Ciphers aes128-gcm@openssh.com
  KexAlgorithms curve25519-sha256
CONF
echo "role :app, 'here'
task(:t) { upload '$dir/big', '$dir/there/big' }" >Capfile
head -c 200000000 /dev/urandom >big
until grep -q listening log; do sleep 0.1; done
TIMEFORMAT='%R %U %S'
timed() { { time "$@" >out 2>&1; } 2>&1 || { cat out >&2; exit 1; }; }
for ((pair = 0; pair < pairs; pair++)); do
  rm -f there/*
  read -r ours user sys < <(timed "$cap" --ssh-config ssh_config t) && cmp big there/big
  our_cpu=$(echo "$user + $sys" | bc)
  rm -f there/*
  read -r theirs user sys < <(timed scp -q -F ssh_config big here:"$dir/there/big") && cmp big there/big
  echo "cap $ours s (CPU $our_cpu s), scp $theirs s (CPU $(echo "$user + $sys" | bc) s):" \
    "$(echo "scale=2; $theirs / $ours" | bc) times as fast, load $(cut -d' ' -f1 /proc/loadavg)"
done
