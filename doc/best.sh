#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The table of doc/best.md: ephmap.best against every design whose mappings are
# good on any CPU, on the samples, a loop, and with EPHMAP_TRACES OLTP and
# sprite.  With BEFORE, an older ephmap, also what that one's ephmap.best did.
# A quarter of an hour.
# usage: doc/best.sh [EPHMAP [BEFORE]]

set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
ephmap=${1:-ephmap}
before=${2:-$ephmap}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CPUS=${CPUS:-2 8 64}
NBUFS=${NBUFS:-64 512 2048 8192}

# Good on any CPU, but what maps nothing; these two keep more than one page for
# each buffer and get as many fewer.
field=$("$ephmap" list designs --format csv | awk -F, '
    /,(all|mask),/ && !/^(dmap|lwbuf.dmap|ephmap.best|netbsd.ubc|xtensa.kmap),/ {
	printf "%s%s", sep, $1; sep = "," }')

runs() { # EPHMAP DESIGN,... TRACE CPUS NBUFS TLB
	"$1" compare --design "$2" --cpus "$4" --nbufs "$5" --tlb "$6" \
	    --format csv "$3" 2>/dev/null || [ $? -eq 1 ]
}

row() { # NAME TRACE CPUS NBUFS
	runs "$ephmap" "ephmap.best,$field" "$2" "$3" "$4" skylake >"$work/all"
	runs "$ephmap" netbsd.ubc "$2" "$3" $(($4 / 2)) skylake >>"$work/all"
	runs "$ephmap" xtensa.kmap "$2" "$3" $(($4 / 4)) skylake >>"$work/all"
	runs "$ephmap" ephmap.best,sf_buf.accessed "$2" "$3" "$4" infinite \
	    >"$work/now"
	runs "$before" ephmap.best,sf_buf.accessed "$2" "$3" "$4" infinite \
	    >"$work/before"
	awk -F, -v what="$1 | $3 | $4" '
	FNR == 1 { file++ }
	$1 == "design" { for (i = 1; i <= NF; i++) at[$i] = i; next }
	file > 1 { lost[file] += $at["tlb_miss"] * \
	    ($1 == "ephmap.best" ? 1 : -1) }
	file == 3 && $1 == "ephmap.best" { was = $at["ipi_sent"] }
	file > 1 || $at["violations_total"] != 0 || $at["map_calls"] == "" { next }
	{
		ipi = $at["ipi_sent"]
		inv = $at["invlpg_local"] + $at["invlpg_remote"] + \
		    $at["flush_local"] + $at["flush_remote"]
	}
	$1 == "ephmap.best" { bipi = ipi; binv = inv; next }
	leastipi == "" || ipi < leastipi { leastipi = ipi }
	leastinv == "" || inv < leastinv { leastinv = inv }
	END {
		printf "| %s | %d | %d | %d | %d | %d | %d | %d |%s\n",
		    what, bipi, was, leastipi, binv, leastinv, lost[2], lost[3],
		    bipi <= leastipi && binv <= leastinv ? "" : " loses"
	}' "$work/all" "$work/now" "$work/before"
}

study() { # NAME TRACE CPUS
	for nbufs in $NBUFS; do
		row "$1" "$2" "$3" "$nbufs"
	done
}

echo '| trace | CPUs | buffers | IPI | before | others | inv | others | lost | before |'
echo '|---|---|---|---|---|---|---|---|---|---|'
for cpus in $CPUS; do
	study nginx "$here/tests/samples/nginx-nasa.ept" "$cpus"
	"$ephmap" trace generate loop --pages 2000 --refs 50000 --cpus "$cpus" \
	    -o "$work/loop.ept" 2>/dev/null
	study loop "$work/loop.ept" "$cpus"
	[ -n "${EPHMAP_TRACES:-}" ] || continue
	"$ephmap" trace import --cpu-of "random:$cpus" -o "$work/all.ept" \
	    "$EPHMAP_TRACES/public/arc/OLTP.lis.zst" 2>/dev/null
	"$ephmap" trace head --refs 100000 "$work/all.ept" -o "$work/oltp.ept" \
	    2>/dev/null
	study OLTP "$work/oltp.ept" "$cpus"
	"$ephmap" trace import --cpu-of "robin:$cpus" -o "$work/sprite.ept" \
	    "$EPHMAP_TRACES/public/lirs/sprite.trace.gz" 2>/dev/null
	study sprite "$work/sprite.ept" "$cpus"
done
for cpus in $CPUS; do
	# Up to 6,211 are held at once: openbsd.pseg would sleep for minutes.
	field=$(echo "$field" | sed 's/,openbsd.pseg//')
	row hold "$here/tests/samples/nginx-hold.ept" "$cpus" 8192
done
