#!/usr/bin/env bash
# compile_matrix.sh INCLUDE_DIR C_COMPILER CXX_COMPILER: every public header on its own, in every language version that a
# plugin may be written in, without hidden padding and without a warning.
set -euo pipefail
include=$1 cc=$2 cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiles=0

compile() { # COMPILER LANGUAGE STANDARD HEADER FLAGS...
  local compiler=$1 language=$2 standard=$3 header=$4
  shift 4
  printf '#include <openclaw/%s>\n' "$header" >"$work/one.$language"
  "$compiler" "-std=$standard" -fsyntax-only -I"$include" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "$@" \
    "$work/one.$language" || { echo "$header does not compile as $standard with $compiler"; exit 1; }
  compiles=$((compiles + 1))
}

compilers=("$cc $cxx")
for pair in "gcc g++" "clang-14 clang++-14" "clang clang++"; do
  if command -v "${pair% *}" >/dev/null && command -v "${pair#* }" >/dev/null; then compilers+=("$pair"); fi
done
for pair in "${compilers[@]}"; do
  for path in "$include"/openclaw/*.h; do
    header=${path##*/}
    for standard in c99 c11 c17; do compile "${pair% *}" c "$standard" "$header" -Wpadded; done
    for standard in c++11 c++20; do compile "${pair#* }" cc "$standard" "$header" -Wpadded; done
  done
  compile "${pair#* }" cc c++20 plugin.hpp
done
echo "$compiles compilations"
