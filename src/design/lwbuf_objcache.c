/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.objcache (v4): the constructor finds the address, the objcache does
 * the rest.
 *
 * Idea.  An lwbuf with its address is a constructed object; the objcache's
 * magazines are the lists per CPU that v1 to v3 made by hand.  Freed
 * anywhere, it goes into the magazine of the CPU that frees it.
 *
 * Invariant: an lwbuf that exists has an address, free or not; see
 * lwbuf_core.h for the mapped ones.
 *
 *	case				L	R	IPI
 *	alloc				1	0	0
 *	kva, new CPU			1	0	0
 *	set_global, first		1	N-1	N-1
 *	set_global, again		0	0	0
 *	free				0	0	0
 *	free that finds no magazine	1	N-1	N-1
 *	no KVA				sleep one second, try again
 *
 * Quirks kept.  No limit, magazines of 64, and exactly two empty ones in
 * the depot: when both magazines of the freeing CPU and the depot's are
 * full, the object is destroyed, and its address freed while its entry is
 * valid: that interrupts everybody.  (Later removed here by
 * pmap_kremove_quick in 50d350e4e7, which trades the interrupts for a hole:
 * nobody else invalidates.)  kern.ipc.lwbuf_reserve does nothing any more.
 *
 * Locking.  The objcache's.  An lwbuf has one user; its mask is atomic.
 *
 * DragonFly f448e2f913, 2010-03-31, Samuel Greear and Matthew Dillon; the
 * loop around objcache_get() went in b2219df006, and with it the only
 * answer to a constructor that fails.
 */

#include <errno.h>

#include "design/lwbuf_core.h"
#include "ephmap/kernel/objcache.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define LWBUF_HZ_NS	    1000000000u /* hz ticks */
#define LWBUF_RESERVE_PAGES 256u	/* vestigial */

struct lwbuf_v4 {
	struct lwbuf_common lc;
	struct objcache *cache;	     /* (c) lwbufs with their address */
	_Atomic(uint32_t) count;     /* (a) lwbufs handed out */
	_Atomic(uint32_t) kva_bytes; /* (a) address space they have */
};

static bool
lwbuf_cache_ctor(void *obj, void *privdata, int ocflags)
{
	struct lwbuf_v4 *lv = privdata;
	struct lwbuf *lwb = obj;

	(void)ocflags;
	lwb->lc = &lv->lc;
	if ((lwb->kva = kva_alloc(lv->lc.mc, 1)) == 0)
		return (false);
	/* Relaxed, as below: a statistic. */
	(void)eph_fetchadd_32(
	    lv->lc.mc, &lv->kva_bytes, EPH_PAGE_SIZE, memory_order_relaxed);
	return (true);
}

static void
lwbuf_cache_dtor(void *obj, void *privdata)
{
	struct lwbuf_v4 *lv = privdata;
	struct lwbuf *lwb = obj;

	if (lwb->kva == 0)
		return; /* the design ends */
	eph__lwbuf_core_kva_free(&lv->lc, lwb->kva);
	(void)eph_fetchadd_32(lv->lc.mc, &lv->kva_bytes,
	    (uint32_t)-EPH_PAGE_SIZE, memory_order_relaxed);
}

static void
lwbuf_v4_destroy(void *state)
{
	struct lwbuf_v4 *lv = state;
	struct eph_machine *mc = lv->lc.mc;

	eph__lwbuf_core_drop_kva(&lv->lc);
	objcache_destroy(lv->cache);
	eph__lwbuf_core_fini(&lv->lc);
	eph_machine_free(mc, lv, sizeof(*lv));
}

