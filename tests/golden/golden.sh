#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Whole runs against results that are kept beside this file.  A difference
# is a change of behaviour: find out whether it was meant, and if so
#	tests/golden/golden.sh EPHMAP --update
# and say in the commit why the numbers moved.

case $1 in
/*) EPHMAP=$1 ;;
*) EPHMAP=$PWD/$1 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../samples" || exit 2
failures=0
runs=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Bytes of the host differ between builds; no result depends on them.
result() {
	"$EPHMAP" "$@" --format json | grep -v '"memory_bytes"'
}

# golden NAME ARGUMENT...
golden() {
	name=$1
	shift
	runs=$((runs + 1))
	result "$@" >"$work/$name.json"
	if [ "${update:-}" = yes ]; then
		cp "$work/$name.json" "$here/$name.json"
	elif ! diff -u "$here/$name.json" "$work/$name.json" >"$work/diff"; then
		failures=$((failures + 1))
		echo "FAILED: $name: ephmap $*"
		head -n 40 "$work/diff"
	fi
}

[ "${2:-}" != --update ] || update=yes
while read -r name arguments; do
	case $name in
	'' | '#'*) continue ;;
	esac
	# shellcheck disable=SC2086
	golden "$name" $arguments
done <"$here/runs.txt"
echo "$runs runs, $failures failed"
[ "$runs" -gt 0 ] && [ "$failures" -eq 0 ]
