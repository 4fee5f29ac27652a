/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.lwbuf: the sf_buf that is an lwbuf made global, and a count.
 *
 * Idea.  With lwbufs for everything short-lived, sendfile is left; it reads
 * the address once, on the CPU that maps, and puts it into an mbuf that any
 * CPU may touch.  So the mapping must be global before it is handed out.
 *
 * Invariant: every CPU is in sync with a mapped buffer.
 *
 *	case		L	R	IPI	entries
 *	alloc		2	N-1	N-1	1
 *	ref, free	0	0	0	0
 *
 * For each map a store, an invlpg, and then a rendezvous without a store
 * for another invlpg here and one everywhere: nothing is remembered by
 * page, so each costs what S2 paid for a shared miss, and one invlpg more.
 * There is no limit, and no nsfbufs.
 *
 * Quirk kept.  Mappings come from lwbuf v1 (lwbuf.kvalist), which never
 * gives address space back.
 *
 * Differences.  sf_buf_free() told its caller whether it was the last (0 of
 * 2010: last); here it does not.
 *
 * Locking.  refs is atomic; the rest is lwbuf's.
 *
 * DragonFly 5c5185ae1c, 2010-03-09, Samuel Greear.
 */

#include <errno.h>

#include "design/lwbuf_kvalist.h"
#include "ephmap/version.h"

struct sf_buf {
	struct slab_item item;
	struct lwbuf *lwbuf;	/* NULL while free */
	_Atomic(uint32_t) refs; /* (a) */
};

struct sf_lwbuf {
	struct lwbuf_kvalist lk;
	struct slab slab;	/* sf_bufs */
	struct objcache *cache; /* (c) of them */
};

static void
sf_lwbuf_destroy(void *state)
{
	struct sf_lwbuf *sl = state;
	struct eph_machine *mc = sl->lk.lc.mc;

	objcache_destroy(sl->cache);
	eph__slab_fini(&sl->slab);
	eph__lwbuf_kvalist_fini(&sl->lk);
	eph_machine_free(mc, sl, sizeof(*sl));
}

static int
sf_lwbuf_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct sf_lwbuf *sl = eph_machine_alloc(mc, sizeof(*sl));
	int error;

	(void)cfg;
	if (sl == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__slab_init(&sl->slab, mc, sizeof(struct sf_buf));
	error = eph__lwbuf_kvalist_init(&sl->lk, mc);
	sl->cache = objcache_create(mc, "sf_buf", OBJCACHE_UNLIMITED, 0, NULL,
	    NULL, NULL, eph__slab_objcache_alloc, eph__slab_objcache_free,
	    &sl->slab);
	if (error != 0 || sl->cache == NULL) {
		sf_lwbuf_destroy(sl);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = sl;
	return (0);
}

static int
sf_lwbuf_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_lwbuf *sl = state;
	struct sf_buf *sf = objcache_get(sl->cache, M_WAITOK);

	(void)flags;
	if (sf == NULL)
		return (ENOMEM);
	if ((sf->lwbuf = eph__lwbuf_kvalist_alloc(&sl->lk, m)) == NULL) {
		objcache_put(sl->cache, sf);
		return (ENOMEM);
	}
	(void)eph__lwbuf_core_set_global(&sl->lk, sf->lwbuf);
	/* Relaxed: no other CPU knows this buffer yet. */
	eph_store_32(sl->lk.lc.mc, &sf->refs, 1, memory_order_relaxed);
	return (lwbuf_core_mapped(&sl->lk.lc, sf, sf->lwbuf->kva, mp));
}

static int
sf_lwbuf_unmap(void *state, void *obj)
{
	struct sf_lwbuf *sl = state;
	struct eph_machine *mc = sl->lk.lc.mc;
	struct sf_buf *sf = obj;
	/* Acquire and release: all uses come before the last free. */
	const uint32_t refs =
	    eph_fetchadd_32(mc, &sf->refs, UINT32_MAX, memory_order_acq_rel);
	struct lwbuf *lwb = sf->lwbuf;

	if (refs == 0)
		PANIC("sf_buf_free: freeing a free sf_buf");
	EPH_COUNT(mc, unmap_calls);
	if (refs != 1)
		return (0);
	eph_bufs_dec(mc);
	sf->lwbuf = NULL;
	eph__lwbuf_kvalist_free(&sl->lk, lwb);
	objcache_put(sl->cache, sf);
	return (0);
}

static eph_va_t
sf_lwbuf_kva(void *state, void *obj)
{
	return (eph__lwbuf_core_kva_op(state, ((struct sf_buf *)obj)->lwbuf));
}

static int
sf_lwbuf_ref(void *state, void *obj)
{
	struct sf_lwbuf *sl = state;
	struct sf_buf *sf = obj;

	/* Relaxed: the caller holds a reference. */
	if (eph_fetchadd_32(sl->lk.lc.mc, &sf->refs, 1, memory_order_relaxed) ==
	    0)
		PANIC("sf_buf_ref: referencing a free sf_buf");
	return (0);
}

static struct vm_page *
sf_lwbuf_page(void *state, void *obj)
{
	(void)state;
	return (((const struct sf_buf *)obj)->lwbuf->m);
}

static void
sf_lwbuf_check(void *state, uint64_t held)
{
	struct sf_lwbuf *sl = state;
	uint64_t refs = 0, used = 0;

	for (uint32_t i = 0; i < sl->slab.nitems; i++) {
		struct sf_buf *sf = slab_at(&sl->slab, i);
		/* Relaxed: nothing runs. */
		const uint32_t n =
		    atomic_load_explicit(&sf->refs, memory_order_relaxed);

		if ((n != 0) != (sf->lwbuf != NULL))
			PANIC("an sf_buf has references without a mapping, "
			      "or the other way round");
		if (n != 0 && sf->lwbuf->m == NULL)
			PANIC("an sf_buf has a free lwbuf");
		refs += n;
		used += n != 0;
	}
	if (refs != held)
		PANIC("references held and references counted differ");
	objcache_check(sl->cache);
	eph__lwbuf_kvalist_check(&sl->lk, used);
	lwbuf_core_check_gauge(sl->lk.lc.mc, used);
}

const struct eph_design_ops eph__sf_buf_lwbuf_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.lwbuf",
	.summary = "an lwbuf made global for every use",
	.origin = "DragonFly 5c5185ae1c, Greear",
	.date = "2010-03-09",
	.from = "lwbuf.objcache",
	.costs = "everybody, a map",
	.holes = "",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_SLEEPS,
	.create = sf_lwbuf_create,
	.destroy = sf_lwbuf_destroy,
	.map = sf_lwbuf_map,
	.unmap = sf_lwbuf_unmap,
	.kva = sf_lwbuf_kva,
	.ref = sf_lwbuf_ref,
	.page = sf_lwbuf_page,
	.check = sf_lwbuf_check,
};
