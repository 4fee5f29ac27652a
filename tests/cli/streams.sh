#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What a trace leaves open and a run decides: how long its pages are held, and
# how fast its references come.

. "$(dirname "$0")/lib.sh"

trace few.txt <<'END'
p 0 1
p 1 2
p 0 3
p 0 1
p 1 4
p 0 5
p 0 1
END
trace held.txt <<'END'
m 0 1 1
d 5
u 0 1
END

# The numbers of a run, without what the trace and its lines are called.
counts() {
	accepts run --format json --nbufs 3 "$@"
	sed -n '/"counters"/,/}/p; /held_at_end\|sleepers_peak\|buffers_peak/p' "$out"
}
same() {
	expectation=$1
	shift
	expectations=$((expectations + 1))
	cmp -s "$@" || fail "$expectation"
}

# Held for so many references: what a trace with handles says by hand.
trace by_hand.txt <<'END'
m 0 1 1
r 0 1
m 1 2 2
r 1 2
m 0 3 3
r 0 3
u 0 1
m 0 1 1
r 0 1
u 1 2
m 1 4 2
r 1 2
u 0 3
m 0 5 3
r 0 3
u 0 1
m 0 1 1
r 0 1
u 1 2
u 0 3
u 0 1
END
for design in sf_buf.lru lwbuf.objcache; do
	counts --design $design by_hand.txt >hand
	counts --design $design --hold 2r few.txt >refs
	same "$design: 2r is two references" hand refs
	# Three gaps end before the third reference after it is played.
	counts --design $design --hold 3ms --rate 1000 few.txt >timed
	same "$design: the same in time" refs timed
done
# Whoever sleeps was asked for too, so that holds end.
for hold in 1r 3r 100r; do
	accepts run --design sf_buf.lru --nbufs 2 --hold $hold --format json few.txt
	expect_value map_calls 7
	expect_value asleep 0
	expect_value held_at_end 0
done
expect_value sleepers_peak 3
accepts run --design sf_buf.lru --nbufs 2 --hold 5r few.txt
expect_out 'held 5 references'
accepts run --design sf_buf.lru --hold 5us --rate 1M --format json few.txt
expect_out '"hold": 5000,'
accepts run --design sf_buf.lru --hold 5r --format json few.txt
expect_out '"hold": "5r",'
accepts mrc --design sf_buf.lru --events --hold 1r --sizes 3 few.txt
accepts sweep --trace few.txt --design sf_buf.lru --hold 0,1r,5r --nbufs 3 -o h.db
accepts query h.db
expect_out ' 5r '

# Nothing ends a hold where no time passes.
for command in 'run --design sf_buf.lru' 'compare --design sf_buf.lru,dmap' \
    'mrc --design sf_buf.lru --events' \
    'sweep --design sf_buf.lru -o none.db --trace'; do
	refuses 'no time (no d line)' $command few.txt --hold 1000
done
refuses 'no time (no d line)' sweep --trace few.txt --design sf_buf.lru \
    --hold 0,5r,1us -o none.db
accepts run --design sf_buf.lru --hold 1000 --time few.txt
refuses 'is of p lines: held.txt has none' run --design sf_buf.lru --hold 1r held.txt
refuses 'is of p lines: held.txt has none' run --design sf_buf.lru --hold 9 held.txt
refuses 'a workload has none' run --design sf_buf.lru --workload pipe --hold 9
refuses 'without --time' run --design sf_buf.lru --time --hold 9r few.txt
refuses 'in lockstep' run --design sf_buf.lru --executor threads --hold 9r few.txt
refuses 'without --time' scale --design sf_buf.lru --hold 9r
for bad in 1rs -1 99999999999999s; do
	refuses '--hold: expected a number of nanoseconds' \
	    run --design sf_buf.lru --hold $bad few.txt
done

# A rate: a time for each reference, evenly.
accepts run --design sf_buf.lru --rate 3 few.txt
expect_out 'by 2 CPUs in 2.000 s'
refuses 'has times (d lines) already' run --design sf_buf.lru --rate 3 held.txt
refuses '--rate: expected a number from 1' run --design dmap --rate 0 few.txt
refuses 'needs --design and --events' mrc --rate 3 few.txt
refuses 'needs the executor lockstep' run --design dmap --executor threads \
    --rate 3 few.txt
refuses 'needs --load open' run --design dmap --time --rate 3 few.txt
refuses 'a workload has none' run --design dmap --workload pipe --rate 3
accepts run --design sf_buf.lru --time --load open --rate 3 few.txt
accepts compare --design sf_buf.lru,dmap --rate 3 few.txt
accepts sweep --trace few.txt --design sf_buf.lru --rate 3 --hold 1s -o rate.db
accepts sweep --trace few.txt --design sf_buf.lru --rate 3K --hold 1s -o rate.db
accepts query rate.db
expect_out 'few.txt, 3,072 a second'

