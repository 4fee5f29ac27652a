/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dmap: the direct map.  All memory is mapped at boot, at a fixed distance;
 * a page's address is arithmetic.
 *
 * Invariant: the entry of a page never changes.
 *
 *	case		L	R	F	IPI
 *	any		0	0	0	0
 *
 * The entries are of 4 KiB, set up at boot and not counted; walks and TLB
 * misses are, because a CPU that follows many pages pays for them here as
 * elsewhere.  Kernels map memory with larger pages, which TLBs here do not
 * have.
 *
 * Every map is a miss, as there is nothing to find.  A machine whose kernel
 * space is smaller than its memory cannot have a direct map: pages beyond
 * it are refused.
 *
 * Locking.  None; the boot-time window is extended under the KVA arena's.
 *
 * FreeBSD amd64 2003 (an sf_buf is the vm_page itself), DragonFly x86_64,
 * Solaris segkpm.
 */

#include "design/dmap.h"

#include <errno.h>
#include <inttypes.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"
#include "machine/access.h"

#define DMAP_CHUNK 4096u /* pages of the window that are made at once */

struct dmap {
	struct eph_machine *mc;	  /* (c) */
	struct eph_mutex lock;	  /* guards the fields below, while booting */
	eph_va_t base;		  /* of frame 0 */
	_Atomic(uint32_t) npages; /* frames that have an entry */
};

void
eph__dmap_destroy(void *state)
{
	struct dmap *dm = state;
	struct eph_machine *mc = dm->mc;
	/* Relaxed: nothing runs any more. */
	const uint32_t n =
	    atomic_load_explicit(&dm->npages, memory_order_relaxed);

	for (uint32_t f = 0; f < n; f += DMAP_CHUNK)
		kva_free(mc, dm->base + eph_ptoa(f), DMAP_CHUNK);
	eph_machine_free(mc, dm, sizeof(*dm));
}

int
eph__dmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct dmap *dm = eph_machine_alloc(mc, sizeof(*dm));

	(void)cfg;
	if (dm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	dm->mc = mc;
	mutex_init(&dm->lock, "dmap boot");
	*statep = dm;
	return (0);
}

/* Boot-time work for the frames up to `frame`, done when first seen. */
static int
dmap_extend(struct dmap *dm, uint32_t frame)
{
	struct eph_machine *mc = dm->mc;
	struct eph_cpu *cpu = eph_curcpu(mc);
	uint32_t n = atomic_load_explicit(&dm->npages, memory_order_relaxed);

	while (n <= frame) {
		eph_va_t va;
		const int error =
		    eph_kva_get(mc, DMAP_CHUNK, &va, NULL, "the direct map");

		if (error == ENOMEM)
			return (error);
		if (error != 0)
			return (eph_machine_refuse(mc,
			    "no direct map: frame %" PRIu32
			    " lies beyond the %" PRIu32
			    " pages of kernel space",
			    frame, mc->kva_pages));
		if (dm->base == 0)
			dm->base = va;
		if (va != dm->base + eph_ptoa(n))
			PANIC("the direct map is not contiguous");
		for (uint32_t k = 0; k < DMAP_CHUNK; k++) {
			/* Relaxed: published by npages. */
			atomic_store_explicit(
			    machine_pte(mc, cpu, machine_va_index(mc, va) + k),
			    eph_ptoa(n + k) | EPH_PTE_V | EPH_PTE_RW |
				EPH_PTE_G,
			    memory_order_relaxed);
		}
		n += DMAP_CHUNK;
		/* Release: entries before the number that admits them. */
		atomic_store_explicit(&dm->npages, n, memory_order_release);
	}
	return (0);
}

int
eph__dmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct dmap *dm = state;
	struct eph_machine *mc = dm->mc;
	struct eph_cpu *cpu = eph_curcpu(mc);
	int error;

	(void)flags;
	/* Acquire pairs with the release in dmap_extend. */
	if (eph_unlikely(m->frame >=
		atomic_load_explicit(&dm->npages, memory_order_acquire))) {
		mutex_enter(mc, &dm->lock);
		error = dmap_extend(dm, m->frame);
		mutex_exit(mc, &dm->lock);
		cpu->c.lock_acquire--; /* booting is not counted */
		if (error != 0)
			return (error);
	}
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(mc);
	EPH_NOTE(mc, "direct map: the address is arithmetic");
	*mp = (struct eph_mapping){ m, dm->base + eph_ptoa(m->frame) };
	return (0);
}

int
eph__dmap_unmap(void *state, void *obj)
{
	struct dmap *dm = state;

	(void)obj;
	EPH_COUNT(dm->mc, unmap_calls);
	eph_bufs_dec(dm->mc);
	return (0);
}

eph_va_t
eph__dmap_kva(void *state, void *obj)
{
	struct dmap *dm = state;

	EPH_COUNT(dm->mc, kva_calls);
	return (dm->base + eph_ptoa(((const struct vm_page *)obj)->frame));
}

static int
dmap_ref(void *state, void *obj)
{
	(void)obj;
	eph_bufs_inc(((const struct dmap *)state)->mc);
	return (0);
}

struct vm_page *
eph__dmap_page(void *state, void *obj)
{
	(void)state;
	return (obj);
}

void
eph__dmap_check(void *state, uint64_t held)
{
	const struct dmap *dm = state;
	const uint32_t n =
	    atomic_load_explicit(&dm->npages, memory_order_relaxed);

	for (uint32_t f = 0; f < n; f++) {
		if (pmap_kextract(dm->mc, dm->base + eph_ptoa(f)) != f)
			PANIC("an entry of the direct map has changed");
	}
	if (dm->mc->bufs.now != held)
		PANIC("mappings held and mappings counted differ");
}

const struct eph_design_ops eph__dmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "dmap",
	.summary = "all memory mapped at boot, the address is arithmetic",
	.origin = "FreeBSD amd64, DragonFly x86_64, Solaris segkpm",
	.date = "2003",
	.costs = "nothing",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = 0,
	.create = eph__dmap_create,
	.destroy = eph__dmap_destroy,
	.map = eph__dmap_map,
	.unmap = eph__dmap_unmap,
	.kva = eph__dmap_kva,
	.ref = dmap_ref,
	.page = eph__dmap_page,
	.check = eph__dmap_check,
};
