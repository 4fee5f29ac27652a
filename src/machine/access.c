/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The out-of-line half of loads, stores and invalidations.  See access.h for
 * the idea, and stale.c for what the oracle says.
 *
 * Under explore and threads the walker works on entries that other CPUs
 * change meanwhile: it sets A and M by compare-and-swap against the entry
 * it translated with, and walks again when that fails, as the hardware's
 * locked update does.
 */

#include "machine/access.h"

#include <errno.h>
#include <inttypes.h>

#include "base/mem.h"
#include "machine/cells.h"
#include "machine/life.h"

#define LOCKED_MAX 16u /* entries of a CPU */

#define SHADOW_SHIFT_FIRST 27 /* 32 cells */

static struct eph_shadow *
shadow_table_alloc(struct eph_machine *mc, uint32_t n)
{
	const size_t bytes = n * sizeof(struct eph_shadow);

	return (mc->crowded ? eph__cells_alloc(mc, bytes)
			    : eph_machine_alloc(mc, bytes));
}

static void
shadow_table_free(struct eph_machine *mc, struct eph_shadow *table, uint32_t n)
{
	const size_t bytes = n * sizeof(*table);

	if (mc->crowded)
		eph__cells_free(mc, table, bytes);
	else
		eph_machine_free(mc, table, bytes);
}

void
eph__shadow_free(struct eph_cpu *cpu)
{
	if (cpu->shadow != cpu->mc->none)
		shadow_table_free(
		    cpu->mc, cpu->shadow, (~0u >> cpu->shadow_shift) + 1);
}

/*
 * A larger table, or one without cells that flushes and invalidations left
 * behind: live cells fill at most three eighths of it, and less where there are
 * few CPUs.
 */
static int
shadow_rebuild(struct eph_cpu *cpu)
{
	struct eph_machine *mc = cpu->mc;
	const struct eph_shadow *old = cpu->shadow;
	const uint32_t oldshift = cpu->shadow_shift;
	const uint32_t n = old == mc->none ? 0 : (~0u >> oldshift) + 1;
	uint32_t live = 0;

	for (uint32_t k = 0; k < n; k++)
		live += shadow_live(cpu, &old[k]);
	cpu->shadow_shift = SHADOW_SHIFT_FIRST;
	while (live + !mc->crowded > ((~0u >> cpu->shadow_shift) + 1) / 8 * 3)
		cpu->shadow_shift--;
	cpu->shadow = shadow_table_alloc(mc, (~0u >> cpu->shadow_shift) + 1);
	if (cpu->shadow == NULL)
		return (ENOMEM);
	cpu->shadow_used = live;
	for (uint32_t k = 0; k < n; k++) {
		if (shadow_live(cpu, &old[k]))
			*shadow_cell(cpu, old[k].key >> EPH_SHADOW_KEY_SHIFT) =
			    old[k];
	}
	if (n != 0)
		shadow_table_free(mc, (void *)(uintptr_t)old, n);
	return (0);
}

struct eph_shadow *
eph__shadow_probe(const struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	const uint32_t mask = ~(uint32_t)0 >> cpu->shadow_shift;
	uint32_t at = (uint32_t)(sh - cpu->shadow);

	/* Round the line, then to the next, at the same place of it. */
	while (sh->key >> EPH_SHADOW_KEY_SHIFT != i && sh->word != 0) {
		at = (at & ~3u) | ((at + 1) & 3);
		if ((at & 3) == (i & 3))
			at = (at + 4) & mask;
		sh = &cpu->shadow[at];
	}
	return (sh);
}

/* The free cell `sh`, to be written; or another, in a larger table. */
static struct eph_shadow *
shadow_cell_take(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	if (cpu->shadow_used >= ((~0u >> cpu->shadow_shift) + 1) / 4 * 3) {
		if (shadow_rebuild(cpu) != 0)
			PANIC("out of memory for the oracle's shadow");
		sh = shadow_cell(cpu, i);
	}
	cpu->shadow_used++;
	return (sh);
}

struct eph_shadow *
eph__shadow_cell_make(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_shadow *sh = shadow_cell(cpu, i);

	if (eph_likely(sh->word != 0))
		return (sh);
	return (shadow_cell_take(cpu, i, sh));
}

