/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kvabio: the buffer cache, its buffers synced lazily by each CPU that
 * looks at the data.
 *
 * What it does.  A buffer owns an address for life and caches one block
 * (here: one page); blocks are found by an index, and the buffer left
 * longest ago is recycled.  Its mask tells which CPUs are in sync with its
 * address.  Giving its pages up stores 0, putting others behind it stores
 * the entry; both empty the mask and invalidate nothing.  A CPU that wants
 * the data calls bkvasync(),
 * which invalidates for itself if it is not in the mask.
 *
 * Idea.  The buffer cache interrupted every CPU for every buffer it
 * recycled, though nearly all data are looked at by one CPU, or by none
 * that would notice.  It is lwbuf's idea with a cache behind it: of the two
 * halves of sf_buf.accessed only the mask, and no interrupts ever.
 *
 * Invariant: a CPU in a buffer's mask holds no translation of its address
 * to another page; refcnt == 0 if and only if recyclable.
 *
 *	case				stores	L	R	IPI
 *	hit, CPU in the mask		0	0	0	0
 *	hit, CPU not in the mask	0	1	0	0
 *	miss, never used		1	1	0	0
 *	miss, evicting			2	1	0	0
 *	kva, CPU in the mask		0	0	0	0
 *	kva, CPU not in the mask	0	1	0	0
 *	free				0	0	0	0
 *	exhaustion			0 asleep, then as a miss
 *
 * Map is getblk() and the bkvasync() of the CPU that reads, so that the
 * mapping CPU may use the address without asking; every other one has to
 * ask, in each use of the buffer.  (bkvasync_all(), for code that does not
 * know of the mask, is what pmap_qenter costs; nothing here asks for it.)
 *
 * Measured by its author: tmpfs on 32 and 48 CPUs, 5,000 to 12,000
 * interrupts for each CPU and second, then 200 to 1,000; HAMMER2 on NVMe,
 * 25,000, then less than 200.
 *
 * Differences.  A buffer is locked by one thread at a time, and dirty ones
 * are written; here users share it by reference, and pages are clean.  The
 * kernel has a queue of clean buffers for each CPU, looks at its own first,
 * and lets a buffer that was not marked B_AGE go round once more; here the
 * policy decides.  There all sleepers are woken, and look for the block
 * again.  A never-used slot is invalidated though no TLB can hold it: the
 * mask is empty, as in the kernel.
 *
 * Locking.  The pool under one lock; the mask is atomic, as bkvasync()
 * takes none.
 *
 * DragonFly d32579c347, 48db4e2021 and 04b8e83982, 2017-10, Matthew Dillon.
 */

#include "design/sf_pool.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/version.h"
#include "machine/access.h"

struct kvabio {
	struct sf_pool sp;	  /* buffers */
	uint32_t words;		  /* (c) in a mask */
	_Atomic(uint64_t) *masks; /* (a) b_cpumask of each buffer */
};

static _Atomic(uint64_t) *
kvabio_mask(const struct kvabio *kb, const struct sf_buf *bp)
{
	return (&kb->masks[(size_t)sf_pool_index(&kb->sp, bp) * kb->words]);
}

static void
kvabio_destroy(void *state)
{
	struct kvabio *kb = state;
	struct eph_machine *mc = kb->sp.mc;

	eph_machine_free(mc, kb->masks,
	    (size_t)kb->sp.nbufs * kb->words * sizeof(*kb->masks));
	eph__sf_pool_fini(&kb->sp);
	eph_machine_free(mc, kb, sizeof(*kb));
}

