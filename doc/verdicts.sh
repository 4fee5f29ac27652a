#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Make doc/verdicts.md: what `explore --strategy bfs' proves or finds for every
# design in every scenario, with 2 CPUs, 2 and 3 buffers, 2 and 3 pages, and
# on the scenario's own machine.
# usage: doc/verdicts.sh [EPHMAP [DIR [FILE.md]]]
#
# Each cell is a file in DIR (verdicts.cells): what is there is not run again,
# so the command can be stopped and started.  After a change of ephmap remove
# DIR.  Cells are tried with few states first, so that the table is useful
# early; each ends at the last of VERDICTS_STATES states, at VERDICTS_MEMORY
# MiB, or after VERDICTS_SECONDS.  What is not finished then is tried with fewer
# operations a thread, the most that are finished.  VERDICTS_JOBS run at a time,
# at low priority.  VERDICTS_ONLY is a pattern of cells (grep -E).  Exits 1 where
# a design without known holes fails.

set -eu
export LC_ALL=C
: "${VERDICTS_STATES:=300000 3000000 30000000}" "${VERDICTS_ONLY:=.}"
: "${VERDICTS_MEMORY:=4000}" "${VERDICTS_JOBS:=2}" "${VERDICTS_SECONDS:=900}"
export VERDICTS_MEMORY VERDICTS_SECONDS

# A number or a text of the object in $answer.
value() {
	sed -n "s/^ *\"$1\": \"*\([^\"]*[^\",]\)\"*,*\$/\1/p" "$answer"
}

# Until so many states: DESIGN SCENARIO NBUFS PAGES FORM, into its file.
cell() {
	file=$DIR/$2,$3,$4,$5,$6 answer=$DIR/.$$ spent=$DIR/.$$.times
	if [ -s "$file" ]; then
		read -r verdict tried rest <"$file"
		[ "$verdict" = open ] && [ "$tried" -lt "$1" ] || return 0
	fi
	states=$1 design=$2 scenario=$3 nbufs=$4 pages=$5 form=$6
	set -- --strategy bfs --format json --budget "$states"
	[ "$nbufs" = - ] || set -- "$@" --nbufs "$nbufs"
	[ "$pages" = - ] || set -- "$@" --pages "$pages"
	case $form in
	repaired) set -- "$@" --repaired ;;
	ops[0-9]*) set -- "$@" --ops "${form#ops}" ;;
	esac
	status=0
	nice -n 10 "$EPHMAP" explore --design "$design" --scenario "$scenario" \
	    --memory "$VERDICTS_MEMORY" --seconds "$VERDICTS_SECONDS" "$@" >"$answer" 2>"$spent" || status=$?
	if [ "$status" -gt 1 ]; then # not a number of buffers for this design
		[ "$status" -eq 2 ] ||
			echo "verdicts.sh: $design, $scenario: exit $status" >&2
		[ "$status" -ne 2 ] || echo refused >"$file"
		rm -f "$answer"
		return 0
	fi
	times >"$spent"
	seconds=$(sed -n '2s/^\([0-9]*\)m\([0-9.]*\)s.*/\1 \2/p' "$spent" |
	    awk '{ printf "%.2f", $1 * 60 + $2 }')
	verdict=none
	[ "$(value exhausted)" = true ] || verdict=open
	[ "$status" -eq 0 ] || verdict=fails
	printf '%s %s %s %s %s %s|%s|%s\n' "$verdict" "$states" \
	    "$(value states)" "$(value frontier)" "$(value levels)" \
	    "$seconds" "$(value failure)" "$(value schedule)" >"$answer.file"
	mv "$answer.file" "$file"
	rm -f "$answer" "$spent"
}

# A cell that is not finished, with fewer operations a thread until one is.
fewer() {
	ops=$(awk -v scenario="$3" '$1 == scenario { print $4 }' "$DIR/.machines")
	while ops=$((ops - 1)) && [ "$ops" -ge 1 ]; do
		cell "$1" "$2" "$3" "$4" "$5" "ops$ops"
		read -r verdict rest <"$DIR/$2,$3,$4,$5,ops$ops"
		[ "$verdict" = open ] || break
	done
}

