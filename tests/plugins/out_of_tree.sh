#!/usr/bin/env bash
# out_of_tree.sh SOURCE_DIR BUILD_DIR LOADER NM_CHECK: installs the plugin_api package into an empty prefix, builds the
# three example plugins as a third party would, against the installed files alone, and has LOADER load them.
set -euo pipefail
source=$1 build=$2 loader=$3 nm_check=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

echo "== install"
cmake --install "$build" --component plugin_api --prefix "$work/prefix" >/dev/null
# A third party has its own copy of the examples, not this tree.
cp -r "$source/plugin-api/examples" "$work/examples"
unset CFLAGS CXXFLAGS LDFLAGS

mkdir -p "$work/plugins"
for example in echo-c upper-cpp; do
  echo "== $example (CMake)"
  cmake -S "$work/examples/$example" -B "$work/build/$example" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
  cmake --build "$work/build/$example" >"$work/log" || { cat "$work/log"; exit 1; }
  cp -r "$work/build/$example/plugins/." "$work/plugins/"
done

echo "== reverse-rust (rustc)"
sh "$work/examples/reverse-rust/build.sh" "$work/plugins/reverse"

echo "== echo-c (pkg-config)"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name openclaw-plugin.pc)")
export PKG_CONFIG_PATH
mkdir -p "$work/by-hand/echo"
# shellcheck disable=SC2046
cc -std=c11 -O2 -fPIC -fvisibility=hidden -shared -Wl,-z,defs,-z,nodelete,-z,relro,-z,now \
  -Wl,--version-script="$(pkg-config --variable=versionscript openclaw-plugin)" \
  -I"$work/build/echo-c/openclaw_plugin_echo_generated" $(pkg-config --cflags openclaw-plugin) \
  "$work/examples/echo-c/echo.c" -o "$work/by-hand/echo/libopenclaw-echo.so"
cp "$work/examples/echo-c/openclaw.plugin.json" "$work/by-hand/echo/"

echo "== install rule of a plugin"
cmake --install "$work/build/upper-cpp" --prefix "$work/installed" >/dev/null
test -n "$(find "$work/installed" -path '*/openclaw/plugins/upper/libopenclaw-upper.so')"
test -n "$(find "$work/installed" -path '*/openclaw/plugins/upper/openclaw.plugin.json')"

echo "== symbols"
"$nm_check" "$work"/plugins/*/*.so "$work"/by-hand/*/*.so

for folder in plugins by-hand; do
  echo "== load $folder"
  OPENCLAW_TEST_EXAMPLES="$work/$folder" "$loader"
done
