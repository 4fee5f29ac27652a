#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Nothing that is printed for people is wider than the terminal: 80 columns,
# or COLUMNS; with every option of every command.  With `long' as third
# argument also the museum, and the examples of README.md and doc/*.md;
# without, readme.sh sees to those at 80.
# usage: columns.sh EPHMAP POLICY.so [long]

. "$(dirname "$0")/lib.sh"
ln -s "$2" second.so || exit 2

trace t.txt <<'END'
m 0 5 1
r 0 1
u 0 1
p 1 6
d 1
p 1 7
p 0 123456789
END
trace wrong.txt <<'END'
m 0 1 1 private
r 0 1
u 0 1
m 1 2 2 private
r 1 2
u 1 2
m 0 3 3 private
r 1 3
END

# What is printed stands in two files, each time behind a line with its
# command; so one awk looks at all of it.
seen=$base/seen
told=$base/told

# try MOST COLUMNS ARGUMENT...: ends with a status of at most MOST.
try() {
	most=$1
	columns=$2
	shift 2
	command="COLUMNS=$columns ephmap $*"
	echo "== $most $command" >>"$seen"
	echo "== 2 $command" >>"$told"
	COLUMNS=$columns "$EPHMAP" "$@" >>"$seen" 2>>"$told" </dev/null
	status=$?
	expect "expected a status of at most $most" [ "$status" -le "$most" ]
}

# Prints the first command with a line that is wider, or that prints nothing
# where it must.  A word that no line holds stays whole, so that it can be
# copied.
too_wide() {
	awk 'function ends() { return !some && NR > 1 }
	    /^== [0-9] COLUMNS=/ {
		if (ends())
			exit
		command = substr($0, 6)
		some = $2 != 1
		most = $3
		sub(/.*=/, "", most)
		next
	    }
	    { some = 1 }
	    length > most + 0 && NF > 1 { some = 0; line = ": " $0; exit }
	    END { if (ends()) print command line }' "$seen" "$told"
}

# narrow COLUMNS ARGUMENT...: and prints something.
narrow() {
	try 1 "$@"
}

all() {
	for columns in 60 80 120; do
		narrow $columns "$@"
	done
}

for what in designs policies shootdowns machines tlbs workloads scenarios \
    bugs claims; do
	all list $what
done
all --help
all trace --help
all run --design sf_buf.lru t.txt
all run --design sf_buf.lru --time --cpus 3 t.txt
all run --design sf_buf.cpumask --nbufs 1 --cpus 2 --log wrong.txt
all run --design sf_buf.lru --sysctl kern.ipc.nsfbufs t.txt
all compare t.txt
all compare --design sf_buf.lru,kmap_local --policy lru,sieve --nbufs 1,2 \
    --shootdown unacked-flush,acked-invlpg --machine i386-p4,amd64-zen \
    --tlb skylake,infinite --cpus 2,4 t.txt
all mrc --policy lru,opt,fifo,clock,sieve,arc --promotions t.txt
all mrc --design sf_buf.lru --events t.txt
all mrc --shards 0.5 --sizes 1,2 t.txt
all compare --design sf_buf.lru,xen.mapcache --cpus 2,4 --nbufs 1,2 \
    --policy lru,fifo --plot terminal t.txt
all mrc --policy lru,opt --plot terminal t.txt
all trace info t.txt
all trace import --from help
all claims 8
all claims 8 --explain
# Without a scenario it tries ten, each with an estimate of its schedules: long.
[ "${3:-}" != long ] || all explore --design sf_buf.lru --cpus 2 --budget 100
for scenario in same-page shared-use wired-page; do
	all explore --design sf_buf.lru --cpus 2 --budget 9 --scenario $scenario
done
all explore --design sf_buf.accessed --cpus 6 --budget 20 --scenario copy
all explore --bug mbuf-2001-decrement-then-cmpset
for columns in 60 80; do
	rm -f s.db
	narrow $columns sweep --trace t.txt --design sf_buf.lru,dmap --cpus 2,3 \
	    --nbufs 1,2 --policy lru,fifo --seed 1,2 -o s.db
done
all query s.db
all query s.db --runs
all query s.db --sql 'SELECT * FROM result LIMIT 3'
echo 'invlpg_local = 9999' >costs
accepts sweep --trace t.txt --design sf_buf.lru,kmap --cpus 2 --nbufs 1,2 \
    --policy lru --costs costs -o r.db
all diff s.db r.db

