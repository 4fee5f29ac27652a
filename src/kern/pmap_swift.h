/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KERN_PMAP_SWIFT_H
#define KERN_PMAP_SWIFT_H

/*
 * What the pmap does for one page on a machine that is `swift`: lockstep, no
 * observer, no crowd, and a protocol that asks for nothing.  Counts are those
 * of pmap.c, without its calls.
 */

#include "ephmap/sdk/clock.h"
#include "machine/access.h"

static inline void
pmap_store_swift(
    struct eph_machine *mc, struct eph_cpu *cpu, uint32_t i, eph_pte_t pte)
{
	struct eph_ptp *ptp = machine_ptp(mc, cpu, i);
	const uint32_t at = i & EPH_PTP_MASK;

	eph_clock_line(mc, &ptp->pte[at]);
	/* Relaxed: one host thread. */
	atomic_store_explicit(&ptp->pte[at], pte, memory_order_relaxed);
	atomic_store_explicit(
	    &ptp->origin[at].cpu, cpu->id, memory_order_relaxed);
	atomic_store_explicit(
	    &ptp->origin[at].when, (uint32_t)mc->step, memory_order_relaxed);
	cpu->c.pte_store++;
}

static inline void
pmap_invlpg_swift(struct eph_cpu *cpu, uint32_t i)
{
	cpu->c.invlpg_local++;
	(void)cpu_invlpg_swift(cpu, i);
}

#endif /* !KERN_PMAP_SWIFT_H */
