#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Traces that are none: one line that names file and line or byte, status 2.

. "$(dirname "$0")/lib.sh"

# bad PATTERN: standard input is the body of a text trace.
bad() {
	trace bad.txt
	refuses "$1" run --design dmap bad.txt
	refuses "$1" compare --design dmap bad.txt
	rm bad.txt
}

bad 'bad.txt:2' <<'END'
r 0 7
END
bad 'bad.txt:4' <<'END'
m 0 1 7
u 0 7
r 0 7
END
bad 'bad.txt:3' <<'END'
m 0 1 7
m 0 2 7
END
bad 'bad.txt:2.*CPU' <<'END'
p 1024 1
END
bad 'bad.txt:2' <<'END'
p 99999999999999999999 1
END
bad 'bad.txt:2' <<'END'
p 0 18446744073709551616
END
bad 'bad.txt:3' <<'END'
p 0 1
p 0 10xx
END
bad 'bad.txt:2' <<'END'
p 0
END
bad 'bad.txt:2' <<'END'
p 0 1 2
END
bad 'bad.txt:2' <<'END'
p 0 -1
END
bad 'bad.txt:2' <<'END'
z 0 1
END
bad 'bad.txt:2' <<'END'
m 0 1 1 private shared
END
bad 'bad.txt:2' <<'END'
m 0 1 1 nowait catch
END
bad 'bad.txt:2' <<'END'
m 0 1 1 private private
END
bad 'bad.txt:2' <<'END'
m 0 1 1 privat
END
bad 'bad.txt:2' <<'END'
d -5
END
printf 'p 0 1\np 0\0011\n' | bad 'bad.txt:3'
printf 'p 0 1\np 0 \0002\n' | bad 'bad.txt:3'
awk 'BEGIN { printf "p 0 "; for (i = 0; i < 200000; i++) printf "1"; print "" }' |
    bad 'bad.txt:2'

# A CPU that the machine has not.
trace t.txt <<'END'
p 0 1
p 3 2
END
refuses 't.txt:3.*CPU' run --design dmap --cpus 2 t.txt
refuses 't.txt:3.*CPU' compare --design dmap --cpus 2 t.txt
accepts run --design dmap --cpus 4 t.txt

# Not a trace at all.
: >empty
refuses 'empty' run --design dmap empty
mkdir folder
refuses 'folder.*[Dd]irectory' run --design dmap folder
refuses 'none.txt' run --design dmap none.txt
echo 'ephmap-trace 2' >version
refuses 'version:1' run --design dmap version
echo 'p 0 1' >headless
refuses 'headless:1' run --design dmap headless
printf '1234 12:00:01.000001 sendfile(5, 6, [0] => [797], 797) = 797 <0.000021>\n' >log.strace
refuses 'ephmap trace import' trace info log.strace
printf '127.0.0.1 - - [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 6245\n' >log.clf
refuses 'ephmap trace import' trace info log.clf
printf '0\t0\t28325\tsendfile\t0\t0\t3985\t3985\t11604\t59188\n' >log.tsv
refuses 'ephmap trace import' trace info log.tsv
head -c 3000 /dev/urandom >noise
refuses 'noise' run --design dmap noise

# The binary form: cut short and with one byte changed.  (At every byte:
# tests/unit/test_trace_binary.c.)
accepts trace generate zipf --pages 50 --refs 2000 --seed 3 -o good.ept
size=$(wc -c <good.ept)
at=0
while [ "$at" -lt "$size" ]; do
	head -c "$at" good.ept >bad.ept
	refuses 'bad.ept' run --design dmap bad.ept
	cp good.ept bad.ept
	byte=$(od -An -tu1 -j "$at" -N 1 good.ept | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $(((byte + 1) % 256)))" |
	    dd of=bad.ept bs=1 seek="$at" conv=notrunc 2>/dev/null
	refuses 'bad.ept' run --design dmap bad.ept
	at=$((at + 1 + size / 10))
done
cp good.ept bad.ept
echo more >>bad.ept
refuses 'bad.ept' run --design dmap bad.ept

finish
