#!/usr/bin/env bash
# Stands in for the base image that the Dockerfile names, on a machine that reaches no
# image registry: Debian by debootstrap, from the mirror that this machine's apt is set
# up with, and the Go tree of this machine.
#
#   standin.sh golang:1.26-bookworm ["docker command"]
#
# The result lies under the same name and tag as the real one, on this machine alone.
# It is for trying the Dockerfile; never publish an image that was built on it.
set -euo pipefail
tag=${1:?usage: standin.sh IMAGE:TAG}
read -ra docker <<<"${2:-docker}"

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
case $tag in
  golang:*-"$suite") ;;
  *) echo "standin.sh: $tag cannot be stood in for here: a golang image of $suite can" >&2; exit 1 ;;
esac
(( EUID == 0 )) || { echo "standin.sh: debootstrap needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "standin.sh: install the Debian package debootstrap" >&2; exit 1; }

# What apt fetches this suite's main packages from; its own words, whichever form its
# sources list has.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
  awk -v suite="$suite" '$2 == suite && $3 == "main" && $4 == "Packages" && !seen++ { print $1 }')
[[ -n $mirror ]] || { echo "standin.sh: apt has no source for $suite main" >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
echo "standin.sh: debootstrap of $suite (about a minute)"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
# The CA certificates that this machine trusts, for a module proxy of the house.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/usr/local"
cp -a "$(go env GOROOT)" "$root/usr/local/go"
tar -C "$root" -c . | "${docker[@]}" import \
  --change 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'WORKDIR /go' --change 'LABEL standin=true' - "$tag" >/dev/null
echo "standin.sh: $tag is there"
