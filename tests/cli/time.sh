#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Clocks: --time of `run' and `compare'.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

accepts trace generate zipf --pages 40 --refs 300 --cpus 4 --seed 3 -o t.ept
cat >handles.txt <<'END'
ephmap-trace 1
m 0 1 1
m 1 2 2 private
r 0 1
u 0 1
m 0 3 1
r 1 2
u 1 2
u 0 1
END

# Every design: the same bytes in every process, wherever the host puts its
# memory, and whatever else is in it.
scaling='compare --time --cpu-of robin --cpus 1,2,4,16 --nbufs 8 --format csv t.ept'
# shellcheck disable=SC2086
accepts $scaling
cp "$out" first
expect 'no two columns of one name' \
    [ -z "$(head -n 1 "$out" | tr , '\n' | sort | uniq -d)" ]
expect 'a curve for every design' \
    [ "$(wc -l <first)" -gt "$("$EPHMAP" list designs | wc -l)" ]
# shellcheck disable=SC2086
if setarch -R true 2>/dev/null; then
	setarch -R "$EPHMAP" $scaling >second 2>/dev/null
	expect 'the same without random addresses' cmp -s first second
fi
# shellcheck disable=SC2086
FILLER=$(printf '%5000s' x) MALLOC_PERTURB_=165 MALLOC_TOP_PAD_=999999 \
    "$EPHMAP" $scaling >second 2>/dev/null
expect 'the same beside another environment' cmp -s first second

# The table of a run names every part; all parts sum to the whole.
accepts run --time --design sf_buf.accessed --cpus 2 handles.txt
expect_out '^unmap_p999_ns .* are$'
expect_out '^handle .*handling others'
accepts run --time --design sf_buf.accessed --cpus 4 t.ept --format json
expect 'CPUs sum up' awk '
	/"total_cycles"/ { total = $2 + 0 }
	/"cycles": \{/ { inside = 1; next }
	/\}/ { inside = 0 }
	/"cpu": \[/ { cpus = 1 }
	cpus && /"maps":/ { maps += $2 }
	inside && cpus { each += $2 }
	inside && !cpus { all += $2 }
	END { exit !(total > 0 && all == total && each == total && maps == 300) }
' "$out"

# An explanation names lines of the trace, of p lines too.
trace stale.txt <<'END'
# CPU 1 tells CPU 0 nothing.
p 0 1
p 1 2
m 1 2 2 private
r 0 2
END
run run --time --design sf_buf.cpumask --nbufs 1 --cpus 2 --flags private \
    --format json stale.txt
expect_status 1
expect_out 'a translation it loaded at line 3; CPU 1 stored the entry at line 4 '

# Intervals have as many references as were asked for.
accepts run --time --design sf_buf.accessed --interval 100 --format csv t.ept
expect '3 intervals of 100 references' [ "$(cut -d, -f1,2 "$out" | tr '\n' ' ')" \
    = 'first,references 1,100 101,100 201,100 ' ]

# A comparison: the fastest first, in 80 columns.
accepts compare --time --cpu-of robin --cpus 1,1024 t.ept --design \
    freebsd.cmap.switchin,mips.kmap_coherent,dmap,sf_buf.lru
expect 'a table of 80 columns' \
    awk '/^$/ { exit } length($0) > 80 { bad = 1 } END { exit bad }' "$out"
expect_out '^design  *CPUs  *Mmaps/s  *p50 us  *p99 us  TLB  ask  irq  lck  idl$'
expect 'the fastest is first' awk '
	/^$/ { exit }
	NR > 2 && $3 + 0 > 0 { gsub(",", ""); if (last && $3 > last) bad = 1; last = $3 }
	END { exit bad }' "$out"

# What a perfect shootdown would have spared: CPU 1 has loaded nothing.
accepts compare --design sf_buf.accessed,dmap --cpus 2 handles.txt
expect_out ' IPI  needless '
trace idle.txt <<'END'
m 0 1 1
r 0 1
u 0 1
END
accepts compare --design sf_buf.hash,dmap --cpus 2 idle.txt
expect_out '^sf_buf.hash .* 2,000.0  *2,000.0 '

# Curves, and who passes whom.
few='--refs 100 --cpus 1..16 --at 4'
# shellcheck disable=SC2086
{
	accepts scale $few --design sf_buf.lru,kvabio,dmap
	expect_out '^CPUs  sf_buf.lru '
	expect_out '^dmap beats kvabio everywhere, '
	expect_out '^kvabio passes sf_buf.lru at [0-9]* CPUs (not yet at '
	expect 'in 80 columns' awk 'length($0) > 80 { exit 1 }' "$out"
	cp "$out" first
	accepts scale $few --design sf_buf.lru,kvabio,dmap --plot terminal
	expect 'the same again, and a plot' \
	    awk 'NR == FNR { a[NR] = $0; n = NR; next } a[FNR] != $0 && FNR <= n { exit 1 } END { exit FNR <= n }' first "$out"
	accepts scale $few --design sf_buf.lru,kvabio --format json
	expect_out '"crossings": \['
	accepts scale $few --design sf_buf.lru,kvabio --format csv
	expect '5 points of 2 designs' [ "$(wc -l <"$out")" -eq 11 ]
	# On the CPUs said, it has passed; one before, it has not.
	accepts scale $few --design sf_buf.lru,kvabio
	at=$(sed -n 's/^kvabio passes sf_buf.lru at \([0-9]*\) CPUs.*/\1/p' "$out")
	accepts scale --refs 100 --cpus "$((at - 1)),$at" --format csv \
	    --design sf_buf.lru,kvabio
	expect 'it passes there' awk -F, '
		NR > 1 { r[$1, ++n[$1]] = $3 }
		END { exit !(r["kvabio", 1] <= r["sf_buf.lru", 1] &&
		    r["kvabio", 2] > r["sf_buf.lru", 2]) }' "$out"
}
# A trace: the points of `compare', and who passes whom by hold time, not hits.
accepts compare --time --cpu-of robin --cpus 1,2,3 --design sf_buf.lru,kvabio \
    --format csv t.ept
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ print $at["design"] "," $at["cpus"] "," $at["maps_per_second"] }' \
    "$out" >points
