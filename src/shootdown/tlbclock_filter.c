/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * TLB clock: only those CPUs are told that have not flushed since.
 *
 * Every address notes the time of Xen's TLB clock (kernel/tlbclock.h) when an
 * entry was removed there, or replaced.  A removal invalidates nothing.  When
 * an entry is about to be stored at an address that was removed, the CPUs that
 * have not flushed since are flushed; a full flush that a design asks for
 * leaves those out that have flushed since its pages changed.  The rest is
 * carried out as in acked-invlpg, before the request returns.
 *
 * Idea.  CPUs flush for many reasons, and each flush cleans all addresses at
 * once.  Who remembers when an address was given back, and when each CPU
 * flushed, need not ask for another one.
 *
 * Invariant: when a valid entry is stored at an address, no CPU holds
 * anything for it from before its removal; when a full flush returns, no
 * target holds an old translation of its pages.
 *
 *	remove n pages, k targets		-	-	IPI 0
 *	enter there, j have not flushed since	LF 0, 1	F j	IPI j
 *	enter there, all have			-	-	IPI 0
 *	enter where nothing was removed		-	-	IPI 0
 *	replace, or invalidate, n pages		L n	R n k	IPI k
 *	full flush, j have not flushed since	-	F j	IPI j
 *
 * LF 1 where this CPU has not flushed itself.  An invalidation of single
 * pages does not move the clock, which counts full flushes only, of global
 * entries too where there are any.
 *
 * Its cousins: emap's generation is looked at by the CPU that uses a mapping,
 * this clock by the one that makes it; batched.c flushes all CPUs when one of
 * them must be.
 *
 * Xen xen/arch/x86/flushtlb.c and the filter of page allocation, 2004 on: a
 * freed page notes the time, and who allocates it interrupts those CPUs only
 * that have not flushed since.
 */

#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/tlbclock.h"
#include "ephmap/sdk/atomic.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

/* An address's note: removed, to be settled; and the time, 0: all know. */
#define CLOCK_REMOVED 0x80000000u
#define CLOCK_TIME    0x7fffffffu

static int
tlbclock_create(struct eph_machine *mc, void **statep)
{
	*statep = NULL;
	return (eph_tlbclock_start(mc));
}

static uint32_t
tlbclock_note(struct eph_machine *mc, eph_va_t va)
{
	/* Relaxed: the address is its user's. */
	return (
	    eph_load_32(mc, eph__shootdown_owed(mc, va), memory_order_relaxed));
}

/* When any of the pages changed last; 0: never. */
static uint32_t
tlbclock_latest(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	uint32_t latest = 0;

	for (unsigned k = 0; k < npages; k++) {
		const uint32_t t =
		    tlbclock_note(mc, va + eph_ptoa(k)) & CLOCK_TIME;

		latest = t > latest ? t : latest;
	}
	return (latest);
}

static bool
tlbclock_needs(struct eph_machine *mc, unsigned cpu, uint32_t time)
{
	return (time == CLOCK_TIME ||
	    (time != 0 && eph_tlbclock_need(mc, cpu, time)));
}

/* Of `targets`, those that may hold what was there until `time`. */
static void
tlbclock_filter(struct eph_machine *mc, const eph_cpuword_t *targets,
    uint32_t time, eph_cpuword_t *need)
{
	eph_cpuset_copy(need, targets, mc->cpuwords);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		if (!tlbclock_needs(mc, t, time))
			eph_cpuset_clear(need, t);
	}
}

/* The entry at `va` is another one now, or none; it was valid. */
static void
tlbclock_changed(struct eph_machine *mc, eph_va_t va)
{
	uint32_t now = eph_tlbclock_now(mc);

	/* Used up: from here on everybody needs it. */
	if (now == 0 || now > CLOCK_TIME)
		now = CLOCK_TIME;
	eph_store_32(mc, eph__shootdown_owed(mc, va), now,
	    memory_order_relaxed); /* as in tlbclock_note */
}

static void
tlbclock_settle(struct eph_machine *mc, eph_va_t va)
{
	const uint32_t note = tlbclock_note(mc, va);
	eph_cpuword_t need[EPH_CPUSET_WORDS_MAX];

	if ((note & CLOCK_REMOVED) == 0)
		return;
	tlbclock_filter(mc, mc->allcpus, note & CLOCK_TIME, need);
	if (eph_cpuset_isset(need, eph_curcpu(mc)->id)) {
		eph_cpuset_clear(need, eph_curcpu(mc)->id);
		pmap_flush_local(mc, mc->pgeflag != 0);
	}
	eph__shootdown_flush_acked(mc, need, va, 1, mc->pgeflag != 0);
	eph__shootdown_owed_set(mc, va, 1, 0);
}

static void
tlbclock_remove(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_shoot_store(mc, req);
	for (unsigned k = 0; k < req->npages; k++) {
		const eph_va_t va = req->va + eph_ptoa(k);

		eph__shootdown_owed_set(
		    mc, va, 1, CLOCK_REMOVED | tlbclock_note(mc, va));
	}
}

/* As acked-invlpg, if anybody may hold anything. */
static void
tlbclock_enter(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_shoot_store(mc, req);
	if (tlbclock_latest(mc, req->va, req->npages) == 0)
		return;
	eph_shoot_local(mc, req);
	eph__shootdown_invlpg(mc, req, true);
	if (req->local &&
	    eph_cpuset_count(req->targets, mc->cpuwords) == mc->ncpus - 1)
		eph__shootdown_owed_set(mc, req->va, req->npages, 0);
}

static void
tlbclock_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (eph__shootdown_removes(mc, req))
		tlbclock_remove(mc, req);
	else
		tlbclock_enter(mc, req);
}

static void
tlbclock_flush(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	eph_cpuword_t need[EPH_CPUSET_WORDS_MAX];

	tlbclock_filter(mc, targets, tlbclock_latest(mc, va, npages), need);
	eph__shootdown_flush_acked(
	    mc, need, va, npages, all || mc->pgeflag != 0);
}

const struct eph_shootdown_ops eph__shootdown_tlbclock = {
	.abi = EPHMAP_ABI,
	.name = "tlbclock",
	.summary = "an address that comes back asks who has not flushed since",
	.origin = "Xen flushtlb.c, 2004",
	.acked = false,
	.flags = EPH_SHOOT_SETTLE | EPH_SHOOT_CHANGES,
	.create = tlbclock_create,
	.shoot = tlbclock_shoot,
	.flush = tlbclock_flush,
	.settle = tlbclock_settle,
	.changed = tlbclock_changed,
};
