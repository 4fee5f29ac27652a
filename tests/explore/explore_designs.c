/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every design in every scenario that applies to it.  A design without a
 * listed hole survives; one with a hole fails in that way or not at all;
 * and with its holes repaired it survives.
 *
 * With --long, 100,000 PCT schedules each.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/scenario.h"
#include "test_main.h"

#define SHORT_BUDGET 120u
#define LONG_BUDGET  100000u

/* What a hole in a design's row looks like when it is met. */
static bool
is_listed(const struct eph_design_ops *d, enum eph_failure f)
{
	if (f == EPH_FAIL_LOST_WAKEUP)
		return (strstr(d->holes, "wakeup") != NULL);
	if (f == EPH_FAIL_LEAK)
		return (strstr(d->holes, "wires") != NULL);
	if (f == EPH_FAIL_STALE)
		return (strstr(d->holes, "stale") != NULL ||
		    strstr(d->holes, "un-acked") != NULL ||
		    strstr(d->holes, "A is read") != NULL ||
		    strstr(d->holes, "local-only") != NULL);
	return (false);
}

static void
explore_design(const struct eph_design_ops *d, const struct eph_scenario *sc,
    bool repaired)
{
	struct eph_explore_config cfg = { .design = d,
		.scenario = sc,
		.repaired = repaired,
		.seed = 1,
		.budget = test_long ? LONG_BUDGET : SHORT_BUDGET };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	const int error = eph_explore(&cfg, &r, &err);

	if (error == ENOTSUP) /* refused: the scenario is not for it */
		return;
	CU_ASSERT_EQUAL(error, 0);
	if (error != 0) {
		printf("%s, %s: %s\n", d->name, sc->name, err.text);
		return;
	}
	if (r.failure != EPH_FAIL_NONE &&
	    (repaired || !is_listed(d, r.failure))) {
		printf("%s, %s%s: %s\n%s\n%s\n", d->name, sc->name,
		    repaired ? ", repaired" : "", r.what, r.schedule,
		    r.timeline);
		CU_FAIL("a failure that is not listed");
	}
	eph_explore_free(&r);
}

/* What has no hole is the same when it is repaired, and explored once. */
static void
explore_all(bool repaired)
{
	for (size_t i = 0; eph_scenarios[i] != NULL; i++) {
		const struct eph_scenario *sc = eph_scenarios[i];

		if (sc->no_design && !repaired)
			explore_design(NULL, sc, false);
		for (size_t k = 0; eph_designs[k] != NULL; k++) {
			const struct eph_shootdown_ops *shootdown = NULL;
			struct eph_design_ops copy = *eph_designs[k];

			if (eph_scenario_applies(sc, eph_designs[k]) &&
			    (!repaired || eph_design_repair(&copy, &shootdown)))
				explore_design(eph_designs[k], sc, repaired);
		}
	}
}

static void
test_designs_fail_only_as_their_rows_say(void)
{
	explore_all(false);
}

static void
test_designs_with_their_holes_repaired_survive(void)
{
	explore_all(true);
}

static CU_TestInfo tests[] = {
	TEST(test_designs_fail_only_as_their_rows_say),
	TEST(test_designs_with_their_holes_repaired_survive),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: all designs", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
