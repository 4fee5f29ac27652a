/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Mach queue: requests wait in a bounded list of the target; interrupted
 * CPUs answer by leaving the set of active ones.
 *
 * The initiator leaves the active set, takes the pmap's lock, puts the
 * request on each target's list, and interrupts those that are not idle.
 * When all of them have left the active set it stores the entries,
 * invalidates, and lets the lock go.  A CPU with something on its list
 * leaves the active set, waits for the lock, works its list off, and joins
 * again.  A list that is full says "everything": one flush instead.
 *
 * Idea.  Who is not active uses no mapping until it has worked off its list,
 * so that it need not be waited for: neither an idle CPU, nor one that
 * itself waits to be the initiator, which saves two of them from waiting for
 * each other.
 *
 * Invariant: entries are stored while every CPU that may hold the old one is
 * not active and has it on its list.
 *
 *	n pages, k targets, i idle	L n	R n (k - i)	IPI k - i
 *	an idle CPU wakes, list of n	R n
 *	the same, list overflowed	F 1
 *	full flush			F k - i			IPI k - i
 *
 * A list has room for 4 requests (UPDATE_LIST_SIZE).
 *
 * Kept apart from the original: there a CPU only waits until the lock is
 * free, and takes its list's own lock.  Between the two another initiator
 * may put a request on the list; it is worked off before the entries are
 * stored, and a TLB that loads by itself has the old one again.  The TLBs of
 * 1989 did not; here the list belongs to the holder of the pmap's lock.
 *
 * Black, Rashid, Golub, Hill, Baron, "Translation lookaside buffer
 * consistency: a software approach", ASPLOS 1989; Mach 3.0's i386 pmap.
 *
 * Key: (l) by the lock, (o) written by the CPU itself, (p) atomic.
 */

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

#define MACH_LIST 4u /* UPDATE_LIST_SIZE */

struct mach_list {
	_Atomic(uint32_t)
	    needed; /* (p) set under the lock: cpu_update_needed */
	_Atomic(uint32_t) active; /* (o) it may use mappings */
	unsigned count;		  /* (l) */
	bool everything;	  /* (l) more than the list can hold */
	struct {
		eph_va_t va;
		unsigned npages;
	} item[MACH_LIST]; /* (l) */
};

struct mach {
	_Atomic(uint32_t) lock; /* of the kernel pmap */
	struct mach_list list[];
};

static size_t
mach_bytes(const struct eph_machine *mc)
{
	return (sizeof(struct mach) + mc->ncpus * sizeof(struct mach_list));
}

static int
mach_create(struct eph_machine *mc, void **statep)
{
	struct mach *ma = eph_machine_alloc(mc, mach_bytes(mc));

	if (ma == NULL)
		return (ENOMEM);
	for (unsigned c = 0; c < mc->ncpus; c++)
		atomic_init(&ma->list[c].active, 1);
	*statep = ma;
	return (0);
}

static void
mach_destroy(struct eph_machine *mc, void *state)
{
	eph_machine_free(mc, state, mach_bytes(mc));
}

/* One request more; npages 0: everything.  With the lock. */
static void
mach_append(struct mach_list *li, eph_va_t va, unsigned npages)
{
	if (npages == 0 || li->count == MACH_LIST) {
		li->everything = true;
		return;
	}
	li->item[li->count].va = va;
	li->item[li->count++].npages = npages;
}

/* Work off this CPU's list.  With the lock. */
static void
mach_work(struct eph_machine *mc, struct mach_list *li)
{
	if (li->everything)
		eph__shootdown_flush_here(mc, 0, true);
	for (unsigned i = 0; i < li->count && !li->everything; i++)
		eph__shootdown_invlpg_here(
		    mc, li->item[i].va, li->item[i].npages);
	li->count = 0;
	li->everything = false;
	eph_store_32(mc, &li->needed, 0, memory_order_seq_cst);
}

static bool
mach_is_active(struct eph_machine *mc)
{
	struct mach *ma = mc->shootdown_state;
	struct mach_list *li = &ma->list[eph_curcpu(mc)->id];

	/* Relaxed: only we store it. */
	return (eph_load_32(mc, &li->active, memory_order_relaxed) != 0);
}

/*
 * Answer: leave the active set until the list is empty.  A CPU that is not
 * in it initiates or answers already, and looks at its list when it joins.
 */
static void
mach_respond(struct eph_machine *mc)
{
	struct mach *ma = mc->shootdown_state;
	struct mach_list *li = &ma->list[eph_curcpu(mc)->id];

	if (!mach_is_active(mc))
		return;
	/* Sequentially consistent: joined, or woken, before we look. */
	while (eph_load_32(mc, &li->needed, memory_order_seq_cst) != 0) {
		eph_store_32(mc, &li->active, 0, memory_order_seq_cst);
		eph__shootdown_lock(mc, &ma->lock);
		mach_work(mc, li);
		eph__shootdown_unlock(mc, &ma->lock);
		eph_store_32(mc, &li->active, 1, memory_order_seq_cst);
	}
}