accepts scale --cpus 1,2,3 --design sf_buf.lru,kvabio --format csv t.ept
tail -n +2 "$out" >curve
expect 'the rates of compare' cmp -s points curve
accepts scale --cpus 1,2,3 --design sf_buf.lru,kvabio --format csv --trace t.ept
tail -n +2 "$out" >second
expect 'the operand and --trace are one' cmp -s second curve
accepts scale --cpus 1,2,3 --cpu-of hash --design sf_buf.lru,kvabio \
    --format csv t.ept
tail -n +2 "$out" >second
expect 'dealt otherwise, another curve' [ "$(cmp -s second curve; echo $?)" -eq 1 ]
accepts scale --cpus 1..4 --at 4 --design sf_buf.lru,dmap t.ept
expect_out '^300 references of t.ept, on CPUs by robin.$'
expect 'no hits' [ "$(grep -c '% ' "$out")" -eq 0 ]
accepts scale --cpus 1,2 --design sf_buf.lru,dmap --format json t.ept
expect_out '"trace": "t.ept"'
refuses '--hits and --refs are' scale --hits 50 t.ept
refuses '--hits and --refs are' scale --refs 5 t.ept
refuses 'there is no trace' scale --cpu-of hash
refuses 'expected one trace' scale t.ept t.ept
refuses 'given twice' scale --trace t.ept t.ept
# A curve for each policy of a design that has the choice.
accepts scale --refs 2 --cpus 1,2 --design sf_buf.lru,dmap \
    --policy lru,s3fifo:small=0.2 --format csv
expect 'two curves and one' [ "$(cut -d, -f1 "$out" | sort -u | tr '\n' ' ')" \
    = 'design dmap sf_buf.lru+lru sf_buf.lru+s3fifo:small=0.2 ' ]
# Names are whole: two policies that differ at their end are not one.
long=s4fifo:small=0.25,ghost=0.75,threshold=3,ghost_threshold=1,skip
accepts scale --refs 2 --cpus 1 --design sf_buf.lru --policy "$long=1" --format csv
expect_out "^\"sf_buf.lru+$long=1\",1,"
accepts scale --refs 2 --cpus 1,2 --design all
expect_err 'of at most 8 designs'
expect 'and nothing else is said' [ "$(grep -c ' beats ' "$out")" -eq 0 ]
accepts compare --time --cpus 1..3 --design dmap --cpu-of robin --format csv t.ept
expect '1, 2 and 3 CPUs' [ "$(wc -l <"$out")" -eq 4 ]
refuses 'or A..B for doublings' scale --cpus 4..2
refuses 'expected one value' scale --machine amd64-zen,amd64-skylake
refuses 'expected a number from 1 to 1024, got' run --design dmap --cpus 1..2 t.ept

# A sweep has columns of time, and knows a run with clocks from one without.
sweep='sweep --trace t.ept --design dmap,sf_buf.lru --cpus 4,8'
# shellcheck disable=SC2086
{
	accepts $sweep --time --cpu-of robin -o timed.db
	expect_out '4 run now'
	accepts $sweep --time --cpu-of robin -o timed.db
	expect_out '0 run now'
	# Means are of one kind.
	for other in '--time --cpu-of robin --think 50' '--cpu-of robin'; do
		refuses 'timed.db: has runs under other clocks' \
		    $sweep $other -o timed.db
	done
	accepts query timed.db --runs --format csv --where 'maps_per_second > 0'
	expect '4 runs with clocks' [ "$(wc -l <"$out")" -eq 5 ]
	accepts $sweep -o plain.db
	refuses 'plain.db: has runs without clocks' $sweep --time -o plain.db
}

# Consumers: a link of 10 MB/s carries 10 MB/s, a round trip takes its time,
# and the same bytes come out each time.
link=sendfile:conns=1,requests=20,files=4,size=100000
accepts run --time --design sf_buf.accessed --cpus 3 --format json \
    --workload $link,rate=10000000
cp "$out" first
expect 'the rate of the link' awk '
	/"bytes_per_second"/ { ok = $2 + 0 > 9500000 && $2 + 0 < 10000000 }
	END { exit !ok }' "$out"
accepts run --time --design sf_buf.accessed --cpus 3 --format json \
    --workload $link,rate=10000000
expect 'the same again' cmp -s first "$out"
accepts run --time --design sf_buf.accessed --cpus 3 --format json \
    --workload sendfile:conns=1,requests=20,files=4,size=4096,sndbuf=4346,rtt=1000000
expect 'a request waits for the one before' awk '
	/"operations_per_second"/ { ok = $2 + 0 > 900 && $2 + 0 < 1100 }
	END { exit !ok }' "$out"
for w in pipe md exec ptrace rawio pager bufcache msg zerocopy; do
	accepts run --time --design sf_buf.lru --workload $w --format json
	expect "$w: all cycles are somewhere" awk '
		/"total_cycles"/ { total = $2 + 0 }
		/"cycles": \{/ { inside = 1; next }
		/\}/ { inside = 0 }
		/"cpu": \[/ { exit }
		inside { all += $2 }
		END { exit !(total > 0 && all == total) }' "$out"
done
refuses 'are of a trace' run --time --think 5 --workload pipe --design dmap

refuses 'say how --time' run --think 5 --design dmap t.ept
finish
