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

struct eph_cpu {
	struct eph_counters c;	/* (o) designs count here */
	struct eph_machine *mc; /* (c) */
	unsigned id;		/* (c) */
	unsigned crit;		/* (o) critical-section nesting */
	uint32_t gen[2];	/* (o) flush generation: other, global */
	bool pending;		/* (m) something is to be delivered here */
	bool loaded;		/* (o) loaded anything since its last flush */
	uint32_t nshadow;	/* (o) chunks in shadow[] */
	struct eph_shadow **shadow; /* (o) chunks; machine's `none` if unused */
	struct eph_tlb *tlb;	    /* (o) NULL: infinite, the shadow is it */
	struct eph_ptp **window;    /* (o) entries of the per-CPU window */
	struct eph_thread *curthread; /* (o) */
	struct eph_ipiq_cpu *ipiq;    /* kern/ipiq's part of this CPU */
	void *exec;		      /* the executor's part of this CPU */
	_Atomic(uint32_t) idle; /* (x) nothing can run; kept if asked for */
};

#endif /* !EPHMAP_SDK_CPU_H */
