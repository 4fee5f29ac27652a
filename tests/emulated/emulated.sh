#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A real kernel under emulation as a witness: Debian's i386 kernel with PAE, with
# more memory than it has addresses for, boots in qemu with a module of ours.
#
#	tests/emulated/emulated.sh EPHMAP
#
# (a) kmap(), kmap_local_page(), kmap_atomic() and vmap() of that kernel are
#     called in the order of a trace; misses, flushes and invalidations must be
#     those that ephmap counts.  vm_map_ram() has other blocks on 32 bits: its
#     flushes are compared with the number that these give.
# (b) the stores to entries, invalidations, loads and stores that
#     `ephmap run --log-format json' prints are played on page tables of that
#     machine: every design, traces that are valid and some that are not.
#
# Takes packages of Debian (as root) and leaves them under the build folder.

top=$(cd "$(dirname "$0")/../.." && pwd)
ephmap=$1
build=${EPHMAP_EMULATED_BUILD:-$top/build/emulated}
. "$top/tests/support/foreign_apt.sh"

skip() {
	echo "emulated: skipped: $*"
	exit 0
}

mkdir -p "$build" || exit 2
need qemu-system-i386 qemu-system-x86 && need jq jq && need cpio cpio &&
	need i686-linux-gnu-gcc gcc-i686-linux-gnu && need make make ||
	skip 'no qemu-system-i386, jq, cpio or compiler for i386'

