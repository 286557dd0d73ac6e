#!/usr/bin/env bash
# Builds the libFuzzer targets and runs each for a while, two at a time.
#   scripts/fuzz.sh [SECONDS] [TARGET...]
# New inputs and crashes stay under build/asan/fuzz/; a crash ends this with its file named.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
seconds=${1:-60}
shift || true

cmake --preset asan >/dev/null
mapfile -t targets < <(if (($#)); then printf '%s_fuzz\n' "$@"; else
  cmake --build --preset asan --target help | sed -n 's/^\([a-z_]*_fuzz\): phony$/\1/p' | sort -u
fi)
cmake --build --preset asan --target "${targets[@]}"

run_one() { # NAME_fuzz: the corpus in the repository is only read
  local name=${1%_fuzz} work=build/asan/fuzz/work/$1
  mkdir -p "$work"
  if ! "$(find build/asan/tests/fuzz -name "$1" -type f -perm -u+x | head -n1)" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$work/" "$work" "tests/fuzz/corpus/$name" \
    >"$work.log" 2>&1; then
    tail -n 40 "$work.log"
    echo "FUZZ FAILED: $1 (inputs in $work)"
    return 1
  fi
  echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work.log") runs, no finding"
}

failed=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    mkdir -p "tests/fuzz/corpus/${target%_fuzz}"
    run_one "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
done
exit "$failed"
