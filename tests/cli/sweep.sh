#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap sweep': what a study makes of its lists, and that whatever stops it
# costs nothing that was finished.
# usage: sweep.sh EPHMAP [KILLS]

. "$(dirname "$0")/lib.sh"
kills=${2:-2}

accepts trace generate loop --pages 500 --refs 4000 --cpus 2 -o z.ept
accepts trace convert z.ept -o z.txt
cat >study <<'END'
# Blanks around commas, comments and empty lines are no part of it.

trace  = z.ept
design = sf_buf.lru, sf_buf.accessed,dmap	# three
policy = lru, sieve, random
nbufs  = 10% , 64
seed   = 1,2
END

# The dump of all rows: what every way of running a study must give.
dump() {
	accepts query "$1" --runs --columns \
	    "cell,design,policy,nbufs,seed,refused,cycles_per_map,ipi_sent" \
	    --format csv
	cp "$out" "$2"
}

accepts sweep study -o all.db
expect_out '^all.db: 26 of this sweep.s cells, 26 run now$'
dump all.db all.csv
expect '2 designs x 3 policies x 2 sizes x 2 seeds + 2' \
    [ "$(wc -l <all.csv)" -eq 27 ]
accepts sweep study -o all.db
expect_out '26 of this sweep.s cells, 0 run now'

# A row says what `ephmap run' says.
accepts run --design sf_buf.lru --policy sieve --nbufs 50 --seed 2 --format json z.ept
ipis=$(value ipi_sent)
accepts query all.db --runs --columns ipi_sent --format csv \
    --where "design = 'sf_buf.lru' and policy = 'sieve' and nbufs = 50 and seed = 2"
expect 'as many IPIs as in a run' [ "$(sed -n 2p "$out")" = "$ipis" ]

# The same contents in another form, and the same number as a share, are the
# same cells; an option that is typed takes the place of the file's.
accepts sweep study --trace z.txt -o all.db
expect_out '26 of this sweep.s cells, 0 run now'
accepts sweep study --nbufs 64,10%,50 -o all.db
expect_out '26 of this sweep.s cells, 0 run now'
accepts sweep study --design all --nbufs 64 --policy lru --seed 1 -o every.db
accepts list designs --format csv
designs=$(($(wc -l <"$out") - 1))
accepts query every.db --sql 'select count(*) as n from run' --format csv
expect 'every design' [ "$(sed -n 2p "$out")" -eq "$designs" ]
accepts sweep --trace z.ept --design sf_buf.lru --touch all -o touch.db
expect_out ' 3 run now'
accepts sweep --trace z.ept --design sf_buf.lru --policy lru,2q:kin=0.1/0.2 \
    --touch none,write \
    --hold 0,20r --flags shared,private+nowait --cpus 2,3 -o axes.db
expect_out ' 48 run now'

# Killed at any moment, it goes on where it was.
killed() {
	rm -f killed.db
	i=0
	while [ $i -lt "$kills" ]; do
		i=$((i + 1))
		"$EPHMAP" sweep study "$@" --jobs 2 -o killed.db >"$out" 2>&1 &
		pid=$!
		sleep "0.0$((i * 7 % 10))"
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
	done
	accepts sweep study "$@" -o killed.db
	expect_out '26 of this sweep.s cells'
}
killed
dump killed.db killed.csv
expect 'killed and undisturbed are the same' cmp -s all.csv killed.csv

# As much with clocks.
clocks() {
	accepts query "$1" --runs --format csv --columns \
	    cell,refused,ipi_sent,maps_per_second,map_p99_ns,unmap_p999_ns
	cp "$out" "$2"
}
accepts sweep study --time -o time.db
clocks time.db time.csv
expect 'there are speeds' [ "$(grep -c ',[1-9][0-9.e+]*,[0-9.]*,[0-9.]*$' time.csv)" -eq 26 ]
killed --time
clocks killed.db killed.csv
expect 'with clocks too' cmp -s time.csv killed.csv

# Parts, through a shell as any queue would do it, and joined.
accepts sweep study -o part.db --emit-tasks 3
expect 'three commands' [ "$(wc -l <"$out")" -eq 3 ]
expect_err '^ephmap sweep: 3 parts; .* ephmap sweep merge -o part.db '
sed "s|^ephmap|'$EPHMAP'|" "$out" >tasks
expect 'the parts run' sh tasks
accepts sweep merge -o part.db part.1of3.db part.2of3.db part.3of3.db
expect_out '^part.db: 26 new runs from 3 files$'
dump part.db part.csv
expect 'parts and the whole are the same' cmp -s all.csv part.csv
accepts sweep merge -o part.db part.2of3.db all.db
expect_out '^part.db: 0 new runs'
if command -v parallel >/dev/null 2>&1; then
	rm part.*
	expect 'the parts run under GNU parallel' \
	    sh -c 'parallel --will-cite -j 2 <tasks'
	accepts sweep merge -o part.db part.1of3.db part.2of3.db part.3of3.db
	dump part.db part.csv
	expect 'parallel and one process are the same' cmp -s all.csv part.csv
else
	echo "skipped: there is no GNU parallel"
fi

