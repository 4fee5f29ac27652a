#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Command lines: what is refused, and with which words.

. "$(dirname "$0")/lib.sh"

trace t.txt <<'END'
m 0 5 1
r 0 1
u 0 1
p 1 6
d 1
END

# Commands and help.
refuses 'unknown command lst; did you mean list?' lst
refuses 'unknown command version; did you mean --version?' version
accepts --help
expect_out '^usage: ephmap'
accepts --version
expect_out '^ephmap [0-9]*\.[0-9]*\.[0-9]*$'
for c in list run compare; do
	accepts "$c" --help
	expect_out "^usage: ephmap $c"
	expect_no_err
done

# Help is found wherever one looks for it, within 80 columns.
accepts
expect_out '^usage: ephmap COMMAND'
cp "$out" "$base/bare"
for help in help -h --help; do
	accepts $help
	expect "ephmap $help is the help" cmp -s "$out" "$base/bare"
done
accepts -V
expect_out '^ephmap [0-9]'
accepts list
expect_out '^usage: ephmap list'
accepts trace
expect_out '^usage: ephmap trace COMMAND'
refuses 'unknown command rnu; did you mean run?' help rnu
refuses 'unknown command zzzzz; `ephmap trace --help` lists them' trace zzzzz
refuses 'ephmap trace: unknown command imprt; did you mean import?' trace imprt
refuses '--help takes no value' run --help=x

