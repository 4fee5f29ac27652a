/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.sharded: sf_buf.accessed without its one lock.
 *
 * What it does.  One lock per hash chain of pages, one free list with a
 * lock per CPU.  A hit takes its chain's lock; a last free puts the buffer
 * at the end of the freeing CPU's list; a miss takes the head of its own
 * CPU's list and, if that is empty, of the next one that is not.
 *
 * Idea.  sf_buf_lock is held through every wait for acknowledgements, so
 * that one slow target stops every map of the machine.  Here it stops only
 * maps of pages in the same chain.  Recycling by the CPU that freed keeps
 * the buffers of private mappings, and their masks, where they are of use.
 *
 * Invariant: that of sf_buf.accessed, a CPU in the mask holds no translation
 * of the address to any other page; and those of shard_pool.h.
 *
 *	case					L	R = IPI
 *	hit, private, my bit set		0	0
 *	hit, private, my bit clear		1	0
 *	hit, shared, k others missing		0 or 1	k
 *	miss, never-used buffer, private	1	0
 *	miss, never-used buffer, shared		1	N-1
 *	evict, old entry A, private		1	0
 *	evict, old entry A, shared		1	N-1
 *	evict, old entry not A, private		0 or 1	0
 *	evict, old entry not A, shared		0 or 1	k
 *	free, ref				0	0
 *	exhaustion, SFB_NOWAIT			0	0, no mapping
 *	exhaustion				0 asleep, then hit or evict
 *
 * What differs from sf_buf.accessed.  The old entry is exchanged, not read
 * and then stored, so that an A set in between is seen.  The index is
 * looked up again once a buffer has been found, so a page never has two.
 * An interrupted sleeper passes its wakeup on.  The order of recycling is
 * that of release on each CPU; on one CPU the events are the same.
 *
 * Locking.  See shard_pool.h.  The mask of a buffer is guarded by its
 * page's chain, which is held through the wait for acknowledgements.
 *
 * Ours, after the way illumos seg_map organises its locks.
 */

#include <errno.h>

#include "design/shard_pool.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

struct sf_sharded {
	struct shard_pool sp;
	eph_cpuword_t *masks; /* (h) cpumask of each buffer */
};

static size_t
sf_sharded_mask_bytes(const struct shard_pool *sp)
{
	return ((size_t)sp->nslots * sp->mc->cpuwords * sizeof(eph_cpuword_t));
}

static void
sf_buf_sharded_destroy(void *state)
{
	struct sf_sharded *ss = state;
	struct eph_machine *mc = ss->sp.mc;

	eph_machine_free(mc, ss->masks, sf_sharded_mask_bytes(&ss->sp));
	eph__shard_fini(&ss->sp);
	eph_machine_free(mc, ss, sizeof(*ss));
}

