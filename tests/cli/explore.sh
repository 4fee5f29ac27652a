#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap explore': searches, schedules, the museum, designs from outside.
# The arguments are plugin_once.c, plugin_forgets.c, plugin_early.c and the
# example scenario.c, built.

. "$(dirname "$0")/lib.sh"
ln -s "$2" once.so && ln -s "$3" forgets.so && ln -s "$4" early.so && ln -s "$5" hand.so || exit 2

# A sound design survives, and what that is worth is said.
accepts explore --design sf_buf.cpumask --scenario same-page --budget 500
expect_out 'no failure in 500 schedules'
expect_out '1/(n k^(d-1))'
expect_no_err

expect_out 'no failure in 500 schedules of about .* (two standard errors: '

# A design whose holes have no repair, or that has none, is said to run as it
# shipped; what is repaired says nothing.
accepts explore --design kmap --scenario same-page --budget 50 --repaired \
    --format json
expect_err 'kmap has no repair: it runs as it shipped'
expect_out '"repaired": false'
accepts explore --scenario ipiq-full --budget 50 --repaired --strategy dpor
expect_err 'nothing to repair'
accepts explore --design sf_buf.lru --scenario shared-use --budget 50 \
    --repaired --format json
expect_no_err
expect_out '"repaired": true'
accepts explore --design sf_buf.lru --scenario shared-use --budget 50 \
    --repaired --shootdown rendezvous
expect_err 'sf_buf.lru repaired takes acked-invlpg, not rendezvous'

# A failure has exit status 1, a picture, and a schedule that repeats it.
run explore --design sf_buf.lru --scenario shared-use --format json
expect_status 1
expect_out '"failure": "stale use"'
run explore --bug mbuf-2001-decrement-then-cmpset
expect_status 1
expect_out '^dec ref_cnt (2 -> 1)      |$'
expect_out '^                          | dec ref_cnt (1 -> 0)$'
expect_out '^schedule: a2b$'
expect_out "^again: ephmap explore --bug mbuf-2001-decrement-then-cmpset --replay 'a2b'$"
expect_out '^  step    0  .* %'
expect_out '100 % |#* point of no return$'
run explore --bug mbuf-2001-decrement-then-cmpset --format json
expect_out '"repaired": false'
run explore --bug mbuf-2001-decrement-then-cmpset --odds 0
expect 'no odds' sh -c "! grep -q 'no return' '$out'"
run explore --bug mbuf-2001-decrement-then-cmpset --replay a2b
expect_status 1
expect_out '^cmpset ref_cnt fails (1)  |$'
accepts explore --bug mbuf-2001-decrement-then-cmpset --replay a3b
expect_out 'no failure in this schedule'
accepts explore --bug mbuf-2001-decrement-then-cmpset --repaired
expect_no_err
accepts explore --bug mbuf-2001-decrement-then-cmpset --repaired \
    --strategy systematic --preemptions 100 --fills 0 --cpus 3
expect_out '117 schedules: these are all there are'

# Tasks that hold one mapping and want another: enough buffers, and too few.
accepts explore --design kmap --scenario copy --budget 500
run explore --design kmap --scenario copy --nbufs 2
expect_status 1
expect_out '^kmap, copy: deadlock'

# A handler maps between the steps of an unmap.
accepts explore --design kmap_atomic --scenario interrupt --budget 500
run explore --plugin early.so --scenario interrupt --budget 2000
expect_status 1
expect_out '^=> stale use: CPU 0'

# All states: a proof, the end of a budget, and a shortest schedule.
# (A build whose stacks cannot be saved says so.)
run explore --design sf_buf.accessed --scenario same-page --strategy bfs
if [ "$status" -eq 0 ]; then
	expect_out 'none: 2 buffers, 2 CPUs, 1 page, 1 operation a thread, fills on, as late as can be, renaming off'
	expect_out 'states, all of them'
	accepts explore --design sf_buf.accessed --scenario same-page \
	    --strategy bfs --every-state
	expect_out '1 operation a thread, fills on, renaming off: [0-9]* states, all'
	accepts explore --design sf_buf.accessed --scenario free-map \
	    --strategy bfs --ops 1
	expect_out 'none: 2 buffers, 2 CPUs, 3 pages, 1 of 2 operations a thread'
	accepts explore --design sf_buf.accessed --scenario free-map \
	    --strategy bfs --budget 500
	expect_out 'not finished: .* states, frontier'
	run explore --design sf_buf.accessed --scenario free-map --ops 3
	expect_status 2
	expect_err 'free-map has 2 a thread, expected at most so many'
	run explore --bug mbuf-2001-decrement-then-cmpset --strategy bfs
	expect_status 1
	expect_out '^schedule: a2b'
else
	expect_err 'cannot be saved'
fi

# A scenario from a file.
cat >two.scn <<'END'
ephmap-scenario 1
buffers 2
thread 0
	map 1 a
	map 3 b
	unmap b
	unmap a
thread 1
	map 2 c
	map 4 d
	unmap d
	unmap c
END
run explore --design kmap --scenario two.scn
expect_status 1
expect_out '^kmap, two.scn: deadlock in schedule'
schedule=$(sed -n 's/^schedule: //p' "$out")
run explore --design kmap --scenario ./two.scn --replay "$schedule"
expect_status 1
accepts explore --design kmap --scenario two.scn --nbufs 4 --budget 50
accepts explore --design kmap --scenario two.scn --nbufs 4 --budget 5 \
    --executor threads
expect_out "no failure in 5 runs on the host's threads"
# Two mappings at once and a lap that is missed: without speculation, too.
cat >lap.scn <<'END'
ephmap-scenario 1
buffers 3
thread 1
	map 1 a
	map 2 b
	unmap a
	map 3 c
	touch b
	unmap b
	unmap c
	set noticed
	wait lapped
	map 7 d
	touch d
	unmap d
