#!/usr/bin/env bash
# Runs each fuzz target for FUZZTIME (30s), one after the other, and says in a table what
# came of it. Stops at the first failure: its input is then in testdata/fuzz, to be
# committed with what mends it. FUZZ names one target or some (a regular expression over
# "package Target"); FUZZPARALLEL is how many processes a target gets.
set -uo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go} time=${FUZZTIME:-30s} parallel=${FUZZPARALLEL:-2} only=${FUZZ:-.}
module=$($go list -m) || exit 1
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT

targets() {
	# A package without fuzz targets is not built.
	git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u | while read -r dir; do
		$go test -list '^Fuzz' "./$dir" | grep '^Fuzz' | sed "s|^|$dir |" || { echo "cannot list the targets of $dir" >&2; exit 1; }
	done
}

table() {
	echo
	printf '%-52s %10s %12s %8s %8s  %s\n' TARGET SECONDS EXECS NEW CORPUS RESULT
	cat "$tmp/table" 2>/dev/null
}

targets >"$tmp/targets" || exit 1
grep -E "$only" "$tmp/targets" >"$tmp/chosen" || { echo "no fuzz target matches $only" >&2; exit 1; }
echo "$(wc -l <"$tmp/chosen") targets, $time each, of $module"
while read -r dir name; do
	echo "== $dir $name"
	began=$SECONDS result=ok
	$go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -parallel "$parallel" "./$dir" >"$tmp/log" 2>&1 || result=FAILED
	last=$(grep '^fuzz: elapsed' "$tmp/log" | tail -1)
	# "fuzz: elapsed: 30s, execs: 12345 (411/sec), new interesting: 6 (total: 40)"
	execs=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' <<<"$last") new=$(sed -n 's/.*new interesting: \([0-9]*\).*/\1/p' <<<"$last")
	total=$(sed -n 's/.*(total: \([0-9]*\)).*/\1/p' <<<"$last")
	printf '%-52s %10s %12s %8s %8s  %s\n' "$dir $name" "$((SECONDS - began))" "${execs:--}" "${new:--}" "${total:--}" "$result" | tee -a "$tmp/table"
	if [ "$result" != ok ]; then
		cat "$tmp/log"
		table
		echo "$dir $name failed: the targets after it were not run" >&2
		exit 1
	fi
done <"$tmp/chosen"
table
