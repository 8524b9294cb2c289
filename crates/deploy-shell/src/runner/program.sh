# The remote runner, in POSIX sh (dash, BusyBox ash, bash). Sent on stdin by the client and evaluated by a fixed boot
# text; `_rN` (nonce) and `_rT` (silence limit in seconds) are set before. The wire contract is in runner.rs.
# Comment lines and indentation are removed before it is sent. ASCII only; no here-documents, no `local`.
#
#   client stdin -> reader -> (pipe) -> worker -> wrapper of a step (own session) -> command
#                     |                   |             |
#                     +---- fd 8 (pipe) --+-------------+--> watcher, the only one who kills
#
# Descriptors: 3 and 4 the channel's stdout and stderr, 8 the watcher's pipe, 9 the lock (worker and wrapper only).
set +aefuvx
unset TMOUT SHLVL _ra _rb _rc _rd _re _rf _rg _rh _ri _rj _rk _rl _rm _ro _rp _rq _rr _rs _rt _ru _rv _rw _rx _ry _rz
unset _rB _rE _rG _rL _rO _rP _rR _rS _rU _rW _r1 _r2 _r3
exec 3>&1 4>&2 5>&- 6>&- 7>&- 8>&- 9>&- 2>/dev/null
if [ "$PWD" != "$HOME" ] && cd "$HOME"; then unset OLDPWD; fi
_rz=$(printf '\037\036')
_rU=${_rz%?} _rR=${_rz#?}
_rB=$_rR$_rN
_rS= _rL=lease
command -v setsid >/dev/null && _rS=setsid
command -v flock >/dev/null && _rL=flock

# The wrapper of a step: $1 step, $2 kind, $3 text, $4 file for its identity (lease way of locking), $5 "setsid".
# It leads the step's session, holds the lock, outlives the command and says how that ended. Its own output goes to
# the worker: what its shell says about a signal (dash, ash) is the proof that there was one.
_rW='unset SHLVL _k _l _f
trap _k=1 HUP INT QUIT PIPE ALRM TERM USR1 USR2
printf "P%s " $$
if [ "$4" ]; then
_f=$4
{ read -r _l </proc/self/stat; } 2>/dev/null
_s() { shift 19; echo "$$ $1" >"$_f"; }
if [ "$_l" ]; then _s ${_l##*)}; else echo "$$ 0" >"$_f"; fi
unset _l _f
fi
case $5 in
setsid) echo "S $1 -$$" >&8 ;;
*) set -- "$1" "n$2" "$3" ;;
esac
case $2 in
C) (exec "${SHELL:-/bin/sh}" -c "$3" >&3 2>&4 3>&- 4>&- 8>&- 9>&-) ;;
S) (exec sh >&3 2>&4 3>&- 4>&- 8>&- 9>&-) ;;
nC) (exec sh -c "echo \"S \$1 \$\$\" >&8; exec 8>&-; exec \"\${SHELL:-/bin/sh}\" -c \"\$2\"" sh "$1" "$3" >&3 2>&4 3>&- 4>&- 9>&-) ;;
nS) (exec sh -c "echo \"S \$1 \$\$\" >&8; exec 8>&-; exec sh" sh "$1" >&3 2>&4 3>&- 4>&- 9>&-) ;;
esac
printf "R%s %s" $? "$_k"'

# What a script may call: marks to the client. `_rB`, `_rU`, `_rR` and `_rI` (step) are set before it.
_rP='_mark() {
_rj=$IFS; IFS=
case $* in *["$_rU$_rR"]*) set -- bad-mark "$1" ;; esac
IFS=$_rU
printf "%s\n" "${_rB}M$_rU$_rI$_rU$*$_rR"
IFS=$_rj
}
_fact() { _mark fact "$@"; }
_item() { _mark item "$@"; }
_up() { _ru=; { IFS=" " read -r _ru _rj </proc/uptime; } 2>/dev/null; }'
eval "$_rP"

