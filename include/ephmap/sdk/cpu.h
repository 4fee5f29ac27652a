/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_CPU_H
#define EPHMAP_SDK_CPU_H

/*
 * One CPU of a machine.
 *
 * Key for the fields:
 *	(c)  constant after creation
 *	(o)  written by the CPU itself only (in lockstep: while it is current)
 *	(m)  machine's, see the function that changes it
 *	(x)  the executor's
 */

#include <stdatomic.h>

#include "ephmap/counters.h"
#include "ephmap/types.h"

struct eph_ipiq_cpu;
struct eph_machine;
struct eph_ptp;
struct eph_shadow;
struct eph_thread;
struct eph_tlb;
struct eph_locked;

struct eph_cpu {
	/* What an access or an invalidation needs: one line of a cache. */
	struct eph_machine *mc;	   /* (c) */
	struct eph_shadow *shadow; /* (o) cells, a hash table by address */
	struct eph_tlb *tlb;	   /* (o) NULL: infinite, the shadow is it */
	struct eph_locked *locked; /* (o) entries that software locked */
	uint32_t gen[2];	   /* (o) flush generation: other, global */
	uint32_t shadow_shift;	/* (o) 32 less the binary logarithm of cells */
	unsigned id;		/* (c) */
	unsigned crit;		/* (o) critical-section nesting */
	bool pending;		/* (m) something is to be delivered here */
	bool loaded;		/* (o) loaded anything since its last flush */
	_Atomic(uint32_t) idle; /* (x) nothing can run; kept if asked for */
	uint32_t shadow_used;	/* (o) cells that are not free */

	struct eph_counters c;	 /* (o) designs count here; see eph_crowd */
	struct eph_ptp **window; /* (o) entries of the per-CPU window */
	struct eph_thread *curthread; /* (o) */
	struct eph_ipiq_cpu *ipiq;    /* kern/ipiq's part of this CPU */
	void *exec;		      /* the executor's part of this CPU */
};

/*
 * What every CPU was charged with together, in lockstep, so that a broadcast
 * costs no visit to each: a CPU's count is its own plus this, modulo 2^64
 * (eph_cpu_counters()).
 */
struct eph_crowd {
	uint64_t invlpg_remote;
	uint64_t needless_invlpg;
	uint64_t flush_remote;
};

#endif /* !EPHMAP_SDK_CPU_H */
