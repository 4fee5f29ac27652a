/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LATR: a removal is written down, and every CPU reads it in its own time.
 *
 * The initiator stores zeroes, invalidates, and puts a state, which is a
 * range and the CPUs that have not seen it, into one of its 64 places.  At
 * every tick (1 ms) and thread switch a CPU sweeps the places of all CPUs,
 * invalidates what names it, and takes its name out; the last one frees the
 * place.  No CPU is interrupted.
 *
 * What may be put off is what batched.c says: removals.  The rest, and a
 * removal that finds no place, is carried out as in acked-invlpg.  Where an
 * entry is about to be stored at an address that some CPU has not swept,
 * these CPUs are interrupted and waited for.
 *
 * Invariant: a place is freed when all CPUs it named have invalidated its
 * range; and when a valid entry is stored at an address, no CPU holds
 * anything for it from before its removal.
 *
 *	remove n pages, k targets	L n	-	IPI 0
 *	the same, all 64 places taken	L n	R n k	IPI k
 *	a sweep meets n pages		-	R n	IPI 0
 *	the same, n > 33 pages		-	F 1	IPI 0
 *	enter where j have not swept	-	R n j	IPI j
 *	enter where all have swept	-	-	IPI 0
 *	enter, replace, invalidate n	L n	R n k	IPI k
 *	full flush			-	F k	IPI k
 *
 * R in line 5 is the range as it was removed.  In the original the address,
 * like the page, is kept back for 2 ms, so that every CPU has swept it; here
 * the design decides when it is used again, and line 5 is the fallback for
 * those that must have it now.
 *
 * Time: in lockstep it is the trace's, and a CPU ticks whether it is idle or
 * not; a trace without delays has no ticks.  With threads and explore time
 * does not pass while anything runs, and CPUs sweep at thread switches.
 *
 * Kumar, Maass, Kumar, Vesely, Bhattacharjee, Kim, Krishna, "LATR: lazy
 * translation coherence", ASPLOS 2018, on Linux 4.10.
 *
 * Key: (c) constant while used, (p) atomic, (o) stored by its CPU.
 */

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/exec.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

#define LATR_STATES 64u
#define LATR_NONE   UINT32_MAX

struct latr_state {
	_Atomic(uint32_t) used; /* (p) set by the initiator, first */
	_Atomic(uint32_t) left; /* (p) CPUs that have not swept it */
	eph_va_t va;		/* (c) */
	unsigned npages;	/* (c) */
};

struct latr {
	_Atomic(uint32_t) used;	    /* (p) places that are taken, of all CPUs */
	_Atomic(uint32_t) *used_by; /* (p) the same, by initiator */
	_Atomic(uint64_t) *cpus;    /* (p) words of a set for each place */
	struct latr_state *state;   /* 64 for each CPU */
};

/* A place that cannot wait. */
struct latr_force {
	uint32_t id;
	struct eph_cpu *from;
};

static size_t
latr_places(const struct eph_machine *mc)
{
	return ((size_t)mc->ncpus * LATR_STATES);
}

static void
latr_destroy(struct eph_machine *mc, void *state)
{
	const size_t n = latr_places(mc);
	struct latr *la = state;

	eph_machine_free(mc, la->used_by, mc->ncpus * sizeof(*la->used_by));
	eph_machine_free(mc, la->cpus, n * mc->cpuwords * sizeof(*la->cpus));
	eph_machine_free(mc, la->state, n * sizeof(*la->state));
	eph_machine_free(mc, la, sizeof(*la));
}

static int
latr_create(struct eph_machine *mc, void **statep)
{
	const size_t n = latr_places(mc);
	struct latr *la = eph_machine_alloc(mc, sizeof(*la));

	if (la == NULL)
		return (ENOMEM);
	la->used_by = eph_machine_alloc(mc, mc->ncpus * sizeof(*la->used_by));
	la->cpus = eph_machine_alloc(mc, n * mc->cpuwords * sizeof(*la->cpus));
	la->state = eph_machine_alloc(mc, n * sizeof(*la->state));
	if (la->used_by == NULL || la->cpus == NULL || la->state == NULL) {
		latr_destroy(mc, la);
		return (ENOMEM);
	}
	*statep = la;
	return (0);
}

