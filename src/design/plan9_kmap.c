/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * plan9.kmap.386, plan9.kmap.amd64: a range of each process's own, and one
 * invlpg a mapping: at the end of its use, or at its beginning.
 *
 * plan9.kmap.386.  From the entry behind the last one that was used on, in a
 * circle, the first that is 0 is stored.  Unmapping stores 0 and invalidates.
 *
 * plan9.kmap.amd64.  The next entry in a circle is stored, whatever happened
 * meanwhile, and invalidated.  Unmapping stores 0 and does not invalidate.
 *
 * Idea.  The range is the process's, so that no other uses it and no other
 * CPU has to hear of it; a process that moves has its TLB flushed by the
 * change of address space.
 *
 * Invariant, 386: an entry that is 0 is in no TLB that the process uses.
 * amd64: the same of an entry that is in use and other translations.
 *
 *	case			L	R	F	IPI	stores
 *	386 map			0	0	0	0	1
 *	386 unmap		1	0	0	0	1
 *	amd64 map		1	0	0	0	1
 *	amd64 unmap		0	0	0	0	1
 *
 * A replay has one process on each CPU.  Its range is nbufs entries.
 *
 * Quirks kept.  All entries in use (386), or the next one in use (amd64), are
 * a panic: refused.  Pages that the kernel maps anyway cost nothing (`dmap`).
 * Before it invalidated each address, the amd64 kernel flushed only when the
 * range began anew, too early by what was in use then (exhibit
 * plan9-kmap-wrap).
 *
 * Locking.  The process is itself: interrupts off while the table changes.
 *
 * Plan 9, 386: sys/src/9/pc/mmu.c, 4th edition (2002), earlier on other
 * machines; amd64: 9front sys/src/9/pc64/mmu.c.
 */

#include "design/slots.h"

struct plan9_kmap {
	struct slots sl;       /* all processes' */
	struct slots_cpu *cpu; /* by CPU: the entry to look at next */
	uint32_t entries;      /* (c) of a process */
	bool amd64;	       /* (c) */
};

static int
plan9_create(struct eph_machine *mc, uint32_t entries, bool amd64,
    void **statep, struct eph_err *err)
{
	struct plan9_kmap *pk;
	const int error =
	    eph__slots_create(mc, sizeof(*pk), (uint64_t)mc->ncpus * entries,
		"KMAP entry of a process", sizeof(*pk->cpu), statep, err);

	if (error != 0)
		return (error);
	pk = *statep;
	pk->entries = entries;
	pk->amd64 = amd64;
	pk->cpu = pk->sl.percpu;
	return (0);
}

static int
plan9_386_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (plan9_create(mc, cfg->nbufs, false, statep, err));
}

static int
plan9_amd64_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (plan9_create(mc, cfg->nbufs, true, statep, err));
}

/* The entry to use, or NULL. */
static struct slot *
plan9_next(struct plan9_kmap *pk)
{
	const unsigned me = eph_curcpu(pk->sl.mc)->id;
	struct slot *first = &pk->sl.slot[(size_t)me * pk->entries];
	uint32_t *at = &pk->cpu[me].cursor;

	for (uint32_t k = 0; k < (pk->amd64 ? 1 : pk->entries); k++) {
		struct slot *slot = &first[*at];

		*at = *at + 1 == pk->entries ? 0 : *at + 1;
		if (pmap_pte_load(pk->sl.mc, slot->kva) == 0)
			return (slot);
	}
	return (NULL);
}

static int
plan9_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct plan9_kmap *pk = state;
	struct eph_machine *mc = pk->sl.mc;
	struct slot *slot;

	(void)flags;
	crit_enter(mc);
	if ((slot = plan9_next(pk)) != NULL) {
		eph__slots_use(&pk->sl, slot, m);
		pmap_pte_store(mc, slot->kva, eph__slots_pte(&pk->sl, m));
		if (pk->amd64)
			pmap_invlpg(mc, slot->kva);
	}
	crit_exit(mc);
	if (slot == NULL)
		return (eph__slots_full(&pk->sl, pk->amd64 ? 1 : pk->entries));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
plan9_unmap(void *state, void *obj)
{
	struct plan9_kmap *pk = state;
	struct eph_machine *mc = pk->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&pk->sl, slot);

	if (error != 0)
		return (error);
	crit_enter(mc);
	(void)eph__slots_leave(&pk->sl, slot);
	pmap_pte_store(mc, slot->kva, 0);
	if (!pk->amd64)
		pmap_invlpg(mc, slot->kva);
	crit_exit(mc);
	return (0);
}

/* clang-format off */
#define PLAN9_KMAP							\
	.abi = EPHMAP_ABI,						\
	.holes = "",							\
	.shootdown = "acked-invlpg",					\
	.policy = "",							\
	.validity = EPH_VALID_THIS_CPU,					\
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_ANY_ORDER,		\
	.destroy = eph__slots_destroy,					\
	.map = plan9_map,						\
	.unmap = plan9_unmap,						\
	.kva = eph__slots_kva_mine,					\
	.page = eph__slots_page,					\
	.check = eph__slots_check
/* clang-format on */

const struct eph_design_ops eph__plan9_kmap_386_ops = {
	PLAN9_KMAP,
	.name = "plan9.kmap.386",
	.summary = "a range of each process, invlpg at unmap",
	.origin = "Plan 9 sys/src/9/pc/mmu.c, Bell Labs",
	.date = "2002",
	.costs = "L 1 an unmap",
	.create = plan9_386_create,
};

const struct eph_design_ops eph__plan9_kmap_amd64_ops = {
	PLAN9_KMAP,
	.name = "plan9.kmap.amd64",
	.summary = "a range of each process, used in order, invlpg at map",
	.origin = "9front sys/src/9/pc64/mmu.c",
	.date = "2016",
	.from = "plan9.kmap.386",
	.costs = "L 1 a map",
	.nest = 1, /* more may meet one in use, as the range begins anew */
	.create = plan9_amd64_create,
};
