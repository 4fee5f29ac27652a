#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# --timeline: what Perfetto opens, looked at with the schema's field numbers.

. "$(dirname "$0")/lib.sh"

# Two of three maps sleep; a page is taken from under a CPU that has loaded it.
trace t.txt <<'END'
m 0 1 1
m 0 2 2
m 1 3 3
r 0 1
u 0 1
u 0 2
u 1 3
m 1 5 4
r 1 4
u 1 4
m 0 6 5
u 0 5
END

run run --design sf_buf.lru --cpus 2 --nbufs 1 --timeline t.pftrace t.txt
if grep -q 'without protobuf-c' "$err"; then
	expect_status 2
	echo "skipped: built without protobuf-c"
	finish
fi
expect_status 0
expect_no_err

# decoded FILE: a line for each packet.
decoded() {
	protoc-c --proto_path="$ROOT/sim" --decode=perfetto.protos.Trace \
	    timeline.proto <"$1" 2>"$err" | tr '\n' ' ' |
	    sed 's/packet {/\n/g' >"$out"
	command="decode $1"
	status=$?
}

# slices TRACK: begins less ends.
balance() {
	begun=$(grep -c TYPE_SLICE_BEGIN "$out")
	ended=$(grep -c TYPE_SLICE_END "$out")
	expect "as many ends as begins, $begun" \
	    [ "$begun" -gt 0 -a "$begun" -eq "$ended" ]
}

if command -v protoc-c >/dev/null 2>&1; then
	decoded t.pftrace
	expect_no_err
	expect 'no field that the schema does not have' \
	    [ "$(grep -c '  [0-9][0-9]*: ' "$out")" -eq 0 ]
	for name in 'sf_buf.lru, t.txt, 2 CPUs' 'CPU 0' 'CPU 1' \
	    'CPU 0: handlers' 'CPU 0: sleepers' \
	    'CPU 1: outdated translations'; do
		expect_out "track_descriptor .* name: \"$name\""
	done
	expect_out 'TYPE_SLICE_BEGIN .*name: "map page 1, line 2"'
	expect_out 'TYPE_SLICE_BEGIN .*name: "sleeps on .*sfbufa'
	expect_out 'TYPE_SLICE_BEGIN .*still frame'
	expect_out 'name: "interrupts CPU 0" *flow_ids: '
	expect 'an interrupt arrives where it was sent' \
	    sh -c "grep -o ' flow_ids: [0-9]*' '$out' | grep -q \
	    \"\$(grep -o 'terminating_flow_ids: [0-9]*' '$out' | head -n 1 |
	    sed 's/terminating_//')\$\""
	balance
	expect 'every event is on a track that is declared' \
	    awk '/track_descriptor/ { for (i = 1; i < NF; i++)
		if ($i == "uuid:") seen[$(i + 1)] = 1 }
	    /track_event/ { for (i = 1; i < NF; i++)
		if ($i == "track_uuid:" && !seen[$(i + 1)]) exit 1 }' "$out"

	accepts run --design sf_buf.accessed --time --cpus 2 \
	    --timeline timed.pftrace t.txt
	decoded timed.pftrace
	balance
	run explore --design sf_buf.lru --scenario shared-use --cpus 2 \
	    --timeline x.pftrace
	expect_status 1
	expect_no_err
	decoded x.pftrace
	expect_out 'name: "CPU 1: thread b"'
	expect_out 'name: "stale use: '
	expect_out 'TYPE_SLICE_BEGIN .*name: "lock '
else
	echo "skipped: there is no protoc-c"
fi

# What is counted does not depend on who watches.
accepts run --design sf_buf.lru --cpus 2 --format json t.txt
cp "$out" "$base/alone"
accepts run --design sf_buf.lru --cpus 2 --format json --timeline t.pftrace \
    t.txt
expect 'the same counts' cmp -s "$out" "$base/alone"

# A file that would be too large ends, and says so.
if [ "${2:-}" = long ]; then
	accepts trace generate zipf --pages 5000 --refs 250000 --cpus 2 \
	    -o big.ept
	accepts run --design sf_buf.accessed --timeline big.pftrace big.ept
	expect_err 'big.pftrace ends at line [0-9,]* of the trace, where it has 64 MiB: [0-9,]* later events'
	expect 'a bound' [ "$(wc -c <big.pftrace)" -lt 67200000 ]
	rm big.pftrace
fi

# Nothing is left where there is nothing to draw, or nowhere to write.
rm -f t.pftrace
refuses 'no/such/t.pftrace: No such file' run --design sf_buf.lru \
    --timeline no/such/t.pftrace t.txt
refuses 'no/such/t.pftrace: No such file' explore --design sf_buf.lru \
    --scenario shared-use --timeline no/such/t.pftrace
trace bad.txt <<'END'
m 9 1 1
END
refuses 'CPU 9' run --design sf_buf.lru --cpus 2 --timeline t.pftrace bad.txt
refuses 'give one' run --design sf_buf.lru --log --timeline t.pftrace t.txt
cp t.txt copy.txt
refuses 't.txt is what is read, and would be lost' \
    run --design sf_buf.lru --timeline ./t.txt t.txt
expect 'the trace is there' cmp -s t.txt copy.txt
mkfifo pipe
refuses 'pipe: not a regular file' run --design sf_buf.lru --timeline pipe t.txt
expect 'the pipe is there' [ -p pipe ]
ln -s x.pftrace link.pftrace
accepts run --design sf_buf.lru --timeline link.pftrace t.txt
expect 'the link is there' [ -h link.pftrace ]
rm link.pftrace
refuses 'lockstep' run --design sf_buf.lru --executor threads \
    --timeline t.pftrace t.txt
refuses 'one schedule' explore --design sf_buf.lru --timeline x.pftrace
run explore --design sf_buf.accessed --scenario same-page --budget 5 \
    --timeline none.pftrace
expect_status 0
expect_err 'no failure, so there is no none.pftrace'
expect_no_new_file
finish
