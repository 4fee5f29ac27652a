/* SPDX-License-Identifier: BSD-2-Clause */

#include "wrong_design.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define WRONG_SLOTS 256u /* more than any test holds */

struct wrong_slot {
	eph_va_t va;
	struct vm_page *m;
	struct wrong_slot *next;
};

struct wrong {
	struct eph_machine *mc;
	struct eph_mutex mtx;
	struct wrong_slot *free; /* (l) the one freed last comes first */
	bool neighbour;
	struct wrong_slot slot[WRONG_SLOTS];
};

static int
wrong_create(struct eph_machine *mc, bool neighbour, void **statep)
{
	struct wrong *wr = eph_machine_alloc(mc, sizeof(*wr));
	eph_va_t va;

	if (wr == NULL)
		return (ENOMEM);
	wr->mc = mc;
	wr->neighbour = neighbour;
	mutex_init(&wr->mtx, "wrong");
	va = kva_alloc(mc, WRONG_SLOTS);
	for (unsigned i = WRONG_SLOTS; i-- > 0;) {
		wr->slot[i].va = va + eph_ptoa(i);
		wr->slot[i].next = wr->free;
		wr->free = &wr->slot[i];
	}
	*statep = wr;
	return (0);
}

static int
stale_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg, (void)err;
	return (wrong_create(mc, false, statep));
}

static int
neighbour_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg, (void)err;
	return (wrong_create(mc, true, statep));
}

static void
wrong_destroy(void *state)
{
	struct wrong *wr = state;

	kva_free(wr->mc, wr->slot[0].va, WRONG_SLOTS);
	eph_machine_free(wr->mc, wr, sizeof(*wr));
}

static int
wrong_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct wrong *wr = state;
	struct wrong_slot *sl;

	(void)flags;
	mutex_enter(wr->mc, &wr->mtx);
	sl = wr->free;
	KASSERT(sl != NULL, "a test holds too many mappings");
	wr->free = sl->next;
	mutex_exit(wr->mc, &wr->mtx);
	sl->m = m;
	if (wr->neighbour)
		pmap_kenter(wr->mc, sl->va, eph_ptoa(m->frame ^ 1));
	else
		pmap_pte_store(wr->mc, sl->va,
		    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	EPH_COUNT(wr->mc, map_calls);
	EPH_COUNT(wr->mc, miss);
	*mp = (struct eph_mapping){ sl, sl->va };
	return (0);
}

static int
wrong_unmap(void *state, void *obj)
{
	struct wrong *wr = state;
	struct wrong_slot *sl = obj;

	EPH_COUNT(wr->mc, unmap_calls);
	mutex_enter(wr->mc, &wr->mtx);
	sl->next = wr->free;
	wr->free = sl;
	mutex_exit(wr->mc, &wr->mtx);
	return (0);
}

static eph_va_t
wrong_kva(void *state, void *obj)
{
	(void)state;
	return (((struct wrong_slot *)obj)->va);
}

static struct vm_page *
wrong_page(void *state, void *obj)
{
	(void)state;
	return (((struct wrong_slot *)obj)->m);
}

#define WRONG(variable, text, create_fn)                                       \
	const struct eph_design_ops variable = {                               \
		.abi = EPHMAP_ABI,                                             \
		.name = text,                                                  \
		.summary = "wrong on purpose",                                 \
		.origin = "tests",                                             \
		.date = "2026",                                                \
		.holes = "",                                                   \
		.shootdown = "acked-invlpg",                                   \
		.policy = "",                                                  \
		.validity = EPH_VALID_ALL,                                     \
		.create = create_fn,                                           \
		.destroy = wrong_destroy,                                      \
		.map = wrong_map,                                              \
		.unmap = wrong_unmap,                                          \
		.kva = wrong_kva,                                              \
		.page = wrong_page,                                            \
	}

WRONG(wrong_stale, "wrong.stale", stale_create);
WRONG(wrong_neighbour, "wrong.neighbour", neighbour_create);
