#!/usr/bin/env bash
# Runs a command on a clone of this repository inside a Debian of root.sh, with this
# machine's Go and Node. What it writes lies above the Debian, and is gone with it;
# its processes end with it.
#
#   enter.sh FOLDER COMMAND…
#
# NETWORK=own: a network of its own, so that ports are free and nothing outside is reached;
# the default is this machine's network. How this machine reaches the registries of Go and
# npm is handed in by the environment; KEEP names further variables to hand in.
# BIND=FOLDER:PLACE: a folder of this machine to be seen there.
set -euo pipefail
export NETWORK=${NETWORK:-} BIND=${BIND:-}
root=${1:?usage: enter.sh FOLDER COMMAND…}
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
(( EUID == 0 )) || { echo "enter.sh: a mount needs root" >&2; exit 1; }

above=$(mktemp -d "$root.above-XXXXXX")
trap 'rm -rf --one-file-system "$above"' EXIT
mkdir "$above"/{upper,work,merged}
# As somebody would who clones it, with what is not committed yet.
git clone -q "$here" "$above/upper/src"
git -C "$here" ls-files -z -mo --exclude-standard |
  (cd "$here" && while IFS= read -rd '' f; do [[ -e $f ]] && printf '%s\0' "$f"; done | tar -c --null -T -) | tar -x -C "$above/upper/src"
mkdir -p "$above/upper/etc" "$above/upper/usr/local/go" "$above/upper/usr/local/lib/node" "$above/upper/go" "$above/upper/usr/local/bin"
cp /etc/resolv.conf /etc/hosts "$above/upper/etc/"
# Node with its npm, and nothing of what else is installed for it.
if command -v node npm >/dev/null; then
  cp -L "$(command -v node)" "$above/upper/usr/local/bin/node"
  cp -a "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$above/upper/usr/local/lib/node/npm"
  ln -s ../lib/node/npm/bin/npm-cli.js "$above/upper/usr/local/bin/npm"
  ln -s ../lib/node/npm/bin/npx-cli.js "$above/upper/usr/local/bin/npx"
fi

environment=(
  PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
  TERM="${TERM:-dumb}" GOMODCACHE=/go/mod GOCACHE=/go/cache GOTOOLCHAIN=local
  NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
)
namespaces=(--mount --pid --fork)
if [[ ${NETWORK:-} == own ]]; then
  namespaces+=(--net)
  (cd "$here" && go mod download)
  environment+=(GOPROXY=off)
else
  for name in GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOINSECURE; do
    environment+=("$name=$(go env "$name")")
  done
  if command -v npm >/dev/null; then environment+=("npm_config_registry=$(npm config get registry)"); fi
  KEEP="${KEEP:-} HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy"
fi
for name in ${KEEP:-}; do
  if [[ -v $name ]]; then environment+=("$name=${!name}"); fi
done

# The mounts are this process's alone: they end with it.
unshare "${namespaces[@]}" -- bash -euc '
  root=$1 above=$2 goroot=$3 mod=$4 cache=$5
  shift 5
  to=$above/merged
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$above/upper,workdir=$above/work" "$to"
  mount --bind "$goroot" "$to/usr/local/go"
  mkdir -p "$to"/go/mod "$to"/go/cache
  mount --bind "$mod" "$to/go/mod"
  mount --bind "$cache" "$to/go/cache"
  mount -t proc proc "$to/proc"
  mount -t tmpfs -o mode=755 dev "$to/dev"
  for device in null zero full random urandom tty; do touch "$to/dev/$device"; mount --bind "/dev/$device" "$to/dev/$device"; done
  mkdir "$to"/dev/{pts,shm}
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$to/dev/pts"
  ln -s pts/ptmx "$to/dev/ptmx"
  ln -s /proc/self/fd "$to/dev/fd"; ln -s fd/0 "$to/dev/stdin"; ln -s fd/1 "$to/dev/stdout"; ln -s fd/2 "$to/dev/stderr"
  mount -t tmpfs tmpfs "$to/dev/shm"
  if [[ ${BIND:-} ]]; then mkdir -p "$to${BIND#*:}"; mount --bind "${BIND%%:*}" "$to${BIND#*:}"; fi
  if [[ ${NETWORK:-} == own ]]; then ip link set lo up; fi
  # sh is process 1: it waits for the orphans too.
  exec chroot "$to" env -i "${@:2:$1}" sh -c "cd /src; \"\$@\"; exit \$?" sh "${@:$1+2}"
' bash "$root" "$above" "$(go env GOROOT)" "$(go env GOMODCACHE)" "$(go env GOCACHE)" "${#environment[@]}" "${environment[@]}" "$@"
