/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The machine: what loads and stores do to the page table and the counters,
 * what is a needless invalidation, and the oracle's verdicts, with their
 * words.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"
#include "text_run.h"

struct fixture {
	struct eph_machine *mc;
	eph_va_t va;
	struct vm_page *page[3];
	struct eph_counters last;
};

static void
open_machine(struct fixture *f, const char *tlb, unsigned ncpus)
{
	const struct eph_machine_config cfg = { .tlb = tlb, .ncpus = ncpus };

	memset(f, 0, sizeof(*f));
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &f->mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_machine_set_shootdown(
				  f->mc, eph_shootdown_find("acked-invlpg")),
	    0);
	f->va = kva_alloc(f->mc, 300);
	CU_ASSERT_NOT_EQUAL_FATAL(f->va, 0);
	for (uint32_t i = 0; i < 3; i++)
		f->page[i] = vm_page_get(f->mc, i);
}

static void
close_machine(struct fixture *f)
{
	kva_free(f->mc, f->va, 300);
	CU_ASSERT_EQUAL(eph_machine_destroy(f->mc), 0);
}

static uint32_t
touch(struct fixture *f, unsigned cpu, enum eph_touch how, unsigned page)
{
	uint32_t reached = 77;

	eph_cpu_enter(f->mc, cpu);
	CU_ASSERT_EQUAL(
	    eph_machine_access(f->mc, f->va, how, f->page[page], &reached), 0);
	return (reached);
}

static struct eph_counters
since(struct fixture *f)
{
	struct eph_counters now, diff;

	eph_machine_counters(f->mc, &now);
	eph_counters_sub(&diff, &now, &f->last);
	f->last = now;
	return (diff);
}

static eph_pte_t
pte_of(unsigned page, unsigned bits)
{
	return (eph_ptoa(page) | bits);
}

static void
a_load_sets_a_and_a_store_sets_m(void)
{
	struct fixture f;
	struct eph_counters c;

	open_machine(&f, "infinite", 2);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va),
	    pte_of(1, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A));
	c = since(&f);
	CU_ASSERT_EQUAL(c.tlb_miss, 1);
	CU_ASSERT_EQUAL(c.walk_step, 4);
	/* A write through an entry not yet dirty is a hit, and sets M. */
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), 1);
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va),
	    pte_of(1, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A | EPH_PTE_M));
	c = since(&f);
	CU_ASSERT_EQUAL(c.tlb_hit, 1);
	CU_ASSERT_EQUAL(c.tlb_miss, 0);
	CU_ASSERT_EQUAL(c.walk_step, 0);
	/* A write that walks sets both at once. */
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 1, EPH_TOUCH_WRITE, 1), 1);
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va),
	    pte_of(1, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A | EPH_PTE_M));
	close_machine(&f);
}

static void
a_and_m_are_not_set_again_from_the_tlb(void)
{
	struct fixture f;

	open_machine(&f, "infinite", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), 1);
	/* The entry is rewritten; this CPU still has it, dirty. */
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), 1);
	CU_ASSERT_EQUAL(
	    pmap_pte_load(f.mc, f.va), pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(since(&f).tlb_hit, 2);
	close_machine(&f);
}

static void
m_is_not_set_in_an_entry_that_went_invalid(void)
{
	struct fixture f;

	open_machine(&f, "infinite", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), 1);
	pmap_pte_store(f.mc, f.va, 0);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), 1);
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va), 0);
	close_machine(&f);
}

/* To set M the entry is looked at, and what it says now is used. */
static void
a_store_through_a_clean_translation_walks(const char *tlb)
{
	struct fixture f;
	struct eph_counters c;

	open_machine(&f, tlb, 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	pmap_pte_store(f.mc, f.va, pte_of(2, EPH_PTE_V | EPH_PTE_RW));
	(void)since(&f);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 2), 2);
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va),
	    pte_of(2, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A | EPH_PTE_M));
	c = since(&f);
	CU_ASSERT_EQUAL(c.tlb_hit, 1);
	CU_ASSERT_EQUAL(c.walk_step, 0);
	CU_ASSERT_EQUAL(c.stale_use + c.stale_possible, 0);
	/* What it held is gone. */
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), 2);
	CU_ASSERT_EQUAL(since(&f).stale_possible, 0);
	/* A load does not look; nor does a store when it is dirty. */
	pmap_pte_store(f.mc, f.va, pte_of(0, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 0), 2);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 0), 2);
	CU_ASSERT_EQUAL(since(&f).stale_use, 2);
	close_machine(&f);
}

