/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.reserve (v3): a fixed reserve for each CPU, and an objcache of
 * ephemeral ones behind it.
 *
 * Idea.  v2 grows and shrinks its lists by hand.  Here a CPU has its 256
 * lwbufs, never more nor fewer; what it needs beyond comes from an objcache
 * whose constructor finds an address.
 *
 * Invariant: a free lwbuf of the reserve is on its owner's list or in a
 * message to it, an ephemeral one in the objcache or in a message; see
 * lwbuf_core.h for the mapped ones.
 *
 *	case				L	R	IPI	messages
 *	alloc, reserve or ephemeral	1	0	0	0
 *	kva, new CPU			1	0	0	0
 *	set_global, always		1	N-1	N-1	0
 *	free on the owner		0	0	0	0
 *	free elsewhere			0	0	0 or 1	1 passive
 *	ephemeral that finds no		1	N-1	N-1	0
 *	  magazine on the owner
 *	no KVA				sleep until the list is not empty
 *
 * Quirks kept.  The owner of an ephemeral lwbuf is the CPU that constructed
 * it, not the one that got it out of the objcache.  A free of an ephemeral
 * one wakes nobody, so who sleeps waits for the reserve (hole, as is the
 * wakeup only from 0 to 1).  The destructor frees the address while its
 * entry is valid.
 *
 * Differences: repaired.  As committed, the loop that waits looked at the
 * list again after the objcache gave an object, which was lost, and never
 * ended while the list was empty; and the count went down by one too many.
 *
 * Locking.  The list in a critical section of its CPU.  An lwbuf has one
 * user; its mask is atomic.
 *
 * DragonFly 47efa95b84 and de281509d2, 2010-03-31, Samuel Greear.
 */

#include <errno.h>

#include "design/lwbuf_home.h"
#include "ephmap/kernel/objcache.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

struct lwbuf_v3 {
	struct lwbuf_home lh;
	struct objcache *cache; /* (c) ephemeral lwbufs with their address */
};

static bool
lwbuf_v3_ctor(void *obj, void *privdata, int ocflags)
{
	struct lwbuf_v3 *lv = privdata;
	struct lwbuf *lwb = obj;

	(void)ocflags;
	lwb->lc = &lv->lh.lc;
	lwb->owner = eph_curcpu(lv->lh.lc.mc)->id;
	lwb->ephemeral = true;
	lwb->kva = kva_alloc(lv->lh.lc.mc, 1);
	return (lwb->kva != 0);
}

static void
lwbuf_v3_dtor(void *obj, void *privdata)
{
	struct lwbuf_v3 *lv = privdata;
	struct lwbuf *lwb = obj;

	if (lwb->kva != 0) /* else the design ends */
		eph__lwbuf_core_kva_free(&lv->lh.lc, lwb->kva);
}

static void
lwbuf_v3_destroy(void *state)
{
	struct lwbuf_v3 *lv = state;
	struct eph_machine *mc = lv->lh.lc.mc;

	eph__lwbuf_core_drop_kva(&lv->lh.lc);
	objcache_destroy(lv->cache);
	eph__lwbuf_home_fini(&lv->lh);
	eph_machine_free(mc, lv, sizeof(*lv));
}

static int
lwbuf_v3_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct lwbuf_v3 *lv = eph_machine_alloc(mc, sizeof(*lv));
	int error;

	(void)cfg;
	if (lv == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__lwbuf_home_init(&lv->lh, mc);
	lv->cache = objcache_create(mc, "lwbuf", OBJCACHE_UNLIMITED, 0,
	    lwbuf_v3_ctor, lwbuf_v3_dtor, lv, eph__slab_objcache_alloc,
	    eph__slab_objcache_free, &lv->lh.lc.slab);
	if (error != 0 || lv->cache == NULL) {
		lwbuf_v3_destroy(lv);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = lv;
	return (0);
}

static struct lwbuf *
lwbuf_v3_take(struct lwbuf_v3 *lv)
{
	struct eph_machine *mc = lv->lh.lc.mc;
	struct lwbuf_home_cpu *hc;
	struct lwbuf *lwb;
	bool slept = false;

	crit_enter(mc);
	hc = eph__lwbuf_home_mycpu(&lv->lh);
	while ((lwb = eph__lwbuf_home_pop(&lv->lh, hc)) == NULL &&
	    (lwb = objcache_get(lv->cache, M_WAITOK)) == NULL) {
		(void)ssleep(mc, hc, NULL, 0, "lwbuf", 0);
		slept = true;
	}
	crit_exit(mc);
	if (slept)
		msleep_done(mc);
	return (lwb);
}

static int
lwbuf_v3_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct lwbuf_v3 *lv = state;
	struct lwbuf *lwb = lwbuf_v3_take(lv);

	(void)flags;
	lwbuf_core_enter(&lv->lh.lc, lwb, m);
	return (lwbuf_core_mapped(&lv->lh.lc, lwb, lwb->kva, mp));
}

