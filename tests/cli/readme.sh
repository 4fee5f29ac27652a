#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every command that README.md shows in a `console' block is run, and what it
# prints must be what README.md says.  After a change that was meant:
#	tests/cli/readme.sh EPHMAP --update

case $1 in
/*) ephmap=$1 ;;
*) ephmap=$PWD/$1 ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/top" "$work/top/tests"
ln -s "$ephmap" "$work/bin/ephmap"
ln -s "$root/tests/samples" "$work/top/tests/samples"
ln -s "$root/sim" "$work/top/sim"
PATH=$work/bin:$PATH
cd "$work/top" || exit 2

commands=0
block=
while IFS= read -r line; do
	case $block$line in
	'```console') block='@ ' ;;
	'@ ```') block= ;;
	'@ $ '*)
		commands=$((commands + 1))
		printf '%s\n' "$line"
		sh -c "${line#\$ }" 2>&1 </dev/null
		continue
		;;
	'@ '*) continue ;;
	esac
	printf '%s\n' "$line"
done <"$root/README.md" >"$work/README.md"

if [ "${2:-}" = --update ]; then
	cp "$work/README.md" "$root/README.md"
elif ! diff -u "$root/README.md" "$work/README.md"; then
	echo "FAILED: README.md shows something else than the program prints"
	exit 1
fi

# The plug-in it shows is the one that the tests build.
sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '1d;$d' >"$work/shown.c"
if ! diff -u "$root/tests/cli/plugin_once.c" "$work/shown.c"; then
	echo "FAILED: README.md shows another plug-in than plugin_once.c"
	exit 1
fi
echo "$commands commands of README.md"
[ "$commands" -gt 0 ]
