/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The kernel pmap, with the events that pmap.h lists.
 *
 * Every change of an entry goes through pte_put(), which counts, notes who
 * stored it, and tells the observer; every invalidation of other CPUs goes
 * through the machine's shootdown protocol.  Page-table pages and the
 * levels above them are made with the addresses and never change, as in
 * kernels that preallocate them; only walks see how many levels there are.
 */

#include "ephmap/kernel/pmap.h"

#include <inttypes.h>

#include "base/kassert.h"
#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/shootdown.h"
#include "kern/pmap_swift.h"

#define PTE_KERNEL(mc, pa) ((pa) | EPH_PTE_V | EPH_PTE_RW | (mc)->pgeflag)

static inline void
pte_note(struct eph_machine *mc, struct eph_cpu *cpu, eph_va_t va, uint32_t i,
    eph_pte_t old, eph_pte_t pte)
{
	struct eph_pte_origin *by =
	    &machine_ptp(mc, cpu, i)->origin[i & EPH_PTP_MASK];

	/* Relaxed: for explanations. */
	atomic_store_explicit(&by->cpu, cpu->id, memory_order_relaxed);
	atomic_store_explicit(
	    &by->when, (uint32_t)mc->step, memory_order_relaxed);
	cpu->c.pte_store++;
	EPH_EVENT(mc, EPH_EV_PTE, cpu->id, va, old, pte, NULL);
	if (eph_unlikely((mc->shootflags & EPH_SHOOT_CHANGES) != 0) &&
	    (old & EPH_PTE_V) != 0)
		eph_shoot_changed(mc, va);
}

static inline void
pmap_point(struct eph_machine *mc, enum eph_point_kind kind, const void *obj,
    const char *what)
{
	if (eph_unlikely(mc->has_points))
		mc->exec->point(mc, kind, obj, what);
}

/* What a protocol has put off for this address is due. */
static inline void
pte_settle(struct eph_machine *mc, eph_va_t va, eph_pte_t pte)
{
	if (eph_unlikely((mc->shootflags & EPH_SHOOT_SETTLE) != 0) &&
	    (pte & EPH_PTE_V) != 0)
		eph_shoot_settle(mc, va);
}

static void
pte_store_slow(struct eph_machine *mc, eph_va_t va, eph_pte_t pte)
{
	struct eph_cpu *cpu = eph_curcpu(mc);
	const uint32_t i = machine_va_index(mc, va);
	_Atomic(eph_pte_t) *slot = machine_pte(mc, cpu, i);
	eph_pte_t old;

	pte_settle(mc, va, pte);
	eph_clock_line(mc, slot);
	pmap_point(mc, EPH_POINT_PTE, slot, "store pte");
	cpu = eph_curcpu(mc);
	old = atomic_load_explicit(slot, memory_order_relaxed);
	/*
	 * Release: with threads a CPU that walks to this entry must see the
	 * page's contents as they were when it was mapped.
	 */
	atomic_store_explicit(slot, pte, memory_order_release);
	pte_note(mc, cpu, va, i, old, pte);
}

/* Who stores an entry mostly uses it next. */
static void
pte_store_crowd(struct eph_machine *mc, eph_va_t va, eph_pte_t pte)
{
	const uint32_t i = machine_va_index(mc, va);

	cpu_prefetch_address(mc->cur, i);
	if (i < mc->window_first)
		machine_prefetch_holder(mc, i, mc->cur->id);
	pmap_store_swift(mc, mc->cur, i, pte);
}

void
pmap_pte_store(struct eph_machine *mc, eph_va_t va, eph_pte_t pte)
{
	if (eph_likely(mc->swift))
		pmap_store_swift(mc, mc->cur, machine_va_index(mc, va), pte);
	else if (mc->plain && mc->shootflags == 0)
		pte_store_crowd(mc, va, pte);
	else
		pte_store_slow(mc, va, pte);
}

eph_pte_t
pmap_pte_load(struct eph_machine *mc, eph_va_t va)
{
	const uint32_t i = machine_va_index(mc, va);

	if (eph_likely(mc->swift))
		return (machine_pte_get(mc, mc->cur, i));
	pmap_point(
	    mc, EPH_POINT_PTE, machine_pte(mc, eph_curcpu(mc), i), "load pte");
	/* Acquire: some designs hand addresses over by the entry alone. */
	return (atomic_load_explicit(
	    machine_pte(mc, eph_curcpu(mc), i), memory_order_acquire));
}

