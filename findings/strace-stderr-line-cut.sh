#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# strace -f: on standard error a record is cut in two by strace's own message,
# and one process goes by two names.
#
# Expected: a record a line, as the manual shows, with "<unfinished ...>" and
# "resumed" where another process comes between, and "[pid N]" in front.
# Seen, with `strace -f PROGRAM 2>file`:
# - the line of a clone is cut by "strace: Process N attached" where the
#   child stops before the call returns (for 4 to 30 of 30 children), without a
#   mark that it goes on; its rest stands on the next line, from the comma on,
#   or is a bare "<unfinished ...>";
# - "[pid N]" is written only while there are two processes or more, so lines
#   of the first process have no number, then have one, then have none.
# With `-o file` the message stays out of the file and each line is numbered.
#
# Why it matters to who measures ephemeral mappings: who maps a page on which
# processor is told by the process.  A reader that keys its table of open
# files by the number of the line sees two processes for one, loses the files
# opened before the first child, and drops or misreads the cut record.
# Record with -o.
#
# How seen: a shell that starts two hundred children, and waits for each.

. "$(dirname "$0")/support/packages.sh"
unpack strace=6.1-0.1
strace=$root/usr/bin/strace
"$strace" -V | head -1

for i in $(seq 200); do
	echo '/bin/true & wait'
done >"$dir/children"
"$strace" -f -e trace=process sh "$dir/children" 2>"$dir/err" || exit 2
"$strace" -f -e trace=process -o "$dir/out" sh "$dir/children" 2>/dev/null ||
    exit 2
echo "--- on standard error:"
grep -m1 -B1 -A3 '^clone.*attached$' "$dir/err"
echo "--- with -o:"
grep -m1 -B1 -A3 'clone' "$dir/out"
echo "---"

changed=0
check() {	# what count seen
	echo "$1: $2 (seen before: $3)"
	[ "$2" -eq "$3" ] || changed=1
}
cut=$(grep -c 'clone.*[^ ]strace: Process [0-9]* attached$' "$dir/err")
rest=$(grep -c -e '^, ' -e '^ <unfinished' "$dir/err")
echo "stderr, of 200 clones cut by a message: $cut (varies; never 0)"
echo "stderr, lines that are such a rest: $rest (seen before: as many)"
[ "$cut" -ge 1 ] && [ "$rest" -eq "$cut" ] || changed=1
unnumbered=$(grep -c '^[a-z][a-z0-9_]*(' "$dir/err")
numbered=$(grep -c '^\[pid ' "$dir/err")
echo "stderr, calls without a number: $unnumbered, lines with: $numbered"
[ "$unnumbered" -ge 2 ] && [ "$numbered" -ge 1 ] || changed=1
check "-o, lines without a number" "$(grep -vc '^[0-9]* ' "$dir/out")" 0
check "-o, messages" "$(grep -c attached "$dir/out")" 0
verdict $changed