# A frame to the client: one write, so that nothing comes in between.
_r_frame() {
  _ri=$IFS; IFS=$_rU
  printf '%s\n' "$_rB$*$_rR"
  IFS=$_ri
}

_r_self() {
  _rp=
  { read -r _rp _rz </proc/self/stat; } 2>/dev/null
  case $_rp in ''|*[!0-9]*) _rp=$(exec sh -c 'echo $PPID' </dev/null) ;; esac
}

_r_reader() {
  exec 3>&- 4>&-
  (
    trap 'kill $_rs; exit' TERM
    while sleep 1 >/dev/null & _rs=$!; wait $_rs; do echo T; done
  ) >&8 8>&- </dev/null &
  _rt=$!
  _r_self
  echo "P $_rp $_rt" >&8
  while IFS= read -r _rl; do
    case $_rl in
      H) echo H >&8 ;;
      K*) printf '%s\n' "$_rl" >&8 ;;
      Q) exec >&- ;;
      *) printf '%s\n' "$_rl" || break
        echo H >&8 ;;
    esac
  done
  echo X >&8
}

_r_hello() {
  _rz=$(id </dev/null)
  _ra=${_rz#uid=} _rb=${_rz#*\(} _rc=${_rz#*gid=}
  _rc=${_rc#*\(}
  _rd=$(uname -sn </dev/null)
  _re=0 _rf=sh _rg=file
  case $(command -v ls) in
    ls) _re=1 ;;
    *) [ "$(command -v ls)" -ef "$(command -v busybox || echo /)" ] && _re=1 ;;
  esac
  if [ "$BASH_VERSION" ]; then _rf=bash; fi
  case $(command -v printf) in printf) _rg=builtin ;; esac
  _r_frame H proto=1 "pid=$_rp" "uid=${_ra%%\(*}" "user=${_rb%%\)*}" "group=${_rc%%\)*}" "os=${_rd%% *}" "host=${_rd#* }" \
    "home=$HOME" "shell=$SHELL" "umask=$(umask)" "session=${_rS:-none}" "lock=$_rL" "busybox=$_re" "sh=$_rf" "printf=$_rg"
}

# Whether a process of this group lives. A zombie, which an init that reaps late or never can leave, answers to `kill -0`
# like a living one.
_r_group() {
  [ -e /proc/self/stat ] || return 0
  for _rs in /proc/[0-9]*/stat; do
    _rl=
    { IFS= read -r _rl; } <"$_rs" || continue
    _rl=${_rl##*) }
    case $_rl in [ZX]' '*) continue ;; esac
    _rl=${_rl#* * }
    [ "${_rl%% *}" = "$1" ] && return
  done
  return 1
}

# Waits until no process of a killed step is left, or as long as is sensible: 3 s after that KILL is certain to have
# been sent, 10 s for those of another user, whom we cannot kill.
_r_linger() {
  _rz=0
  while [ $_rz -lt 100 ]; do
    case $(LC_ALL=C; export LC_ALL; kill -0 "$1" 2>&1) in
      '') [ $_rz -lt 30 ] && _r_group "${1#-}" || return ;;
      *ermitted*) ;;
      *) return ;;
    esac
    sleep 0.1 9>&- || { sleep 1 9>&-; _rz=$((_rz + 9)); }
    _rz=$((_rz + 1))
  done
}

# $1 kind, $2 step, $3 flags: i input in _r2, l only with the lock, n a chain begins, o only if nothing in the chain has
# failed (_rE). Text in _r1.
_r_step() {
  _r_frame B "$2"
  _r_frame B "$2" >&4
  _rc=0 _rk=exit
  case $3 in *n*) _rE= ;; esac
  case $3 in *o*) [ "$_rE" ] && _rk=skipped ;; esac
  case $_rk$3 in
    exit*l*) [ "$_rh" ] && _r_owns || _rk=unlocked ;;
  esac
  if [ $_rk = exit ]; then
    case $1 in
      E) _rI=$2
        _rv=$(printf '%b.' "$_r1")
        command eval "${_rv%.}" </dev/null >&3 2>&4 8>&- 9>&-
        _rc=$? ;;
      *) _r_run "$1" "$2" "$3" ;;
    esac
  fi
  [ "$_rc$_rk" = 0exit ] || _rE=1
  echo E >&8
  _r_frame E "$2" "$_rc" $_rk
  _r_frame E "$2" >&4
}

