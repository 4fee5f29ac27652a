/* SPDX-License-Identifier: BSD-2-Clause */

/* See percpu_slots.h. */

#include "design/percpu_slots.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"

static size_t
percpu_slots_total(const struct percpu_slots *ps)
{
	return ((size_t)ps->mc->ncpus * ps->nslots);
}

int
eph__percpu_slots_init(struct percpu_slots *ps, struct eph_machine *mc,
    uint32_t nslots, const char *what, struct eph_err *err)
{
	size_t n;
	int error;

	ps->mc = mc;
	ps->what = what;
	ps->nslots = nslots;
	n = percpu_slots_total(ps);
	ps->slot = eph_machine_alloc(mc, n * sizeof(*ps->slot));
	ps->depth = eph_machine_alloc(mc, mc->ncpus * sizeof(*ps->depth));
	if (ps->slot == NULL || ps->depth == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph_kva_get(mc, (uint32_t)n, &ps->window, err,
	    "%u CPUs with %u slots each", mc->ncpus, nslots);
	if (error != 0)
		return (error);
	for (size_t i = 0; i < n; i++)
		ps->slot[i] = (struct percpu_slot){
			.kva = ps->window + eph_ptoa(i),
			.cpu = (uint32_t)(i / nslots),
			.level = (uint32_t)(i % nslots),
		};
	return (0);
}

void
eph__percpu_slots_fini(struct percpu_slots *ps)
{
	struct eph_machine *mc = ps->mc;
	const size_t n = percpu_slots_total(ps);

	if (ps->window != 0)
		kva_free(mc, ps->window, (uint32_t)n);
	eph_machine_free(mc, ps->depth, mc->ncpus * sizeof(*ps->depth));
	eph_machine_free(mc, ps->slot, n * sizeof(*ps->slot));
}

int
eph__percpu_slots_create(struct eph_machine *mc, uint32_t nslots,
    const char *what, void **statep, struct eph_err *err)
{
	struct percpu_slots *ps = eph_machine_alloc(mc, sizeof(*ps));
	int error;

	if (ps == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__percpu_slots_init(ps, mc, nslots, what, err);
	if (error != 0)
		eph__percpu_slots_destroy(ps);
	else
		*statep = ps;
	return (error);
}

void
eph__percpu_slots_destroy(void *state)
{
	struct percpu_slots *ps = state;
	struct eph_machine *mc = ps->mc;

	eph__percpu_slots_fini(ps);
	eph_machine_free(mc, ps, sizeof(*ps));
}

struct percpu_slot *
eph__percpu_slots_push(struct percpu_slots *ps, struct vm_page *m)
{
	struct eph_cpu *cpu = eph_curcpu(ps->mc);
	const uint32_t level = ps->depth[cpu->id].now;
	struct percpu_slot *slot;

	if (level == ps->nslots) {
		(void)eph_machine_refuse(ps->mc,
		    "CPU %u has %u %s%s, and all are in use", cpu->id,
		    ps->nslots, ps->what, ps->nslots == 1 ? "" : "s");
		return (NULL);
	}
	slot = percpu_slots_at(ps, cpu->id, level);
	KASSERT(slot->m == NULL, "a slot above the stack is in use");
	slot->m = m;
	ps->depth[cpu->id].now = level + 1;
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(ps->mc);
	EPH_NOTE(ps->mc, "%s %u of CPU %u", ps->what, level, cpu->id);
	return (slot);
}

int
eph__percpu_slots_may_pop(
    struct percpu_slots *ps, const struct percpu_slot *slot)
{
	const unsigned me = eph_curcpu(ps->mc)->id;

	if (slot->cpu != me)
		return (eph_machine_refuse(ps->mc,
		    "a %s of CPU %u cannot be unmapped on CPU %u", ps->what,
		    slot->cpu, me));
	KASSERT(slot->m != NULL, "unmapping a slot that is not in use");
	if (slot->level + 1 != ps->depth[me].now)
		return (eph_machine_refuse(ps->mc,
		    "CPU %u's %s %u is not the one it mapped last (%u): they "
		    "are unmapped in reverse order",
		    me, ps->what, slot->level, ps->depth[me].now - 1));
	return (0);
}

void
eph__percpu_slots_pop(struct percpu_slots *ps, struct percpu_slot *slot)
{
	struct eph_cpu *cpu = eph_curcpu(ps->mc);

	slot->m = NULL;
	ps->depth[cpu->id].now--;
	cpu->c.unmap_calls++;
	eph_bufs_dec(ps->mc);
}

eph_va_t
eph__percpu_slots_kva(void *state, void *obj)
{
	struct percpu_slots *ps = state;
	const struct percpu_slot *slot = obj;
	struct eph_cpu *cpu = eph_curcpu(ps->mc);

	if (slot->cpu != cpu->id) {
		(void)eph_machine_refuse(ps->mc,
		    "a %s of CPU %u has no address on CPU %u", ps->what,
		    slot->cpu, cpu->id);
		return (0);
	}
	cpu->c.kva_calls++;
	return (slot->kva);
}

struct vm_page *
eph__percpu_slots_page(void *state, void *obj)
{
	(void)state;
	return (((const struct percpu_slot *)obj)->m);
}

static void
percpu_slot_check(struct percpu_slots *ps, const struct percpu_slot *slot,
    bool used, bool cleared)
{
	if ((slot->m != NULL) != used)
		PANIC("the slots in use are not the lowest ones");
	if (used && pmap_kextract(ps->mc, slot->kva) != slot->m->frame)
		PANIC("a slot in use does not map its page");
	if (!used && cleared && pmap_pte_load(ps->mc, slot->kva) != 0)
		PANIC("a slot not in use has an entry");
}

void
eph__percpu_slots_check(struct percpu_slots *ps, uint64_t held, bool cleared)
{
	uint64_t used = 0;

	for (unsigned c = 0; c < ps->mc->ncpus; c++) {
		const uint32_t depth = ps->depth[c].now;

		used += depth;
		for (uint32_t k = 0; k < ps->nslots; k++)
			percpu_slot_check(
			    ps, percpu_slots_at(ps, c, k), k < depth, cleared);
	}
	if (used != held)
		PANIC("slots held and slots in use differ");
}
