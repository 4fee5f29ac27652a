#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap mrc': curves, events, and what it refuses.

. "$(dirname "$0")/lib.sh"

# A loop over three pages, three times: LRU misses all below three buffers.
trace loop.txt <<'END'
m 0 1 1
u 0 1
p 0 2
p 1 3
p 0 1
m 0 2 1
m 0 3 2
u 0 1
u 0 2
p 0 1
p 0 2
p 0 3
END

accepts mrc --policy lru,opt --sizes 2,3 --format csv loop.txt
expect_no_err
expect_out '^lru,2,1,0$'
expect_out '^lru,3,0.333333333,0$'
# The bound keeps one of two pages: 1 of every 2 is found after the start.
expect_out '^opt,2,0.666666667,0$'
accepts mrc --policy lru --sizes 3 --format json loop.txt
expect_out '"policy": "lru"'
expect_out '"nbufs": 3'
expect_out '"miss_ratio": 0.33333'
accepts mrc loop.txt
expect_out 'lru *opt'
# LRU moves a page at each hit, FIFO and SIEVE never do.
accepts mrc --policy lru,fifo,sieve --sizes 3 --promotions --format csv loop.txt
expect_out '^lru,3,0.333333333,0,666.666667$'
expect_out '^fifo,3,0.333333333,0,0$'
expect_out '^sieve,3,0.333333333,0,0$'
accepts mrc --policy 2q --sizes 3 --promotions loop.txt
expect_out '2q *promotions'
accepts mrc --policy clock --sizes 3 --promotions --format json loop.txt
expect_out '"promotions": '
# looks SVG: of each line its name, its stroke, its marker.
looks() {
	awk -F "'" '
	/<g id="gnuplot_plot_/ { title = "" }
	/<path stroke=/ { stroke = $0; sub(/.*stroke=/, "", stroke); sub(/  *d=.*/, "", stroke) }
	/<title>/ && !/, [^,]*: / { next }
	/<title>/ { title = $0; sub(/.*<title>/, "", title); sub(/, [^,]*$/, "", title) }
	/<use xlink:href=/ && title != "" && !(title in seen) {
		seen[title] = 1
		print title "\t" stroke "\t" substr($2, 2)
	}' "$1"
}
accepts mrc --sizes 1,2,3 --plot terminal loop.txt
expect_out 'miss ratio'
# Each policy has a mark of its own, and the rows are where the curves are.
accepts mrc --policy all --sizes 1,2,3 --plot terminal loop.txt
sed '1,/^ *[0-9]* *|/d; 1,/^ *+--/d' "$out" | grep -o '   [^ ] [a-z0-9-]*' |
    awk '{ print $1 }' >marks
expect 'a mark for each policy' [ "$(wc -l <marks)" -ge \
    "$(($("$EPHMAP" list policies --format csv | wc -l) - 1))" ]
expect 'no mark twice' [ -z "$(sort marks | uniq -d)" ]
accepts trace generate zipf --pages 1000 --refs 1200 -o wide.ept
accepts mrc --sizes 10,20,30 --plot terminal wide.ept
expect 'no row at 0 where all is above the middle' \
    [ "$(grep -c '^ *0 |' "$out")" -eq 0 ]
if command -v gnuplot >/dev/null 2>&1; then
	accepts mrc --policy all --sizes 1,2,3 --plot curve.svg loop.txt
	expect 'a plot with the bound' grep -q '>opt *<' curve.svg
	expect 'exact values as tooltips' grep -q '<title>lru, 3: 0.3333' curve.svg
	expect 'no script' [ "$(grep -c -e script -e onmouse curve.svg)" -eq 0 ]
	# Lines are told apart: no two have colour, dash and marker in common,
	# and a piece of each, with its marker, stands at its name.
	policies=$(($("$EPHMAP" list policies --format csv | wc -l) - 1))
	looks curve.svg >looks
	expect 'a line for each policy, and the bound' \
	    [ "$(wc -l <looks)" -ge "$policies" ]
	expect 'no two look the same' \
	    [ "$(cut -f2- looks | sort | uniq -d | wc -l)" -eq 0 ]
	while IFS="$(printf '\t')" read -r name stroke marker; do
		expect "$name has its line at its name" [ "$(grep -cF \
		    "stroke=$stroke  d=" curve.svg)" -ge 2 ]
		expect "$name has its marker at its name" [ "$(grep -cF \
		    "xlink:href='#$marker'" curve.svg)" -ge 4 ]
	done <looks
	for form in png pdf; do
		accepts mrc --sizes 1,2 --plot curve.$form loop.txt
		expect "a $form" [ -s curve.$form ]
	done
