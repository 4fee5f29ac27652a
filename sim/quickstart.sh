#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build ephmap and compare every design on a capture of a real web server.
# Needs nothing but git and a shell on a Debian machine: see packages.sh.
# usage: sim/quickstart.sh

set -eu
cd "$(dirname "$0")/.."
. sim/packages.sh

cat <<'END'
ephmap: install what is missing, build (a minute or two, most of it the
compiler's), then compare every design on a real web server's traffic.
END
need_packages
mkdir -p build
echo "Building in build/quickstart; build/quickstart.log has what the compiler says."
{ cmake -S . -B build/quickstart -DCMAKE_BUILD_TYPE=Release \
    -DEPHMAP_BUILD_TESTS=OFF -DEPHMAP_BUILD_BENCH=OFF \
    -DCMAKE_RULE_MESSAGES=OFF &&
	cmake --build build/quickstart --parallel "$jobs"; } \
    >build/quickstart.log 2>&1 || {
	cat build/quickstart.log >&2
	die "The build failed."
}

cat <<'END'
An nginx with two workers sent the files of the NASA web site of July 1995, in
the order in which they were asked for.  A kernel without a direct map must give
every page that it sends an address for a moment.  What would each way of doing
that have cost?

  ephmap compare tests/samples/nginx-nasa.ept

END
build/quickstart/ephmap compare tests/samples/nginx-nasa.ept
# Where somebody looks: what a larger number of buffers would save.
if [ -t 1 ]; then
	printf '\nWhat policies miss, by number of buffers (opt is the bound):\n'
	build/quickstart/ephmap mrc --policy lru,sieve,opt --plot terminal \
	    tests/samples/nginx-nasa.ept | sed '1,/^$/d'
fi
cat <<'END'

The program is build/quickstart/ephmap.  Try next (README.md explains):
  build/quickstart/ephmap list designs
  build/quickstart/ephmap compare --nbufs 256,1024,4096 --cpus 2,16 tests/samples/nginx-nasa.ept
  build/quickstart/ephmap compare --nbufs from-memory:1G tests/samples/nginx-hold.ept
  build/quickstart/ephmap run --design sf_buf.accessed tests/samples/nginx-nasa.ept
END
