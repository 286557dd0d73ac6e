#!/usr/bin/env bash
# Measures the release build on this machine and prints one JSON object as its last line.
#   bench/run.sh [--seconds N]
# Starts its own gateway, model server and clients on loopback in a temporary directory; needs wrk, node and, for the
# sandbox figure, a Docker engine with the sandbox image. All figures come from this one run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=5
while (($#)); do
  case $1 in
    --seconds) seconds=${2:?--seconds needs a number}; shift ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "Unknown argument: $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done
for program in wrk node; do
  command -v "$program" >/dev/null || { echo "bench/run.sh needs $program (apt-get install $program)" >&2; exit 1; }
done
cmake --preset release -DOPENCLAW_BENCH=ON >/dev/null
cmake --build --preset release >/dev/null
exec node bench/measure.mjs build/release "$seconds"
