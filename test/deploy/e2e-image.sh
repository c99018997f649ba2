#!/usr/bin/env bash
# Builds the image and tests it with a real Docker engine (test/deploy/image).
#
# Without an engine to talk to, and as root, it starts Debian's dockerd for as long as
# it runs. Where the base image cannot be pulled, standin.sh makes one.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/deploy/packages.sh
export DOCKER=${DOCKER:-docker}
base=$(sed -n 's/^ARG GO_IMAGE=//p' Dockerfile)

engine='' run=''
finish() {
  if [[ -n $engine ]]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  if [[ -n $run ]]; then rm -rf --one-file-system "$run"; fi
}
trap finish EXIT

if ! "$DOCKER" info >/dev/null 2>&1; then
  (( EUID == 0 )) || { echo "e2e-image: no Docker engine answers: start one, or be root" >&2; exit 1; }
  need dockerd=docker.io iptables=iptables debootstrap=debootstrap
  # Images and the build's cache stay for the next time.
  mkdir -p .cache/docker
  run=$(mktemp -d)
  export DOCKER_HOST=unix://$run/docker.sock
  dockerd --data-root "$PWD/.cache/docker" --exec-root "$run/exec" --pidfile "$run/docker.pid" \
    --host "$DOCKER_HOST" >.cache/dockerd.log 2>&1 &
  engine=$!
  for _ in {1..150}; do
    "$DOCKER" info >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.2
  done
  "$DOCKER" info >/dev/null 2>&1 || { tail -20 .cache/dockerd.log >&2; exit 1; }
fi

"$DOCKER" image inspect "$base" >/dev/null 2>&1 || "$DOCKER" pull --quiet "$base" 2>/dev/null ||
  test/deploy/standin.sh "$base" "$DOCKER"

export AIGEN_VERSION=${AIGEN_VERSION:-e2e}
export AIGEN_IMAGE=aigen:$AIGEN_VERSION
make --no-print-directory image IMAGE=aigen VERSION="$AIGEN_VERSION" DOCKER="$DOCKER"
"$DOCKER" image ls "$AIGEN_IMAGE"
go test -count=1 -timeout 10m -v ./test/deploy/image
