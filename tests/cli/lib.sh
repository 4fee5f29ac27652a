# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests of the program share; they source it as
#	. "$(dirname "$0")/lib.sh"
# and are called as tests/cli/NAME.sh EPHMAP [ARGUMENT]...
#
# A test runs in an empty folder.  `run' runs the program; the expect_*
# functions then look at what came of it.  Every failed expectation is
# printed with its command; finish() exits 1 if there was any.

case $1 in
/*) EPHMAP=$1 ;;
*) EPHMAP=$PWD/$1 ;;
esac
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
SAMPLES=$ROOT/tests/samples
# What a database writes goes through to the disk again and again; memory will
# do.  It may not be for programs, so plug-ins are links to where they were built.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
	TMPDIR=/dev/shm
	export TMPDIR
fi
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
mkdir "$base/dir"
cd "$base/dir" || exit 2
out=$base/out.0
err=$base/err.0
# Wide, so that a line is one line; columns.sh looks at narrow ones.
COLUMNS=1000
export COLUMNS
runs=0
expectations=0
failures=0
command=

fail() {
	failures=$((failures + 1))
	echo "FAILED: $*"
	echo "  command: $command"
	echo "  status:  $status"
	[ ! -s "$err" ] || sed 's/^/  stderr:  /; 3q' "$err"
}

expect() {
	expectation=$1
	shift
	expectations=$((expectations + 1))
	"$@" >/dev/null 2>&1 || fail "$expectation"
}

# A process costs more than most runs of the program: what the shell can do
# itself is not left to ls, cmp, wc and grep.

# Sets `listing' to the names in this folder.
look() {
	set -- * .[!.]*
	listing=$*
}

# Each run has files of its own: ext4 waits for the disk where one that has
# contents is cut.
run() {
	command="ephmap $*"
	runs=$((runs + 1))
	out=$base/out.$runs
	err=$base/err.$runs
	look
	before=$listing
	"$EPHMAP" "$@" >"$out" 2>"$err" </dev/null
	status=$?
	look
}

expect_status() { expect "expected status $1" [ "$status" -eq "$1" ]; }
expect_out() { expect "expected on standard output: $1" grep -q -e "$1" "$out"; }
expect_err() { expect "expected on standard error: $1" grep -q -e "$1" "$err"; }

# one_line PATTERN: standard error is one line that PATTERN matches.  A text
# without anchors that stands there as it is needs no grep.
one_line() {
	lines=0
	said=
	while [ "$lines" -lt 2 ] && IFS= read -r more; do
		lines=$((lines + 1))
		said=$more
	done <"$err"
	expect "expected one line on standard error" [ "$lines" -eq 1 ]
	case $1 in
	*[\^$]*) expect_err "$1" ;;
	*)
		case $said in
		*"$1"*) expectations=$((expectations + 1)) ;;
		*) expect_err "$1" ;;
		esac
		;;
	esac
}

expect_no_out() { expect "expected nothing on standard output" [ ! -s "$out" ]; }
expect_no_err() { expect "expected nothing on standard error" [ ! -s "$err" ]; }
expect_no_new_file() {
	expect "expected no new file" [ "$listing" = "$before" ]
}

# refuses PATTERN ARGUMENT...: one clear line, status 2, nothing left behind.
refuses() {
	pattern=$1
	shift
	run "$@"
	expect_status 2
	one_line "$pattern"
	expect_no_out
	expect_no_new_file
}

# accepts ARGUMENT...: status 0.
accepts() {
	run "$@"
	expect_status 0
}

# trace NAME: standard input, behind the first line of a text trace.
trace() {
	{
		echo "ephmap-trace 1"
		cat
	} >"$1"
}

# value KEY: of the JSON of a run, KEY at the top, in "counters" or "derived".
value() {
	sed -n "s/^ \{2,4\}\"$1\": \([^,]*\),*\$/\1/p" "$out" | tail -n 1
}

expect_value() {
	expect "expected \"$1\": $2, got $(value "$1")" [ "$(value "$1")" = "$2" ]
}

finish() {
	echo "$expectations expectations, $failures failed"
	[ "$expectations" -gt 0 ] && [ "$failures" -eq 0 ]
	exit $?
}
