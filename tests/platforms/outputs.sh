#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A fixed set of outputs of every command, a file each, for comparison with
# those of another build.
#
#	tests/platforms/outputs.sh EMULATOR EPHMAP FOLDER
#
# EMULATOR is a command, with its arguments as words, or empty.

emulator=$1
program=$2
into=$3
samples=$(cd "$(dirname "$0")/../samples" && pwd)
mkdir -p "$into" && cd "$into" || exit 2
COLUMNS=80
export COLUMNS

# out NAME ARGUMENT...: both streams, and the status.  What the host's own
# structures take differs with the size of a pointer.
out() {
	name=$1
	shift
	# shellcheck disable=SC2086
	$emulator "$program" "$@" >"$name.out" 2>"$name.err" </dev/null
	status=$?
	{
		grep -v 'memory_bytes' "$name.out"
		cat "$name.err"
		echo "status $status"
	} >"$name"
	rm -f "$name.out" "$name.err"
}

names() {
	# shellcheck disable=SC2086
	$emulator "$program" list "$1" --format csv </dev/null |
		sed '1d;s/,.*//'
}

for what in designs policies shootdowns machines tlbs workloads scenarios \
    bugs claims; do
	out "list-$what" list $what --format json
done

{
	echo 'ephmap-trace 1'
	i=0
	while [ $i -lt 400 ]; do
		c=$((i % 2))
		echo "m $c $((i * i % 37)) $i"
		echo "k $c $i"
		echo "r $c $i"
		[ $((i % 5)) -ne 0 ] || echo "d 1500"
		echo "u $c $i"
		i=$((i + 1))
	done
} >small.txt
for d in $(names designs); do
	out "run-$d" run --design "$d" --nbufs 16 --format json small.txt
done
for s in $(names shootdowns); do
	out "shoot-$s" compare --design sf_buf.lru,kmap,kva.qenter,lwbuf.pcpu \
		--shootdown "$s" --nbufs 16 --format json small.txt
done
for m in $(names machines); do
	out "machine-$m" run --design sf_buf.accessed --machine "$m" \
		--nbufs 16 --format json small.txt
done

for kind in zipf scan loop uniform; do
	out "generate-$kind" trace generate $kind --pages 300 --refs 6000 \
		--cpus 4 -o $kind.ept
	out "text-$kind" trace convert $kind.ept --to text -o -
	out "info-$kind" trace info $kind.ept --format json
done
out text-nasa trace convert "$samples/nginx-nasa.ept" --to text -o nasa.txt
[ ! -f nasa.txt ] || head -n 20000 nasa.txt >nasa-part.txt
rm -f nasa.txt
for p in $(names policies); do
	out "mrc-$p" mrc --policy "$p" --sizes 16,64,150 --format json zipf.ept
done
out mrc-all mrc --policy lru,opt,arc,s3fifo --format csv nasa-part.txt
out mrc-shards mrc --shards 0.1 --format json zipf.ept
out compare compare --all --nbufs 64 --format json zipf.ept
out compare-table compare --design sf_buf.lru,kvabio,dmap nasa-part.txt
out time run --design sf_buf.accessed --time --format json zipf.ept
out scale scale --cpus 1,4 --design sf_buf.lru,lwbuf.pcpu --refs 50
out log run --design sf_buf.cpumask --log-format json small.txt
for w in $(names workloads); do
	out "workload-$w" run --design sf_buf.lru --workload "$w" --format json
done
for s in $(names scenarios); do
	for d in sf_buf.accessed kmap lwbuf.pcpu; do
		out "explore-$s-$d" explore --design $d --scenario "$s" \
			--cpus 2 --budget 40 --seed 3 --format json
	done
done
for b in sf_buf-lru-unacked-flush xen-shadow-overtaken; do
	out "bug-$b" explore --bug $b --budget 300
done
out claims claims 1 --format json
out sweep sweep --trace zipf.ept --design sf_buf.lru,kvabio --nbufs 16,64 \
	-o study.db
out query query study.db --format csv
rm -f study.db
