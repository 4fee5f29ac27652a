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
refuses '--share: expected a share' trace sample a.txt -o x.ept
refuses '--share: expected a' trace sample --share 0 a.txt -o x.ept
refuses 'has no time (no d line)' trace slice --after 1ms c.txt -o x.ept
refuses 'expected a time' trace slice --until 5r a.txt -o x.ept
refuses 'expected a number of references' trace head --refs x a.txt -o x.ept
for bad in 3-2 1024 a 1-; do
	refuses '--cpus: expected CPUs' trace filter --cpus $bad a.txt -o x.ept
done
refuses '--pages: expected ids' trace filter --pages 9-1 a.txt -o x.ept
for tool in 'head' 'slice --skip 1' 'sample --share 1' 'filter --cpus 0'; do
	# shellcheck disable=SC2086
	refuses 'expected -o FILE' trace $tool a.txt
done
refuses 'expected -o FILE' trace merge a.txt b.txt
refuses 'an operand is missing' trace merge a.txt -o x.ept

# What a trace is like, by hand.
trace five.txt <<'END'
p 0 1
d 3
p 1 2
m 0 1 9
d 4
u 0 9
p 1 1
p 0 3
END
accepts trace stats --format json --interval 2 five.txt
flat=$(tr -d ' \n' <"$out")
has() {
	expect "expected $1 in $flat" [ "${flat#*"$1"}" != "$flat" ]
}
has '"references":5,"unique_pages":3,"once":2,'
has '"top_1_percent":0.6,"top_10_percent":0.6,'
has '"reuse_time":{"n":2,"p50":1,"p90":2,"p99":2,"p999":2,"max":2}'
has '"reuse_ns":{"n":2,"p50":3,"p90":4,"p99":4,"p999":4,"max":4}'
has '"reuse_distance":{"n":2,"p50":1,"p90":2,"p99":2,"p999":2,"max":2}'
has '"scans":0,"scan_references":0,"scan_longest":0,"shared_pages":1,'
has '{"cpu":0,"references":3,"pages":2,"shared_pages":1}'
has '{"cpu":1,"references":2,"pages":2,"shared_pages":1}'
has '"windows":[{"first":1,"ns":0,"references":2,"pages":2,"new_pages":2},'
has '{"first":3,"ns":3,"references":2,"pages":1,"new_pages":0},'
has '{"first":5,"ns":7,"references":1,"pages":1,"new_pages":1}]'
accepts trace stats --format csv --interval 2 five.txt
expect_out '^3,3,2,1,0$'
accepts trace stats five.txt
expect_out '^references  *1  *2  *2  *2  *2$'
# Zipf's exponent comes back, and what is none is said to be none.
accepts trace generate zipf --pages 300 --alpha 0.9 --refs 20000 -o zipf.ept
accepts trace stats --format json zipf.ept
expect 'alpha is 0.9' [ "$(value zipf_alpha | cut -c1-3)" = 0.9 -o \
    "$(value zipf_alpha | cut -c1-4)" = 0.89 ]
accepts trace stats zipf.ept
expect 'it is one' [ "$(grep -c 'no Zipf' "$out")" -eq 0 ]
accepts trace generate loop --pages 40 --refs 1000 --cpus 1 -o loop.ept
accepts trace stats loop.ept
expect_out 'Scans: 25, .* 100.0 % of the references, the longest has 40'
expect_out '^distance  *40  *40 '
accepts trace generate scan --pages 64 --refs 64 --to text -o scan.txt
accepts trace stats --format json scan.txt
expect_out '"reuse_time": null'
refuses 'more than 100000 windows' trace stats --interval 1 \
    "$SAMPLES/nginx-nasa.ept"
trace empty.txt <<'END'
d 5
END
refuses 'no page reference' trace stats empty.txt

# Generators: what they say of themselves, and the same lines for ever.
while read -r kind sum; do
	accepts trace generate "$kind" --pages 100 --refs 2000 --cpus 2 --seed 5 \
	    --to text -o -
	expect "$kind: $(cksum <"$out")" [ "$(cksum <"$out" | cut -d' ' -f1)" = "$sum" ]
done <<'END'
hotspot 3636878836
phases 295346272
zipf-scan 321330579
zipf-loop 2744245160
latest 2636521900
sendfile 1063727167
END
# share FROM TO: the share of p lines, in per cent, of pages in that range.
share() {
	awk -v from="$1" -v to="$2" '
	    $1 == "p" { n++; if ($3 >= from && $3 <= to) k++ }
	    END { printf "%d", 100 * k / n + 0.5 }' "$out"
}
between() {
	expect "$1: $2 is between $3 and $4" [ "$2" -ge "$3" -a "$2" -le "$4" ]
}
accepts trace generate hotspot --pages 100 --refs 5000 --to text -o -
between 'hot references' "$(share 0 19)" 77 83
accepts trace generate hotspot --pages 100 --share 5% --weight 0.5 --refs 5000 \
    --to text -o -
between 'hot references' "$(share 0 4)" 46 54
accepts trace generate zipf-scan --pages 100 --share 40% --refs 20000 --to text -o -
between 'references in scans' "$(share 50 99)" 32 48
accepts trace generate zipf-loop --pages 101 --refs 5000 --to text -o -
between 'references of the loop' "$(share 51 100)" 22 28
accepts trace generate latest --pages 1000 --share 10% --refs 3000 --to text -o -
between 'new pages' "$(sort -u "$out" | grep -c '^p')" 260 340
accepts trace generate phases --pages 110 --phases 10 --refs 5000 --to text -o -
expect 'a set of 20 in each of 10' [ "$(sed -n 2,501p "$out" | sort -u | wc -l)" -le 20 ]
expect 'the first page goes' [ "$(sed -n 502,5001p "$out" | grep -c -x 'p 0 0')" -eq 0 ]
expect 'the last page comes late' [ "$(sed -n 2,4501p "$out" | grep -c -x 'p 0 109')" -eq 0 ]
accepts trace generate sendfile --pages 500 --refs 3000 --cpus 2 --hold 2ms -o s.ept
accepts trace info --format json s.ept
expect_value references 3000
expect_value held_at_end 0
expect 'held for about 2 ms at 50,000 a second' [ "$(value held_mean | cut -d. -f1)" -ge 100 ]
accepts run --design sf_buf.accessed --nbufs 64 --format json s.ept
expect_value held_at_end 0
accepts trace stats --format json s.ept
refuses 'means nothing to zipf' trace generate zipf --share 5% --pages 9 --refs 9 -o x.ept
refuses 'means nothing to loop' trace generate loop --phases 5 --pages 9 --refs 9 -o x.ept
refuses 'means nothing to hotspot' trace generate hotspot --hold 5 --pages 9 --refs 9 -o x.ept
refuses 'a share above 0' trace generate hotspot --share 0 --pages 9 --refs 9 -o x.ept
refuses '--hold: expected a time' trace generate sendfile --hold 5r --pages 9 --refs 9 -o x.ept
for kind in hotspot phases zipf-scan zipf-loop latest sendfile; do
	accepts trace generate $kind --pages 1 --refs 20 -o one.ept
done

finish
