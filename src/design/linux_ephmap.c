/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linux.ephmap: one mapping a CPU and address space, or none.  (No relation:
 * it had this name in 2025, and is linux.mermap since 2026.)
 *
 * What it does.  Each address space has a region that no other sees, with a
 * part for each CPU as long as the largest folio.  Getting one, with
 * migration off, fails if the part is in use; the caller then does without.
 * Entries are stored from the beginning of the part.  Putting it back stores
 * 0 and invalidates on this CPU, page by page up to 32 pages and everything
 * above.
 *
 * Idea.  What one address space maps for a moment on one CPU is no one else's
 * business: no lock, no other CPU, and, as the kernel runs with most of memory
 * unmapped, nothing left to read by speculation.
 *
 * Invariant: a part that is not in use has no entry, and its CPU holds no
 * translation of it.
 *
 *	case			L	LF	F	IPI	stores
 *	get			0	0	0	0	1
 *	get, in use		0	0	0	0	0, fails
 *	put			1	0	0	0	1
 *
 * A replay has one address space, and maps one page at a time; so it never
 * meets the full flush.
 *
 * Locking.  Migration is off from get to put; the flag is exchanged, as a
 * thread that is switched to may ask too.
 *
 * Linux, Brendan Jackman's mm/ephmap.c (e492acdcc1, 2025), for address space
 * isolation.
 */

#include "design/slots.h"
#include "ephmap/sdk/atomic.h"

struct linux_ephmap {
	struct slots sl;	   /* one a CPU */
	_Atomic(uint32_t) *in_use; /* by CPU */
};

static int
linux_ephmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct linux_ephmap *le;
	const int error = eph__slots_create(mc, sizeof(*le), mc->ncpus,
	    "ephmap part", sizeof(*le->in_use), statep, err);

	(void)cfg;
	if (error != 0)
		return (error);
	le = *statep;
	le->in_use = le->sl.percpu;
	return (0);
}

static int
linux_ephmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct linux_ephmap *le = state;
	struct eph_machine *mc = le->sl.mc;
	struct eph_cpu *cpu = eph_curcpu(mc);
	struct slot *slot = &le->sl.slot[cpu->id];

	(void)flags;
	/* Acquire pairs with the release in unmap. */
	if (eph_swap_32(mc, &le->in_use[cpu->id], 1, memory_order_acquire) !=
	    0) {
		cpu->c.map_calls++;
		cpu->c.map_fail++;
		EPH_NOTE(mc, "the part of CPU %u is in use", cpu->id);
		return (EAGAIN);
	}
	eph__slots_use(&le->sl, slot, m);
	pmap_pte_store(mc, slot->kva, eph__slots_pte(&le->sl, m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
linux_ephmap_unmap(void *state, void *obj)
{
	struct linux_ephmap *le = state;
	struct eph_machine *mc = le->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&le->sl, slot);

	if (error != 0)
		return (error);
	(void)eph__slots_leave(&le->sl, slot);
	pmap_kremove_quick(mc, slot->kva);
	eph_store_32(mc, &le->in_use[slot->cpu], 0, memory_order_release);
	return (0);
}

const struct eph_design_ops eph__linux_ephmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "linux.ephmap",
	.summary = "one mapping a CPU and address space, or none",
	.origin = "Linux mm/ephmap.c e492acdcc1 (proposed), Jackman",
	.date = "2025",
	.from = "kmap_local",
	.costs = "L 1 an unmap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_FAILS,
	.nest = 1,
	.create = linux_ephmap_create,
	.destroy = eph__slots_destroy,
	.map = linux_ephmap_map,
	.unmap = linux_ephmap_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
