/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.uncached: the original.  A pool of addresses; every use maps, and
 * every last free unmaps, on all CPUs.
 *
 * Idea.  None yet: sendfile needs an address for a page until the mbuf is
 * freed, and gets one off a list.  Two connections that send the same page
 * use two buffers.
 *
 * Invariant: refcnt == 0 if and only if on the free list and mapping
 * nothing.
 *
 *	case			L	F	IPI	on N CPUs
 *	alloc (and qenter)	1	N-1	N-1
 *	ref, free not last	0	0	0
 *	free, last		1	N-1	N-1
 *	exhaustion		0 asleep, then as alloc
 *
 * Every map is a miss; nothing is evicted, as the buffer forgets its page.
 * The list is last in, first out, and starts with the highest address.
 *
 * Quirks kept.  sf_buf_alloc() took no page; the caller mapped it with
 * pmap_qenter() (one call here).  The flush is not waited for (hole).  The
 * want flag is a boolean and all sleepers are woken: one of them finds the
 * buffer, the others sleep again.  The last free unwires the page.
 *
 * Locking.  splimp() under the MP lock.
 *
 * FreeBSD uipc_syscalls.c, David Greenman, 1998; DragonFly until
 * dfbcf5a390 (2003-12-10).
 */

#include "design/sf_free.h"
#include "ephmap/version.h"

static struct sf_buf *
sf_buf_uncached_take(struct sf_free *su, int *error)
{
	struct sf_pool *sp = &su->sp;
	bool slept = false;

	while (su->free_head == 0) {
		su->want = true;
		slept = true;
		*error =
		    msleep(sp->mc, &su->want, &sp->lock, PCATCH, "sfbufa", 0);
		if (*error != 0)
			return (NULL);
	}
	if (slept)
		msleep_done(sp->mc);
	return (sf_free_pop(su));
}

static int
sf_buf_uncached_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_free *su = state;
	struct sf_pool *sp = &su->sp;
	struct sf_buf *sf;
	int error = 0;

	(void)flags;
	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_buf_uncached_take(su, &error)) == NULL) {
		error = sf_pool_failed(sp, error);
		mutex_exit(sp->mc, &sp->lock);
		return (error);
	}
	sf->refcnt = 1;
	sf->m = m;
	sf_pool_used_inc(sp);
	EPH_COUNT(sp->mc, map_calls);
	EPH_COUNT(sp->mc, miss);
	EPH_NOTE(sp->mc, "buffer %u off the free list", sf_pool_index(sp, sf));
	pmap_qenter(sp->mc, sf->kva, &m, 1);
	mutex_exit(sp->mc, &sp->lock);
	*mp = (struct eph_mapping){ sf, sf->kva };
	return (0);
}

static void
sf_buf_uncached_release(struct sf_free *su, struct sf_buf *sf)
{
	struct sf_pool *sp = &su->sp;

	pmap_qremove(sp->mc, sf->kva, 1);
	vm_page_unwire(sp->mc, sf->m);
	sf->m = NULL;
	sf_free_push(su, sf);
	sf_pool_used_dec(sp);
	if (su->want) {
		su->want = false;
		wakeup(sp->mc, &su->want);
	}
}

static int
sf_buf_uncached_unmap(void *state, void *obj)
{
	struct sf_free *su = state;
	struct sf_pool *sp = &su->sp;
	struct sf_buf *sf = obj;

	mutex_enter(sp->mc, &sp->lock);
	if (sf->refcnt == 0)
		PANIC("sf_buf_free: freeing a free sf_buf");
	EPH_COUNT(sp->mc, unmap_calls);
	if (--sf->refcnt == 0)
		sf_buf_uncached_release(su, sf);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

static void
sf_buf_uncached_check(void *state, uint64_t held)
{
	struct sf_free *su = state;
	struct sf_pool *sp = &su->sp;
	uint64_t refs = 0;

	for (uint32_t i = 0; i < sp->nbufs; i++) {
		const struct sf_buf *sf = &sp->bufs[i];

		refs += sf->refcnt;
		if (sf->refcnt != 0 &&
		    pmap_kextract(sp->mc, sf->kva) != sf->m->frame)
			PANIC("a referenced buffer does not map its page");
		if (sf->refcnt == 0 &&
		    pmap_kextract(sp->mc, sf->kva) != EPH_NONE)
			PANIC("a free buffer is mapped");
	}
	if (refs != held || eph__sf_free_count(su) + sp->used.now != sp->nbufs)
		PANIC("used and free buffers do not add up");
}

const struct eph_design_ops eph__sf_buf_uncached_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.uncached",
	.summary = "a pool of addresses, mapped and unmapped for every use",
	.origin = "FreeBSD 3 and 4, Greenman; DragonFly before dfbcf5a390",
	.date = "1998",
	.costs = "everybody, twice a map",
	.holes = "un-acked flush",
	.shootdown = "unacked-flush",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS | EPH_DESIGN_WIRES,
	.create = eph__sf_free_create,
	.destroy = eph__sf_free_destroy,
	.map = sf_buf_uncached_map,
	.unmap = sf_buf_uncached_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_uncached_check,
	.sysctls = eph__sf_pool_sysctls,
};
