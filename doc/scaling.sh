#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Draw doc/scaling.svg, the picture in the README: six designs on 1 to 1,024
# CPUs.  Needs gnuplot.
# usage: doc/scaling.sh [EPHMAP] [FILE.svg]

set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "${1:-ephmap}" scale --cpus 1..1024 --hits 90 --refs 100 \
    --design sf_buf.lru,sf_buf.accessed,lwbuf.pcpu,kvabio,ephmap.best,dmap \
    --plot "${2:-$here/scaling.svg}"
