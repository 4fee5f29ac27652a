#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build and test: the release build, then the one with AddressSanitizer and
# UndefinedBehaviorSanitizer.  Needs nothing but git and a shell on a Debian
# machine: see sim/packages.sh.  The last line says "N passed, N failed".
# usage: tests/run.sh [PRESET]...	(default: release asan)

set -eu
cd "$(dirname "$0")/.."
. sim/packages.sh

need_packages
[ $# -gt 0 ] || set -- release asan
passed=0
failed=0
mkdir -p build
for preset; do
	log=build/$preset.log
	echo "$preset: building"
	{ cmake --preset "$preset" &&
		cmake --build --preset "$preset" --parallel "$jobs"; } \
	    >"$log" 2>&1 || {
		cat "$log"
		die "$preset: the build failed"
	}
	ctest --preset "$preset" --parallel "$jobs" --output-on-failure \
	    >"$log" 2>&1 || true
	grep -v -e ' Passed  ' -e '^ *Start ' "$log" || true
	# "98% tests passed, 1 tests failed out of 53"
	set_of=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log")
	[ -n "$set_of" ] || die "$preset: ctest did not run"
	failed=$((failed + ${set_of% *}))
	passed=$((passed + ${set_of#* } - ${set_of% *}))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
