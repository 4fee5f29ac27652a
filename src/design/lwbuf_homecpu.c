/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.homecpu (v2): an lwbuf with its address has a home, and goes back
 * there by a passive message.
 *
 * Idea.  v1's addresses pile up where lwbufs are freed.  Here each belongs
 * to the CPU that made it; another CPU that frees one tells the owner by a
 * message which interrupts no CPU.
 *
 * Invariant: a free lwbuf is on its owner's list, or in a message to it;
 * see lwbuf_core.h for the mapped ones.
 *
 *	case				L	R	IPI	messages
 *	alloc				1	0	0	0
 *	kva, new CPU			1	0	0	0
 *	set_global, always		1	N-1	N-1	0
 *	free on the owner		0	0	0	0
 *	free on the owner, over 256	1	N-1	N-1	0
 *	free elsewhere			0	0	0 or 1	1 passive
 *	no KVA				sleep until the list is not empty
 *
 * A free on the owner (its own, or by message) that finds more than 256 on
 * the list gives the address back, while its entry is valid.  An empty list
 * is filled by 32.  A passive message waits for the owner's next poll; it
 * interrupts only when the FIFO between the two is more than half full.  A
 * rendezvous that finds one so interrupts that owner twice.
 *
 * Quirk kept.  A sleeper is woken only when the list goes from empty to
 * one: two frees in a row wake one of two sleepers (hole).  The sleep has
 * no limit in time, so address space that others give back wakes nobody.
 *
 * Locking.  The list in a critical section of its CPU.  An lwbuf has one
 * user; its mask is atomic.
 *
 * DragonFly 360dc0fa99, 2010-03-30, Samuel Greear and Matthew Dillon.
 */

#include <errno.h>

#include "design/lwbuf_home.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define LWBUF_ALLOC_PAGES 32u /* when the list is empty: 128 KiB */

static void
lwbuf_v2_destroy(void *state)
{
	struct lwbuf_home *lh = state;
	struct eph_machine *mc = lh->lc.mc;

	eph__lwbuf_core_drop_kva(&lh->lc);
	eph__lwbuf_home_fini(lh);
	eph_machine_free(mc, lh, sizeof(*lh));
}

static int
lwbuf_v2_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct lwbuf_home *lh = eph_machine_alloc(mc, sizeof(*lh));

	(void)cfg;
	if (lh == NULL || eph__lwbuf_home_init(lh, mc) != 0) {
		if (lh != NULL)
			lwbuf_v2_destroy(lh);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = lh;
	return (0);
}

static struct lwbuf *
lwbuf_v2_take(struct lwbuf_home *lh)
{
	struct eph_machine *mc = lh->lc.mc;
	struct lwbuf_home_cpu *hc;
	struct lwbuf *lwb;
	bool slept = false;

	crit_enter(mc);
	hc = eph__lwbuf_home_mycpu(lh);
	while ((lwb = eph__lwbuf_home_pop(lh, hc)) == NULL) {
		const eph_va_t va = kva_alloc(mc, LWBUF_ALLOC_PAGES);

		if (va != 0) {
			eph__lwbuf_home_fill(lh, hc, va, LWBUF_ALLOC_PAGES);
			continue;
		}
		(void)ssleep(mc, hc, NULL, 0, "lwbuf", 0);
		slept = true;
	}
	crit_exit(mc);
	if (slept)
		msleep_done(mc);
	return (lwb);
}

static int
lwbuf_v2_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct lwbuf_home *lh = state;
	struct lwbuf *lwb = lwbuf_v2_take(lh);

	(void)flags;
	lwbuf_core_enter(&lh->lc, lwb, m);
	return (lwbuf_core_mapped(&lh->lc, lwb, lwb->kva, mp));
}

/* Free on the owner. */
static void
lwbuf_v2_free_home(struct lwbuf_home *lh, struct lwbuf *lwb)
{
	struct eph_machine *mc = lh->lc.mc;
	struct lwbuf_home_cpu *hc;
	bool keep;

	crit_enter(mc);
	hc = eph__lwbuf_home_mycpu(lh);
	keep = hc->count <= LWBUF_BOOT_PAGES;
	if (keep)
		eph__lwbuf_home_push(lh, hc, lwb);
	crit_exit(mc);
	if (!keep) {
		eph__lwbuf_core_kva_free(&lh->lc, lwb->kva);
		eph__slab_free(&lh->lc.slab, lwb);
	}
}

static void
lwbuf_free_remote(struct eph_machine *mc, void *arg)
{
	struct lwbuf *lwb = arg;

	(void)mc;
	/* The common part is the first of the state. */
	lwbuf_v2_free_home((struct lwbuf_home *)(void *)lwb->lc, lwb);
}

static int
lwbuf_v2_unmap(void *state, void *obj)
{
	struct lwbuf_home *lh = state;
	struct lwbuf *lwb = obj;

	lwbuf_core_unmapped(&lh->lc);
	lwbuf_core_leave(&lh->lc, lwb);
	if (lwb->owner == eph_curcpu(lh->lc.mc)->id)
		lwbuf_v2_free_home(lh, lwb);
	else
		(void)lwkt_send_ipiq_passive(
		    lh->lc.mc, lwb->owner, lwbuf_free_remote, lwb);
	return (0);
}

static void
lwbuf_v2_check(void *state, uint64_t held)
{
	struct lwbuf_home *lh = state;
	const uint64_t listed = eph__lwbuf_home_check(lh);
	uint64_t live = 0;

	for (uint32_t i = 0; i < lh->lc.slab.nitems; i++)
		live += lwbuf_core_at(&lh->lc, i)->item.live;
	if (live < listed + held ||
	    (live != listed + held && !eph__lwbuf_home_in_flight(lh)))
		PANIC("an lwbuf is neither held nor on its list");
	eph__lwbuf_core_check(&lh->lc, held);
	lwbuf_core_check_gauge(lh->lc.mc, held);
}

static const struct eph_sysctl lwbuf_v2_sysctls[] = {
	LWKT_IPIQ_SYSCTLS,
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__lwbuf_homecpu_ops = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf.homecpu",
	.summary = "lwbufs with a home CPU, sent back by passive IPI, v2",
	.origin = "DragonFly 360dc0fa99, Greear",
	.date = "2010-03-30",
	.from = "lwbuf.kvalist",
	.costs = "L 1 a CPU, a message back",
	.holes = "wakeup only when the list goes from 0 to 1",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ASKED,
	.flags = EPH_DESIGN_SLEEPS,
	.create = lwbuf_v2_create,
	.destroy = lwbuf_v2_destroy,
	.map = lwbuf_v2_map,
	.unmap = lwbuf_v2_unmap,
	.kva = eph__lwbuf_core_kva_op,
	.page = eph__lwbuf_core_page_op,
	.check = lwbuf_v2_check,
	.sysctls = lwbuf_v2_sysctls,
};
