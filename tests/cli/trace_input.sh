#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap trace': bad usage and bad input of each command, damaged files, what
# info prints, and logs.  The second argument is examples/importer.c, built, the
# third a design's plug-in.

. "$(dirname "$0")/lib.sh"

trace good.txt <<'END'
m 0 5 1
r 0 1
d 10
u 0 1
p 1 6
END
printf 'ephmap-trace 1\nm 0 5 1\nm 0 5 1\n' >twice.txt
printf '1 1 0 0\n2 1 0 0\n' >log.lis

# Usage.
g='trace generate'
refuses 'did you mean import' trace imprt log.lis -o new
refuses 'unknown option --aplha; did you mean --alpha' \
    $g zipf --aplha 1 --pages 1 --refs 1 -o new
refuses '--pages is given twice' $g zipf --pages 1 --pages 2 --refs 1 -o new
refuses '--cpus: expected a number from 1 to 1024' \
    $g zipf --pages 1 --refs 1 --cpus 1025 -o new
refuses '--alpha: expected a number' \
    $g zipf --pages 1 --refs 1 --alpha nan -o new
refuses '--alpha means nothing to loop' $g loop --pages 1 --refs 1 --alpha 1 -o new
refuses 'did you mean zipf' $g zpif --pages 1 --refs 1 -o new
refuses 'expected --pages N' $g zipf --refs 1 -o new
refuses 'expected -o FILE' $g zipf --pages 1 --refs 1
refuses 'is missing' $g --pages 1 --refs 1 -o new
refuses 'loop' $g zipf loop --pages 1 --refs 1 -o new
refuses 'output: expected FILE' $g zipf --pages 1 --refs 1 -o
refuses '--to: unknown name oracle' trace convert good.txt --to oracle -o new
refuses 'did you mean strace' trace import --from strcae log.lis -o new
refuses '--cpu-of: expected pid, thread, column or a CPU' \
    trace import --cpu-of 1024 log.lis -o new
refuses 'has no CPU column' trace import --cpu-of column log.lis -o new
for bad in robin robin:0 hash:1025 robin:2:1 random:2: hash:2x; do
	refuses 'robin:N, hash:N or random' \
	    trace import --cpu-of "$bad" log.lis -o new
done
refuses 'expected one FILE' trace info
refuses 'expected one FILE' trace info --trace good.txt good.txt

# Bad input.
refuses 'No such file' trace info absent
refuses 'is a directory' trace info .
refuses 'is a directory' trace convert good.txt -o .
refuses 'twice.txt:3: handle 1 is mapped already' trace info twice.txt
refuses 'twice.txt:3: ' trace convert twice.txt -o new
refuses 'not a regular file' trace convert good.txt -o /dev/null
refuses 'ephmap trace import --from arc log.lis -o log.lis.trace' \
    trace info log.lis
refuses 'No such file' trace import absent -o new
refuses 'is a trace of ephmap already' trace import good.txt -o new
tar -cf log.tar log.lis 2>/dev/null
refuses 'log.tar: is a tar archive' trace import log.tar -o new
refuses 'log.lis:1: expected a page id alone' \
    trace import --from ids log.lis -o new

# A binary file with three bytes changed, and one cut by a byte.
accepts $g zipf --pages 100 --refs 1000 --cpus 2 -o z
size=$(wc -c <z)
{
	head -c 300 z
	printf '\377\000\377'
	tail -c +304 z
} >flipped
head -c $((size - 1)) z >cut
refuses 'flipped: byte 180: block damaged' trace info flipped
refuses "cut: byte $((size - 1)): the file ends here" trace info cut

# What info prints.
accepts trace info --format json good.txt
for key in '"references": 2' '"unique_pages": 2' '"cpus": 2' \
    '"held_mean": 1.0' '"held_max": 1' '"calls": null' '"partial": null' \
    '"failed": null'; do
	expect_out "$key"
done
accepts trace info --trace good.txt --format csv
expect_out '^"good.txt",2,2,2,1,1,0,,,,,10,1,5$'
accepts trace info good.txt

# To standard output, and to another tool.
accepts trace convert good.txt -o good.bin
accepts trace convert good.bin -o -
expect 'text to standard output' cmp good.txt "$out"
accepts trace convert good.txt --to oracleGeneral -o good.oracle
expect 'a record for each reference' [ "$(wc -c <good.oracle)" -eq 48 ]
accepts $g scan --pages 2 --refs 4 -o - --to text
expect 'scan stays on a page' [ "$(tail -n +2 "$out" | tr '\n' ' ')" = \
    'p 0 0 p 0 0 p 0 1 p 0 1 ' ]

# Logs.
accepts trace import log.lis -o imported
accepts trace info --format json imported
expect_out '"calls": 2'
expect_out '"source": "arc"'
accepts trace import log.lis --cpu-of 7 --to text -o imported.txt
expect 'the CPU that was asked for' grep -q '^p 7 1$' imported.txt
accepts trace import log.lis --cpu-of robin:2 --to text -o imported.txt
expect 'CPUs in turn' grep -q '^p 1 ' imported.txt
printf 'x\n1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 9\n' \
    >web.log
accepts trace import web.log -o web
expect_err 'web.log: clf (guessed): 1 request, 1 reference to 1 page by 1 CPU; left out: 1 malformed line (first: line 1)'

