#!/usr/bin/env bash
# Builds openclaw, starts the gateway and makes a first tool call, sandboxed where a Docker engine is to be had.
#   scripts/run.sh [--foreground] [--port N]
# Installs what is missing (Debian 12, root or sudo). A second run builds nothing and keeps a running gateway.
set -euo pipefail
cd "$(dirname "$0")/.."

foreground=0
while (($#)); do
  case $1 in
    --foreground) foreground=1 ;;
    --port) export OPENCLAW_GATEWAY_PORT=${2:?--port needs a number}; shift ;;
    -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "Unknown argument: $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done
step() { printf '==> %s\n' "$*"; }

scripts/install-packages.sh build
step "Building (release)"
[[ -f build/release/build.ninja ]] || cmake --preset release -DBUILD_TESTING=OFF >/dev/null
cmake --build --preset release
openclaw=$PWD/build/release/bin/openclaw
state=${OPENCLAW_STATE_DIR:-$HOME/.openclaw}

step "Looking for a sandbox"
sandbox_mode=off
if scripts/docker-engine.sh && scripts/sandbox-setup.sh; then sandbox_mode=all; fi

# The first run makes a configuration; an existing one stays as it is.
if [[ ! -f ${OPENCLAW_CONFIG_PATH:-$state/openclaw.toml} && ! -f $state/openclaw.json ]]; then
  step "Writing a first configuration (sandbox: $sandbox_mode)"
  "$openclaw" onboard --non-interactive --accept-risk --sandbox-mode "$sandbox_mode"
fi

if "$openclaw" health --json >/dev/null 2>&1; then
  step "A gateway is running already"
else
  step "Starting the gateway"
  if ((foreground)); then exec "$openclaw" gateway run; fi
  (
    umask 077  # the state directory is its owner's alone
    mkdir -p "$state/logs"
    exec setsid nohup "$openclaw" gateway run </dev/null >"$state/logs/console.log" 2>&1
  ) &
  gateway=$!
  until "$openclaw" health --json >/dev/null 2>&1; do
    if ! kill -0 "$gateway" 2>/dev/null; then
      cat "$state/logs/console.log" >&2
      exit 1
    fi
    sleep 0.1
  done
fi
"$openclaw" dashboard --no-open

step "A first tool call"
"$openclaw" tools invoke exec --session agent:main:first-steps --args \
  '{"command":"echo \"hello from $(hostname), uid $(id -u)\"; grep -E \"NoNewPrivs|CapEff\" /proc/self/status"}'

echo
echo "The gateway goes on running (log: $state/logs). Talk to it: $openclaw agent -m hello"
echo "Stop it: kill $(cat "$state/gateway.lock")"
