#!/usr/bin/env bash
# Stops the Docker engine that up.sh started, and no other.
#
#   tests/docker-lab/down.sh           stop it, keep its images and containers
#   tests/docker-lab/down.sh --purge   and delete them
#
# Settings as for up.sh.
set -euo pipefail

home=${DOCKER_LAB_HOME:-/var/lib/docker-lab}
purge=0
say() { printf 'docker-lab: %s\n' "$*" >&2; }

for arg in "$@"; do
  case $arg in
    --purge) purge=1 ;;
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) say "unknown option $arg"; exit 2 ;;
  esac
done
((EUID == 0)) || { say "needs root: sudo $0"; exit 1; }
[[ -d $home ]] || { say 'nothing to stop'; exit 0; }
exec 9>"$home/lock"
flock -w 60 9 || { say 'up.sh is at work; try later'; exit 1; }

# The number in the pid file may be another process by now.
is_ours() {
  [[ $1 =~ ^[0-9]+$ && -r /proc/$1/cmdline && $(<"/proc/$1/comm") == dockerd ]] &&
    tr '\0' '\n' <"/proc/$1/cmdline" | grep -Fxq -- "$home/data"
}

pid=
if [[ -s $home/started.pid ]]; then pid=$(<"$home/started.pid"); fi
if [[ -n $pid ]] && is_ours "$pid"; then
  say "stopping dockerd (pid $pid)"
  kill -TERM "$pid"
  for _ in $(seq 600); do
    is_ours "$pid" || break
    sleep 0.1
  done
  if is_ours "$pid"; then
    say 'it did not end within 60 s; killing it'
    kill -KILL "$pid"
  fi
else
  say 'no engine was started here'
fi
rm -f "$home/started.pid"

if ((purge)); then
  # A killed engine leaves mounts; deepest first.
  awk -v h="$home/" 'index($5, h) == 1 {print $5}' /proc/self/mountinfo | sort -r |
    while IFS= read -r dir; do umount -l -- "$dir" || true; done
  rm -rf -- "${home:?}/data" "${home:?}/exec" "${home:?}"/*.tar
  say 'its images and containers are deleted'
fi