static int
sf_buf_sharded_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	struct sf_sharded *ss = eph_machine_alloc(mc, sizeof(*ss));
	int error;

	if (ss == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__shard_init(&ss->sp, mc, cfg->nbufs, mc->ncpus, err);
	if (error == 0) {
		ss->masks =
		    eph_machine_alloc(mc, sf_sharded_mask_bytes(&ss->sp));
		if (ss->masks == NULL)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	if (error != 0)
		sf_buf_sharded_destroy(ss);
	else
		*statep = ss;
	return (error);
}

static eph_cpuword_t *
sf_sharded_mask(struct sf_sharded *ss, const struct shard_slot *sf)
{
	return (
	    &ss->masks[(size_t)shard_index(&ss->sp, sf) * ss->sp.mc->cpuwords]);
}

/* A miss: exchange the entry, keep the mask if the old one was not used. */
static void
sf_sharded_enter(struct sf_sharded *ss, struct shard_slot *sf)
{
	struct eph_machine *mc = ss->sp.mc;
	const eph_pte_t old = pmap_pte_swap(mc, sf->kva,
	    vm_page_to_phys(sf->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);

	if ((old & (EPH_PTE_V | EPH_PTE_A)) == (EPH_PTE_V | EPH_PTE_A))
		eph_cpuset_zero(sf_sharded_mask(ss, sf), mc->cpuwords);
	else if ((old & EPH_PTE_V) != 0)
		EPH_NOTE(mc, "old entry was never accessed: mask kept");
}

/* Make the mapping valid where `flags` asks for it. */
static void
sf_sharded_shootdown(
    struct sf_sharded *ss, struct shard_slot *sf, unsigned flags)
{
	struct eph_machine *mc = ss->sp.mc;
	eph_cpuword_t *mask = sf_sharded_mask(ss, sf);
	const unsigned me = eph_curcpu(mc)->id;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	if (!eph_cpuset_isset(mask, me)) {
		eph_cpuset_set(mask, me);
		pmap_invlpg(mc, sf->kva);
	}
	if ((flags & SFB_CPUPRIVATE) != 0 ||
	    !eph_cpuset_andnot(others, mc->allcpus, mask, mc->cpuwords))
		return;
	eph_cpuset_or(mask, others, mc->cpuwords);
	smp_masked_invlpg(mc, others, sf->kva);
}

static int
sf_buf_sharded_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_sharded *ss = state;
	struct shard_pool *sp = &ss->sp;
	struct shard_slot *sf = eph__shard_lookup(sp, m);
	bool missed = false;
	int error;

	if (sf == NULL) {
		sf = eph__shard_take(sp, eph_curcpu(sp->mc)->id, flags, &error);
		if (sf == NULL)
			return (error);
		sf = eph__shard_enter(sp, sf, m, &missed);
	}
	if (missed)
		sf_sharded_enter(ss, sf);
	sf_sharded_shootdown(ss, sf, flags);
	eph__shard_exit(sp, m);
	*mp = (struct eph_mapping){ sf, sf->kva };
	return (0);
}

static int
sf_buf_sharded_unmap(void *state, void *obj)
{
	struct sf_sharded *ss = state;

	eph__shard_release(&ss->sp, obj, eph_curcpu(ss->sp.mc)->id);
	return (0);
}

static int
sf_buf_sharded_ref(void *state, void *obj)
{
	eph__shard_ref(state, obj);
	return (0);
}

static void
sf_buf_sharded_check(void *state, uint64_t held)
{
	eph__shard_check(state, held);
}

/* Relaxed, all of them: numbers to look at. */

static uint64_t
sf_sharded_get_nsfbufs(void *state)
{
	return (((const struct shard_pool *)state)->nslots);
}

static uint64_t
sf_sharded_get_used(void *state)
{
	struct shard_pool *sp = state;

	return (eph_load_64(sp->mc, &sp->used, memory_order_relaxed));
}

static uint64_t
sf_sharded_get_peak(void *state)
{
	struct shard_pool *sp = state;

	return (eph_load_64(sp->mc, &sp->peak, memory_order_relaxed));
}

static uint64_t
sf_sharded_get_allocwait(void *state)
{
	struct shard_pool *sp = state;

	return (eph_load_64(sp->mc, &sp->sleeps, memory_order_relaxed));
}

static uint64_t
sf_sharded_get_allocfail(void *state)
{
	struct eph_counters c;

	eph_machine_counters(((const struct shard_pool *)state)->mc, &c);
	return (c.map_fail);
}

static int
sf_sharded_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}

static const struct eph_sysctl sf_buf_sharded_sysctls[] = {
	{ "kern.ipc.nsfbufs", "buffers in the pool", sf_sharded_get_nsfbufs,
	    sf_sharded_set_denied, NULL },
	{ "kern.ipc.nsfbufsused", "buffers referenced", sf_sharded_get_used,
	    sf_sharded_set_denied, NULL },
	{ "kern.ipc.nsfbufspeak", "most buffers ever referenced",
	    sf_sharded_get_peak, sf_sharded_set_denied, NULL },
	{ "kern.ipc.sfstat.sf_allocwait", "sleeps for a buffer",
	    sf_sharded_get_allocwait, sf_sharded_set_denied, NULL },
	{ "kern.ipc.sfstat.sf_allocfail", "allocations that returned none",
	    sf_sharded_get_allocfail, sf_sharded_set_denied, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__sf_buf_sharded_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.sharded",
	.summary = "sf_buf.accessed, a lock per chain, a free list per CPU",
	.origin = "ours, with the locks of illumos seg_map",
	.date = "2026",
	.from = "sf_buf.accessed",
	.costs = "as sf_buf.accessed, less locking",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_PRIVATE | EPH_DESIGN_NOWAIT |
	    EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS |
	    EPH_DESIGN_OURS,
	.create = sf_buf_sharded_create,
	.destroy = sf_buf_sharded_destroy,
	.map = sf_buf_sharded_map,
	.unmap = sf_buf_sharded_unmap,
	.kva = eph__shard_kva,
	.ref = sf_buf_sharded_ref,
	.page = eph__shard_page,
	.check = sf_buf_sharded_check,
	.sysctls = sf_buf_sharded_sysctls,
};
