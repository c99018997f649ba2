#!/usr/bin/env bash
# A Debian in a folder, by debootstrap, from the mirror that this machine's apt uses, with
# packages in it. As root; about a minute, and 250 MB without packages. What is there
# already is kept.
#
#   root.sh SUITE FOLDER [PACKAGE…]      SUITE: bookworm, trixie, forky
set -euo pipefail
suite=${1:?usage: root.sh SUITE FOLDER [PACKAGE…]} root=${2:?usage: root.sh SUITE FOLDER [PACKAGE…]}
shift 2
say() { echo "root.sh: $*" >&2; }
# shellcheck source=test/debian/possible.sh
source "$(dirname "$0")/possible.sh"
possible || exit 1

# Runs at once would write into each other's folder.
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9

if [[ ! -e $root/.made ]]; then
  mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
    awk '$2 ~ /^[a-z]+$/ && $3 == "main" && $4 == "Packages" && !seen++ { print $1 }')
  [[ -n $mirror ]] || { say "apt has no source of a Debian here"; exit 1; }
  # An older debootstrap knows no newer suite; the script is the same for all.
  script=
  [[ -e /usr/share/debootstrap/scripts/$suite ]] || script=sid
  say "debootstrap of $suite (about a minute)"
  rm -rf --one-file-system "$root"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" $script >"$root.log" 2>&1 ||
    { tail -20 "$root.log" >&2; exit 1; }
  # How apt reaches the mirror, and whom TLS trusts, as on this machine.
  for file in /etc/apt/apt.conf.d/*; do # but for what desktops add to each update
    case $file in *appstream | *packagekit | *autoremove*) ;; *) cp "$file" "$root/etc/apt/apt.conf.d/" ;; esac
  done
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  # No service starts by being installed.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  touch "$root/.made"
fi
(( $# )) || exit 0
missing=()
for package in "$@"; do
  [[ -e $root/var/lib/dpkg/info/$package.list ]] || missing+=("$package")
done
(( ${#missing[@]} )) || exit 0
say "installing ${missing[*]} in $suite"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
unshare --mount --pid --fork sh -euc '
  root=$1; shift
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  exec chroot "$root" sh -c "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends \"\$@\"" sh "$@"
' sh "$root" "${missing[@]}" >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; exit 1; }