/* Without a branch for each. */
static inline uint32_t
shadow_flags(eph_pte_t pte)
{
	CTASSERT(EPH_PTE_G / EPH_SHADOW_G == 0x100);
	CTASSERT(EPH_PTE_M / EPH_SHADOW_D == 0x10);
	CTASSERT(EPH_SHADOW_RW / EPH_PTE_RW == 4);
	return (EPH_SHADOW_LIVE | ((uint32_t)(pte >> 8) & EPH_SHADOW_G) |
	    ((uint32_t)(pte >> 4) & EPH_SHADOW_D) |
	    ((uint32_t)(pte << 2) & EPH_SHADOW_RW));
}

/* A set of CPUs more, whatever is in it. */
static uint32_t
holder_set_make(struct eph_machine *mc)
{
	const size_t bytes = mc->cpuwords * sizeof(eph_cpuword_t);
	const uint32_t free = mc->holderset_free;

	if (free != 0) {
		mc->holderset_free =
		    (uint32_t)mc->holdersets[(size_t)(free - 1) * mc->cpuwords];
		return (free - 1);
	}
	if (mc->nholdersets == mc->holdersets_size) {
		const uint32_t n =
		    mc->holdersets_size == 0 ? 64 : mc->holdersets_size * 2;

		mc->holdersets = eph_mem_grow(mc->mem, mc->holdersets,
		    mc->holdersets_size * bytes, n * bytes);
		if (mc->holdersets == NULL)
			PANIC("out of memory for the oracle's shadow");
		mc->holdersets_size = n;
	}
	return (mc->nholdersets++);
}

/* The address has no set any more. */
static void
holder_set_drop(struct eph_machine *mc, struct eph_holder *h)
{
	*holder_set(mc, h) = mc->holderset_free;
	mc->holderset_free = 1 + (h->who & ~EPH_HOLDERS_SET);
}

/* Another CPU than the one that there is. */
static void
holder_add(struct eph_machine *mc, struct eph_holder *h, unsigned cpu)
{
	const unsigned one = h->who - 1;

	if (!holder_has_set(h)) {
		h->who = EPH_HOLDERS_SET | holder_set_make(mc);
		eph_cpuset_zero(holder_set(mc, h), mc->cpuwords);
		eph_cpuset_set(holder_set(mc, h), one);
	}
	eph_cpuset_set(holder_set(mc, h), cpu);
}

/* In a crowd: the CPU is one that a flush, or an invlpg at `i`, is for. */
static void
shadow_note(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_machine *mc = cpu->mc;
	struct eph_holder *h, **of;

	if (!cpu->loaded)
		eph_cpuset_set(mc->loadset, cpu->id);
	if (i >= mc->window_first)
		return;
	of = &mc->holders[i >> EPH_PTP_SHIFT];
	if (eph_unlikely(*of == NULL)) {
		*of = eph_machine_alloc(mc, EPH_PTP_HOLDERS_BYTES);
		if (*of == NULL)
			PANIC("out of memory for the oracle's shadow");
	}
	h = *of + (i & EPH_PTP_MASK);
	if (h->epoch != mc->epoch || h->who == 0) {
		if (holder_has_set(h))
			holder_set_drop(mc, h);
		h->epoch = mc->epoch;
		h->who = 1 + cpu->id;
	} else if (h->who != 1 + cpu->id) {
		holder_add(mc, h, cpu->id);
	}
}

void
eph__cpu_holds_none(const struct eph_cpu *cpu, uint32_t i)
{
	const struct eph_machine *mc = cpu->mc;
	struct eph_holder *h;

	if (i >= mc->window_first || mc->holders[i >> EPH_PTP_SHIFT] == NULL)
		return;
	h = mc->holders[i >> EPH_PTP_SHIFT] + (i & EPH_PTP_MASK);
	if (h->epoch != mc->epoch)
		return;
	if (holder_has_set(h))
		eph_cpuset_clear(holder_set(mc, h), cpu->id);
	else if (h->who == 1 + cpu->id)
		h->who = 0;
}

