#!/usr/bin/env bash
# What the documentation tells a newcomer to type, in an empty Debian 12 with nothing but
# Go and Node, and what the README says to install. Whatever a command misses is a fault of
# its script or of the page. As root, with debootstrap.
#
#   check.sh [STEP…]      quick: run short console nodes      all: also test n8n deploy lint
#
# Each step gets a Debian of its own: what one installs does not help another.
set -euo pipefail
cd "$(dirname "$0")/../.."
suite=${BARE_SUITE:-bookworm} root=$PWD/.cache/debian/${BARE_SUITE:-bookworm}
steps=("$@")
case ${steps[*]:-quick} in
  quick) steps=(run short console nodes) ;;
  all) steps=(run test console nodes n8n deploy lint) ;;
esac

source test/debian/possible.sh
if ! why=$(possible); then
  echo "check-bare: NOT CHECKED: $why"
  exit "$([[ ${BARE_REQUIRED:-} ]] && echo 1 || echo 0)"
fi
busy=$(for port in 5432 5672 6379; do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && echo "$port"; done || true)
if [[ $busy ]]; then echo "check-bare: servers listen on the ports" $busy "here: tests will use these, and install none" >&2; fi
test/debian/root.sh "$suite" "$root"

failed=() began=$SECONDS
for step in "${steps[@]}"; do
  log=$PWD/.cache/bare-$step.log at=$SECONDS result=ok
  KEEP="AIGEN_KILLS KILLS BARE_PORT" test/debian/enter.sh "$root" bash test/bare/steps.sh "$step" >"$log" 2>&1 </dev/null || result=FAILED
  printf 'check-bare: %-8s %-6s %4ss  %s\n' "$step" "$result" "$((SECONDS - at))" "$(sed -n 's/^bare: //p' "$log" | tail -1)"
  if [[ $result != ok ]]; then
    failed+=("$step")
    tail -40 "$log"
  fi
done
(( ${#failed[@]} == 0 )) || { echo "check-bare: ${failed[*]} failed; the logs are .cache/bare-*.log" >&2; exit 1; }
echo "check-bare: all well after $((SECONDS - began)) s"