/* Free on the owner. */
static void
lwbuf_v3_free_home(struct lwbuf_v3 *lv, struct lwbuf *lwb)
{
	struct eph_machine *mc = lv->lh.lc.mc;

	if (lwb->ephemeral) {
		objcache_put(lv->cache, lwb);
		return;
	}
	crit_enter(mc);
	eph__lwbuf_home_push(&lv->lh, eph__lwbuf_home_mycpu(&lv->lh), lwb);
	crit_exit(mc);
}

static void
lwbuf_free_remote(struct eph_machine *mc, void *arg)
{
	struct lwbuf *lwb = arg;

	(void)mc;
	/* The common part is the first of the state. */
	lwbuf_v3_free_home((struct lwbuf_v3 *)(void *)lwb->lc, lwb);
}

static int
lwbuf_v3_unmap(void *state, void *obj)
{
	struct lwbuf_v3 *lv = state;
	struct lwbuf *lwb = obj;

	lwbuf_core_unmapped(&lv->lh.lc);
	lwbuf_core_leave(&lv->lh.lc, lwb);
	if (lwb->owner == eph_curcpu(lv->lh.lc.mc)->id)
		lwbuf_v3_free_home(lv, lwb);
	else
		(void)lwkt_send_ipiq_passive(
		    lv->lh.lc.mc, lwb->owner, lwbuf_free_remote, lwb);
	return (0);
}

static void
lwbuf_v3_check(void *state, uint64_t held)
{
	struct lwbuf_v3 *lv = state;
	uint64_t at_rest = eph__lwbuf_home_check(&lv->lh), live = 0;
	struct objcache_stats st;

	objcache_check(lv->cache);
	objcache_stats(lv->cache, &st);
	at_rest += st.cached;
	for (uint32_t i = 0; i < lv->lh.lc.slab.nitems; i++)
		live += lwbuf_core_at(&lv->lh.lc, i)->item.live;
	if (live < at_rest + held ||
	    (live != at_rest + held && !eph__lwbuf_home_in_flight(&lv->lh)))
		PANIC("an lwbuf is neither held, nor free where it belongs");
	eph__lwbuf_core_check(&lv->lh.lc, held);
	lwbuf_core_check_gauge(lv->lh.lc.mc, held);
}

static const struct eph_sysctl lwbuf_v3_sysctls[] = {
	{ "kern.ipc.lwbuf_reserve", "lwbufs made in advance for each CPU",
	    eph__lwbuf_home_get_reserve, eph__lwbuf_set_denied, NULL },
	{ "kern.ipc.lwbuf_count", "free lwbufs of the reserve",
	    eph__lwbuf_home_get_count, eph__lwbuf_set_denied,
	    "in the kernel an array, one for each CPU; here their sum" },
	LWKT_IPIQ_SYSCTLS,
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__lwbuf_reserve_ops = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf.reserve",
	.summary = "a fixed reserve by CPU, then an objcache, v3 repaired",
	.origin = "DragonFly 47efa95b84, Greear",
	.date = "2010-03-31",
	.from = "lwbuf.homecpu",
	.costs = "L 1 a CPU that looks",
	.holes = "wakeup only when the list goes from 0 to 1, and never "
		 "for an ephemeral lwbuf",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ASKED,
	.flags = EPH_DESIGN_SLEEPS,
	.create = lwbuf_v3_create,
	.destroy = lwbuf_v3_destroy,
	.map = lwbuf_v3_map,
	.unmap = lwbuf_v3_unmap,
	.kva = eph__lwbuf_core_kva_op,
	.page = eph__lwbuf_core_page_op,
	.check = lwbuf_v3_check,
	.sysctls = lwbuf_v3_sysctls,
};
