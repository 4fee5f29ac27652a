#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `ephmap report': a page that stands alone.  With a second argument,
# `browser', it is also opened in Chromium, where a heading is clicked.

. "$(dirname "$0")/lib.sh"

accepts trace generate zipf --pages 500 --refs 3000 --cpus 2 -o 'a<b&c.ept'
accepts sweep --trace 'a<b&c.ept' --policy lru,sieve --nbufs 16,64,256 \
    --cpus 2,4 --design sf_buf.lru,sf_buf.accessed,dmap,kmap_atomic -o r.db
accepts report r.db --title 'Which is <best>?' -o r.html
expect_no_out
accepts report r.db --title 'Which is <best>?' -o -
expect 'standard output is the file' cmp -s "$out" r.html
expect 'the question' grep -q '<h1>Which is &lt;best&gt;?</h1>' r.html
expect 'the trace, escaped' grep -q '<h3>a&lt;b&amp;c.ept</h3>' r.html
expect 'the answer' grep -q 'The cheapest is <b>dmap 2 CPUs</b>' r.html
expect 'the break-even' grep -q 'By number of buffers, with 4 CPUs' r.html
expect 'the command' grep -q "^.*ephmap sweep .*--nbufs=16,64,256" r.html
expect 'a row for each combination' \
    [ "$(grep -c '^<tr><td' r.html)" -eq $((2 * 2 * 3 * 2 + 2 * 2)) ]
