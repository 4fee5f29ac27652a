#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# clang-tidy by .clang-tidy, without the analyzer, on src/ and sim/.  What was
# found clean is remembered in BUILD/tidy by content, and a run looks at no
# more than a few files, so that the default tests stay quick; --all looks at
# everything, with the analyzer too; what that one is not to say stands with its
# reason in tests/lint/tidy.txt.
# usage: tidy.sh ROOT BUILD [--all]

root=$1
build=$2
most=10
checks=-clang-analyzer-\*
if [ "${3:-}" = --all ]; then
	most=100000
	checks=
fi
command -v clang-tidy >/dev/null 2>&1 || {
	echo "skipped: there is no clang-tidy"
	exit 0
}
cd "$root" || exit 2

# unsaid FILE: the findings that tidy.txt has not: FILE, a tab, a part of the text.
unsaid() {
	grep -e 'warning:' -e 'error:' | while IFS= read -r line; do
		said=0
		while IFS='	' read -r name text why; do
			[ "$name" = "$1" ] || continue
			case $line in
			*"$text"*) said=1 ;;
			esac
		done <tests/lint/tidy.txt
		[ $said -eq 1 ] || echo "$line"
	done
}

known=$(find include src sim -name '*.h' | sort |
    xargs cat .clang-tidy tests/lint/tidy.txt |
    { cat; echo "$checks"; } | sha256sum)
known=$build/tidy/${known%% *}
mkdir -p "$known" || exit 2
left=0
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
	if [ "$looked" -eq "$most" ]; then
		left=$((left + 1))
		continue
	fi
	looked=$((looked + 1))
	found=$(clang-tidy --quiet -p "$build" ${checks:+--checks="$checks"} \
	    "$file" 2>/dev/null)
	if [ -n "$(printf '%s\n' "$found" | unsaid "$file")" ]; then
		printf '%s\n' "$found"
		bad=$((bad + 1))
	else
		: >"$key"
	fi
done
echo "$looked files looked at, $left left for other runs, $bad with findings"
[ "$bad" -eq 0 ]
