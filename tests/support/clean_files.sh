# SPDX-License-Identifier: BSD-2-Clause
#
# Which sources an analyzer has found clean, by content; sourced by scripts of
# tests/lint, which stand at the top of the tree.

# known_in FOLDER WORDS TABLE...: prints the folder, made where it is not there,
# that remembers what was clean with the headers, tables and words of now.
known_in() {
	folder=$1
	words=$2
	shift 2
	sum=$(find include src sim -name '*.h' | sort | xargs cat "$@" |
		{ cat; echo "$words"; } | sha256sum)
	folder=$folder/${sum%% *}
	mkdir -p "$folder" && echo "$folder"
}

# not_known FOLDER: a line for each source that it does not remember: the file
# that is to be made there when the source is clean, and the source.
not_known() {
	sha256sum src/*/*.c sim/*.c | while read -r sum file; do
		[ -e "$1/$sum" ] || echo "$1/$sum $file"
	done
}

# unsaid TABLE: the findings on standard input that have no line in it: FILE, a
# part of the text, and why, with tabs between; no number, as lines move.
unsaid() {
	while IFS= read -r finding; do
		said=0
		while IFS='	' read -r file text why; do
			case $finding in
			"$file:"*"$text"*) said=1 ;;
			esac
		done <"$1"
		[ $said -eq 1 ] || echo "$finding"
	done
}