# The kernel, and what a module of it is built with.
kernel() {
	[ ! -f "$build/tree/done" ] || return 0
	rm -rf "$build/packages" "$build/tree"
	mkdir -p "$build/packages" "$build/tree"
	(
		cd "$build/packages" && apt-get -qq download linux-kbuild-6.1 &&
			foreign_apt "$build/apt" i386 bookworm || exit 1
		v=$(apt-cache depends linux-image-686-pae |
			sed -n 's/.*Depends: linux-image-\([0-9.-]*\)-686-pae.*/\1/p' |
			head -n 1)
		apt-get -qq download "linux-image-$v-686-pae-unsigned" \
			"linux-headers-$v-686-pae" \
			"linux-headers-$v-common" &&
			foreign_unpack "$build/tree" ./*.deb || exit 1
		echo "include $build/tree/usr/src/linux-headers-$v-common/Makefile" \
			>"$build/tree/usr/src/linux-headers-$v-686-pae/Makefile"
		echo "$v" >"$build/tree/done"
	) >"$build/log" 2>&1
}
kernel || skip "no kernel: see $build/log"
version=$(cat "$build/tree/done")

module() {
	rm -rf "$build/module"
	mkdir -p "$build/module" "$build/root"
	cp "$top"/tests/emulated/*.c "$build/module"
	echo 'obj-m := witness.o' >"$build/module/Makefile"
	make -C "$build/tree/usr/src/linux-headers-$version-686-pae" ARCH=i386 \
		CROSS_COMPILE=i686-linux-gnu- M="$build/module" modules &&
		i686-linux-gnu-gcc -Wall -Werror -static -nostdlib \
			-ffreestanding -fno-pic -no-pie -O1 -o \
			"$build/root/init" "$build/module/init.c"
}
rm -rf "$build/root"
module >"$build/module.log" 2>&1 || {
	tail -n 5 "$build/module.log"
	echo 'emulated: the module cannot be built'
	exit 1
}
cp "$build/module/witness.ko" "$build/root"
cd "$build/root" || exit 2

# events DESIGN: a log in JSON becomes a script for the witness.  Where a CPU has
# entries of its own, its address is another slot than the others'.  A direct
# map's entry is stored when it is first used.  A TLB entry that software locks is
# played as an entry that is stored, and invalidated at once.
events() {
	own=0
	direct=0
	case $1 in
	lwbuf.pcpu-kva | mips.kmap_coherent | sun4.pplock) own=1 ;;
	dmap | lwbuf.dmap) direct=1 ;;
	esac
	jq -r 'def bit(name; n): if .[name] then n else 0 end;
	def entry: if . == null then "-" else "\(.frame):\(bit("writable"; 1) +
		bit("accessed"; 2) + bit("modified"; 4) + bit("global"; 8))"
		end;
	if .event == "pte" then ["S", .cpu, .va, (.old | entry), (.new | entry)]
	elif .event == "invlpg" then ["I", .cpu, .va]
	elif .event == "flush" then ["F", .cpu, (if .global then 1 else 0 end)]
	elif .event == "load" and .frame != null then ["L", .cpu, .va, .frame]
	elif .event == "store" and .frame != null then ["W", .cpu, .va, .frame]
	elif .event == "note" then .cpu as $cpu | .text |
		capture("^TLB entry [a-z]*: (?<va>0x[0-9a-f]+)( to frame (?<frame>[0-9]+))?") |
		["T", $cpu, .va, (if .frame then .frame + ":7" else "-" end)]
	else empty end | map(tostring) | join(" ")' |
		awk -v own=$own -v direct=$direct '
		$1 == "F" { print; next }
		{
			key = own ? $2 " " $3 : $3
			unseen = !(key in slot)
			if (unseen) { slot[key] = n++; locked[key] = "-" }
			$3 = slot[key]
		}
		$1 == "T" {
			print "S", $2, $3, locked[key], $4
			print "I", $2, $3
			locked[key] = $4
			next
		}
		direct && unseen { print "S", $2, $3, "-", $4 ":1" }
		{ print }'
}

# refs N PAGES SEED: p lines of two CPUs, a few of one CPU in a row.
refs() {
	awk -v n="$1" -v pages="$2" -v seed="$3" 'BEGIN {
		srand(seed)
		print "ephmap-trace 1"
		for (i = 0; i < n; i++)
			print "p", int(i / 7) % 2, int(rand() * rand() * pages)
	}'
}

# touches KIND: of an own page by its CPU alone, of both CPUs, or private ones.
touches() {
	awk -v kind="$1" 'BEGIN {
		srand(7)
		print "ephmap-trace 1"
		for (i = 0; i < 250; i++) {
			c = int(rand() * 2)
			print "m", c, int(rand() * rand() * 40), i, \
			    kind == "private" ? "private" : ""
			print "k", c, i
			print kind != "own" && rand() < .3 ? "w" : "r", c, i
			if (kind != "own" && rand() < .5) {
				if (kind == "both")
					print "k", 1 - c, i
				print rand() < .3 ? "w" : "r", 1 - c, i
			}
			print "u", c, i
		}
	}' | sed 's/ $//'
}

# functions NAME MODE: of the p lines on standard input.
functions() {
	awk '$1 == "p" { print "m", $2, $3, 0; print "u", $2, 0 }' >"$1.$2"
	echo "script=/$1.$2 mode=$2" >>list
}

: >list
for t in 'a 6000 1500 5' 'b 8000 700 6' 'c 3000 4000 7'; do
	set -- $t
	refs "$2" "$3" "$4" >"../$1.txt"
	functions "$1" kmap <"../$1.txt"
done
for n in 511 512 513; do
	{
		echo 'ephmap-trace 1'
		awk -v n=$n 'BEGIN { for (i = 0; i < 3000; i++)
			print "p", i % 2, i % n }'
	} >"../loop$n.txt"
	functions loop$n kmap <"../loop$n.txt"
done
# All slots held by both CPUs, and up to three maps that wait for one.
awk -v slots=512 'BEGIN {
	print "ephmap-trace 1"
	for (i = 0; i < slots; i++)
		print "m", i % 2, i, i
	for (r = 0; r < 12; r++) {
		k = 1 + r % 3
		for (j = 0; j < k; j++)
			print "m", (i + j) % 2, i + j, i + j
		for (j = 0; j < k; j++)
			print "u", (gone + r) % 2, gone++
		i += k
	}
	while (gone < i)
		print "u", gone % 2, gone++
}' >../sleep.txt
sed 1d ../sleep.txt >sleep.kmap
echo "script=/sleep.kmap mode=kmap split=1" >>list
functions a local <../a.txt
functions a atomic <../a.txt
awk 'BEGIN { print "ephmap-trace 1"
	for (i = 0; i < 60000; i++) print "p 0", i % 50 }' >../v.txt
functions v vmap <../v.txt
functions v ram <../v.txt

for kind in own both private; do
	touches $kind >../$kind.txt
done
for d in $("$ephmap" list designs --format json | jq -r '.[].name'); do
	for kind in own both private; do
		"$ephmap" run --design "$d" --nbufs 16 --log-format json \
			../$kind.txt >../log.json 2>/dev/null
		status=$?
		[ $status -le 1 ] || continue
		[ $status -eq 1 ] || [ $kind != private ] || continue
		[ $status -eq 0 ] && what=valid || what=outdated
		events "$d" <../log.json >"$d.$what.$kind"
		echo "script=/$d.$what.$kind mode=events" >>list
	done
done

# boot CPUS: the witness's lines.
boot() {
	find . | cpio -o -H newc 2>/dev/null >../root.cpio
	timeout 1500 qemu-system-i386 -cpu max -accel tcg,thread=single -m 2048 \
		-smp "$1" -display none -serial stdio -no-reboot \
		-kernel "$build/tree/boot/vmlinuz-$version-686-pae" \
		-initrd ../root.cpio -append 'console=ttyS0 loglevel=7 panic=-1 no_timer_check' \
		</dev/null >../boot.log 2>&1
	tr -d '\r' <../boot.log | sed -n 's/^\[[^]]*\] witness: //p' >../said
}

# said SCRIPT MODE WORD: the number behind it.
said() {
	sed -n "s|^$2 /$1:.* $3 \([0-9]*\).*|\1|p" ../said
}

# counted TRACE DESIGN JQ
counted() {
	"$ephmap" run --design "$2" --nbufs 512 --cpus "$cpus" --touch none \
		--format json "../$1.txt" | jq ".counters | $3"
}

failed=0
# same WHAT EXPECTED GOT
same() {
	[ "$2" = "$3" ] && return
	echo "emulated: $1: ephmap $2, kernel $3"
	failed=1
}

# flushed WHAT EXPECTED GOT: by a worker, that looks again when it has flushed,
# and finds too much once more if it was preempted.
flushed() {
	[ "${3:-0}" -eq $(($2 + 1)) ] || same "$1, flushes" "$2" "$3"
}

t0=$(date +%s)
for cpus in 2 4; do
	boot $cpus
	for t in a b c loop511 loop512 loop513; do
		same "kmap $t, misses" "$(counted $t kmap .miss)" \
			"$(said $t.kmap kmap misses)"
		same "kmap $t, flushes" \
			"$(counted $t kmap '.flush_local + .flush_remote')" \
			"$(said $t.kmap kmap flushes)"
	done
	for what in 'misses .miss' 'sleeps .sleep' \
	    'flushes .flush_local+.flush_remote'; do
		same "kmap with sleepers, ${what% *}" \
			"$(counted sleep kmap "${what#* }")" \
			"$(said sleep.kmap kmap "${what% *}")"
	done
	for m in local atomic; do
		same "kmap_$m, invlpg" "$(counted a kmap_$m .invlpg_local)" \
			"$(said a.$m $m invlpg)"
	done
	flushed vmap "$(counted v linux.vmap .flush_local)" \
		"$(said v.vmap vmap rounds)"
	# Blocks of 64 pages: one more than the limit holds.
	blocks=$((cpus == 2 ? 2 * 128 + 1 : 3 * 128 + 1))
	flushed vm_map_ram $((60000 / (64 * blocks))) "$(said v.ram ram rounds)"
	[ $cpus -eq 2 ] && cp ../said ../said.2 && cp list ../events
	grep -v '^script=/.*mode=events' list >list.4
	mv list.4 list
done

# Loads and stores of valid traces reach what ephmap says, all of them.  Of the
# others they reach what it says, or what a walk gives, as an emulator forgets
# when it likes; or, if it walked in between, what the entry was then.
[ "$(grep -c '^events' ../said.2)" -eq "$(grep -c 'mode=events' ../events)" ] || {
	echo 'emulated: not all scripts were played; see boot.log'
	failed=1
}
awk '$1 == "events" {
	for (i = 3; i < NF; i += 2) n[$i] = $(i + 1)
	scripts++
	loads += n["loads"]; writes += n["writes"]; stores += n["stores"]
	invlpg += n["invlpg"]; flushes += n["flushes"]
	bad = n["other"] != 0
	if ($2 ~ /\.valid\./) {
		valid++
		bad = bad || n["outdated"] + n["older"] != 0 || n["entries"] != 0 ||
		    n["accessed"] != 0 || n["modified"] != 0
	} else {
		outdated += n["outdated"]
		anew += n["walked-anew"]
		older += n["older"]
	}
	if (bad) { print "emulated: " $0; wrong = 1 }
}
END {
	printf "%d scripts, %d of them valid: %d entries stored, %d invlpg, " \
	    "%d flushes, %d loads, %d stores; outdated by ephmap %d, of them " \
	    "walked anew here %d, older here %d\n", scripts, valid, stores,
	    invlpg, flushes, loads, writes, outdated, anew, older
	exit wrong || valid == 0 || outdated <= anew
}' ../said.2 || failed=1
grep -h ': maps ' ../said.2 ../said | sort -u | sed 's/^/  /'
echo "emulated: Linux $version, $(($(date +%s) - t0)) s under emulation"
exit $failed
