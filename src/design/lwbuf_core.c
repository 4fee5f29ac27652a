/* SPDX-License-Identifier: BSD-2-Clause */

/* The out-of-line half of lwbuf_core.h. */

#include "design/lwbuf_core.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/access.h"

void
eph__lwbuf_core_init(struct lwbuf_common *lc, struct eph_machine *mc)
{
	lc->mc = mc;
	lc->words = mc->cpuwords;
	eph__slab_init(&lc->slab, mc,
	    sizeof(struct lwbuf) + lc->words * sizeof(_Atomic(uint64_t)));
}

void
eph__lwbuf_core_fini(struct lwbuf_common *lc)
{
	eph__slab_fini(&lc->slab);
}

void
eph__lwbuf_core_drop_kva(struct lwbuf_common *lc)
{
	for (uint32_t i = 0; i < lc->slab.nitems; i++) {
		struct lwbuf *lwb = lwbuf_core_at(lc, i);

		if (lwb->kva != 0)
			kva_free(lc->mc, lwb->kva, 1);
		lwb->kva = 0;
	}
}

/*
 * Is the mask all-ones?  The kernels' masks have 32 bits and are compared
 * with -1: with fewer CPUs that takes a set_global, with more all of them.
 */
static bool
lwbuf_core_isglobal(struct lwbuf_common *lc, struct lwbuf *lwb)
{
	for (unsigned w = 0; w < lc->words; w++) {
		/* Relaxed as in lwbuf_core_kva(). */
		const uint64_t word =
		    eph_load_64(lc->mc, &lwb->cpumask[w], memory_order_relaxed);

		if (lc->mc->ncpus < 32 ? word != UINT64_MAX
				       : (lc->mc->allcpus[w] & ~word) != 0)
			return (false);
	}
	return (true);
}

int
eph__lwbuf_core_set_global(void *state, struct lwbuf *lwb)
{
	struct lwbuf_common *lc = state;

	pmap_kenter_sync(lc->mc, lwb->kva);
	for (unsigned w = 0; w < lc->words; w++)
		/* Release: after every CPU's invlpg. */
		eph_store_64(
		    lc->mc, &lwb->cpumask[w], UINT64_MAX, memory_order_release);
	return (0);
}

int
eph__lwbuf_core_set_global_once(void *state, struct lwbuf *lwb)
{
	return (lwbuf_core_isglobal(state, lwb)
		? 0
		: eph__lwbuf_core_set_global(state, lwb));
}

void
eph__lwbuf_core_kva_free(struct lwbuf_common *lc, eph_va_t va)
{
	if ((pmap_pte_load(lc->mc, va) & EPH_PTE_V) != 0)
		pmap_kremove(lc->mc, va);
	kva_free(lc->mc, va, 1);
}

/* Is `lwb`, which is mapped, as its cpumask says? */
static void
lwbuf_core_check_mapped(struct lwbuf_common *lc, struct lwbuf *lwb)
{
	struct eph_machine *mc = lc->mc;
	const uint32_t i = machine_va_index(mc, lwb->kva);

	if (pmap_kextract(mc, lwb->kva) != lwb->m->frame)
		PANIC("an lwbuf does not map its page");
	for (unsigned c = 0; c < mc->ncpus; c++) {
		/* Relaxed: nothing runs. */
		const uint64_t word = atomic_load_explicit(
		    &lwb->cpumask[c >> 6], memory_order_relaxed);

		if ((word & eph_cpuset_bit(c)) != 0 &&
		    cpu_holds_outdated(mc->cpus[c], i) &&
		    !cpu_is_behind(mc->cpus[c]))
			PANIC("a CPU of an lwbuf's mask is not in sync");
	}
}

static int
va_compare(const void *a, const void *b)
{
	const eph_va_t va = *(const eph_va_t *)a, vb = *(const eph_va_t *)b;

	return (va < vb ? -1 : va > vb);
}

/* No two lwbufs share an address, in use or not. */
static void
lwbuf_core_check_distinct(struct lwbuf_common *lc)
{
	const uint32_t n = lc->slab.nitems;
	eph_va_t *vas = malloc((n + 1) * sizeof(*vas));
	uint32_t used = 0;

	if (vas == NULL)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct lwbuf *lwb = lwbuf_core_at(lc, i);

		if (lwb->item.live && lwb->kva != 0)
			vas[used++] = lwb->kva;
	}
	qsort(vas, used, sizeof(*vas), va_compare);
	for (uint32_t i = 1; i < used; i++) {
		if (vas[i] == vas[i - 1])
			PANIC("two lwbufs have one address");
	}
	free(vas);
}

void
eph__lwbuf_core_check(struct lwbuf_common *lc, uint64_t held)
{
	uint64_t mapped = 0;

	for (uint32_t i = 0; i < lc->slab.nitems; i++) {
		struct lwbuf *lwb = lwbuf_core_at(lc, i);

		if (lwb->item.live && lwb->m != NULL) {
			mapped++;
			lwbuf_core_check_mapped(lc, lwb);
			continue;
		}
		for (unsigned w = 0; w < lc->words; w++) {
			/* Relaxed: nothing runs. */
			if (atomic_load_explicit(
				&lwb->cpumask[w], memory_order_relaxed) != 0)
				PANIC("a free lwbuf has a CPU in its mask");
		}
	}
	if (mapped != held)
		PANIC("lwbufs held and lwbufs mapped differ");
	lwbuf_core_check_distinct(lc);
}

eph_va_t
eph__lwbuf_core_kva_op(void *state, void *obj)
{
	struct lwbuf_common *lc = state;

	EPH_COUNT(lc->mc, kva_calls);
	return (lwbuf_core_kva(lc, obj));
}

struct vm_page *
eph__lwbuf_core_page_op(void *state, void *obj)
{
	(void)state;
	return (((const struct lwbuf *)obj)->m);
}

/* sysctls */

static struct eph_counters
lwkt_counters(void *state)
{
	struct eph_counters c;

	eph_machine_counters(*(struct eph_machine *const *)state, &c);
	return (c);
}

uint64_t
eph__lwkt_get_ipiq_count(void *state)
{
	return (lwkt_counters(state).ipiq_msg);
}

uint64_t
eph__lwkt_get_ipiq_avoided(void *state)
{
	return (lwkt_counters(state).ipiq_avoided);
}

uint64_t
eph__lwkt_get_ipiq_passive(void *state)
{
	return (lwkt_counters(state).ipiq_passive);
}

uint64_t
eph__lwkt_get_ipiq_fifofull(void *state)
{
	/* Relaxed: a statistic. */
	return (atomic_load_explicit(
	    &(*(struct eph_machine *const *)state)->ipiq_kick,
	    memory_order_relaxed));
}

int
eph__lwbuf_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}