else
	echo "skipped: there is no gnuplot"
fi
accepts mrc --policy 2q --policy-params kin=0.5 --sizes 2 loop.txt
# Parameters stand behind the policy's name, and lists multiply out.
accepts mrc --policy 2q:kin=0.5 --sizes 2 --format csv loop.txt
expect_out '^2q:kin=0.5,2,'
accepts mrc --policy lru,s3fifo:small=0.2/0.4,threshold=1/2,slru:segments=4 \
    --sizes 2 --format json loop.txt
expect_out '"policy": "s3fifo:small=0.4,threshold=1"'
expect_out '"policy": "slru:segments=4"'
expect '6 curves' test "$(grep -c '"policy"' "$out")" -eq 6
accepts mrc --policy s3fifo:help
expect_out '^  small=0.1  (0 to 1)$'
accepts compare --design sf_buf.lru --nbufs 2 --format csv \
    --policy 2q:kin=0.25/0.5,lru loop.txt
expect '3 runs' test "$(grep -c '^sf_buf.lru' "$out")" -eq 3
accepts run --design sf_buf.lru --policy 2q:kin=0.5 --format json loop.txt
expect_out '"policy": "2q:kin=0.5"'
expect_out '"policy_params": "kin=0.5"'
accepts mrc --shards 0.5 --sizes 2 --format json loop.txt
expect_out '"error"'

accepts mrc --design sf_buf.accessed --events --cpus 2 --sizes 2,3 \
    --format csv loop.txt
expect_out '^design,nbufs,miss_ratio'
expect_out '^sf_buf.accessed,2,1,0,'
expect_out '^sf_buf.accessed,3,0.333333333,0,'
accepts mrc --design sf_buf.accessed --policy opt --events --sizes 2 \
    --format csv loop.txt

# OPT for events: exact where every reference touches; nothing is said where
# mappings are private, or without opt.
accepts compare --design sf_buf.lru --policy opt,lru --nbufs 2 --cpus 2 loop.txt
expect_out '^  2 buffers, 2 CPUs: IPI '
bound=$(sed -n 's/^  2 buffers, 2 CPUs: IPI //p' "$out")
opt=$("$EPHMAP" run --design sf_buf.lru --policy opt --nbufs 2 --cpus 2 \
    --format json loop.txt | sed -n 's/.*"ipi_sent": \([0-9]*\).*/\1/p' | head -1)
expect 'a bound below opt' \
    awk "BEGIN { exit !($bound > 0 && $bound <= 1000 * $opt / 12 + 0.05) }"
accepts run --design sf_buf.accessed --policy opt --nbufs 2 --cpus 2 loop.txt
expect_out '^  2 buffers, 2 CPUs: IPI '
accepts compare --design sf_buf.lru --policy opt --nbufs 2 --cpus 2 \
    --flags private loop.txt
expect 'no bound' [ "$(grep -c 'CPUs: IPI' "$out")" -eq 0 ]

