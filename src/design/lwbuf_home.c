/* SPDX-License-Identifier: BSD-2-Clause */

/* Lists of free lwbufs by CPU; see lwbuf_home.h. */

#include "design/lwbuf_home.h"

#include <errno.h>

#include "ephmap/kernel/sleepq.h"

static void
home_boot(struct eph_machine *mc, struct lwbuf_home_cpu *hc)
{
	hc->boot = kva_alloc(mc, LWBUF_BOOT_PAGES);
	if (hc->boot != 0)
		hc->left = hc->count = LWBUF_BOOT_PAGES;
}

int
eph__lwbuf_home_init(struct lwbuf_home *lh, struct eph_machine *mc)
{
	eph__lwbuf_core_init(&lh->lc, mc);
	lh->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*lh->cpus));
	if (lh->cpus == NULL || ipiq_attach(mc) != 0)
		return (ENOMEM);
	for (unsigned c = 0; c < mc->ncpus; c++)
		home_boot(mc, &lh->cpus[c]);
	return (0);
}

void
eph__lwbuf_home_fini(struct lwbuf_home *lh)
{
	struct eph_machine *mc = lh->lc.mc;

	for (unsigned c = 0; lh->cpus != NULL && c < mc->ncpus; c++) {
		const struct lwbuf_home_cpu *hc = &lh->cpus[c];

		if (hc->boot != 0 && hc->left != 0)
			kva_free(mc, hc->boot, hc->left);
	}
	eph_machine_free(mc, lh->cpus, mc->ncpus * sizeof(*lh->cpus));
	eph__lwbuf_core_fini(&lh->lc);
}

static void
home_link(struct lwbuf_home_cpu *hc, struct lwbuf *lwb)
{
	lwb->next = hc->first;
	hc->first = lwb->item.id + 1;
	hc->count++;
}

/* A new lwbuf.  kmalloc(M_WAITOK) never fails, so neither may this. */
static struct lwbuf *
home_make(struct lwbuf_home *lh, const struct lwbuf_home_cpu *hc, eph_va_t va)
{
	struct lwbuf *lwb = eph__slab_alloc(&lh->lc.slab);

	if (lwb == NULL)
		PANIC("out of memory for an lwbuf");
	lwb->lc = &lh->lc;
	lwb->kva = va;
	lwb->owner = (uint32_t)(hc - lh->cpus);
	return (lwb);
}

void
eph__lwbuf_home_fill(struct lwbuf_home *lh, struct lwbuf_home_cpu *hc,
    eph_va_t va, uint32_t npages)
{
	for (uint32_t i = 0; i < npages; i++)
		home_link(hc, home_make(lh, hc, va + eph_ptoa(i)));
}

struct lwbuf_home_cpu *
eph__lwbuf_home_mycpu(struct lwbuf_home *lh)
{
	struct lwbuf_home_cpu *hc = &lh->cpus[eph_curcpu(lh->lc.mc)->id];

	return (hc);
}

void
eph__lwbuf_home_push(
    struct lwbuf_home *lh, struct lwbuf_home_cpu *hc, struct lwbuf *lwb)
{
	home_link(hc, lwb);
	if (hc->count == 1)
		wakeup_one(lh->lc.mc, hc);
}

struct lwbuf *
eph__lwbuf_home_pop(struct lwbuf_home *lh, struct lwbuf_home_cpu *hc)
{
	struct lwbuf *lwb;

	if (hc->count == 0)
		return (NULL);
	hc->count--;
	if (hc->first == 0)
		return (home_make(lh, hc, hc->boot + eph_ptoa(--hc->left)));
	lwb = lwbuf_core_at(&lh->lc, hc->first - 1);
	hc->first = lwb->next;
	return (lwb);
}

uint64_t
eph__lwbuf_home_count(struct lwbuf_home *lh)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < lh->lc.mc->ncpus; c++)
		n += lh->cpus[c].count;
	return (n);
}

uint64_t
eph__lwbuf_home_check(struct lwbuf_home *lh)
{
	uint64_t all = 0;

	for (unsigned c = 0; c < lh->lc.mc->ncpus; c++) {
		const struct lwbuf_home_cpu *hc = &lh->cpus[c];
		uint32_t n = 0;

		for (uint32_t i = hc->first; i != 0;) {
			const struct lwbuf *lwb = lwbuf_core_at(&lh->lc, i - 1);

			if (n++ > hc->count)
				PANIC("a list of free lwbufs has a ring");
			if (lwb->owner != c || lwb->m != NULL ||
			    !lwb->item.live || lwb->ephemeral)
				PANIC("an lwbuf is on a list that is not "
				      "its own");
			i = lwb->next;
		}
		if (n + hc->left != hc->count)
			PANIC("lwbuf_count is not the length of the list");
		all += n;
	}
	return (all);
}

bool
eph__lwbuf_home_in_flight(struct lwbuf_home *lh)
{
	for (unsigned c = 0; c < lh->lc.mc->ncpus; c++) {
		if (lwkt_ipiq_pending(lh->lc.mc, c))
			return (true);
	}
	return (false);
}

uint64_t
eph__lwbuf_home_get_count(void *state)
{
	return (eph__lwbuf_home_count(state));
}

uint64_t
eph__lwbuf_home_get_reserve(void *state)
{
	(void)state;
	return (LWBUF_BOOT_PAGES);
}
