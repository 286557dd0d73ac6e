#!/usr/bin/env bash
# Builds a bigger image for sandboxed sessions, with compilers and languages (C, Go, Node, Python, Rust), from
# Dockerfile.sandbox-common; the plain sandbox image under it is built first when it is missing.
#
#   scripts/sandbox-common-setup.sh           build openclaw-sandbox-common:bookworm-slim
#   scripts/sandbox-common-setup.sh NAME:TAG  build it under another name
#
# Works from any folder. Settings, from the environment:
#   OPENCLAW_DOCKER   the docker program (docker)
set -euo pipefail

image=openclaw-sandbox-common:bookworm-slim
under=openclaw-sandbox:bookworm-slim
docker=${OPENCLAW_DOCKER:-docker}
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'sandbox-common-setup: %s\n' "$*" >&2; }

for arg in "$@"; do
  case $arg in
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) say "unknown option $arg"; exit 2 ;;
    *) image=$arg ;;
  esac
done

# It also says what is wrong when there is no engine.
"$docker" image inspect "$under" >/dev/null 2>&1 || "$root/scripts/sandbox-setup.sh"
say "building $image (about 1.6 GB)"
"$docker" build -t "$image" -f "$root/Dockerfile.sandbox-common" "$root/scripts" ||
  { say "the build failed (its output is above). It needs Debian's packages: check the network of the build"; exit 1; }
say "done: $image"
say "to use it: openclaw config set agents.defaults.sandbox.docker.image $image"