static void
a_store_through_a_clean_translation(void)
{
	struct fixture f;

	a_store_through_a_clean_translation_walks("infinite");
	a_store_through_a_clean_translation_walks("zen");
	/* The entry is gone, or read-only now. */
	open_machine(&f, "infinite", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	pmap_pte_store(f.mc, f.va, 0);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_WRITE, 1), EPH_NONE);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.mc->violations[0].text, "page fault"));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), EPH_NONE);
	close_machine(&f);
}

static void
a_store_through_a_read_only_entry_is_refused(void)
{
	struct fixture f;
	uint32_t reached;

	open_machine(&f, "infinite", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	CU_ASSERT_EQUAL(eph_machine_access(
			    f.mc, f.va, EPH_TOUCH_WRITE, f.page[1], &reached),
	    ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.mc->refusal, "read-only"));
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va) & EPH_PTE_M, 0);
	close_machine(&f);
}

static void
no_valid_entry_is_a_page_fault_and_is_not_cached(void)
{
	struct fixture f;
	struct eph_counters c;

	open_machine(&f, "infinite", 1);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), EPH_NONE);
	c = since(&f);
	CU_ASSERT_EQUAL(c.stale_use, 1);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.mc->violations[0].text, "page fault"));
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	close_machine(&f);
}

static void
returning_to_the_same_page_is_not_stale(void)
{
	struct fixture f;

	open_machine(&f, "infinite", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	pmap_pte_store(f.mc, f.va, pte_of(2, EPH_PTE_V | EPH_PTE_RW));
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	CU_ASSERT_EQUAL(f.mc->nviolations, 0);
	pmap_invlpg(f.mc, f.va);
	CU_ASSERT_EQUAL(since(&f).needless_invlpg, 1);
	close_machine(&f);
}

static void
a_stale_use_is_explained(void)
{
	struct fixture f;
	char address[32];
	const char *text;

	open_machine(&f, "infinite", 3);
	(void)snprintf(
	    address, sizeof(address), "%#llx", (unsigned long long)f.va);
	f.mc->step = 11;
	eph_cpu_enter(f.mc, 0);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	f.mc->step = 12;
	CU_ASSERT_EQUAL(touch(&f, 2, EPH_TOUCH_WRITE, 1), 1);
	f.mc->step = 13;
	eph_cpu_enter(f.mc, 1);
	pmap_kenter_quick(f.mc, f.va, eph_ptoa(2));
	f.mc->step = 14;
	CU_ASSERT_EQUAL(touch(&f, 2, EPH_TOUCH_WRITE, 2), 1);
	CU_ASSERT_EQUAL(since(&f).stale_use, 1);
	text = f.mc->violations[0].text;
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "stale use: CPU 2's store at"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, address));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "meant for frame 2"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "reached frame 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "loaded at step 12"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "CPU 1 stored the entry at step 13"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "missing: invlpg or a flush on CPU 2"));
	close_machine(&f);
}

/* A reload of CR3 looks like a flush, and keeps global entries. */
static void
a_flush_that_keeps_global_entries_is_named(void)
{
	struct fixture f;

	open_machine(&f, "infinite", 1);
	pmap_pte_store(
	    f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	pmap_pte_store(
	    f.mc, f.va, pte_of(2, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G));
	pmap_flush_local(f.mc, false);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.mc->violations[0].text,
	    "a flush of global entries too on CPU 0, which has flushed and "
	    "kept them"));
	close_machine(&f);
}

