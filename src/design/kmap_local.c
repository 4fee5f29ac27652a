/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmap_local: kmap_atomic whose holder may be preempted, because the slots
 * move with the thread.
 *
 * What it does.  Each thread has a stack of mappings, on the slots of the
 * CPU it is bound to while it holds any.  A thread that is switched out
 * takes its entries along: they are cleared and invalidated.  When it is
 * switched in they are stored again at the same addresses, as it cannot
 * have moved to another CPU.
 *
 * Idea.  Disabling migration is enough; disabling preemption is not needed
 * if the context switch does the invalidations that the next thread would.
 *
 * Invariant: the entries of a CPU's slots are those of the thread that runs
 * there; all others are empty, and no translation of them is left.
 *
 *	case			L	R	F	IPI
 *	map			0	0	0	0
 *	unmap			1	0	0	0
 *	switch out, k live	k	0	0	0
 *	switch in, k live	0	0	0	0	(k stores)
 *
 * So a mapping that is held over a context switch costs one more invlpg for each
 * switch; `kmap_atomic' has none, as there is no switch.
 *
 * arm.kmap_local.  The same code on 32-bit ARM invalidates after it has
 * stored an entry too:
 *
 *	map			1	0	0	0
 *	unmap			1	0	0	0
 *	switch out, k live	k	0	0	0
 *	switch in, k live	k	0	0	0	(k stores)
 *
 * (Caches that are indexed and tagged by address are flushed before an entry
 * goes, which is no event here.  A page that kmap has mapped already is used
 * there; a run has one design, so that never happens.)
 *
 * Quirks kept.  The test for overflow comes after the increment, so of
 * KM_MAX_IDX 16 slots 15 can be used; one more is a BUG, here refused.
 * Unmapping in another than the reverse order is a warning there and
 * refused here, and so is use on another CPU.
 *
 * Locking.  None: a CPU's slots, and the mappings of threads switched out
 * on it, are that CPU's; changed in a critical section, which ends before
 * map() returns.
 *
 * Linux 5.11 (2020-12), Thomas Gleixner; arch/arm/include/asm/highmem.h.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/percpu_slots.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define KM_MAX_IDX 16u
#define KM_USABLE  (KM_MAX_IDX - 1u)

/* The mappings of a thread that is switched out: its kmap_ctrl. */
struct kmap_ctrl {
	struct kmap_ctrl *next;
	const struct eph_thread *td;
	uint32_t depth;
	struct vm_page *m[KM_USABLE];
};

struct kmap_local {
	struct percpu_slots ps;
	struct kmap_ctrl **out; /* by CPU: threads switched out there */
	bool post_map;		/* (c) invalidate what has been stored */
};

static void
kmap_local_destroy(void *state)
{
	struct kmap_local *kl = state;
	struct eph_machine *mc = kl->ps.mc;

	for (unsigned c = 0; kl->out != NULL && c < mc->ncpus; c++)
		KASSERT(kl->out[c] == NULL, "a thread still has mappings");
	eph_machine_free(mc, kl->out, mc->ncpus * sizeof(*kl->out));
	eph__percpu_slots_fini(&kl->ps);
	eph_machine_free(mc, kl, sizeof(*kl));
}

static int
kmap_local_make(
    struct eph_machine *mc, bool post_map, void **statep, struct eph_err *err)
{
	struct kmap_local *kl = eph_machine_alloc(mc, sizeof(*kl));
	int error;

	if (kl == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	kl->post_map = post_map;
	error = eph__percpu_slots_init(
	    &kl->ps, mc, KM_USABLE, "kmap_local slot", err);
	kl->out = eph_machine_alloc(mc, mc->ncpus * sizeof(*kl->out));
	if (error == 0 && kl->out == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0)
		kmap_local_destroy(kl);
	else
		*statep = kl;
	return (error);
}

static int
kmap_local_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg;
	return (kmap_local_make(mc, false, statep, err));
}

static int
arm_kmap_local_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	(void)cfg;
	return (kmap_local_make(mc, true, statep, err));
}

static void
kmap_local_enter(const struct kmap_local *kl, const struct percpu_slot *slot)
{
	struct eph_machine *mc = kl->ps.mc;

	if (pmap_pte_load(mc, slot->kva) != 0)
		PANIC("kmap_local: the slot's entry is not empty");
	pmap_pte_store(mc, slot->kva,
	    vm_page_to_phys(slot->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	if (kl->post_map)
		pmap_invlpg(mc, slot->kva);
}

static int
kmap_local_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct kmap_local *kl = state;
	struct eph_machine *mc = kl->ps.mc;
	struct percpu_slot *slot;

	(void)flags;
	crit_enter(mc);
	if ((slot = eph__percpu_slots_push(&kl->ps, m)) != NULL) {
		kmap_local_enter(kl, slot);
		*mp = (struct eph_mapping){ slot, slot->kva };
	}
	crit_exit(mc);
	return (slot != NULL ? 0 : ENOTSUP);
}

static int
kmap_local_unmap(void *state, void *obj)
{
	struct kmap_local *kl = state;
	struct eph_machine *mc = kl->ps.mc;
	struct percpu_slot *slot = obj;
	int error;

	crit_enter(mc);
	if ((error = eph__percpu_slots_may_pop(&kl->ps, slot)) == 0) {
		pmap_kremove_quick(mc, slot->kva);
		eph__percpu_slots_pop(&kl->ps, slot);
	}
	crit_exit(mc);
	return (error);
}

/* Keep what the current thread has mapped, and clear its slots. */
static void
kmap_local_sched_out(void *state)
{
	struct kmap_local *kl = state;
	struct eph_machine *mc = kl->ps.mc;
	const unsigned me = eph_curcpu(mc)->id;
	const uint32_t depth = kl->ps.depth[me].now;
	struct kmap_ctrl *kc;

	if (depth == 0)
		return;
	if ((kc = eph_machine_alloc(mc, sizeof(*kc))) == NULL)
		PANIC("out of memory in a context switch");
	crit_enter(mc);
	kc->td = mc->exec->curthread(mc);
	kc->depth = depth;
	for (uint32_t i = 0; i < depth; i++) {
		struct percpu_slot *slot = percpu_slots_at(&kl->ps, me, i);

		kc->m[i] = slot->m;
		slot->m = NULL;
		pmap_kremove_quick(mc, slot->kva);
	}
	kl->ps.depth[me].now = 0;
	kc->next = kl->out[me];
	kl->out[me] = kc;
	crit_exit(mc);
}

/* Bring back what the current thread had mapped when it left. */
static void
kmap_local_sched_in(void *state)
{
	struct kmap_local *kl = state;
	struct eph_machine *mc = kl->ps.mc;
	const struct eph_thread *td = mc->exec->curthread(mc);
	const unsigned me = eph_curcpu(mc)->id;
	struct kmap_ctrl **kcp = &kl->out[me];
	struct kmap_ctrl *kc;

	while (*kcp != NULL && (*kcp)->td != td)
		kcp = &(*kcp)->next;
	if ((kc = *kcp) == NULL)
		return;
	KASSERT(kl->ps.depth[me].now == 0, "the thread before left mappings");
	crit_enter(mc);
	*kcp = kc->next;
	for (uint32_t i = 0; i < kc->depth; i++) {
		struct percpu_slot *slot = percpu_slots_at(&kl->ps, me, i);

		slot->m = kc->m[i];
		kmap_local_enter(kl, slot);
	}
	kl->ps.depth[me].now = kc->depth;
	eph_machine_free(mc, kc, sizeof(*kc));
	crit_exit(mc);
}

static void
kmap_local_check(void *state, uint64_t held)
{
	struct kmap_local *kl = state;
	uint64_t out = 0;

	for (unsigned c = 0; c < kl->ps.mc->ncpus; c++) {
		for (const struct kmap_ctrl *kc = kl->out[c]; kc != NULL;
		     kc = kc->next)
			out += kc->depth;
	}
	if (out > held)
		PANIC("more mappings are switched out than held");
	eph__percpu_slots_check(&kl->ps, held - out, true);
}

const struct eph_design_ops eph__kmap_local_ops = {
	.abi = EPHMAP_ABI,
	.name = "kmap_local",
	.summary = "a stack of addresses per thread, moved at context switches",
	.origin = "Linux 5.11, Gleixner",
	.date = "2020-12",
	.from = "kmap_atomic",
	.costs = "L 1 an unmap, and a switch",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = KM_USABLE,
	.create = kmap_local_create,
	.destroy = kmap_local_destroy,
	.map = kmap_local_map,
	.unmap = kmap_local_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.switch_out = kmap_local_sched_out,
	.switch_in = kmap_local_sched_in,
	.check = kmap_local_check,
};

const struct eph_design_ops eph__arm_kmap_local_ops = {
	.abi = EPHMAP_ABI,
	.name = "arm.kmap_local",
	.summary = "the same on 32-bit ARM: invlpg at map and at unmap",
	.origin = "Linux 5.11, Gleixner",
	.date = "2020-12",
	.from = "kmap_local",
	.costs = "L 2 a use",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = KM_USABLE,
	.create = arm_kmap_local_create,
	.destroy = kmap_local_destroy,
	.map = kmap_local_map,
	.unmap = kmap_local_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.switch_out = kmap_local_sched_out,
	.switch_in = kmap_local_sched_in,
	.check = kmap_local_check,
};