static int
kvabio_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct kvabio *kb = eph_machine_alloc(mc, sizeof(*kb));
	int error;

	if (kb == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	kb->words = mc->cpuwords;
	error = eph__sf_pool_init(&kb->sp, mc, cfg, &eph_policy_lru, 0, err);
	if (error == 0) {
		kb->masks = eph_machine_alloc(
		    mc, (size_t)kb->sp.nbufs * kb->words * sizeof(*kb->masks));
		if (kb->masks == NULL)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	if (error != 0)
		kvabio_destroy(kb);
	else
		*statep = kb;
	return (error);
}

/*
 * bkvasync.  Relaxed: our bit is set by us after our own invlpg, and
 * nobody learns from it that anything else happened.
 */
static void
kvabio_sync(struct kvabio *kb, struct sf_buf *bp)
{
	struct eph_machine *mc = kb->sp.mc;
	const unsigned me = eph_curcpu(mc)->id;
	_Atomic(uint64_t) *word = &kvabio_mask(kb, bp)[me >> 6];

	if ((eph_load_64(mc, word, memory_order_relaxed) &
		eph_cpuset_bit(me)) != 0)
		return;
	EPH_NOTE(mc, "CPU %u was not in sync", me);
	pmap_invlpg(mc, bp->kva);
	(void)eph_fetchor_64(
	    mc, word, eph_cpuset_bit(me), memory_order_relaxed);
}

/*
 * The end of vfs_vmio_release (pmap_qremove_noinval), if the buffer held
 * anything; then allocbuf: the entry of the new page (pmap_qenter_noinval)
 * and bkvareset.
 */
static void
kvabio_enter(struct kvabio *kb, struct sf_buf *bp)
{
	struct eph_machine *mc = kb->sp.mc;

	if (pmap_pte_load(mc, bp->kva) != 0)
		pmap_pte_store(mc, bp->kva, 0);
	pmap_pte_store(mc, bp->kva,
	    vm_page_to_phys(bp->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	for (uint32_t w = 0; w < kb->words; w++)
		/* Relaxed: the buffer has no reference. */
		eph_store_64(
		    mc, &kvabio_mask(kb, bp)[w], 0, memory_order_relaxed);
}

static int
kvabio_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct kvabio *kb = state;
	struct sf_pool *sp = &kb->sp;
	struct sf_buf *bp;
	int error = 0;

	(void)flags;
	mutex_enter(sp->mc, &sp->lock);
	if ((bp = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, bp);
	} else {
		bp = sf_pool_take(sp, m, false, false, &error);
		KASSERT(bp != NULL, "an uninterruptible sleep failed");
		sf_pool_link(sp, bp, m);
		sf_pool_missed(sp, bp);
		kvabio_enter(kb, bp);
	}
	mutex_exit(sp->mc, &sp->lock);
	kvabio_sync(kb, bp);
	*mp = (struct eph_mapping){ bp, bp->kva };
	return (0);
}

static int
kvabio_unmap(void *state, void *obj)
{
	struct sf_pool *sp = &((struct kvabio *)state)->sp;

	mutex_enter(sp->mc, &sp->lock);
	if (sf_pool_drop(sp, obj))
		sf_pool_wakeup_one(sp);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

static eph_va_t
kvabio_kva(void *state, void *obj)
{
	kvabio_sync(state, obj);
	return (eph__sf_pool_kva(state, obj));
}

static void
kvabio_check(void *state, uint64_t held)
{
	struct kvabio *kb = state;
	struct eph_machine *mc = kb->sp.mc;

	eph__sf_pool_check(&kb->sp, held);
	for (uint32_t i = 0; i < kb->sp.nbufs; i++) {
		const struct sf_buf *bp = &kb->sp.bufs[i];

		for (unsigned c = 0; c < mc->ncpus; c++) {
			/* Relaxed: nothing runs. */
			const uint64_t word = atomic_load_explicit(
			    &kvabio_mask(kb, bp)[c >> 6], memory_order_relaxed);

			if ((word & eph_cpuset_bit(c)) != 0 &&
			    cpu_holds_outdated(
				mc->cpus[c], machine_va_index(mc, bp->kva)))
				PANIC("a CPU of a buffer's mask is not in "
				      "sync");
		}
	}
}

const struct eph_design_ops eph__kvabio_ops = {
	.abi = EPHMAP_ABI,
	.name = "kvabio",
	.summary = "cached buffers, each CPU syncs for itself when it looks",
	.origin = "DragonFly d32579c347, Dillon",
	.date = "2017-10",
	.from = "lwbuf.objcache",
	.costs = "L 1 a CPU that looks",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "lru",
	.validity = EPH_VALID_ASKED,
	.flags = EPH_DESIGN_CACHE | EPH_DESIGN_POLICY | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = kvabio_create,
	.destroy = kvabio_destroy,
	.map = kvabio_map,
	.unmap = kvabio_unmap,
	.kva = kvabio_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = kvabio_check,
};
