#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What `list', `run' and `compare' print.

. "$(dirname "$0")/lib.sh"

trace t.txt <<'END'
m 0 5 1
r 0 1
u 0 1
m 1 5 2
r 1 2
u 1 2
END

# Lists.
for what in designs policies shootdowns machines tlbs; do
	accepts list "$what" --format json
	expect_no_err
	expect_out '"name": '
	expect_out '"origin": '
	names=$(grep -c '^    "name": ' "$out")
	accepts list "$what" --format csv
	expect 'a header and a line for each name' \
	    [ "$(wc -l <"$out")" -eq $((names + 1)) ]
	accepts list "$what"
done
# The time line: every design once, the years ascending, and whom one comes
# from is another one of them, or nothing that is here.
accepts list designs --format csv
sed '1d;s/,.*//' "$out" | sort >designs
accepts list designs --timeline
expect_out '^    costs: '
grep '^[12][0-9]' "$out" | sed 's/^.\{24\}//' | awk '{ print $1 }' | sort >lined
expect 'every design, once' cmp -s designs lined
grep -o '^[12][0-9]*' "$out" >years
expect 'the years ascend' sort -c -n years
grep '^[12][0-9]' "$out" | awk '{ print $NF }' | grep -v '^-$' | sort -u |
    comm -13 designs - >strangers
expect 'no ancestor is unknown' [ ! -s strangers ]
accepts list designs
for d in dmap sf_buf.uncached sf_buf.hash sf_buf.lru sf_buf.cpumask \
    sf_buf.accessed; do
	expect_out "^$d "
done

# One run, in full.
accepts run --design sf_buf.accessed --cpus 2 --tlb infinite t.txt --format json
expect_no_err
for key in design policy shootdown machine tlb executor cpus nbufs seed trace \
    config counters derived violations; do
	expect_out "^  \"$key\": "
done
for key in buffers_mean buffers_peak held_at_end sleepers_peak events_per_map \
    asleep ipiq_kick wires_leaked; do
	expect_out "^    \"$key\": "
done
expect_value map_calls 2
expect_value hit_inactive 1
expect_value miss 1
expect_value stale_use 0
expect_value nbufs 1024
expect_value design '"sf_buf.accessed"'

# Where nbufs means nothing it is null.
accepts run --design dmap t.txt --format json
expect_value nbufs null

# The same run again is the same text, in every format.
for format in json csv table; do
	accepts run --design sf_buf.lru --format $format t.txt
	cp "$out" "$base/first"
	accepts run --design sf_buf.lru --format $format t.txt
	expect "two runs print the same $format" cmp -s "$out" "$base/first"
	accepts compare --format $format --nbufs 1,2,3,4 --cpus 2,3 t.txt
	cp "$out" "$base/first"
	accepts compare --format $format --nbufs 1,2,3,4 --cpus 2,3 t.txt
	expect "two comparisons print the same $format" \
	    cmp -s "$out" "$base/first"
done

# CSV: every line has as many fields as the header.
accepts compare --format csv t.txt
expect 'as many fields everywhere' \
    awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' "$out"
expect_out '^design,policy,'
expect_out '^dmap,'

# A comparison names its input, and starts with the cheapest.
accepts compare --design sf_buf.uncached,dmap t.txt
expect 'the direct map costs least' \
    awk 'NR == 3 { exit $1 != "dmap" }' "$out"
expect_out '^t.txt: 2 references to 1 page by 2 CPUs'
expect_out '1.00x$'

# Axes as lists; what means nothing to a design is not multiplied out.
accepts compare --design dmap,sf_buf.lru --nbufs 1,2,3 --format csv t.txt
expect '1 + 3 runs' [ "$(wc -l <"$out")" -eq 5 ]
accepts compare --design sf_buf.lru --machine i386-p4,amd64-skylake \
    --tlb infinite --cpus 2,4 --format csv t.txt
expect '2 machines x 2 CPU counts' [ "$(wc -l <"$out")" -eq 5 ]

# Bars of events: on the terminal, and in files, which come first.
accepts compare --design dmap,sf_buf.lru --plot terminal t.txt
expect_out '^t.txt: events by design, amd64-skylake, 2 CPUs, 1,024 buffers$'
expect_out '^dmap  *|'
expect_out '\* invlpg   o flush   + IPI   x TLB miss   # sleep'
expect 'a bar for each row' [ "$(grep -c ' |' "$out")" -eq 2 ]
accepts compare --design dmap,sf_buf.lru --time --plot terminal t.txt
expect_out '^t.txt: cycles by design'
expect_out '+ handling IPIs'
refuses 'expected terminal, or a file that ends in' compare --plot a.gif t.txt
refuses 'standard output' compare --plot terminal --format csv t.txt
refuses 'no/such' compare --plot no/such/a.svg t.txt
if command -v gnuplot >/dev/null 2>&1; then
	accepts compare --design dmap,sf_buf.lru --cpus 2,4 --plot a.svg t.txt
	expect 'a bar with its name' grep -q 'sf_buf.lru 4 CPUs' a.svg
	expect 'a title' grep -q 't.txt: events by design' a.svg
	expect 'exact numbers' grep -q '<title>IPI, sf_buf.lru 4 CPUs: ' a.svg
else
	echo "skipped: there is no gnuplot"
fi

# The historical number of buffers.
for sized in 16M:1024 64M:1024 512M:4608 1G:6656 64G:6656; do
	accepts run --design sf_buf.lru --nbufs from-memory:${sized%:*} \
	    --format json t.txt
	expect_value nbufs "${sized#*:}"
