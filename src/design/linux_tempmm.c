/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linux.tempmm: an address space that only the mapping CPU ever enters.
 *
 * What it does.  With interrupts off the entry is stored in the tables of an
 * address space that nobody runs, and this CPU loads it.  Afterwards the entry
 * is 0, the CPU goes back to where it was, and flushes the other space.
 *
 * Idea.  A mapping that no other CPU can see, not even by speculation: what
 * patches the kernel's text must not be writable for anybody else.
 *
 * Invariant: no CPU is in the address space while it has no entry.
 *
 *	case			L	LF	F	IPI	stores
 *	map			0	1	0	0	1
 *	unmap			0	2	0	0	1
 *
 * Loading an address space flushes what is not global, as without PCIDs.  The
 * second flush of unmapping is flush_tlb_mm_range(): the set of the space's
 * CPUs is this one, so that it never sends an interrupt.
 *
 * Locking.  text_mutex, and interrupts off from map to unmap: a spin lock.
 *
 * Linux arch/x86/kernel/alternative.c, __text_poke(), 2019-04; Nadav Amit.
 */

#include "design/hold.h"
#include "design/slots.h"
#include "ephmap/kernel/aspace.h"

enum { HOME, TEMPORARY };

struct tempmm {
	struct eph_machine *mc;
	struct hold lock; /* text_mutex */
	struct slot slot; /* (l) */
};

static int
tempmm_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct tempmm *tm = eph_machine_alloc(mc, sizeof(*tm));
	int error;

	(void)cfg;
	if (tm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	tm->mc = mc;
	eph__hold_init(&tm->lock, "temporary mapping", true);
	error = eph_aspace_region(mc, 1, 2, &tm->slot.kva, err);
	if (error != 0) {
		eph_machine_free(mc, tm, sizeof(*tm));
		return (error);
	}
	*statep = tm;
	return (0);
}

static void
tempmm_destroy(void *state)
{
	struct tempmm *tm = state;

	eph_machine_free(tm->mc, tm, sizeof(*tm));
}

static int
tempmm_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct tempmm *tm = state;
	struct eph_machine *mc = tm->mc;
	const int error = eph__hold_enter(mc, &tm->lock);

	(void)flags;
	if (error != 0)
		return (error);
	tm->slot.m = m;
	tm->slot.cpu = eph_curcpu(mc)->id;
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	eph_aspace_pte_store(mc, TEMPORARY, tm->slot.kva,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	eph_aspace_switch(mc, TEMPORARY);
	*mp = (struct eph_mapping){ &tm->slot, tm->slot.kva };
	return (0);
}

static int
tempmm_unmap(void *state, void *obj)
{
	struct tempmm *tm = state;
	struct eph_machine *mc = tm->mc;
	const int error = eph__hold_mine(mc, &tm->lock);

	(void)obj;
	if (error != 0)
		return (error);
	tm->slot.m = NULL;
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	eph_aspace_pte_store(mc, TEMPORARY, tm->slot.kva, 0);
	eph_aspace_switch(mc, HOME);
	pmap_flush_local(mc, false);
	eph__hold_exit(mc, &tm->lock);
	return (0);
}

static eph_va_t
tempmm_kva(void *state, void *obj)
{
	struct tempmm *tm = state;

	if (eph__hold_mine(tm->mc, &tm->lock) != 0)
		return (0);
	EPH_COUNT(tm->mc, kva_calls);
	return (((const struct slot *)obj)->kva);
}

static void
tempmm_check(void *state, uint64_t held)
{
	struct tempmm *tm = state;

	if (held != (tm->slot.m != NULL))
		PANIC("mappings held and mappings made differ");
	for (unsigned c = 0; c < tm->mc->ncpus; c++) {
		const bool in = eph_aspace_of(tm->mc, c) == TEMPORARY;

		if (in != (held != 0 && tm->slot.cpu == c))
			PANIC("a CPU is in an address space that is not its");
	}
}

const struct eph_design_ops eph__linux_tempmm_ops = {
	.abi = EPHMAP_ABI,
	.name = "linux.tempmm",
	.summary = "an address space that only the mapping CPU enters",
	.origin = "Linux arch/x86/kernel/alternative.c, Amit",
	.date = "2019-04",
	.costs = "three flushes",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_ALONE,
	.nest = 1,
	.create = tempmm_create,
	.destroy = tempmm_destroy,
	.map = tempmm_map,
	.unmap = tempmm_unmap,
	.kva = tempmm_kva,
	.page = eph__slots_page,
	.check = tempmm_check,
};
