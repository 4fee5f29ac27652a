/* SPDX-License-Identifier: BSD-2-Clause */

/* Counters and their names. */

#include <string.h>

#include "ephmap/counters.h"
#include "test_main.h"

static void
counters_have_the_names_of_the_output(void)
{
	static const char *const names[] = { "map_calls", "hit_active",
		"hit_inactive", "miss", "evict", "map_fail", "sleep", "wakeup",
		"wakeup_spurious", "unmap_calls", "kva_calls", "pte_store",
		"invlpg_local", "invlpg_remote", "flush_local", "flush_remote",
		"ipi_sent", "needless_invlpg", "needless_ipi", "ipiq_msg",
		"ipiq_passive", "ipiq_avoided", "tlb_hit", "tlb_miss",
		"walk_step", "lock_acquire", "lock_contended", "stale_use",
		"stale_possible", "cycles" };
	const unsigned n = sizeof(names) / sizeof(names[0]);
	struct eph_counters a = { 0 }, b = { 0 }, d;

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(eph_counter_name(i));
		CU_ASSERT_STRING_EQUAL(eph_counter_name(i), names[i]);
		CU_ASSERT_TRUE(strlen(eph_counter_desc(i)) > 5);
	}
	CU_ASSERT_PTR_NULL(eph_counter_name(n));
	CU_ASSERT_PTR_NULL(eph_counter_desc(n));
	CU_ASSERT_EQUAL(sizeof(a), n * sizeof(uint64_t));
	a.map_calls = 5;
	a.cycles = 7;
	b.map_calls = 2;
	b.evict = 1;
	eph_counters_add(&a, &b);
	CU_ASSERT_EQUAL(a.map_calls, 7);
	CU_ASSERT_EQUAL(a.evict, 1);
	CU_ASSERT_EQUAL(eph_counter_value(&a, n - 1), 7);
	eph_counters_sub(&d, &a, &b);
	CU_ASSERT_EQUAL(d.map_calls, 5);
	CU_ASSERT_EQUAL(d.evict, 0);
}

static CU_TestInfo tests[] = {
	TEST(counters_have_the_names_of_the_output),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "counters", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