static void
what_a_finite_tlb_forgot_is_still_possible(void)
{
	struct fixture f;
	const char *text;

	open_machine(&f, "pentium4", 1);
	pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
	/* 64 others push it out. */
	for (unsigned i = 1; i <= 64; i++) {
		const eph_va_t va = f.va + eph_ptoa(i);
		uint32_t reached;

		pmap_pte_store(f.mc, va, pte_of(2, EPH_PTE_V));
		CU_ASSERT_EQUAL(eph_machine_access(f.mc, va, EPH_TOUCH_READ,
				    f.page[2], &reached),
		    0);
	}
	pmap_pte_store(f.mc, f.va, pte_of(2, EPH_PTE_V | EPH_PTE_RW));
	(void)since(&f);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), 2);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	text = f.mc->violations[0].text;
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "stale use possible: CPU 0's load"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "reached frame 2"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "translation to frame 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "CPU 0 stored the entry"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "missing:"));
	/* Again, by a hit; and an invalidation there is needed. */
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), 2);
	CU_ASSERT_EQUAL(since(&f).stale_possible, 2);
	pmap_invlpg(f.mc, f.va);
	CU_ASSERT_EQUAL(since(&f).needless_invlpg, 0);
	CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), 2);
	CU_ASSERT_EQUAL(since(&f).stale_possible, 0);
	close_machine(&f);
}

static void
needless_is_what_found_nothing_outdated(void)
{
	struct fixture f;
	struct eph_counters c;

	open_machine(&f, "infinite", 3);
	/* Nobody loaded anything. */
	eph_cpu_enter(f.mc, 0);
	pmap_kenter(f.mc, f.va, eph_ptoa(1));
	c = since(&f);
	CU_ASSERT_EQUAL(c.invlpg_local + c.invlpg_remote, 3);
	CU_ASSERT_EQUAL(c.needless_invlpg, 3);
	CU_ASSERT_EQUAL(c.needless_ipi, 2);
	/* CPU 1 loaded what is replaced; CPU 0 what is not. */
	CU_ASSERT_EQUAL(touch(&f, 1, EPH_TOUCH_READ, 1), 1);
	eph_cpu_enter(f.mc, 0);
	pmap_kenter(f.mc, f.va, eph_ptoa(2));
	c = since(&f);
	CU_ASSERT_EQUAL(c.needless_invlpg, 2);
	CU_ASSERT_EQUAL(c.needless_ipi, 1);
	/* Loaded, and the entry is what it was: needless. */
	CU_ASSERT_EQUAL(touch(&f, 1, EPH_TOUCH_READ, 2), 2);
	eph_cpu_enter(f.mc, 0);
	pmap_kenter_sync(f.mc, f.va);
	c = since(&f);
	CU_ASSERT_EQUAL(c.needless_invlpg, 3);
	CU_ASSERT_EQUAL(c.needless_ipi, 2);
	/* Removed after a load: needed there. */
	CU_ASSERT_EQUAL(touch(&f, 2, EPH_TOUCH_READ, 2), 2);
	eph_cpu_enter(f.mc, 0);
	pmap_kremove(f.mc, f.va);
	c = since(&f);
	CU_ASSERT_EQUAL(c.needless_invlpg, 2);
	CU_ASSERT_EQUAL(c.needless_ipi, 1);
	close_machine(&f);
}

/*
 * One page of a range is outdated, whichever: the range is, and those beside
 * it are not.  A CPU has room for few pages at first, so that of so many it
 * looks through what it holds instead.
 */
static void
a_range_is_outdated_by_any_of_its_pages(void)
{
	for (unsigned i = 0; i < 32; i++) {
		struct fixture f;
		uint32_t reached;
		eph_va_t va;

		open_machine(&f, "infinite", 1);
		va = f.va + eph_ptoa(32 + i);
		pmap_pte_store(f.mc, va, pte_of(0, EPH_PTE_V));
		(void)eph_machine_access(
		    f.mc, va, EPH_TOUCH_READ, f.page[0], &reached);
		CU_ASSERT(!eph__cpu_range_outdated(
		    f.mc->cpus[0], f.va + eph_ptoa(32), 32));
		pmap_pte_store(f.mc, va, pte_of(1, EPH_PTE_V));
		CU_ASSERT(eph__cpu_range_outdated(
		    f.mc->cpus[0], f.va + eph_ptoa(32), 32));
		CU_ASSERT(eph__cpu_range_outdated(f.mc->cpus[0], va, 1));
		CU_ASSERT(!eph__cpu_range_outdated(
		    f.mc->cpus[0], va - eph_ptoa(2), 2));
		CU_ASSERT(!eph__cpu_range_outdated(f.mc->cpus[0], f.va, 32));
		CU_ASSERT(!eph__cpu_range_outdated(
		    f.mc->cpus[0], f.va + eph_ptoa(64), 32));
		CU_ASSERT(!eph__cpu_range_outdated(
		    f.mc->cpus[0], va + eph_ptoa(1), 32));
		CU_ASSERT(!eph__cpu_range_outdated(
		    f.mc->cpus[0], va - eph_ptoa(32), 32));
		close_machine(&f);
	}
}

