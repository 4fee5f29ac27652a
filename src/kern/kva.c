/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The KVA arena: single pages that were given back on a stack, longer
 * ranges on a list, and a frontier of never-used space above them.
 *
 * First fit matters less here than in a kernel, because designs take their
 * windows once; what matters is that a page given back is the first to be
 * taken again, so that a missing invalidation shows.
 *
 * Locking: `lock`, a leaf, with threads only.  Under explore taking and
 * giving back are scheduling points.
 */

#include "ephmap/kernel/kva.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "base/spin.h"
#include "ephmap/kernel/aspace.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "kern/services.h"
#include "machine/access.h"

struct kva_range {
	uint32_t first;
	uint32_t npages;
};

struct eph_kva_arena {
	atomic_flag lock;	 /* a leaf; guards all below */
	uint32_t frontier;	 /* first page never handed out */
	uint32_t window_pages;	 /* of the per-CPU window, or the region */
	unsigned nspaces;	 /* address spaces that have the region */
	struct eph_ptp ***space; /* by address space */
	unsigned *space_of;	 /* by CPU: where it is */
	uint32_t nptp;		 /* entries in the machine's ptp[] */
	uint32_t nfree;		 /* ranges in free[] */
	uint32_t free_size;	 /* room in free[] */
	struct kva_range *free;	 /* given back, a stack */
	struct eph_gauge usage;	 /* pages */
};

int
eph__kva_boot(struct eph_machine *mc)
{
	mc->kva = eph_machine_alloc(mc, sizeof(*mc->kva));
	if (mc->kva == NULL)
		return (ENOMEM);
	/* Page 0 stays unused: kva_alloc() returns 0 for "none". */
	mc->kva->frontier = 1;
	atomic_flag_clear_explicit(&mc->kva->lock, memory_order_relaxed);
	return (0);
}

/* The protocol, which comes first, says if it notes anything there. */
static size_t
ptp_bytes(const struct eph_machine *mc)
{
	const bool notes = (mc->shootflags & EPH_SHOOT_SETTLE) != 0;

	return (sizeof(struct eph_ptp) +
	    (notes ? EPH_PTP_ENTRIES * sizeof(uint32_t) : 0));
}

static void
kva_window_free(struct eph_machine *mc, uint32_t n)
{
	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct eph_cpu *cpu = mc->cpus[c];

		if (cpu == NULL || cpu->window == NULL)
			continue;
		for (uint32_t i = 0; i < n; i++)
			eph_machine_free(mc, cpu->window[i], ptp_bytes(mc));
		eph_machine_free(mc, cpu->window, n * sizeof(*cpu->window));
		cpu->window = NULL;
	}
}

/* The region's page-table pages; the CPUs' windows point to them. */
static void
aspace_free(struct eph_machine *mc, uint32_t n)
{
	struct eph_kva_arena *ka = mc->kva;

	for (unsigned k = 0; ka->space != NULL && k < ka->nspaces; k++) {
		struct eph_ptp **table = ka->space[k];

		for (uint32_t i = 0; table != NULL && i < n; i++)
			eph_machine_free(mc, table[i], ptp_bytes(mc));
		eph_machine_free(mc, table, n * sizeof(*table));
	}
	for (unsigned c = 0; c < mc->ncpus; c++)
		mc->cpus[c]->window = NULL;
	eph_machine_free(mc, ka->space, ka->nspaces * sizeof(*ka->space));
	eph_machine_free(mc, ka->space_of, mc->ncpus * sizeof(*ka->space_of));
	ka->space = NULL;
	ka->space_of = NULL;
}

void
eph__kva_shutdown(struct eph_machine *mc)
{
	struct eph_kva_arena *ka = mc->kva;

	if (ka == NULL)
		return;
	if (ka->space != NULL)
		aspace_free(mc, ka->window_pages >> EPH_PTP_SHIFT);
	else
		kva_window_free(mc, ka->window_pages >> EPH_PTP_SHIFT);
	for (uint32_t i = 0; i < ka->nptp; i++) {
		if (mc->ptp[i] == NULL)
			continue;
		if (mc->holders != NULL)
			eph_machine_free(
			    mc, mc->holders[i], EPH_PTP_HOLDERS_BYTES);
		eph_machine_free(mc, mc->ptp[i], ptp_bytes(mc));
	}
	eph_machine_free(mc, mc->ptp, ka->nptp * sizeof(*mc->ptp));
	eph_machine_free(mc, mc->holders, ka->nptp * sizeof(*mc->holders));
	eph_machine_free(mc, ka->free, ka->free_size * sizeof(*ka->free));
	eph_machine_free(mc, ka, sizeof(*ka));
	mc->kva = NULL;
}

