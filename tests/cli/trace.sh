#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap trace': output files appear whole or not at all, and what goes
# through the forms comes out the same.

. "$(dirname "$0")/lib.sh"

for c in generate import info convert; do
	accepts trace $c --help
	expect_out "^usage: ephmap trace $c"
done
refuses 'did you mean' trace inof t.txt

# Text to binary and back is the same text.
trace t.txt <<'END'
m 0 18446744073709551615 7 private nowait
k 1 7
w 0 7
d 123456789012
u 0 7
p 1023 0
END
accepts trace convert t.txt -o t.ept
accepts trace convert t.ept -o back.txt
expect 'text, binary, text' cmp -s t.txt back.txt
accepts run --design sf_buf.accessed --format csv t.txt
sed 's/t\.txt/T/' "$out" >"$base/first"
accepts run --design sf_buf.accessed --format csv t.ept
sed 's/t\.ept/T/' "$out" >"$base/second"
expect 'both forms give the same counts' cmp -s "$base/first" "$base/second"

# The same options, the same trace; another seed, another trace.
for kind in zipf scan loop uniform hotspot phases zipf-scan zipf-loop latest \
    sendfile; do
	accepts trace generate $kind --pages 50 --refs 500 --cpus 3 -o a.ept
	accepts trace generate $kind --pages 50 --refs 500 --cpus 3 -o b.ept
	expect "$kind: the same again" cmp -s a.ept b.ept
	accepts trace generate $kind --pages 50 --refs 500 --cpus 3 --seed 2 -o b.ept
	expect "$kind: another seed is another trace" \
	    sh -c '! cmp -s a.ept b.ept'
	accepts trace info --format json a.ept
	expect_out '"references": 500'
	expect_out '"cpus": 3'
done

# Bad numbers.
for bad in 10xx 0 -1 99999999999999999999 ''; do
	refuses '--pages: expected' trace generate zipf --pages "$bad" --refs 10 -o n.ept
	refuses '--refs: expected' trace generate zipf --pages 10 --refs "$bad" -o n.ept
done
refuses '--alpha' trace generate zipf --pages 10 --refs 10 --alpha x -o n.ept

# Places that cannot be written to, and a disk that fills up.
mkdir folder
refuses 'folder' trace generate loop --pages 10 --refs 10 -o folder
refuses 'none/n.ept' trace generate loop --pages 10 --refs 10 -o none/n.ept
refuses 'given twice' trace generate loop --pages 10 --refs 10 -o n.ept -o m.ept
expect 'nothing was put into the folder' [ -z "$(ls -A folder)" ]
(
	ulimit -f 16
	trap '' XFSZ
	refuses 'n.ept: .*File too large' \
	    trace generate uniform --pages 1000000 --refs 200000 -o n.ept
	[ "$failures" -eq 0 ]
) || failures=$((failures + 1))
cp a.ept kept.ept
(
	ulimit -f 16
	refuses 'a.ept: .*File too large' \
	    trace generate uniform --pages 1000000 --refs 200000 -o a.ept
	[ "$failures" -eq 0 ]
) || failures=$((failures + 1))
expect 'a file that was there before is as it was' cmp -s a.ept kept.ept

# A bad log leaves no trace behind.
printf '0\t0\t28325\tsendfile\t0\t0\t3985\t3985\t11604\t59188\njunk\n' >log.tsv
refuses 'log.tsv:2' trace import --from sendfile-tsv log.tsv -o n.ept
: >empty
refuses 'empty' trace import --from sendfile-tsv empty -o n.ept
refuses 'empty' trace info empty
refuses 'folder' trace import folder -o n.ept
refuses 'unknown name\|did you mean' trace import --from sendfile_tsv log.tsv -o n.ept

# Two tasks, each holds a mapping and sleeps for a second: a kernel would stand
# still, and lines that nest say so; two tasks of one CPU, whose lines do not,
# are fine, and so is a sleeper whom another CPU wakes.
trace nested.txt <<'END'
m 0 1 1
m 1 2 2
m 0 3 3
m 1 4 4
r 0 3
r 1 4
u 0 3
u 1 4
u 0 1
u 1 2
END
run run --design kmap --nbufs 2 nested.txt
expect_status 0
expect_err 'warning: maps slept until their own thread unmapped .*: kmap 1$'
accepts run --design kmap --nbufs 4 nested.txt
expect_no_err
trace tasks.txt <<'END'
m 0 1 1
m 0 3 3
u 0 1
u 0 3
m 0 1 1
m 0 3 3
u 0 3
u 0 1
END
accepts run --design kmap --nbufs 1 tasks.txt
expect_no_err
trace other.txt <<'END'
m 1 2 2
m 0 3 3
u 0 3
u 1 2
END
accepts run --design kmap --nbufs 1 other.txt
expect_no_err

finish
