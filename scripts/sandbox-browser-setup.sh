#!/usr/bin/env bash
# Builds the image of the sandbox browser (Chromium, a virtual screen, noVNC), from Dockerfile.sandbox-browser.
#
#   scripts/sandbox-browser-setup.sh           build openclaw-sandbox-browser:bookworm-slim
#   scripts/sandbox-browser-setup.sh NAME:TAG  build it under another name
#
# Works from any folder. Settings, from the environment:
#   OPENCLAW_DOCKER   the docker program (docker)
set -euo pipefail

usual=openclaw-sandbox-browser:bookworm-slim
image=$usual
docker=${OPENCLAW_DOCKER:-docker}
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'sandbox-browser-setup: %s\n' "$*" >&2; }

for arg in "$@"; do
  case $arg in
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) say "unknown option $arg"; exit 2 ;;
    *) image=$arg ;;
  esac
done

"$root/scripts/sandbox-setup.sh" --base-only
say "building $image (about 1 GB)"
"$docker" build -t "$image" -f "$root/Dockerfile.sandbox-browser" "$root/sandbox-browser" ||
  { say "the build failed (its output is above). It needs Debian's packages: check the network of the build"; exit 1; }
say "done: $image"
if [[ $image != "$usual" ]]; then
  say "to use it: openclaw config set agents.defaults.sandbox.browser.image $image"
fi
say "to switch it on: openclaw config set agents.defaults.sandbox.browser.enabled true"
