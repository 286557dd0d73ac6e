#!/usr/bin/env bash
# Kills the real gateway again and again while people write to it, and checks what came of every message.
#   tests/crash/run.sh --kills N --messages N [--seed S] [--json] [--chats N] [--rate N] [--every MIN-MAX]
# In place of --kills: --term N (SIGTERM under load), --reloads N (changes of the configuration, half of them invalid).
# --every: seconds between two kills, 2-10 unless said. --rate: messages each second at most, 20 unless said; fewer when
# the messages would be over before the kills. --json: only the last line. The last line is one JSON object; the exit code
# is 0 only when nothing is wrong. A run with a fault keeps its folder and prints where; --seed repeats its kills and
# messages. Takes OPENCLAW_BINARY, or build/release/bin/openclaw.
# What each figure means: tests/crash/README.md
set -euo pipefail
cd "$(dirname "$0")/../.."
for argument in "$@"; do
  case $argument in
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  esac
done
for program in node sqlite3; do
  command -v "$program" >/dev/null || { echo "tests/crash/run.sh needs $program: scripts/install-packages.sh test" >&2; exit 2; }
done
export OPENCLAW_BINARY=${OPENCLAW_BINARY:-$PWD/build/release/bin/openclaw}
if [[ ! -x $OPENCLAW_BINARY ]]; then
  echo "There is no program at $OPENCLAW_BINARY; build it with: cmake --preset release && cmake --build --preset release" >&2
  exit 2
fi
exec node tests/crash/run.mjs "$@"
