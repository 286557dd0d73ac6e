#!/usr/bin/env bash
# Brings up a Docker engine and the base image debian:bookworm-slim on a machine that has neither systemd nor
# an image registry. What is there already stays, so it may be called again at any time. Needs root.
#
#   tests/docker-lab/up.sh              engine and base image
#   tests/docker-lab/up.sh --no-image   engine only
#   tests/docker-lab/up.sh --rebuild    make the base image anew
#
# Settings, from the environment:
#   DOCKER_LAB_HOME   what the engine keeps, its pid and its log (/var/lib/docker-lab)
#   DOCKER_LAB_SOCK   its socket (/var/run/docker.sock)
#   DOCKER_LAB_WAIT   seconds to wait for it (60)
# down.sh stops the engine again, when it was started here.
set -euo pipefail

home=${DOCKER_LAB_HOME:-/var/lib/docker-lab}
sock=${DOCKER_LAB_SOCK:-/var/run/docker.sock}
patience=${DOCKER_LAB_WAIT:-60}
want_image=1 rebuild=0

say() { printf 'docker-lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

for arg in "$@"; do
  case $arg in
    --no-image) want_image=0 ;;
    --rebuild) rebuild=1 ;;
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) say "unknown option $arg"; exit 2 ;;
  esac
done
((EUID == 0)) || die "needs root: sudo $0"
export PATH=$PATH:/usr/sbin:/sbin DOCKER_HOST=unix://$sock
mkdir -p "$home"

# One run at a time. What is started below must not inherit the lock (9>&-), or it would hold it for ever.
exec 9>"$home/lock"
flock -w 600 9 || die 'another up.sh is at work'

answers() { [[ -S $sock ]] && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
is_program() { [[ $(cat "/proc/$2/comm" 2>/dev/null) == "$1" && -n $(tr -d '\0' 2>/dev/null <"/proc/$2/cmdline") ]]; }

updated=0
install_packages() {
  if ((!updated)); then apt-get -qq -o DPkg::Lock::Timeout=300 update 9>&-; fi
  updated=1
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" \
    >>"$home/apt.log" 2>&1 9>&- || { tail -n 20 "$home/apt.log" >&2; die "cannot install: $*"; }
}

missing=()
command -v dockerd >/dev/null && command -v docker >/dev/null || missing+=(docker.io)
command -v iptables >/dev/null || missing+=(iptables)
command -v ip >/dev/null || missing+=(iproute2)
if ((${#missing[@]})); then
  say "installing ${missing[*]}"
  install_packages "${missing[@]}"
fi
if ! mountpoint -q /sys/fs/cgroup; then
  command -v cgroupfs-mount >/dev/null || install_packages cgroupfs-mount
  cgroupfs-mount
fi

# A pid file outlives a hard kill, and its number may be another process by now: dockerd would give up.
drop_stale_pid() { # NAME FILE
  if [[ -s $2 ]] && ! is_program "$1" "$(<"$2")"; then rm -f "$2"; fi
}

# Two engines in one network namespace delete each other's bridge.
refuse_second_engine() {
  local dir pid
  for dir in /proc/[0-9]*; do
    pid=${dir#/proc/}
    is_program dockerd "$pid" || continue
    [[ $(readlink "$dir/ns/net") == "$(readlink /proc/self/ns/net)" ]] || continue
    die "a dockerd runs here (pid $pid) that does not answer on $sock; stop it first, or set DOCKER_LAB_SOCK to its socket"
  done
}

# Containers must not send larger packets than the way out takes.
uplink_mtu() {
  local uplink
  uplink=$(ip -o -4 route show default | awk '{for (i = 1; i < NF; i++) if ($i == "dev") {print $(i + 1); exit}}')
  if [[ -n $uplink ]]; then ip -o link show dev "$uplink" | sed -n 's/.* mtu \([0-9]*\) .*/\1/p'; else echo 1500; fi
}

start_engine() {
  drop_stale_pid dockerd "$home/dockerd.pid"
  drop_stale_pid containerd "$home/exec/containerd/containerd.pid"
  refuse_second_engine
  say "starting dockerd (log: $home/dockerd.log)"
  setsid nohup dockerd -H "$DOCKER_HOST" --data-root "$home/data" --exec-root "$home/exec" \
    --pidfile "$home/dockerd.pid" --mtu "$(uplink_mtu)" </dev/null >>"$home/dockerd.log" 2>&1 9>&- &
  local pid=$! deadline=$((SECONDS + patience))
  until answers; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS >= deadline)); then
      tail -n 20 "$home/dockerd.log" >&2
      kill "$pid" 2>/dev/null || true
      die "dockerd did not come up within $patience s (the end of its log is above)"
    fi
    sleep 0.1
  done
  printf '%s\n' "$pid" >"$home/started.pid"
  say "dockerd answers (pid $pid)"
}

if answers; then say "an engine answers on $sock"; else start_engine; fi

if ((want_image)); then
  rebuild_flag=()
  if ((rebuild)); then rebuild_flag=(--rebuild); fi
  command -v mmdebstrap >/dev/null || install_packages mmdebstrap
  "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/sandbox-base.sh" ${rebuild_flag[@]+"${rebuild_flag[@]}"} 9>&-
  say "image debian:bookworm-slim is there"
fi
