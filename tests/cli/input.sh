#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What commands take as a trace: standard input, and logs as they are.

. "$(dirname "$0")/lib.sh"

mkdir "$base/tmp"
TMPDIR=$base/tmp
export TMPDIR

# runs INPUT ARGUMENT...: as `run', with standard input.
runs() {
	input=$1
	shift
	command="ephmap $* <$input"
	"$EPHMAP" "$@" >"$out" 2>"$err" <"$input"
	status=$?
}

trace t.txt <<'END'
m 0 5 1
r 0 1
u 0 1
p 1 6
END
accepts trace convert t.txt -o t.ept

# Standard input, as a file and as a pipe, is what its name would be.
accepts run --design sf_buf.lru t.txt --format csv
cut -d, -f1-9,11- "$out" >"$base/named"
for form in t.txt t.ept; do
	runs $form run --design sf_buf.lru - --format csv
	expect_status 0
	cut -d, -f1-9,11- "$out" >"$base/stdin"
	expect "$form on standard input" cmp -s "$base/named" "$base/stdin"
	command="cat $form | ephmap run -"
	cat $form | "$EPHMAP" run --design sf_buf.lru --trace - --format csv |
	    cut -d, -f1-9,11- >"$base/stdin"
	expect "$form through a pipe" cmp -s "$base/named" "$base/stdin"
done
for c in 'compare --design dmap' mrc 'trace info'; do
	# shellcheck disable=SC2086
	runs t.ept $c -
	expect_status 0
done
runs t.txt trace convert - -o c.ept
expect_status 0
runs t.txt sweep --trace - --design dmap -o s.db
expect_status 0
printf 'ephmap-trace 1\nx\n' >bad
runs bad run --design dmap -
expect_status 2
expect_err '^ephmap run: -:2: '

# A log is read as it is, and that is said; it is what an import gives.
i=0
while [ $i -lt 40 ]; do
	echo "10.0.0.1 - - [01/Jul/1995:00:00:0$((i % 10)) -0400] \"GET /f$((i % 7)) HTTP/1.0\" 200 $((i * 977))"
	i=$((i + 1))
done >access.log
accepts trace import access.log -o access.ept
accepts run --design sf_buf.lru access.ept --format csv
cut -d, -f1-9,11- "$out" >"$base/imported"
accepts run --design sf_buf.lru access.log --format csv
expect_err '^ephmap run: access.log is no ephmap trace; read as clf (guessed): 39 requests, '
cut -d, -f1-9,11- "$out" >"$base/direct"
expect 'read directly and imported are the same' \
    cmp -s "$base/imported" "$base/direct"
# And with all that an import says of it.
accepts trace import access.log -o again.ept
sed "1s/: access.log: / run: access.log is no ephmap trace; read as /
    1s/\$/.  \`ephmap trace import' keeps it./
    2,\$s/^ephmap: /ephmap run: /" "$err" >"$base/said"
accepts run --design sf_buf.lru access.log
expect 'the same is said, that the clock ran backwards, too' cmp -s "$err" "$base/said"
echo '1 sendfile(5, 6, [0], 8192) = 8192' >nginx.strace
accepts trace import nginx.strace -o again.ept
sed -n '2,$s/^ephmap: /ephmap run: /p' "$err" >"$base/said"
expect 'what a log does not tell' [ -s "$base/said" ]
accepts run --design sf_buf.lru nginx.strace
sed 1d "$err" >"$base/says"
expect 'is said, too' cmp -s "$base/says" "$base/said"
accepts compare --design dmap access.log
expect_out '^access.log: '
accepts mrc --sizes 1,2 access.log
expect_err 'read as clf'
accepts sweep --trace access.log --trace access.ept --design dmap -o l.db
expect_out ' 2 of this sweep.s cells, 1 run now'
command="gzip -c access.log | ephmap run -"
gzip -c access.log | "$EPHMAP" run --design sf_buf.lru - --format csv 2>"$err" |
    cut -d, -f1-9,11- >"$base/direct"
expect 'a compressed log through a pipe' cmp -s "$base/imported" "$base/direct"
expect_err 'read as clf'
expect 'no file is left behind' [ -z "$(ls -A "$TMPDIR")" ]
# Other files, too, and as often as they are read.
echo 'invlpg_local = 9999' >costs
accepts run --design sf_buf.lru --costs costs access.ept
cp "$out" "$base/named"
command='ephmap run --costs - <costs'
"$EPHMAP" run --design sf_buf.lru --costs - access.ept <costs >"$out" 2>"$err"
expect 'prices' cmp -s "$out" "$base/named"
printf '[machine]\nlike = amd64-zen\nsummary = mine\n[costs]\ninvlpg_local = 77 assumed here\n' >m.ini
for traces in '--trace access.ept' '--trace access.ept --trace access.log'; do
	# shellcheck disable=SC2086
	command="ephmap sweep --machine - $traces"
	rm -f m.db
	cat m.ini | "$EPHMAP" sweep --machine - $traces --design dmap \
	    -o m.db >"$out" 2>"$err"
	expect_out '1 run now'
done
sed 's/77/78/' m.ini | "$EPHMAP" sweep --machine - --trace access.ept \
    --design dmap -o m.db >"$out" 2>"$err"
expect_out ' 1 run now'
accepts query m.db
cp "$out" "$base/named"
command='ephmap query - <m.db'
cat m.db | "$EPHMAP" query - >"$out" 2>"$err"
expect 'a database' cmp -s "$out" "$base/named"
cat m.db | "$EPHMAP" diff m.db - >"$out" 2>"$err"
expect_out '0 differences'
cat m.db | "$EPHMAP" report - -o - >"$out" 2>"$err"
expect_out '</html>'
head -c 3000 m.db | "$EPHMAP" query - >"$out" 2>"$err"
one_line 'ephmap query: -: '
printf 'ephmap-scenario 1\nthread 0\n\tmap 1 a\n\ttouch a\n\tunmap a\n' |
    "$EPHMAP" explore --scenario - --design dmap --budget 3 >"$out" 2>"$err"
expect_out 'no failure'
refuses 'query: -: not a file of results' query -
echo 'what is this' >none
refuses 'none:1: expected the line' run --design dmap none

finish
