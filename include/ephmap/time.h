/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TIME_H
#define EPHMAP_TIME_H

/*
 * Time: how long a run takes on a machine, and where its cycles go.
 *
 * With a time configuration every CPU has a clock of cycles, in lockstep.
 * Events cost what the machine's prices say; a lock is free at a time, so
 * that waiting for it is computed; a cache line that another CPU wrote last
 * must be fetched; an acknowledged interrupt waits for its slowest target,
 * and a handler takes time from its CPU.  The CPU that is furthest behind
 * plays next.  doc/time.md states every rule.
 */

#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where cycles go.  X(name, "what is counted here"). */
/* clang-format off */
#define EPH_CYCLES(X)                                                          \
	X(walk, "reading page-table entries after a TLB miss")                 \
	X(invlpg, "invalidating the CPU's own TLB")                            \
	X(send, "sending interrupts")                                          \
	X(ack, "waiting for acknowledgements, and for one's turn to send")     \
	X(handle, "handling others' interrupts")                               \
	X(lock, "taking locks, and waiting for them")                          \
	X(line, "fetching cache lines that another CPU wrote last")            \
	X(sleep, "switching away, and asleep with nothing else to do")         \
	X(book, "the design's own instructions, and stores of entries")        \
	X(touch, "loads and stores through a mapping")                         \
	X(idle, "thinking, waiting for the next arrival, at the end")
/* clang-format on */

#define EPH_CYCLES_ID(name, desc) EPH_CYCLES_##name,
enum eph_cycles { EPH_CYCLES(EPH_CYCLES_ID) EPH_CYCLES_N };

/* Of times in cycles, each within 0.4 % of that of the sorted list. */
struct eph_latency {
	uint64_t n;
	uint64_t p50;
	uint64_t p90;
	uint64_t p99;
	uint64_t p999;
	uint64_t max; /* exact */
};

/* How operations arrive. */
enum eph_load {
	EPH_LOAD_CLOSED, /* the next when the last has ended, and think_ns */
	EPH_LOAD_OPEN,	 /* at the trace's times */
};

struct eph_time_config {
	enum eph_load load;
	uint64_t think_ns; /* closed */
};

/* One CPU's part. */
struct eph_time_cpu {
	uint64_t operations; /* maps that returned on it */
	uint64_t cycles[EPH_CYCLES_N];
};

/* What the clocks say at the end; cycles[] sums to cpus times elapsed. */
struct eph_time {
	bool on; /* false: the run had no clock, all below is 0 */
	unsigned cpus;
	uint32_t mhz;
	uint64_t elapsed;    /* cycles, of the CPU that ended last */
	uint64_t operations; /* maps that returned */
	uint64_t cycles[EPH_CYCLES_N];
	uint64_t busy_least; /* cycles not idle, of the CPU with the least */
	uint64_t busy_most;
	struct eph_latency map;
	struct eph_latency unmap;
};

/* Name and meaning of an item of cycles[]; NULL beyond the last. */
const char *eph_cycles_name(unsigned i);
const char *eph_cycles_desc(unsigned i);

/* Operations a second of simulated time; 0 if there was none. */
double eph_time_rate(const struct eph_time *t);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TIME_H */
