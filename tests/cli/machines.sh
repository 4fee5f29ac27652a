#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Machines as files: those that are built in say the same as their files, and
# what is wrong in one's own is one line with file and line.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

trace t.txt <<'END'
p 0 1
p 1 2
p 0 2
END
run run --machine none.ini --design dmap t.txt
if grep -q libinih "$err"; then
	echo "built without libinih: skipped"
	exit 0
fi

accepts list machines --format json
cp "$out" list.json
for file in "$ROOT"/src/machine/profiles/*.ini; do
	name=$(basename "$file" .ini)
	expect "$name is in the list" grep -q "\"name\": \"$name\"" list.json
	accepts run --time --design sf_buf.accessed --machine "$name" t.txt \
	    --format json
	sed '/"machine"/d' "$out" >built-in
	accepts run --time --design sf_buf.accessed --machine "$file" t.txt \
	    --format json
	sed '/"machine"/d' "$out" >own
	expect "$name: the table and the file say the same" cmp -s built-in own
done
expect 'as many machines as files' [ "$(grep -c '"kva_pages"' list.json)" -eq \
    "$(find "$ROOT/src/machine/profiles" -name '*.ini' | wc -l)" ]
expect 'each price has a kind' [ "$(sed -n '/"kinds"/,/}/p' list.json |
    grep -c '": "\(measured\|published\|assumed\|fitted\)"')" -eq \
    "$(sed -n '/"costs"/,/}/p' list.json | grep -c '": [0-9]')" ]

# A machine of one's own.
cat >mine.ini <<'END'
; mine
[machine]
like = amd64-skylake
mhz = 1000
[costs]
invlpg_local = 120 measured with a loop
  of 1,000 rounds
END
accepts run --time --design lwbuf.objcache --machine mine.ini --format json t.txt
expect_value machine '"mine.ini"'
expect_out '"invlpg_local": 120'
accepts compare --design lwbuf.objcache --machine ./mine.ini,amd64-skylake t.txt
expect_out '^lwbuf.objcache  *./mine.ini '
accepts mrc --events --design sf_buf.lru --machine mine.ini t.txt

# A sweep knows its runs by what the file said.
accepts sweep --design dmap --machine mine.ini --trace t.txt -o s.db
expect_out '1 run now'
accepts sweep --design dmap --machine mine.ini --trace t.txt -o s.db
expect_out '0 run now'
accepts query s.db --format csv
expect 'its price is in nanoseconds of its clock' awk '
	{ gsub(/"[^"]*("")*[^"]*"/, ""); n = split($0, f, ",") }
	NR == 1 { for (i = 1; i <= n; i++) back[f[i]] = n - i }
	NR == 2 { price = f[n - back["ns_per_map"]]
	    exit !(price > 0 && price == f[n - back["cycles_per_map"]]) }' "$out"
sed -i 's/= 120/= 121/' mine.ini
accepts sweep --design dmap --machine mine.ini --trace t.txt -o s.db
expect_out '1 run now'

# This host, as far as it can be measured: a machine that can be used.
run calibrate -o host.ini
if grep -q 'not supported' "$err"; then
	echo "no calibration here: skipped"
else
	expect_status 0
	expect 'it says what it is' grep -q '^origin = ephmap calibrate, 20' host.ini
	expect 'an atomic takes time' \
	    grep -q '^lock_acquire = [1-9][0-9]* measured ' host.ini
	expect 'each price is there, or why not' \
	    [ "$(grep -c '^\(; \)*[a-z_]* = [0-9]* [a-z]* .\|^; [a-z_]*: .' host.ini)" -ge 12 ]
	accepts run --time --design sf_buf.lru --machine host.ini t.txt
	refuses 'none/host.ini: No such file' calibrate -o none/host.ini
fi

# wrong PATTERN: standard input is a bad machine.
wrong() {
	cat >bad.ini
	refuses "bad.ini$1" run --design dmap --machine bad.ini t.txt
}
machine='[machine]\nlike = amd64-skylake\n'
refuses 'none.ini: No such file' run --design dmap --machine none.ini t.txt
printf '' | wrong ': \[machine\] has neither "like" nor "summary"'
printf 'mhz = 4\n' | wrong ':1: expected "mhz" in a section'
printf '[cpu]\nmhz = 4\n' | wrong ':2: expected "mhz" in a section'
printf '[machine]\nlike = amd64-skylak\n' | wrong ':2: .*did you mean amd64-skylake'
printf '[machine]\nmhz = 4\nlike = dec\n' | wrong ':3: no machine'
printf '[machine]\nmhz = 4\nlike = amd64-zen\n' | wrong ':3: "like" stands before'
# shellcheck disable=SC2059
{
	printf "${machine}mhz = fast\n" | wrong ':3: mhz: expected a number'
	printf "${machine}mhz = 0\n" | wrong ':3: mhz: expected a number'
	printf "${machine}mhz = 1\nmhz = 2\n" | wrong ':4: mhz is given twice'
	printf "${machine}speed = 1\n" | wrong ':3: no key of a machine'
	printf "${machine}levels = 5\n" | wrong ':3: levels: expected a number from 2 to 4'
	printf "${machine}tlb = skylak\n" | wrong ':3: .*did you mean skylake'
	printf "${machine}kva_pages = 1025\n" | wrong ':3: kva_pages: .*power of two'
	printf "${machine}kva_base = 0x1000001\n" | wrong ':3: kva_base: .*4 MiB'
	printf "${machine}[costs]\nwalk = 1 assumed\n" | wrong ':4: .*did you mean walk_step'
	printf "${machine}[costs]\nwalk_step = 1\n" | wrong ':4: walk_step: expected cycles, one of'
	printf "${machine}[costs]\nwalk_step = -1 assumed\n" | wrong ':4: walk_step: expected a number'
	printf "${machine}[costs]\nwalk_step = 1 guessed\n" | wrong ':4: .*"guessed"'
	printf "${machine}[costs]\nwalk_step = 1 measured\n" | wrong ':4: .*not where or by whom'
	printf "${machine}[costs]\nwalk_step = 1 assumed\nwalk_step = 1 assumed\n" |
	    wrong ':5: walk_step is given twice'
	printf "${machine}nonsense\n" | wrong ':3: expected'
	printf "${machine} mhz = 5\n" | wrong ':3: like has no second line'
	printf "${machine}[costs]\ntouch = 4 assumed\n walk_step = 9 assumed\n" |
	    wrong ':5: expected more of touch, got a key'
	printf "${machine}summary = %0300d\n" 1 | wrong ':3: expected lines of text'
}
printf '[machine]\nsummary = x\nlevels = 4\ntlb = zen\nkva_base = 0x400000\nkva_pages = 1024\nmhz = 1\n' |
    wrong ': \[costs\] has no "invlpg_local"'
head -c 3000 /dev/zero | wrong ':1: expected lines of text'
finish
