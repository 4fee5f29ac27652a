/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_LWBUF_HOME_H
#define DESIGN_LWBUF_HOME_H

/*
 * lwbufs that have a home: a list of free ones for each CPU, which only
 * that CPU touches.  For v2 and v3.
 *
 * Every CPU gets LWBUF_BOOT_PAGES addresses at boot.  They are at the bottom
 * of its list, the highest on top, and the structure for one is made when it
 * is taken first, which nobody can tell.
 * A CPU for which there is no KVA left starts with none.
 *
 * wakeup_one() only when the list goes from empty to one: a second free
 * before the sleeper runs wakes nobody else, though there is one for each.
 *
 * Locking.  (p) by the CPU, in a critical section.
 */

#include "design/lwbuf_core.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/ipiq.h"

#define LWBUF_BOOT_PAGES 256u /* for each CPU: 1 MiB */

/* gd_lwbuf_fpages and gd_lwbuf_count, on cache lines of their own. */
struct lwbuf_home_cpu {
	_Alignas(64) uint32_t first; /* (p) by number plus one */
	uint32_t count;		     /* (p) on the list, those left too */
	uint32_t left;		     /* (p) from boot, not made lwbufs yet */
	eph_va_t boot;		     /* (c) 0: there was no KVA */
};

struct lwbuf_home {
	struct lwbuf_common lc;
	struct lwbuf_home_cpu *cpus; /* (c) */
};

/* Returns 0 or ENOMEM; eph__lwbuf_home_fini() in either case. */
int eph__lwbuf_home_init(struct lwbuf_home *lh, struct eph_machine *mc);

/* After eph__lwbuf_core_drop_kva(). */
void eph__lwbuf_home_fini(struct lwbuf_home *lh);

/* This CPU's list.  In a critical section, as all below. */
struct lwbuf_home_cpu *eph__lwbuf_home_mycpu(struct lwbuf_home *lh);

/*
 * Put new lwbufs for `npages` addresses from `va` onto this CPU's list,
 * the highest first to be taken.
 */
void eph__lwbuf_home_fill(struct lwbuf_home *lh, struct lwbuf_home_cpu *hc,
    eph_va_t va, uint32_t npages);

/* Put a free lwbuf onto its list; wakes as said above. */
void eph__lwbuf_home_push(
    struct lwbuf_home *lh, struct lwbuf_home_cpu *hc, struct lwbuf *lwb);

/* Take the one put last, NULL if there is none. */
struct lwbuf *eph__lwbuf_home_pop(
    struct lwbuf_home *lh, struct lwbuf_home_cpu *hc);

/* lwbufs on all lists, those of boot included. */
uint64_t eph__lwbuf_home_count(struct lwbuf_home *lh);

/* The lists are as their counts say; returns how many made ones they hold. */
uint64_t eph__lwbuf_home_check(struct lwbuf_home *lh);

/* Is a message under way, with an lwbuf in it? */
bool eph__lwbuf_home_in_flight(struct lwbuf_home *lh);

uint64_t eph__lwbuf_home_get_count(void *state);
uint64_t eph__lwbuf_home_get_reserve(void *state);

#endif /* !DESIGN_LWBUF_HOME_H */
