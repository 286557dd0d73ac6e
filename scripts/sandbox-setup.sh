#!/usr/bin/env bash
# Builds the image that sandboxed sessions run in, from Dockerfile.sandbox.
#
#   scripts/sandbox-setup.sh           build openclaw-sandbox:bookworm-slim
#   scripts/sandbox-setup.sh NAME:TAG  build it under another name
#   scripts/sandbox-setup.sh --base-only
#                                      only see that the engine answers and the base image is there
#
# Works from any folder. Settings, from the environment:
#   OPENCLAW_DOCKER   the docker program (docker)
set -euo pipefail

image=openclaw-sandbox:bookworm-slim base_only=0
base=debian:bookworm-slim
docker=${OPENCLAW_DOCKER:-docker}
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'sandbox-setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

for arg in "$@"; do
  case $arg in
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    --base-only) base_only=1 ;;
    -*) say "unknown option $arg"; exit 2 ;;
    *) image=$arg ;;
  esac
done

command -v "$docker" >/dev/null 2>&1 ||
  die "the docker program is missing. Install it (Debian: sudo apt-get install docker.io) and start again"
[[ -f $root/Dockerfile.sandbox ]] ||
  die "$root/Dockerfile.sandbox is missing; it comes with the source tree of openclaw"
if ! answer=$("$docker" version --format '{{.Server.Version}}' 2>&1); then
  say "$answer"
  case $answer in
    *'permission denied'*) die "no permission on the Docker socket. Type: sudo usermod -aG docker \"\$USER\", then log in again" ;;
    *) die 'the Docker engine does not answer. Type: sudo systemctl start docker' ;;
  esac
fi

if ! "$docker" image inspect "$base" >/dev/null 2>&1 && ! "$docker" pull -q "$base" >/dev/null 2>&1 &&
  ! OPENCLAW_DOCKER=$docker "$root/scripts/sandbox-base.sh"; then
  say "the base image $base is not here, and neither a registry nor this machine's apt sources gave it. Bring it from"
  say "another machine: docker pull $base && docker save $base -o base.tar there, docker load -i base.tar here"
  exit 1
fi
if ((base_only)); then exit 0; fi

say "building $image"
"$docker" build -t "$image" -f "$root/Dockerfile.sandbox" "$root/scripts" ||
  die "the build failed (its output is above). It needs Debian's packages: check the network of the build"
say "done: $image"
if [[ $image != openclaw-sandbox:bookworm-slim ]]; then
  say "to use it: openclaw config set agents.defaults.sandbox.docker.image $image"
fi