/*
 * Flushes are counted in 15 bits.  When these wrap, what was loaded under the
 * same number is as gone as all else.
 */
static void
wrap_with_pages(unsigned n)
{
	struct eph_counters c;
	struct fixture f;
	eph_va_t va;

	open_machine(&f, "infinite", 1);
	va = f.va;
	for (unsigned k = 0; k < n; k++) {
		f.va = va + eph_ptoa(k);
		pmap_pte_store(f.mc, f.va, pte_of(0, EPH_PTE_V));
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 0), 0);
	}
	for (unsigned i = 0; i < 0x7fff; i++)
		pmap_flush_local(f.mc, true);
	(void)since(&f);
	for (unsigned k = 0; k < n; k++) {
		f.va = va + eph_ptoa(k);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 0), 0);
	}
	c = since(&f);
	CU_ASSERT_EQUAL(c.tlb_miss, n);
	CU_ASSERT_EQUAL(c.tlb_hit, 0);
	f.va = va;
	close_machine(&f);
}

static void
flushes_that_wrap_forget_too(void)
{
	for (unsigned n = 3; n < 300; n *= 2)
		wrap_with_pages(n);
}

/* What software locked into the TLB stays over flushes, until it is cleared. */
static void
a_locked_entry_is_not_flushed(void)
{
	static const char *const tlbs[] = { "infinite", "skylake" };

	for (unsigned i = 0; i < 2; i++) {
		struct fixture f;
		struct eph_counters c;
		eph_va_t va;

		open_machine(&f, tlbs[i], 1);
		va = f.va;
		pmap_pte_store(f.mc, va, pte_of(0, EPH_PTE_V));
		eph_pmap_tlb_write(f.mc, va + eph_ptoa(1), eph_ptoa(1));
		eph_pmap_tlb_write(f.mc, va + eph_ptoa(2), eph_ptoa(2));
		for (unsigned again = 0; again < 2; again++) {
			pmap_flush_local(f.mc, true);
			/* Its cells hold others, too. */
			for (unsigned k = 3; k < 40; k++) {
				f.va = va + eph_ptoa(k);
				pmap_pte_store(
				    f.mc, f.va, pte_of(0, EPH_PTE_V));
				CU_ASSERT_EQUAL(
				    touch(&f, 0, EPH_TOUCH_READ, 0), 0);
			}
			(void)since(&f);
			for (unsigned page = 1; page < 3; page++) {
				f.va = va + eph_ptoa(page);
				CU_ASSERT_EQUAL(
				    touch(&f, 0, EPH_TOUCH_WRITE, page), page);
			}
			c = since(&f);
			CU_ASSERT_EQUAL(c.tlb_hit, 2);
			CU_ASSERT_EQUAL(c.tlb_miss, 0);
			CU_ASSERT_EQUAL(c.walk_step, 0);
		}
		f.va = va;
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 0), 0);
		c = since(&f);
		CU_ASSERT_EQUAL(c.tlb_hit, 0);
		CU_ASSERT_EQUAL(c.tlb_miss, 1);
		CU_ASSERT_EQUAL(c.walk_step, f.mc->levels);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 0), 0);
		c = since(&f);
		CU_ASSERT_EQUAL(c.tlb_hit, 1);
		CU_ASSERT_EQUAL(c.tlb_miss, 0);
		eph_pmap_tlb_clear(f.mc, va + eph_ptoa(2));
		f.va = va + eph_ptoa(1);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		f.va = va + eph_ptoa(2);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 2), EPH_NONE);
		CU_ASSERT_EQUAL(f.mc->nviolations, 1);
		f.va = va;
		close_machine(&f);
	}
}