# The manual page knows every command and every option, the program no other.
man=$2
names=$(sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' "$base/bare")
expect 'there are commands' [ "$(echo "$names" | wc -l)" -ge 10 ]
printf '%s\n' "$names" >"$base/names"
while read -r c; do
	# shellcheck disable=SC2086
	COLUMNS=80 accepts help $c
	cp "$out" "$base/help"
	expect "help for $c fits 80 columns" \
	    [ "$(awk '{ if (length > n) n = length } END { print n }' "$out")" -lt 80 ]
	expect "the manual page describes $c" grep -q "^.Ss ephmap $c\$" "$man"
	for h in -h --help; do
		# shellcheck disable=SC2086
		COLUMNS=80 accepts $c $h
		expect "$c $h is the help of $c" cmp -s "$out" "$base/help"
	done
	sed -n 's/^  \(-., \)*--\([a-z-]*\).*/\2/p' "$base/help" | grep -vx help |
	    sort >"$base/options"
	sed -n "/^.Ss ephmap $c\$/,/^.S[sh]/s/^.It \(Fl [a-z] , \)*Fl -\([a-z-]*\).*/\2/p" \
	    "$man" | sort >"$base/described"
	expect "the manual page describes the options of $c" \
	    cmp -s "$base/options" "$base/described"
done <"$base/names"

# mandoc has nothing to say, but that pages are not installed, and that names
# of systems in the text of options have macros.
if command -v mandoc >/dev/null 2>&1; then
	command='mandoc -Tlint'
	mandoc -Tlint "$man" "$ROOT"/sim/man/*.[1-9] >"$out" 2>&1
	status=0
	expect 'clean manual pages' \
	    [ "$(grep -vc -e 'referenced manual not found' -e 'mandoc.db' -e 'OS macro' "$out")" -eq 0 ]
else
	echo "skipped: there is no mandoc"
fi

# What the shells read is what they can parse, and has every command.
for shell in bash zsh fish; do
	case $shell in
	zsh) file=$(dirname "$man")/_ephmap ;;
	*) file=$(dirname "$man")/ephmap.$shell ;;
	esac
	expect "completion of $shell" grep -q 'import' "$file"
	if command -v $shell >/dev/null 2>&1; then
		expect "$shell parses it" $shell -n "$file"
	else
		echo "skipped: there is no $shell"
	fi
done
if command -v bash >/dev/null 2>&1; then
	command='completion in bash'
	bash -c '. "$1"; COMP_WORDS=(ephmap run --touch w); COMP_CWORD=3
	    _ephmap; echo "${COMPREPLY[@]}"' - "$(dirname "$man")/ephmap.bash" \
	    >"$out" 2>"$err"
	expect_out '^write$'
fi

# Names, with the nearest known one.
refuses 'unknown design "sf_buf.accesed"; did you mean sf_buf.accessed?' \
    run --design sf_buf.accesed t.txt
refuses 'did you mean sf_buf.accessed?' run --design accessed t.txt
refuses 'unknown design "a\\nb"' run --design "$(printf 'a\nb')" t.txt
refuses 'unknown name a\\x1bb; expected one of none, read, write' \
    run --design dmap --touch "$(printf 'a\033b')" t.txt
refuses '.none.ept' claims --trace none.ept 1
refuses 'unknown design "zzzzzz"; `ephmap list designs`' \
    run --design zzzzzz t.txt
refuses 'unknown machine "amd64-skylakee"; did you mean amd64-skylake?' \
    run --design dmap --machine amd64-skylakee t.txt
refuses 'unknown tlb "infinit"; did you mean infinite?' \
    run --design dmap --tlb infinit t.txt
refuses 'unknown policy "lur"; did you mean lru?' \
    run --design sf_buf.lru --policy lur t.txt
refuses 'unknown shootdown' run --design dmap --shootdown zzz t.txt
refuses 'unknown option --tuch; did you mean --touch?' \
    run --design dmap --tuch read t.txt
refuses 'expected one of none, read, write' run --design dmap --touch x t.txt
refuses 'unknown name raed; did you mean read? expected one of none, read, ' \
    run --design dmap --touch raed t.txt
refuses 'unknown parameter of pipe "mod"; did you mean mode? (it has mode, ' \
    run --design dmap --workload pipe:mod=kmem
refuses 'expected one of table, csv, json' run --design dmap --format x t.txt
refuses 'expected one of lockstep' run --design dmap --executor x t.txt
refuses 'unknown list "design"; did you mean designs' list design

# Numbers, which have one form everywhere.
accepts run --design sf_buf.lru --nbufs 2K --format json t.txt
expect_value nbufs 2048
accepts run --design sf_buf.lru --nbufs 50% --format json t.txt
expect_value nbufs 1
accepts compare --design sf_buf.lru --nbufs 1,100%,0.5,1M --format csv t.txt
expect 'a run for each number of buffers, 1 being half of 2 pages' \
    [ "$(wc -l <"$out")" -eq 4 ]
# A range is doublings, and brings nothing twice.
cat >ranges <<'EOF'
1..8 1 2 4 8
8,1..8 8 1 2 4
1..6,3 1 2 4 6 3
64..1K 64 128 256 512 1024
50%..100% 1 2
1..100% 1 2
EOF
# column N: of the comma-separated values, in a line.
column() {
	awk -F, -v n="$1" 'NR > 1 { printf "%s%s", sep, $n; sep = " " }' "$out"
}
while read -r range numbers; do
	accepts compare --design sf_buf.lru --nbufs "$range" --format csv t.txt
	expect "--nbufs $range is $numbers" \
	    [ "$(column 8)" = "$numbers" ]
	accepts mrc --policy lru --sizes "$range" --format csv t.txt
	expect "--sizes $range is $numbers" \
	    [ "$(column 2)" = "$numbers" ]
	case $range in
	*%*) continue ;;
	esac
	accepts compare --design dmap --cpus "$range" --format csv t.txt
	expect "--cpus $range is $numbers" \
	    [ "$(column 7)" = "$numbers" ]
done <ranges
accepts compare --design sf_buf.lru --nbufs 1..4 --workload ptrace --format csv
expect 'of a workload too' [ "$(wc -l <"$out")" -eq 4 ]
for bad in 0..4 4..1 ..4 1.. 1..2..3 1..x; do
	refuses '--nbufs: expected' compare --design dmap --nbufs "$bad" t.txt
	refuses '--sizes: expected' mrc --sizes "$bad" t.txt
	refuses '--cpus: expected' compare --design dmap --cpus "$bad" t.txt
done
refuses '--nbufs: expected' run --design sf_buf.lru --nbufs 1..4 t.txt
refuses '--cpus: expected' compare --design dmap --cpus 50% t.txt
accepts run --design dmap --seed 1K --hold 2M --violations 1K --format json t.txt
expect_value seed 1024
accepts mrc --sizes 1,1K,100% --shards 100% t.txt
expect_out '^1,024 '
refuses '--nbufs: .*needs a trace' \
    run --design sf_buf.lru --nbufs 10% --workload ptrace
for bad in 0% 101% 1.5 0.0 1%% % -1% 1e-1 .; do
	refuses '--nbufs: expected' run --design sf_buf.lru --nbufs "$bad" t.txt
	refuses '--sizes: expected' mrc --sizes "$bad" t.txt
done
refuses '--seed: expected' run --design dmap --seed 1k t.txt
refuses '--seed: expected' run --design dmap --seed 16777216T t.txt
refuses '--cpus: expected a number' compare --cpus abc,2 t.txt
for bad in 10xx 10xx 0 -1 +1 ' 1' 1.5 0x10 '' 1e3 99999999999999999999; do
	refuses '--nbufs: expected' run --design sf_buf.lru --nbufs "$bad" t.txt
	refuses '--cpus: expected' run --design sf_buf.lru --cpus "$bad" t.txt
done
refuses '--cpus: expected a number from 1 to 1024, got "1025"' \
    run --design dmap --cpus 1025 t.txt
refuses '--seed: expected a number' run --design dmap --seed 1x t.txt
refuses '--hold: expected a number' run --design dmap --hold -1 t.txt
refuses '--violations: expected a number' \
    run --design dmap --violations x t.txt
refuses 'from-memory:SIZE' run --design sf_buf.lru --nbufs from-memory:12 t.txt
refuses 'from-memory:SIZE' run --design sf_buf.lru --nbufs from-memory:xM t.txt

# Twice, missing, contradicting.
refuses '--design is given twice' run --design dmap --design dmap t.txt
refuses '--seed is given twice' run --design dmap --seed 1 --seed=1 t.txt
refuses '--design is missing' run t.txt
refuses 'a trace is missing' run --design dmap
refuses 'the trace is given twice' run --design dmap --trace t.txt t.txt
refuses 'unexpected operand' run --design dmap t.txt t.txt
refuses '--all and --design exclude each other' \
    compare --all --design dmap t.txt
refuses 'expected one value' run --design dmap,sf_buf.lru t.txt
refuses 'expected one value' run --design sf_buf.lru --nbufs 1,2 t.txt
refuses 'dmap is given twice' compare --design dmap,dmap t.txt
refuses 'both sides of a comma' compare --nbufs 1,,2 t.txt
refuses 'two flags of one kind' run --design dmap --flags shared,private t.txt
refuses 'two flags of one kind' run --design dmap --flags nowait,catch t.txt
refuses 'given twice' run --design dmap --flags private,private t.txt
refuses 'expected shared or private' run --design dmap --flags x t.txt

# Options stand before or after the operand, and --trace is the operand.
accepts run t.txt --design dmap --format json
cp "$out" "$base/first"
accepts run --format json --design dmap t.txt
expect 'options after the operand mean the same' cmp -s "$out" "$base/first"
accepts run --design=dmap --trace=t.txt --format=json
expect '--trace means the same as the operand' cmp -s "$out" "$base/first"

finish
