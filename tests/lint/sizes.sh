#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# No function of src/ and sim/ has more than 70 lines, no file more than 700.
# usage: sizes.sh ROOT

cd "$1" || exit 2
find src sim -name '*.[ch]' | sort | xargs awk '
	FNR == 1 {
		if (file != "" && lines > 700)
			complain(file ": " lines " lines, at most 700")
		file = FILENAME
		files++
	}
	{ lines = FNR }
	/^[a-z_].*\(/ { name = $0; sub(/\(.*/, "", name) }
	/^\{/ { start = FNR }
	/^\}$/ && start != 0 {
		if (FNR - start - 1 > 70)
			complain(file ":" start ": " name "() has " \
			    FNR - start - 1 " lines, at most 70")
		start = 0
	}
	function complain(what) { print what; bad++ }
	END {
		if (lines > 700)
			complain(file ": " lines " lines, at most 700")
		print files " files"
		exit bad > 0
	}'
