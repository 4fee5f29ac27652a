/* SPDX-License-Identifier: BSD-2-Clause */

/* See windows.h. */

#include "design/windows.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/pmap.h"

struct windows {
	struct percpu_slots ps;
	const struct windows_kind *kind; /* (c) */
};

int
eph__windows_create(struct eph_machine *mc, const struct windows_kind *kind,
    void **statep, struct eph_err *err)
{
	struct windows *w = eph_machine_alloc(mc, sizeof(*w));
	int error;

	if (w == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	w->kind = kind;
	error =
	    eph__percpu_slots_init(&w->ps, mc, kind->nslots, kind->what, err);
	if (error != 0)
		eph__windows_destroy(w);
	else
		*statep = w;
	return (error);
}

void
eph__windows_destroy(void *state)
{
	struct windows *w = state;
	struct eph_machine *mc = w->ps.mc;

	eph__percpu_slots_fini(&w->ps);
	eph_machine_free(mc, w, sizeof(*w));
}

int
eph__windows_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct windows *w = state;
	struct eph_machine *mc = w->ps.mc;
	struct percpu_slot *slot;
	eph_pte_t pte =
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag;

	(void)flags;
	crit_enter(mc);
	if ((slot = eph__percpu_slots_push(&w->ps, m)) == NULL) {
		crit_exit(mc);
		return (ENOTSUP);
	}
	if ((w->kind->flags & WINDOWS_CLEAR) != 0 &&
	    pmap_pte_load(mc, slot->kva) != 0)
		PANIC("a window that nobody uses is busy");
	if ((w->kind->flags & WINDOWS_PRESET) != 0)
		pte |= EPH_PTE_A | EPH_PTE_M;
	pmap_pte_store(mc, slot->kva, pte);
	pmap_invlpg(mc, slot->kva);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

int
eph__windows_unmap(void *state, void *obj)
{
	struct windows *w = state;
	struct percpu_slot *slot = obj;
	const int error = eph__percpu_slots_may_pop(&w->ps, slot);

	if (error != 0)
		return (error);
	if ((w->kind->flags & WINDOWS_CLEAR) != 0)
		pmap_pte_store(w->ps.mc, slot->kva, 0);
	eph__percpu_slots_pop(&w->ps, slot);
	crit_exit(w->ps.mc);
	return (0);
}

void
eph__windows_check(void *state, uint64_t held)
{
	struct windows *w = state;

	eph__percpu_slots_check(
	    &w->ps, held, (w->kind->flags & WINDOWS_CLEAR) != 0);
}
