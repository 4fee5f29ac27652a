/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_ACCESS_H
#define MACHINE_ACCESS_H

/*
 * Loads, stores and invalidations of one CPU: the inner loop of a replay.
 *
 * What is inline here is exact in lockstep, where one host thread plays
 * every CPU.  In the other modes accesses go through eph_machine_access(),
 * whose walker sets A and M by compare-and-swap.
 */

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/machine.h"
#include "machine/tlb.h"

static inline uint32_t
machine_va_index(const struct eph_machine *mc, eph_va_t va)
{
	return ((uint32_t)((va - mc->kva_base) >> EPH_PAGE_SHIFT));
}

/* The page-table page under index `i` as seen by `cpu`. */
static inline struct eph_ptp *
machine_ptp(const struct eph_machine *mc, const struct eph_cpu *cpu, uint32_t i)
{
	if (eph_unlikely(i >= mc->window_first))
		return (cpu->window[(i - mc->window_first) >> EPH_PTP_SHIFT]);
	return (mc->ptp[i >> EPH_PTP_SHIFT]);
}

static inline _Atomic(eph_pte_t) *
machine_pte(const struct eph_machine *mc, const struct eph_cpu *cpu, uint32_t i)
{
	return (&machine_ptp(mc, cpu, i)->pte[i & EPH_PTP_MASK]);
}

/* Relaxed: the page table is ordered by what hands an address over. */
static inline eph_pte_t
machine_pte_get(
    const struct eph_machine *mc, const struct eph_cpu *cpu, uint32_t i)
{
	return (atomic_load_explicit(
	    machine_pte(mc, cpu, i), memory_order_relaxed));
}

/* Flush generations: 0x7fff of a kind, 0 the others, 1 the global ones. */
#define EPH_GEN_FIRST(kind) ((kind) == 0 ? 1u : 0x8001u)

/*
 * The shadow: a table of cells, open addressing.  Four addresses in a row
 * share a line of four cells, each with its own first; what finds its line
 * full goes to the next one.
 */
static inline struct eph_shadow *
shadow_first(const struct eph_cpu *cpu, uint32_t i)
{
	const uint32_t hash = ((i >> 2) * 0x9e3779b1u) >> cpu->shadow_shift;

	return (&cpu->shadow[(hash & ~3u) | (i & 3)]);
}

/* Go on looking behind a cell that another address has. */
struct eph_shadow *eph__shadow_probe(
    const struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh);

/*
 * The place of address `i`, or the free cell at which looking for it ends;
 * nothing is live in that.
 */
static inline struct eph_shadow *
shadow_cell(const struct eph_cpu *cpu, uint32_t i)
{
	struct eph_shadow *sh = shadow_first(cpu, i);

	if (eph_unlikely(sh->key >> EPH_SHADOW_KEY_SHIFT != i && sh->word != 0))
		return (eph__shadow_probe(cpu, i, sh));
	return (sh);
}

/* Free the CPU's table. */
void eph__shadow_free(struct eph_cpu *cpu);

/* The cell, to be written: finds room.  Panics when out of memory. */
struct eph_shadow *eph__shadow_cell_make(struct eph_cpu *cpu, uint32_t i);

static inline uint32_t
shadow_frame(const struct eph_shadow *sh)
{
	return ((uint32_t)sh->word & EPH_SHADOW_FRAME);
}

/* The one before, with EPH_SHADOW_MIXED. */
static inline uint32_t
shadow_other(const struct eph_shadow *sh)
{
	return (
	    (uint32_t)(sh->word >> EPH_SHADOW_OTHER_SHIFT) & EPH_SHADOW_FRAME);
}

static inline bool
shadow_live(const struct eph_cpu *cpu, const struct eph_shadow *sh)
{
	return ((sh->key & EPH_SHADOW_LIVE) != 0 &&
	    sh->word >> EPH_SHADOW_GEN_SHIFT ==
		cpu->gen[sh->key & EPH_SHADOW_G]);
}

/*
 * Has the CPU loaded, since it last invalidated this address, a translation
 * that differs from the page table now?
 */
static inline bool
cpu_cell_outdated(
    const struct eph_cpu *cpu, uint32_t i, const struct eph_shadow *sh)
{
	eph_pte_t pte;

	if (!shadow_live(cpu, sh))
		return (false);
	if ((sh->key & EPH_SHADOW_MIXED) != 0)
		return (true);
	pte = machine_pte_get(cpu->mc, cpu, i);
	return (
	    (pte & EPH_PTE_V) == 0 || EPH_PTE_FRAME(pte) != shadow_frame(sh));
}

static inline bool
cpu_holds_outdated(const struct eph_cpu *cpu, uint32_t i)
{
	return (cpu_cell_outdated(cpu, i, shadow_cell(cpu, i)));
}

/*
 * Who holds what, by address: only where there are many CPUs, so that a
 * broadcast visits few of them.  An epoch ends when no CPU holds anything: all
 * that was noted before counts for nothing.
 */

static inline bool
holder_has_set(const struct eph_holder *h)
{
	return ((h->who & EPH_HOLDERS_SET) != 0);
}