_r_run() {
  _rv=
  case $1$3 in
    S*) _rm=$(printf '%s\n' "{ _rB='$_rB' _rU='$_rU' _rR='$_rR' _rI=$2" "$_rP" "$(printf %b "$_r1")" '} </dev/null' |
        exec $_rS sh -c "$_rW" sh "$2" S '' "$_rG" $_rS 2>&1) ;;
    C*i*) _rv=$(printf '%b.' "$_r1")
      _rm=$(printf %b "$_r2" | exec $_rS sh -c "$_rW" sh "$2" C "${_rv%.}" "$_rG" $_rS 2>&1) ;;
    *) _rv=$(printf '%b.' "$_r1")
      _rm=$(exec $_rS sh -c "$_rW" sh "$2" C "${_rv%.}" "$_rG" $_rS </dev/null 2>&1) ;;
  esac
  _rc=$?
  case $_rm in P[0-9]*) _rv=${_rm#P} _rv=${_rv%% *} ;; *) _rv= ;; esac
  case $_rm in
    P[0-9]*R[0-9]*)
      _rz=${_rm##*R}
      _rc=${_rz%% *}
      [ $_rc -gt 128 ] && [ "${_rm%R*}" != "P$_rv " ] && _rk=signal
      _rz=${_rz#* } ;;
    P*) _rk=lost _rz=1
      [ "$_rS" ] && kill -KILL "-$_rv" ;;
    *) _rk=unstarted _rz= ;;
  esac
  [ "$_rz" ] && [ "$_rS" ] && _r_linger "-$_rv"
  [ "$_rG" ] && rm -f "$_rG" </dev/null >/dev/null 9>&-
}

# Locks. _rh: directory of the lock we hold, _rr: the run it is held for, _ro: its owner text, _rO: token (lease way),
# _rG: file for the running step's identity (lease way).
_r_lock() { # step wait lease mask
  _rd=$(printf '%b.' "$_r1")
  _rd=${_rd%.}
  _r_frame B "$1"
  if [ "$_rh" ]; then
    if [ "$_rh" = "$_rd" ] && [ "$_rr" = "$_r2" ] && _r_owns; then _r_frame T "$1" "$_rL" again
    else _r_frame F "$1" 'this runner holds another lock'; fi
    return
  fi
  [ -d "$_rd" ] || (umask "$4"; mkdir "$_rd" </dev/null >/dev/null)
  if ! [ -d "$_rd" ]; then _r_frame F "$1" 'cannot make the directory'; return; fi
  _ry=0
  while :; do
    _ra= _rb= _re=
    _r_try_$_rL "$3" "$4"
    case $? in
      0) _rh=$_rd _rr=$_r2
        _r_frame T "$1" "$_rL" new
        return ;;
      2) _r_frame F "$1" "$_re"
        return ;;
    esac
    if [ "$_rx" ] || [ $_ry -ge $(($2 * 5)) ]; then break; fi
    sleep 0.2 || { sleep 1; _ry=$((_ry + 4)); }
    _ry=$((_ry + 1))
  done
  _rz=other
  [ "$_ra" = "$_r2" ] && _rz=same
  _r_frame N "$1" $_rz "$_ra" "$_rb"
}

_r_owns() {
  case $_rL in lease) [ -e "$_rh/lock.d/$_rO" ] ;; esac
}

