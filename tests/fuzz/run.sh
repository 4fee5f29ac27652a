#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Fuzzing: every reader and parser, with clang's libFuzzer, ASan and UBSan.
#
#	tests/fuzz/run.sh SECONDS [TARGET]...	so long for each target
#	tests/fuzz/run.sh corpus PROGRAM	what is kept, once, without libFuzzer
#
# Inputs begin with those of tests/fuzz/corpus/TARGET; new ones, and what
# failed, stay in build/fuzz-found.  Bounds of each run of a target: 1 GiB of
# memory in all and in one allocation, 10 s, 256 KiB
# written, inputs of 4 KiB (databases: 64 KiB).

top=$(cd "$(dirname "$0")/../.." && pwd)
corpus=$top/tests/fuzz/corpus
build=${EPHMAP_FUZZ_BUILD:-$top/build/fuzz}
found=${EPHMAP_FUZZ_FOUND:-$top/build/fuzz-found}
export ASAN_OPTIONS=quarantine_size_mb=16:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1

die() {
	echo "fuzz: $*" >&2
	exit 2
}

if [ "$1" = corpus ]; then
	failed=0
	for t in $("$2" list | cut -d ' ' -f 1); do
		[ -d "$corpus/$t" ] || die "no corpus for $t"
		"$2" "$t" "$corpus/$t" 2>/dev/null >/dev/null || {
			echo "$t: status $?"
			"$2" "$t" "$corpus/$t" 2>&1 | tail -n 20
			failed=1
		}
	done
	exit $failed
fi

seconds=$1
[ "${seconds:-0}" -gt 0 ] 2>/dev/null || die "usage: run.sh SECONDS [TARGET]..."
shift
command -v clang >/dev/null || {
	echo 'fuzz: skipped: no clang'
	exit 0
}
cmake -S "$top" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
	-DCMAKE_C_FLAGS_DEBUG='-O1 -g' -DEPHMAP_FUZZER=ON \
	-DEPHMAP_SANITIZE='address;undefined' -DEPHMAP_BUILD_BENCH=OFF \
	>/dev/null && cmake --build "$build" --target fuzz --parallel \
	"$(nproc)" >"$build/log" 2>&1 || {
	# clang without its fuzzer, as some systems package it.
	grep -q 'clang_rt.fuzzer' "$build/log" 2>/dev/null && {
		echo 'fuzz: skipped: clang has no libFuzzer'
		exit 0
	}
	tail -n 5 "$build/log"
	die "no build"
}
program=$build/fuzz
[ $# -gt 0 ] || set -- $("$program" list | cut -d ' ' -f 1)

failed=0
all=0
for t; do
	mkdir -p "$found/$t"
	length=4096
	[ "$t" != database ] || length=65536
	# Not into a file: the bound of what is written is for all.
	{
		"$program" "$t" "$found/$t" "$corpus/$t" \
			-max_total_time="$seconds" -rss_limit_mb=1024 \
			-malloc_limit_mb=1024 -timeout=10 -max_len=$length \
			-len_control=20 -close_fd_mask=3 -handle_xfsz=0 \
			-artifact_prefix="$found/$t-" -print_final_stats=1
		echo "status $?"
	} 2>&1 | tail -n 200 >"$found/$t.log"
	status=$(sed -n 's/^status //p' "$found/$t.log")
	n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$t.log")
	mb=$(sed -n 's/^stat::peak_rss_mb: *//p' "$found/$t.log")
	all=$((all + ${n:-0}))
	echo "$t: ${n:-no} executions, ${mb:-?} MB"
	[ "$status" -eq 0 ] || {
		echo "$t: FAILED: see $found/$t.log"
		grep -E 'ERROR|SUMMARY|runtime error|Test unit' "$found/$t.log"
		failed=1
	}
done
echo "fuzz: $all executions"
exit $failed
