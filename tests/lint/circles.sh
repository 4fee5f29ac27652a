#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# No object of the library needs itself in the end, by a symbol of another
# that needs one of its: a table of rows stands above what rows share, and what
# files were cut into stands in an order.  Nothing is left out.
# usage: circles.sh NM ARCHIVE

set -eu
nm=$1
archive=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "object needs object", by symbols that are global or weak.
"$nm" -A "$archive" 2>/dev/null | sed 's/^[^:]*:\([^:]*\):/\1 /' | awk '
	NF == 3 && $2 == "U" { nu++; who[nu] = $1; what[nu] = $3; next }
	NF == 4 && $3 ~ /^[A-Z]$/ && $3 != "U" { home[$4] = $1 }
	END {
		for (i = 1; i <= nu; i++) {
			h = home[what[i]]
			if (h != "" && h != who[i])
				print who[i], h
		}
	}' | sort -u >"$work/needs"
[ "$(wc -l <"$work/needs")" -gt 100 ] || {
	echo "found no symbols in $archive"
	exit 2
}
if ! tsort "$work/needs" >/dev/null 2>"$work/loops"; then
	echo "objects need each other in circles:"
	sed 's/^tsort: //; s/^-: //' "$work/loops"
	exit 1
fi
echo "$(cut -d' ' -f1 "$work/needs" | sort -u | wc -l) objects, no circle"
