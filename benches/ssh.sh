#!/usr/bin/env bash
# Compares `cap` with OpenSSH's client: connect to N hosts, run `true` on each. Each round runs every way once, so that
# what else the machine does meets them all; medians and minima are printed. CPU is that of the client and its children. With one
# host, also a thousand commands one after the other on one connection.
#
#   cargo build --release && cargo xtask testbed --dir DIR up --backend sshd --hosts N --detach
#   benches/ssh.sh DIR target/release/cap [ROUNDS]
set -euo pipefail
dir=$(realpath "$1") cap=$(realpath "$2") rounds=${3:-7}
work=$(mktemp -d)
masters=()
clean() {
  for host in "${masters[@]}"; do ssh -F "$dir/ssh_config" -S "$work/$host" -O exit "$host" 2>/dev/null || :; done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM
mapfile -t hosts < <(awk '/^Host [a-z]/ {print $2}' "$dir/ssh_config")
echo "load 'deploy'" >"$work/Capfile"
printf 'role :app, %s\n' "$(printf "'%s', " "${hosts[@]}" | sed 's/, $//')" >>"$work/Capfile"

all() { printf '%s\n' "${hosts[@]}" | xargs -P "${#hosts[@]}" -I{} ssh -F "$dir/ssh_config" "$@" {} true; }
way_cap() { (cd "$work" && "$cap" --ssh-config "$dir/ssh_config" -q invoke COMMAND=true); }
way_ssh() { all -S none; }
way_curve() { all -S none -o KexAlgorithms=curve25519-sha256; }
way_warm() { all -S "$work/%n"; }
echo "task(:many) { 1000.times { run 'true' } }" >>"$work/Capfile"
way_cap_many() { (cd "$work" && "$cap" --ssh-config "$dir/ssh_config" -q many); }
way_warm_many() { for ((i = 0; i < 1000; i++)); do all -S "$work/%n"; done; }
for host in "${hosts[@]}"; do
  ssh -F "$dir/ssh_config" -M -S "$work/$host" -o ControlPersist=yes -fN "$host" && masters+=("$host")
done

ways="cap ssh curve warm"
[ "${#hosts[@]}" != 1 ] || ways="$ways cap_many warm_many"
TIMEFORMAT='%R %U %S'
for ((round = 0; round < rounds; round++)); do
  for way in $ways; do
    { time "way_$way" >"$work/out" 2>&1; } 2>>"$work/$way.times" || { cat "$work/out"; exit 1; }
  done
done
echo "${#hosts[@]} hosts, $rounds rounds, load $(cut -d' ' -f1 /proc/loadavg)"
for way in $ways; do
  median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
  wall=$(awk '{print $1}' "$work/$way.times") cpu=$(awk '{print $2 + $3}' "$work/$way.times")
  printf '%-9s wall %s s (min %s), client CPU %s s (min %s)\n' "$way" "$(median <<<"$wall")" \
    "$(sort -n <<<"$wall" | head -n 1)" "$(median <<<"$cpu")" "$(sort -n <<<"$cpu" | head -n 1)"
done
