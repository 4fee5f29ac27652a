#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fio: random_distribution=zipf never reads most of the blocks of a file
# unless their number is a power of two.
#
# The manual offers zipf as a way to skew which blocks are hot, and says that
# it switches the random map off; nothing says that a block may have no
# chance at all.  With a weak skew (theta 0.3) and a hundred reads a block,
# each block should be read: the coldest is expected some seventy times.
# fio draws a rank, hashes it, and takes the rest of a division by the number
# of blocks.  For 4096 blocks that renumbers them.  For 4095 many ranks fall
# on the same block, and 3462 blocks are left out however long the run is;
# neither another theta nor a centre given as a third number changes that.
#
# Why it matters to who measures ephemeral mappings: the working set, not the
# size of the file, decides how often a cache of mappings hits.  A file one
# page shorter has a working set of a seventh, and any cache looks better for
# it.  Either give fio a power of two of blocks, or count what was read.
#
# How seen: the iolog that fio writes, with the null engine (nothing is read
# from a disk), its offsets counted.

. "$(dirname "$0")/support/packages.sh"
install fio=3.33-3
fio --version

# blocks distribution -> number of different blocks that were read
distinct() {
	rm -f "$dir/log" "$dir/data"
	fio --name=j --filename="$dir/data" --filesize=$(($1 * 4))k \
	    --size=$(($1 * 4))k --io_size=$(($1 * 400))k --bs=4k \
	    --rw=randread --norandommap --random_distribution="$2" \
	    --ioengine=null --write_iolog="$dir/log" >/dev/null || exit 2
	awk '$3 == "read" && !seen[$4]++ { n++ } END { print n + 0 }' "$dir/log"
}

changed=0
while read -r blocks distribution seen; do
	got=$(distinct "$blocks" "$distribution")
	echo "$blocks blocks, $((blocks * 100)) reads, $distribution:" \
	    "$got blocks read (seen before: $seen)"
	[ "$got" = "$seen" ] || changed=1
done <<EOF
4096 random 4096
4096 zipf:0.3 4096
4095 random 4095
4095 zipf:0.3 633
4095 zipf:0.9 633
4095 zipf:0.3:0 633
3000 random 3000
3000 zipf:0.3 865
EOF
verdict $changed