static inline eph_cpuword_t *
holder_set(const struct eph_machine *mc, const struct eph_holder *h)
{
	return (&mc->holdersets[(size_t)(h->who & ~EPH_HOLDERS_SET) *
	    mc->cpuwords]);
}

/* What is noted of index `i`, below the window; NULL: no CPU holds it. */
static inline const struct eph_holder *
machine_holder(const struct eph_machine *mc, uint32_t i)
{
	const struct eph_holder *h = mc->holders[i >> EPH_PTP_SHIFT];

	if (h == NULL)
		return (NULL);
	h += i & EPH_PTP_MASK;
	return (h->epoch == mc->epoch && h->who != 0 ? h : NULL);
}

/* Word `w` of the CPUs that may hold a translation of index `i`. */
static inline eph_cpuword_t
machine_holders(const struct eph_machine *mc, uint32_t i, unsigned w)
{
	const struct eph_holder *h = machine_holder(mc, i);

	if (h == NULL)
		return (0);
	if (holder_has_set(h))
		return (holder_set(mc, h)[w]);
	return ((h->who - 1) / 64 == w ? eph_cpuset_bit(h->who - 1) : 0);
}

/* The CPU's shadow has nothing at `i`. */
void eph__cpu_holds_none(const struct eph_cpu *cpu, uint32_t i);

static inline void
cpu_holds_none(const struct eph_cpu *cpu, uint32_t i)
{
	if (eph_unlikely(cpu->mc->crowded))
		eph__cpu_holds_none(cpu, i);
}

/* In a crowd, after a flush: if no CPU holds anything, an epoch ends. */
void eph__machine_epoch(struct eph_machine *mc);

/* Has the CPU something to do, sent or put off, before it goes on? */
static inline bool
cpu_is_behind(const struct eph_cpu *cpu)
{
	/* Relaxed: for checks while nothing runs. */
	return (cpu->pending ||
	    atomic_load_explicit(&cpu->idle, memory_order_relaxed) != 0);
}

/* Execute invlpg on `cpu`; true if there was anything outdated. */
bool eph__cpu_invlpg(struct eph_cpu *cpu, eph_va_t va);

/* The same at index `i`, whose place in the shadow is `sh`. */
bool eph__cpu_invlpg_at(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh);

/* The same without a crowd: mostly nothing is there. */
static inline bool
cpu_invlpg_swift(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_shadow *sh = shadow_cell(cpu, i);

	if (eph_likely(cpu->locked == NULL) && !shadow_live(cpu, sh)) {
		cpu->c.needless_invlpg++;
		return (false);
	}
	return (eph__cpu_invlpg_at(cpu, i, sh));
}

/* Flush `cpu`; with `all`, global entries too. */
void eph__cpu_flush(struct eph_cpu *cpu, bool all);

/* Is anything outdated on `cpu` in npages from va? */
bool eph__cpu_range_outdated(
    const struct eph_cpu *cpu, eph_va_t va, unsigned npages);

/* Count and explain an access that went, or might have gone, astray. */
void eph__machine_stale(struct eph_cpu *cpu, eph_va_t va, enum eph_touch touch,
    const struct eph_shadow *sh, const struct vm_page *m);

/* There is no valid entry: count and explain.  Returns EPH_NONE. */
uint32_t eph__machine_fault(struct eph_cpu *cpu, eph_va_t va,
    enum eph_touch touch, const struct vm_page *m);

/*
 * Slow part of a store: the permission, and M; the cell may have another
 * translation afterwards.  0, ENOTSUP, or EFAULT: the entry is not valid.
 */
int eph__machine_store_slow(
    struct eph_cpu *cpu, eph_va_t va, struct eph_shadow *sh);

/*
 * Load the translation at index `i`, whose place in the shadow is `sh`; NULL
 * if the entry is not valid.
 */
struct eph_shadow *eph__machine_walk(
    struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh);

/*
 * What the hardware does unasked, for explore: load the translation at `i`
 * into the TLB, or forget it there (the oracle does not).  False if there
 * was nothing to load or forget.
 */
bool eph__cpu_speculate(struct eph_cpu *cpu, uint32_t i);
bool eph__cpu_evict(struct eph_cpu *cpu, uint32_t i);

/* Would a load of `pte` leave a cell that is live, and the entry, as is? */
bool eph__shadow_loads_same(const struct eph_shadow *sh, eph_pte_t pte);

/*
 * An entry that software writes into the TLB, locked: it is used without a
 * page table until it is invalidated by its address, whatever is flushed.
 * eph__cpu_unlock() takes it out, by itself: true if it was there.
 */
void eph__cpu_lock(struct eph_cpu *cpu, uint32_t i, eph_pte_t pte);
bool eph__cpu_unlock(struct eph_cpu *cpu, uint32_t i);
void eph__cpu_unlock_all(struct eph_cpu *cpu);

/* eph_machine_access() for executors in which CPUs really run at once. */
int eph__machine_access_shared(struct eph_machine *mc, eph_va_t va,
    enum eph_touch touch, const struct vm_page *m, uint32_t *reached);

