/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The mapper.  A design with EPH_DESIGN_WIRES takes over the caller's wire
 * at map() and gives one back at the last free: k concurrent uses of a page
 * leave k-1.  Which free was the last one the design keeps to itself; the
 * mapper sees it by the page's wire count, under a lock as the design's own
 * callers held one (the MP lock).
 */

#include "ephmap/sdk/mapper.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"

/* The shim: what mbufs call, with the mapper as state. */

static int
shim_unmap(void *state, void *obj)
{
	struct eph_mapper *mp = state;
	struct eph_mapped mapped = { .map = { obj, 0 },
		.m = mp->ops->page(mp->state, obj) };

	eph_mapper_unmap(mp, &mapped);
	return (0);
}

static eph_va_t
shim_kva(void *state, void *obj)
{
	struct eph_mapper *mp = state;

	return (mp->ops->kva(mp->state, obj));
}

void
eph_mapper_init(struct eph_mapper *mp, struct eph_machine *mc,
    const struct eph_design_ops *ops, void *state)
{
	memset(mp, 0, sizeof(*mp));
	mp->mc = mc;
	mp->ops = ops;
	mp->state = state;
	mp->shim = *ops;
	mp->shim.unmap = shim_unmap;
	mp->shim.kva = shim_kva;
	mutex_init(&mp->mtx, "mplock");
}

static bool
mapper_wires(const struct eph_mapper *mp)
{
	return ((mp->ops->flags & EPH_DESIGN_WIRES) != 0);
}

/*
 * Under the lock, so that mapper_unmap_wired() sees nobody's change of the
 * count but the design's.
 */

void
eph_mapper_page_wire(struct eph_mapper *mp, struct vm_page *m)
{
	const bool wires = mapper_wires(mp);

	if (wires)
		mutex_enter(mp->mc, &mp->mtx);
	vm_page_wire(mp->mc, m);
	if (wires)
		mutex_exit(mp->mc, &mp->mtx);
}

void
eph_mapper_page_unwire(struct eph_mapper *mp, struct vm_page *m)
{
	const bool wires = mapper_wires(mp);

	if (wires)
		mutex_enter(mp->mc, &mp->mtx);
	vm_page_unwire(mp->mc, m);
	if (wires)
		mutex_exit(mp->mc, &mp->mtx);
}

/* Relaxed: statistics. */
static void
mapper_count(struct eph_mapper *mp)
{
	const uint64_t now =
	    1 + atomic_fetch_add_explicit(&mp->held, 1, memory_order_relaxed);
	uint64_t peak =
	    atomic_load_explicit(&mp->held_peak, memory_order_relaxed);

	if (!eph_parallel(mp->mc)) {
		mp->maps++;
		mp->bufs_sum += mp->mc->bufs.now;
	}
	while (now > peak &&
	    !atomic_compare_exchange_weak_explicit(&mp->held_peak, &peak, now,
		memory_order_relaxed, memory_order_relaxed))
		;
}

/*
 * The design's map(), and how often the thread slept in it.  In lockstep a
 * thread that sleeps wakes as itself; its own counts are all that is asked.
 */
static int
mapper_map_counted(struct eph_mapper *mp, struct vm_page *m, unsigned flags,
    struct eph_mapping *map)
{
	const struct eph_thread *td = mp->mc->exec->curthread(mp->mc);
	const uint32_t sleeps = td != NULL ? td->nsleeps : 0;
	const uint32_t spurious = td != NULL ? td->nspurious : 0;
	uint64_t since;
	int error;

	(void)atomic_fetch_add_explicit(&mp->inside, 1, memory_order_relaxed);
	since = eph_clock_now(mp->mc);
	error = mp->ops->map(mp->state, m, flags, map);
	if (error == 0)
		eph_clock_mapped(mp->mc, since);
	(void)atomic_fetch_sub_explicit(&mp->inside, 1, memory_order_relaxed);
	if (td != NULL && td->nsleeps != sleeps) {
		(void)atomic_fetch_add_explicit(
		    &mp->sleeps, td->nsleeps - sleeps, memory_order_relaxed);
		(void)atomic_fetch_add_explicit(&mp->spurious,
		    td->nspurious - spurious, memory_order_relaxed);
	}
	return (error);
}

int
eph_mapper_map(struct eph_mapper *mp, struct vm_page *m, unsigned flags,
    struct eph_mapped *out)
{
	const bool wires = mapper_wires(mp);
	int error;

	if ((flags & (SFB_CATCH | SFB_NOWAIT)) != 0 &&
	    eph_machine_fails(mp->mc, EPH_FAULT_MAP))
		return (EAGAIN);
	if (wires)
		eph_mapper_page_wire(mp, m);
	error = mapper_map_counted(
	    mp, m, flags & eph_design_flags(mp->ops), &out->map);
	if (error != 0) {
		if (wires)
			eph_mapper_page_unwire(mp, m);
		return (error);
	}
	if (wires)
		(void)atomic_fetch_add_explicit(
		    &mp->wires, 1, memory_order_relaxed);
	out->m = m;
	out->cpu = eph_curcpu(mp->mc)->id;
	mapper_count(mp);
	return (0);
}

