/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kva.qenter: the originator maps, the target copies, as pipes did.
 *
 * What it does.  A writer enters its pages at an address of the kernel with
 * pmap_qenter(); the reader of the pipe, on whatever CPU, copies from it.
 * When the address is given up, pmap_qremove() takes the entries out before
 * kmem_free() gives it to the next one (910cc6927b: the other order let a
 * stranger use an address that was still mapped).
 *
 * Idea.  None: it is what everything else is measured against.
 *
 * Invariant: the entry of a page of KVA that is not in use is 0.
 *
 *	case (n pages)			L	R	F	IPI
 *	map				n	0	N-1	N-1
 *	unmap				n	0	N-1	N-1
 *	use, any CPU			0	0	0	0
 *
 * What a replay maps.  A pipe kept its 16 pages of address for its whole
 * life, entered each direct write's pages there anew, and removed them only
 * when it was closed.  A trace has no pipes: each handle is a pipe of one
 * page that lives for one write, and takes its address from the KVA arena.
 * There is no pool, so nbufs means nothing, and nothing to sleep for: when
 * the kernel's address space is used up the map is refused.
 *
 * The address is the handle.  Nothing else is kept: the page is found in
 * the entry.
 *
 * Quirks kept.  Both calls flush the other CPUs and do not wait for them
 * (unacked-flush).
 *
 * Locking.  None but the arena's.
 *
 * DragonFly kern/sys_pipe.c, PIPE_KMEM (kern.pipe.dwrite_sfbuf 0), the only
 * form before 2004-04; direct writes went away with 08593aa159, 2009-07.
 */

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

struct kva_qenter {
	struct eph_machine *mc; /* (c) */
	_Atomic(uint64_t) held; /* addresses in use, for check() */
};

static void
kva_qenter_destroy(void *state)
{
	struct kva_qenter *kq = state;

	eph_machine_free(kq->mc, kq, sizeof(*kq));
}

static int
kva_qenter_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct kva_qenter *kq = eph_machine_alloc(mc, sizeof(*kq));

	(void)cfg;
	if (kq == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	kq->mc = mc;
	atomic_init(&kq->held, 0);
	*statep = kq;
	return (0);
}

/* A handle is the number of its page of KVA, which is never 0. */
static void *
kva_qenter_obj(const struct kva_qenter *kq, eph_va_t va)
{
	return ((void *)(uintptr_t)eph_atop(va - kq->mc->kva_base));
}

static eph_va_t
kva_qenter_va(const struct kva_qenter *kq, const void *obj)
{
	return (kq->mc->kva_base + eph_ptoa((uintptr_t)obj));
}

static int
kva_qenter_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct kva_qenter *kq = state;
	struct eph_machine *mc = kq->mc;
	const eph_va_t va = kva_alloc(mc, 1);

	(void)flags;
	if (va == 0)
		return (eph_machine_refuse(mc,
		    "the kernel's %u pages of address space are used up",
		    mc->kva_pages));
	pmap_qenter(mc, va, &m, 1);
	/* Relaxed: a number for check(), which runs alone. */
	(void)eph_fetchadd_64(mc, &kq->held, 1, memory_order_relaxed);
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ kva_qenter_obj(kq, va), va };
	return (0);
}

static int
kva_qenter_unmap(void *state, void *obj)
{
	struct kva_qenter *kq = state;
	struct eph_machine *mc = kq->mc;
	const eph_va_t va = kva_qenter_va(kq, obj);

	if (pmap_kextract(mc, va) == EPH_NONE)
		PANIC("kva.qenter: freeing an address that maps nothing");
	pmap_qremove(mc, va, 1);
	kva_free(mc, va, 1);
	/* Relaxed: as in map. */
	(void)eph_fetchadd_64(
	    mc, &kq->held, (uint64_t)-1, memory_order_relaxed);
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	return (0);
}

static eph_va_t
kva_qenter_kva(void *state, void *obj)
{
	const struct kva_qenter *kq = state;

	EPH_COUNT(kq->mc, kva_calls);
	return (kva_qenter_va(kq, obj));
}

static struct vm_page *
kva_qenter_page(void *state, void *obj)
{
	const struct kva_qenter *kq = state;

	return (
	    vm_page_get(kq->mc, pmap_kextract(kq->mc, kva_qenter_va(kq, obj))));
}

static void
kva_qenter_check(void *state, uint64_t held)
{
	struct kva_qenter *kq = state;

	/* Relaxed: nothing runs. */
	if (atomic_load_explicit(&kq->held, memory_order_relaxed) != held)
		PANIC("addresses held and addresses counted differ");
	if (kva_usage(kq->mc).now != held)
		PANIC("the arena has lent another number of pages");
}

const struct eph_design_ops eph__kva_qenter_ops = {
	.abi = EPHMAP_ABI,
	.name = "kva.qenter",
	.summary = "fresh KVA for each map, entered and removed everywhere",
	.origin = "DragonFly sys_pipe.c, PIPE_KMEM",
	.date = "2003-06",
	.from = "sf_buf.uncached",
	.costs = "everybody, twice a map",
	.holes = "un-acked flush",
	.shootdown = "unacked-flush",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = 0,
	.create = kva_qenter_create,
	.destroy = kva_qenter_destroy,
	.map = kva_qenter_map,
	.unmap = kva_qenter_unmap,
	.kva = kva_qenter_kva,
	.page = kva_qenter_page,
	.check = kva_qenter_check,
};
