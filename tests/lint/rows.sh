#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every design's event table is played row by row, every protocol's events are
# counted: a unit test names each.
# usage: rows.sh SOURCE_ROOT

set -eu
cd "$1"
status=0
names=$(sed -n 's/^\t\.name = "\([^"]*\)",$/\1/p' src/design/*.c src/shootdown/*.c)
[ -n "$names" ] || { echo 'rows.sh: found no rows'; exit 1; }
for name in $names; do
	grep -qF "\"$name\"" tests/unit/*.c || {
		echo "$name: no unit test in tests/unit names it"
		status=1
	}
done
exit $status
