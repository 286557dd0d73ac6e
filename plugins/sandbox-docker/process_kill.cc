#include "process_kill.h"

namespace openclaw::docker {

namespace {

// $1 marker line, $2 signal. `found` holds process ids between blanks. A read of environ loses the
// zeros between the variables, which does not hurt: the value is unique by itself.
constexpr const char* kScript = R"(
look() {
  for d in /proc/[0-9]*; do
    p=${d#/proc/}
    [ "$p" = "$$" ] && continue
    case "$found" in *" $p "*) continue ;; esac
    s=
    { IFS= read -r s <"$d/stat"; } 2>/dev/null
    [ -n "$s" ] || continue
    set -- ${s##*)}
    [ "$1" = Z ] && continue
    parent=$2 session=$4 hit=
    case "$found" in *" $parent "* | *" $session "*) hit=1 ;; esac
    if [ -z "$hit" ]; then
      while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in *"$marker"*) hit=1 && break ;; esac
      done 2>/dev/null <"$d/environ"
    fi
    [ -n "$hit" ] || continue
    found="$found$p "
    new=1
    [ "$signal" = 9 ] && kill -STOP "$p" 2>/dev/null
  done
}
marker=$1 signal=$2 round=0
while [ "$round" -lt 50 ]; do
  round=$((round + 1)) found=" " new=1
  while [ -n "$new" ]; do new=; look; done
  [ "$found" = " " ] && exit 0
  for p in $found; do kill -"$signal" "$p" 2>/dev/null; done
  [ "$signal" = 9 ] || exit 0
done
exit 1
)";

}  // namespace

std::vector<std::string> kill_command(const std::string& marker, int signo) {
  return {"/bin/sh",
          "-c",
          kScript,
          "sh",
          std::string(kMarkerVariable) + "=" + marker,
          std::to_string(signo)};
}

}  // namespace openclaw::docker
