#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test: release, ASan+UBSan, TSan, then short fuzz runs.
#   scripts/test.sh [--quick] [--suites "release asan tsan fuzz"] [--fuzz-seconds N]
# --quick: only the debug build and its tests. Needs root (or sudo) for packages and for a Docker engine.
#
# Beside a sanitizer suite, which sees more, release only runs tests that start the program. Only release is killed
# under load (tests/crash): the timing of the shipped program is what such a run is about. Such a run waits more than it
# works, so the next suite is compiled beside it, which is more load still.
set -euo pipefail
cd "$(dirname "$0")/.."

suites="release asan tsan fuzz" fuzz_seconds=10
while (($#)); do
  case $1 in
    --quick) suites=dev ;;
    --suites) suites=${2:?--suites needs names}; shift ;;
    --fuzz-seconds) fuzz_seconds=${2:?--fuzz-seconds needs a number}; shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "Unknown argument: $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done
step() { printf '==> [%4ds] %s\n' "$SECONDS" "$*"; }

step "Packages"
scripts/install-packages.sh test
step "Docker engine and sandbox image"
tests/docker-lab/up.sh
scripts/sandbox-setup.sh

# The big images take minutes from cold, most of it waiting for packages: they are built beside the compilers. The
# tests run the same scripts again, which the engine then answers from its layers.
image_log=$(mktemp)
{ nice scripts/sandbox-common-setup.sh && nice scripts/sandbox-browser-setup.sh; } >"$image_log" 2>&1 &
image_builds=$!
kills= kills_log=$(mktemp)
clean_up() {
  [[ -z $image_builds ]] || kill "$image_builds" 2>/dev/null || true
  [[ -z $kills ]] || kill -- "-$kills" 2>/dev/null || true
  rm -f "$image_log" "$kills_log"
}
trap clean_up EXIT
images_ready() {
  [[ -n $image_builds ]] || return 0
  if ! wait "$image_builds"; then cat "$image_log" >&2; echo 'The sandbox images could not be built (see above)' >&2; exit 1; fi
  image_builds=
}
kills_ended() {
  [[ -n $kills ]] || return 0
  local failed=0
  wait "$kills" || failed=1
  kills=
  step "release: kills under load"
  cat "$kills_log"
  ((failed == 0)) || exit 1
}

# What tsan is built for: the program with its plugins and the one of the end-to-end tests, and the rooms in whose tests
# threads meet. The others have one thread, or say something else to the same threads, and asan runs them all.
threaded=(async channel channel_store host_services net plugin plugin_host session storage)
manifests=(plugins/*/openclaw.plugin.json)
plugins=("${manifests[@]%/openclaw.plugin.json}")
tsan_targets=(openclaw openclaw_plugin_lantern "${plugins[@]/#plugins\//openclaw_plugin_}" "${threaded[@]/%/_test}")

suite() { # PRESET [CMAKE-OPTION...]: configures, builds and runs its tests
  step "$1: build"
  # BUILD_TESTING is named because scripts/run.sh may have configured the same folder without tests.
  cmake --preset "$1" -DBUILD_TESTING=ON "${@:2}" >/dev/null
  local chosen=()
  [[ $1 == tsan ]] && chosen=(--target "${tsan_targets[@]}")
  cmake --build --preset "$1" ${chosen[@]+"${chosen[@]}"}
  images_ready
  kills_ended
  step "$1: tests"
  # plugin_host.* without those two are tests of threads; they are of compilers and linkers.
  [[ $1 == tsan ]] && chosen=(-R "^($(IFS='|' && echo "${threaded[*]}"))\\." -E '^plugin_host\.(out_of_tree|one_symbol)$')
  # A release beside sanitizers has no unit tests.
  ctest --test-dir "build/$1" --output-on-failure -j3 -LE 'end_to_end|crash' ${chosen[@]+"${chosen[@]}"}
  step "$1: end-to-end tests"
  # asan runs them all; beside it, the others run those in which the most threads meet.
  local left_out=()
  [[ $1 == tsan || ($1 == release && $unit_tests == OFF) ]] &&
    left_out=(-E '^end_to_end\.(faults|senders|routing|media|agent|channels_cli|message|no_model|gate|denied)$')
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j2 -L end_to_end ${left_out[@]+"${left_out[@]}"}
}
for name in $suites; do
  case $name in
    dev | asan | tsan) suite "$name" ;;
    release)
      unit_tests=ON
      [[ $suites == *san* ]] && unit_tests=OFF
      suite release -DOPENCLAW_UNIT_TESTS=$unit_tests
      step "release: kills under load begin"
      setsid ctest --test-dir build/release --output-on-failure --no-tests=error -L crash >"$kills_log" 2>&1 &
      kills=$!
      ;;
    fuzz)
      step "fuzz: build and $fuzz_seconds s each"
      scripts/fuzz.sh "$fuzz_seconds"
      ;;
    *) echo "Unknown suite: $name (dev, release, asan, tsan, fuzz)" >&2; exit 2 ;;
  esac
done
kills_ended
step "Done"
