#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap trace head', `slice', `sample', `filter', `merge' and `stats'.

. "$(dirname "$0")/lib.sh"

trace a.txt <<'END'
p 0 1
d 10
m 1 2 7
r 1 7
d 10
p 0 3
p 1 1
d 10
u 1 7
m 0 4 7
d 5
p 1 5
u 0 7
END

# is EXPECTED...: the trace on standard output has these lines.
is() {
	printf 'ephmap-trace 1\n' >want
	for line in "$@"; do
		printf '%s\n' "$line" >>want
	done
	sed '/^#/d' "$out" >got
	expect "expected the trace $*" cmp -s got want
}

accepts trace head --refs 2 --to text a.txt -o -
is 'p 0 1' 'd 10' 'm 1 2 7' 'r 1 7'
expect_err '2 of 6 references; 1 handles stay mapped'
accepts trace head --refs 50% --to text a.txt -o -
is 'p 0 1' 'd 10' 'm 1 2 7' 'r 1 7' 'd 10' 'p 0 3'
accepts trace head a.txt -o all.ept
accepts trace convert all.ept -o -
cp "$out" whole
sed '/^#/d' a.txt >want
expect 'a head of more than there is is all' cmp -s want whole
accepts trace slice --skip 2 --refs 3 --to text a.txt -o -
is 'p 0 3' 'p 1 1' 'd 10' 'm 0 4 7'
expect_err '2 lines of handles that are not in it left out'
accepts trace slice --after 20ns --until 30 --to text a.txt -o -
is 'p 0 3' 'p 1 1'
accepts trace slice --after 35 --to text a.txt -o -
is 'p 1 5'
accepts trace filter --cpus 1 --to text a.txt -o -
is 'm 1 2 7' 'r 1 7' 'd 10' 'p 1 1' 'd 10' 'u 1 7' 'd 5' 'p 1 5'
accepts trace filter --pages 3-4,9 --to text a.txt -o -
is 'p 0 3' 'd 10' 'm 0 4 7' 'd 5' 'u 0 7'
accepts trace filter --pages 1-4 --cpus 0,2-9 --to text a.txt -o -
is 'p 0 1' 'd 20' 'p 0 3' 'd 10' 'm 0 4 7' 'd 5' 'u 0 7'

# A sample has all references to its pages, and two samples of one seed the
# same of other traces; shares that do not overlap do not exist, so sizes tell.
accepts trace generate zipf --pages 500 --refs 5000 -o z.ept
accepts trace sample --share 20% --seed 3 --to text z.ept -o -
cp "$out" sample.txt
n=$(sort -u sample.txt | grep -c '^p')
expect 'about a fifth of the pages' [ "$n" -gt 60 -a "$n" -lt 140 ]
accepts trace convert z.ept -o -
sort -u sample.txt | grep '^p' >chosen
expect 'all their references' [ "$(grep -c -x -F -f chosen "$out")" -eq \
    "$(grep -c '^p' sample.txt)" ]
accepts trace sample --share 100% --to text z.ept -o -
expect 'all' [ "$(grep -c '^p' "$out")" -eq 5000 ]

# By time; at one time the first trace's lines come first.
trace b.txt <<'END'
d 5
p 0 1
d 5
m 0 9 7
d 20
u 0 7
END
accepts trace merge --to text a.txt b.txt -o -
is 'p 0 1' 'd 5' 'p 0 1' 'd 5' 'm 1 2 7' 'r 1 7' 'm 0 9 72057594037927943' \
    'd 10' 'p 0 3' 'p 1 1' 'd 10' 'u 1 7' 'm 0 4 7' 'u 0 72057594037927943' \
    'd 5' 'p 1 5' 'u 0 7'
accepts trace merge --pages apart --cpus apart --to text a.txt b.txt -o -
expect_out '^p 2 72057594037927937$'
trace c.txt <<'END'
p 0 1
p 0 2
p 0 3
p 0 4
END
trace d.txt <<'END'
p 0 8
p 0 9
END
accepts trace merge --to text c.txt d.txt -o -
is 'p 0 1' 'p 0 8' 'p 0 2' 'p 0 3' 'p 0 9' 'p 0 4'
refuses '1 of 2 traces have times' trace merge a.txt c.txt -o x.ept
accepts trace convert --rate 1M --to text c.txt -o -
expect_out '^d 95[0-9]$'
refuses 'has times (d lines) already' trace convert --rate 5 a.txt -o x.txt
trace far.txt <<'END'
p 1023 72057594037927936
END
refuses 'below 2^56' trace merge --pages apart far.txt c.txt -o x.ept
refuses '1025 CPUs together' trace merge --cpus apart far.txt c.txt -o x.ept

# Nothing is left, or nothing asked for.
refuses 'is in that part' trace slice --skip 99 a.txt -o x.ept
refuses 'is in that part' trace filter --cpus 3 a.txt -o x.ept
refuses 'is in that part' trace filter --pages 77 a.txt -o x.ept
refuses 'is in that part' trace slice --after 36 a.txt -o x.ept
refuses 'expected --skip' trace slice a.txt -o x.ept
refuses 'expected --cpus or --pages' trace filter a.txt -o x.ept
refuses '.--share: expected a share' trace sample a.txt -o x.ept
refuses '.--share: expected a' trace sample --share 0 a.txt -o x.ept
refuses 'has no time (no d line)' trace slice --after 1ms c.txt -o x.ept
refuses 'expected a time' trace slice --until 5r a.txt -o x.ept
refuses 'expected a number of references' trace head --refs x a.txt -o x.ept
for bad in 3-2 1024 a 1-; do
	refuses '.--cpus: expected CPUs' trace filter --cpus $bad a.txt -o x.ept
done
refuses '.--pages: expected ids' trace filter --pages 9-1 a.txt -o x.ept
for tool in 'head' 'slice --skip 1' 'sample --share 1' 'filter --cpus 0'; do
	# shellcheck disable=SC2086
	refuses 'expected -o FILE' trace $tool a.txt
done
refuses 'expected -o FILE' trace merge a.txt b.txt
refuses 'an operand is missing' trace merge a.txt -o x.ept

finish
