/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_NATIVE_WITNESS_H
#define ANALYSIS_NATIVE_WITNESS_H

/*
 * What the host's kernel says of its shootdowns: the row TLB of
 * /proc/interrupts, by the CPU interrupted, for all processes; and the
 * tracepoint tlb:tlb_flush with reason "remote IPI send", by the thread
 * that sends, for ours alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ephmap/types.h"

#define WITNESS_CPUS 64u

struct witness {
	unsigned ncpus;
	unsigned cpu[WITNESS_CPUS]; /* whose columns of the row count */
	bool has_row;
	bool has_tracepoint;
	long tracepoint_id;
	char why_no_tracepoint[256];
};

/* See what there is; nothing is decided yet. */
void eph__witness_open(struct witness *w, const unsigned *cpu, unsigned ncpus);

/* Sum of the row over the CPUs; 0 where there is none. */
uint64_t eph__witness_row(const struct witness *w);

/* A counter for the calling thread: a descriptor, or -1. */
int eph__witness_count(struct witness *w);
uint64_t eph__witness_read(int fd);

#endif /* !ANALYSIS_NATIVE_WITNESS_H */
