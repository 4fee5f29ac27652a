/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.lru: hashed, reference-counted, and the mapping outlives its last
 * reference.
 *
 * What it does.  A page has at most one buffer (but see below); a hit takes
 * a reference and does nothing else.  The last free puts the buffer at the
 * tail of the free list and leaves it mapped; a miss takes the head.
 *
 * Idea.  The mapping is global: it was invalidated everywhere when it was
 * made, so every CPU may use it until the buffer is recycled.  Lazy update
 * makes the pool a cache of translations.
 *
 * Invariant: refcnt == 0 if and only if on the free list; a buffer's entry
 * maps its page.
 *
 *	case				L	F	IPI	on N CPUs
 *	hit, any CPU			0	0	0
 *	miss, never-used or evicting	1	N-1	N-1
 *	free				0	0	0
 *	exhaustion			0 asleep, then as a miss
 *
 * Quirks kept.  pmap_qenter() flushes the other CPUs and does not wait
 * (unacked-flush): until the interrupt lands they may use the old page.
 * The index is not looked up again after a sleep, so a page can have two
 * buffers.  Sleeps are always interruptible, and wakeup_one() may choose a
 * sleeper that a signal is taking away: the wakeup is lost.  The caller
 * wires the page for each use and free unwires once, at the last reference,
 * so k concurrent uses leave k - 1 wires (fixed by b4caac98df, 2004-03-29).
 *
 * Locking.  Everything under the MP lock, in a critical section (splimp).
 *
 * DragonFly dfbcf5a390 and 4860553a54, 2003-12-10, Jeffrey Hsu, after
 * FreeBSD i386 vm_machdep.c 1.219 and 1.220 by Alan Cox.
 */

#include "design/sf_pool.h"
#include "ephmap/version.h"

static void
sf_buf_lru_destroy(void *state)
{
	struct sf_pool *sp = state;
	struct eph_machine *mc = sp->mc;

	eph__sf_pool_fini(sp);
	eph_machine_free(mc, sp, sizeof(*sp));
}

static int
sf_buf_lru_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct sf_pool *sp = eph_machine_alloc(mc, sizeof(*sp));
	int error;

	if (sp == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__sf_pool_init(sp, mc, cfg, &eph_policy_lru, 0, err);
	if (error != 0)
		sf_buf_lru_destroy(sp);
	else
		*statep = sp;
	return (error);
}

static int
sf_buf_lru_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf;
	int error = 0;

	(void)flags;
	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, sf);
	} else if ((sf = sf_pool_take(sp, m, false, true, &error)) != NULL) {
		sf_pool_link(sp, sf, m);
		sf_pool_missed(sp, sf);
		pmap_qenter(sp->mc, sf->kva, &m, 1);
	} else {
		error = sf_pool_failed(sp, error);
	}
	mutex_exit(sp->mc, &sp->lock);
	if (sf != NULL)
		*mp = (struct eph_mapping){ sf, sf->kva };
	return (error);
}

static int
sf_buf_lru_unmap(void *state, void *obj)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf = obj;

	mutex_enter(sp->mc, &sp->lock);
	if (sf_pool_drop(sp, sf)) {
		vm_page_unwire(sp->mc, sf->m);
		sf_pool_wakeup_one(sp);
	}
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

static void
sf_buf_lru_check(void *state, uint64_t held)
{
	eph__sf_pool_check(state, held);
}

const struct eph_design_ops eph__sf_buf_lru_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.lru",
	.summary = "page hash, LRU of unreferenced mappings, global mappings",
	.origin = "DragonFly 4860553a54, Hsu; FreeBSD i386 1.220, Cox",
	.date = "2003-12-10",
	.from = "sf_buf.hash",
	.costs = "everybody, a miss",
	.holes = "un-acked flush; lost wakeup (wakeup_one with an "
		 "interruptible sleeper); leaks wires",
	.shootdown = "unacked-flush",
	.policy = "lru",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_CACHE | EPH_DESIGN_POLICY | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS | EPH_DESIGN_WIRES,
	.create = sf_buf_lru_create,
	.destroy = sf_buf_lru_destroy,
	.map = sf_buf_lru_map,
	.unmap = sf_buf_lru_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_lru_check,
	.sysctls = eph__sf_pool_sysctls,
};