refuses 'sizes' mrc --sizes 0 loop.txt
refuses 'sizes' mrc --sizes 1,,2 loop.txt
refuses 'sizes' mrc --nbufs 4 loop.txt
refuses 'needs --design' mrc --events loop.txt
refuses 'needs --events' mrc --design dmap loop.txt
refuses '--tlb needs --design and --events' mrc --tlb infinite loop.txt
refuses '--hold needs --design and --events' mrc --hold 5 loop.txt
refuses 'has no number of buffers' mrc --design dmap --events loop.txt
refuses 'unknown policy' mrc --policy lur loop.txt
refuses 'unknown policy "LRU"; did you mean lru?' mrc --policy LRU loop.txt
refuses 'unknown policy "belady"; did you mean opt?' \
    mrc --policy belady loop.txt
refuses 'unknown design "sf_buf"; did you mean sf_buf.' \
    run --design sf_buf loop.txt
refuses 'given twice' mrc --policy lru,lru loop.txt
refuses 'did you mean kin?' mrc --policy lru,2q:kim=1 loop.txt
refuses 'between 0 and 1, got 7' mrc --policy 2q:kin=7 loop.txt
refuses 'expected one value' \
    run --design sf_buf.lru --policy 2q:kin=0.1/0.2 loop.txt
refuses 'svg' mrc --plot curve.gif loop.txt
refuses 'standard output' mrc --plot terminal --format json loop.txt
refuses 'kin' mrc --policy 2q --policy-params kin=7 --sizes 2 loop.txt
refuses 'expected one --policy' mrc --policy-params kin=0.5 loop.txt
refuses 'no/such' mrc --plot no/such/curve.svg --format csv \
    --sizes 3 loop.txt

# A sample that has no page, or less than one buffer, knows nothing: no
# number is printed, and it is said.
{
	echo "ephmap-trace 1"
	i=0
	while [ $i -lt 60 ]; do
		echo "p 0 $((i * i % 7))"
		i=$((i + 1))
	done
} >few.txt
accepts mrc --shards 0.001 --sizes 5,5000 --policy lru,opt --format csv few.txt
expect_out '^lru,5,,$'
expect_out '^opt,5000,,$'
expect_err 'tells nothing of 4 of 4 points'
accepts mrc --shards 0.001 --sizes 5 --policy lru --format json few.txt
expect_out '"miss_ratio": null'
accepts mrc --shards 0.001 --sizes 5 --policy lru few.txt
expect_out '^    5 .*-$'
accepts mrc --shards 0.001 --sizes 5 --policy lru --promotions few.txt
expect_out '^    5 .*- .*-$'
# A stream of one popular page among many: with the popular page in no sample
# there is no number below 16 buffers of the sample.
{
	echo "ephmap-trace 1"
	i=0
	while [ $i -lt 1000 ]; do
		echo "p 0 $((i % 2 * i))"
		i=$((i + 1))
	done
} >popular.txt
accepts mrc --shards 0.01 --sizes 50,1500 --policy lru,opt --format csv popular.txt
expect_out '^lru,50,,$'
expect_out '^opt,1500,,$'
accepts mrc --shards 0.5 --sizes 20,100 --policy lru,mru,opt --format csv popular.txt
expect_out '^lru,20,,$'
expect_out '^lru,100,0\.[0-9]*,0\.[0-9]*$'
expect_out '^mru,100,,$'
expect_err 'cannot be scaled'

# gnuplot is told to leave start-up files alone, and what it wrote is looked
# at: this one draws nothing, half a picture or a whole one.
mkdir bin
cat >bin/gnuplot <<'EOF'
#!/bin/sh
cat >/dev/null
[ "$1" = -d ] || exit 0
case $DRAWS in
whole) printf '\211PNG\r\n\032\n\0\0\0\0IEND\256\102\140\202' ;;
half) printf '\211PNG\r\n\032\n\0\0\0\015IHDR' ;;
esac
EOF
chmod +x bin/gnuplot
DRAWS=whole PATH=$PWD/bin:$PATH accepts mrc --sizes 3 --plot p.png loop.txt
expect 'a picture' [ -s p.png ]
for draws in half none; do
	DRAWS=$draws PATH=$PWD/bin:$PATH refuses 'no whole picture' \
	    mrc --sizes 3 --format csv --plot q.png loop.txt
done

finish