_r_try_flock() { # 0 taken, 1 busy, 2 impossible
  _rq=$_rd/lock
  [ -e "$_rq" ] || (umask "$2"; : >>"$_rq")
  command exec 9>>"$_rq" || command exec 9<"$_rq" || { _re='cannot open the lock file'; return 2; }
  flock -n 9 </dev/null >/dev/null
  case $? in
    0) ;;
    1) exec 9>&-
      { IFS= read -r _ra; IFS= read -r _rb; } <"$_rq"
      return 1 ;;
    *) exec 9>&-
      _re='flock does not work here'
      return 2 ;;
  esac
  # The file may have been removed and made anew while we opened it.
  if [ -e /proc/self/fd/9 ] && ! [ "$_rq" -ef /proc/self/fd/9 ]; then exec 9>&-; return 1; fi
  printf '%s\n' "$_r2" "$_r3" >"$_rq"
  return 0
}

# Lease way: the lock is one entry in lock.d, called `free` or after its holder. Every change of hands is a rename of
# the name that one believes in, so only one of any number of contenders succeeds. Its mtime is the lease. It is never
# opened, which could make it anew after somebody else took over: the owner text is in o<entry>, the running step's
# wrapper in s<entry>.
_r_try_lease() { # lease mask; 0 taken, 1 busy, 2 impossible
  _rq=$_rd/lock.d _rO=T$_r2.$_rp
  if ! [ -d "$_rq" ]; then
    (umask "$2"; mkdir "$_rq.$_rO" && : >"$_rq.$_rO/free"; [ -d "$_rq" ] || mv "$_rq.$_rO" "$_rq"
      rm -rf "$_rq.$_rO" "$_rq/lock.d.$_rO") </dev/null >/dev/null
    [ -d "$_rq" ] || { _re='cannot make the lock directory'; return 2; }
  fi
  if [ -e "$_rq/free" ] && touch -c "$_rq/free" && mv "$_rq/free" "$_rq/$_rO"; then
    _r_leased
    return 0
  fi
  (umask "$2"; touch "$_rd/lock.now")
  set -- "$1" "$_rq"/T*
  if ! [ -e "$2" ]; then
    [ -e "$_rq/free" ] || rmdir "$_rq"
    return 1
  fi
  { IFS= read -r _ra; IFS= read -r _rb; } <"$_rq/o${2##*/}"
  set -- "$1" "$2" $(stat -c %Y "$2" "$_rd/lock.now" || { date -r "$2" +%s; date -r "$_rd/lock.now" +%s; })
  [ "$4" ] && [ $(($4 - $3)) -ge "$1" ] || return 1
  ! _r_step_alive "$_rq/s${2##*/}" && touch -c "$2" && mv "$2" "$_rq/$_rO" || return 1
  rm -f "$_rq/s${2##*/}" "$_rq/o${2##*/}"
  _r_leased
} </dev/null >/dev/null

_r_leased() {
  printf '%s\n' "$_r2" "$_r3" >"$_rq/o$_rO"
  _rG=$_rq/s$_rO
  printf 'G %s\n' "$_rq/$_rO" >&8
  return 0
}

_r_step_alive() {
  _rz= _rs= _rl=
  { read -r _rz _rs; } <"$1" || return 1
  if [ -e /proc/self/stat ]; then
    { read -r _rl; } <"/proc/$_rz/stat" || return 1
    _r_started ${_rl##*)}
    [ "$_rs" = "$_rl" ]
  else
    kill -0 "$_rz"
  fi
}

_r_started() { shift 19; _rl=$1; }

_r_release() {
  [ "$_rh" ] || return 1
  case $_rL in
    flock) : >"$_rh/lock"
      exec 9>&- ;;
    *) echo G >&8
      _r_free "$_rh/lock.d" "$_rO" ;;
  esac
  _rh= _rG=
}

# Only the holder has o and s files; older ones are of holders that were taken over and woke up late.
_r_free() {
  if [ -e "$1/$2" ]; then rm -f "$1"/[os]T*; fi
  mv "$1/$2" "$1/free"
} </dev/null >/dev/null

