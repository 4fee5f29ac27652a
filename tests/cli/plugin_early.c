/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Wrong: two addresses for each of two CPUs, and an unmap that gives the
 * address back before it clears its entry, with interrupts on.
 */

#include <errno.h>

#include "ephmap/sdk/design.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define EARLY_CPUS 2u
#define EARLY_NEST 2u

struct slot {
	struct vm_page *m;
	eph_va_t va;
};

struct early {
	struct eph_machine *mc;
	struct slot slot[EARLY_CPUS][EARLY_NEST];
	unsigned depth[EARLY_CPUS];
	eph_va_t va;
};

static int
early_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct early *e = eph_machine_alloc(mc, sizeof(*e));

	(void)cfg, (void)err;
	if (e == NULL)
		return (ENOMEM);
	e->mc = mc;
	e->va = kva_alloc(mc, EARLY_CPUS * EARLY_NEST);
	for (unsigned i = 0; i < EARLY_CPUS * EARLY_NEST; i++)
		e->slot[i / EARLY_NEST][i % EARLY_NEST].va =
		    e->va + i * EPH_PAGE_SIZE;
	*statep = e;
	return (0);
}

static void
early_destroy(void *state)
{
	struct early *e = state;

	kva_free(e->mc, e->va, EARLY_CPUS * EARLY_NEST);
	eph_machine_free(e->mc, e, sizeof(*e));
}

static int
early_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct early *e = state;
	struct eph_machine *mc = e->mc;
	const unsigned me = eph_curcpu(mc)->id;
	struct slot *s;

	(void)flags;
	crit_enter(mc);
	s = &e->slot[me][e->depth[me]++];
	s->m = m;
	pmap_pte_store(mc, s->va, vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	EPH_COUNT(mc, map_calls), EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	crit_exit(mc);
	*mp = (struct eph_mapping){ s, s->va };
	return (0);
}

static int
early_unmap(void *state, void *obj)
{
	struct early *e = state;
	struct slot *s = obj;

	e->depth[eph_curcpu(e->mc)->id]--;
	pmap_kremove_quick(e->mc, s->va);
	EPH_COUNT(e->mc, unmap_calls);
	eph_bufs_dec(e->mc);
	return (0);
}

static eph_va_t
early_kva(void *state, void *obj)
{
	EPH_COUNT(((struct early *)state)->mc, kva_calls);
	return (((struct slot *)obj)->va);
}

static struct vm_page *
early_page(void *state, void *obj)
{
	(void)state;
	return (((struct slot *)obj)->m);
}

const struct eph_design_ops ephmap_plugin = { .abi = EPHMAP_ABI,
	.name = "test.early",
	.summary = "gives an address back before it clears it",
	.origin = "example",
	.date = "2026",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.nest = EARLY_NEST,
	.create = early_create,
	.destroy = early_destroy,
	.map = early_map,
	.unmap = early_unmap,
	.kva = early_kva,
	.page = early_page };
