#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Servers captured twice at the same time, with strace and with filemap
# tracepoints: do the page references of both agree?
#
#	tests/cli/servers.sh EPHMAP [KEEP]
#
# Every server serves the same files over the loopback, one request at a time.
# What agrees is the pages that were read; how often a page is counted differs
# where a server reads with small buffers (strace counts each call, the kernel
# each range).  Captures stay in the folder KEEP when one is given.
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
	for f in "$www"/*; do
		stat -c '# file dev=%Hd:%Ld ino=%i size=%s' "$f"
	done | while read -r hash file dev ino size; do
		printf '%s %s %s ino=%x %s\n' "$hash" "$file" "$dev" \
		    "${ino#ino=}" "$size"
	done
}
files >"$work/files"
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

# capture NAME URL COMMAND...: the server, in the foreground, while it serves.
capture() {
	name=$1 url=$2
	shift 2
	command -v "$1" >/dev/null || {
		echo "$name: absent ($1), left out"
		return
	}
	strace -f -ttt -T -yy $paths -o "$keep/$name.strace" "$@" \
		>"$work/$name.out" 2>&1 &
	server=$!
	wait_for "$url/" || {
		echo "$name: does not answer, left out"
		tail -n 2 "$work/$name.out"
		stop
		return
	}
	echo 16384 >"$instance/buffer_size_kb"
	echo >"$instance/trace"
	echo 1 >"$instance/events/filemap/mm_filemap_get_pages/enable"
	echo 1 >"$instance/events/filemap/mm_filemap_map_pages/enable"
	for f in "$www"/*; do
		curl -sk -o "$work/got" --max-time 20 "$url/${f##*/}"
		cmp -s "$work/got" "$f" || {
			echo "$name: ${f##*/} came out wrong"
			failed=1
		}
	done
	echo 0 >"$instance/events/enable"
	# Our own reads of the files (cmp) are of another program.
	{
		cat "$work/files"
		grep -F -f "$work/inodes" "$instance/trace" | grep -v ' cmp-'
	} >"$keep/$name.filemap"
	stop
	compare "$name"
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
	echo "$1: strace $ra references to $a pages, filemap $rb to $b"
	[ "$a" = "$b" ] || failed=1
}

# -- the servers ------------------------------------------------------------

missing=
for p in nginx lighttpd apache2 vsftpd caddy busybox; do
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
	capture "$1" "$2" nginx -e "$work/run/$1.err" -c "$work/$1.conf"
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
# The origin reads our files; the cache writes and sends its own.
nginx_with nginx-cache http://127.0.0.1:$port "sendfile on;
  proxy_cache_path $work/run/cache keys_zone=z:1m;
  server { listen 127.0.0.1:$port;
    location / { proxy_cache z; proxy_pass http://127.0.0.1:$((port + 1)); } }
  server { listen 127.0.0.1:$((port + 1)); root $www; }"

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

echo 'haproxy: serves no files, it passes bytes between sockets'
[ $captured -gt 0 ] || skip 'no server could be captured'
echo "servers: $captured captured"
exit $failed
