#!/usr/bin/env bash
# Looks for known vulnerabilities in what the program calls, with govulncheck. It needs
# its tool (Go's module proxy) and its database (GOVULNDB, https://vuln.go.dev unless
# said otherwise). What cannot be had is said, and is no failure: a build without internet
# must be possible, and must not look as if it had been checked.
# Exit codes: 0 nothing found, or NOT CHECKED; 1 vulnerabilities. VULNCHECK=required
# makes "not checked" a failure too.
set -uo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go} tool=${1:?path of govulncheck} db=${GOVULNDB:-https://vuln.go.dev}

not_checked() {
	echo "vulncheck: NOT CHECKED: $1"
	echo "vulncheck: run \`make vulncheck\` where $db can be reached, or set GOVULNDB to a mirror (file:///… works)."
	[ "${VULNCHECK:-}" != required ]
	exit $?
}

[ -x "$tool" ] || not_checked "govulncheck could not be installed"
out=$("$tool" -db "$db" ./... 2>&1)
code=$?
case $code in
0) echo "vulncheck: checked against $db: nothing found" ;;
3)
	echo "$out"
	echo "vulncheck: checked against $db: vulnerabilities found"
	exit 1
	;;
*) not_checked "govulncheck ended with $code: $(tail -1 <<<"$out")" ;;
esac
