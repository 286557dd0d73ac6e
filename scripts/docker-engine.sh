#!/usr/bin/env bash
# Answers 0 when a Docker engine is reachable for this user, installing and starting one where that is possible.
#   scripts/docker-engine.sh
# Otherwise says what is missing and what to type, and answers 1. OPENCLAW_SKIP_DOCKER=1: only look, start nothing.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}

answers() { [[ -S $socket ]] && curl -fsS --max-time 5 --unix-socket "$socket" http://localhost/_ping >/dev/null 2>&1; }

answers && exit 0
if [[ -S $socket && ! -w $socket ]]; then
  group=$(stat -c %G "$socket")
  echo "The Docker socket $socket belongs to group $group, and user $(id -un) is not in it." \
    "Type: sudo usermod -aG $group $(id -un), then log in again." >&2
  exit 1
fi
if [[ ${OPENCLAW_SKIP_DOCKER:-} != 1 ]]; then
  "$here/install-packages.sh" run || exit 1
  if [[ -d /run/systemd/system ]]; then
    as_root=()
    ((EUID == 0)) || as_root=(sudo)
    ${as_root[@]+"${as_root[@]}"} systemctl start docker || true
  elif ((EUID == 0)); then
    "$here/../tests/docker-lab/up.sh" --no-image || true
  fi
  for _ in $(seq 50); do
    answers && exit 0
    sleep 0.1
  done
fi
echo "No Docker engine answers on $socket. Start one (systemctl start docker) and run this again;" \
  "until then tools run without a sandbox only where the configuration says so." >&2
exit 1
