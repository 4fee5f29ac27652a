/* SPDX-License-Identifier: BSD-2-Clause */

/* The KVA arena: against a bitmap; order of reuse; exhaustion; window. */

#include <errno.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/kernel/aspace.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

enum { WATCHED = 4096, RANGES = 200 };

static struct eph_machine *
machine(void)
{
	const struct eph_machine_config cfg = { .model = "i386-p4",
		.ncpus = 2 };
	struct eph_machine *mc = NULL;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_machine_set_shootdown(mc, eph_shootdown_find("acked-invlpg")),
	    0);
	return (mc);
}

static bool
claim(bool *used, uint32_t first, uint32_t n)
{
	bool was_free = first + n <= WATCHED;

	for (uint32_t i = first; i < first + n && was_free; i++) {
		was_free = !used[i];
		used[i] = true;
	}
	return (was_free);
}

static void
ranges_never_overlap(void)
{
	static bool used[WATCHED];
	struct {
		uint32_t first;
		uint32_t n;
	} range[RANGES];
	struct eph_machine *mc = machine();
	uint32_t n = 0, pages = 0, peak = 0, wrong = 0;
	struct prng r;

	eph__prng_init(&r, 3, 3);
	memset(used, 0, sizeof(used));
	for (int i = 0; i < 5000; i++) {
		if (n < RANGES && prng_below(&r, 2) == 0) {
			const uint32_t want = 1 + prng_below(&r, 4);
			const eph_va_t va = kva_alloc(mc, want);

			range[n].first = (uint32_t)eph_atop(va - mc->kva_base);
			range[n].n = want;
			wrong += !claim(used, range[n].first, want);
			n++;
			pages += want;
			peak = pages > peak ? pages : peak;
		} else if (n > 0) {
			const uint32_t k = prng_below(&r, n);

			kva_free(mc, mc->kva_base + eph_ptoa(range[k].first),
			    range[k].n);
			memset(used + range[k].first, 0, range[k].n);
			pages -= range[k].n;
			range[k] = range[--n];
		}
		wrong += kva_usage(mc).now != pages;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(kva_usage(mc).peak, peak);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
what_was_given_back_last_is_taken_first(void)
{
	struct eph_machine *mc = machine();
	eph_va_t va[3];

	for (int i = 0; i < 3; i++)
		va[i] = kva_alloc(mc, 1);
	CU_ASSERT_EQUAL(va[1], va[0] + EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(va[2], va[1] + EPH_PAGE_SIZE);
	kva_free(mc, va[2], 1);
	kva_free(mc, va[0], 1);
	CU_ASSERT_EQUAL(kva_alloc(mc, 1), va[0]);
	CU_ASSERT_EQUAL(kva_alloc(mc, 1), va[2]);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
too_much_is_refused_and_all_of_it_is_not(void)
{
	struct eph_machine *mc = machine();
	const uint32_t all = mc->kva_pages - 1; /* page 0 is nobody's */
	eph_va_t va;

	CU_ASSERT_EQUAL(kva_alloc(mc, all + 1), 0);
	va = kva_alloc(mc, all);
	CU_ASSERT_NOT_EQUAL(va, 0);
	CU_ASSERT_EQUAL(kva_alloc(mc, 1), 0);
	kva_free(mc, va, all);
	CU_ASSERT_EQUAL(kva_alloc(mc, 1), va);
	kva_free(mc, va, 1);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
the_window_is_mapped_by_each_cpu_for_itself(void)
{
	struct eph_machine *mc = machine();
	eph_va_t va = 0;
	struct vm_page *a = vm_page_get(mc, 1), *b = vm_page_get(mc, 2);
	uint32_t reached;

	CU_ASSERT_EQUAL_FATAL(kva_window(mc, 3, &va, NULL), 0);
	eph_cpu_enter(mc, 0);
	pmap_pte_store(mc, va, eph_ptoa(1) | EPH_PTE_V);
	eph_cpu_enter(mc, 1);
	CU_ASSERT_EQUAL(pmap_pte_load(mc, va), 0);
	pmap_pte_store(mc, va, eph_ptoa(2) | EPH_PTE_V);
	CU_ASSERT_EQUAL(
	    eph_machine_access(mc, va, EPH_TOUCH_READ, b, &reached), 0);
	CU_ASSERT_EQUAL(reached, 2);
	eph_cpu_enter(mc, 0);
	/* A is this CPU's own as well. */
	CU_ASSERT_EQUAL(pmap_pte_load(mc, va), eph_ptoa(1) | EPH_PTE_V);
	CU_ASSERT_EQUAL(
	    eph_machine_access(mc, va, EPH_TOUCH_READ, a, &reached), 0);
	CU_ASSERT_EQUAL(reached, 1);
	CU_ASSERT_EQUAL(mc->nviolations, 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

/* All that is left, to the last page, and not one table more. */
static void
the_window_can_be_all_there_is(void)
{
	for (uint32_t more = 0; more < 2; more++) {
		struct eph_machine *mc = machine();
		const uint32_t left = (mc->kva_pages - 1) & ~EPH_PTP_MASK;
		eph_va_t va = 0;

		/* Leaves whole tables only. */
		CU_ASSERT_NOT_EQUAL_FATAL(
		    kva_alloc(mc, mc->kva_pages - 1 - left), 0);
		CU_ASSERT_EQUAL(kva_window(mc, left + more, &va, NULL),
		    more == 0 ? 0 : EINVAL);
		for (uint32_t i = 0; more == 0 && i < left; i += left - 1) {
			eph_cpu_enter(mc, 1);
			pmap_pte_store(
			    mc, va + eph_ptoa(i), eph_ptoa(i) | EPH_PTE_V);
			CU_ASSERT_EQUAL(pmap_pte_load(mc, va + eph_ptoa(i)),
			    eph_ptoa(i) | EPH_PTE_V);
			eph_cpu_enter(mc, 0);
			CU_ASSERT_EQUAL(pmap_pte_load(mc, va + eph_ptoa(i)), 0);
		}
		CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	}
}

/*
 * Parts given back in any order are one range again for who asks for so
 * much; parts beside one that is still out are not.
 */
static void
parts_given_back_are_joined(void)
{
	for (uint32_t step = 1; step < 8; step += 2) {
		struct eph_machine *mc = machine();
		const uint32_t all = mc->kva_pages - 1, parts = 8;
		const eph_va_t va = kva_alloc(mc, all);
		uint32_t left = 10 * (parts - 1);

		CU_ASSERT_NOT_EQUAL_FATAL(va, 0);
		for (uint32_t i = 0; i < parts - 1; i++)
			kva_free(
			    mc, va + eph_ptoa(10 * (i * step % parts)), 10);
		/* Parts 0, step, ... without the last are back. */
		for (uint32_t want = 71; want > 0; want--) {
			const uint32_t out = 7 * step % parts;
			const uint32_t below = 10 * out,
				       above = 10 * (parts - 1 - out);
			const eph_va_t got = kva_alloc(mc, want);

			if (want <= below || want <= above) {
				CU_ASSERT_EQUAL(got,
				    want <= below ? va
						  : va + eph_ptoa(below + 10));
				left -= want;
				break;
			}
			CU_ASSERT_EQUAL(got, 0);
		}
		while (left-- > 0)
			CU_ASSERT_NOT_EQUAL(kva_alloc(mc, 1), 0);
		CU_ASSERT_EQUAL(kva_alloc(mc, 1), 0);
		CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	}
}

static void
another_address_space_has_to_fit_the_first(void)
{
	struct eph_machine *mc = machine();
	eph_va_t va = 0, again = 0;
	uint32_t left;

	CU_ASSERT_EQUAL_FATAL(eph_aspace_region(mc, 3, 2, &va, NULL), 0);
	CU_ASSERT_EQUAL(eph_aspace_region(mc, 3, 1, &again, NULL), 0);
	CU_ASSERT_EQUAL(again, va);
	again = 0;
	CU_ASSERT_EQUAL(
	    eph_aspace_region(mc, EPH_PTP_ENTRIES, 2, &again, NULL), 0);
	CU_ASSERT_EQUAL(again, va);
	CU_ASSERT_EQUAL(eph_aspace_region(mc, 3, 3, &again, NULL), EINVAL);
	CU_ASSERT_EQUAL(
	    eph_aspace_region(mc, EPH_PTP_ENTRIES + 1, 2, &again, NULL),
	    EINVAL);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	for (uint32_t more = 0; more < 2; more++) {
		mc = machine();
		left = (mc->kva_pages - 1) & ~EPH_PTP_MASK;
		CU_ASSERT_NOT_EQUAL(kva_alloc(mc, mc->kva_pages - 1 - left), 0);
		CU_ASSERT_EQUAL(
		    eph_aspace_region(mc, left + more, 1, &va, NULL),
		    more == 0 ? 0 : EINVAL);
		for (uint32_t i = 0; more == 0 && i < left; i += left - 1) {
			pmap_pte_store(
			    mc, va + eph_ptoa(i), eph_ptoa(i) | EPH_PTE_V);
			CU_ASSERT_EQUAL(pmap_pte_load(mc, va + eph_ptoa(i)),
			    eph_ptoa(i) | EPH_PTE_V);
		}
		CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	}
}

static CU_TestInfo tests[] = {
	TEST(ranges_never_overlap),
	TEST(what_was_given_back_last_is_taken_first),
	TEST(too_much_is_refused_and_all_of_it_is_not),
	TEST(the_window_is_mapped_by_each_cpu_for_itself),
	TEST(the_window_can_be_all_there_is),
	TEST(parts_given_back_are_joined),
	TEST(another_address_space_has_to_fit_the_first),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "kva", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
