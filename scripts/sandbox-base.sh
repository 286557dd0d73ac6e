#!/usr/bin/env bash
# Makes the image debian:bookworm-slim from the apt sources of this machine and gives it to the Docker engine, where no
# registry has it to give. An image of that name that is there already stays. Needs Debian 12 and root (or sudo).
#   scripts/sandbox-base.sh [--rebuild]
# Settings, from the environment:
#   OPENCLAW_DOCKER   the docker program (docker)
set -euo pipefail

image=debian:bookworm-slim
suite=bookworm
docker=${OPENCLAW_DOCKER:-docker}
rebuild=0
say() { printf 'sandbox-base: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

for arg in "$@"; do
  case $arg in
    --rebuild) rebuild=1 ;;
    -h | --help) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) say "unknown option $arg"; exit 2 ;;
  esac
done
if ((!rebuild)) && "$docker" image inspect "$image" >/dev/null 2>&1; then exit 0; fi
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing. Type: scripts/install-packages.sh run"
as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || die "needs root or sudo"
  as_root=(sudo)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One line each: no mirror is named here.
# shellcheck disable=SC2016
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
  awk -v s="$suite" '$2 == s || index($2, s "-") == 1 {k = $1 " " $2; if (!(k in c)) o[++n] = k; c[k] = c[k] " " $3}
    END {for (i = 1; i <= n; i++) print "deb " o[i] c[o[i]]}' >"$work/sources.list"
[[ -s $work/sources.list ]] || die "this machine's apt knows no $suite packages to make $image from"

# Slim: no manuals and translations; and no downloaded packages left in layers that use apt.
options=()
for path in man info locale doc; do options+=(--dpkgopt="path-exclude=/usr/share/$path/*"); done
options+=(--dpkgopt='path-include=/usr/share/doc/*/copyright')
printf '%s\n' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
  'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' >"$work/docker-clean"
# shellcheck disable=SC2016
options+=("--customize-hook=copy-in $work/docker-clean /etc/apt/apt.conf.d"
  '--customize-hook=rm -f "$1"/var/cache/apt/*.bin')
# Without this hook the package usrmerge comes in, and with it 45 MB of Perl.
if [[ -d /usr/share/mmdebstrap/hooks/maybe-merged-usr ]]; then
  options+=(--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr)
fi
say "making $image from this machine's apt sources (half a minute)"
${as_root[@]+"${as_root[@]}"} mmdebstrap --mode=root --variant=minbase --format=tar "${options[@]}" "$suite" \
  - "$work/sources.list" >"$work/base.tar" 2>"$work/log" || { tail -n 20 "$work/log" >&2; die 'mmdebstrap failed'; }
"$docker" import -c 'CMD ["bash"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  "$work/base.tar" "$image" >/dev/null
say "done: $image"