expect 'nothing is fetched' [ "$(grep -cE '(src|href)="?(http|//)|@import|url\(' r.html)" -eq 0 ]
if command -v gnuplot >/dev/null 2>&1; then
	expect 'charts' [ "$(grep -c '<svg' r.html)" -eq 4 ]
	expect 'exact values' grep -q '<title>sf_buf.lru lru, 64: [0-9.]*</title>' r.html
	# A design has its colour, a policy its marker.
	expect 'one colour' [ "$(grep -A1 '<title>sf_buf.lru [ls]' r.html |
	    sed -n "s/.*color='\\([^']*\\)'.*/\\1/p" | sort -u | wc -l)" -eq 1 ]
	expect 'one marker' [ "$(grep -A1 '<title>sf_buf.[la][a-z]* lru, [0-9]*: ' r.html |
	    sed -n "s/.*href='\\(#[^']*\\)'.*/\\1/p" | sort -u | wc -l)" -eq 1 ]
	expect 'no script of gnuplot' [ "$(grep -c onmousemove r.html)" -eq 0 ]
fi
accepts report r.db --where 'cpus = 2' -o two.html
expect 'only those' [ "$(grep -c '^<tr><td' two.html)" -eq 14 ]
refuses 'expected -o FILE.html' report r.db
refuses 'no/such' report r.db -o no/such/r.html
cp r.db copy.db
ln -s r.db link.db
refuses 'link.db is what is read, and would be lost' report r.db -o link.db
refuses 'r.db is what is read, and would be lost' report link.db -o r.db
expect 'the results are there' cmp -s r.db copy.db
# What is no file is not replaced by one; a symbolic link stays.
mkfifo pipe
ln -s two.html link.html
refuses 'pipe: not a regular file' report r.db -o pipe
expect 'the pipe is there' [ -p pipe ]
refuses 'dir: is a directory' report r.db -o "$base/dir"
accepts report r.db -o link.html
expect 'the link is there' [ -h link.html ]
expect 'and leads to the page' [ "$(grep -c '^<tr><td' two.html)" -gt 14 ]
refuses 'syntax error' report r.db --where 'cpus =' -o x.html
# Under clocks: how many maps a second, and where the cycles went.
expect 'no throughput without clocks' [ "$(grep -c Mmaps r.html)" -eq 0 ]
accepts sweep --trace 'a<b&c.ept' --nbufs 64 --cpus 2,4 --time --cpu-of robin \
    --design sf_buf.lru,dmap -o timed.db
accepts query timed.db
expect_out ' Mmaps/s'
accepts query timed.db --format csv
expect_out 'million_maps_per_second'
accepts report timed.db -o timed.html
expect 'a column of the throughput' grep -q '>Mmaps/s<' timed.html
if command -v gnuplot >/dev/null 2>&1; then
	for chart in 'Where the cycles went' 'Throughput by number of CPUs'; do
		expect "a chart: $chart" grep -q "$chart" timed.html
	done
	expect 'exact shares' \
	    grep -q '<title>handling IPIs, sf_buf.lru: [0-9.]*</title>' \
	    timed.html
fi
# Without gnuplot the page says what is missing.
mkdir bin
for tool in sh cat ls; do ln -s "$(command -v $tool)" bin/$tool; done
PATH=$PWD/bin accepts report r.db -o bare.html
expect_err 'no charts: .*gnuplot'
expect 'said on the page' grep -q 'The charts are missing: ' bare.html

[ "${2:-}" = browser ] || finish
browser=$(command -v chromium || command -v chromium-browser) || {
	echo "skipped: there is no Chromium"
	finish
}

# What a person would do and see, written where --dump-dom shows it.
sed 's|</body>|<script>\
const said = [];\
const log = console.error; console.error = (...a) => { said.push(a); log(...a); };\
addEventListener("error", e => said.push(e.message));\
const table = document.querySelector("table.sort");\
const heads = [...table.tHead.rows[0].cells];\
const column = name => heads.findIndex(h => h.textContent.trim() === name);\
const values = i => [...table.tBodies[0].rows].map(r => r.cells[i].dataset.v);\
const sorted = (v, f) => v.every((x, i) => i === 0 \|\| f(v[i - 1], x));\
const ipi = column("IPI"), design = column("design");\
heads[ipi].querySelector("button").click();\
const up = sorted(values(ipi), (a, b) => a - b <= 0);\
heads[ipi].querySelector("button").click();\
const down = sorted(values(ipi), (a, b) => a - b >= 0);\
heads[design].querySelector("button").click();\
const text = sorted(values(design), (a, b) => a.localeCompare(b) <= 0);\
const chart = document.querySelectorAll("figure svg")[1];\
const pieces = chart.querySelectorAll("g[id^=gnuplot_plot]").length;\
const faint = () => chart.querySelectorAll(".faint").length;\
const name = [...chart.querySelectorAll("text")].find(t => t.textContent === "sf_buf.lru sieve");\
const press = () => name.dispatchEvent(new MouseEvent("click", { bubbles: true }));\
const before = faint(); press(); const pressed = faint();\
const left = [...chart.querySelectorAll("g[id^=gnuplot_plot]:not(.faint) title")].every(t => t.textContent.startsWith("sf_buf.lru sieve,"));\
press();\
const alone = pieces >= 8 \&\& before === 0 \&\& pressed === pieces - 2 \&\& left \&\& faint() === 0;\
const marks = [...document.querySelectorAll("figure svg")].map(s => s.querySelectorAll("use, path").length);\
addEventListener("load", () => setTimeout(() => { document.body.textContent = "RESULT " + JSON.stringify({ up, down, text, alone,\
 aria: heads[design].getAttribute("aria-sort"), marks: marks.length > 0 \&\& marks.every(n => n > 20),\
 wide: document.documentElement.scrollWidth <= innerWidth,\
 requests: performance.getEntriesByType("resource").filter(r => !r.name.startsWith("data:")).length, errors: said.length }); }, 0));\
</script></body>|' r.html >clicked.html
for width in 1200 400; do
	command="chromium --window-size=$width,900"
	"$browser" --headless --no-sandbox --disable-gpu --no-first-run \
	    --user-data-dir="$base/profile" --window-size=$width,900 \
	    --dump-dom "file://$PWD/clicked.html" >"$out" 2>"$err"
	status=$?
	for fact in '"up":true' '"down":true' '"text":true' '"alone":true' '"aria":"ascending"' \
	    '"marks":true' '"wide":true' '"requests":0' '"errors":0'; do
		expect_out "RESULT .*$fact"
	done
	expect 'the console is clean' \
	    sh -c "! grep -E 'CONSOLE|Uncaught' '$err'"
done

finish
