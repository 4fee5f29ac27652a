#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Threads that wait for each other for ever: the run ends, and says who waits
# for what.  The second argument is plugin_spins.c, built.

. "$(dirname "$0")/lib.sh"
ln -s "$2" spins.so || exit 2

{
	echo 'ephmap-trace 1'
	i=0
	while [ $i -lt 20000 ]; do
		echo "p 0 $((i % 50))"
		echo "p 1 $((i % 70))"
		i=$((i + 1))
	done
} >t.txt

run run --plugin spins.so --executor threads --cpus 2 t.txt
expect_status 1
expect_err 'CPU [01] waits for an acknowledgement by CPU [01]$'
expect_err 'CPU [01] waits, interrupts off, for the lock kvalock, which CPU [01] took'
expect_err '^ephmap: watchdog: no CPU makes progress'

finish
