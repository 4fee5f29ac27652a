/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lazy: a CPU that runs a thread without an address space keeps the one it
 * had, says so in a flag, and is not interrupted.
 *
 * The entries are stored; each target whose flag is not set is interrupted
 * and waited for; this CPU invalidates.  When a CPU stops being lazy it
 * compares generations, and flushes if the address space has changed.
 *
 * Idea.  Switching to a kernel thread and back need not touch the TLB, if
 * nothing happened meanwhile; and a CPU that uses no mapping of a space need
 * not hear of it.
 *
 * Invariant: when the request returns, no CPU will use the old entry: it has
 * invalidated, or it flushes before it is not lazy.
 *
 *	n <= 33 pages, k targets, i lazy	L n	R n (k - i)	IPI k - i
 *	n > 33 pages				LF 1	F k - i		IPI k - i
 *	the same, global entries		as with i = 0
 *	full flush				-	F k - i		IPI k - i
 *	a lazy CPU goes on, changed		-	F 1
 *	the same, nothing changed		-	-
 *
 * A CPU is lazy here while it is idle.  Global entries are the kernel's, and
 * nobody is lazy about them.  Kept apart from the original: there generations
 * count the changes of the space, and a handler that finds itself two behind
 * flushes instead; here a CPU is told what it missed by a mark.
 *
 * The race with a CPU that wakes is that of idle_skip.c, and so is what
 * orders it.
 *
 * Linux x86, the flag in cpu_tlbstate: 4.20 (2018, van Riel), by itself in
 * 5.13 (2021, Amit); lazy TLBs at all: 2.3.
 */

#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

/* `busy` gets the targets that are not lazy; the others have a mark. */
static void
lazy_skip(
    struct eph_machine *mc, const eph_cpuword_t *targets, eph_cpuword_t *busy)
{
	eph_cpuset_copy(busy, targets, mc->cpuwords);
	if (mc->pgeflag != 0)
		return;
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		if (eph__shootdown_leave_mark(mc, mc->shootdown_state, t))
			eph_cpuset_clear(busy, t);
	}
}

static void
lazy_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];
	struct eph_shoot now = *req;

	eph_shoot_store(mc, req);
	lazy_skip(mc, req->targets, busy);
	now.targets = busy;
	eph__shootdown_range_acked(mc, &now);
	eph__shootdown_local_range(mc, req);
}

static void
lazy_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];

	lazy_skip(mc, targets, busy);
	eph__shootdown_flush_acked(
	    mc, busy, va, npages, all || mc->pgeflag != 0);
}

static void
lazy_catch_up(struct eph_machine *mc)
{
	if (eph__shootdown_take_mark(mc, mc->shootdown_state))
		eph__shootdown_flush_here(mc, 0, false);
}

const struct eph_shootdown_ops eph__shootdown_lazy = {
	.abi = EPHMAP_ABI,
	.name = "lazy",
	.summary =
	    "CPUs that are lazy are skipped, and flush if they missed any",
	.origin = "Linux 4.20, 2018; 5.13, 2021",
	.acked = true,
	.flags = EPH_SHOOT_IDLE,
	.create = eph__shootdown_marks,
	.destroy = eph__shootdown_no_marks,
	.shoot = lazy_shoot,
	.flush = lazy_flush,
	.catch_up = lazy_catch_up,
};
