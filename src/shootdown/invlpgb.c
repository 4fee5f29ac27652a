/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Broadcast with a page count, and a separate wait: AMD's INVLPGB and TLBSYNC
 * as Linux uses them for kernel ranges.
 *
 * The entries are stored; one INVLPGB for each 8 pages invalidates them on
 * this CPU and all others, and is not waited for; at the end one TLBSYNC
 * waits until all of them have happened everywhere.  Above the ceiling one
 * INVLPGB takes everything.
 *
 * Idea.  A range costs an instruction for many pages and one wait, where
 * Arm's TLBI has an instruction a page.
 *
 * Invariant: when the request returns, no CPU uses the old entry.
 *
 *	n <= 33 pages, k targets	L ceil(n / 8)	R 0	IPI 0
 *	n > 33 pages			LF 1		F 0	IPI 0
 *	full flush, k targets		LF 1		F 0	IPI 0
 *
 * How it is counted: as broadcast.c says; one invlpg_local is one INVLPGB,
 * however many pages it has.  TLBSYNC is not counted.  The instruction may
 * not be interrupted by another CPU between it and the wait, as TLBSYNC waits
 * for this CPU's only; that is a critical section here.
 *
 * How many pages one has is CPUID's to say (8000_0008h, EDX, plus one); 8 is
 * what is remembered of Zen 3, and not verified.
 *
 * Linux 6.15 (2025, van Riel), arch/x86/mm/tlb.c; AMD Zen 3 (2020).
 */

#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/pmap.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

#define COUNT_MAX 8u /* pages of one INVLPGB */

static void
invlpgb_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	(void)targets;
	(void)va;
	(void)npages;
	all = all || mc->pgeflag != 0;
	pmap_flush_local(mc, all);
	eph__shootdown_broadcast_pages(mc, 0, 0, all);
}

/* The first page's instruction; the others come with it. */
static void
invlpgb_pages(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	struct eph_cpu *me;
	uint64_t needless;

	pmap_invlpg(mc, va);
	me = eph_curcpu(mc);
	needless = me->c.needless_invlpg;
	for (unsigned k = 1; k < npages; k++) {
		(void)eph__cpu_invlpg(me, va + eph_ptoa(k));
		EPH_EVENT(
		    mc, EPH_EV_INVLPG, me->id, va + eph_ptoa(k), 1, 0, NULL);
	}
	me->c.needless_invlpg = needless;
}

static void
invlpgb_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_shoot_store(mc, req);
	if (req->npages > SHOOT_CEILING) {
		invlpgb_flush(mc, req->targets, req->va, req->npages, false);
		return;
	}
	crit_enter(mc);
	for (unsigned k = 0; k < req->npages; k += COUNT_MAX) {
		const unsigned left = req->npages - k;

		invlpgb_pages(mc, req->va + eph_ptoa(k),
		    left < COUNT_MAX ? left : COUNT_MAX);
	}
	eph__shootdown_broadcast_pages(mc, req->va, req->npages, false);
	crit_exit(mc);
}

const struct eph_shootdown_ops eph__shootdown_invlpgb = {
	.abi = EPHMAP_ABI,
	.name = "invlpgb",
	.summary = "broadcast of up to 8 pages at a time, one wait at the end",
	.origin = "Linux 6.15, 2025; AMD INVLPGB and TLBSYNC, 2020",
	.hardware = true,
	.acked = true,
	.shoot = invlpgb_shoot,
	.flush = invlpgb_flush,
};
