/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_NATIVE_WITNESS_H
#define ANALYSIS_NATIVE_WITNESS_H

/*
 * What the host's kernel says of its shootdowns: the row TLB of
 * /proc/interrupts, by the CPU interrupted, for all processes; and the
 * tracepoint tlb:tlb_flush with reason "remote IPI send", by the thread
 * that sends, for ours alone.
 *
 * Not every interrupt of the row is a shootdown.  A CPU that ran a process
 * stays in its mask when it runs another; once a second Linux interrupts such
 * CPUs too, to take them out (6.14 and later).  The one interrupted says so by
 * the same tracepoint, "remote wrong CPU", and the row here is without these.
 * Whoever sends counts every call that finds a CPU in the mask, also where that
 * CPU is left out since it sleeps or runs another process: of a call that has
 * nobody to interrupt the sender's tracepoint is no witness.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ephmap/native.h"
#include "ephmap/types.h"

#define WITNESS_CPUS 64u

struct witness {
	unsigned ncpus;
	unsigned cpu[WITNESS_CPUS]; /* whose columns of the row count */
	bool has_row;
	bool has_tracepoint;
	long tracepoint_id;
	int stray[WITNESS_CPUS]; /* counters by CPU: "remote wrong CPU"; -1 */
	char why_no_tracepoint[256];
};

/*
 * See what there is; nothing is decided yet.  To be called and closed while no
 * thread spins at a real-time priority: a counter waits for every CPU.
 */
void eph__witness_open(struct witness *w, const unsigned *cpu, unsigned ncpus);
void eph__witness_close(struct witness *w);

/* Sum of the row over the CPUs, without strays; 0 where there is none. */
uint64_t eph__witness_row(const struct witness *w);

/* A counter for the calling thread: a descriptor, or -1. */
int eph__witness_count(struct witness *w);
uint64_t eph__witness_read(int fd);

/*
 * Which of `row' and `traced' to believe; `by_row': a trial moved the row.
 * While all our threads spin, the tracepoint: it counts ours alone, and the
 * row misses those sent while the host let another program run on a thread's
 * CPU.  With a thread that sleeps or none, the smaller: the row has then what
 * other programs did to each other there.  Alone, each is only a bound then:
 * the row has strays that nobody counted, the tracepoint calls.
 */
void eph__witness_choose(
    struct eph_native_result *res, bool by_row, bool nobody_runs);

/*
 * Of several tries.  Other programs add to what is counted, and a thread that
 * the host took off its CPU is not interrupted, which takes from it: a try
 * says less than predicted only if no thread was.
 */
bool eph__witness_again(const struct eph_native_result *best);
bool eph__witness_better(
    const struct eph_native_result *res, const struct eph_native_result *best);

#endif /* !ANALYSIS_NATIVE_WITNESS_H */
