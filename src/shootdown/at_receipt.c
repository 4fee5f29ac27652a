/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Check at receipt: a target that no longer runs the address space of the
 * request does nothing.
 *
 * The entries are stored, this CPU invalidates, and all targets are
 * interrupted and waited for.  A target looks at its own CR3: if that is not
 * the request's, it only says that it is done.
 *
 * Idea.  Who sends a request looks at a set of CPUs that is older than the
 * request when it arrives.  The CPU itself knows.  Haiku's browsers skipped
 * such requests "by the thousands".
 *
 * Invariant: when the request returns, no CPU uses the old entry: it has
 * invalidated, or it loads CR3 before it runs the space again, and that
 * flushes.  So it is right only while a load of CR3 flushes: with PCIDs it
 * keeps what it was not told of.
 *
 *	n pages, k targets, i elsewhere	L n	R n (k - i)	IPI k
 *	the same, global entries	L n	R n k		IPI k
 *	full flush			-	F k		IPI k
 *	a CPU that skipped comes back	LF 1
 *
 * Global entries are the kernel's, which no CPU leaves.  An idle CPU is
 * elsewhere here: it runs the idle thread, which has no space of its own.  The
 * load of CR3 is counted where it was needed, once however many were skipped;
 * those that nothing was skipped before belong to the scheduler, which does
 * not count here.  With threads and explore an interrupt wakes an idle CPU,
 * which has come back before it looks.
 *
 * Haiku 3214eedc80, 2026-02-20.  Linux looks likewise, at the address space
 * that is loaded, since 4.14 (2017).
 */

#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

struct receipt {
	const struct eph_shoot *req;
	struct eph_cpu *from;
};

static bool
receipt_is_elsewhere(struct eph_machine *mc)
{
	/* Relaxed: we are the CPU that stores it. */
	return (mc->pgeflag == 0 &&
	    eph_load_32(mc, &eph_curcpu(mc)->idle, memory_order_relaxed) != 0);
}

static void
receipt_handler(struct eph_machine *mc, void *arg)
{
	const struct receipt *re = arg;
	shootdown_mark *mark = mc->shootdown_state;
	struct eph_cpu *me = eph_curcpu(mc);

	if (eph_serial(mc) &&
	    !eph__cpu_range_outdated(me, re->req->va, re->req->npages))
		eph__shootdown_needless(mc, re->from);
	if (receipt_is_elsewhere(mc))
		/* Relaxed: read here only. */
		eph_store_32(mc, &mark[me->id], 1, memory_order_relaxed);
	else
		eph__shootdown_invlpg_here(mc, re->req->va, re->req->npages);
}

static void
receipt_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct receipt re = { req, eph_curcpu(mc) };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.va = req->va,
		.fn = receipt_handler,
		.arg = &re,
	};

	eph_shoot_store(mc, req);
	eph_shoot_local(mc, req);
	eph_ipi(mc, req->targets, &ipi, true);
}

static void
receipt_catch_up(struct eph_machine *mc)
{
	if (!receipt_is_elsewhere(mc) &&
	    eph__shootdown_take_mark(mc, mc->shootdown_state))
		pmap_flush_local(mc, false);
}

const struct eph_shootdown_ops eph__shootdown_at_receipt = {
	.abi = EPHMAP_ABI,
	.name = "at-receipt",
	.summary = "all are interrupted; who left the address space skips",
	.origin = "Haiku 3214eedc80, 2026; Linux 4.14, 2017",
	.acked = true,
	.flags = EPH_SHOOT_IDLE,
	.create = eph__shootdown_marks,
	.destroy = eph__shootdown_no_marks,
	.shoot = receipt_shoot,
	.flush = eph__shootdown_flush_acked,
	.catch_up = receipt_catch_up,
};
