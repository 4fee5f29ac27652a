#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fincore, vmtouch: who may not write a file is told that all of it is in the
# page cache.
#
# Expected: the pages that are resident, or an error where that is refused.
# Seen: since Linux 5.2 mincore() answers "resident" for each page of a
# mapped file that the caller neither owns nor may write, which is to hide
# what others read.  Both tools pass that on as a measurement: 100 %, no
# warning, exit status 0.  Neither manual has a word about it.
#
# Why it matters to who measures ephemeral mappings: whether a page has to be
# mapped for a copy depends on it being in the cache.  A residency taken as
# an ordinary user of, say, a web server's files reads as a perfect cache,
# and a sampler that is not root makes a trace in which nothing ever leaves.
#
# How seen: a file that is all hole, made and never read, has not one
# resident page.  Its owner is told so; user 65534, who may read it, is told
# that all 64 pages are there; once he may write it he is told the truth.
# Must be started as root, to become that user.

. "$(dirname "$0")/support/packages.sh"
unpack vmtouch=1.3.1-2 util-linux-extra=2.38.1-5+deb12u3
[ "$(id -u)" -eq 0 ] || { echo "must be root" >&2; exit 2; }
fincore=$root/usr/bin/fincore vmtouch=$root/usr/bin/vmtouch
stranger="setpriv --reuid=65534 --regid=65534 --clear-groups"
"$fincore" --version
"$vmtouch" -h 2>&1 | grep -i 'vmtouch v'
echo "Linux $(uname -r), pages of $(getconf PAGESIZE) bytes"

file=$dir/hole
truncate -s $((64 * $(getconf PAGESIZE))) "$file"
chmod 644 "$file"

changed=0
check() {	# who pages command...
	fin=$(${*:3} "$fincore" -n -r -o PAGES "$file") || changed=1
	touched=$(${*:3} "$vmtouch" "$file") || changed=1
	touched=$(echo "$touched" | sed -n 's/.*Resident Pages: *\([^ ]*\).*/\1/p')
	echo "$1: fincore $fin pages, vmtouch $touched (seen before: $2)"
	[ "$fin" = "$2" ] && [ "$touched" = "$2/64" ] || changed=1
}
check "owner" 0
check "stranger who may read" 64 $stranger
chmod 666 "$file"
check "stranger who may write" 0 $stranger
verdict $changed
