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
scaling='compare --time --spread --cpus 1,2,4,16 --nbufs 8 --format csv t.ept'
# shellcheck disable=SC2086
accepts $scaling
cp "$out" first
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

# A comparison: the fastest first, in 80 columns.
accepts compare --time --spread --cpus 1,1024 t.ept
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

refuses 'say how --time' run --think 5 --design dmap t.ept
finish
