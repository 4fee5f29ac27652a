/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Batched: addresses that were removed are flushed together.
 *
 * A removal stores zeroes and notes the range; no CPU invalidates anything,
 * not even this CPU.  One full flush of every CPU that is concerned is done
 * when 32 ranges are noted, or when an entry is about to be stored at one of
 * them.  Everything else is carried out as in acked-invlpg, before the
 * request returns.
 *
 * Idea.  An entry that is not valid is in no TLB, so that after the flush
 * nobody can get anything for that address until an entry is stored there;
 * until then an old translation does harm only to who uses an address that
 * he gave back.
 *
 * What may be put off.  Only removals: the next user of the address comes by
 * pmap_pte_store() or pmap_pte_swap(), and these ask us first.  An entry
 * that is replaced by another has no such next user: who uses it already
 * has the address.  And an invalidation without a store may be for an entry
 * that was stored before.  A design that never removes an entry (sf_buf.lru)
 * gets acked-invlpg.
 *
 * Invariant: when a valid entry is stored at an address, no CPU holds
 * anything for it from before its removal.
 *
 *	remove n pages, k targets	-	-	IPI 0
 *	the same, the 32nd range	LF 1	F k	IPI k
 *	enter where one was noted	LF 1	F k	IPI k
 *	enter where all were flushed	-	-	IPI 0
 *	enter, replace, invalidate n	L n	R n k	IPI k
 *	full flush			-	F k	IPI k
 *	at the end, if any is noted	LF 1	F k	IPI k
 *
 * The fourth line is what the batch knows and acked-invlpg does not: nobody
 * holds anything there.  Where an address is used again at once, because
 * the design or the arena hands out what came back last, every batch has
 * one range; the originals keep addresses back until they are flushed.
 *
 * Linux 4.3 (2015, Gorman): one flush of all CPUs concerned for 32 unmapped
 * pages (SWAP_CLUSTER_MAX).  vunmap puts off too, but it keeps its addresses back
 * until much of them is flushed at once: that is a design, linux.vmap.
 *
 * Key: (l) by the lock.
 */

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

#define BATCH_RANGES 32u /* SWAP_CLUSTER_MAX */
#define BATCH_NOTED  ((uint32_t)OWED_FIRST)

struct batch {
	_Atomic(uint32_t) lock;
	unsigned n; /* (l) */
	struct {
		eph_va_t va;
		unsigned npages;
	} range[BATCH_RANGES]; /* (l) */
};

/* A flush under way. */
struct batch_flush {
	const struct batch *ba;
	struct eph_cpu *from;
};

static int
batched_create(struct eph_machine *mc, void **statep)
{
	*statep = eph_machine_alloc(mc, sizeof(struct batch));
	return (*statep != NULL ? 0 : ENOMEM);
}

static void
batched_destroy(struct eph_machine *mc, void *state)
{
	eph_machine_free(mc, state, sizeof(struct batch));
}

/* On a target. */
static void
batched_reach(struct eph_machine *mc, void *arg)
{
	const struct batch_flush *bf = arg;
	bool needed = false;

	for (unsigned i = 0; i < bf->ba->n && !needed; i++)
		needed = eph__cpu_range_outdated(eph_curcpu(mc),
		    bf->ba->range[i].va, bf->ba->range[i].npages);
	eph__shootdown_flush_here(mc, bf->ba->range[0].va, mc->pgeflag != 0);
	if (!needed)
		eph__shootdown_needless(mc, bf->from);
}

/* Flush what is noted, everywhere.  With the lock. */
static void
batched_flush_noted(struct eph_machine *mc, struct batch *ba)
{
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	struct batch_flush bf = { ba, eph_curcpu(mc) };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.va = ba->range[0].va,
		.fn = batched_reach,
		.arg = &bf,
	};

	if (ba->n == 0)
		return;
	eph_cpuset_copy(others, mc->allcpus, mc->cpuwords);
	eph_cpuset_clear(others, bf.from->id);
	pmap_flush_local(mc, mc->pgeflag != 0);
	eph_ipi(mc, others, &ipi, true);
	for (unsigned i = 0; i < ba->n; i++)
		eph__shootdown_owed_set(
		    mc, ba->range[i].va, ba->range[i].npages, OWED_GONE);
	ba->n = 0;
}

static void
batched_remove(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct batch *ba = mc->shootdown_state;

	if (eph__shootdown_holds(mc, &ba->lock)) {
		/* By a message that we answer while we flush. */
		eph__shootdown_enter(mc, req);
		return;
	}
	eph_shoot_store(mc, req);
	eph__shootdown_lock(mc, &ba->lock);
	ba->range[ba->n].va = req->va;
	ba->range[ba->n++].npages = req->npages;
	eph__shootdown_owed_set(mc, req->va, req->npages, BATCH_NOTED);
	if (ba->n == BATCH_RANGES)
		batched_flush_noted(mc, ba);
	eph__shootdown_unlock(mc, &ba->lock);
}

static void
batched_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (eph__shootdown_removes(mc, req))
		batched_remove(mc, req);
	else
		eph__shootdown_enter(mc, req);
}

static void
batched_catch_up(struct eph_machine *mc)
{
	struct batch *ba = mc->shootdown_state;

	eph__shootdown_lock(mc, &ba->lock);
	batched_flush_noted(mc, ba);
	eph__shootdown_unlock(mc, &ba->lock);
}

static void
batched_settle(struct eph_machine *mc, eph_va_t va)
{
	_Atomic(uint32_t) *owed = eph__shootdown_owed(mc, va);
	struct batch *ba = mc->shootdown_state;
	uint32_t what;

	/* Acquire: a flush that took it out has reached everybody. */
	what = eph_load_32(mc, owed, memory_order_acquire);
	if (what == OWED_UNKNOWN)
		return;
	if (what == BATCH_NOTED) {
		KASSERT(!eph__shootdown_holds(mc, &ba->lock),
		    "a message enters an address while a batch is flushed");
		eph__shootdown_lock(mc, &ba->lock);
		/* Relaxed: under the lock. */
		if (eph_load_32(mc, owed, memory_order_relaxed) == BATCH_NOTED)
			batched_flush_noted(mc, ba);
		eph__shootdown_unlock(mc, &ba->lock);
	}
	/* Relaxed: the address is its user's. */
	eph_store_32(mc, owed, OWED_UNKNOWN, memory_order_relaxed);
}

const struct eph_shootdown_ops eph__shootdown_batched = {
	.abi = EPHMAP_ABI,
	.name = "batched",
	.summary =
	    "removals are flushed by 32, or when an address is used again",
	.origin = "Linux 4.3, 2015",
	.acked = false,
	.flags = EPH_SHOOT_SETTLE,
	.create = batched_create,
	.destroy = batched_destroy,
	.shoot = batched_shoot,
	.flush = eph__shootdown_flush_acked,
	.settle = batched_settle,
	.catch_up = batched_catch_up,
};
