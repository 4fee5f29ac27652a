/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A generation for each address space and CPU: who does not run the space is
 * not interrupted; its generation is cleared, so that it flushes when it
 * comes back.
 *
 * The entries are stored, the generations of all targets cleared, and then
 * those that run the space interrupted; this CPU invalidates while it waits.
 * A CPU that comes back compares, and loads CR3 with a flush if its
 * generation is not the current one, and without one if it is.
 *
 * Idea.  With PCIDs a CPU keeps its translations while it runs something
 * else.  What it missed need not be listed: one flush is enough.
 *
 * Invariant: when the request returns, no CPU will use the old entry: it has
 * invalidated, or it flushes before it runs the space again.
 *
 *	n pages, k targets, i elsewhere	L n	R n (k - i)	IPI k - i
 *	the same, global entries	L n	R n k		IPI k
 *	full flush			-	F k - i		IPI k - i
 *	a CPU comes back, cleared	-	F 1
 *	the same, not cleared		-	-
 *
 * The generation is cleared of those, too, that are interrupted, as nobody
 * knows who will be: such a CPU flushes once more when it comes back, for
 * nothing.  lazy.c does not.
 *
 * The order.  Cleared first, then who runs is looked at; a CPU that comes
 * back says that it runs, then looks at its generation.  All of these are
 * sequentially consistent, so that one of the two sees the other.  In June of
 * 2020 FreeBSD moved the clearing behind the sending; in December it was
 * moved back: exhibit pm-gen-cleared-late.
 *
 * An idle CPU is elsewhere here.  Global entries are the kernel's, which no
 * CPU leaves.  The ceiling of FreeBSD, 4,096 pages, is above all ranges here.
 *
 * FreeBSD amd64 pmap.c, pm_pcids and pmap_invalidate_preipi_pcid, 2015 and
 * r368649 (2020-12-14).
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

/* Clear all generations, then see who runs the space. */
static void
gen_clear(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_cpuword_t *running)
{
	shootdown_mark *cleared = mc->shootdown_state;

	eph_cpuset_copy(running, targets, mc->cpuwords);
	if (mc->pgeflag != 0)
		return;
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		eph_store_32(mc, &cleared[t], 1, memory_order_seq_cst);
		if (eph_load_32(mc, &mc->cpus[t]->idle, memory_order_seq_cst) !=
		    0)
			eph_cpuset_clear(running, t);
	}
}

static void
gen_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_cpuword_t running[EPH_CPUSET_WORDS_MAX];
	struct eph_shoot now = *req;

	eph_shoot_store(mc, req);
	gen_clear(mc, req->targets, running);
	now.targets = running;
	eph_shoot_local(mc, req);
	eph__shootdown_invlpg(mc, &now, true);
}

static void
gen_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	eph_cpuword_t running[EPH_CPUSET_WORDS_MAX];

	gen_clear(mc, targets, running);
	eph__shootdown_flush_acked(
	    mc, running, va, npages, all || mc->pgeflag != 0);
}

static void
gen_catch_up(struct eph_machine *mc)
{
	if (eph__shootdown_take_mark(mc, mc->shootdown_state))
		eph__shootdown_flush_here(mc, 0, false);
}

const struct eph_shootdown_ops eph__shootdown_pm_gen = {
	.abi = EPHMAP_ABI,
	.name = "pm-gen",
	.summary = "a generation for each CPU, cleared; who comes back flushes",
	.origin = "FreeBSD amd64 PCIDs, 2015; r368649, 2020",
	.acked = true,
	.flags = EPH_SHOOT_IDLE,
	.create = eph__shootdown_marks,
	.destroy = eph__shootdown_no_marks,
	.shoot = gen_shoot,
	.flush = gen_flush,
	.catch_up = gen_catch_up,
};
