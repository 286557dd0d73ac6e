#!/bin/sh
# The process of a sandbox browser container: a virtual screen, Chromium, and relays that let the gateway in.
#
# Chromium's DevTools port listens on the container's loopback only, and so does the screen's VNC server. What is
# reachable from outside are two relays, and they take connections from one range of addresses and drop all others.
#
# Settings, from the environment (1 and 0 for yes and no):
#   OPENCLAW_BROWSER_HEADLESS                 no screen, so nothing to watch (0)
#   OPENCLAW_BROWSER_CDP_PORT                 port of the DevTools relay (9222)
#   OPENCLAW_BROWSER_CDP_SOURCE_RANGE         who may connect, IPv4 ADDRESS/BITS (the gateway address of the container's
#                                             network: what comes through a published port comes from there)
#   OPENCLAW_BROWSER_NOVNC                    a page to watch the screen with (0)
#   OPENCLAW_BROWSER_NOVNC_PORT               its port (6080)
#   OPENCLAW_BROWSER_VNC_PORT                 port of the VNC server, loopback only (5900)
#   OPENCLAW_BROWSER_VNC_PASSWORD_FILE        its first line is the password of the screen; or
#   OPENCLAW_BROWSER_VNC_PASSWORD             the password itself. VNC looks at 8 characters
#   OPENCLAW_BROWSER_PROFILE                  folder that is kept (/profile)
#   OPENCLAW_BROWSER_WINDOW                   size of screen and window (1280x800)
#   OPENCLAW_BROWSER_DISABLE_GRAPHICS_FLAGS   1: without GPU and WebGL, which have no hardware here; 0: as Chromium likes (1)
#   OPENCLAW_BROWSER_DISABLE_EXTENSIONS       (1)
#   OPENCLAW_BROWSER_RENDERER_PROCESS_LIMIT   0: as Chromium likes (2)
#   OPENCLAW_BROWSER_NO_SANDBOX               1: without Chromium's own sandbox, a wall less (0)
set -eu
umask 077

say() { printf 'openclaw-browser: %s\n' "$*" >&2; }
die() { say "$*"; exit 64; }

flag() { # NAME DEFAULT
  value=
  eval "value=\${$1:-$2}"
  case $value in
    1 | true | yes | on) return 0 ;;
    0 | false | no | off) return 1 ;;
    *) die "$1 must be 1 or 0, not \"$value\"" ;;
  esac
}

number() { # NAME VALUE LEAST MOST
  case $2 in '' | *[!0-9]* | ??????*) die "$1 must be a number, not \"$2\"" ;; esac
  { [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; } || die "$1 must be between $3 and $4, not $2"
}

network_gateway() { # the kernel writes addresses as numbers: the last byte comes first
  hex=$(awk '$2 == "00000000" && $3 != "00000000" {print $3; exit}' /proc/net/route)
  [ -n "$hex" ] || return 0
  low=${hex#????} high=${hex%????}
  printf '%d.%d.%d.%d/32' "0x${low#??}" "0x${low%??}" "0x${high#??}" "0x${high%??}"
}

cdp_port=${OPENCLAW_BROWSER_CDP_PORT:-9222}
novnc_port=${OPENCLAW_BROWSER_NOVNC_PORT:-6080}
vnc_port=${OPENCLAW_BROWSER_VNC_PORT:-5900}
renderers=${OPENCLAW_BROWSER_RENDERER_PROCESS_LIMIT:-2}
window=${OPENCLAW_BROWSER_WINDOW:-1280x800}
profile=${OPENCLAW_BROWSER_PROFILE:-/profile}
number OPENCLAW_BROWSER_CDP_PORT "$cdp_port" 1024 65535
number OPENCLAW_BROWSER_NOVNC_PORT "$novnc_port" 1024 65535
number OPENCLAW_BROWSER_VNC_PORT "$vnc_port" 1024 65535
number OPENCLAW_BROWSER_RENDERER_PROCESS_LIMIT "$renderers" 0 100
number OPENCLAW_BROWSER_WINDOW "${window%x*}" 100 8192
number OPENCLAW_BROWSER_WINDOW "${window#*x}" 100 8192

headless=0 watched=0
if flag OPENCLAW_BROWSER_HEADLESS 0; then headless=1; fi
if flag OPENCLAW_BROWSER_NOVNC 0; then watched=1; fi
if [ $headless = 1 ] && [ $watched = 1 ]; then
  say 'headless: there is no screen to watch, OPENCLAW_BROWSER_NOVNC has no effect'
  watched=0
fi

range=${OPENCLAW_BROWSER_CDP_SOURCE_RANGE:-$(network_gateway)}
[ -n "$range" ] ||
  die 'this network has no gateway address, so it is not known who may connect. Set OPENCLAW_BROWSER_CDP_SOURCE_RANGE'
# It becomes part of an address of socat, where a comma would begin the next option.
case $range in *[!0-9./]* | */*/*) die "OPENCLAW_BROWSER_CDP_SOURCE_RANGE must be IPv4 ADDRESS/BITS, not \"$range\"" ;; esac
case $range in *.*.*.*/?*) ;; *) die "OPENCLAW_BROWSER_CDP_SOURCE_RANGE must be IPv4 ADDRESS/BITS, not \"$range\"" ;; esac