eph_pte_t
pmap_pte_swap(struct eph_machine *mc, eph_va_t va, eph_pte_t pte)
{
	struct eph_cpu *cpu = eph_curcpu(mc);
	const uint32_t i = machine_va_index(mc, va);
	_Atomic(eph_pte_t) *slot = machine_pte(mc, cpu, i);
	eph_pte_t old;

	pte_settle(mc, va, pte);
	eph_clock_line(mc, slot);
	pmap_point(mc, EPH_POINT_PTE, slot, "swap pte");
	cpu = eph_curcpu(mc);
	/* Release as in pmap_pte_store; the walker's A and M are in `old`. */
	old = atomic_exchange_explicit(slot, pte, memory_order_acq_rel);
	pte_note(mc, cpu, va, i, old, pte);
	return (old);
}

void
pmap_invlpg(struct eph_machine *mc, eph_va_t va)
{
	struct eph_cpu *cpu;

	if (eph_likely(mc->swift)) {
		pmap_invlpg_swift(mc->cur, machine_va_index(mc, va));
		return;
	}
	pmap_point(mc, EPH_POINT_TLB, eph_curcpu(mc), "invlpg");
	cpu = eph_curcpu(mc);
	cpu->c.invlpg_local++;
	(void)eph__cpu_invlpg(cpu, va);
	EPH_EVENT(mc, EPH_EV_INVLPG, cpu->id, va, 0, 0, NULL);
}

void
eph_pmap_tlb_write(struct eph_machine *mc, eph_va_t va, eph_pa_t pa)
{
	struct eph_cpu *cpu;

	pmap_point(mc, EPH_POINT_TLB, eph_curcpu(mc), "write a TLB entry");
	cpu = eph_curcpu(mc);
	cpu->c.pte_store++;
	eph__cpu_lock(cpu, machine_va_index(mc, va),
	    pa | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A | EPH_PTE_M);
	EPH_NOTE(mc, "TLB entry locked: 0x%" PRIx64 " to frame %u", va,
	    EPH_PTE_FRAME(pa));
}

void
eph_pmap_tlb_clear(struct eph_machine *mc, eph_va_t va)
{
	struct eph_cpu *cpu;
	uint64_t needless;

	pmap_point(mc, EPH_POINT_TLB, eph_curcpu(mc), "overwrite a TLB entry");
	cpu = eph_curcpu(mc);
	needless = cpu->c.needless_invlpg;
	(void)eph__cpu_invlpg(cpu, va);
	cpu->c.needless_invlpg = needless;
	EPH_NOTE(mc, "TLB entry overwritten: 0x%" PRIx64, va);
}

void
pmap_flush_local(struct eph_machine *mc, bool all)
{
	struct eph_cpu *cpu;

	pmap_point(mc, EPH_POINT_TLB, eph_curcpu(mc),
	    all ? "flush all" : "reload CR3");
	cpu = eph_curcpu(mc);
	cpu->c.flush_local++;
	eph__cpu_flush(cpu, all);
	if (eph_unlikely(mc->crowded))
		eph__machine_epoch(mc);
	EPH_EVENT(mc, EPH_EV_FLUSH, cpu->id, 0, 0, all, NULL);
}

/* The parts of a request that protocols have in common. */

void
eph_shoot_store(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->ptes == NULL && !req->zero)
		return;
	for (unsigned k = 0; k < req->npages; k++)
		pmap_pte_store(
		    mc, req->va + eph_ptoa(k), req->zero ? 0 : req->ptes[k]);
}

void
eph_shoot_local(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (!req->local)
		return;
	for (unsigned k = 0; k < req->npages; k++)
		pmap_invlpg(mc, req->va + eph_ptoa(k));
}

static void
pmap_others(struct eph_machine *mc, eph_cpuword_t *set)
{
	if (eph_likely(mc->cpuwords == 1)) {
		set[0] = mc->allcpus[0] & ~eph_cpuset_bit(eph_curcpu(mc)->id);
		return;
	}
	eph_cpuset_copy(set, mc->allcpus, mc->cpuwords);
	eph_cpuset_clear(set, eph_curcpu(mc)->id);
}