void
eph__machine_epoch(struct eph_machine *mc)
{
	if (!eph_cpuset_isempty(mc->loadset, mc->cpuwords) ||
	    !eph_cpuset_isempty(mc->pendset, mc->cpuwords))
		return;
	eph_cpuset_zero(mc->strayset, mc->cpuwords);
	/* After 2^32 of them notes of the first would count again. */
	if (++mc->epoch == 0)
		PANIC("the oracle's epochs are used up");
}

/*
 * The CPU loads `pte` at index `i`: into the shadow, and into its TLB.
 * `crowded` is constant.
 */
EPH_INLINE struct eph_shadow *
shadow_load_at(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh,
    eph_pte_t pte, bool crowded)
{
	const uint32_t frame = EPH_PTE_FRAME(pte);
	uint32_t flags = shadow_flags(pte);
	uint64_t other = 0;

	if (shadow_live(cpu, sh)) {
		if (shadow_frame(sh) != frame) {
			flags |= EPH_SHADOW_MIXED;
			other = shadow_frame(sh);
		} else {
			flags |= sh->key & EPH_SHADOW_MIXED;
			other = shadow_other(sh);
		}
	}
	sh->key = i << EPH_SHADOW_KEY_SHIFT | flags;
	sh->word = (uint64_t)cpu->gen[flags & EPH_SHADOW_G]
		<< EPH_SHADOW_GEN_SHIFT |
	    other << EPH_SHADOW_OTHER_SHIFT | frame;
	sh->when = (uint32_t)cpu->mc->step;
	if (crowded)
		shadow_note(cpu, i);
	cpu->loaded = true;
	if (cpu->tlb != NULL)
		tlb_fill(cpu->tlb, tlb_tag(i, flags & EPH_SHADOW_G));
	return (sh);
}

/* The same where there is a crowd, or the cell is a free one. */
static struct eph_shadow *
shadow_load_slow(
    struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh, eph_pte_t pte)
{
	if (sh->word == 0)
		sh = shadow_cell_take(cpu, i, sh);
	if (cpu->mc->crowded)
		return (shadow_load_at(cpu, i, sh, pte, true));
	return (shadow_load_at(cpu, i, sh, pte, false));
}

EPH_INLINE struct eph_shadow *
shadow_load(
    struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh, eph_pte_t pte)
{
	if (eph_unlikely(sh->word == 0 || cpu->mc->crowded))
		return (shadow_load_slow(cpu, i, sh, pte));
	return (shadow_load_at(cpu, i, sh, pte, false));
}

/* Set `bits` in an entry that must still equal `pte`; false if it changed. */
static bool
pte_update(struct eph_machine *mc, _Atomic(eph_pte_t) *slot, eph_pte_t pte,
    eph_pte_t bits)
{
	if (eph_serial(mc)) {
		/* Relaxed: one host thread. */
		atomic_store_explicit(slot, pte | bits, memory_order_relaxed);
		return (true);
	}
	/* Relaxed: A and M say nothing about other memory. */
	return (atomic_compare_exchange_strong_explicit(slot, &pte, pte | bits,
	    memory_order_relaxed, memory_order_relaxed));
}

EPH_INLINE struct eph_shadow *
machine_load(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	struct eph_machine *mc = cpu->mc;
	_Atomic(eph_pte_t) *slot = machine_pte(mc, cpu, i);
	eph_pte_t pte;

	if (eph_likely(eph_serial(mc))) {
		/* Relaxed: one host thread. */
		pte = atomic_load_explicit(slot, memory_order_relaxed);
		if ((pte & EPH_PTE_V) == 0)
			return (NULL);
		atomic_store_explicit(
		    slot, pte | EPH_PTE_A, memory_order_relaxed);
		return (shadow_load(cpu, i, sh, pte));
	}
	do {
		/* Relaxed: pte_update() finds out if it changed. */
		pte = atomic_load_explicit(slot, memory_order_relaxed);
		if ((pte & EPH_PTE_V) == 0)
			return (NULL);
	} while (
	    (pte & EPH_PTE_A) == 0 && !pte_update(mc, slot, pte, EPH_PTE_A));
	return (shadow_load(cpu, i, sh, pte));
}