/* Room for page-table page `last` in the machine's table. */
static bool
kva_table_grow(struct eph_machine *mc, uint32_t last)
{
	struct eph_kva_arena *ka = mc->kva;
	uint32_t n = ka->nptp == 0 ? 8 : ka->nptp;
	struct eph_holder **holders;
	struct eph_ptp **table;

	if (last < ka->nptp)
		return (true);
	while (n <= last)
		n *= 2;
	if (mc->crowded) {
		holders = eph_mem_grow(mc->mem, mc->holders,
		    ka->nptp * sizeof(*holders), n * sizeof(*holders));
		if (holders == NULL)
			return (false);
		mc->holders = holders;
	}
	table = eph_mem_grow(
	    mc->mem, mc->ptp, ka->nptp * sizeof(*table), n * sizeof(*table));
	if (table == NULL)
		return (false);
	mc->ptp = table;
	ka->nptp = n;
	return (true);
}

int
kva_fix_table(struct eph_machine *mc)
{
	return (kva_table_grow(mc, (mc->kva_pages - 1) >> EPH_PTP_SHIFT)
		? 0
		: ENOMEM);
}

/* Page-table pages under pages [first, first + npages). */
static bool
kva_make_ptps(struct eph_machine *mc, uint32_t first, uint32_t npages)
{
	const uint32_t last = (first + npages - 1) >> EPH_PTP_SHIFT;

	if (!kva_table_grow(mc, last))
		return (false);
	for (uint32_t i = first >> EPH_PTP_SHIFT; i <= last; i++) {
		if (mc->ptp[i] == NULL)
			mc->ptp[i] = eph_machine_alloc(mc, ptp_bytes(mc));
		if (mc->ptp[i] == NULL)
			return (false);
	}
	return (true);
}

/* A range given back that is long enough: the last given, first taken. */
static uint32_t
kva_take_free(struct eph_kva_arena *ka, uint32_t npages)
{
	for (uint32_t i = ka->nfree; i-- > 0;) {
		struct kva_range *r = &ka->free[i];
		uint32_t first = r->first;

		if (r->npages < npages)
			continue;
		r->first += npages;
		r->npages -= npages;
		if (r->npages == 0) {
			memmove(r, r + 1, (ka->nfree - i - 1) * sizeof(*r));
			ka->nfree--;
		}
		return (first);
	}
	return (0);
}

static int
kva_range_compare(const void *a, const void *b)
{
	const struct kva_range *ra = a, *rb = b;

	return (ra->first < rb->first ? 1 : -1);
}

/*
 * Join neighbours, as a kernel's map does at once: only when a range is
 * asked for that nothing else can give, because ranges given back in parts
 * are rare.  Lowest addresses go last, to be taken first.
 */
static void
kva_coalesce(struct eph_kva_arena *ka)
{
	uint32_t n = 0;

	if (ka->nfree == 0)
		return;
	qsort(ka->free, ka->nfree, sizeof(*ka->free), kva_range_compare);
	for (uint32_t i = 1; i < ka->nfree; i++) {
		const struct kva_range *r = &ka->free[i];

		if (r->first + r->npages == ka->free[n].first) {
			ka->free[n].first = r->first;
			ka->free[n].npages += r->npages;
		} else {
			ka->free[++n] = *r;
		}
	}
	ka->nfree = n + 1;
}

/*
 * A kernel takes the map's lock here, and who comes first gets the address:
 * a choice under explore.
 */
static void
kva_point(struct eph_machine *mc, const char *what)
{
	if (eph_unlikely(mc->has_points))
		mc->exec->point(mc, EPH_POINT_LOCK, mc->kva, what);
}

/*
 * Room to note every page that is handed out, and `npages` more, as a range
 * of its own: kva_free() has no way to fail.
 */
static bool
kva_notes_grow(struct eph_machine *mc, uint32_t npages)
{
	struct eph_kva_arena *ka = mc->kva;
	const uint64_t want = ka->nfree + ka->usage.now + npages;
	uint64_t n = ka->free_size == 0 ? 64 : ka->free_size;
	struct kva_range *table;

	if (want <= ka->free_size)
		return (true);
	while (n < want)
		n *= 2;
	table = eph_machine_alloc(mc, n * sizeof(*table));
	if (table == NULL)
		return (false);
	/* Of these notes there are mostly none: the rest is not touched. */
	if (ka->nfree != 0)
		memcpy(table, ka->free, ka->nfree * sizeof(*table));
	eph_machine_free(mc, ka->free, ka->free_size * sizeof(*table));
	ka->free = table;
	ka->free_size = (uint32_t)n;
	return (true);
}

