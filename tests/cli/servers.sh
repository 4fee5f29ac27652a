#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Servers captured twice at the same time, with strace and with filemap
# tracepoints: do the page references of both agree?
#
#	tests/cli/servers.sh EPHMAP [KEEP]
#
# Every server serves the same files over the loopback, one request at a time.
# What agrees is the pages that were read and how often, but for pages that the
# kernel asks for twice within a call (see asked_again).  Captures stay in the folder KEEP when one is given.
#
# Needs root, tracefs, strace and curl.  Servers that are absent are installed
# where apt-get can; those that stay absent are named and left out.

EPHMAP=$1
case $EPHMAP in /*) ;; *) EPHMAP=$PWD/$EPHMAP ;; esac
port=18080
tracing=/sys/kernel/tracing
instance=$tracing/instances/ephmap.$$
work=$(mktemp -d)
chmod 755 "$work"
keep=${2:-$work/captures}
failed=0
captured=0

skip() {
	echo "servers: skipped: $*"
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip 'not root'
[ -d $tracing/events/filemap/mm_filemap_get_pages ] ||
	mount -t tracefs tracefs $tracing 2>/dev/null
[ -d $tracing/events/filemap/mm_filemap_get_pages ] ||
	skip 'no filemap tracepoints (Linux 6.12 and later have them)'
for p in strace curl; do
	command -v $p >/dev/null || apt-get install -y $p >/dev/null 2>&1 ||
		skip "no $p"
done
mkdir -p "$keep" "$instance" || skip 'no instance of ftrace'

# strace ends when its server does.
stop() {
	[ -z "$server" ] || kill $(pgrep -P "$server") 2>/dev/null
	[ -z "$server" ] || wait "$server" 2>/dev/null
	server=
}
trap 'stop; rmdir "$instance" 2>/dev/null; rm -rf "$work"' EXIT

# The files: their sizes are what servers treat differently.
www=$work/www
mkdir -p "$www" "$work/run"
for size in 1 200 4096 5000 20000 70000 1000000; do
	head -c $size /dev/urandom >"$www/f$size"
done
chmod -R a+rX "$work"
for f in "$www"/*; do
	paths="$paths -P $f"
done

# Which lines of ftrace are of our files, and how long these are.
files() {
	for f; do
		stat -c '# file dev=%Hd:%Ld ino=%i size=%s' "$f"
	done | while read -r hash file dev ino size; do
		printf '%s %s %s ino=%x %s\n' "$hash" "$file" "$dev" \
		    "${ino#ino=}" "$size"
	done
}
files "$www"/* >"$work/files"
sed 's/.*\(dev=[^ ]* ino=[^ ]*\) .*/\1 /' "$work/files" >"$work/inodes"

wait_for() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		curl -sko /dev/null --max-time 2 "$1" && return 0
		sleep 0.5
	done
	return 1
}

unique() {
	"$EPHMAP" trace info --format json "$1" |
		sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" | head -n 1
}

tracepoints() {
	if [ "$1" -eq 1 ]; then
		echo 16384 >"$instance/buffer_size_kb"
		echo >"$instance/trace"
		for e in get_pages map_pages; do
			echo 1 >"$instance/events/filemap/mm_filemap_$e/enable"
		done
	else
		echo 0 >"$instance/events/enable"
	fi
}

# serve COMMAND...: the server, in the foreground, under strace or not.
serve() {
	"$@" >"$work/$name.out" 2>&1 &
	server=$!
	wait_for "$url/" && return 0
	echo "$name: does not answer, left out"
	tail -n 2 "$work/$name.out"
	stop
	return 1
}

fetch() {
	for f in "$www"/*; do
		curl -sk -o "$work/got" --max-time 20 "$url/${f##*/}"
		cmp -s "$work/got" "$f" || {
			echo "$name: ${f##*/} came out wrong"
			failed=1
		}
	done
}

# capture NAME URL COMMAND...: a server that reads our files to serve them.
# With from_start=1 what it reads before it answers counts as well.
capture() {
	name=$1 url=$2
	shift 2
	command -v "$1" >/dev/null || {
		echo "$name: absent ($1), left out"
		return
	}
	[ -z "$from_start" ] || tracepoints 1
	serve strace -f -ttt -T -yy $paths -o "$keep/$name.strace" "$@" ||
		return
	[ -n "$from_start" ] || tracepoints 1
	fetch
	tracepoints 0
	# Our own reads of the files (cmp) are of another program.
	{
		cat "$work/files"
		grep -F -f "$work/inodes" "$instance/trace" | grep -v ' cmp-'
	} >"$keep/$name.filemap"
	stop
	compare "$name"
}