/* Entries that software wrote into this CPU's TLB and locked there. */
struct eph_locked {
	uint32_t n;
	uint32_t index[LOCKED_MAX];
	eph_pte_t pte[LOCKED_MAX];
};

void
eph__cpu_lock(struct eph_cpu *cpu, uint32_t i, eph_pte_t pte)
{
	struct eph_locked *lk = cpu->locked;

	if (lk == NULL) {
		lk = eph_machine_alloc(cpu->mc, sizeof(*lk));
		if ((cpu->locked = lk) == NULL)
			PANIC("out of memory for locked TLB entries");
	}
	KASSERT(lk->n < LOCKED_MAX, "more TLB entries are locked than it has");
	lk->index[lk->n] = i;
	lk->pte[lk->n++] = pte;
	(void)shadow_load(cpu, i, shadow_cell(cpu, i), pte);
	/* It may have been there. */
	if (cpu->tlb != NULL)
		tlb_fill_late(cpu->tlb);
}

bool
eph__cpu_unlock(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_locked *lk = cpu->locked;

	for (uint32_t k = 0; lk != NULL && k < lk->n; k++) {
		if (lk->index[k] != i)
			continue;
		lk->n--;
		lk->index[k] = lk->index[lk->n];
		lk->pte[k] = lk->pte[lk->n];
		return (true);
	}
	return (false);
}

void
eph__cpu_unlock_all(struct eph_cpu *cpu)
{
	eph_machine_free(cpu->mc, cpu->locked, sizeof(*cpu->locked));
	cpu->locked = NULL;
}

/* The cell of a locked entry, which no flush and no eviction takes away. */
static struct eph_shadow *
cpu_locked(struct eph_cpu *cpu, uint32_t i)
{
	const struct eph_locked *lk = cpu->locked;
	struct eph_shadow *sh;

	for (uint32_t k = 0; k < lk->n; k++) {
		if (lk->index[k] != i)
			continue;
		sh = shadow_cell(cpu, i);
		if (!shadow_live(cpu, sh))
			sh = shadow_load(cpu, i, sh, lk->pte[k]);
		sh->key &= ~(uint32_t)EPH_SHADOW_GONE;
		return (sh);
	}
	return (NULL);
}

static struct eph_shadow *
machine_walk_locked(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	struct eph_shadow *locked = cpu_locked(cpu, i);

	if (locked != NULL) {
		cpu->c.tlb_hit++;
		return (locked);
	}
	cpu->c.tlb_miss++;
	cpu->c.walk_step += cpu->mc->levels;
	return (machine_load(cpu, i, sh));
}

struct eph_shadow *
eph__machine_walk(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	if (eph_unlikely(cpu->locked != NULL))
		return (machine_walk_locked(cpu, i, sh));
	cpu->c.tlb_miss++;
	cpu->c.walk_step += cpu->mc->levels;
	return (machine_load(cpu, i, sh));
}

bool
eph__cpu_speculate(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_shadow *sh = shadow_cell(cpu, i);

	if (shadow_live(cpu, sh) && (sh->key & EPH_SHADOW_GONE) == 0)
		return (false);
	return (machine_load(cpu, i, sh) != NULL);
}

bool
eph__cpu_evict(struct eph_cpu *cpu, uint32_t i)
{
	struct eph_shadow *sh = shadow_cell(cpu, i);

	if (!shadow_live(cpu, sh) || (sh->key & EPH_SHADOW_GONE) != 0)
		return (false);
	sh->key |= EPH_SHADOW_GONE;
	return (true);
}

bool
eph__shadow_loads_same(const struct eph_shadow *sh, eph_pte_t pte)
{
	return ((pte & EPH_PTE_A) != 0 &&
	    shadow_frame(sh) == EPH_PTE_FRAME(pte) &&
	    (sh->key & EPH_SHADOW_FLAGS & ~(uint32_t)EPH_SHADOW_MIXED) ==
		shadow_flags(pte));
}

/* This CPU's translation of index `i`, which is live, is gone. */
static void
cpu_drop(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	if (cpu->tlb != NULL)
		tlb_remove(cpu->tlb, tlb_tag(i, sh->key & EPH_SHADOW_G));
	sh->key &= ~(uint32_t)EPH_SHADOW_FLAGS;
	cpu_holds_none(cpu, i);
}

