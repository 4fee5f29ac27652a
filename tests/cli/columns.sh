#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Nothing that is printed for people is wider than the terminal: 80 columns,
# or COLUMNS.  With `long' as second argument also the examples of README.md
# and doc/*.md; without, readme.sh sees to those at 80.

. "$(dirname "$0")/lib.sh"

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

# narrow COLUMNS ARGUMENT...: no line is wider, and there are some.
narrow() {
	columns=$1
	shift
	command="COLUMNS=$columns ephmap $*"
	COLUMNS=$columns "$EPHMAP" "$@" >"$out" 2>"$err" </dev/null
	status=$?
	expect 'expected status 0 or 1' [ "$status" -lt 2 ]
	fits "$columns"
}

fits() {
	expect "expected lines of at most $1 columns: $(awk -v c="$1" \
	    'length > c { print; exit }' "$out")" \
	    awk -v c="$1" 'length > c { exit 1 } END { exit NR == 0 }' "$out"
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
all explore --design sf_buf.lru --cpus 2 --budget 100
all explore --design sf_buf.accessed --cpus 6 --budget 20
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

# What a terminal leaves out, it says; nothing else goes.
narrow 50 compare --design sf_buf.lru,sf_buf.accessed --nbufs 1,2 t.txt
expect_out '^The same in every row: '
expect_out '^Folded to 50 columns'
expect_out 'price$'
narrow 120 compare --design sf_buf.lru,dmap --nbufs 1,2 t.txt
expect_out 'IPI.* price$'
expect 'nothing is folded' [ "$(grep -c -e Folded -e '^The same' "$out")" -eq 0 ]

if [ "${2:-}" = long ]; then
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
			command="COLUMNS=$columns $line"
			COLUMNS=$columns sh -c "$line" >"$out" 2>"$err" </dev/null
			status=$?
			[ ! -s "$out" ] || fits $columns
		done <commands
	done
fi
finish
