/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Idle skip: a CPU that does nothing is not interrupted; it flushes when it
 * wakes.
 *
 * The entries are stored, and this CPU invalidates.  Each busy target is
 * interrupted, flushes everything, and is waited for; an idle one is only
 * marked, and looks at its mark before it does anything else.
 *
 * Idea.  An idle CPU uses no mapping, so it does not matter what its TLB
 * holds; and however often it was marked, one flush is enough.
 *
 * Invariant: when the request returns, no CPU will use the old entry: it has
 * flushed, or it will before it runs.
 *
 *	n pages, k targets, i idle	L n	F k - i	IPI k - i
 *	full flush			-	F k - i	IPI k - i
 *	a marked CPU wakes		-	F 1	IPI 0
 *
 * The race is with a CPU that wakes.  We mark it, then look again whether it
 * is idle; it says that it is not, then looks at its mark.  All of these are
 * sequentially consistent, so one of the two sees the other.  A CPU that
 * woke in between may flush twice.
 *
 * DragonFly 79f2da0360, 2016-07-15, smp_invltlb(); off by default from
 * 2016-07-23 on (6cb49c4fc9, machdep.optimized_invltlb).  The commit also
 * spared the flush where the entry was 0 before.  Not so here: the
 * CPU that stored that 0 may have told none.
 */

#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

static void
idle_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];

	eph_cpuset_copy(busy, targets, mc->cpuwords);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		if (eph__shootdown_leave_mark(mc, mc->shootdown_state, t))
			eph_cpuset_clear(busy, t);
	}
	eph__shootdown_flush_acked(
	    mc, busy, va, npages, all || mc->pgeflag != 0);
}

static void
idle_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_shoot_store(mc, req);
	eph_shoot_local(mc, req);
	idle_flush(mc, req->targets, req->va, req->npages, false);
}

/* All of it, because what was asked for is not remembered. */
static void
idle_catch_up(struct eph_machine *mc)
{
	if (eph__shootdown_take_mark(mc, mc->shootdown_state))
		eph__shootdown_flush_here(mc, 0, true);
}

const struct eph_shootdown_ops eph__shootdown_idle_skip = {
	.abi = EPHMAP_ABI,
	.name = "idle-skip",
	.summary =
	    "a full flush on every busy target; idle ones when they wake",
	.origin = "DragonFly 79f2da0360, 2016",
	.acked = true,
	.flags = EPH_SHOOT_IDLE,
	.create = eph__shootdown_marks,
	.destroy = eph__shootdown_no_marks,
	.shoot = idle_shoot,
	.flush = idle_flush,
	.catch_up = idle_catch_up,
};
