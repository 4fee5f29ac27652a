#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# clang-format agrees with every source.  What conformed is remembered in
# BUILD/format by content, so that a run looks at what changed.  Without
# clang-format, and with another than the one the style was settled with, this
# says that it skips.
# usage: format.sh ROOT BUILD

tool=$(command -v clang-format-14 || command -v clang-format) || {
	echo "skipped: there is no clang-format"
	exit 0
}
version=$($tool --version)
case $version in
*'version 14.'*) ;;
*)
	echo "skipped: versions of clang-format differ, this needs 14: $version"
	exit 0
	;;
esac
build=$2
cd "$1" || exit 2
known=$({ echo "$version"; cat .clang-format; } | sha256sum)
known=$build/format/${known%% *}
mkdir -p "$known" || exit 2
set --
keys=
n=0
# Two words a line: what a file is, and its name.
for word in $(sha256sum src/*/*.[ch] include/ephmap/*.h include/ephmap/*/*.h \
    tests/*/*.[ch] bench/*.[ch] sim/*.[ch] \
    examples/*.c); do
	case $word in
	*.[ch])
		n=$((n + 1))
		[ -e "$key" ] || {
			set -- "$@" "$word"
			keys="$keys $key"
		}
		;;
	*) key=$known/$word ;;
	esac
done
if [ "$n" -lt 50 ]; then
	echo "found $n files in $PWD: is that the checkout?"
	exit 2
fi
if [ $# -gt 0 ]; then
	if ! complaints=$($tool --dry-run --Werror "$@" 2>&1); then
		echo "run clang-format -i:"
		echo "$complaints" | grep 'clang-format-violations'
		exit 1
	fi
	# shellcheck disable=SC2086
	touch $keys
fi
echo "$n files conform, $# looked at"