static _Atomic(uint64_t) *
latr_word(struct eph_machine *mc, uint32_t id, unsigned word)
{
	struct latr *la = mc->shootdown_state;

	return (&la->cpus[(size_t)id * mc->cpuwords + word]);
}

/* A free place of this CPU, or LATR_NONE. */
static uint32_t
latr_find_place(struct eph_machine *mc)
{
	struct latr *la = mc->shootdown_state;
	const uint32_t first = eph_curcpu(mc)->id * LATR_STATES;

	/* Relaxed: too many at worst, and then we fall back. */
	if (eph_load_32(mc, &la->used_by[eph_curcpu(mc)->id],
		memory_order_relaxed) >= LATR_STATES)
		return (LATR_NONE);
	for (uint32_t id = first; id < first + LATR_STATES; id++) {
		struct latr_state *st = &la->state[id];

		/* Acquire pairs with the release in latr_free_place. */
		if (eph_load_32(mc, &st->used, memory_order_acquire) == 0)
			return (id);
	}
	return (LATR_NONE);
}

static void
latr_fill_place(
    struct eph_machine *mc, uint32_t id, const struct eph_shoot *req)
{
	struct latr *la = mc->shootdown_state;
	struct latr_state *st = &la->state[id];

	/* Relaxed, all of it: the words publish it. */
	eph_store_32(mc, &st->used, 1, memory_order_relaxed);
	st->va = req->va;
	st->npages = req->npages;
	eph_store_32(mc, &st->left,
	    eph_cpuset_count(req->targets, mc->cpuwords), memory_order_relaxed);
	eph__shootdown_owed_set(mc, req->va, req->npages, OWED_FIRST + id);
	(void)eph_fetchadd_32(
	    mc, &la->used_by[eph_curcpu(mc)->id], 1, memory_order_relaxed);
	(void)eph_fetchadd_32(mc, &la->used, 1, memory_order_relaxed);
	for (unsigned w = 0; w < mc->cpuwords; w++) {
		_Atomic(uint64_t) *word = latr_word(mc, id, w);

		/* Release pairs with the acquire in latr_sweep_place. */
		eph_store_64(mc, word, req->targets[w], memory_order_release);
	}
}

/*
 * All have swept it.  The address may have been given to another user, who
 * found that no CPU was left to wait for: then its note is not ours.
 */
static void
latr_free_place(struct eph_machine *mc, uint32_t id)
{
	struct latr *la = mc->shootdown_state;
	struct latr_state *st = &la->state[id];

	for (unsigned k = 0; k < st->npages; k++) {
		_Atomic(uint32_t) *owed =
		    eph__shootdown_owed(mc, st->va + eph_ptoa(k));

		/* Release: what was swept is gone. */
		(void)eph_cas_32(
		    mc, owed, OWED_FIRST + id, OWED_GONE, memory_order_release);
	}
	eph_store_32(mc, &st->used, 0, memory_order_release);
	/* Relaxed: how many, not which. */
	(void)eph_fetchadd_32(mc, &la->used_by[id / LATR_STATES], UINT32_MAX,
	    memory_order_relaxed);
	(void)eph_fetchadd_32(mc, &la->used, UINT32_MAX, memory_order_relaxed);
}

/* Invalidate for a place that names this CPU; in a critical section. */
static void
latr_sweep_place(struct eph_machine *mc, uint32_t id)
{
	struct latr *la = mc->shootdown_state;
	struct latr_state *st = &la->state[id];
	const unsigned me = eph_curcpu(mc)->id;
	_Atomic(uint64_t) *word = latr_word(mc, id, me >> 6);

	/* Acquire: the place is as it was filled, and stays so. */
	if ((eph_load_64(mc, word, memory_order_acquire) &
		eph_cpuset_bit(me)) == 0)
		return;
	eph__shootdown_range_here(mc, st->va, st->npages);
	/* Release: we have invalidated when our name is out. */
	(void)eph_fetchand_64(
	    mc, word, ~eph_cpuset_bit(me), memory_order_release);
	/* Acquire and release: the last one has seen all others do it. */
	if (eph_fetchadd_32(mc, &st->left, UINT32_MAX, memory_order_acq_rel) ==
	    1)
		latr_free_place(mc, id);
}