static int
lwbuf_v4_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct lwbuf_v4 *lv = eph_machine_alloc(mc, sizeof(*lv));

	(void)cfg;
	if (lv == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__lwbuf_core_init(&lv->lc, mc);
	lv->cache = objcache_create(mc, "lwbuf", OBJCACHE_UNLIMITED, 0,
	    lwbuf_cache_ctor, lwbuf_cache_dtor, lv, eph__slab_objcache_alloc,
	    eph__slab_objcache_free, &lv->lc.slab);
	if (lv->cache == NULL) {
		lwbuf_v4_destroy(lv);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = lv;
	return (0);
}

static int
lwbuf_v4_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct lwbuf_v4 *lv = state;
	struct eph_machine *mc = lv->lc.mc;
	struct lwbuf *lwb;
	bool slept = false;

	(void)flags;
	while ((lwb = objcache_get(lv->cache, M_WAITOK)) == NULL) {
		(void)tsleep(mc, &lv->cache, 0, "lwbuf", LWBUF_HZ_NS);
		slept = true;
	}
	if (slept)
		msleep_done(mc);
	lwbuf_core_enter(&lv->lc, lwb, m);
	(void)eph_fetchadd_32(mc, &lv->count, 1, memory_order_relaxed);
	return (lwbuf_core_mapped(&lv->lc, lwb, lwb->kva, mp));
}

static int
lwbuf_v4_unmap(void *state, void *obj)
{
	struct lwbuf_v4 *lv = state;

	lwbuf_core_unmapped(&lv->lc);
	lwbuf_core_leave(&lv->lc, obj);
	(void)eph_fetchadd_32(
	    lv->lc.mc, &lv->count, UINT32_MAX, memory_order_relaxed);
	objcache_put(lv->cache, obj);
	return (0);
}

static void
lwbuf_v4_check(void *state, uint64_t held)
{
	struct lwbuf_v4 *lv = state;
	struct objcache_stats st;

	eph__lwbuf_core_check(&lv->lc, held);
	lwbuf_core_check_gauge(lv->lc.mc, held);
	objcache_check(lv->cache);
	objcache_stats(lv->cache, &st);
	if (st.cached + held != st.ctors - st.dtors)
		PANIC("an lwbuf is neither held nor in the objcache");
	/* Relaxed: nothing runs. */
	if (atomic_load_explicit(&lv->count, memory_order_relaxed) != held)
		PANIC("lwbuf_count is not what is held");
	if (atomic_load_explicit(&lv->kva_bytes, memory_order_relaxed) !=
	    (uint32_t)((st.ctors - st.dtors) * EPH_PAGE_SIZE))
		PANIC("lwbuf_kva_bytes is not what the lwbufs have");
}

static uint64_t
lwbuf_v4_get_reserve(void *state)
{
	(void)state;
	return (LWBUF_RESERVE_PAGES);
}

static uint64_t
lwbuf_v4_get_count(void *state)
{
	/* Relaxed: a statistic. */
	return (atomic_load_explicit(
	    &((struct lwbuf_v4 *)state)->count, memory_order_relaxed));
}

static uint64_t
lwbuf_v4_get_kva_bytes(void *state)
{
	/* Relaxed: a statistic. */
	return (atomic_load_explicit(
	    &((struct lwbuf_v4 *)state)->kva_bytes, memory_order_relaxed));
}

static const struct eph_sysctl lwbuf_v4_sysctls[] = {
	{ "kern.ipc.lwbuf_reserve", "lwbufs made in advance",
	    lwbuf_v4_get_reserve, eph__lwbuf_set_denied,
	    "vestigial: nothing is made in advance" },
	{ "kern.ipc.lwbuf_count", "lwbufs handed out", lwbuf_v4_get_count,
	    eph__lwbuf_set_denied, NULL },
	{ "kern.ipc.lwbuf_kva_bytes", "address space of all lwbufs",
	    lwbuf_v4_get_kva_bytes, eph__lwbuf_set_denied, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__lwbuf_objcache_ops = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf.objcache",
	.summary = "objcache of lwbufs that keep their address, v4",
	.origin = "DragonFly f448e2f913, Greear",
	.date = "2010-03-31",
	.from = "lwbuf.reserve",
	.costs = "L 1 a CPU that looks",
	.holes = "",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ASKED,
	.flags = EPH_DESIGN_SLEEPS,
	.create = lwbuf_v4_create,
	.destroy = lwbuf_v4_destroy,
	.map = lwbuf_v4_map,
	.unmap = lwbuf_v4_unmap,
	.kva = eph__lwbuf_core_kva_op,
	.page = eph__lwbuf_core_page_op,
	.check = lwbuf_v4_check,
	.sysctls = lwbuf_v4_sysctls,
};
