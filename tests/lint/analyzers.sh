#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cppcheck and gcc -fanalyzer have nothing to say, or what they say stands with
# its reason in tests/lint/cppcheck.txt and fanalyzer.txt.
# usage: analyzers.sh ROOT BUILD

cd "$1" || exit 2
build=$2
failed=0

if command -v cppcheck >/dev/null; then
	cppcheck -q --error-exitcode=1 --inline-suppr --std=c11 \
		--enable=warning,performance,portability \
		--suppressions-list=tests/lint/cppcheck.txt \
		-D__linux__ -D_DEFAULT_SOURCE -I include -I src \
		--include=include/ephmap/kernel/names.h \
		--template='{file}:{line}: {id}: {message}' src sim || failed=1
else
	echo 'skipped: there is no cppcheck'
fi

# One line a warning: FILE: WARNING-OPTION: a part of its text.  Without a
# number, as lines move.
if gcc -fanalyzer -fsyntax-only -x c /dev/null 2>/dev/null; then
	sed -n 's/^ *"command": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
		grep -e '/src/[a-z/_0-9]*\.c$' -e '/sim/[a-z_0-9]*\.c$' |
		sed 's/^[^ ]*ccache //; s/\\"/"/g' |
		sed 's/^[^ ]* \(.*\) -o [^ ]*\.o /gcc \1 -o \/dev\/null /' |
		sort -u |
		while read -r command; do
			(cd "$build" && sh -c "$command -Wno-error -fanalyzer" \
				2>&1) | grep 'warning: .*\[-Wanalyzer' |
				sed "s|^$1/||"
		done >"$build/fanalyzer.log"
	while IFS= read -r line; do
		known=0
		while IFS='	' read -r file text why; do
			case $line in
			"$file:"*"$text"*) known=1 ;;
			esac
		done <tests/lint/fanalyzer.txt
		[ $known -eq 1 ] || {
			echo "$line"
			failed=1
		}
	done <"$build/fanalyzer.log"
else
	echo 'skipped: gcc has no -fanalyzer'
fi
exit $failed