/*
 * A store through a translation that is not known to be dirty: M is set in
 * the entry as it is now.  If that is another one, it is walked to, and what
 * the CPU held is gone.  Like setting M this costs nothing here.
 */
int
eph__machine_store_slow(struct eph_cpu *cpu, eph_va_t va, struct eph_shadow *sh)
{
	struct eph_machine *mc = cpu->mc;
	const uint32_t i = machine_va_index(mc, va);
	_Atomic(eph_pte_t) *slot = machine_pte(mc, cpu, i);
	eph_pte_t pte;

	do {
		pte = atomic_load_explicit(slot, memory_order_relaxed);
		if ((pte & EPH_PTE_V) == 0 ||
		    EPH_PTE_FRAME(pte) != shadow_frame(sh)) {
			cpu_drop(cpu, i, sh);
			if ((sh = machine_load(cpu, i, sh)) == NULL)
				return (EFAULT);
			pte = machine_pte_get(mc, cpu, i);
		}
		if ((sh->key & EPH_SHADOW_RW) == 0)
			return (eph_machine_refuse(mc,
			    "a store through the read-only mapping at "
			    "%#" PRIx64,
			    va));
	} while ((pte & EPH_PTE_M) == 0 &&
	    !pte_update(mc, slot, pte, EPH_PTE_A | EPH_PTE_M));
	sh->key |= EPH_SHADOW_D;
	return (0);
}

bool
eph__cpu_invlpg(struct eph_cpu *cpu, eph_va_t va)
{
	const uint32_t i = machine_va_index(cpu->mc, va);

	if (eph_unlikely(cpu->mc->crowded))
		cpu_prefetch_address(cpu, i);
	return (eph__cpu_invlpg_at(cpu, i, shadow_cell(cpu, i)));
}

bool
eph__cpu_invlpg_at(struct eph_cpu *cpu, uint32_t i, struct eph_shadow *sh)
{
	bool outdated;

	if (eph_unlikely(cpu->locked != NULL))
		(void)eph__cpu_unlock(cpu, i);
	if (!shadow_live(cpu, sh)) {
		cpu->c.needless_invlpg++;
		cpu_holds_none(cpu, i);
		return (false);
	}
	outdated = cpu_cell_outdated(cpu, i, sh);
	if (!outdated)
		cpu->c.needless_invlpg++;
	if (eph_unlikely((sh->key & EPH_SHADOW_G) != 0) &&
	    eph_unlikely(cpu->mc->tlb_model->keeps_global))
		return (outdated);
	cpu_drop(cpu, i, sh);
	return (outdated);
}

/* Forget everything the slow way, because a generation number wraps. */
static void
cpu_forget(struct eph_cpu *cpu)
{
	for (uint32_t k = 0; k <= ~0u >> cpu->shadow_shift; k++) {
		if (!shadow_live(cpu, &cpu->shadow[k]))
			cpu->shadow[k].key &= ~(uint32_t)EPH_SHADOW_FLAGS;
	}
}

/* Non-global generations count below 2^15, global ones above. */
static void
cpu_next_gen(struct eph_cpu *cpu, unsigned kind)
{
	const uint32_t first = EPH_GEN_FIRST(kind);
	const uint32_t last = first + 0x7ffeu;

	if (cpu->gen[kind] == last) {
		cpu_forget(cpu);
		cpu->gen[kind] = first - 1;
	}
	cpu->gen[kind]++;
	if (cpu->tlb != NULL)
		tlb_next_gen(cpu->tlb, kind);
}

void
eph__cpu_flush(struct eph_cpu *cpu, bool all)
{
	if (cpu->tlb != NULL)
		tlb_flush_late(cpu->tlb, all);
	cpu_next_gen(cpu, 0);
	if (all)
		cpu_next_gen(cpu, 1);
	if (!all && cpu->mc->pgeflag != 0)
		return;
	cpu->loaded = false;
	if (eph_unlikely(cpu->mc->crowded)) {
		eph_cpuset_clear(cpu->mc->loadset, cpu->id);
		eph_cpuset_set(cpu->mc->strayset, cpu->id);
	}
	if (eph_unlikely(cpu->mc->tlbclock != NULL))
		eph__tlbclock_flushed(cpu);
}

