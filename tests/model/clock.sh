#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The clocks of the library and the naive ones say the same of random traces:
# every number, but for percentiles, which are those of the sorted list within
# 1/256.
# usage: clock.sh CLOCKS NAIVE ROUNDS

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$3" >"$work/clocks" || exit 1
"$2" "$3" >"$work/naive" || exit 1
grep -c '^elapsed' "$work/naive" | sed 's/$/ runs/'
paste -d '|' "$work/clocks" "$work/naive" | awk -F '|' '
	/^=/ { run = $1 }
	/^elapsed/ { runs++ }
	$1 == $2 { next }
	/^~/ {
		n = split($1, a, " "); split($2, b, " ")
		# n and the maximum are exact.
		bad = a[2] != b[2] || a[n] != b[n]
		for (i = 3; i < n; i++) {
			off = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]
			bad = bad || off * 256 > b[i]
		}
		if (!bad)
			next
	}
	{ print run; print "  clocks " $1; print "  naive  " $2
	  if (++wrong == 10) exit }
	END { exit wrong > 0 || runs < 50 }'