static void
a_cr3_reload_keeps_global_entries(void)
{
	struct fixture f;
	struct eph_counters c;

	for (unsigned g = 0; g < 2; g++) {
		open_machine(&f, g ? "skylake" : "infinite", 1);
		pmap_pte_store(
		    f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G));
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		pmap_flush_local(f.mc, false);
		(void)since(&f);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		CU_ASSERT_EQUAL(since(&f).tlb_hit, 1);
		pmap_flush_local(f.mc, true);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		c = since(&f);
		CU_ASSERT_EQUAL(c.flush_local, 1);
		CU_ASSERT_EQUAL(c.tlb_miss, 1);
		/* invlpg takes global entries too. */
		pmap_invlpg(f.mc, f.va);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		CU_ASSERT_EQUAL(since(&f).tlb_miss, 1);
		/* Others go with either. */
		pmap_pte_store(f.mc, f.va, pte_of(1, EPH_PTE_V | EPH_PTE_RW));
		pmap_invlpg(f.mc, f.va);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		pmap_flush_local(f.mc, false);
		(void)since(&f);
		CU_ASSERT_EQUAL(touch(&f, 0, EPH_TOUCH_READ, 1), 1);
		CU_ASSERT_EQUAL(since(&f).tlb_miss, 1);
		close_machine(&f);
	}
}

static void
walks_read_one_entry_a_level(void)
{
	static const struct {
		const char *model;
		unsigned levels;
	} want[] = { { "i386-p4", 2 }, { "amd64-opteron", 4 },
		{ "amd64-skylake", 4 }, { "amd64-zen", 4 } };
	struct eph_run_result res;
	struct eph_err err;

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct eph_run_config cfg = {
			.machine = want[i].model, .cpus = 2, .nbufs = 4
		};

		CU_ASSERT_EQUAL(
		    text_run_config("sf_buf.lru", &cfg,
			"m 0 1 1\nr 0 1\nr 0 1\nr 1 1\n", &res, &err),
		    0);
		CU_ASSERT_EQUAL(res.counters.tlb_miss, 2);
		CU_ASSERT_EQUAL(res.counters.walk_step, 2 * want[i].levels);
	}
}

static void
the_last_frame_is_a_page_and_the_next_is_none(void)
{
	struct fixture f;
	struct vm_page *m;

	open_machine(&f, "infinite", 1);
	m = vm_page_get(f.mc, EPH_FRAMES_MAX - 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->frame, EPH_FRAMES_MAX - 1);
	CU_ASSERT_PTR_NULL(vm_page_get(f.mc, EPH_FRAMES_MAX));
	close_machine(&f);
}

static void
bad_configurations_are_told(void)
{
	struct eph_machine_config cfg = { .ncpus = 0 };
	struct eph_machine *mc = NULL;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_machine_create(&cfg, &mc, &err), EINVAL);
	cfg.ncpus = EPH_CPUS_MAX + 1;
	CU_ASSERT_EQUAL(eph_machine_create(&cfg, &mc, &err), EINVAL);
	cfg.ncpus = 2;
	cfg.model = "vax";
	CU_ASSERT_EQUAL(eph_machine_create(&cfg, &mc, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "vax"));
	cfg.model = NULL;
	cfg.tlb = "leaky";
	CU_ASSERT_EQUAL(eph_machine_create(&cfg, &mc, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "leaky"));
	CU_ASSERT_PTR_NULL(mc);
	CU_ASSERT_EQUAL(eph_machine_destroy(NULL), 0);
}

/* Uses outside the class, as traces. */

