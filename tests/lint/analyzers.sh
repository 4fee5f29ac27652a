#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cppcheck and gcc -fanalyzer have nothing to say, or what they say stands with
# its reason in tests/lint/cppcheck.txt and fanalyzer.txt.  File by file: what was
# found clean is remembered in BUILD/analyzers by content, so that a run that
# was stopped goes on, and the next one looks at what changed.
# usage: analyzers.sh ROOT BUILD

cd "$1" || exit 2
. tests/support/clean_files.sh
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
known=$(known_in "$build/analyzers" "$cppcheck $fanalyzer" \
	tests/lint/cppcheck.txt tests/lint/fanalyzer.txt) || exit 2
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

by_fanalyzer() {
	command=$(grep -F -m 1 "/$1" "$known.commands") || {
		echo "$1: the build does not compile it"
		return
	}
	(cd "$build" && sh -c "$command -Wno-error -fanalyzer" 2>&1) |
		grep -e 'warning: .*\[-Wanalyzer' -e 'error:' |
		sed "s|^$root/||" | unsaid tests/lint/fanalyzer.txt
}

looked=0
bad=0
not_known "$known" >"$known.left"
while read -r key file; do
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
done <"$known.left"
echo "$looked files looked at, $bad with findings"
[ $bad -eq 0 ]