done

# Prices of one's own.
echo '{ "invlpg_local": 1000000 }' >costs.json
printf '# mine\ninvlpg_local = 1000000\n' >costs.txt
accepts run --design sf_buf.uncached --costs costs.json t.txt --format json
expect_out '"invlpg_local": 1000000'
cp "$out" "$base/first"
accepts run --design sf_buf.uncached --costs costs.txt t.txt --format json
expect 'both forms of a cost profile mean the same' \
    cmp -s "$out" "$base/first"
printf 'invlpg_local = 1\ninvlpg_locall = 2\n' >bad
refuses 'bad:2: .*did you mean invlpg_local' run --design dmap --costs bad t.txt
printf 'invlpg_local = 1\n\ninvlpg_local = 2\n' >bad
refuses 'bad:3: .*twice' run --design dmap --costs bad t.txt
printf 'invlpg_local = 10xx\n' >bad
refuses 'bad:1: expected cycles' run --design dmap --costs bad t.txt
printf 'invlpg_local\n' >bad
refuses 'bad:1: expected' run --design dmap --costs bad t.txt
printf '{ "invlpg_local": -1 }' >bad
refuses 'bad: invlpg_local: expected' run --design dmap --costs bad t.txt
printf '{\n"invlpg_local" 1 }' >bad
refuses 'bad:2: ' run --design dmap --costs bad t.txt
: >bad
refuses 'bad: .*empty' run --design dmap --costs bad t.txt
printf 'invlpg_local = \0001\n' >bad
refuses 'bad: .*NUL' run --design dmap --costs bad t.txt
refuses 'none' run --design dmap --costs none t.txt
# A whole number in any of its forms is one.
for cycles in 224 224.0 2.24e2 22400e-2; do
	printf 'invlpg_local = %s\n' "$cycles" >costs.txt
	printf '{ "invlpg_local": %s }\n' "$cycles" >costs.json
	for profile in costs.txt costs.json; do
		accepts run --design sf_buf.uncached --costs $profile t.txt \
		    --format json
		expect_out '"invlpg_local": 224,*$'
	done
done
for cycles in 0.5 1e10 -1 -0.0 0x10 inf nan 1e '1 2' +5; do
	printf 'invlpg_local = %s\n' "$cycles" >bad
	refuses 'bad:1: expected cycles, a whole number' \
	    run --design dmap --costs bad t.txt
done
refuses '[Dd]irectory' run --design dmap --costs . t.txt

# The log speaks of every line; results stay apart from it.
accepts run --design sf_buf.lru --log t.txt
for line in 2 3 4 5 6 7; do
	expect_out "^t.txt:$line\|^ *$line[: ]"
done
accepts run --design sf_buf.lru --log --format json t.txt
expect 'the result is nothing but JSON' [ "$(head -c 1 "$out")" = '{' ]
expect 'the log is on standard error' [ -s "$err" ]

# Handles that stay mapped are a warning, not an error.
trace held.txt <<'END'
m 0 5 1
END
accepts run --design sf_buf.lru --format json held.txt
expect_err 'warning: .*still mapped.*1$'
expect_value held_at_end 1

# A use outside the design's class is a violation: status 1, and printed.
trace stale.txt <<'END'
m 0 1 1 private
r 0 1
u 0 1
m 1 2 2 private
r 1 2
u 1 2
m 0 3 3 private
r 1 3
END
run run --design sf_buf.cpumask --nbufs 1 --cpus 2 --format json stale.txt
expect_status 1
expect_value stale_use 1
expect_out '"violations": \[$'
run compare --design sf_buf.cpumask,dmap --nbufs 1 stale.txt
expect_status 1
expect_out 'violations$'
run run --design sf_buf.cpumask --nbufs 1 --violations 0 stale.txt
expect_status 1
expect_out '^VIOLATIONS: 1'

# How many buffers are held is said where that is more than one.
trace two.txt <<'END'
m 0 5 1
m 0 6 2
d 1000
u 0 1
d 1000
u 0 2
END
accepts compare --design sf_buf.accessed,dmap two.txt
expect_out ' in use  at most '
expect_out '^sf_buf.accessed .* 1\.5  *2  '
accepts compare --design sf_buf.accessed,dmap t.txt
expect 'no column of held buffers' [ "$(grep -c ' in use ' "$out")" -eq 0 ]

# A workload whose threads sleep for ever: status 1, and why.
dead=sendfile:form=chain,conns=4,requests=2,files=2,size=20000
run run --design sf_buf.cpumask --nbufs 3 --workload $dead
expect_status 1
expect_out '^FAILED: deadlock: 5 threads sleep for ever, 4 of them for a buffer, and 3 mappings are held\.'
run run --design sf_buf.cpumask --nbufs 3 --workload $dead --format json
expect_status 1
expect_out '"failed": "deadlock: '
run compare --design sf_buf.cpumask,dmap --nbufs 3 --workload $dead
expect_status 1
expect_out '^sf_buf.cpumask .*deadlock: '
accepts compare --design sf_buf.cpumask,dmap --workload $dead
expect_no_err

# A disk that is full.
if [ -c /dev/full ]; then
	command='ephmap list designs >/dev/full'
	"$EPHMAP" list designs >/dev/full 2>"$err"
	status=$?
	expect_status 2
	expect_err 'standard output: No space left'
fi

# A reader that has seen enough.
command='ephmap list designs | true'
{
	"$EPHMAP" list designs 2>"$err"
	echo $? >"$base/status"
} | true
status=$(cat "$base/status")
expect_no_err

finish
