#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# stress-ng --tlb-shootdown: its processes have an address space each, and the
# one that is tied to a processor, to each in turn, is their parent.
#
# Expected: from the manual ("child processes that all share a region of memory
# and these processes are shared amongst the available CPUs", whose mprotect()
# flushes "the other processors"), tasks that run on different processors with
# the same page tables, so that each mprotect() is a shootdown.
# Seen, by the system calls:
# - the children are forked without CLONE_VM: mprotect() changes the child's own
#   page tables, which no other task uses.  What is shared is the memory;
# - each child calls sched_setaffinity() once, with the number of its parent in
#   the place of its own, so the children are not pinned, and the parent
#   moves.
# So an IPI can reach a child's page tables only where the scheduler had moved that
# child.  How many are sent says how busy the machine is: on a guest with two
# processors, Linux 6.18, with other work on it, eight runs of 500 operations made
# 188 to 989 (perf stat, tracepoint tlb:tlb_flush, reason "remote IPI send"), and
# about 1,600 calls of mprotect().
#
# Why it matters to who measures ephemeral mappings: it is the load one finds
# by the name of what one wants to time.  As a witness of a model of shootdowns
# its number of calls says nothing; threads pinned by oneself do.
#
# How seen: one worker, 100 operations, under strace -f -o.

. "$(dirname "$0")/support/packages.sh"
unpack strace=6.1-0.1
install stress-ng=0.15.06-2
strace=$root/usr/bin/strace
stress-ng --version

"$strace" -f -o "$dir/calls" \
    -e trace=clone,clone3,vfork,mprotect,sched_setaffinity \
    stress-ng --tlb-shootdown 1 --tlb-shootdown-ops 100 2>&1 |
    sed -n 's/.*info: *\[[0-9]*\] *//p'

# The worker is what forks children that call sched_setaffinity().
sed -n 's/^\([0-9]*\) *sched_setaffinity(\([0-9]*\),.*/\1 \2/p' "$dir/calls" |
    sort -u >"$dir/pins"
worker=$(head -1 "$dir/pins" | cut -d' ' -f2)
echo "--- pins, who and whom; the worker is $worker:"
cat "$dir/pins"
echo "--- of the worker and a child:"
grep -m2 "^$worker *clone" "$dir/calls"
grep -m3 "^$(head -1 "$dir/pins" | cut -d' ' -f1) .*2097152" "$dir/calls"
echo "---"

changed=0
children=$(awk '{ print $1 }' "$dir/pins" | wc -l)
own=$(awk '$1 == $2 || $2 == 0' "$dir/pins" | wc -l)
parent=$(awk -v w="$worker" '$1 != w && $2 == w' "$dir/pins" | wc -l)
shares=$(grep -c 'clone.*CLONE_VM' "$dir/calls")
forks=$(grep -c "^$worker *clone(" "$dir/calls")
changes=$(awk 'NR == FNR { child[$1]; next }
    /mprotect.*2097152/ && ($1 in child)' "$dir/pins" "$dir/calls" | wc -l)
echo "children: $children, forked by the worker: $forks (one for each"
echo "    processor, at most 16; seen before: 2 and 2 of 2)"
echo "pins of themselves: $own (seen before: 0)"
echo "pins of the parent: $parent (seen before: as many as children)"
echo "tasks that share an address space: $shares (seen before: 0)"
echo "mprotect() of 2 MiB by children: $changes (varies; never 0)"
[ "$children" -ge 1 ] && [ "$forks" -eq "$children" ] && [ "$own" -eq 0 ] &&
    [ "$parent" -eq "$children" ] && [ "$shares" -eq 0 ] &&
    [ "$changes" -ge 1 ] || changed=1
verdict $changed
