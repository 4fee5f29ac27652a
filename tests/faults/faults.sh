#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Each allocation, thread, open, read, write, sync, rename and mapping of every
# command fails once, in turn; the disk is full; the program is killed.
#
#	tests/faults/faults.sh PROGRAM LIBRARY [PART]...
#
# PROGRAM and LIBRARY are tests/faults/fail_alloc.c linked into the program and
# to be preloaded.  A command that met a fault ends with a status of its own
# and one line that says why, or does as it does without it; nobody is ended by
# a signal, the sanitizers of a build that has them are silent (leaks
# included), and where a file was to be written there is the old one or the
# whole new one, and nothing beside it.
#
# Parts: alloc threads libraries calls disk kill.  STEP=K tries every K-th
# fault of a command only beyond the first 200.

PROGRAM=$1 LIBRARY=$2
shift 2
parts=${*:-alloc threads libraries calls disk kill}
step=${STEP:-7}
work=$(mktemp -d)
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2
mkdir in
COLUMNS=200
export COLUMNS
export ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1
# What hangs on a stream that AddressSanitizer wraps it does not see.
echo leak:text_stream >quiet
export LSAN_OPTIONS=suppressions=$work/quiet:print_suppressions=0
failed=0
tried=0

grumble() {
	failed=$((failed + 1))
	bad=$((bad + 1))
	[ $bad -le 5 ] || return
	echo "FAILED: $*"
	sed 's/^/    /; 6q' err
}

# -- inputs -----------------------------------------------------------------

"$PROGRAM" trace generate zipf --pages 60 --refs 600 --cpus 2 \
	-o in/zipf.ept || exit 2
"$PROGRAM" trace convert in/zipf.ept -o in/zipf.txt || exit 2
gzip -c in/zipf.txt >in/zipf.txt.gz
printf 'time,id,size\n0,5,10\n1,"6",20\n2,5,10\n' >in/log.csv
printf '7 openat(AT_FDCWD, "/a", O_RDONLY) = 3\n7 fork() = 8\n8 sendfile(9, 3, [0] <unfinished ...>\n7 sendfile(9, 3, NULL, 9000) = 9000\n8 <... sendfile resumed> => [4096], 4096) = 4096\n7 rename("/a", "/b") = 0\n' >in/log.strace
printf 'h - - [12/Mar/2024:08:00:01 +0000] "GET /a HTTP/1.1" 200 5000\nh - - [12/Mar/2024:08:00:01 +0000] "HEAD /a HTTP/1.1" 200 200\n' >in/web.log
printf '{"ts":1,"method":"GET","uri":"/a","size":5000,"status":200}\n' >in/json.log
printf '{"ts":2,"method":"GET","uri":"/b","size":9000,"status":200,"a":"\\x22"}\n' >>in/json.log
printf 'invlpg_local = 100\n' >in/costs.txt
printf 'design = dmap, sf_buf.lru\nnbufs = 8, 16\ntrace = in/zipf.ept\n' >in/spec
"$PROGRAM" sweep in/spec -o in/old.db >/dev/null 2>&1 || exit 2

# name|what is written (- for nothing)|arguments
commands() {
	cat <<'END'
run|-|run --design sf_buf.lru --nbufs 16 in/zipf.ept
run-text|-|run --design kmap --nbufs 16 --costs in/costs.txt --format json in/zipf.txt.gz
run-log|-|run --design sf_buf.cpumask --nbufs 4 --log in/zipf.txt
run-threads|-|run --design dmap --executor threads --cpus 2 in/zipf.ept
workload|-|run --design sf_buf.lru --nbufs 8 --workload pipe
compare|-|compare --design dmap,sf_buf.lru,sf_buf.cpumask --nbufs 8 --policy lru,arc in/zipf.ept
mrc|-|mrc --policy lru,arc in/zipf.ept
mrc-events|-|mrc --design sf_buf.lru --events in/zipf.ept
explore|-|explore --design sf_buf.lru --scenario same-page --budget 20
bug|-|explore --bug mbuf-2001-decrement-then-cmpset --replay a2b
list|-|list designs
info|-|trace info --format json in/zipf.txt.gz
query|-|query in/old.db
diff|-|diff in/old.db in/old.db
generate|out|trace generate zipf --pages 60 --refs 600 -o out
convert|out|trace convert in/zipf.ept -o out
oracle|out|trace convert in/zipf.ept --to oracleGeneral -o out
stdout|-|trace convert in/zipf.ept -o -
import-csv|out|trace import in/log.csv -o out
import-strace|out|trace import in/log.strace -o out
import-clf|out|trace import --header auto in/web.log -o out
import-json|out|trace import in/json.log -o out
sweep|db|sweep in/spec --nbufs 8,16,32 -o out
report|html|report in/old.db -o out
END
}

