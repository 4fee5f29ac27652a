#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cppcheck and gcc -fanalyzer have nothing to say, or what they say stands with
# its reason in tests/lint/cppcheck.txt and fanalyzer.txt.  File by file: what was
# found clean is remembered in BUILD/analyzers by content, so that a run that
# was stopped goes on, and the next one looks at what changed.
# usage: analyzers.sh ROOT BUILD

cd "$1" || exit 2
root=$PWD
build=$2
cppcheck=1
command -v cppcheck >/dev/null || {
	echo 'skipped: there is no cppcheck'
	cppcheck=0
}
fanalyzer=1
gcc -fanalyzer -fsyntax-only -x c /dev/null 2>/dev/null || {
	echo 'skipped: gcc has no -fanalyzer'
	fanalyzer=0
}
known=$(find include src sim -name '*.h' | sort |
	xargs cat tests/lint/cppcheck.txt tests/lint/fanalyzer.txt |
	{ cat; echo "$cppcheck $fanalyzer"; } | sha256sum)
known=$build/analyzers/${known%% *}
mkdir -p "$known" || exit 2
sed -n 's/^ *"command": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
	sed 's/^[^ ]*ccache //; s/\\"/"/g' |
	sed 's/^[^ ]* \(.*\) -o [^ ]*\.o /gcc \1 -o \/dev\/null /' |
	sort -u >"$known.commands"

by_cppcheck() {
	cppcheck -q --std=c11 \
		--enable=warning,performance,portability \
		--suppressions-list=tests/lint/cppcheck.txt \
		-D__linux__ -D_DEFAULT_SOURCE -I include -I src \
		--include=include/ephmap/kernel/names.h \
		--template='{file}:{line}: {id}: {message}' "$1" 2>&1
}

# A line of fanalyzer.txt is FILE, WARNING-OPTION or a part of the text, and why,
# without a number, as lines move.
by_fanalyzer() {
	command=$(grep -F -m 1 "/$1" "$known.commands") || {
		echo "$1: the build does not compile it"
		return
	}
	(cd "$build" && sh -c "$command -Wno-error -fanalyzer" 2>&1) |
		grep -e 'warning: .*\[-Wanalyzer' -e 'error:' |
		sed "s|^$root/||" |
		while IFS= read -r line; do
			said=0
			while IFS='	' read -r file text why; do
				case $line in
				"$file:"*"$text"*) said=1 ;;
				esac
			done <tests/lint/fanalyzer.txt
			[ $said -eq 1 ] || echo "$line"
		done
}

looked=0
bad=0
# Two words a line: what a file is, and its name.
for word in $(sha256sum src/*/*.c sim/*.c); do
	case $word in
	*.c) file=$word ;;
	*)
		key=$known/$word
		continue
		;;
	esac
	[ ! -e "$key" ] || continue
	looked=$((looked + 1))
	found=
	[ $cppcheck -eq 0 ] || found=$(by_cppcheck "$file")
	[ $fanalyzer -eq 0 ] || found=$found$(by_fanalyzer "$file")
	if [ -n "$found" ]; then
		printf '%s\n' "$found"
		bad=$((bad + 1))
	else
		: >"$key"
	fi
done
echo "$looked files looked at, $bad with findings"
[ $bad -eq 0 ]