# DESIGN SCENARIO NBUFS PAGES of every cell; "-": as the scenario has it.
cells() {
	"$EPHMAP" list designs --format json | awk '
	    $1 == "\"name\":" { name = $2; gsub(/[",]/, "", name) }
	    $1 == "\"nbufs\"," || $1 == "\"nbufs\"" { print name }' >"$DIR/.nbufs"
	"$EPHMAP" list scenarios --format json | awk -v nbufs="$DIR/.nbufs" \
	    -v machines="$DIR/.machines" '
	    function cell(n, p) {
		if (n == own)
			n = "-"
		print design, name, has[design] ? n : "-", p == all ? "-" : p
	    }
	    BEGIN { while ((getline d <nbufs) > 0) has[d] = 1 }
	    { v = $2; gsub(/[",]/, "", v) }
	    $1 == "\"name\":" { name = v }
	    $1 == "\"nbufs\":" { own = v }
	    $1 == "\"pages\":" { all = v }
	    $1 == "\"ops\":" { print name, own, all, v >machines }
	    $1 == "]" || $1 == "]," { there = 0 }
	    there {
		design = $1
		gsub(/[",]/, "", design)
		cell(own, all)
		for (n = 2; n <= 3 && own > 0; n++)
			for (p = 2; p <= 3; p++)
				cell(n, p < all ? p : all)
	    }
	    $1 == "\"designs\":" { there = $2 == "[" }' |
	    awk '!seen[$0]++'
}

# What there is to do, in this turn: every cell as shipped; those that fail,
# with their holes repaired; those that are not finished, with fewer operations.
work() {
	while read -r design scenario nbufs pages; do
		file=$DIR/$design,$scenario,$nbufs,$pages,shipped verdict=
		[ ! -s "$file" ] || read -r verdict rest <"$file"
		case $1,$verdict in
		shipped,*) ;;
		repaired,fails) grep -q "^$design	." "$DIR/.holes" || continue ;;
		fewer,open) ;;
		*) continue ;;
		esac
		echo "$design $scenario $nbufs $pages $1"
	done <"$DIR/.cells"
}

# From the files of all cells: the document.
table() {
	since=$(find "$DIR" -name '*,shipped' -printf '%TF\n' | sort | head -n 1)
	awk -v dir="$DIR" -v since="$since" '
	    function thousands(n) {
		n += 0
		return n < 1000 ? n : thousands(int(n / 1000)) \
		    sprintf(",%03d", n % 1000)
	    }
	    # The file of a cell, into verdict, states, ...; false: none there
	    function get(form,  file, line, part, f) {
		file = dir "/" $1 "," $2 "," $3 "," $4 "," form
		if ((getline line <file) <= 0)
			return 0
		close(file)
		split(line, part, "|")
		split(part[1], f, " ")
		verdict = f[1]; states = f[3]; frontier = f[4]
		steps = f[5] + 1; seconds = f[6]
		failure = part[2]; schedule = part[3]
		return verdict != "refused"
	    }
	    function words() {
		if (verdict == "none")
			return "none"
		if (verdict == "open")
			return "not finished: frontier " thousands(frontier)
		return failure ", " steps " steps: `" schedule "`"
	    }
	    BEGIN { while ((getline d <(dir "/.nbufs")) > 0) has[d] = 1 }
	    FILENAME == ARGV[1] { own[$1] = $2; all[$1] = $3; ops[$1] = $4; next }
	    FILENAME == ARGV[2] {
		order[++n] = $1
		holes[$1] = substr($0, length($1) + 2)
		next
	    }
	    !get("shipped") { next }
	    {
		total += states
		spent += seconds
		buffers = $3 == "-" ? own[$2] : $3
		if (!($1 in has))
			buffers = "-"
		k = ops[$2]
		seen = ""
		if (verdict == "open")
			seen = "; of all " k ": " words() ", " \
			    thousands(states) " states"
		while (verdict == "open" && --k > 0 && get("ops" k)) {
			total += states
			spent += seconds
		}
		if (verdict == "open") {
			get("shipped")
			k = ops[$2]
			seen = ""
		}
		count[verdict (seen != "" ? " of fewer" : "")]++
		row = "| " $2 " | " buffers " | " ($4 == "-" ? all[$2] : $4) \
		    " | " k (seen != "" ? " of " ops[$2] : "") " | " \
		    thousands(states) " | " seconds " | " words() seen
		if (failure == "deadlock" && $2 == "copy" && buffers == 2)
			row = row "; the program'\''s own (explore.md)"
		else if (verdict == "fails" && holes[$1] == "")
			row = row "; **no hole is listed**"
		was = schedule
		if (verdict == "fails" && get("repaired") && schedule != was)
			row = row "; repaired: " words() ", " \
			    thousands(states) " states"
		rows[$1] = rows[$1] row " |\n"
	    }
	    END {
		print "# What `bfs` proves of every design\n"
		print "Made by `doc/verdicts.sh`: every design in every scenario"
		print "that it supports, on 2 CPUs, with 2 and 3 buffers (where it"
		print "has a number of them), 2 and 3 pages (where the scenario has"
		print "so many), and as the scenario has it; all its operations a"
		print "thread (K), or where that is not finished the first K of"
		print "them, the most that are; fills on, as late as can be,"
		print "renaming off, no late stores.  \"none\" is a proof (explore.md); a failure has"
		print "its shortest schedule, for `ephmap explore --replay`.  Seconds"
		print "are of one core, with those of making the machine."
		print "Measured from " since " on.  How many states there are is a"
		print "matter of the build, too (explore.md): what is proved or"
		print "fails is not.\n"
		printf "%s cells: %s none, %s fail; with fewer operations\n" \
		    "a thread %s none, %s fail; %s not finished.\n", \
		    thousands(count["none"] + count["fails"] + count["open"] + \
			count["none of fewer"] + count["fails of fewer"]), \
		    thousands(count["none"]), thousands(count["fails"]), \
		    thousands(count["none of fewer"]), \
		    thousands(count["fails of fewer"]), \
		    thousands(count["open"])
		print "\"Not finished\" claims nothing: it is the states that"
		print "were seen within a budget of states, seconds or memory.\n"
		printf "%s states, %s seconds.\n", thousands(total), \
		    thousands(int(spent))
		for (i = 1; i <= n; i++) {
			if (!(order[i] in rows))
				continue
			print "\n## " order[i] "\n"
			print (holes[order[i]] == "" ? "No hole is known.\n" : \
			    "Holes: " holes[order[i]] ".\n")
			print "| scenario | buffers | pages | K | states | s | verdict |"
			print "|---|---|---|---|---|---|---|"
			printf "%s", rows[order[i]]
		}
	    }' "$DIR/.machines" "$DIR/.holes" "$DIR/.cells"
}

EPHMAP=${1:-ephmap} DIR=${2:-verdicts.cells}
if [ "$EPHMAP" = --cell ]; then # of a run of this script
	EPHMAP=$2 DIR=$3
	shift 3
	if [ "$6" = fewer ]; then fewer "$@"; else cell "$@"; fi
	exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$DIR"
"$EPHMAP" list designs --format json | awk -F'"' '
    $2 == "name" { name = $4 }
    $2 == "holes" { print name "\t" $4 }' >"$DIR/.holes"
cells | grep -E "$VERDICTS_ONLY" >"$DIR/.cells"
for states in $VERDICTS_STATES; do
	for turn in shipped repaired fewer; do
		work "$turn" | xargs -r -L 1 -P "$VERDICTS_JOBS" \
		    "$0" --cell "$EPHMAP" "$DIR" "$states"
	done
done
table >"$DIR/.table"
mv "$DIR/.table" "${3:-$here/verdicts.md}"
! grep 'no hole is listed' "${3:-$here/verdicts.md}"