/* Unmap on a design that unwires, and see whether it did. */
static int
mapper_unmap_wired(struct eph_mapper *mp, struct eph_mapped *mapped)
{
	uint32_t before;
	int error;

	mutex_enter(mp->mc, &mp->mtx);
	before = mapped->m->wire_count;
	error = mp->ops->unmap(mp->state, mapped->map.obj);
	if (mapped->m->wire_count != before) {
		(void)atomic_fetch_sub_explicit(
		    &mp->wires, 1, memory_order_relaxed);
	} else if (mp->repaired) {
		vm_page_unwire(mp->mc, mapped->m);
		(void)atomic_fetch_sub_explicit(
		    &mp->wires, 1, memory_order_relaxed);
	}
	mutex_exit(mp->mc, &mp->mtx);
	return (error);
}

void
eph_mapper_unmap(struct eph_mapper *mp, struct eph_mapped *mapped)
{
	const uint64_t since = eph_clock_now(mp->mc);
	const int error = mapper_wires(mp)
	    ? mapper_unmap_wired(mp, mapped)
	    : mp->ops->unmap(mp->state, mapped->map.obj);

	eph_clock_unmapped(mp->mc, since);
	/* The consumer asked for what the design's class allows. */
	if (error != 0)
		PANIC("unmap refused");
	mapped->m = NULL;
	(void)atomic_fetch_sub_explicit(&mp->held, 1, memory_order_relaxed);
}

/* The address on the current CPU; 0: not here. */
static eph_va_t
mapper_va(struct eph_mapper *mp, const struct eph_mapped *mapped)
{
	const unsigned cpu = eph_curcpu(mp->mc)->id;

	switch (mp->ops->validity) {
	case EPH_VALID_GENERATION:
		return (mp->ops->kva(mp->state, mapped->map.obj));
	case EPH_VALID_ASKED:
		if (cpu != mapped->cpu)
			return (mp->ops->kva(mp->state, mapped->map.obj));
		break;
	case EPH_VALID_THIS_CPU:
		if (cpu != mapped->cpu) {
			(void)eph_machine_refuse(mp->mc,
			    "a mapping of CPU %u cannot be used on CPU %u",
			    mapped->cpu, cpu);
			return (0);
		}
		break;
	case EPH_VALID_ALL:
	case EPH_VALID_MASK:
		break;
	}
	return (mapped->map.va);
}

/* One access where frames are not `full`; the stamp of the page reached. */
static int
page_touch(struct eph_machine *mc, eph_va_t va, const struct vm_page *m,
    enum eph_touch touch, char **stampp)
{
	uint32_t reached;
	int error = eph_machine_access(mc, va, touch, m, &reached);

	*stampp = NULL;
	if (error == 0 && reached != EPH_NONE)
		*stampp = vm_page_contents(mc, vm_page_get(mc, reached));
	return (error);
}

int
eph_page_load(struct eph_machine *mc, eph_va_t va, const struct vm_page *m,
    size_t off, void *buf, size_t n)
{
	char *stamp;
	int error;

	eph_clock_copy(mc, n);
	if (mc->contents_kind == EPH_CONTENTS_FULL)
		return (eph_machine_copyout(mc, va, off, buf, n, m));
	error = page_touch(mc, va, m, EPH_TOUCH_READ, &stamp);
	if (stamp != NULL && off == 0 && n >= 8)
		memcpy(buf, stamp, 8);
	return (error);
}

int
eph_page_store(struct eph_machine *mc, eph_va_t va, const struct vm_page *m,
    size_t off, const void *buf, size_t n)
{
	char *stamp;
	int error;

	eph_clock_copy(mc, n);
	if (mc->contents_kind == EPH_CONTENTS_FULL)
		return (eph_machine_copyin(mc, va, off, buf, n, m));
	error = page_touch(mc, va, m, EPH_TOUCH_WRITE, &stamp);
	if (stamp != NULL && off == 0 && n >= 8)
		memcpy(stamp, buf, 8);
	return (error);
}

int
eph_mapper_read(struct eph_mapper *mp, const struct eph_mapped *mapped,
    size_t off, void *buf, size_t n)
{
	const eph_va_t va = mapper_va(mp, mapped);

	if (va == 0)
		return (ENOTSUP);
	return (eph_page_load(mp->mc, va, mapped->m, off, buf, n));
}

int
eph_mapper_write(struct eph_mapper *mp, const struct eph_mapped *mapped,
    size_t off, const void *buf, size_t n)
{
	const eph_va_t va = mapper_va(mp, mapped);

	if (va == 0)
		return (ENOTSUP);
	return (eph_page_store(mp->mc, va, mapped->m, off, buf, n));
}

uint64_t
eph_mapper_wires_leaked(const struct eph_mapper *mp)
{
	return (atomic_load_explicit(&mp->wires, memory_order_relaxed));
}
