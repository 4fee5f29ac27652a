#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# libinih: what is over in a long line is read as a line of its own, and may
# set another key.
#
# Documented: a line has at most 197 bytes and an end (INI_MAX_LINE, 200, in
# Debian's build).  Expected of a longer one: an error that names the line.
# Seen: the value is cut, and the rest parsed as the next line.  Without an
# "=" in the rest ini_parse() returns the number of the line after the long
# one, which is in order.  With one, it returns 0: the value is short, and a
# key that is not in the file is handed over.
#
# Why it matters to who measures ephemeral mappings: a description of a
# machine or a run in that format easily has a list that is longer (sizes of
# a sweep, a command line).  The run then goes with fewer points, or with a
# setting that nobody wrote, and says nothing.  Check the length of the lines
# before.
#
# How seen: two files of three lines, and a handler that prints.

. "$(dirname "$0")/support/packages.sh"
unpack libinih1=55-1 libinih-dev=55-1
install gcc libc6-dev

cat >"$dir/show.c" <<'EOF'
#include <ini.h>
#include <stdio.h>
#include <string.h>

static int
show(void *arg, const char *section, const char *name, const char *value)
{
	(void)arg;
	(void)section;
	printf("%s: %zu bytes\n", name, strlen(value));
	return 1;
}

int
main(int argc, char **argv)
{
	printf("returns %d\n", argc == 2 ? ini_parse(argv[1], show, NULL) : -9);
	return 0;
}
EOF
library=$(dirname "$(find "$root" -name libinih.so.1)")
gcc -I"$root/usr/include" "$dir/show.c" -o "$dir/show" \
    "$library/libinih.so.1" || exit 2

changed=0
check() {	# what expected-output file
	got=$(LD_LIBRARY_PATH=$library "$dir/show" "$3" | paste -sd';')
	echo "$1:"
	echo "    $got"
	[ "$got" = "$2" ] || { changed=1; echo "    seen before: $2"; }
}
# 300 bytes of value, no blank in it.
printf '[run]\npath = %s\nnext = 1\n' "$(printf 'a%.0s' $(seq 300))" \
    >"$dir/path.ini"
check "a value of 300 bytes, without '='" \
    "path: 192 bytes;next: 1 bytes;returns 3" "$dir/path.ini"

# 219 bytes of value: words, the last of them size=4096.
printf '[run]\nargs = %ssize=4096\nnext = 1\n' "$(printf 'x %.0s' $(seq 105))" \
    >"$dir/args.ini"
check "a value of 219 bytes, with '=' in it" \
    "args: 191 bytes;x x x x x x x x x size: 4 bytes;next: 1 bytes;returns 0" \
    "$dir/args.ini"
verdict $changed