static void
mach_interrupt(struct eph_machine *mc, void *arg)
{
	(void)arg;
	mach_respond(mc);
}

static bool
mach_is_idle(struct eph_machine *mc, unsigned t)
{
	_Atomic(uint32_t) *idle = &mc->cpus[t]->idle;

	/* Sequentially consistent against its waking, see mach_signal. */
	return (eph_load_32(mc, idle, memory_order_seq_cst) != 0);
}

/* CPU `t` finds the request before it goes on. */
static void
mach_signal(struct eph_machine *mc, unsigned t, eph_va_t va, unsigned npages)
{
	struct mach *ma = mc->shootdown_state;
	struct mach_list *li = &ma->list[t];

	mach_append(li, va, npages);
	/* Before we look whether it is idle: it wakes, and looks here. */
	eph_store_32(mc, &li->needed, 1, memory_order_seq_cst);
}

/* Put the request on all lists; `busy` gets those to be interrupted. */
static void
mach_signal_all(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, eph_cpuword_t *busy)
{
	eph_cpuset_copy(busy, targets, mc->cpuwords);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		mach_signal(mc, t, va, npages);
		if (mach_is_idle(mc, t))
			eph_cpuset_clear(busy, t);
	}
}

static void
mach_interrupt_busy(struct eph_machine *mc, const eph_cpuword_t *busy)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = mach_interrupt,
	};
	struct mach *ma = mc->shootdown_state;

	eph_ipi(mc, busy, &ipi, false);
	EPH_CPUSET_FOREACH(t, busy, mc->cpuwords)
	{
		struct mach_list *li = &ma->list[t];

		/* Sequentially consistent against its joining again. */
		while (eph_load_32(mc, &li->active, memory_order_seq_cst) != 0)
			mc->exec->spin(mc);
	}
}

/* `req` NULL: a full flush, nothing is stored. */
static void
mach_initiate(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_shoot *req)
{
	struct mach *ma = mc->shootdown_state;
	struct mach_list *mine;
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];

	crit_enter(mc);
	mine = &ma->list[eph_curcpu(mc)->id];
	eph_store_32(mc, &mine->active, 0, memory_order_seq_cst);
	eph__shootdown_lock(mc, &ma->lock);
	mach_signal_all(mc, targets, req != NULL ? req->va : 0,
	    req != NULL ? req->npages : 0, busy);
	mach_interrupt_busy(mc, busy);
	if (req != NULL) {
		eph_shoot_store(mc, req);
		eph_shoot_local(mc, req);
	}
	eph__shootdown_unlock(mc, &ma->lock);
	eph_store_32(mc, &mine->active, 1, memory_order_seq_cst);
	mach_respond(mc);
	crit_exit(mc);
}

/*
 * Where nothing else runs only idle CPUs have anything on their lists;
 * `busy` gets the others.
 */
static void
mach_put_off(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, eph_cpuword_t *busy)
{
	eph_cpuset_copy(busy, targets, mc->cpuwords);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		if (!mach_is_idle(mc, t))
			continue;
		mach_signal(mc, t, va, npages);
		eph_cpuset_clear(busy, t);
	}
}

/*
 * What an inactive CPU is asked for, by a message that it answers while it
 * waits, is carried out as in acked-invlpg: its list cannot wait for itself.
 */
static void
mach_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];
	struct eph_shoot now = *req;

	if (!mc->at_once && mach_is_active(mc)) {
		mach_initiate(mc, req->targets, req);
		return;
	}
	if (mc->at_once) {
		mach_put_off(mc, req->targets, req->va, req->npages, busy);
		now.targets = busy;
	}
	eph_shoot_store(mc, req);
	eph_shoot_local(mc, req);
	eph__shootdown_invlpg(mc, &now, true);
}

static void
mach_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	eph_cpuword_t busy[EPH_CPUSET_WORDS_MAX];

	if (!mc->at_once && mach_is_active(mc)) {
		mach_initiate(mc, targets, NULL);
		return;
	}
	eph_cpuset_copy(busy, targets, mc->cpuwords);
	if (mc->at_once)
		mach_put_off(mc, targets, 0, 0, busy);
	eph__shootdown_flush_acked(
	    mc, busy, va, npages, all || mc->pgeflag != 0);
}

const struct eph_shootdown_ops eph__shootdown_mach_queue = {
	.abi = EPHMAP_ABI,
	.name = "mach-queue",
	.summary = "a bounded list a target; idle ones work it off when they "
		   "wake",
	.origin = "Mach, Black et al., ASPLOS 1989",
	.acked = true,
	.flags = EPH_SHOOT_IDLE,
	.create = mach_create,
	.destroy = mach_destroy,
	.shoot = mach_shoot,
	.flush = mach_flush,
	.catch_up = mach_respond,
};
