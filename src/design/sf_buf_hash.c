/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.hash: one buffer a page, found by hash and reference-counted, but
 * unmapped at the last free.
 *
 * Idea.  Several connections that send the same file share the mapping of
 * its pages, so that buffers in use follow the pages, not the connections.
 *
 * Invariant: refcnt == 0 if and only if on the free list and mapping
 * nothing; a buffer that maps a page is in the index.
 *
 *	case			L	R	IPI	on N CPUs
 *	hit (always active)	0	0	0
 *	miss			1	N-1	N-1
 *	free, not last		0	0	0
 *	free, last		1	N-1	N-1
 *	exhaustion		0 asleep, then as a miss
 *
 * The buffer forgets its page at the last free, so there is no inactive hit
 * and nothing is evicted.  The free list is used last in, first out.
 *
 * pmap_qenter() and pmap_qremove() are FreeBSD's: acknowledged invlpg, and
 * global entries.
 *
 * Quirks kept.  wakeup_one() with an interruptible sleeper.  The index is
 * not looked up again after a sleep.
 *
 * Locking.  sf_buf_lock.
 *
 * FreeBSD i386 vm_machdep.c 1.219, 2003-11-17, Alan Cox, after the DeBox
 * patches of Ruan and Pai.  Reconstructed from DragonFly's merge and later
 * FreeBSD sources: the revision itself was not at hand.
 */

#include "design/sf_free.h"
#include "ephmap/version.h"

/* A buffer off the free list, sleeping if need be. */
static struct sf_buf *
sf_buf_hash_take(struct sf_free *sh, int *error)
{
	struct sf_pool *sp = &sh->sp;
	bool slept = false;

	while (sh->free_head == 0) {
		sp->alloc_want++;
		slept = true;
		*error = msleep(
		    sp->mc, &sp->alloc_want, &sp->lock, PCATCH, "sfbufa", 0);
		sp->alloc_want--;
		if (*error != 0)
			return (NULL);
	}
	if (slept)
		msleep_done(sp->mc);
	return (sf_free_pop(sh));
}

static void
sf_buf_hash_enter(struct sf_free *sh, struct sf_buf *sf, struct vm_page *m)
{
	struct sf_pool *sp = &sh->sp;
	struct eph_cpu *cpu = eph_curcpu(sp->mc);

	sf_pool_link(sp, sf, m);
	sf_pool_used_inc(sp);
	cpu->c.map_calls++;
	cpu->c.miss++;
	EPH_NOTE(sp->mc, "miss: free buffer %u", sf_pool_index(sp, sf));
	pmap_qenter(sp->mc, sf->kva, &m, 1);
}

static int
sf_buf_hash_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_free *sh = state;
	struct sf_pool *sp = &sh->sp;
	struct sf_buf *sf;
	int error = 0;

	(void)flags;
	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		sf->refcnt++;
		eph_curcpu(sp->mc)->c.map_calls++;
		eph_curcpu(sp->mc)->c.hit_active++;
		EPH_NOTE(sp->mc, "hit: buffer %u has the page",
		    sf_pool_index(sp, sf));
	} else if ((sf = sf_buf_hash_take(sh, &error)) != NULL) {
		sf_buf_hash_enter(sh, sf, m);
	} else {
		error = sf_pool_failed(sp, error);
	}
	mutex_exit(sp->mc, &sp->lock);
	if (sf != NULL)
		*mp = (struct eph_mapping){ sf, sf->kva };
	return (error);
}

/* Take the buffer out of its page's chain, unmap it, list it. */
static void
sf_buf_hash_release(struct sf_free *sh, struct sf_buf *sf)
{
	struct sf_pool *sp = &sh->sp;

	eph__sf_pool_unchain(sp, sf);
	sf->m = NULL;
	pmap_qremove(sp->mc, sf->kva, 1);
	sf_free_push(sh, sf);
	sf_pool_used_dec(sp);
	sf_pool_wakeup_one(sp);
}

static int
sf_buf_hash_unmap(void *state, void *obj)
{
	struct sf_free *sh = state;
	struct sf_pool *sp = &sh->sp;
	struct sf_buf *sf = obj;

	mutex_enter(sp->mc, &sp->lock);
	if (sf->refcnt == 0)
		PANIC("sf_buf_free: freeing a free sf_buf");
	EPH_COUNT(sp->mc, unmap_calls);
	if (--sf->refcnt == 0)
		sf_buf_hash_release(sh, sf);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

static void
sf_buf_hash_check(void *state, uint64_t held)
{
	struct sf_free *sh = state;

	eph__sf_pool_check(&sh->sp, held);
	if (eph__sf_free_count(sh) + sh->sp.used.now != sh->sp.nbufs)
		PANIC("used and free buffers do not add up");
}

const struct eph_design_ops eph__sf_buf_hash_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.hash",
	.summary = "page hash and reference count, unmapped at the last free",
	.origin = "FreeBSD i386 vm_machdep.c 1.219, Cox",
	.date = "2003-11-17",
	.from = "sf_buf.uncached",
	.costs = "everybody, twice a miss",
	.holes = "lost wakeup (wakeup_one with an interruptible sleeper)",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = eph__sf_free_create,
	.destroy = eph__sf_free_destroy,
	.map = sf_buf_hash_map,
	.unmap = sf_buf_hash_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_hash_check,
	.sysctls = eph__sf_pool_sysctls,
};
