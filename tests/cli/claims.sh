#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `claims': what --explain says was run is what one can type, and gives the
# numbers that it prints.

. "$(dirname "$0")/lib.sh"

ephmap() { "$EPHMAP" "$@"; }

# The commands of the last explanation, a line each.
commands() {
	sed -n '/^What was run/,/^What was measured/p' "$out" |
	    sed -e :a -e '/\\$/{N;s/ *\\\n */ /;ba' -e '}' |
	    sed -n 's/^  ephmap /ephmap /p' >"$base/commands"
}

# A number of the explanation: the row that starts so.
told() { sed -n "s/^  $1  *\([0-9,.]*\)  .*/\1/p" "$out" | tr -d ,; }

# A fact of the workload's in JSON.
fact() { sed -n "s/^ *\"$1\": \([0-9]*\).*/\1/p" "$base/fact"; }

# Every command of a claim runs.
accepts claims 8 --explain
expect_no_err
commands
expect 'nine commands' [ "$(wc -l <"$base/commands")" -eq 9 ]
while read -r line; do
	expect "runs: $line" eval "$line"
done <"$base/commands"

# And measures what is told.
accepts claims 8 --explain --seed 5
commands
line=$(grep 'by=data,procs=2' "$base/commands")
expect 'the seed is there' [ "${line#*--seed 5 }" != "$line" ]
eval "$line --format json" >"$base/fact"
expect 'there is a number' [ "$(fact bytes_moved_here)" -gt 0 ]
expect 'data moved here, as told' [ "$(fact bytes_moved_here)" = \
    "$(told 'by=data, 2 processes: data moved here')" ]

# Streams are kept, and the commands name them.
accepts claims 3 --explain
commands
accepts claims 3 --save .
while read -r line; do
	expect "runs: $line" eval "$line"
done <"$base/commands"

finish