bool
eph__cpu_range_outdated(const struct eph_cpu *cpu, eph_va_t va, unsigned npages)
{
	const uint32_t i = machine_va_index(cpu->mc, va);
	const uint32_t last = ~0u >> cpu->shadow_shift;

	if (npages <= last) {
		for (unsigned k = 0; k < npages; k++) {
			if (cpu_holds_outdated(cpu, i + k))
				return (true);
		}
		return (false);
	}
	/* Fewer cells than pages. */
	for (uint32_t k = 0; k <= last; k++) {
		const struct eph_shadow *sh = &cpu->shadow[k];
		const uint32_t at = sh->key >> EPH_SHADOW_KEY_SHIFT;

		if (shadow_live(cpu, sh) && at - i < npages &&
		    cpu_holds_outdated(cpu, at))
			return (true);
	}
	return (false);
}

void
eph__cpu_enter_pending(struct eph_machine *mc)
{
	mc->deliver(mc);
}

void
eph_cpu_enter(struct eph_machine *mc, unsigned cpu)
{
	KASSERT(cpu < mc->ncpus, "no such CPU");
	cpu_enter_inline(mc, cpu);
}

int
eph__machine_access_shared(struct eph_machine *mc, eph_va_t va,
    enum eph_touch touch, const struct vm_page *m, uint32_t *reached)
{
	struct eph_cpu *cpu = eph_curcpu(mc);
	const uint32_t i = machine_va_index(mc, va);
	struct eph_shadow *sh = shadow_cell(cpu, i);
	const enum eph_access what =
	    touch == EPH_TOUCH_WRITE ? EPH_ACCESS_STORE : EPH_ACCESS_LOAD;
	int error = 0;
	bool hit;

	if (mc->has_points) {
		mc->before_access(mc, va, touch);
		sh = shadow_cell(cpu, i);
	}
	hit = shadow_live(cpu, sh) && (sh->key & EPH_SHADOW_GONE) == 0 &&
	    (cpu->tlb == NULL ||
		tlb_lookup(cpu->tlb, tlb_tag(i, sh->key & EPH_SHADOW_G)));
	if (hit) {
		cpu->c.tlb_hit++;
	} else if ((sh = eph__machine_walk(cpu, i, sh)) == NULL) {
		*reached = eph__machine_fault(cpu, va, touch, m);
		return (0);
	} else {
		EPH_EVENT(mc, EPH_EV_WALK, cpu->id, va, what,
		    machine_pte_get(mc, cpu, i), NULL);
	}
	if (touch == EPH_TOUCH_WRITE &&
	    (sh->key & (EPH_SHADOW_RW | EPH_SHADOW_D)) !=
		(EPH_SHADOW_RW | EPH_SHADOW_D)) {
		const uint32_t held = shadow_frame(sh);

		error = eph__machine_store_slow(cpu, va, sh);
		if (error == 0 && shadow_frame(sh) != held) {
			hit = false;
			EPH_EVENT(mc, EPH_EV_WALK, cpu->id, va,
			    EPH_ACCESS_STORE_AGAIN, machine_pte_get(mc, cpu, i),
			    NULL);
		}
	}
	if (error == EFAULT) {
		*reached = eph__machine_fault(cpu, va, touch, m);
		return (0);
	}
	if (hit)
		EPH_EVENT(
		    mc, EPH_EV_HIT, cpu->id, va, what, shadow_frame(sh), NULL);
	*reached = shadow_frame(sh);
	if (error == 0 &&
	    (shadow_frame(sh) != m->frame || (sh->key & EPH_SHADOW_MIXED) != 0))
		eph__machine_stale(cpu, va, touch, sh, m);
	return (error);
}

int
eph_machine_access(struct eph_machine *mc, eph_va_t va, enum eph_touch touch,
    const struct vm_page *m, uint32_t *reached)
{
	return (machine_access_inline(mc, va, touch, m, reached));
}
