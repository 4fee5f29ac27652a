#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# --log-format json: every event of a run, and no other.

. "$(dirname "$0")/lib.sh"

trace t.txt <<'END'
m 0 1 1 private
w 0 1
u 0 1
m 1 2 2
r 1 2
m 0 3 3
k 0 2
r 0 2
r 0 3
u 1 2
u 0 3
d 1000
p 1 1
END

# adds_up: the events are those that the result counts.
adds_up() {
	sed -e 's/[{}",]/ /g' -e 's/:/ /g' -e 's/  */ /g' "$out" | awk '
		/^ *event result/ {
			sub(/.* counters /, "")
			sub(/ derived .*/, "")
			for (i = 1; i < NF; i += 2)
				want[$i] = $(i + 1)
			whole = 1
			next
		}
		{ if (whole || $1 != "line") wrong = "order" }
		$4 == "pte" { n["pte_store"]++ }
		$4 == "invlpg" && $NF == "true" { n["invlpg"]++ }
		$4 == "flush" && $NF == "true" { n["flush"]++ }
		$4 == "ipi" && $NF != "hardware" { n["ipi_sent"]++ }
		$4 == "load" || $4 == "store" { n["touch"]++ }
		$4 == "sleep" || $4 == "wakeup" { n[$4]++ }
		$4 == "end" {
			for (i = 6; i < NF; i += 2)
				sum[$i] += $(i + 1)
		}
		END {
			want["invlpg"] = want["invlpg_local"] + \
			    want["invlpg_remote"]
			want["flush"] = want["flush_local"] + \
			    want["flush_remote"]
			want["touch"] = want["tlb_hit"] + want["tlb_miss"]
			for (k in n) {
				if (n[k] != want[k])
					wrong = k " " n[k] " " want[k]
			}
			for (k in sum) {
				# What comes after the last line is of none.
				if (sum[k] > want[k])
					wrong = "end " k
			}
			if (wrong != "")
				print wrong
			exit !whole || wrong != ""
		}'
}

for run in sf_buf.hash sf_buf.lru sf_buf.accessed sf_buf.cpumask kmap kvabio \
    lwbuf.pcpu linux.vm_map_ram 'sf_buf.lru --shootdown rar' \
    'sf_buf.accessed --shootdown broadcast' 'kva.qenter --shootdown latr'; do
	accepts run --design $run --nbufs 4 --log-format json t.txt
	expect_no_err
	expect "$run: events add up" adds_up
done
if command -v jq >/dev/null; then
	expect 'JSON' jq -e '.event != null' "$out"
fi

accepts run --design sf_buf.cpumask --nbufs 2 --log-format json t.txt
expect_out '^{"line":2,"event":"begin","op":"m","cpu":0,"page":1,"handle":1,"private":true}$'
expect_out '^{"line":13,"event":"begin","op":"d","ns":1000}$'
expect_out '"event":"pte","cpu":0,"va":"0x[0-9a-f]*","old":null,"new":{"frame":0,"page":1,"writable":true,"accessed":false,"modified":false,"global":false}}$'
expect_out '"event":"store","cpu":0,"va":"0x[0-9a-f]*","tlb":"miss","frame":0,"page":1}$'
expect_out '"event":"note".*"text":"miss: buffer 0'

# What hardware invalidates is said, and is no interrupt.
accepts run --design sf_buf.accessed --nbufs 1 --shootdown broadcast --log \
    t.txt
expect_out 'CPU 0: invalidates 0x[0-9a-f]*, told by hardware'
expect 'no interrupt' [ "$(grep -c 'interrupts CPU' "$out")" -eq 0 ]

# A store through a clean, outdated translation reaches the page of now.
trace again.txt <<'END'
m 1 1 1 private
r 1 1
u 1 1
m 0 2 2 private
w 1 2
u 0 2
END
accepts run --design sf_buf.cpumask --nbufs 1 --log-format json again.txt
expect_out '"event":"store",.*"tlb":"clean and outdated","frame":1,"page":2}$'
accepts run --design sf_buf.cpumask --nbufs 1 --log again.txt
expect_out 'store through a clean translation at .*walks again: frame 1'

# No entry: a fault, and the violation that explains it.
trace fault.txt <<'END'
m 0 1 1
r 1 1
END
run run --design lwbuf.pcpu-kva --log-format json fault.txt
expect_status 1
expect_out '"event":"load","cpu":1,"va":"0x[0-9a-f]*","tlb":"fault"}$'
expect_out '"event":"violation","cpu":1,"text":"page fault: CPU 1'

refuses 'no other --format' run --design dmap --log-format json --format csv \
    t.txt
refuses 'executor lockstep' run --design dmap --log-format json \
    --executor threads t.txt
refuses 'a workload has none' run --design dmap --log-format json \
    --workload pipe
refuses 'give one' run --design dmap --log-format json --timeline x t.txt
accepts run --design dmap --log-format text t.txt
expect_out '^2: m 0 1 1 private$'

finish
