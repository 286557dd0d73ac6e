#!/usr/bin/env bash
# one_symbol.sh LIBRARY...: each exports openclaw_plugin_v1 and nothing else.
set -euo pipefail
failed=0
for library in "$@"; do
  exported=$(nm -D --defined-only "$library" | awk '{print $NF}')
  if [[ $exported != openclaw_plugin_v1 ]]; then
    echo "$library exports: ${exported//$'\n'/ }"
    failed=1
  fi
done
echo "$# libraries"
exit $failed