# Everything but the profile is lost with the container; /tmp is all that is writable of a read-only root.
HOME=$(mktemp -d /tmp/openclaw-browser.XXXXXX)
export HOME XDG_CONFIG_HOME="$HOME/config" XDG_CACHE_HOME="$HOME/cache"

password=
if [ $watched = 1 ]; then
  if [ -n "${OPENCLAW_BROWSER_VNC_PASSWORD_FILE:-}" ]; then
    IFS= read -r password <"$OPENCLAW_BROWSER_VNC_PASSWORD_FILE" || [ -n "$password" ] ||
      die "no password in OPENCLAW_BROWSER_VNC_PASSWORD_FILE ($OPENCLAW_BROWSER_VNC_PASSWORD_FILE)"
  else
    password=${OPENCLAW_BROWSER_VNC_PASSWORD:-}
  fi
  [ -n "$password" ] ||
    die 'OPENCLAW_BROWSER_NOVNC needs a password: OPENCLAW_BROWSER_VNC_PASSWORD_FILE or OPENCLAW_BROWSER_VNC_PASSWORD'
  printf '%s\n' "$password" >"$HOME/vnc-password"
fi
unset OPENCLAW_BROWSER_VNC_PASSWORD password

[ -w "$profile" ] || die "the profile folder $profile cannot be written by uid $(id -u): chown it, or mount another"
# The lock names the host that holds it. Who had this folder before is gone: a container has it for itself.
rm -f "$profile/SingletonLock" "$profile/SingletonSocket" "$profile/SingletonCookie"

if [ $headless = 0 ]; then
  mkdir -m 1777 /tmp/.X11-unix 2>/dev/null || true
  Xvfb :1 -screen 0 "${window}x24" -nolisten tcp >/dev/null 2>&1 &
  tries=0
  until [ -S /tmp/.X11-unix/X1 ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || die 'Xvfb did not start within 10 s'
    sleep 0.05
  done
  export DISPLAY=:1
fi

# The relay's own port must be free on loopback too.
inner() { if [ "$1" -lt 50000 ]; then echo $(($1 + 10000)); else echo $(($1 - 10000)); fi; }
relay() { # PORT
  socat "TCP4-LISTEN:$1,fork,reuseaddr,max-children=64,range=$range" "TCP4:127.0.0.1:$(inner "$1")" 2>/dev/null &
}

if [ $watched = 1 ]; then
  x11vnc -display :1 -localhost -rfbport "$vnc_port" -passwdfile "$HOME/vnc-password" -forever -shared -noxdamage \
    -noipv6 -quiet >/dev/null 2>&1 &
  websockify --web /usr/share/novnc "127.0.0.1:$(inner "$novnc_port")" "127.0.0.1:$vnc_port" >/dev/null 2>&1 &
  relay "$novnc_port"
fi
relay "$cdp_port"

set -- --user-data-dir="$profile" --remote-debugging-address=127.0.0.1 --remote-debugging-port="$(inner "$cdp_port")" \
  --window-size="${window%x*},${window#*x}" --window-position=0,0 --no-first-run --no-default-browser-check \
  --password-store=basic --disable-dev-shm-usage --disable-breakpad --disable-background-networking \
  --disable-component-update --disable-default-apps --disable-sync --no-pings --metrics-recording-only \
  --disable-features=MediaRouter,OptimizationHints,Translate
if [ $headless = 1 ]; then set -- "$@" --headless=new; fi
if [ "$renderers" -gt 0 ]; then set -- "$@" --renderer-process-limit="$renderers"; fi
if flag OPENCLAW_BROWSER_DISABLE_GRAPHICS_FLAGS 1; then
  set -- "$@" --disable-gpu --disable-3d-apis --disable-software-rasterizer
fi
if flag OPENCLAW_BROWSER_DISABLE_EXTENSIONS 1; then set -- "$@" --disable-extensions; fi
if flag OPENCLAW_BROWSER_NO_SANDBOX 0; then
  say 'Chromium runs without its own sandbox'
  set -- "$@" --no-sandbox
fi

chromium "$@" about:blank &
browser=$!
# A browser that is asked to end writes its profile first.
trap 'kill -TERM $browser 2>/dev/null || true' TERM INT
code=0
wait $browser || code=$?
# A signal ends the wait, not the browser.
while kill -0 $browser 2>/dev/null; do wait $browser || code=$?; done
if [ $code -ne 0 ] && [ $code -lt 128 ]; then
  say "Chromium ended with $code. \"No usable sandbox\" above means that this container may not make user namespaces:" \
    'give it a seccomp profile that allows them (the gateway does), or set OPENCLAW_BROWSER_NO_SANDBOX=1'
fi
exit $code