/* Pages never handed out before; 0 or ENOMEM, *firstp 0 when none is left. */
static int
kva_take_fresh(struct eph_machine *mc, uint32_t npages, uint32_t *firstp)
{
	struct eph_kva_arena *ka = mc->kva;

	if (mc->window_first - ka->frontier < npages)
		return (0);
	if (!kva_notes_grow(mc, npages) ||
	    !kva_make_ptps(mc, ka->frontier, npages))
		return (ENOMEM);
	*firstp = ka->frontier;
	ka->frontier += npages;
	return (0);
}

/* Returns 0, ENOSPC or ENOMEM. */
static int
kva_take(struct eph_machine *mc, uint32_t npages, eph_va_t *vap)
{
	struct eph_kva_arena *ka = mc->kva;
	uint32_t first;
	int error = 0;

	kva_point(mc, "kva_alloc");
	spin_lock(&ka->lock);
	first = kva_take_free(ka, npages);
	if (first == 0)
		error = kva_take_fresh(mc, npages, &first);
	if (first == 0 && npages > 1) {
		kva_coalesce(ka);
		first = kva_take_free(ka, npages);
	}
	if (first != 0) {
		ka->usage.now += npages;
		if (ka->usage.now > ka->usage.peak)
			ka->usage.peak = ka->usage.now;
		*vap = mc->kva_base + eph_ptoa(first);
		error = 0;
	} else if (error == 0) {
		error = ENOSPC;
	}
	spin_unlock(&ka->lock);
	return (error);
}

eph_va_t
kva_alloc(struct eph_machine *mc, uint32_t npages)
{
	eph_va_t va = 0;

	if (npages != 0)
		(void)kva_take(mc, npages, &va);
	return (va);
}

int
eph_kva_get(struct eph_machine *mc, uint32_t npages, eph_va_t *vap,
    struct eph_err *err, const char *what, ...)
{
	const int error = npages == 0 ? ENOSPC : kva_take(mc, npages, vap);
	char who[80];
	va_list ap;

	if (error == 0)
		return (0);
	va_start(ap, what);
	(void)vsnprintf(who, sizeof(who), what, ap);
	va_end(ap);
	if (error == ENOMEM)
		return (eph_err_set(err, ENOMEM,
		    "%s: the host is out of memory for their page tables",
		    who));
	return (eph_err_set(err, EINVAL,
	    "%s: the machine has no KVA for that many (%u pages in all)", who,
	    mc->kva_pages));
}

void
kva_free(struct eph_machine *mc, eph_va_t va, uint32_t npages)
{
	struct eph_kva_arena *ka = mc->kva;
	const uint32_t first = (uint32_t)eph_atop(va - mc->kva_base);

	kva_point(mc, "kva_free");
	spin_lock(&ka->lock);
	KASSERT(first + npages <= ka->frontier, "freeing KVA never allocated");
	KASSERT(ka->nfree < ka->free_size, "room came with the range");
	ka->free[ka->nfree++] = (struct kva_range){ first, npages };
	ka->usage.now -= npages;
	spin_unlock(&ka->lock);
}

static bool
kva_window_make(struct eph_machine *mc, uint32_t n)
{
	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct eph_cpu *cpu = mc->cpus[c];

		cpu->window = eph_machine_alloc(mc, n * sizeof(*cpu->window));
		if (cpu->window == NULL)
			return (false);
		for (uint32_t i = 0; i < n; i++) {
			cpu->window[i] = eph_machine_alloc(mc, ptp_bytes(mc));
			if (cpu->window[i] == NULL)
				return (false);
		}
	}
	return (true);
}

int
kva_window(
    struct eph_machine *mc, uint32_t npages, eph_va_t *vap, struct eph_err *err)
{
	struct eph_kva_arena *ka = mc->kva;
	const uint32_t n = (npages + EPH_PTP_MASK) >> EPH_PTP_SHIFT;
	const uint32_t span = n << EPH_PTP_SHIFT;