# As ranks of a job, whole and after one that was cut off; also by hand.
ranks() {
	i=0
	while [ $i -lt 2 ]; do
		OMPI_COMM_WORLD_RANK=$i OMPI_COMM_WORLD_SIZE=2 \
		    "$EPHMAP" sweep study -o ranks.db >"$out.$i" 2>&1 &
		i=$((i + 1))
	done
	wait
}
ranks
dump ranks.db ranks.csv
expect 'ranks and one process are the same' cmp -s all.csv ranks.csv
expect 'no part is left' [ "$(ls ranks.*of*.db 2>/dev/null | wc -l)" -eq 0 ]
if [ "$kills" -gt 2 ] && command -v mpirun >/dev/null 2>&1; then
	for n in 2 3; do
		rm -f mpi.*
		mpirun --allow-run-as-root --oversubscribe -np $n \
		    "$EPHMAP" sweep study -o mpi.db >"$out" 2>"$err" &
		pid=$!
		sleep 0.3
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		sleep 1
		command="mpirun -np $n ephmap sweep study -o mpi.db"
		mpirun --allow-run-as-root --oversubscribe -np $n \
		    "$EPHMAP" sweep study -o mpi.db >"$out" 2>"$err" </dev/null
		status=$?
		expect_status 0
		expect_out "^mpi.db: joined from $n ranks\$"
		dump mpi.db mpi.csv
		expect "$n ranks of Open MPI give the same" cmp -s all.csv mpi.csv
	done
elif [ "$kills" -gt 2 ]; then
	echo "skipped: there is no mpirun"
fi

# What a file says, and what changed.
accepts query all.db
expect_out '^design .* policy .* buffers  runs '
expect_out '^dmap '
accepts query all.db --where 'seed = 1 and refused is null'
expect 'as many columns in each row' \
    awk 'NR == 1 { n = NF - 2 } /^$/ { exit } NR > 2 && NF != n { exit 1 }' "$out"
accepts query all.db --format json
expect_out '"cycles_per_map_deviation": '
accepts query all.db --format csv
expect '13 combinations' [ "$(wc -l <"$out")" -eq 14 ]
accepts diff all.db part.db
expect_out '^13 combinations are the same, 0 differences.$'
run diff all.db every.db
expect_status 1
expect_out 'only in the old file'
expect_out 'only in the new file'
# By what axis: one that varies between the files only, too.
for n in 2 3; do
	accepts sweep --trace z.ept --design dmap --cpus $n -o cpus$n.db
done
run diff cpus2.db cpus3.db
expect_status 1
expect_out '^dmap  *2  *runs .* only in the old file$'
expect_out '^dmap  *3  *runs .* only in the new file$'

# What is refused.
refuses 'expected -o FILE.db' sweep study
trace times.txt <<'END'
p 0 1
d 5
p 0 2
END
refuses 'has times (d lines) already' sweep --trace times.txt --rate 5 -o x.db
refuses 'has times (d lines) already' \
    sweep --trace z.ept --trace times.txt --rate 5 -o x.db
refuses 'expected --trace FILE or --workload W' sweep -o x.db
refuses 'No such file' sweep none.spec -o x.db
echo 'desing = dmap' >bad
refuses 'bad:1: unknown option desing; did you mean design' sweep bad -o x.db
printf 'trace = z.ept\ndesign\n' >bad
refuses 'bad:2: expected a line .option = value.' sweep bad -o x.db
# A value is refused with the line that has it, whoever finds it out.
while read -r line; do
	printf 'trace = z.ept\n\n%s\n' "$line" >bad
	refuses '^ephmap sweep: bad:3: ' sweep bad -o x.db
	case $line in
	*,* | *:*) ;;
	*) refuses "${line#*= }" sweep bad -o x.db ;;
	esac
done <<'END'
design = sf_buf.lru, dmpa
policy = lru, lur
policy = s3fifo:small=9
shootdown = acked
machine = pdp11
machine = ./none.ini
tlb = one
cpus = 0
nbufs = 64, 1x
seed = first
hold = 1year
touch = al
flags = shred
costs = none.json
jobs = -1
warmup = most
cpu-of = moon
trace = none.ept
workload = none
END
printf 'trace = z.ept\nnbufs = 5\nnbufs = 6\n' >bad
refuses 'bad:3: .*given twice' sweep bad -o x.db
expect 'none of them left a file' [ ! -e x.db ]
refuses '--shard: expected I/N' sweep study --shard 3/2 -o x.db
refuses '--emit-tasks and --shard' sweep study --shard 1/2 --emit-tasks 2 -o x.db
refuses 'unknown policy "lur"; did you mean lru?' sweep study --policy lur -o x.db
refuses 'not a file of results' query z.txt
refuses 'No such file' query none.db
refuses 'is a directory' query .
refuses 'syntax error' query all.db --where 'cpus ='
refuses 'no such column: desing; did you mean design?' \
    query all.db --runs --columns desing,cpus
refuses 'no such column: cpu; did you mean cpus?' query all.db --where 'cpu = 2'
refuses 'readonly database' query all.db --sql 'delete from run'
refuses '--columns needs --runs' query all.db --columns cell
refuses 'not a file of results' sweep merge -o x.db z.txt

# A database with a damaged page is not read as a smaller one.
cp all.db damaged.db
dd if=/dev/zero of=damaged.db bs=1024 seek=5 count=4 conv=notrunc 2>/dev/null
for c in query 'diff all.db' 'report -o r.html' 'sweep merge -o m.db'; do
	# shellcheck disable=SC2086
	refuses 'damaged.db: ' $c damaged.db
done
refuses 'expected one statement' query all.db --sql 'SELECT 1; SELECT 2'
refuses 'expected one statement' query all.db --sql ' '
finish