/* A change of `npages` from `va`, on this CPU and all others. */
static void
pmap_shoot_all(struct eph_machine *mc, eph_va_t va, unsigned npages,
    const eph_pte_t *ptes, bool zero)
{
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	const struct eph_shoot req = {
		.targets = others,
		.va = va,
		.npages = npages,
		.ptes = ptes,
		.zero = zero,
		.local = true,
	};

	KASSERT(npages > 0 && va >= mc->kva_base && npages <= mc->kva_pages &&
		machine_va_index(mc, va) <= mc->kva_pages - npages,
	    "pmap.h: the pages lie in the mapping space");
	pmap_others(mc, others);
	mc->shootdown->shoot(mc, &req);
}

void
pmap_kenter(struct eph_machine *mc, eph_va_t va, eph_pa_t pa)
{
	const eph_pte_t pte = PTE_KERNEL(mc, pa);

	pmap_shoot_all(mc, va, 1, &pte, false);
}

void
pmap_kenter_quick(struct eph_machine *mc, eph_va_t va, eph_pa_t pa)
{
	const uint32_t i = machine_va_index(mc, va);

	if (eph_likely(mc->swift)) {
		pmap_store_swift(mc, mc->cur, i, PTE_KERNEL(mc, pa));
		pmap_invlpg_swift(mc->cur, i);
		return;
	}
	pmap_pte_store(mc, va, PTE_KERNEL(mc, pa));
	pmap_invlpg(mc, va);
}

void
pmap_kenter_sync(struct eph_machine *mc, eph_va_t va)
{
	pmap_shoot_all(mc, va, 1, NULL, false);
}

void
pmap_kenter_sync_quick(struct eph_machine *mc, eph_va_t va)
{
	pmap_invlpg(mc, va);
}

void
pmap_kremove(struct eph_machine *mc, eph_va_t va)
{
	pmap_shoot_all(mc, va, 1, NULL, true);
}

void
pmap_kremove_quick(struct eph_machine *mc, eph_va_t va)
{
	pmap_pte_store(mc, va, 0);
	pmap_invlpg(mc, va);
}

void
pmap_qenter(struct eph_machine *mc, eph_va_t va, struct vm_page *const *m,
    unsigned npages)
{
	eph_pte_t ptes[EPH_QENTER_MAX];

	if (eph_likely(npages == 1)) {
		ptes[0] = PTE_KERNEL(mc, vm_page_to_phys(m[0]));
		pmap_shoot_all(mc, va, 1, ptes, false);
		return;
	}
	KASSERT(npages <= EPH_QENTER_MAX, "more pages than a transfer has");
	for (unsigned k = 0; k < npages; k++)
		ptes[k] = PTE_KERNEL(mc, vm_page_to_phys(m[k]));
	pmap_shoot_all(mc, va, npages, ptes, false);
}

void
pmap_qremove(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	pmap_shoot_all(mc, va, npages, NULL, true);
}

void
pmap_qenter2(struct eph_machine *mc, eph_va_t va, struct vm_page *const *m,
    unsigned npages, eph_cpuword_t *cpumask)
{
	const unsigned me = eph_curcpu(mc)->id;

	for (unsigned k = 0; k < npages; k++) {
		const eph_va_t at = va + eph_ptoa(k);
		const eph_pte_t want = vm_page_to_phys(m[k]) | EPH_PTE_A |
		    EPH_PTE_RW | EPH_PTE_V | mc->pgeflag;

		if (pmap_pte_load(mc, at) != want) {
			eph_cpuset_zero(cpumask, mc->cpuwords);
			pmap_pte_store(mc, at, want);
			pmap_invlpg(mc, at);
		} else if (!eph_cpuset_isset(cpumask, me)) {
			pmap_invlpg(mc, at);
		}
	}
	eph_cpuset_set(cpumask, me);
}

uint32_t
pmap_kextract(struct eph_machine *mc, eph_va_t va)
{
	const eph_pte_t pte = pmap_pte_load(mc, va);

	return ((pte & EPH_PTE_V) != 0 ? EPH_PTE_FRAME(pte) : EPH_NONE);
}

void
pmap_invalidate_range(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	pmap_shoot_all(mc, va, npages, NULL, false);
}

void
smp_masked_invlpg(
    struct eph_machine *mc, const eph_cpuword_t *others, eph_va_t va)
{
	const struct eph_shoot req = {
		.targets = others,
		.va = va,
		.npages = 1,
	};

	eph_shoot(mc, &req);
}

void
smp_invltlb(struct eph_machine *mc, eph_va_t va, unsigned npages, bool all)
{
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	pmap_others(mc, others);
	eph_shoot_flush(mc, others, va, npages, all);
}