# Nothing is not a result.
printf '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "HEAD / HTTP/1.0" 200 9\n' \
    >head.log
refuses 'head.log: no page reference in this log: clf (guessed); 0 requests' \
    trace import head.log -o new
printf 'ephmap-trace 1\nd 5\n' >idle.txt
for c in 'run --design dmap' compare mrc; do
	refuses 'idle.txt: no page reference (m or p line) in this trace' \
	    $c idle.txt
done

# Logs of calls.
printf '7 clone(flags=CLONE_THREAD) = 8\n7 pread64(3</a>, "x", 1, 0) = 1\n8 pread64(3</a>, "x", 1, 0) = 1\n' \
    >calls.log
refuses 'no sendfile; 2 pread64 calls on files, which --calls read would count' \
    trace import calls.log -o new
accepts trace import --calls pread,splice calls.log -o calls
expect_err '2 threads of 1 process'
accepts trace import --calls all --cpu-of thread --fold 2 --fold-by load \
    calls.log --to text -o calls.txt
expect 'threads on two CPUs' grep -q '^p 1 0$' calls.txt
refuses 'expected sendfile, read' trace import --calls write calls.log -o new
refuses 'is of --fold' trace import --fold-by load calls.log -o new

accepts trace import --from help
formats=$(cut -d ' ' -f 1 "$out")
for f in strace perf-trace truss kdump filemap clf csv; do
	expect_out "^$f "
done
# Each stands in a table of the documents.
expect 'every form is documented' [ -z "$(cut -d ' ' -f 1 "$out" |
    while read -r f; do
	grep -q "^| \`$f\` .*|.*|.*|.*|" "$SAMPLES/../../doc/formats.md" \
	    "$SAMPLES/../../doc/traces.md" || echo "$f"
    done)" ]
for f in $formats; do
	refuses 'no-such-log' trace import --from "$f" no-such-log -o new
done
refuses 'expected a LOG' trace import -o new

# nginx with and without sendfile, captured by strace and by tracepoints at
# the same time (tests/cli/servers.sh): the same pages.
for n in nginx-sendfile nginx-off; do
	for form in strace filemap; do
		accepts trace import --calls all --to text \
		    "$SAMPLES/servers/$n.$form" -o $n.$form.txt
		grep '^p' $n.$form.txt | cut -d ' ' -f 3 | sort -u >$n.$form.pages
	done
	expect "$n: strace and filemap agree" \
	    cmp $n.strace.pages $n.filemap.pages
	expect "$n: 273 pages" [ "$(wc -l <$n.strace.pages)" -eq 273 ]
done

# What a real machine invalidated, beside what designs would have.
cat >tlb.txt <<'EOF'
 bash-2071 [001] d..1.  9338.128182: tlb_flush: pages:-1 reason:flush on task switch (0)
 bash-2071 [001] d..1.  9338.2: tlb_flush: pages:3 reason:local MM shootdown (3)
 bash-2071 [001] d..1.  9338.3: tlb_flush: pages:7 reason:remote IPI send (4)
swapper 0 [000]  9338.4: tlb:tlb_flush: pages:7 reason:remote shootdown (1)
swapper 0 [002]  9340.128182: tlb:tlb_flush: pages:-1 reason:remote wrong CPU (5)
swapper 0 [002]  9340.2: tlb:tlb_flush: pages:x
EOF
accepts compare --design dmap --beside tlb.txt good.txt
expect_out 'Beside it, recorded (tlb.txt): 3 CPUs in 2.000 s'
expect_out '^invlpg  *10  '
expect_out '^flush  *1  '
expect_out '^IPI  *2  '
expect_err '1 events cannot be read'
refuses 'no event tlb:tlb_flush' compare --design dmap --beside good.txt good.txt
refuses 'under the table only' \
    compare --design dmap --format json --beside tlb.txt good.txt

# From a pipe, which cannot seek.
for f in good.txt good.bin; do
	cat $f | "$EPHMAP" trace info /dev/stdin >"$out" 2>"$err"
	expect "$f from a pipe" [ $? -eq 0 ]
done
cat log.lis | "$EPHMAP" trace import /dev/stdin -o piped 2>"$err"
expect 'a log from a pipe' cmp imported piped

# An importer from outside.
ln -s "$2" importer.so || exit 2
ln -s "$3" design.so || exit 2
printf '5 7\n15 8\n12 9\nno page\n' >pages.log
accepts trace import --plugin importer.so --cpu-of 3 --to text pages.log -o own
expect_err ': example: 3 looks, 3 references to 3 pages by 4 CPUs; left out: 1 malformed line (first: line 4)$'
expect_err 'the clock runs backwards 1 time (first: line 3)'
printf 'ephmap-trace 1\np 3 7\nd 10000\np 3 8\np 3 9\n' >expected
expect 'what it wrote' cmp -s own expected
refuses 'leave out --from' trace import --plugin importer.so --from ids log.lis -o new
refuses 'has no CPU column' \
    trace import --plugin importer.so --cpu-of column pages.log -o new
refuses 'exports no ephmap_import' \
    trace import --plugin design.so pages.log -o new
refuses 'no page reference' trace import --plugin importer.so good.txt -o new

finish
