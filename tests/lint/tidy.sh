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

. tests/support/clean_files.sh
known=$(known_in "$build/tidy" "$checks" .clang-tidy tests/lint/tidy.txt) ||
    exit 2
left=0
looked=0
bad=0
not_known "$known" >"$known.left"
while read -r key file; do
	if [ "$looked" -eq "$most" ]; then
		left=$((left + 1))
		continue
	fi
	looked=$((looked + 1))
	found=$(clang-tidy --quiet -p "$build" ${checks:+--checks="$checks"} \
	    "$file" 2>/dev/null)
	if [ -n "$(printf '%s\n' "$found" | grep -e 'warning:' -e 'error:' |
	    sed "s|^$PWD/||" | unsaid tests/lint/tidy.txt)" ]; then
		printf '%s\n' "$found"
		bad=$((bad + 1))
	else
		: >"$key"
	fi
done <"$known.left"
echo "$looked files looked at, $left left for other runs, $bad with findings"
[ "$bad" -eq 0 ]