static void
private_mappings_elsewhere_are_stale_or_lucky(void)
{
	static const char *const designs[] = { "sf_buf.cpumask",
		"sf_buf.accessed" };
	struct eph_run_result res;

	for (unsigned i = 0; i < 2; i++) {
		/* CPU 1 holds page 1 there, dirty. */
		CU_ASSERT_EQUAL(text_run(designs[i], 2, 1, "infinite",
				    "m 0 1 1\n"
				    "w 1 1\n"
				    "u 0 1\n"
				    "m 0 2 2 private\n"
				    "r 0 2\n"
				    "r 1 2\n"
				    "w 1 2\n"
				    "u 0 2\n",
				    &res),
		    0);
		CU_ASSERT_EQUAL(res.counters.stale_use, 2);
		CU_ASSERT_EQUAL(res.counters.stale_possible, 0);
		CU_ASSERT_EQUAL(res.violations_total, 2);
		CU_ASSERT_EQUAL(res.violations, 2);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(res.violation[0].text, "CPU 1's load"));
		CU_ASSERT_PTR_NOT_NULL(strstr(
		    res.violation[0].text, "meant for page 2, reached page 1"));
		CU_ASSERT_PTR_NOT_NULL(strstr(
		    res.violation[0].text, "CPU 0 stored the entry at line 5"));
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(res.violation[1].text, "CPU 1's store"));
		/* Clean: a store looks at the entry, and is lucky. */
		CU_ASSERT_EQUAL(text_run(designs[i], 2, 1, "infinite",
				    "m 1 1 1 private\n"
				    "r 1 1\n"
				    "u 1 1\n"
				    "m 0 2 2 private\n"
				    "w 1 2\n"
				    "u 0 2\n",
				    &res),
		    0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
		/* CPU 1 holds nothing there: lucky. */
		CU_ASSERT_EQUAL(text_run(designs[i], 2, 1, "infinite",
				    "m 0 1 1\n"
				    "r 0 1\n"
				    "u 0 1\n"
				    "m 0 2 2 private\n"
				    "r 1 2\n"
				    "u 0 2\n",
				    &res),
		    0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
		/* CPU 1 holds the same page there: not stale. */
		CU_ASSERT_EQUAL(text_run(designs[i], 2, 1, "infinite",
				    "m 0 1 1\n"
				    "r 1 1\n"
				    "u 0 1\n"
				    "m 0 2 2 private\n"
				    "u 0 2\n"
				    "m 0 1 3 private\n"
				    "r 1 3\n"
				    "u 0 3\n",
				    &res),
		    0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
	}
}

static void
only_the_first_violations_are_kept(void)
{
	struct eph_run_result res;
	char lines[4096] = "m 0 1 1\nr 1 1\nu 0 1\nm 0 2 2 private\n";

	for (int i = 0; i < 40; i++)
		(void)strcat(lines, "r 1 2\n");
	CU_ASSERT_EQUAL(
	    text_run("sf_buf.accessed", 2, 1, "infinite", lines, &res), 0);
	CU_ASSERT_EQUAL(res.violations_total, 40);
	CU_ASSERT_EQUAL(res.violations, EPH_VIOLATIONS_KEPT);
}

/* Where CPUs run at once nobody notes who holds what: that takes no lock. */
static void
the_crowd_is_lockstep_only(void)
{
	const struct eph_machine_config cfg = { .ncpus = 16 };
	struct eph_machine *mc;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_TRUE(mc->crowded);
	CU_ASSERT_EQUAL_FATAL(eph_threads_attach(mc), 0);
	CU_ASSERT_FALSE(mc->crowded);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static CU_TestInfo tests[] = {
	TEST(a_load_sets_a_and_a_store_sets_m),
	TEST(a_and_m_are_not_set_again_from_the_tlb),
	TEST(m_is_not_set_in_an_entry_that_went_invalid),
	TEST(a_store_through_a_clean_translation),
	TEST(a_store_through_a_read_only_entry_is_refused),
	TEST(no_valid_entry_is_a_page_fault_and_is_not_cached),
	TEST(returning_to_the_same_page_is_not_stale),
	TEST(a_stale_use_is_explained),
	TEST(a_flush_that_keeps_global_entries_is_named),
	TEST(what_a_finite_tlb_forgot_is_still_possible),
	TEST(needless_is_what_found_nothing_outdated),
	TEST(a_range_is_outdated_by_any_of_its_pages),
	TEST(flushes_that_wrap_forget_too),
	TEST(a_locked_entry_is_not_flushed),
	TEST(a_cr3_reload_keeps_global_entries),
	TEST(walks_read_one_entry_a_level),
	TEST(the_last_frame_is_a_page_and_the_next_is_none),
	TEST(bad_configurations_are_told),
	TEST(private_mappings_elsewhere_are_stale_or_lucky),
	TEST(only_the_first_violations_are_kept),
	TEST(the_crowd_is_lockstep_only),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "machine", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
