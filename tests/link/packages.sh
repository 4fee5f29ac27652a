#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The Debian packages that cpack makes of a build: what is in them, who
# answers for them, that the program in them runs, and what lintian says.
# usage: packages.sh CPACK BUILD

set -eu
cpack=$1
build=$2
command -v dpkg-deb >/dev/null 2>&1 || {
	echo "skipped: there is no dpkg-deb"
	exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
wrong() {
	echo "FAILED: $*"
	bad=1
}

(cd "$build" && "$cpack" -B "$work/debs") >"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
debs=$(ls "$work"/debs/*.deb)
[ "$(echo "$debs" | wc -l)" -eq 3 ] || wrong "expected three packages: $debs"
maintainer=$(sed -n 's/^EPHMAP_MAINTAINER:STRING=//p' "$build/CMakeCache.txt")
for deb in $debs; do
	[ "$(dpkg-deb -f "$deb" Maintainer)" = "$maintainer" ] ||
		wrong "$deb: its maintainer is not $maintainer"
	name=$(dpkg-deb -f "$deb" Package)
	dpkg-deb -x "$deb" "$work/root"
	for file in copyright changelog.gz; do
		[ -s "$work/root/usr/share/doc/$name/$file" ] ||
			wrong "$name: no $file"
	done
	zcat "$work/root/usr/share/doc/$name/changelog.gz" |
		grep -qF " -- $maintainer  " ||
		wrong "$name: another maintainer in its changelog"
done
for file in bin/ephmap share/man/man1/ephmap.1.gz share/man/man5/ephmap-trace.5.gz \
    share/bash-completion/completions/ephmap share/zsh/vendor-completions/_ephmap \
    share/fish/vendor_completions.d/ephmap.fish share/doc/ephmap/README.md \
    share/doc/ephmap/samples/nginx-nasa.ept share/doc/ephmap/examples/second.c \
    include/ephmap/ephmap.h; do
	[ -s "$work/root/usr/$file" ] || wrong "no /usr/$file"
done
lib=$(dirname "$(find "$work/root/usr/lib" -name 'libephmap.so.*' | head -n 1)")
LD_LIBRARY_PATH=$lib "$work/root/usr/bin/ephmap" compare --design dmap,sf_buf.lru \
    "$work/root/usr/share/doc/ephmap/samples/nginx-nasa.ept" |
    grep -q '^sf_buf.lru ' || wrong "the program of the package does not compare"
if command -v lintian >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	lintian --allow-root --fail-on error $debs || wrong "lintian finds errors"
else
	echo "skipped: there is no lintian"
fi
exit $bad