	if (npages == 0 ||
	    (ka->window_pages != 0 ? npages > ka->window_pages
				   : mc->kva_pages - ka->frontier < span))
		return (eph_err_set(err, EINVAL,
		    "the machine has no KVA for a window of %u pages", npages));
	if (ka->window_pages == 0) {
		if (!kva_window_make(mc, n)) {
			kva_window_free(mc, n);
			return (eph_err_set(err, ENOMEM,
			    "the host is out of memory for %u page tables of "
			    "a window of %u pages",
			    mc->ncpus, npages));
		}
		ka->window_pages = span;
		mc->window_first = mc->kva_pages - span;
	}
	*vap = mc->kva_base + eph_ptoa(mc->window_first);
	return (0);
}

bool
kva_has_entry(const struct eph_machine *mc, uint32_t page)
{
	const uint32_t p = page >> EPH_PTP_SHIFT;

	return (page < mc->kva->frontier && p < mc->kva->nptp &&
	    mc->ptp[p] != NULL);
}

struct eph_gauge
kva_usage(const struct eph_machine *mc)
{
	return (mc->kva->usage);
}

/* Address spaces */

static bool
aspace_make(struct eph_machine *mc, uint32_t nptp, unsigned n)
{
	struct eph_kva_arena *ka = mc->kva;

	ka->nspaces = n;
	ka->space = eph_machine_alloc(mc, n * sizeof(*ka->space));
	ka->space_of = eph_machine_alloc(mc, mc->ncpus * sizeof(*ka->space_of));
	if (ka->space == NULL || ka->space_of == NULL)
		return (false);
	for (unsigned k = 0; k < n; k++) {
		ka->space[k] =
		    eph_machine_alloc(mc, nptp * sizeof(**ka->space));
		if (ka->space[k] == NULL)
			return (false);
		for (uint32_t i = 0; i < nptp; i++) {
			ka->space[k][i] = eph_machine_alloc(mc, ptp_bytes(mc));
			if (ka->space[k][i] == NULL)
				return (false);
		}
	}
	return (true);
}

int
eph_aspace_region(struct eph_machine *mc, uint32_t npages, unsigned n,
    eph_va_t *vap, struct eph_err *err)
{
	struct eph_kva_arena *ka = mc->kva;
	const uint32_t nptp = (npages + EPH_PTP_MASK) >> EPH_PTP_SHIFT;
	const uint32_t span = nptp << EPH_PTP_SHIFT;

	KASSERT(npages != 0 && n != 0, "a region of nothing");
	if (ka->window_pages != 0 &&
	    (ka->nspaces < n || npages > ka->window_pages))
		return (eph_err_set(err, EINVAL,
		    "the machine has another window, or a smaller region"));
	if (ka->window_pages == 0 && mc->kva_pages - ka->frontier < span)
		return (eph_err_set(err, EINVAL,
		    "a region of %u pages: the machine has no KVA for that "
		    "many (%u pages in all)",
		    npages, mc->kva_pages));
	if (ka->window_pages == 0) {
		if (!aspace_make(mc, nptp, n)) {
			aspace_free(mc, nptp);
			ka->nspaces = 0;
			return (eph_err_set(err, ENOMEM,
			    "out of memory for %u address spaces", n));
		}
		for (unsigned c = 0; c < mc->ncpus; c++)
			mc->cpus[c]->window = ka->space[0];
		ka->window_pages = span;
		mc->window_first = mc->kva_pages - span;
	}
	*vap = mc->kva_base + eph_ptoa(mc->window_first);
	return (0);
}

void
eph_aspace_switch(struct eph_machine *mc, unsigned k)
{
	struct eph_kva_arena *ka = mc->kva;
	struct eph_cpu *cpu = eph_curcpu(mc);

	KASSERT(k < ka->nspaces, "no such address space");
	KASSERT(cpu->crit > 0,
	    "an address space is loaded in a critical "
	    "section");
	EPH_NOTE(mc, "CPU %u loads address space %u", cpu->id, k);
	cpu->window = ka->space[k];
	ka->space_of[cpu->id] = k;
	pmap_flush_local(mc, false);
}

unsigned
eph_aspace_of(const struct eph_machine *mc, unsigned cpu)
{
	return (mc->kva->space_of != NULL ? mc->kva->space_of[cpu] : 0);
}

void
eph_aspace_pte_store(
    struct eph_machine *mc, unsigned k, eph_va_t va, eph_pte_t pte)
{
	struct eph_kva_arena *ka = mc->kva;
	struct eph_cpu *cpu = eph_curcpu(mc);
	struct eph_ptp **was = cpu->window;

	KASSERT(k < ka->nspaces, "no such address space");
	KASSERT(cpu->crit > 0,
	    "an entry of another address space is stored "
	    "in a critical section");
	cpu->window = ka->space[k];
	pmap_pte_store(mc, va, pte);
	cpu->window = was;
}