# Generated traces have time when they are asked to.
accepts trace generate loop --pages 3 --refs 7 --rate 3 --to text -o -
expect 'a d line between any two' [ "$(grep -c '^d ' "$out")" -eq 6 ]
expect 'a third of a second, and no drift' [ "$(grep -c -x 'd 333333334' "$out")" -eq 2 ]
cp "$out" timed.txt
accepts trace info --format json timed.txt
expect_value duration_ns 2000000000
accepts trace generate loop --pages 3 --refs 7 --to text -o -
cp "$out" plain.txt
counts --design sf_buf.lru --hold 400ms timed.txt >one
counts --design sf_buf.lru --hold 400ms --rate 3 plain.txt >two
same 'the same time, written or given' one two
refuses '--rate: expected a number from 1' trace generate loop --pages 3 \
    --refs 7 --rate 2G -o x.ept

# References on other CPUs than the trace's, as importing with that rule
# writes them.
i=0
while [ $i -lt 60 ]; do
	i=$((i + 1))
	echo $((i * i % 13))
done >log.ids
accepts trace import --from ids log.ids -o one.ept
for rule in robin hash random:7; do
	case $rule in
	random:7) counted=random:3:7 hows=--time ;;
	*) counted=$rule:3 hows= ;;
	esac
	accepts trace import --from ids --cpu-of $counted log.ids -o spread.ept
	for how in '' $hows; do
		counts --design sf_buf.accessed $how spread.ept >one
		counts --design sf_buf.accessed $how --cpus 3 --cpu-of $rule one.ept >two
		same "$rule: as imported" one two
	done
	accepts mrc --design sf_buf.accessed --events --sizes 3 --format csv spread.ept
	cp "$out" one
	accepts mrc --design sf_buf.accessed --events --sizes 3 --format csv \
	    --cpus 3 --cpu-of $rule one.ept
	same "$rule: in mrc too" one "$out"
done
# Lines with handles stay together.
accepts run --design sf_buf.accessed --cpus 3 --cpu-of robin by_hand.txt
accepts run --design sf_buf.accessed --cpus 2 --cpu-of robin --executor threads one.ept
accepts run --design sf_buf.accessed --policy opt --cpus 2 --cpu-of hash --nbufs 3 one.ept
accepts compare --design sf_buf.accessed,dmap --cpus 1,2,4 --cpu-of hash one.ept
expect_out 'On CPUs by hash'
accepts sweep --trace one.ept --design sf_buf.accessed --cpus 2,4 -o cpus.db
accepts sweep --trace one.ept --design sf_buf.accessed --cpus 2,4 --cpu-of robin -o cpus.db
expect_out '2 run now'
accepts query cpus.db
expect_out 'one.ept, CPUs by robin'
refuses 'expected --cpus N' run --design sf_buf.lru --cpu-of robin one.ept
refuses 'over as many CPUs as --cpus' run --design dmap --cpu-of robin:4 one.ept
refuses 'expected column, robin, hash or random' run --design dmap --cpus 2 \
    --cpu-of pid one.ept
refuses 'a workload has none' run --design dmap --workload pipe --cpu-of hash
refuses 'needs --design and --events' mrc --cpu-of hash one.ept

# A warm-up is played and not counted: the whole less what a trace that ends
# there counts.  Intervals are the same, again and again.
accepts trace generate zipf --pages 40 --refs 1000 --cpus 3 --to text -o long.txt
head -n 251 long.txt >short.txt
column() {
	sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$out" | head -n 1
}
of() {
	accepts run --design sf_buf.accessed --nbufs 9 --hold 2r --format json "$@"
	echo "$(column miss) $(column ipi_sent) $(column tlb_hit)"
}
# shellcheck disable=SC2046
set -- $(of long.txt) $(of short.txt) $(of --warmup 25% long.txt)
expect "of $*: the whole less the first part" [ $(($1 - $4)) -eq "$7" -a \
    $(($2 - $5)) -eq "$8" -a $(($3 - $6)) -eq "$9" ]
accepts run --design sf_buf.accessed --warmup 250 long.txt
expect_out 'The first 250 references not counted'
accepts run --design sf_buf.accessed --nbufs 9 --format json --warmup 250 long.txt
expect_value references 750
expect_out '"warmup": 250'
misses=$(value miss)
accepts run --design sf_buf.accessed --nbufs 9 --format csv --warmup 250 \
    --interval 200 long.txt
expect 'rows' [ "$(cut -d, -f1,2 "$out" | tr '\n' ' ')" = \
    'first,references 251,200 451,200 651,200 851,150 ' ]
