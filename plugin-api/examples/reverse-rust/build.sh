#!/bin/sh
# build.sh [OUTPUT_DIR]: rustc alone, no crates. pkg-config openclaw-plugin says where the version script is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/build/plugins/reverse}
mkdir -p "$out"
# rustc writes the version script for a cdylib itself: #[no_mangle] is exported, all else is local.
rustc --edition 2021 -O --crate-type cdylib -C panic=abort -C strip=symbols \
  -C link-arg=-Wl,-z,nodelete -C link-arg=-Wl,-z,defs -C link-arg=-Wl,-z,relro -C link-arg=-Wl,-z,now \
  "$here/reverse.rs" -o "$out/libopenclaw-reverse.so"
cp "$here/openclaw.plugin.json" "$out/"
