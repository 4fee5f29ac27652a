#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Make doc/strategies.md and doc/strategies.svg: how soon each strategy of
# explore finds each exhibit of the museum.  With a PROGRAM, bench_strategies,
# doc/strategies.tsv is measured anew first, by two threads: half an hour of two idle CPUs.
# Needs gnuplot.
# usage: doc/strategies.sh [PROGRAM]

set -eu
here=$(cd "$(dirname "$0")" && pwd)
tsv=$here/strategies.tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ $# -gt 0 ]; then
	nice -n 15 "$1" --jobs 2 >"$work/tsv"
	mv "$work/tsv" "$tsv"
fi

{
	cat <<'END'
# Which strategy finds what

<!-- Made by doc/strategies.sh from strategies.tsv. -->

Schedules until `explore` fails: each exhibit of the museum, each strategy.  A cell is
the median over seeds 1, 2, 3 ..., with the quartiles in brackets; "> N" is beyond the
cap of N schedules a seed.  What was found from fewer than one in eight of the first 40
seeds was not tried from the others: the cell says from how many it was.  `systematic`,
`delay` (2 preemptions or delays) and `dpor` (any number), with 1 action of a TLB, have no
seed: one number, or a dash where nothing within their bounds, or the cap, fails.  `pct`
looks for depth 3.  `depth` is the number of steps in a shortest failing schedule, by
`--strategy bfs`; a dash: not known from 2,000,000 states.  Best and worst go by median,
then by upper quartile, then by how many seeds found it.

![median schedules to the first failure](strategies.svg)

END
	awk -F '\t' '
	NR == 1 { next }
	!($1 in at) { at[$1] = ++n; exhibit[n] = $1; depth[n] = $2 }
	!($3 in have) { have[$3] = 1; s[++m] = $3 }
	{
		i = at[$1]
		cap = $4
		if (seeds < $5)
			seeds = $5
		if ($5 == 1)
			text = $8
		else if ($5 == 40 && $8 == "-")
			text = "> " cap " (" $6 " of 40)"
		else {
			for (q = 7; q <= 9; q++)
				v[q] = $q == "-" ? "> " cap : $q
			text = v[7] == v[9] ? v[8] \
			    : v[8] " (" v[7] " to " v[9] ")"
		}
		cell[i, $3] = text
		for (q = 7; q <= 9; q++)
			v[q] = $q == "-" ? 10 * cap : $q
		key[i, $3] = v[8] * 1e9 + v[9] + 1 - $6 / $5
	}
	END {
		printf "%d seeds, cap %d.\n\n| exhibit | depth |", seeds, cap
		for (j = 1; j <= m; j++)
			printf " %s |", s[j]
		printf " best | worst |\n|---|--:|"
		for (j = 1; j <= m; j++)
			printf "--:|"
		printf "---|---|\n"
		for (i = 1; i <= n; i++) {
			lo = hi = key[i, s[1]]
			for (j = 1; j <= m; j++) {
				k = key[i, s[j]]
				lo = k < lo ? k : lo
				hi = k > hi ? k : hi
			}
			best = worst = ""
			for (j = 1; j <= m; j++) {
				if (key[i, s[j]] == lo) {
					best = best (best == "" ? "" : ", ") s[j]
					won[s[j]]++
				}
				if (key[i, s[j]] == hi) {
					worst = worst (worst == "" ? "" : ", ") s[j]
					lost[s[j]]++
				}
			}
			if (lo == hi) {
				best = worst = "all alike"
				alike++
				for (j = 1; j <= m; j++) {
					won[s[j]]--
					lost[s[j]]--
				}
			}
			printf "| %s | %s |", exhibit[i], depth[i]
			for (j = 1; j <= m; j++)
				printf " %s |", cell[i, s[j]]
			printf " %s | %s |\n", best, worst
		}
		printf "\nOf %d exhibits, %d are found alike by all.  ", n, alike
		print "Of the others, each strategy is"
		printf "(ties count for each):\n\n| strategy | best | worst | not found |\n"
		printf "|---|--:|--:|--:|\n"
		for (j = 1; j <= m; j++) {
			none = 0
			for (i = 1; i <= n; i++)
				none += key[i, s[j]] >= 10 * cap * 1e9
			printf "| %s | %d | %d | %d |\n", s[j], won[s[j]],
			    lost[s[j]], none
		}
		print "\n\"Not found\": the median is beyond the cap."
	}' "$tsv"
} >"$work/md"

awk -F '\t' -v out="$work/cells" '
NR == 1 { next }
!($1 in y) { y[$1] = ++n; ticks = ticks (n > 1 ? "," : "") "\"" $1 "\" " n }
!($3 in x) { x[$3] = ++m; names = names (m > 1 ? "," : "") "\"" $3 "\" " m }
{ print x[$3], y[$1], ($8 == "-" ? "NaN" : $8) >out }
END { print "xt=\x27" names "\x27\nyt=\x27" ticks "\x27\nn=" n "\nm=" m }
' "$tsv" >"$work/ticks"
. "$work/ticks"
(cd "$work" && gnuplot) <<END
set terminal svg size 860,$((110 + 17 * n)) font 'sans,11' background 'white'
set output 'svg'
set xrange [0.5:$m.5]
set yrange [$n.5:0.5]
set xtics ($xt) nomirror out
set x2tics ($xt) out
set x2range [0.5:$m.5]
set ytics ($yt) nomirror out
set logscale cb
set cbrange [1:10000]
set cblabel 'schedules, median'
set palette defined (0 '#e8f4e8', 1 '#7fbf7b', 2 '#f1a340', 3 '#b2182b')
set label 'white: not found' at screen 0.01,0.985
unset key
plot 'cells' using 1:2:(\$1-0.5):(\$1+0.5):(\$2-0.5):(\$2+0.5):3 \
    with boxxyerror fillstyle solid noborder palette notitle
END
mv "$work/md" "$here/strategies.md"
mv "$work/svg" "$here/strategies.svg"