thread 0
	wait noticed
	map 4 g
	unmap g
	map 5 e
	map 6 f
	unmap f
	unmap e
	set lapped
END
run explore --design xen.shadow --scenario lap.scn --strategy systematic \
    --fills 0
expect_status 1
expect_out '^=> stale use: CPU 1'
accepts explore --design xen.epoch --scenario lap.scn --strategy systematic \
    --fills 0

printf 'ephmap-scenario 1\nthread 0\n\tmap 1 a\n\ttuch a\n' >bad.scn
refuses 'bad.scn:4: expected map, touch, .*, got "tuch"' explore \
    --design kmap --scenario ./bad.scn
refuses './none.scn: No such file' explore --design kmap --scenario ./none.scn
run explore --design sf_buf.lru --scenario ./hand.so
expect_status 1
expect_out '^sf_buf.lru, hand-over: stale use'
expect_out "^again: ephmap explore --design sf_buf.lru --scenario ./hand.so"
refuses 'exports no ephmap_scenario' explore --design kmap --scenario ./once.so
refuses 'has no schedule' explore --design kmap --scenario two.scn \
    --executor threads --replay a
# What watches its threads needs the scheduler, and is no part of the rest.
refuses 'cannot see on the host' explore --design sf_buf.lru \
    --scenario exhaustion --executor threads
refuses 'cannot see on the host' explore --design lwbuf.homecpu \
    --scenario kva-exhaustion --executor threads
run explore --design sf_buf.lru --executor threads --budget 3
expect 'no crash' [ "$status" -le 1 ]
expect_out '^sf_buf.lru, same-page'

# No result has a time in it, unless asked for.
run explore --design sf_buf.lru --scenario shared-use --format json
expect_out '"seconds": null'
run explore --bug plan9-kmap-wrap --timings
expect_out ', [0-9.]* s$'
run explore --bug plan9-kmap-wrap
expect 'no seconds' sh -c "! grep -q '[0-9] s$' '$out'"

# Without a scenario: all that apply, as an array.
run explore --design sf_buf.lru --budget 50 --strategy dpor --format json
expect_out '"scenario": "same-page"'
expect_out '"scenario": "speculation"'

# The museum.
accepts explore --museum --budget 1000 --format json
expect 'every exhibit is found' [ "$(grep -c '"found": true' "$out")" -ge 30 ]
expect 'none is missed' [ "$(grep -c '"found": false' "$out")" -eq 0 ]
expect 'repairs hold' [ "$(grep -c '"repaired_clean": false' "$out")" -eq 0 ]

# An option that the strategy does not look at would be thought to count.
for wrong in 'pct --preemptions 1' 'random --depth 2' 'dpor --preemptions 1' \
    'pct --seconds 1' 'pct --memory 64' 'systematic --check-states' \
    'pct --every-state' 'bfs --depth 2'; do
	# shellcheck disable=SC2086
	refuses ", not of ${wrong%% *}" explore --design dmap \
	    --scenario same-page --strategy $wrong
done
refuses '--preemptions is of --strategy systematic or delay, not of pct' \
    explore --design dmap --scenario same-page --preemptions 1
refuses ", not of the host's threads" explore --design dmap \
    --scenario same-page --executor threads --depth 2

refuses 'of their options it takes' explore --museum --weak-memory
refuses 'of their options it takes' explore --museum --strategy random

# A design from outside, sound and with an invalidation left out.
accepts explore --plugin once.so --scenario shared-use --budget 500
run explore --plugin forgets.so --scenario shared-use --budget 500
expect_status 1
expect_out 'stale use'
expect_out 'missing: invlpg or a flush on CPU 1'

# The table of strategies has every exhibit, by every strategy but bfs, which
# gives the depth.
run explore --design kmap --scenario same-page --strategy nothing
expect_err 'expected .*bfs'
strategies=$(tr -cd , <"$err" | wc -c) # commas: one less than names
"$EPHMAP" list bugs --format json | sed -n 's/^ *"name": "\(.*\)",*$/\1/p' | sort >"$base/bugs"
cut -f 1 "$ROOT/doc/strategies.tsv" | grep -v '^exhibit$' | sort | uniq -c |
    awk -v n="$strategies" '$1 == n { print $2 }' >"$base/tried"
expect 'exhibits of doc/strategies.tsv' cmp -s "$base/bugs" "$base/tried"

# Lists.
accepts list scenarios --format json
expect_out '"name": "exhaustion"'
accepts list bugs --format json
expect_out '"name": "plan9-kmap-wrap"'

refuses 'expected --design' explore
refuses 'did you mean same-page' explore --design dmap --scenario same-pag
refuses 'unknown bug' explore --bug nothing

# A schedule of something else is refused, whatever it names.
refuses 'part 2 of 2, f3' explore --bug mbuf-2001-decrement-then-cmpset \
    --replay a2f3
refuses '3 of 200' explore --bug mbuf-2001-decrement-then-cmpset --replay a200
refuses 'part 1 of 3, +C4' explore --bug mbuf-2001-decrement-then-cmpset \
    --replay +C4a2b
run explore --bug mbuf-2001-decrement-then-cmpset --replay a2b9
expect_status 1
refuses 'character 2' explore --bug lwbuf-v3-loop --replay 'a?'
refuses 'makes no sense for dmap' explore --design dmap --scenario exhaustion
refuses 'needs a design' explore --scenario same-page
refuses 'shared-use has 2 on 2 CPUs' explore --design dmap \
    --scenario shared-use --pages 3
refuses 'runs on 2 to 16' explore --design dmap --scenario same-page --cpus 1
refuses '--museum takes no' explore --museum --design dmap

finish
