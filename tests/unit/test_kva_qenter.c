/* SPDX-License-Identifier: BSD-2-Clause */

/* kva.qenter: its event table, the arena, the window of an un-acked flush. */

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "rig.h"

static void
test_map_and_unmap_flush_everybody(void)
{
	static const unsigned cpus[] = { 1, 2, 8, 65 };

	for (size_t i = 0; i < 4; i++) {
		const unsigned others = cpus[i] - 1;
		struct eph_mapping mp;
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, "kva.qenter", NULL, cpus[i], 0), 0);
		for (unsigned again = 0; again < 2; again++) {
			mp = rig_map(&r, 0, 4, SFB_CPUPRIVATE);
			RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1,
			    .invlpg_local = 1, .flush_remote = others,
			    .ipi_sent = others);
			CU_ASSERT_EQUAL(rig_write(&r, cpus[i] - 1, mp), 4);
			CU_ASSERT_EQUAL(rig_kva(&r, cpus[i] - 1, mp), mp.va);
			RIG_SAW(&r, .kva_calls = 1);
			rig_check(&r, 1);
			rig_unmap(&r, cpus[i] - 1, mp);
			RIG_SAW(&r, .unmap_calls = 1, .pte_store = 1,
			    .invlpg_local = 1, .flush_remote = others,
			    .ipi_sent = others);
			CU_ASSERT_EQUAL(pmap_kextract(r.mc, mp.va), EPH_NONE);
			rig_check(&r, 0);
		}
		rig_close(&r);
	}
}

/* A page mapped twice has two addresses; nothing is shared. */
static void
test_each_handle_has_an_address_of_its_own(void)
{
	struct eph_mapping a, b;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kva.qenter", NULL, 2, 0), 0);
	a = rig_map(&r, 0, 4, 0);
	b = rig_map(&r, 1, 4, 0);
	CU_ASSERT_NOT_EQUAL(a.va, b.va);
	CU_ASSERT_EQUAL(kva_usage(r.mc).now, 2);
	CU_ASSERT_EQUAL(r.mc->bufs.peak, 2);
	rig_unmap(&r, 0, b);
	rig_unmap(&r, 0, a);
	CU_ASSERT_EQUAL(kva_usage(r.mc).now, 0);
	rig_close(&r);
}

/* The hole: until the interrupt lands, a CPU uses the old page. */
static void
test_the_flush_is_not_waited_for(void)
{
	struct eph_mapping a, b;
	uint32_t reached;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kva.qenter", NULL, 2, 0), 0);
	a = rig_map(&r, 0, 4, 0);
	CU_ASSERT_EQUAL(rig_read(&r, 1, a), 4);
	rig_unmap(&r, 0, a);
	b = rig_map(&r, 0, 5, 0);
	CU_ASSERT_EQUAL(a.va, b.va);
	r.mc->cur =
	    r.mc->cpus[1]; /* not eph_cpu_enter(): nothing is delivered */
	(void)eph_machine_access(
	    r.mc, b.va, EPH_TOUCH_READ, vm_page_get(r.mc, 5), &reached);
	CU_ASSERT_EQUAL(reached, 4);
	CU_ASSERT_EQUAL(r.mc->nviolations, 1);
	CU_ASSERT_EQUAL(rig_read(&r, 1, b), 5);
	CU_ASSERT_EQUAL(r.mc->nviolations, 1);
	rig_unmap(&r, 1, b);
	rig_close(&r);
}

static void
test_it_is_refused_when_the_kernel_space_is_used_up(void)
{
	struct eph_mapping mp;
	eph_va_t all;
	uint32_t n;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kva.qenter", "i386-p4", 1, 0), 0);
	n = r.mc->kva_pages - 1;
	CU_ASSERT_NOT_EQUAL_FATAL(all = kva_alloc(r.mc, n), 0);
	CU_ASSERT_EQUAL(rig_try_map(&r, 0, 1, 0, &mp), ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.mc->refusal, "used up"));
	kva_free(r.mc, all, n);
	mp = rig_map(&r, 0, 1, 0);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("kva.qenter", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_map_and_unmap_flush_everybody),
	TEST(test_each_handle_has_an_address_of_its_own),
	TEST(test_the_flush_is_not_waited_for),
	TEST(test_it_is_refused_when_the_kernel_space_is_used_up),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "kva_qenter", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
