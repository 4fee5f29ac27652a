/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Early acknowledgement: a target says "done" when it enters the handler,
 * before it invalidates.
 *
 * The entries are stored and the interrupts sent; this CPU invalidates
 * while they travel, and waits until every target has arrived.  A target
 * copies the request, acknowledges, and invalidates.
 *
 * Idea.  What the initiator must know is that no target will use the old
 * entry again, not that it has gone: a CPU in the handler runs nothing else
 * before it has left it.  Both wait for less.
 *
 * Invariant: when the request returns, no target uses the old entry outside
 * its handler, and handlers touch no mapping.  (The original gives it up
 * where page-table pages are freed, which never happens here.)
 *
 *	n <= 33 pages, k targets	L n	R n k	IPI k
 *	n > 33 pages			LF 1	F k	IPI k
 *	full flush, k targets		F k		IPI k
 *
 * The counts are those of acked-invlpg but for the ceiling, 33 pages, above
 * which Linux flushes all.  What differs is time, and what `explore` finds
 * possible in between.
 *
 * Amit, Tai, Wei, "Don't shoot down TLB shootdowns!", EuroSys 2020, on
 * Linux 5.2: early acknowledgement and concurrent flushing.
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "shootdown/protocol.h"

/* On the initiator's stack: gone once all have acknowledged. */
struct early {
	_Atomic(uint32_t) acked;
	eph_va_t va;
	unsigned npages;
};

static void
early_handler(struct eph_machine *mc, void *arg)
{
	struct early *ea = arg;
	const eph_va_t va = ea->va;
	const unsigned npages = ea->npages;

	/* Release: our last look at *ea. */
	(void)eph_fetchadd_32(mc, &ea->acked, 1, memory_order_release);
	eph__shootdown_range_here(mc, va, npages);
}

static void
early_shoot_parallel(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct early ea = { .va = req->va, .npages = req->npages };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = early_handler,
		.arg = &ea,
	};
	const uint32_t k = eph_cpuset_count(req->targets, mc->cpuwords);

	eph_shoot_store(mc, req);
	eph_ipi(mc, req->targets, &ipi, false);
	eph__shootdown_local_range(mc, req);
	/* Acquire pairs with the release in the handler. */
	while (eph_load_32(mc, &ea.acked, memory_order_acquire) != k)
		mc->exec->spin(mc);
}

/* Where nothing else runs a handler is a function call: early is not earlier. */
static void
early_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (!mc->at_once) {
		early_shoot_parallel(mc, req);
		return;
	}
	eph_shoot_store(mc, req);
	eph__shootdown_range_acked(mc, req);
	eph__shootdown_local_range(mc, req);
}

const struct eph_shootdown_ops eph__shootdown_early_ack = {
	.abi = EPHMAP_ABI,
	.name = "early-ack",
	.summary = "targets acknowledge before they invalidate",
	.origin = "Amit, Tai, Wei, EuroSys 2020; Linux 5.2",
	.acked = true,
	.shoot = early_shoot,
	.flush = eph__shootdown_flush_acked,
};
