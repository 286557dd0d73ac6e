#!/usr/bin/env bash
# Installs the Debian 12 packages that a task needs and that are missing. Safe to run again and again.
#   scripts/install-packages.sh build|run|test
# build: compiler and libraries. run: what the gateway's sandbox needs on a host. test: everything the tests use.
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config git ca-certificates curl
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libspdlog-dev libtomlplusplus-dev libcli11-dev
  libcurl4-openssl-dev libssl-dev libsqlite3-dev libmd4c-dev libmd4c-html0 libvalijson-dev prometheus-cpp-dev
  libseccomp-dev libre2-dev libqrencode-dev zlib1g-dev)
run=(docker.io iptables iproute2 mmdebstrap bubblewrap)
test=(libgtest-dev libgmock-dev nodejs rustc clang-14 clang-format-14 libclang-rt-14-dev lld-14 jq sqlite3 procps util-linux)

case ${1:-} in
  build) wanted=("${build[@]}") ;;
  run) wanted=("${run[@]}") ;;
  test) wanted=("${build[@]}" "${run[@]}" "${test[@]}") ;;
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# A program that is there already counts, wherever it came from (a Rust or Node of the user's own, say).
declare -A program=([docker.io]=dockerd [nodejs]=node [rustc]=rustc [iptables]=iptables [iproute2]=ip)
missing=()
for package in "${wanted[@]}"; do
  if [[ -n ${program[$package]:-} ]] && PATH=$PATH:/usr/sbin:/sbin command -v "${program[$package]}" >/dev/null; then
    continue
  fi
  [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "Missing Debian packages; as root type: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
printf '==> Installing %d Debian packages: %s\n' "${#missing[@]}" "${missing[*]}"
apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${apt[@]}" update >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
