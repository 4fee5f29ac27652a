#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Policies from outside.  The second argument is examples/second.c, built, the
# third a design's plug-in, the fourth another policy.

. "$(dirname "$0")/lib.sh"
ln -s "$2" second.so || exit 2
ln -s "$3" once.so || exit 2
ln -s "$4" third.so || exit 2

accepts trace generate zipf --pages 300 --refs 5000 --cpus 2 -o z.ept
accepts check --plugin second.so --steps 500
expect_out '^second: 16 cases of 500 steps, every rule kept$'
run check --plugin second.so --policy-params depth=2
expect_status 1
expect_out 'has no parameters, got "depth"'
refuses 'a design and no policy; `ephmap explore' check --plugin once.so
refuses 'expected --plugin' check
refuses 'neither ephmap_plugin, a design, nor ephmap_policy' \
    run --plugin "$(ldd "$EPHMAP" | sed -n 's/.*=> \(.*libz[^ ]*\) .*/\1/p' | head -n 1)" z.ept

# It is the policy of a run, and stands beside others by its name.
accepts run --plugin second.so --design sf_buf.accessed --nbufs 50 z.ept --format json
expect_value policy '"second"'
ipi=$(value ipi_sent)
accepts compare --plugin second.so --design sf_buf.accessed --policy lru,second,arc \
    --nbufs 50 --format csv z.ept
expect 'three policies' [ "$(wc -l <"$out")" -eq 4 ]
expect_out '^sf_buf.accessed,second,'
accepts mrc --plugin second.so --sizes 50 --format csv z.ept
expect_out '^second,50,'
expect_out '^opt,50,'
accepts sweep --plugin second.so --trace z.ept --design sf_buf.lru \
    --policy lru,second --nbufs 50 -o s.db
expect_out ' 2 run now'
# Second chance by another name: CLOCK misses as often.
accepts mrc --plugin second.so --policy second,clock --sizes 20,50 --format csv z.ept
expect 'as CLOCK' [ "$(sed -n 's/^second,//p' "$out")" = "$(sed -n 's/^clock,//p' "$out")" ]

# A score is one line, the same each time.
accepts score --plugin second.so --nbufs 50 z.ept
expect_out '^{"policy": "second", "ok": true, "runs": 1, "references": 5000, '
expect_out "\"ipi\": $ipi,"
expect_out '"explored": [1-9]'
cp "$out" "$base/first"
accepts score --plugin second.so --nbufs 50 z.ept
expect 'the same line' cmp -s "$out" "$base/first"
accepts score --plugin second.so --explore 0 --nbufs 50 z.ept
expect_out '"explored": 0}$'
accepts explore --plugin second.so --design sf_buf.accessed --scenario same-page --budget 50
expect_out 'no failure'
refuses 'expected --design too' explore --plugin second.so --scenario same-page
refuses 'leave out --design' explore --plugin once.so --design sf_buf.lru
refuses 'expected --plugin' score z.ept
refuses 'did you mean sf_buf.accessed' score --plugin second.so --design sf_buf.acessed z.ept
refuses 'exports ephmap_policy' score --plugin once.so z.ept

# Several stand beside each other, policies and designs.
accepts check --plugin second.so --plugin third.so --steps 100
expect_out '^second: 16 cases'
expect_out '^third: 16 cases'
accepts mrc --plugin second.so --plugin third.so --sizes 50 --format csv z.ept
expect 'both, lru and the bound' \
    [ "$(cut -d, -f1 "$out" | tr '\n' ' ')" = 'policy second third lru opt ' ]
accepts compare --plugin second.so --plugin third.so --plugin once.so \
    --design sf_buf.accessed,test.once --nbufs 50 --format csv z.ept
expect 'two policies of one design, and the other' \
    [ "$(cut -d, -f1,2 "$out" | sort | tr '\n' ' ')" = \
    'design,policy sf_buf.accessed,second sf_buf.accessed,third test.once, ' ]
accepts run --plugin once.so --plugin third.so --design sf_buf.lru --nbufs 50 \
    z.ept --format json
expect_value policy '"third"'
expect_out '"plugin": "once.so,third.so"'
printf 'plugin = second.so\nplugin = third.so\ndesign = sf_buf.lru\n' >study
accepts sweep study --trace z.ept --nbufs 50 -o two.db
expect_out ' 2 run now'
accepts sweep study --trace z.ept --nbufs 50 -o two.db
expect_out ' 0 run now'
accepts sweep study --trace z.ept --nbufs 50 --emit-tasks 1 -o two.db
expect_out ' --plugin=second.so --plugin=third.so '
refuses 'policy second is a plug-in' run --plugin second.so \
    --plugin ./second.so --design sf_buf.lru z.ept
refuses 'design test.once is a plug-in' run --plugin once.so \
    --plugin ./once.so z.ept
refuses 'expected one value, got "second,third"' run --plugin second.so \
    --plugin third.so --design sf_buf.lru z.ept
refuses 'expected one file that exports' score --plugin second.so \
    --plugin third.so z.ept
refuses 'expected one policy' check --plugin second.so --plugin third.so \
    --policy-params a=1
refuses 'one design, one policy or one of each' explore --plugin second.so \
    --plugin third.so --design sf_buf.lru

finish
