#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# How the samples beside this file were made: from captures that were recorded
# for this project (nginx with two workers, each bound to a CPU).
# usage: EPHMAP_TRACES=FOLDER tests/samples/make.sh EPHMAP

set -eu
ephmap=$1
here=$(cd "$(dirname "$0")" && pwd)
captures=${EPHMAP_TRACES:?the folder of the captures}/captures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The 803 files of the NASA web site of July 1995, in the order of its log:
# the first 40,000 calls of sendfile.
zstd -dc "$captures/nginx-nasa.sendfile.tsv.zst" | head -n 40000 >"$work/nasa"
"$ephmap" trace import --from sendfile-tsv "$work/nasa" -o "$here/nginx-nasa.ept"

# 2,000 files with sizes as SURGE has them, over 1 Gbit/s: each page with the
# time for which it was held, from the call to the client's acknowledgement.
"$ephmap" trace import --from hold-tsv \
    "$captures/nginx-surge-1gbit.hold.tsv.zst" -o "$here/nginx-hold.ept"
