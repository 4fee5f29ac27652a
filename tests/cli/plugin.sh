#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Designs from outside.  The second argument is plugin_once.c, built.

. "$(dirname "$0")/lib.sh"
ln -s "$2" once.so || exit 2

trace t.txt <<'END'
m 0 5 1
r 0 1
r 1 1
u 1 1
p 1 5
END

accepts run --plugin once.so t.txt --format json
expect_value design '"test.once"'
expect_value map_calls 2
expect_value miss 2
expect_value pte_store 4
expect_value stale_use 0
accepts run --plugin ./once.so --design test.once t.txt
refuses 'unknown design "test.oncee"' run --plugin once.so --design test.oncee t.txt

# In a comparison it stands beside the others.  (Some of which find the load
# on a CPU that did not ask for the address.)
run compare --plugin once.so --format csv t.txt
expect_status 1
expect_out '^test.once,'
expect_out '^dmap,'
accepts compare --plugin once.so --design dmap,test.once --format csv t.txt
expect 'a header and two runs' [ "$(wc -l <"$out")" -eq 3 ]

# What is no plug-in.
refuses 'none.so' run --plugin none.so t.txt
refuses 't.txt' run --plugin t.txt t.txt

finish
