/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The museum: every exhibit is found as what it is, every repaired form
 * survives the same search, and the refcount race is drawn as people draw
 * it.
 */

#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "test_main.h"

/* Schedules of each strategy for a repaired form. */
#define SHORT_BUDGET 1000u
#define LONG_BUDGET  100000u

static void
test_every_exhibit_is_found_as_what_it_is(void)
{
	for (size_t i = 0; eph_bugs[i] != NULL; i++) {
		struct eph_explore_result r;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL_FATAL(
		    eph_bug_search(eph_bugs[i], false, 0, 1, 0, &r, &err), 0);
		if (r.failure != eph_bugs[i]->fails)
			printf("%s: %s %s\n", eph_bugs[i]->name,
			    eph_failure_name(r.failure), r.what);
		CU_ASSERT_EQUAL(r.failure, eph_bugs[i]->fails);
		CU_ASSERT_PTR_NOT_NULL(r.timeline);
		eph_explore_free(&r);
	}
}

static void
test_every_repaired_form_survives(void)
{
	const uint64_t budget = test_long ? LONG_BUDGET : SHORT_BUDGET;

	for (size_t i = 0; eph_bugs[i] != NULL; i++) {
		struct eph_explore_result r;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL_FATAL(
		    eph_bug_search(eph_bugs[i], true, budget, 2, 0, &r, &err),
		    0);
		if (r.failure != EPH_FAIL_NONE)
			printf("%s, repaired: %s\n%s\n", eph_bugs[i]->name,
			    r.what, r.timeline);
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
		CU_ASSERT_EQUAL(r.schedules, 3 * budget);
		eph_explore_free(&r);
	}
}

static const char refcount_race[] =
    "CPU 0                     | CPU 1\n"
    "--------------------------|--------------------------\n"
    "dec ref_cnt (2 -> 1)      |\n"
    "                          | dec ref_cnt (1 -> 0)\n"
    "                          | cmpset ref_cnt (0 -> 1)\n"
    "                          | free the cluster\n"
    "cmpset ref_cnt fails (1)  |\n"
    "=> use after free: CPU 0's compare-and-set on a cluster that was "
    "freed\n";

static void
test_refcount_race_is_drawn_in_two_columns(void)
{
	struct eph_explore_config cfg = { .replay = "a2b" };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	eph_bug_config(
	    eph_bug_find("mbuf-2001-decrement-then-cmpset"), false, &cfg);
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_STRING_EQUAL(r.timeline, refcount_race);
	CU_ASSERT_STRING_EQUAL(r.schedule, "a2b");
	eph_explore_free(&r);
}

/* All schedules there are, up to the order of what commutes. */
static void
prove_refcount(unsigned ncpus, bool repaired, uint64_t schedules)
{
	struct eph_explore_config cfg = { .strategy = "systematic",
		.budget = 1000000,
		.preemptions = 100,
		.no_adversary = true };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	eph_bug_config(
	    eph_bug_find("mbuf-2001-decrement-then-cmpset"), repaired, &cfg);
	cfg.ncpus = ncpus;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(
	    r.failure, repaired ? EPH_FAIL_NONE : EPH_FAIL_USE_FREE);
	if (repaired) {
		CU_ASSERT(r.exhausted);
		CU_ASSERT(!r.bounded);
		CU_ASSERT_EQUAL(r.schedules, schedules);
	}
	eph_explore_free(&r);
}

static void
test_systematic_search_proves_the_repaired_refcount(void)
{
	prove_refcount(2, true, 5);
	prove_refcount(3, true, 117);
	prove_refcount(2, false, 0);
	prove_refcount(3, false, 0);
}

/* Alone, |= does no harm: free empties the mask. */
static void
test_or_into_an_emptied_mask_is_harmless(void)
{
	extern const struct eph_scenario eph__scenario_mask_or;
	struct eph_explore_config cfg = { .scenario = &eph__scenario_mask_or,
		.broken = true,
		.budget = SHORT_BUDGET };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	eph_explore_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_every_exhibit_is_found_as_what_it_is),
	TEST(test_every_repaired_form_survives),
	TEST(test_refcount_race_is_drawn_in_two_columns),
	TEST(test_systematic_search_proves_the_repaired_refcount),
	TEST(test_or_into_an_emptied_mask_is_harmless),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: the museum", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
