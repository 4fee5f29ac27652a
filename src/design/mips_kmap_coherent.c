/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mips.kmap_coherent: an entry written straight into the TLB, wired, at an
 * address of the page's colour; the page table knows nothing.
 *
 * What it does.  With preemption and page faults off, one more TLB entry is
 * wired and written: a fixed address of the colour that the page has in the
 * cache, and the page.  Afterwards one entry less is wired, and that one is
 * overwritten with something that nobody asks for.
 *
 * Idea.  On a machine whose TLB is filled by software a mapping is an entry
 * there; nothing else is needed for one that lasts a moment.  And where a
 * cache is indexed by address, the address must have the page's colour.
 *
 * Invariant: a CPU's window is in no page table, and in no TLB but that CPU's
 * while it is mapped.
 *
 *	case			L	R	F	IPI	stores
 *	map			0	0	0	0	1
 *	unmap			0	0	0	0	0
 *
 * Writing an entry of the TLB is counted as an entry stored, overwriting it is
 * not counted: there is no page table, no walk and no invalidation.
 *
 * Quirks kept.  There is one: a second nested mapping is refused.  (Interrupts
 * have a second set of addresses, not rebuilt.)
 *
 * Locking.  A critical section from map to unmap.
 *
 * Linux arch/mips/mm/init.c, kmap_coherent(), 2006, Ralf Baechle and Atsushi
 * Nemoto.  The number of colours is that of a 32 KiB cache with 4 KiB pages
 * and 2 ways.
 */

#include "design/percpu_slots.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"

#define COLOURS 4u

struct coherent_slot {
	struct vm_page *m; /* NULL: not mapped */
	eph_va_t kva;	   /* at this colour */
	uint32_t cpu;	   /* (c) */
	char pad[44];
};

struct coherent {
	struct eph_machine *mc;
	eph_va_t window;	    /* (c) COLOURS a CPU */
	struct coherent_slot *slot; /* by CPU */
};

static void
coherent_destroy(void *state)
{
	struct coherent *co = state;
	struct eph_machine *mc = co->mc;

	if (co->window != 0)
		kva_free(mc, co->window, mc->ncpus * COLOURS);
	eph_machine_free(mc, co->slot, mc->ncpus * sizeof(*co->slot));
	eph_machine_free(mc, co, sizeof(*co));
}

static int
coherent_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct coherent *co = eph_machine_alloc(mc, sizeof(*co));
	int error;

	(void)cfg;
	if (co == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	co->mc = mc;
	co->slot = eph_machine_alloc(mc, mc->ncpus * sizeof(*co->slot));
	if (co->slot == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	else
		error = eph_kva_get(mc, mc->ncpus * COLOURS, &co->window, err,
		    "%u colours of %u CPUs", COLOURS, mc->ncpus);
	if (error != 0) {
		coherent_destroy(co);
		return (error);
	}
	for (unsigned c = 0; c < mc->ncpus; c++)
		co->slot[c].cpu = c;
	*statep = co;
	return (0);
}

static int
coherent_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct coherent *co = state;
	struct eph_machine *mc = co->mc;
	struct coherent_slot *slot;
	struct eph_cpu *cpu;

	(void)flags;
	crit_enter(mc);
	cpu = eph_curcpu(mc);
	slot = &co->slot[cpu->id];
	if (slot->m != NULL) {
		crit_exit(mc);
		return (eph_machine_refuse(mc,
		    "CPU %u has a kmap_coherent page already: they do not nest",
		    cpu->id));
	}
	slot->m = m;
	slot->kva = co->window +
	    eph_ptoa(cpu->id * COLOURS + eph_vm_page_colour(m, COLOURS));
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(mc);
	eph_pmap_tlb_write(mc, slot->kva, vm_page_to_phys(m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
coherent_mine(struct coherent *co, const struct coherent_slot *slot)
{
	const unsigned me = eph_curcpu(co->mc)->id;

	if (slot->cpu == me)
		return (0);
	return (eph_machine_refuse(co->mc,
	    "the kmap_coherent page of CPU %u cannot be used or unmapped on "
	    "CPU %u",
	    slot->cpu, me));
}

static int
coherent_unmap(void *state, void *obj)
{
	struct coherent *co = state;
	struct coherent_slot *slot = obj;
	const int error = coherent_mine(co, slot);

	if (error != 0)
		return (error);
	if (slot->m == NULL)
		PANIC("unmapping a page that is not mapped");
	eph_pmap_tlb_clear(co->mc, slot->kva);
	slot->m = NULL;
	EPH_COUNT(co->mc, unmap_calls);
	eph_bufs_dec(co->mc);
	crit_exit(co->mc);
	return (0);
}

static eph_va_t
coherent_kva(void *state, void *obj)
{
	struct coherent *co = state;
	const struct coherent_slot *slot = obj;

	if (coherent_mine(co, slot) != 0)
		return (0);
	EPH_COUNT(co->mc, kva_calls);
	return (slot->kva);
}

static struct vm_page *
coherent_page(void *state, void *obj)
{
	(void)state;
	return (((const struct coherent_slot *)obj)->m);
}

static void
coherent_check(void *state, uint64_t held)
{
	struct coherent *co = state;
	uint64_t used = 0;

	for (unsigned c = 0; c < co->mc->ncpus; c++)
		used += co->slot[c].m != NULL;
	for (uint32_t i = 0; i < co->mc->ncpus * COLOURS; i++) {
		if (pmap_pte_load(co->mc, co->window + eph_ptoa(i)) != 0)
			PANIC("the page table knows a wired address");
	}
	if (used != held)
		PANIC("mappings held and mappings made differ");
}

const struct eph_design_ops eph__mips_kmap_coherent_ops = {
	.abi = EPHMAP_ABI,
	.name = "mips.kmap_coherent",
	.summary = "a wired TLB entry at an address of the page's colour",
	.origin = "Linux arch/mips/mm/init.c, Baechle",
	.date = "2006",
	.from = "kmap_atomic",
	.costs = "nothing",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = 0,
	.nest = 1,
	.create = coherent_create,
	.destroy = coherent_destroy,
	.map = coherent_map,
	.unmap = coherent_unmap,
	.kva = coherent_kva,
	.page = coherent_page,
	.check = coherent_check,
};