/* See eph_machine_access(). */
EPH_INLINE int
machine_access_inline(struct eph_machine *mc, eph_va_t va, enum eph_touch touch,
    const struct vm_page *m, uint32_t *reached)
{
	struct eph_cpu *cpu = mc->cur;
	const uint32_t i = machine_va_index(mc, va);
	struct eph_shadow *sh;

	if (eph_unlikely(!eph_serial(mc) || mc->has_observer))
		return (eph__machine_access_shared(mc, va, touch, m, reached));
	sh = shadow_cell(cpu, i);
	if (eph_likely(shadow_live(cpu, sh)) &&
	    (cpu->tlb == NULL ||
		tlb_lookup(cpu->tlb, tlb_tag(i, sh->key & EPH_SHADOW_G)))) {
		cpu->c.tlb_hit++;
	} else if ((sh = eph__machine_walk(cpu, i, sh)) == NULL) {
		*reached = eph__machine_fault(cpu, va, touch, m);
		return (0);
	}
	if (touch == EPH_TOUCH_WRITE &&
	    (sh->key & (EPH_SHADOW_RW | EPH_SHADOW_D)) !=
		(EPH_SHADOW_RW | EPH_SHADOW_D)) {
		int error = eph__machine_store_slow(cpu, va, sh);

		if (eph_unlikely(error == EFAULT)) {
			*reached = eph__machine_fault(cpu, va, touch, m);
			return (0);
		}
		if (error != 0)
			return (error);
	}
	*reached = shadow_frame(sh);
	if (eph_unlikely(shadow_frame(sh) != m->frame ||
		(sh->key & EPH_SHADOW_MIXED) != 0))
		eph__machine_stale(cpu, va, touch, sh, m);
	return (0);
}

/* What entering `cpu` and counting there will look at. */
EPH_PREFETCHER void
cpu_prefetch(const struct eph_cpu *cpu)
{
	const char *p = (const char *)cpu;

	for (size_t at = 0; at < offsetof(struct eph_cpu, window); at += 64)
		eph_prefetch(p + at);
}

/* What the CPU's TLB has put off; first where that is noted. */
EPH_PREFETCHER void
cpu_prefetch_late(const struct eph_cpu *cpu, bool noted)
{
	if (cpu->tlb == NULL)
		return;
	if (noted)
		tlb_prefetch_late(cpu->tlb);
	else
		eph_prefetch(cpu->tlb);
}

/* What an access at index `i` on `cpu` will look at; any index may be given. */
EPH_PREFETCHER void
cpu_prefetch_address(const struct eph_cpu *cpu, uint32_t i)
{
	const struct eph_machine *mc = cpu->mc;

	eph_prefetch(shadow_first(cpu, i));
	if (cpu->tlb != NULL)
		tlb_prefetch(mc->cur->tlb, cpu->tlb, i);
}

/* What a store of the entry at index `i` will look at; it must be there. */
EPH_PREFETCHER void
machine_prefetch_entry(const struct eph_machine *mc, uint32_t i)
{
	const struct eph_ptp *ptp = mc->ptp[i >> EPH_PTP_SHIFT];
	const struct eph_holder *h = mc->holders[i >> EPH_PTP_SHIFT];
	const uint32_t at = i & EPH_PTP_MASK;

	eph_prefetch(&ptp->pte[at]);
	eph_prefetch(&ptp->origin[at]);
	if (h != NULL)
		eph_prefetch(h + at);
}

/* What noting that `cpu` holds index `i` will look at, then. */
EPH_PREFETCHER void
machine_prefetch_holder(const struct eph_machine *mc, uint32_t i, unsigned cpu)
{
	const struct eph_holder *h = mc->holders[i >> EPH_PTP_SHIFT];

	if (h != NULL && holder_has_set(h + (i & EPH_PTP_MASK)))
		eph_prefetch(&holder_set(mc, h + (i & EPH_PTP_MASK))[cpu / 64]);
}

/* In lockstep: `cpu` has something to do before it goes on. */
static inline void
cpu_mark_pending(struct eph_cpu *cpu)
{
	cpu->pending = true;
	eph_cpuset_set(cpu->mc->pendset, cpu->id);
}

/* See eph_cpu_enter(). */
void eph__cpu_enter_pending(struct eph_machine *mc);

static inline void
cpu_enter_inline(struct eph_machine *mc, unsigned cpu)
{
	mc->cur = mc->cpus[cpu];
	if (eph_unlikely(mc->cur->pending))
		eph__cpu_enter_pending(mc);
}

/* An event for the observer; call only when mc->has_observer. */
void eph__machine_event(struct eph_machine *mc, enum eph_event_kind kind,
    unsigned target, eph_va_t va, uint64_t old, uint64_t new_value,
    const char *text);

#define EPH_EVENT(mc, ...)                                                     \
	do {                                                                   \
		if (eph_unlikely((mc)->has_observer))                          \
			eph__machine_event((mc), __VA_ARGS__);                 \
	} while (0)

#endif /* !MACHINE_ACCESS_H */
