# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap native': the host agrees, or says why it cannot be asked.  Behind
# the label `native': it takes the host's CPUs for some seconds.

. "$(dirname "$0")/lib.sh"

run native --schedules
if [ "$status" -eq 2 ] && grep -q -e 'nothing here counts' \
    -e 'CPUs are wanted' -e 'Linux only' -e 'did not run all' "$err"; then
	echo "skipped: $(cat "$err")"
	exit 0
fi
expect "status 0" [ "$status" -eq 0 ]
# Without a row that moves, a thread that sleeps is beyond what can be told.
expect "20 schedules without a difference" \
    [ "$(grep -c -e ' +0 ' -e 'asleep .* ? ' "$out")" -eq 20 ]

{
	echo "ephmap-trace 1"
	i=0
	while [ $i -lt 300 ]; do
		echo "m 0 $((i * 7 % 40)) $i"
		echo "r 0 $i"
		echo "r 1 $i"
		echo "u 0 $i"
		i=$((i + 1))
	done
} >t.txt
run native --design sf_buf.accessed --nbufs 16 t.txt --format json
expect "status 0" [ "$status" -eq 0 ]
expect "no difference" grep -q '"difference": 0' "$out"
expect "no wrong load" grep -q '"wrong_loads": 0' "$out"

run native --design dmap t.txt
expect "a design that stores nothing is refused" [ "$status" -eq 2 ]
run native t.txt
expect "a design is asked for" [ "$status" -eq 2 ]

finish