expect 'intervals sum to the whole' [ "$(awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) if ($i == "miss") at = i }
	NR > 1 { n += $at } END { print n }' "$out")" -eq "$misses" ]
accepts run --design sf_buf.accessed --interval 300 --rate 1000 long.txt
expect_out '^ 901 *0.899 '
accepts run --design sf_buf.accessed --interval 300 --format json --time long.txt
expect_out '"intervals"'
accepts run --design sf_buf.accessed --interval 300 --plot terminal long.txt
expect_out '[*] misses'
# Of compare: each run's lines are those of its run alone.
accepts run --design sf_buf.accessed --nbufs 9 --interval 300 --format csv long.txt
tail -n +2 "$out" >alone
accepts compare --design sf_buf.accessed,dmap --nbufs 9 --interval 300 --format csv \
    long.txt
expect 'the lines of the run' cmp -s alone - <<END
$(sed -n 's/^sf_buf.accessed,[^,]*,[^,]*,[^,]*,[^,]*,[0-9]*,9,//p' "$out")
END
expect 'four lines of each' [ "$(grep -c '^dmap,' "$out")" -eq 4 ]
accepts compare --design sf_buf.accessed,dmap --nbufs 9 --interval 300 --warmup 100 \
    long.txt
expect_out '^ *101 .*dmap'
expect_out '^ *701 .*sf_buf.accessed'
accepts compare --design sf_buf.accessed,dmap --interval 500 --format json long.txt
expect 'two of each' [ "$(grep -c '"first": 501' "$out")" -eq 2 ]
accepts compare --design sf_buf.accessed,dmap --interval 300 --plot terminal long.txt
expect_out 'sf_buf.accessed misses'
if command -v gnuplot >/dev/null 2>&1; then
	accepts mrc --sizes 9 --interval 100 --plot m.svg long.txt
	expect 'a plot' grep -q '>opt *<' m.svg
fi
accepts mrc --policy lru,opt --sizes 9 --interval 200 --warmup 250 --format csv long.txt
expect_out '^opt,9,851,150,0\.[0-9]*$'
expect 'four rows each' [ "$(wc -l <"$out")" -eq 9 ]
accepts mrc --policy lru --sizes 9 --interval 500 --format json long.txt
expect_out '"first": 501'
accepts mrc --sizes 9 --interval 500 long.txt
expect_out 'Miss ratio of each 500 references'
# With one size and many, a policy and a curve, alone and by a design.
accepts mrc --policy lru --sizes 9 --warmup 0.25 --format csv long.txt
expect_out '^lru,9,0'
expect 'no other' [ "$(sed -n 's/^lru,9,\([0-9.]*\),0$/\1/p' "$out")" = \
    "$(awk "BEGIN { printf \"%.9g\", $misses / 750 }")" ]
cp "$out" one
accepts mrc --policy lru --sizes 9,1,2,3,4,5,6,7,8 --warmup 0.25 --format csv long.txt
expect 'the same of a curve' grep -q -x -F "$(sed -n 2p one)" "$out"
accepts mrc --design sf_buf.accessed --events --sizes 9 --warmup 250 --format csv long.txt
expect 'the same of a design' grep -q "^sf_buf.accessed,9,$(sed -n 's/^lru,9,\([0-9.]*\),0$/\1/p' one)," "$out"
accepts compare --design sf_buf.lru,dmap --warmup 10% long.txt
expect_out 'The first 100 references not counted'
accepts sweep --trace long.txt --design sf_buf.lru -o warm.db
accepts sweep --trace long.txt --design sf_buf.lru --warmup 10% -o warm.db
expect_out '1 run now'
accepts query warm.db
expect_out 'long.txt, after 100'
for bad in 1000 100%; do
	refuses 'so that something is counted' run --design dmap --warmup $bad long.txt
	refuses 'so that something is counted' mrc --warmup $bad long.txt
done
refuses 'expected a number of references, or a share' run --design dmap --warmup x long.txt
refuses 'needs lockstep without --time' run --design dmap --time --warmup 1 long.txt
refuses 'needs lockstep without --time' compare --design dmap --executor threads \
    --warmup 1 long.txt
refuses 'a workload has none' run --design dmap --workload pipe --warmup 1
refuses 'a workload has none' run --design dmap --workload pipe --interval 1
refuses 'a workload has none' compare --design dmap --workload pipe --interval 1
refuses 'exclude each other' mrc --shards 0.5 --warmup 1 long.txt
refuses 'exclude each other' mrc --shards 0.5 --sizes 9 --interval 9 long.txt
refuses 'expected one number of buffers' mrc --sizes 9,10 --interval 9 long.txt
refuses 'an option of .ephmap run' mrc --design dmap --events --interval 9 long.txt
refuses 'needs --interval N' run --design dmap --plot terminal long.txt
refuses 'needs the executor lockstep' run --design dmap --executor threads \
    --interval 9 long.txt

finish