static void
latr_sweep(struct eph_machine *mc)
{
	struct latr *la = mc->shootdown_state;

	/* Relaxed, here and below: what we do not see yet can wait. */
	if (eph_load_32(mc, &la->used, memory_order_relaxed) == 0)
		return;
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (eph_load_32(mc, &la->used_by[c], memory_order_relaxed) == 0)
			continue;
		for (uint32_t i = 0; i < LATR_STATES; i++)
			latr_sweep_place(mc, c * LATR_STATES + i);
	}
}

/* On a CPU that is interrupted for one place. */
static void
latr_reach(struct eph_machine *mc, void *arg)
{
	const struct latr_force *lf = arg;
	struct latr *la = mc->shootdown_state;
	const struct latr_state *st = &la->state[lf->id];

	if (eph_serial(mc) &&
	    !eph__cpu_range_outdated(eph_curcpu(mc), st->va, st->npages))
		eph__shootdown_needless(mc, lf->from);
	latr_sweep_place(mc, lf->id);
}

/*
 * Have everybody sweep a place now.  If it is freed meanwhile, and taken
 * again, they sweep that a little early.
 */
static void
latr_force(struct eph_machine *mc, uint32_t id)
{
	struct latr_force lf = { id, eph_curcpu(mc) };
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = latr_reach,
		.arg = &lf,
	};
	eph_cpuword_t left[EPH_CPUSET_WORDS_MAX];

	crit_enter(mc);
	latr_sweep_place(mc, id);
	for (unsigned w = 0; w < mc->cpuwords; w++) {
		_Atomic(uint64_t) *word = latr_word(mc, id, w);

		/* Acquire: whose name is out has invalidated. */
		left[w] = eph_load_64(mc, word, memory_order_acquire);
	}
	eph_cpuset_clear(left, lf.from->id);
	eph_ipi(mc, left, &ipi, true);
	crit_exit(mc);
}

static void
latr_settle(struct eph_machine *mc, eph_va_t va)
{
	_Atomic(uint32_t) *owed = eph__shootdown_owed(mc, va);
	/* Acquire pairs with the release in latr_free_place. */
	const uint32_t what = eph_load_32(mc, owed, memory_order_acquire);

	if (what == OWED_UNKNOWN)
		return;
	if (what >= OWED_FIRST)
		latr_force(mc, what - OWED_FIRST);
	/* Relaxed: the address is its user's. */
	eph_store_32(mc, owed, OWED_UNKNOWN, memory_order_relaxed);
}

static void
latr_remove(struct eph_machine *mc, const struct eph_shoot *req)
{
	uint32_t id;

	eph_shoot_store(mc, req);
	eph_shoot_local(mc, req);
	crit_enter(mc);
	id = mc->ncpus > 1 ? latr_find_place(mc) : LATR_NONE;
	if (id != LATR_NONE)
		latr_fill_place(mc, id, req);
	crit_exit(mc);
	if (id != LATR_NONE)
		return;
	eph__shootdown_invlpg(mc, req, true);
	eph__shootdown_owed_set(mc, req->va, req->npages, OWED_GONE);
}

static void
latr_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (eph__shootdown_removes(mc, req))
		latr_remove(mc, req);
	else
		eph__shootdown_enter(mc, req);
}

const struct eph_shootdown_ops eph__shootdown_latr = {
	.abi = EPHMAP_ABI,
	.name = "latr",
	.summary =
	    "removals are written down; CPUs sweep at ticks and switches",
	.origin = "LATR, Kumar et al., ASPLOS 2018",
	.acked = false,
	.flags = EPH_SHOOT_SETTLE | EPH_SHOOT_TICK,
	.create = latr_create,
	.destroy = latr_destroy,
	.shoot = latr_shoot,
	.flush = eph__shootdown_flush_acked,
	.settle = latr_settle,
	.catch_up = latr_sweep,
};