# Every option of every command, but of those whose output is a file's:
# calibrate writes an .ini, and score a line of JSON for programs.
cat >forms <<'END'
list designs --timeline --format table
run --design sf_buf.lru --policy s3fifo --policy-params small=0.2 --shootdown acked-invlpg --machine i386-p4 --tlb skylake --cpus 3 --nbufs 2 --seed 2 --touch write --flags private,nowait --trace t.txt --format table
run --design sf_buf.lru --executor threads --violations 1 t.txt
run --design sf_buf.lru --hold 1r --warmup 1 --interval 1 --plot terminal --costs costs --cpu-of robin t.txt
run --design sf_buf.lru --rate 1000 --hold 1ms --log h.txt
run --design sf_buf.lru --time --load open --log t.txt
run --design sf_buf.lru --time --think 5 --workload sendfile:conns=2,files=2
run --design sf_buf.lru --sysctl kern.ipc.nsfbufs --plugin second.so t.txt
run --design sf_buf.lru --timeline w.pftrace --log-format text t.txt
compare --all --cpus 2 --plot terminal --seed 2 --touch none --flags shared t.txt
compare --design sf_buf.lru --beside flushes t.txt
compare --design sf_buf.lru --policy second,lru --plugin second.so --hold 1r --warmup 1 --interval 2 --cpu-of hash --rate 5 --executor lockstep h.txt
compare --design sf_buf.lru,kmap --time --load closed --think 5 --costs costs --trace t.txt --format table
compare --design sf_buf.lru,dmap --workload pipe
compare h.txt
compare --design sf_buf.lru,emap --nbufs 2 --flags shared,nowait --machine i386-p4,amd64-zen --tlb infinite --shootdown all h.txt
scale --design sf_buf.lru,dmap,kmap --policy lru --shootdown acked-invlpg --machine i386-p4 --tlb skylake --cpus 1..4 --nbufs 64 --seed 2 --touch none --hold 5 --think 5 --hits 50 --refs 3 --at 4 --flags shared --costs costs --format table
scale --design sf_buf.lru,dmap --cpus 1,2 --refs 3 --plot terminal
scale --design sf_buf.lru,dmap --cpus 1,2 --cpu-of hash --trace h.txt
sweep merge -o m.db s.db
sweep --trace r.txt --design sf_buf.lru --policy lru --shootdown acked-invlpg,batched --machine i386-p4 --tlb skylake,infinite --cpus 2 --nbufs 2 --executor lockstep --warmup 1 --rate 5 --cpu-of robin --seed 1,2 --touch read,none --hold 0,1r --flags shared,private --costs costs --plugin second.so --jobs 1 --shard 1/2 -o w.db
sweep --workload pipe --design sf_buf.lru --time --load closed --think 5 -o v.db
sweep --trace t.txt --design sf_buf.lru,xen.mapcache --policy lru --nbufs 2 --machine i386-p4 -o u.db
query s.db --where cpus=2 --format table
query s.db --runs --columns design,cell
query v.db
diff s.db r.db --where cpus=2 --tolerance 1% --format table
diff s.db v.db
report s.db --where cpus=2 --title Which? -o r.html
explore --design sf_buf.lru --shootdown acked-invlpg --scenario copy --cpus 2 --nbufs 2 --pages 2 --strategy pct --depth 2 --budget 9 --seed 3 --odds 10 --timeline w.pftrace --format table
explore --design sf_buf.cpumask --strategy bfs --seconds 1 --memory 64 --check-states --budget 50 --cpus 2 --scenario copy --ops 1 --every-state
explore --design sf_buf.lru --strategy systematic --preemptions 1 --fills 1 --weak-memory --budget 9 --timings --no-estimate --scenario copy
explore --design sf_buf.lru --repaired --executor threads --budget 3 --cpus 2
explore --plugin second.so --design sf_buf.accessed --budget 5 --scenario same-page
explore --bug parallel-sendfile-leak --repaired
mrc --policy s3fifo --policy-params small=0.2 --sizes 1,2 --promotions --interval 1 --seed 2 --warmup 1 --cpu-of robin --rate 5 --trace t.txt --format table
mrc --design sf_buf.lru --events --shootdown acked-invlpg --machine i386-p4 --tlb skylake --cpus 2 --nbufs 4 --executor lockstep --touch none --hold 1r --flags shared --costs costs t.txt
mrc --plugin second.so t.txt
mrc --policy all --shards 0.5 t.txt
mrc --policy all --plot terminal t.txt
mrc --design sf_buf.lru --events --shards 0.5 t.txt
check --plugin second.so --steps 100 --policy-params x=1
check --plugin second.so --steps 100
claims 8 --group wakeup --explain --save . --seed 2 --trace t.txt --format table
trace generate hotspot --pages 9 --refs 9 --share 20% --weight 80% --cpus 2 --seed 2 --rate 5 --to text -o g.txt
trace generate zipf --pages 9 --refs 9 --alpha 0.9 -o g.txt
trace generate phases --pages 9 --refs 9 --phases 3 -o g.txt
trace generate sendfile --pages 9 --refs 9 --hold 1ms -o g.txt
trace import calls.csv --from csv --cpu-of 0 --block 512 --split --columns time=1,id=2,size=3 --delimiter , --no-header --time-unit s --to text -o g.txt
trace import calls.csv --from csv --columns id=2 --cpu-of robin:4 -o g.txt
trace import nginx.strace --from strace --calls all --fold 2 --fold-by load -o g.txt
trace import holds.tsv --from hold-tsv --no-holds -o g.txt
trace import access.log --header auto -o g.txt
trace import table.bin --from binary --record <IQI --columns time=1,id=2,size=3 -o g.txt
trace import calls.csv --plugin second.so -o g.txt
trace info --trace t.txt --format table
trace convert --rate 5 --to text t.txt -o g.txt
trace head --refs 1 h.txt --to text -o g.txt
trace slice --skip 1 --refs 1 h.txt --to text -o g.txt
trace slice --after 1us --until 1ms h.txt --to text -o g.txt
trace sample --share 50% --seed 2 t.txt --to text -o g.txt
trace filter --cpus 0,1 --pages 5-7 t.txt --to text -o g.txt
trace merge --pages apart --cpus apart t.txt h.txt --to text -o g.txt
trace stats --interval 1 --format table t.txt
native --design sf_buf.lru --policy lru --policy-params x=1 --shootdown none --machine i386-p4 --tlb skylake --cpus 2 --nbufs 2 --others spin --seed 1 --touch read --hold 0 --flags shared --plugin second.so --format table t.txt
native --schedules --design dmap t.txt
run --design sf_buf.lru calls.csv
END
trace h.txt <<'END'
m 0 5 1
m 0 6 2
m 1 7 3
d 1000
p 0 9
r 0 1
u 0 1
END
printf 'p 0 1\np 1 2\np 0 3\n' | trace r.txt
printf '1,5,100\n2,6,9000\n2,7,0\n' >calls.csv
printf '1,5,100\nnone\n' >holds.tsv
echo '127.0.0.1 - - [01/Jul/1995:00:00:01 -0400] "GET /a HTTP/1.0" 200 9000' >access.log
echo '1 sendfile(5, 6, [0], 8192) = 8192' >nginx.strace
: >table.bin
: >flushes
for columns in 60 80; do
	rm -f [mwvu].db
	while read -r form; do
		# shellcheck disable=SC2086
		try 2 $columns $form
	done <forms