# What stands where the command will write, before it does.
before() {
	rm -rf out*
	case $1 in
	db) cp in/old.db out ;;
	-) ;;
	*) printf 'old\n' >out ;;
	esac
}

# The command's own result, which every other is compared with.
reference() {
	before "$kind"
	"$PROGRAM" $args >want.stdout 2>want.stderr </dev/null
	want=$?
	rm -rf want
	[ $want -le 1 ] || echo "note: $name ends with $want: $(cat want.stderr)"
	[ ! -e out ] || mv out want
	# Times and paths of a moment are none of the result.
	case $name in
	*-threads) steady=0 ;;
	*) steady=1 ;;
	esac
	"$PROGRAM" $args >again 2>/dev/null </dev/null
	cmp -s again want.stdout || steady=0
}

# What is there after a fault: the status, one line, and the file.
judge() {
	tried=$((tried + 1))
	case $status in
	0 | 1) [ "$status" -eq $want ] || [ -s err ] ||
		grumble "$name, $1: status $status without a word" ;;
	2) ;;
	*) grumble "$name, $1: status $status" ;;
	esac
	if [ "$status" -eq "$want" ] && [ $steady -eq 1 ] &&
		! cmp -s got want.stdout; then
		grumble "$name, $1: another result with status $status"
	fi
	if [ "$status" -ne "$want" ] && ! grep -q . err &&
		[ "${2:-}" != silent ]; then
		grumble "$name, $1: status $status and not a word"
	fi
	case $kind in
	-) ;;
	db)
		"$PROGRAM" query out >/dev/null \
			2>err2 </dev/null || {
			cp err2 err
			grumble "$name, $1: the database is damaged"
		}
		;;
	*)
		if [ "$status" -eq 0 ]; then
			[ "$kind" = html ] || cmp -s out want ||
				grumble "$name, $1: status 0 and another file"
		elif [ "$(cat out 2>/dev/null)" != old ] && ! cmp -s out want
		then
			grumble "$name, $1: half a file"
		fi
		;;
	esac
	for left in out?* in/*.??????; do
		case $left in
		'out?*' | 'in/*.??????' | *.strace | *.txt.gz) ;;
		out-* | out.lock) ;;
		*) grumble "$name, $1: left $left" ;;
		esac
	done
}

# in_turn VARIABLE WHAT COMMAND...: with WHAT:1, 2, ... until none happens.
in_turn() {
	variable=$1 what=$2
	shift 2
	n=1
	while :; do
		before "$kind"
		: >fired
		env "$variable=$what:$n" "$@" $args >got 2>err </dev/null 9>fired
		status=$?
		[ -s fired ] || break
		judge "$what $n"
		[ $n -lt 200 ] && n=$((n + 1)) || n=$((n + step))
	done
	echo "$name: $what: $((n - 1)), $bad wrong"
}

# -- system calls, by strace ------------------------------------------------

# How often a call is made before main(), by the loader.
loader_calls() {
	strace -f -qq -e trace="$1" -o trace.out "$PROGRAM" --version \
		>/dev/null 2>&1
	grep -c "^[0-9]* *[a-z]" trace.out
}

calls_in_turn() {
	call=$1 error=$2
	skip=$(loader_calls "$call")
	# The last ones of --version are its own, of standard output.
	[ "$call" != write ] || skip=0
	n=$((skip + 1))
	while :; do
		before "$kind"
		strace -f -qq -e trace="$call" -e signal=none \
			-e inject="$call:error=$error:when=$n" -o trace.out \
			"$PROGRAM" $args >got 2>err </dev/null
		status=$?
		grep -q INJECTED trace.out || break
		grep INJECTED trace.out | grep -q 'write(2' && quiet=silent ||
			quiet=
		judge "$call $n $error" $quiet
		[ $n -lt 300 ] && n=$((n + 1)) || n=$((n + 10 * step))
	done
	echo "$name: $call: $((n - skip - 1)), $bad wrong"
}

# -- a full disk, and kill -9 -----------------------------------------------

full_disk() {
	"$PROGRAM" $args >/dev/full 2>err </dev/null
	status=$?
	tried=$((tried + 1))
	if [ -s want.stdout ]; then
		[ $status -eq 2 ] && [ "$(wc -l <err)" -ge 1 ] ||
			grumble "$name: standard output is full: status $status"
	fi
	[ "$kind" != - ] || return
	for kib in 4 8 16 24; do
		mkdir -p small
		mount -t tmpfs -o size=${kib}k none small 2>/dev/null || {
			echo 'disk: skipped: no tmpfs'
			return
		}
		case $kind in
		db) cp in/old.db small/out 2>/dev/null ;;
		*) printf 'old\n' >small/out ;;
		esac
		cp small/out was
		"$PROGRAM" $(echo "$args" | sed 's,-o out,-o small/out,') \
			>got 2>err </dev/null
		status=$?
		tried=$((tried + 1))
		case $status in
		0) ;;
		2) cmp -s small/out was || [ $kind = db ] || grumble \
			"$name: a disk of $kib KiB: status 2 and another file"
			[ -s err ] ||
				grumble "$name: a disk of $kib KiB: no word" ;;
		*) grumble "$name: a disk of $kib KiB: status $status" ;;
		esac
		[ "$(ls small | grep -v '^out$' | grep -cv '^out-')" -eq 0 ] ||
			grumble "$name: a disk of $kib KiB: left $(ls small)"
		umount small
	done
}

kill_it() {
	[ "$kind" != - ] || return
	for ms in 01 02 03 04 05 06 07 08 09 10 12 14 16 18 20 25 30 40 50; do
		before "$kind"
		"$PROGRAM" $args >got 2>err </dev/null &
		pid=$!
		sleep 0.0$ms
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		status=$want
		tried=$((tried + 1))
		case $kind in
		db) "$PROGRAM" query out \
			>/dev/null 2>err </dev/null ||
			grumble "$name, killed: the database is damaged" ;;
		html) [ "$(cat out)" = old ] || grep -q '</html>' out ||
			grumble "$name, killed: half a file" ;;
		*) [ "$(cat out)" = old ] || cmp -s out want ||
			grumble "$name, killed: half a file" ;;
		esac
	done
}

for part in $parts; do
	case $part in
	calls)
		command -v strace >/dev/null && strace -o /dev/null true \
			2>/dev/null || {
			echo 'calls: skipped: strace cannot be used'
			continue
		} ;;
	libraries)
		# The sanitizers have malloc for themselves.
		if nm "$PROGRAM" 2>/dev/null | grep -q __asan_init; then
			echo 'libraries: skipped: AddressSanitizer'
			continue
		fi ;;
	esac
	commands >list
	while IFS='|' read -r name kind args; do
		[ -z "$ONLY" ] || [ "$ONLY" = "$name" ] || continue
		bad=0
		reference
		case $part in
		alloc) in_turn FAULT alloc "$PROGRAM" ;;
		threads) in_turn FAULT thread "$PROGRAM" ;;
		libraries)
			in_turn FAULT_PRELOADED alloc \
				LD_PRELOAD="$LIBRARY" "$PROGRAM" ;;
		calls)
			calls_in_turn openat EMFILE
			calls_in_turn read EIO
			calls_in_turn pread64 EIO
			calls_in_turn write ENOSPC
			calls_in_turn pwrite64,ftruncate ENOSPC
			calls_in_turn fsync,fdatasync EIO
			calls_in_turn rename,linkat EACCES
			calls_in_turn mmap ENOMEM
			;;
		disk) full_disk ;;
		kill) kill_it ;;
		esac
	done <list
done
echo "faults: $tried tried, $failed wrong"
[ $failed -eq 0 ]
