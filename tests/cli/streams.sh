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
for design in sf_buf.lru sf_buf.accessed lwbuf.objcache; do
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
for bad in 1x r 1rs -1 1.5ms 99999999999999s; do
	refuses '.--hold: expected a number of nanoseconds' \
	    run --design sf_buf.lru --hold $bad few.txt
done

# A rate: a time for each reference, evenly.
accepts run --design sf_buf.lru --rate 3 few.txt
expect_out 'by 2 CPUs in 2.000 s'
refuses 'has times (d lines) already' run --design sf_buf.lru --rate 3 held.txt
refuses '.--rate: expected a number from 1' run --design dmap --rate 0 few.txt
refuses 'needs --design and --events' mrc --rate 3 few.txt
refuses 'needs the executor lockstep' run --design dmap --executor threads \
    --rate 3 few.txt
refuses 'needs --load open' run --design dmap --time --rate 3 few.txt
refuses 'a workload has none' run --design dmap --workload pipe --rate 3
accepts run --design sf_buf.lru --time --load open --rate 3 few.txt
accepts compare --design sf_buf.lru,dmap --rate 3 few.txt
accepts sweep --trace few.txt --design sf_buf.lru --rate 3 --hold 1s -o rate.db

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
refuses '.--rate: expected a number from 1' trace generate loop --pages 3 \
    --refs 7 --rate 2G -o x.ept

# References on other CPUs than the trace's, as importing with that rule
# writes them.
i=0
while [ $i -lt 60 ]; do
	i=$((i + 1))
	echo $((i * i % 13))
done >log.ids
accepts trace import --from ids log.ids -o one.ept
for rule in robin hash random random:7; do
	case $rule in
	random:7) counted=random:3:7 ;;
	*) counted=$rule:3 ;;
	esac
	accepts trace import --from ids --cpu-of $counted log.ids -o spread.ept
	for how in '' --time; do
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

finish
