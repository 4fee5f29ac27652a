#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# valgrind's lackey: an atomic increment loads its word twice.
#
# Expected: with --trace-mem=yes, one "M" (a load and a store of one place) for
# each instruction that reads and writes one word.
# Seen: a plain `inc` is one M, and so is `lock cmpxchg`, also where the
# comparison fails.  But `lock inc`, `lock xadd` and `xchg` are an L and then
# an M of the same word: valgrind builds them of a load and a compare-and-swap,
# and lackey prints both.
#
# Why it matters to who measures ephemeral mappings: such a trace is replayed
# as it stands.  Locks and reference counts, which are what kernels and
# allocators do most, come with a load too many: references, hits and the ratio
# of reads to writes are off by as many, misses and pages are not.
#
# How seen: a program of a hundred of each instruction, each on a page of
# its own; the lines of the trace are counted by page.

. "$(dirname "$0")/support/packages.sh"
unpack valgrind=1:3.19.0-1
command -v gcc >/dev/null || install gcc libc6-dev
export VALGRIND_LIB=$root/usr/libexec/valgrind
valgrind=$root/usr/bin/valgrind
"$valgrind" --version

cat >"$dir/rmw.c" <<'END'
#include <stdint.h>
#include <stdio.h>

static uint64_t place[5][512] __attribute__((aligned(4096)));

int
main(void)
{
	printf("%p\n", (void *)place);
	fflush(stdout);
	for (int i = 0; i < 100; i++) {
		uint64_t one = 1, two = 2, other = 3;

		__asm__ volatile("incq %0" : "+m"(place[0][8]));
		__asm__ volatile("lock; incq %0" : "+m"(place[1][8]));
		__asm__ volatile("lock; xaddq %0, %1"
				 : "+r"(one), "+m"(place[2][8]));
		__asm__ volatile("xchgq %0, %1"
				 : "+r"(two), "+m"(place[3][8]));
		/* place[4][8] is 0, so nothing is exchanged. */
		__asm__ volatile("lock; cmpxchgq %2, %1"
				 : "+a"(other), "+m"(place[4][8])
				 : "r"(two)
				 : "cc");
	}
	return (0);
}
END
gcc -O1 -static -no-pie -o "$dir/rmw" "$dir/rmw.c" || exit 2
"$valgrind" --tool=lackey --trace-mem=yes --log-file="$dir/trace" \
    "$dir/rmw" >"$dir/where" || exit 2
first=$(printf %d "$(cat "$dir/where")")

changed=0
check() {	# place instruction loads modifies stores
	word=$(printf %08x $((first + $1 * 4096 + 64)))
	seen=$(grep -i " $word,8\$" "$dir/trace" | awk '{ n[$1]++ }
	    END { print n["L"] + 0, n["M"] + 0, n["S"] + 0 }')
	echo "100 x $2: L M S are $seen (seen before: $3 $4 $5)"
	[ "$seen" = "$3 $4 $5" ] || changed=1
}
check 0 "inc" 0 100 0
check 1 "lock inc" 100 100 0
check 2 "lock xadd" 100 100 0
check 3 "xchg" 100 100 0
check 4 "lock cmpxchg that fails" 0 100 0
echo "--- the trace, from the first lock inc:"
grep -n -m1 -A3 "L $(printf %08x $((first + 4096 + 64))),8" "$dir/trace"
verdict $changed
