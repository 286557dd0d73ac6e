#!/usr/bin/env bash
# check.sh SOURCE_ROOT ROOMS: who includes whom. ROOMS has one line per room: name|sources|links.
# A source may include headers of its own folder and of the folders of the rooms it links, directly or not.
set -euo pipefail
root=$1 rooms=$2
declare -A folders links
names=()
while IFS='|' read -r name sources linked; do
  [[ -n $name ]] || continue
  names+=("$name")
  # Generated sources have absolute paths and are no concern of this test.
  folders[$name]=$(tr ';' '\n' <<<"$sources" | grep -v '^/' | sed -n 's#/[^/]*$##p' | sort -u | tr '\n' ' ')
  links[$name]=$(tr ';' '\n' <<<"$linked" | sed -n 's/^openclaw:://p' | sort -u | tr '\n' ' ')
done <"$rooms"

closure() { # ROOM: it and every room it reaches
  local -A seen=([$1]=1)
  local queue=("$1") next
  while ((${#queue[@]})); do
    for next in ${links[${queue[0]}]:-}; do
      if [[ -z ${seen[$next]:-} ]]; then seen[$next]=1; queue+=("$next"); fi
    done
    queue=("${queue[@]:1}")
  done
  echo "${!seen[@]}"
}

failed=0
complain() { echo "$*"; failed=1; }
# Rooms may share a folder (plugin and host_services): what one of them may include there is allowed.
declare -A folder_allows
for name in "${names[@]}"; do
  for reached in $(closure "$name"); do
    for folder in ${folders[$name]}; do folder_allows[$folder]+=" ${folders[$reached]:-} "; done
  done
done
for name in "${names[@]}"; do
  for folder in ${folders[$name]}; do
    allowed=${folder_allows[$folder]}
    while IFS=: read -r file line text; do
      [[ $text =~ include\ \"([^\"]*)\" ]] || continue
      target=${BASH_REMATCH[1]}
      [[ $target == */* && -d $root/core/${target%%/*} ]] || continue
      # A test may also use what its TEST_LINKS bring; the rule is for what ships.
      [[ $file == *_test.cc || $file == *_for_test.h ]] && continue
      [[ $allowed == *" ${target%/*} "* ]] ||
        complain "${file#"$root"/}:$line: room $name must not include \"$target\" (add a link in core/CMakeLists.txt only with a reason)"
    done < <(find "$root/core/$folder" -maxdepth 1 \( -name '*.cc' -o -name '*.h' \) -exec grep -nH '#include "' {} +)
  done
done

only() { # WHERE-REGEX HEADER-REGEX: this third-party header belongs to one place
  while IFS= read -r hit; do
    complain "$hit: belongs in $1 only"
  done < <(grep -rnE "#include <($2)" "$root/core" --include='*.cc' --include='*.h' | sed "s#^$root/##" | grep -vE "^($1)" || true)
}
only 'core/plugin/loader\.cc|core/net/libcurl\.cc' 'boost/dll'
only 'core/net/' 'curl/'
only 'core/config/' 'toml\+\+'
only 'core/storage/|core/channel/' 'sqlite3'
only 'core/cli/' 'CLI/'

# Plugins see <openclaw/...> and their own files; core names no plugin.
while IFS= read -r hit; do complain "$hit: a plugin includes core"; done < <(
  grep -rnE '#include "(\.\./)*(core/|async/|config/|gateway/|plugin/|result\.h)' "$root/plugins" --include='*.cc' --include='*.h' || true)
while IFS= read -r hit; do complain "$hit: core names a plugin"; done < <(
  grep -rnE '"(sandbox-docker|sandbox-bwrap|model-openai|model-anthropic|libopenclaw-[a-z-]+\.so)"' "$root/core" --include='*.cc' --include='*.h' |
    grep -vE '(_test\.cc|_for_test\.h):' || true)
while IFS= read -r hit; do complain "$hit: core must not use a shell"; done < <(
  grep -rnE '\b(system|popen)\(' "$root/core" "$root/plugins" --include='*.cc' | grep -vE '^[^:]*:[0-9]+: *//' || true)
exit "$failed"
