#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every command that README.md and doc/*.md show in a `console' block is run,
# and what it prints must be what they say; programs that they show are the
# ones that the tests build.  After a change that was meant:
#	tests/cli/readme.sh EPHMAP --update

case $1 in
/*) ephmap=$1 ;;
*) ephmap=$PWD/$1 ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/top" "$work/top/tests" "$work/doc"
ln -s "$ephmap" "$work/bin/ephmap"
ln -s "$root/tests/samples" "$work/top/tests/samples"
ln -s "$root/sim" "$work/top/sim"
PATH=$work/bin:$PATH
cd "$work/top" || exit 2

# The text again, with what its commands print now.
printed() {
	block=
	while IFS= read -r line; do
		case $block$line in
		'```console') block='@ ' ;;
		'@ ```') block= ;;
		'@ $ '*)
			printf '%s\n' "$line"
			sh -c "${line#\$ }" 2>&1 </dev/null
			continue
			;;
		'@ '*) continue ;;
		esac
		printf '%s\n' "$line"
	done
}

failed=0
commands=0
cd "$root" && texts=$(ls README.md doc/*.md) && cd "$work/top" || exit 2
for text in $texts; do
	commands=$((commands + $(grep -c '^\$ ' "$root/$text")))
	printed <"$root/$text" >"$work/$text"
	if [ "${2:-}" = --update ]; then
		cp "$work/$text" "$root/$text"
	elif ! diff -u "$root/$text" "$work/$text"; then
		echo "FAILED: $text shows something else than the program prints"
		failed=1
	fi
done

# shows TEXT FILE: the C program in TEXT is FILE.
shows() {
	sed -n '/^```c$/,/^```$/p' "$root/$1" | sed '1d;$d' >"$work/shown.c"
	if ! diff -u "$root/$2" "$work/shown.c"; then
		echo "FAILED: $1 shows another program than $2"
		failed=1
	fi
}
shows doc/library.md examples/count.c
shows doc/GUIDE.md tests/cli/plugin_once.c

# What they show fits 80 columns, as what the program prints does.
for text in $texts; do
	if ! awk -v name="$text" '/^```/ { shown = $0 == "```console" }
	    shown && !/^\$ / && length > 80 { print name ": " $0; wide = 1 }
	    END { exit wide }' "$work/$text"; then
		echo "FAILED: more than 80 columns"
		failed=1
	fi
done

# Links between the texts lead somewhere.
for text in $texts; do
	for link in $(sed -n 's/.*](\([^):#]*\.md\)).*/\1/p' "$root/$text"); do
		if [ ! -e "$(dirname "$root/$text")/$link" ]; then
			echo "FAILED: $text links to $link"
			failed=1
		fi
	done
done
echo "$commands commands of README.md and doc/"
[ "$commands" -gt 0 ] && [ "$failed" -eq 0 ]
