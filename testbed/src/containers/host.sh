#!/bin/sh
# Process 1 of a host's container. Settings come by environment, so that one image serves all hosts:
# TESTBED_USERLAND=gnu|busybox, TESTBED_SHELL=PATH, TESTBED_SUDO=refused|free|HASH.
set -eu

mkdir -p /run/sshd
chmod 600 /etc/ssh/ssh_host_ed25519_key
cp /testbed/authorized_keys /home/deploy/.ssh/authorized_keys
chown deploy:deploy /home/deploy/.ssh/authorized_keys
usermod --shell "${TESTBED_SHELL:-/bin/sh}" deploy

case ${TESTBED_SUDO:-refused} in
  refused) ;;
  free) echo 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy ;;
  *) echo 'deploy ALL=(ALL:ALL) ALL' >/etc/sudoers.d/deploy
     usermod --password "$TESTBED_SUDO" deploy ;;
esac

if [ "${TESTBED_USERLAND:-gnu}" = busybox ] && [ ! -e /testbed/is-busybox ]; then
  # Every program goes but these; what BusyBox has takes the place of the rest.
  busybox cp "$(command -v busybox)" /testbed/busybox
  exec /testbed/busybox sh -eu -c '
    for file in /usr/bin/* /usr/sbin/*; do
      case ${file##*/} in
        git|git-*|svn*|ssh|ssh-*|sshd|rsync) ;;
        *) /testbed/busybox rm -f "$file" ;;
      esac
    done
    /testbed/busybox cp /testbed/busybox /usr/bin/busybox
    for applet in $(/testbed/busybox --list); do
      [ -e "/usr/bin/$applet" ] || /testbed/busybox ln -s busybox "/usr/bin/$applet"
    done
    /testbed/busybox touch /testbed/is-busybox
    exec /usr/sbin/sshd -D -e'
fi
exec /usr/sbin/sshd -D -e
