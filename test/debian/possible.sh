# For sourcing. possible says why a Debian in a folder cannot be had here, and fails; what
# it needs is installed where it is only missing.
# shellcheck source=test/deploy/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/packages.sh"
possible() {
  (( EUID == 0 )) || { echo "it needs root"; return 1; }
  command -v apt-get >/dev/null || { echo "it needs Debian's debootstrap"; return 1; }
  need debootstrap=debootstrap unshare=util-linux ip=iproute2 git=git >&2 || { echo "debootstrap cannot be installed"; return 1; }
  unshare --mount --pid --net --fork true 2>/dev/null || { echo "this machine allows no namespaces of its own"; return 1; }
}
