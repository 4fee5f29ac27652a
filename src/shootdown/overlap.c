/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Overlap: the initiator invalidates its own TLB while it waits.
 *
 * The entries are stored and the interrupts sent; this CPU invalidates while
 * they travel, and waits until every target has invalidated.
 *
 * Idea.  The initiator's own invalidation needs no answer, and takes as long as
 * a target's: done after the interrupts have left it costs no time.  Haiku
 * measured 15 % of the kernel's shootdowns on an i3.
 *
 * Invariant: when the request returns, no target uses the old entry.
 *
 *	n pages, k targets	L n	R n k	IPI k
 *	full flush, k targets	F k		IPI k
 *
 * The counts are those of acked-invlpg.  What differs is what runs when: a
 * target may answer while this CPU still has the old entry, which nobody can
 * use before the request returns.  Whoever has other things to do for the
 * request must not move them along with it: FreeBSD's generations were
 * cleared too late when it did the same (pm_gen.c, and the exhibit
 * pm-gen-cleared-late).
 *
 * The clocks of lockstep play it as acked-invlpg.
 *
 * Haiku 7512053757, 2026-03-10; FreeBSD r362031, 2020-06.
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

/* On the initiator's stack: gone once all have invalidated. */
struct overlap {
	_Atomic(uint32_t) done;
	const struct eph_shoot *req;
};

static void
overlap_handler(struct eph_machine *mc, void *arg)
{
	struct overlap *ov = arg;

	eph__shootdown_invlpg_here(mc, ov->req->va, ov->req->npages);
	/* Release: our last look at *ov. */
	(void)eph_fetchadd_32(mc, &ov->done, 1, memory_order_release);
}

static void
overlap_shoot_parallel(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct overlap ov = { .req = req };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = overlap_handler,
		.arg = &ov,
	};
	const uint32_t k = eph_cpuset_count(req->targets, mc->cpuwords);

	eph_shoot_store(mc, req);
	eph_ipi(mc, req->targets, &ipi, false);
	eph_shoot_local(mc, req);
	/* Acquire pairs with the release in the handler. */
	while (eph_load_32(mc, &ov.done, memory_order_acquire) != k)
		mc->exec->spin(mc);
}

static void
overlap_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (!mc->at_once) {
		overlap_shoot_parallel(mc, req);
		return;
	}
	eph_shoot_store(mc, req);
	eph__shootdown_invlpg(mc, req, true);
	eph_shoot_local(mc, req);
}

const struct eph_shootdown_ops eph__shootdown_overlap = {
	.abi = EPHMAP_ABI,
	.name = "overlap",
	.summary = "the initiator invalidates while it waits for the targets",
	.origin = "FreeBSD r362031, 2020; Haiku 7512053757, 2026",
	.one_packet = true,
	.acked = true,
	.shoot = overlap_shoot,
	.flush = eph__shootdown_flush_acked,
};
