/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * All states of a small machine: what the search proves, what it finds, that
 * what it finds is shortest and replays, and that it claims nothing when it
 * was stopped.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "test_main.h"

/* False where this build's stacks cannot be taken apart. */
static bool
search(const char *design, const char *scenario,
    const struct eph_explore_config *how, struct eph_explore_result *r)
{
	struct eph_explore_config cfg = *how;
	struct eph_err err = { "" };
	int error;

	cfg.design = eph_design_find(design);
	cfg.scenario = eph_scenario_find(scenario);
	cfg.strategy = "bfs";
	error = eph_explore(&cfg, r, &err);
	if (error == ENOTSUP) {
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be saved"));
		return (false);
	}
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return (true);
}

/* Every state is reached twice, the second time from the start. */
static void
test_equal_states_are_equal(void)
{
	const struct eph_explore_config how = { .check_states = true };
	struct eph_explore_result r;

	if (!search("sf_buf.accessed", "same-page", &how, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	CU_ASSERT_EQUAL(r.frontier, 0);
	CU_ASSERT(r.states > 100);
	CU_ASSERT_STRING_EQUAL(
	    r.program, "2 buffers, 2 CPUs, 1 page, 1 operation a thread");
	eph_explore_free(&r);
}

/*
 * Looking at all memory once in many steps, and leaving out choices that lead
 * to states that others reach as soon, sees the same states in as many levels.
 */
static void
test_a_quick_look_sees_the_same(void)
{
	static const char *const names[][2] = {
		{ "sf_buf.accessed", "cross-cpu" },
		{ "sf_buf.cpumask", "same-page" }, { "bsd.cmap", "interrupt" }
	};
	const struct eph_explore_config slow = { .check_states = true };
	const struct eph_explore_config quick = { .seed = 7 };
	struct eph_explore_result a, b;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!search(names[i][0], names[i][1], &slow, &a))
			return;
		(void)search(names[i][0], names[i][1], &quick, &b);
		CU_ASSERT(a.exhausted && b.exhausted);
		CU_ASSERT_EQUAL(a.states, b.states);
		CU_ASSERT_EQUAL(a.levels, b.levels);
		CU_ASSERT(b.steps < a.steps);
		eph_explore_free(&a);
		eph_explore_free(&b);
	}
}

/* The flag of a page-table entry is read before the entry is stored. */
static void
test_only_unasked_loads_show_it(void)
{
	const struct eph_explore_config on = { .seed = 1 };
	const struct eph_explore_config off = { .no_adversary = true };
	struct eph_explore_config again = { .scenario = eph_scenario_find(
						"speculation") };
	struct eph_explore_result r, s;
	struct eph_err err = { "" };

	if (!search("sf_buf.accessed", "speculation", &on, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_STALE);
	again.design = eph_design_find("sf_buf.accessed");
	again.replay = r.schedule;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&again, &s, &err), 0);
	CU_ASSERT_EQUAL(s.failure, EPH_FAIL_STALE);
	eph_explore_free(&s);
	eph_explore_free(&r);
	(void)search("sf_buf.accessed", "speculation", &off, &r);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	eph_explore_free(&r);
}

static void
test_a_budget_ends_without_a_claim(void)
{
	const struct eph_explore_config how = { .budget = 200 };
	struct eph_explore_result r;

	if (!search("sf_buf.accessed", "free-map", &how, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT_FALSE(r.exhausted);
	CU_ASSERT(r.frontier > 0);
	CU_ASSERT(r.states >= 200);
	eph_explore_free(&r);
}

/*
 * Programs that write to words which runs by chance seldom see: a lock of
 * boot, a cache's.  A state without them would be another state's.
 */
static void
test_words_that_are_met_late(void)
{
	static const char *const names[][2] = { { "dmap", "same-page" },
		{ "lwbuf.dmap", "same-page" },
		{ "lwbuf.objcache", "shared-use" } };
	const struct eph_explore_config how = { .seed = 1 };
	struct eph_explore_result r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!search(names[i][0], names[i][1], &how, &r))
			return;
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
		CU_ASSERT(r.exhausted);
		eph_explore_free(&r);
	}
}

/* The same program with fewer pages is a smaller one. */
static void
test_pages_are_taken_in_turn(void)
{
	const struct eph_explore_config both = { .seed = 1 };
	const struct eph_explore_config one = { .pages = 1 };
	struct eph_explore_result a, b;

	if (!search("sf_buf.accessed", "shared-use", &both, &a))
		return;
	(void)search("sf_buf.accessed", "shared-use", &one, &b);
	CU_ASSERT(a.exhausted && b.exhausted);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.program, "2 pages"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.program, "1 page,"));
	CU_ASSERT(b.states < a.states);
	eph_explore_free(&a);
	eph_explore_free(&b);
}

static CU_TestInfo tests[] = {
	TEST(test_equal_states_are_equal),
	TEST(test_a_quick_look_sees_the_same),
	TEST(test_only_unasked_loads_show_it),
	TEST(test_a_budget_ends_without_a_claim),
	TEST(test_words_that_are_met_late),
	TEST(test_pages_are_taken_in_turn),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: all states", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
