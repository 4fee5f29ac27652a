/* SPDX-License-Identifier: BSD-2-Clause */

/* See slots.h. */

#include "design/slots.h"

#include "ephmap/kernel/kva.h"

int
eph__slots_init(struct slots *sl, struct eph_machine *mc, uint64_t n,
    const char *what, struct eph_err *err)
{
	int error;

	sl->mc = mc;
	sl->what = what;
	if (n == 0)
		return (eph_err_set(
		    err, EINVAL, "0 slots: a %s needs at least 1", what));
	if (n > mc->kva_pages)
		n = mc->kva_pages + (uint64_t)1;
	error = eph_kva_get(mc, (uint32_t)n, &sl->window, err, "%llu of %s",
	    (unsigned long long)n, what);
	if (error != 0)
		return (error);
	sl->n = (uint32_t)n;
	if ((sl->slot = eph_machine_alloc(mc, n * sizeof(*sl->slot))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for %llu of %s",
		    (unsigned long long)n, what));
	for (uint32_t i = 0; i < sl->n; i++)
		sl->slot[i].kva = sl->window + eph_ptoa(i);
	return (0);
}

void
eph__slots_fini(struct slots *sl)
{
	if (sl->window != 0)
		kva_free(sl->mc, sl->window, sl->n);
	eph_machine_free(sl->mc, sl->slot, sl->n * sizeof(*sl->slot));
}

int
eph__slots_create(struct eph_machine *mc, size_t bytes, uint64_t n,
    const char *what, size_t each, void **statep, struct eph_err *err)
{
	struct slots *sl = eph_machine_alloc(mc, bytes);
	int error;

	if (sl == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	sl->bytes = bytes;
	sl->percpu_bytes = mc->ncpus * each;
	error = eph__slots_init(sl, mc, n, what, err);
	if (each != 0)
		sl->percpu = eph_machine_alloc(mc, sl->percpu_bytes);
	if (error == 0 && each != 0 && sl->percpu == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0)
		eph__slots_destroy(sl);
	else
		*statep = sl;
	return (error);
}

void
eph__slots_destroy(void *state)
{
	struct slots *sl = state;
	struct eph_machine *mc = sl->mc;

	eph__slots_fini(sl);
	eph_machine_free(mc, sl->percpu, sl->percpu_bytes);
	eph_machine_free(mc, sl, sl->bytes);
}

void
eph__slots_use(struct slots *sl, struct slot *slot, struct vm_page *m)
{
	struct eph_cpu *cpu = eph_curcpu(sl->mc);

	KASSERT(slot->refs == 0, "handing out a slot that is in use");
	slot->m = m;
	slot->refs = 1;
	slot->cpu = cpu->id;
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(sl->mc);
	EPH_NOTE(sl->mc, "miss: %s %u", sl->what, eph__slots_index(sl, slot));
}

void
eph__slots_hit(struct slots *sl, struct slot *slot, struct vm_page *m)
{
	struct eph_cpu *cpu = eph_curcpu(sl->mc);

	cpu->c.map_calls++;
	EPH_NOTE(sl->mc, "hit: %s %u has the page, %u users", sl->what,
	    eph__slots_index(sl, slot), slot->refs);
	if (slot->refs++ != 0) {
		cpu->c.hit_active++;
		return;
	}
	cpu->c.hit_inactive++;
	slot->m = m;
	slot->cpu = cpu->id;
	eph_bufs_inc(sl->mc);
}

bool
eph__slots_leave(struct slots *sl, struct slot *slot)
{
	if (slot->refs == 0)
		PANIC("unmapping a slot that nobody uses");
	EPH_COUNT(sl->mc, unmap_calls);
	if (--slot->refs != 0)
		return (false);
	slot->m = NULL;
	eph_bufs_dec(sl->mc);
	return (true);
}

int
eph__slots_mine(struct slots *sl, const struct slot *slot)
{
	const unsigned me = eph_curcpu(sl->mc)->id;

	if (slot->cpu == me)
		return (0);
	return (eph_machine_refuse(sl->mc,
	    "a %s of CPU %u cannot be used or unmapped on CPU %u", sl->what,
	    slot->cpu, me));
}

bool
eph__slots_spin(struct slots *sl)
{
	if (eph_serial(sl->mc))
		return (false);
	sl->mc->exec->spin(sl->mc);
	return (true);
}

int
eph__slots_full(struct slots *sl, uint32_t n)
{
	return (eph_machine_refuse(sl->mc,
	    "CPU %u finds %u %s%s, and all are in use", eph_curcpu(sl->mc)->id,
	    n, sl->what, n == 1 ? "" : "s"));
}

eph_va_t
eph__slots_kva(void *state, void *obj)
{
	struct slots *sl = state;

	EPH_COUNT(sl->mc, kva_calls);
	return (((const struct slot *)obj)->kva);
}

eph_va_t
eph__slots_kva_mine(void *state, void *obj)
{
	return (
	    eph__slots_mine(state, obj) != 0 ? 0 : eph__slots_kva(state, obj));
}

struct vm_page *
eph__slots_page(void *state, void *obj)
{
	(void)state;
	return (((const struct slot *)obj)->m);
}

void
eph__slots_check(void *state, uint64_t held)
{
	struct slots *sl = state;
	uint64_t refs = 0;

	for (uint32_t i = 0; i < sl->n; i++) {
		const struct slot *slot = &sl->slot[i];

		refs += slot->refs;
		if ((slot->m != NULL) != (slot->refs != 0))
			PANIC("a slot has a page and no user, or a user and "
			      "no page");
		if (slot->m != NULL &&
		    pmap_kextract(sl->mc, slot->kva) != slot->m->frame)
			PANIC("a slot in use does not map its page");
	}
	if (refs != held)
		PANIC("mappings held and slots in use differ");
}
