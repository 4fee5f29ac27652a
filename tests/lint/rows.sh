#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A design or protocol that no unit test names has no event table that is played:
# each name stands in one.  That every line of the table is, is for who reads it.
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