_r_worker() {
  exec >&3
  trap _rx=1 TERM
  _r_self
  echo "W $_rp" >&8
  _r_hello
  _rh= _rG= _r1= _r2= _r3=
  while [ ! "$_rx" ] && IFS= read -r _rl; do
    [ "$_rx" ] && break
    case $_rl in
      1*) _r1=$_r1${_rl#?}; continue ;;
      2*) _r2=$_r2${_rl#?}; continue ;;
      3*) _r3=$_r3${_rl#?}; continue ;;
      [CSE]' '*) _r_step $_rl ;;
      'L '*) _r_lock ${_rl#L} ;;
      'U '*) if _r_release; then _r_frame U "${_rl#U }" 1; else _r_frame U "${_rl#U }" 0; fi ;;
      *) _r_frame '?' "$_rl" ;;
    esac
    _r1= _r2= _r3= _rv= _rm=
  done
  _rz=done
  [ "$_rh" ] && ! _r_owns && _rz=lost
  _r_release
  _r_frame Z $_rz
  echo Z >&8
}

# The watcher. _rw worker, _rr reader, _rt ticker, _rg what to signal for the running step ("-123" or "123"),
# _rk ticks since TERM was sent, _rn ticks since the client was heard, _ru steps to kill (all up to this number),
# _rx ticks since the end began, _rq the lease, _rm whether its entry was missing at the last tick.
_r_watcher() {
  exec >/dev/null 3>&- 4>&-
  _rg= _rk= _rn=0 _ru=-1 _rx= _rq= _rm= _rw= _rr= _rt=
  while IFS= read -r _rl; do
    case $_rl in
      T) _r_tick ;;
      H) _rn=0 ;;
      'S '*) set -- $_rl
        _rg=$3 _rk=
        if [ "$_rx" ] || [ "$2" -le $_ru ]; then _r_term; fi ;;
      E) _rg= _rk= ;;
      'K '*) _ru=${_rl#K } _rn=0
        [ "$_rg" ] && [ "$_rs" -le "$_ru" ] && _r_term ;;
      X) _r_close ;;
      'W '*) _rw=${_rl#W } ;;
      'P '*) set -- $_rl
        _rr=$2 _rt=$3 ;;
      G*) _rq=${_rl#G} _rq=${_rq# } _rm= ;;
      Z) break ;;
    esac
    case $_rl in 'S '*) _rs=$2 ;; esac
  done
  _r_end
}

_r_end() {
  [ "$_rq" ] && _r_free "${_rq%/*}" "${_rq##*/}"
  kill -TERM $_rr $_rt
  exit 0
}

_r_term() {
  [ "$_rk" ] && return
  kill -TERM $_rg
  _rk=0
}

_r_close() {
  [ "$_rx" ] && return
  _rx=0
  kill -TERM $_rw $_rr
  [ "$_rg" ] && _r_term
}

_r_tick() {
  _rn=$((_rn + 1))
  if [ "$_rk" ]; then
    _rk=$((_rk + 1))
    [ $_rk -ge 2 ] && kill -KILL $_rg
  fi
  if [ "$_rq" ]; then
    [ $_rn -eq 1 ] && touch -c "$_rq" </dev/null
    # Missing twice: once may be an unlock whose note is still in the pipe.
    if [ -e "$_rq" ]; then _rm=; elif [ "$_rm" ]; then _r_close; else _rm=1; fi
  fi
  [ $_rn -gt $_rT ] && _r_close
  [ "$_rw" ] || return
  if ! kill -0 $_rw; then
    _r_close
    if [ ! "$_rg" ] || [ "${_rk:-0}" -ge 2 ]; then _r_end; fi
  fi
  [ "$_rx" ] || return
  _rx=$((_rx + 1))
  [ $_rx -gt 20 ] && kill -KILL $_rw
}

{ _r_reader | _r_worker; } 8>&1 | _r_watcher
