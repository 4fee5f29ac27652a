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

#include "design/sf_pool.h"
#include "ephmap/version.h"

/* The free list is the chain of `page_next`, from here. */
struct sf_uncached {
	struct sf_pool sp;
	uint32_t free_head; /* (l) index plus one, 0: empty */
	bool want;	    /* (l) somebody sleeps */
};

static void
sf_buf_uncached_destroy(void *state)
{
	struct sf_uncached *su = state;
	struct eph_machine *mc = su->sp.mc;

	eph__sf_pool_fini(&su->sp);
	eph_machine_free(mc, su, sizeof(*su));
}

static int
sf_buf_uncached_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	struct sf_uncached *su = eph_machine_alloc(mc, sizeof(*su));
	int error;

	if (su == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__sf_pool_init(&su->sp, mc, cfg, &eph_policy_lru, 0, err);
	if (error != 0) {
		sf_buf_uncached_destroy(su);
		return (error);
	}
	for (uint32_t i = 0; i < su->sp.nbufs; i++) {
		su->sp.bufs[i].page_next = su->free_head;
		su->free_head = i + 1;
	}
	*statep = su;
	return (0);
}

static struct sf_buf *
sf_buf_uncached_take(struct sf_uncached *su, int *error)
{
	struct sf_pool *sp = &su->sp;
	struct sf_buf *sf;
	bool slept = false;

	while (su->free_head == 0) {
		su->want = true;
		sp->allocwait++;
		slept = true;
		*error =
		    msleep(sp->mc, &su->want, &sp->lock, PCATCH, "sfbufa", 0);
		if (*error != 0)
			return (NULL);
	}
	if (slept)
		msleep_done(sp->mc);
	sf = &sp->bufs[su->free_head - 1];
	su->free_head = sf->page_next;
	return (sf);
}

static int
sf_buf_uncached_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_uncached *su = state;
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
sf_buf_uncached_release(struct sf_uncached *su, struct sf_buf *sf)
{
	struct sf_pool *sp = &su->sp;

	pmap_qremove(sp->mc, sf->kva, 1);
	vm_page_unwire(sp->mc, sf->m);
	sf->m = NULL;
	sf->page_next = su->free_head;
	su->free_head = sf_pool_index(sp, sf) + 1;
	sf_pool_used_dec(sp);
	if (su->want) {
		su->want = false;
		wakeup(sp->mc, &su->want);
	}
}

static int
sf_buf_uncached_unmap(void *state, void *obj)
{
	struct sf_uncached *su = state;
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
	struct sf_uncached *su = state;
	struct sf_pool *sp = &su->sp;
	uint64_t refs = 0;
	uint32_t nfree = 0;

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
	for (uint32_t i = su->free_head; i != 0;
	     i = sp->bufs[i - 1].page_next) {
		if (nfree++ > sp->nbufs)
			PANIC("free list has a ring");
	}
	if (refs != held || nfree + sp->used.now != sp->nbufs)
		PANIC("used and free buffers do not add up");
}

const struct eph_design_ops eph__sf_buf_uncached_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.uncached",
	.summary = "a pool of addresses, mapped and unmapped for every use",
	.origin = "FreeBSD 3 and 4, Greenman; DragonFly before dfbcf5a390",
	.date = "1998",
	.holes = "un-acked flush",
	.shootdown = "unacked-flush",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS | EPH_DESIGN_WIRES,
	.create = sf_buf_uncached_create,
	.destroy = sf_buf_uncached_destroy,
	.map = sf_buf_uncached_map,
	.unmap = sf_buf_uncached_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_uncached_check,
	.sysctls = eph__sf_pool_sysctls,
};
