#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build the examples as their readers would, against an installed copy, and
# look at what they print.
# usage: check.sh BUILD CMAKE CC [CXX]

set -eu
examples=$(cd "$(dirname "$0")" && pwd)
build=$1 cmake=$2 cc=$3 cxx=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log"
lib=$(dirname "$(find "$work/prefix" -name libephmap.a)")
export PKG_CONFIG_PATH="$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$lib"
flags=$(pkg-config --cflags --libs ephmap)
cd "$work"

# says PROGRAM WORDS: it runs and prints them.
says() {
	"./$1" >"$1.out" 2>&1 || {
		echo "FAILED: $1 exits with $?"
		cat "$1.out"
		exit 1
	}
	grep -q "$2" "$1.out" || {
		echo "FAILED: $1 does not say \"$2\":"
		cat "$1.out"
		exit 1
	}
	echo "$1: $(head -n 1 "$1.out")"
}

for name in count design kernel policy scenario workload; do
	# shellcheck disable=SC2086
	$cc -std=c11 -Wall -Wextra -o $name "$examples/$name.c" $flags
done
says count '^1000 maps, '
says design '^sf_buf.cpumask: 0 interrupts$'
says design '^example.shared: 3000 interrupts$'
says kernel '^200 peeks, every one at its page$'
says policy '^example.fifo: 3744 hits$'
says policy '^clock: 4992 hits$'
says scenario '^acked-invlpg: holds$'
says workload '^400 looks, '
# shellcheck disable=SC2046
$cc -std=c11 -Wall -Wextra -shared -fPIC -o importer.so \
    "$examples/importer.c" $(pkg-config --cflags ephmap)
printf '0 7\n10 8\nno page\n20 7\n' >log
"$work/prefix/bin/ephmap" trace import \
    --plugin importer.so --to text log -o log.ept 2>import.out
printf 'ephmap-trace 1\np 0 7\nd 10000\np 0 8\nd 10000\np 0 7\n' >expected
grep -q ': example: 3 looks, 3 references to 2 pages by 1 CPU; left out: 1 malformed line (first: line 3)$' import.out &&
    cmp -s log.ept expected || {
	echo "FAILED: the importer"
	cat import.out log.ept
	exit 1
}
echo "importer: $(cat import.out)"

if grep -q '^unacked-flush: holds$' scenario.out; then
	echo "FAILED: the scenario finds nothing"
	exit 1
fi

# Without the shared library, with plain options.
# shellcheck disable=SC2046
$cc -std=c11 -I"$work/prefix/include" -o count_static "$examples/count.c" \
    "$lib/libephmap.a" $(pkg-config --static --libs-only-l ephmap |
    sed 's/-lephmap//') -pthread
says count_static '^1000 maps, '

# The front door is C++ too.
if [ -n "$cxx" ]; then
	# shellcheck disable=SC2086
	$cxx -std=c++17 -x c++ -o count_cxx "$examples/count.c" -x none $flags
	says count_cxx '^1000 maps, '
fi

# By CMake.
mkdir project
cat >project/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.16)
project(reader LANGUAGES C)
find_package(ephmap REQUIRED)
add_executable(count_cmake $examples/count.c)
target_link_libraries(count_cmake PRIVATE ephmap::ephmap)
END
"$cmake" -S project -B . -DCMAKE_PREFIX_PATH="$work/prefix" >cmake.log 2>&1 &&
    "$cmake" --build . >>cmake.log 2>&1 || {
	cat cmake.log
	exit 1
}
says count_cmake '^1000 maps, '
