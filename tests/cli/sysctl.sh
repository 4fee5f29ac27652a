#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Tunables and statistics under their kernel names.

. "$(dirname "$0")/lib.sh"

trace t.txt <<'END'
m 0 5 1 private
r 0 1
u 0 1
m 1 6 2 private
r 1 2
u 1 2
END

# A tunable of the boot loader is the number of buffers.
accepts run --design sf_buf.cpumask --sysctl kern.ipc.nsfbufs=7 t.txt \
    --format json
expect_value nbufs 7
expect_out '"kern.ipc.nsfbufs": {'
expect_out '"value": 7'
refuses 'kern.ipc.nsfbufs and --nbufs are the same number' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsfbufs=7 --nbufs 7 t.txt
refuses 'kern.ipc.nsfbufs: expected a number from 1' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsfbufs=0 t.txt

# Read at the end, with the truth where the kernel's own count was wrong.
accepts run --design sf_buf.cpumask --nbufs 7 --sysctl kern.ipc.nsffree t.txt
expect_out '^kern.ipc.nsffree: '
expect_out '^    but: '

# Set before the trace is played.
accepts run --design sf_buf.cpumask t.txt --format json
expect_value ipi_sent 0
accepts run --design sf_buf.cpumask --sysctl debug.sfbuf_quick=0 t.txt \
    --format json
expect_value ipi_sent 2

# Refused.
refuses 'unknown sysctl "kern.ipc.nsfbuf"; did you mean kern.ipc.nsfbufs?' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsfbuf t.txt
refuses 'unknown sysctl' run --design dmap --sysctl kern.ipc.nsfbufs t.txt
refuses 'kern.ipc.nsffree is read only' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsffree=1 t.txt
refuses 'expected a number' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsfbufs=10xx t.txt
refuses 'expected a number' \
    run --design sf_buf.cpumask --sysctl kern.ipc.nsfbufs= t.txt
refuses 'kern.ipc.nsffree is given twice' run --design sf_buf.cpumask \
    --sysctl kern.ipc.nsffree --sysctl kern.ipc.nsffree t.txt

finish
