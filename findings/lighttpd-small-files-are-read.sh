#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# lighttpd: small answers do not go through sendfile, though sendfile is the
# backend in use.
#
# Expected: with the sendfile backend, which `lighttpd -V` lists and which it
# takes on Linux unless told otherwise, the body of a static file leaves by
# sendfile(), whatever its size.
# Seen: a body of 4096 or 8192 bytes is read with pread() into memory and
# sent by the writev() that also has the header, be it a small file or a
# small range of a large one.  16384 bytes and more go by sendfile().
#
# Why it matters to who measures ephemeral mappings: a trace of sendfile
# calls is taken as the list of pages that a web server sends from the page
# cache.  Of lighttpd it lacks just the small, hot files, which are most
# requests of most sites; and the count of writev() cannot stand in for them,
# since it has the header in it.  Trace pread() of the file as well.
#
# How seen: strace of the server, one request for each size.

. "$(dirname "$0")/support/packages.sh"
unpack lighttpd=1.4.69-1 strace=6.1-0.1
install curl
server=$root/usr/sbin/lighttpd
"$server" -v | head -1
"$server" -V | grep -E '\+ *sendfile|sendfile'

port=18471
mkdir "$dir/www"
for size in 4096 8192 16384 65536; do
	head -c $size /dev/zero >"$dir/www/$size"
done
cat >"$dir/conf" <<EOF
server.document-root = "$dir/www"
server.bind = "127.0.0.1"
server.port = $port
server.modules = ()
EOF
timeout 30 "$root/usr/bin/strace" -f -e trace=openat,pread64,sendfile,writev \
    -o "$dir/trace" "$server" -D -f "$dir/conf" \
    -m "$root/usr/lib/lighttpd" 2>"$dir/messages" &
for try in $(seq 50); do
	grep -q 'server started' "$dir/messages" && break
	sleep 0.1
done

changed=0
ask() {		# file range bytes call
	before=$(wc -l <"$dir/trace")
	got=$(curl -s -o /dev/null -w '%{size_download}' ${2:+-r "$2"} \
	    "http://127.0.0.1:$port/$1")
	sleep 0.2
	calls=$(tail -n +$((before + 1)) "$dir/trace" |
	    sed -n 's/^[0-9]* *\(pread64\|sendfile\|writev\)(.*) = \([0-9]*\)$/\1=\2/p')
	echo "file of $1 bytes, ${2:-whole}: body $got bytes; "$calls
	[ "$got" = "$3" ] && echo "$calls" | grep -qx "$4=$3" || changed=1
	if [ "$4" = pread64 ]; then
		! echo "$calls" | grep -q sendfile || changed=1
	fi
}
ask 4096 "" 4096 pread64
ask 8192 "" 8192 pread64
ask 16384 "" 16384 sendfile
ask 65536 "" 65536 sendfile
ask 65536 0-4095 4096 pread64
kill "$(sed -n '1s/^\([0-9]*\) .*/\1/p' "$dir/trace")"
wait
verdict $changed