done
accepts --help
sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' "$out" >names
while read -r name; do
	# shellcheck disable=SC2086
	all help $name
done <names

# Prints an option of a command's help that no form above has.
untried() {
	awk 'FILENAME == "forms" {
		name = $1
		if (name == "trace" || $2 == "merge")
			name = name " " $2
		for (i = 2; i <= NF; i++) {
			sub(/^-o$/, "--output", $i)
			if ($i ~ /^--[a-z]/)
				tried[name, $i] = 1
		}
		next
	    }
	    /^== / { name = $5 == "help" ? $6 ($7 == "" ? "" : " " $7) : "" }
	    /^  (-., )?--/ && name !~ /^(|calibrate|score)$/ {
		option = $1 ~ /^--/ ? $1 : $2
		sub(/[^a-z-].*/, "", option)
		if (option !~ /^--(help|museum|replay|emit-tasks|sql)$/ &&
		    !((name, option) in tried)) {
			print name " " option
			exit
		}
		options++
	    }
	    END { if (options < 600) print options " options are not all" }
	    ' forms "$seen"
}
command='ephmap help, each option in a form above'
option=$(untried)
expect "expected no option without a form: $option" [ -z "$option" ]

# What a terminal leaves out, it says; nothing else goes.
COLUMNS=50
accepts compare --design sf_buf.lru,sf_buf.accessed --nbufs 1,2 t.txt
expect_out '^The same in every row: '
expect_out '^Folded to 50 columns'
expect_out 'price$'
narrow 50 compare --design sf_buf.lru,sf_buf.accessed --nbufs 1,2 t.txt
COLUMNS=120
accepts compare --design sf_buf.lru,dmap --nbufs 1,2 t.txt
expect_out 'IPI.* price$'
expect 'nothing is folded' [ "$(grep -c -e Folded -e '^The same' "$out")" -eq 0 ]

if [ "${3:-}" = long ]; then
	all explore --museum
	ln -s "$SAMPLES" "$ROOT/sim" .
	mkdir tests && mv samples tests
	mkdir bin && ln -s "$EPHMAP" bin/ephmap
	PATH=$PWD/bin:$PATH
	for columns in 60 120; do
		sed -n '/^```console$/,/^```$/s/^\$ //p' "$ROOT/README.md" \
		    "$ROOT"/doc/*.md >commands
		while read -r line; do
			case $line in
			*json* | *csv* | cat\ * | *-o\ -* | *emit-tasks*) continue ;;
			esac
			echo "== 2 COLUMNS=$columns $line" >>"$seen"
			COLUMNS=$columns sh -c "$line" >>"$seen" 2>&1 </dev/null
		done <commands
	done
fi
command=$(too_wide)
expect 'expected some output, of at most COLUMNS columns' [ -z "$command" ]
finish