# attach NAME URL COMMAND...: a server that writes files of its own and serves
# these: strace joins when it runs, all it does counts, each file is asked for
# twice.
attach() {
	name=$1 url=$2
	shift 2
	command -v "$1" >/dev/null || return
	serve "$@" || return
	strace -f -ttt -T -yy -o "$keep/$name.strace" -p $server 2>/dev/null &
	tracer=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do
		grep -q '^TracerPid:.*[1-9]' /proc/$server/status && break
		sleep 0.1
	done
	tracepoints 1
	fetch
	fetch
	tracepoints 0
	kill $tracer
	wait $tracer 2>/dev/null
	{
		files "$www"/* $(find "$work/run/cache" -type f)
		grep "${1##*/}-" "$instance/trace"
	} >"$keep/$name.filemap"
	kill $server
	wait $server 2>/dev/null
	server=
	compare "$name"
}

# How many pages the kernel asks for twice, as its sendfile does: pages pass
# through a pipe of 16.  A call that begins within a page asks for 64 KiB from
# there, which lie on 17 pages, and then for the last of these again.  After
# that it stands at the start of a page: once a call.
asked_again() {
	awk '
	/<unfinished \.\.\.>$/ {
		sub(/ *<unfinished \.\.\.>$/, "")
		begun[$1] = $0
		next
	}
	/<\.\.\. [a-z0-9_]+ resumed>/ {
		sub(/.*<\.\.\. [a-z0-9_]+ resumed>/, "")
		$0 = begun[$1] $0
	}
	!match($0, /\) += [0-9]+/) { next }
	{
		call = $3
		got = substr($0, RSTART)
		sub(/\) += /, "", got)
		got += 0
	}
	call ~ /^open/ { match($0, /= [0-9]+<[^>]*>/)
		at[substr($0, RSTART + 2, RLENGTH - 2)] = 0 }
	{ split($0, args, "(") }
	call ~ /^lseek\(/ { fd = args[2]; sub(/,.*/, "", fd); at[fd] = got }
	call ~ /^read\(/ { fd = args[2]; sub(/,.*/, "", fd); at[fd] += got }
	call ~ /^sendfile\(/ {
		match($0, />, [0-9]+<[^>]*>, /)
		fd = substr($0, RSTART + 3, RLENGTH - 5)
		rest = substr($0, RSTART + RLENGTH)
		if (rest ~ /^NULL/) {
			start = at[fd]
			at[fd] += got
		} else
			start = substr(rest, 2) + 0
		n += start % 4096 && start % 4096 + got > 65536
	}
	END { print n + 0 }' "$keep/$1.strace"
}

compare() {
	captured=$((captured + 1))
	for form in strace filemap; do
		"$EPHMAP" trace import --calls all --from $form \
			"$keep/$1.$form" -o "$work/$1.$form.ept" \
			2>"$work/$form.err" || {
			echo "$1: no import of $form: $(cat "$work/$form.err")"
			failed=1
			return
		}
	done
	a=$(unique "$work/$1.strace.ept" unique_pages)
	b=$(unique "$work/$1.filemap.ept" unique_pages)
	ra=$(unique "$work/$1.strace.ept" references)
	rb=$(unique "$work/$1.filemap.ept" references)
	again=$(asked_again "$1")
	echo "$1: strace $ra references to $a pages, filemap $rb to $b," \
		"$again of them asked for again"
	[ "$a" = "$b" ] && [ $((ra + again)) -eq "$rb" ] || {
		echo "$1: that is not the same"
		failed=1
	}
}

# neither NAME URL COMMAND...: a server that reads no files when it serves:
# both captures are refused, and say so.
neither() {
	name=$1 url=$2
	shift 2
	command -v "$1" >/dev/null || return
	serve strace -f -ttt -T -yy -o "$keep/$name.strace" "$@" || return
	tracepoints 1
	fetch
	tracepoints 0
	grep "${1##*/}-" "$instance/trace" | grep -F -f "$work/inodes" \
		>"$keep/$name.filemap"
	stop
	captured=$((captured + 1))
	# What it reads to start, of its libraries and configuration, is before
	# the first connection.
	sed -n '/accept4\{0,1\}(/,$p' "$keep/$name.strace" \
		>"$work/$name.serving"
	"$EPHMAP" trace import --calls sendfile,splice,mmap --from strace \
		"$work/$name.serving" -o "$work/$name.ept" 2>"$work/strace.err"
	status=$?
	echo "$name: $(wc -l <"$keep/$name.filemap") filemap events; strace:" \
		"$(sed 's/.*log: //' "$work/strace.err")"
	[ $status -eq 2 ] && [ ! -s "$keep/$name.filemap" ] || failed=1
}

# -- the servers ------------------------------------------------------------

missing=
for p in nginx lighttpd apache2 vsftpd caddy busybox haproxy; do
	command -v $p >/dev/null || missing="$missing $p"
done
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y \
	--no-install-recommends $missing >/dev/null 2>&1

# nginx_with NAME URL LINES: one worker, as the user we are.
nginx_with() {
	cat >"$work/$1.conf" <<-EOF
	daemon off; master_process off; user root;
	pid $work/run/$1.pid; error_log $work/run/$1.err;
	events { }
	http {
	  access_log off;
	  client_body_temp_path $work/run/b; proxy_temp_path $work/run/p;
	  fastcgi_temp_path $work/run/f; uwsgi_temp_path $work/run/u;
	  scgi_temp_path $work/run/s;
	  $3
	}
	EOF
	${how:-capture} "$1" "$2" nginx -e "$work/run/$1.err" -c "$work/$1.conf"
}

plain="server { listen 127.0.0.1:$port; root $www; }"
nginx_with nginx-sendfile http://127.0.0.1:$port "sendfile on; $plain"
nginx_with nginx-off http://127.0.0.1:$port "sendfile off; $plain"
nginx_with nginx-threads http://127.0.0.1:$port \
	"sendfile on; aio threads; $plain"
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 \
		-keyout "$work/key" -out "$work/cert" 2>/dev/null
	nginx_with nginx-tls https://127.0.0.1:$port "sendfile on;
	  server { listen 127.0.0.1:$port ssl; root $www;
	    ssl_certificate $work/cert; ssl_certificate_key $work/key; }"
fi
# The origin reads our files; the cache writes its own, renames and sends them.
cache="sendfile on;
  proxy_cache_path $work/run/cache levels=1:2 keys_zone=z:1m;
  server { listen 127.0.0.1:$port; location / {
    proxy_cache z; proxy_cache_valid 200 1h;
    proxy_pass http://127.0.0.1:$((port + 1)); } }
  server { listen 127.0.0.1:$((port + 1)); root $www; }"
nginx_with nginx-cache http://127.0.0.1:$port "$cache"
how=attach nginx_with nginx-own-files http://127.0.0.1:$port "$cache"

cat >"$work/lighttpd.conf" <<EOF
server.document-root = "$www"
server.port = $port
server.bind = "127.0.0.1"
EOF
capture lighttpd http://127.0.0.1:$port lighttpd -D -f "$work/lighttpd.conf"

cat >"$work/apache.conf" <<EOF
ServerRoot $work/run
ServerName localhost
Listen 127.0.0.1:$port
PidFile $work/run/apache.pid
ErrorLog $work/run/apache.err
Mutex posixsem
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot $www
EnableSendfile On
EOF
capture apache http://127.0.0.1:$port apache2 -X -f "$work/apache.conf"

cat >"$work/vsftpd.conf" <<EOF
listen=YES
listen_address=127.0.0.1
listen_port=$port
background=NO
anonymous_enable=YES
anon_root=$www
no_anon_password=YES
secure_chroot_dir=$work/run
run_as_launching_user=YES
EOF
capture vsftpd ftp://127.0.0.1:$port vsftpd "$work/vsftpd.conf"

XDG_DATA_HOME=$work/run XDG_CONFIG_HOME=$work/run HOME=$work/run \
	capture caddy http://127.0.0.1:$port \
	caddy file-server --listen 127.0.0.1:$port --root "$www"
capture busybox http://127.0.0.1:$port \
	busybox httpd -f -p 127.0.0.1:$port -h "$www"

# haproxy reads the files it returns when it starts, and none when it serves.
haproxy_with() {
	cat >"$work/$2.conf" <<-EOF
	global
	    tune.bufsize 1100000
	defaults
	    mode http
	    timeout client 5s
	    timeout server 5s
	    timeout connect 5s
	frontend f
	    bind 127.0.0.1:$port
	$3
	EOF
	$1 "$2" http://127.0.0.1:$port haproxy -db -f "$work/$2.conf"
}
rules=
for f in "$www"/*; do
	rules="$rules http-request return status 200 content-type text/plain \
file $f if { path /${f##*/} }
"
done
from_start=1 haproxy_with capture haproxy "$rules"
behind() {
	url=$2
	shift 2
	"$@" >/dev/null 2>&1 &
	origin=$!
	wait_for "$url/"
}
how=behind nginx_with origin http://127.0.0.1:$((port + 1)) \
	"server { listen 127.0.0.1:$((port + 1)); root $www; }"
haproxy_with neither haproxy-proxy "    default_backend b
backend b
    option splice-auto
    server s 127.0.0.1:$((port + 1))"
kill "$origin"

[ $captured -gt 0 ] || skip 'no server could be captured'
echo "servers: $captured captured"
exit $failed
