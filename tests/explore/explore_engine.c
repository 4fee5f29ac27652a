/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The scheduler itself: schedules replay exactly, shrink, and are read and
 * written; what a strategy promises; what counts as waiting; late stores.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "exec/explore.h"
#include "test_main.h"

/* Shared by the programs below; each uses what it needs. */
struct toy {
	_Atomic(uint32_t) a;
	_Atomic(uint32_t) b;
	uint32_t saw[2];
	struct eph_mutex one;
	struct eph_mutex two;
};

static struct eph_explore_result
search(const struct eph_scenario *sc, const char *strategy, uint64_t budget,
    bool weak, const char *replay)
{
	const struct eph_explore_config cfg = { .scenario = sc,
		.strategy = strategy,
		.budget = budget,
		.preemptions = 100,
		.weak_memory = weak,
		.replay = replay };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	return (r);
}

static int
toy_setup(struct eph_xp *x, void (*fn)(struct eph_xp *x, unsigned n))
{
	struct toy *t = eph_machine_alloc(x->mc, sizeof(*t));

	if ((x->arg = t) == NULL)
		return (ENOMEM);
	mutex_init(&t->one, "one");
	mutex_init(&t->two, "two");
	return (
	    eph_xp_thread(x, 0, fn, 0) != 0 || eph_xp_thread(x, 1, fn, 1) != 0
		? ENOMEM
		: 0);
}

/* Lost update: load, add, store. */
static void
lost_update(struct eph_xp *x, unsigned n)
{
	struct toy *t = x->arg;
	const uint32_t v = eph_load_32(x->mc, &t->a, memory_order_relaxed);

	(void)n;
	eph_store_32(x->mc, &t->a, v + 1, memory_order_relaxed);
}

static int
lost_update_setup(struct eph_xp *x)
{
	return (toy_setup(x, lost_update));
}

static void
lost_update_finish(struct eph_xp *x)
{
	const struct toy *t = x->arg;

	if (t->a != 2)
		eph_xp_failure(x, EPH_FAIL_WRONG, "a is %u", t->a);
}

static const struct eph_scenario lost_update_program = {
	.abi = EPHMAP_ABI,
	.name = "lost-update",
	.summary = "two increments in two steps each",
	.cpus = 2,
	.no_design = true,
	.setup = lost_update_setup,
	.finish = lost_update_finish,
};

static void
test_every_strategy_finds_a_lost_update(void)
{
	static const char *const strategies[] = { "pct", "random", "pos", "urw",
		"surw", "greybox", "systematic", "delay" };

	for (size_t i = 0; i < sizeof(strategies) / sizeof(*strategies); i++) {
		struct eph_explore_result r = search(
		    &lost_update_program, strategies[i], 1000, false, NULL);

		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_WRONG);
		CU_ASSERT_STRING_EQUAL(r.what, "wrong result: a is 1");
		eph_explore_free(&r);
	}
}

static void
test_a_failure_replays_from_its_schedule_alone(void)
{
	struct eph_explore_result r =
	    search(&lost_update_program, "random", 1000, false, NULL);
	struct eph_explore_result again =
	    search(&lost_update_program, NULL, 1, false, r.schedule);

	CU_ASSERT_EQUAL(again.failure, r.failure);
	CU_ASSERT_STRING_EQUAL(again.schedule, r.schedule);
	CU_ASSERT_STRING_EQUAL(again.timeline, r.timeline);
	eph_explore_free(&again);
	eph_explore_free(&r);
}

/* a loads, b does all of it, a stores: one switch that had to be. */
static void
test_a_failure_is_shrunk_to_the_switches_it_needs(void)
{
	struct eph_explore_result r =
	    search(&lost_update_program, "random", 1000, false, NULL);

	CU_ASSERT(strlen(r.schedule) <= 3);
	eph_explore_free(&r);
}

static void
test_the_same_seed_finds_the_same(void)
{
	struct eph_explore_result r =
	    search(&lost_update_program, "pct", 1000, false, NULL);
	struct eph_explore_result s =
	    search(&lost_update_program, "pct", 1000, false, NULL);

	CU_ASSERT_EQUAL(r.failed_at, s.failed_at);
	CU_ASSERT_EQUAL(r.steps, s.steps);
	CU_ASSERT_STRING_EQUAL(r.schedule, s.schedule);
	eph_explore_free(&r);
	eph_explore_free(&s);
}

/* Many seeds in one machine: each as in a machine of its own. */
static void
test_seeds_of_one_machine_are_searches_of_their_own(void)
{
	static const char *const strategies[] = { "pct", "random", "pos", "urw",
		"surw", "greybox", "systematic" };
	enum { SEEDS = 5 };

	for (size_t i = 0; i < sizeof(strategies) / sizeof(*strategies); i++) {
		struct eph_explore_config cfg = { .scenario =
						      &lost_update_program,
			.strategy = strategies[i],
			.preemptions = 100,
			.seed = 3 };
		struct eph_explore_result r;
		struct eph_err err = { "" };
		uint64_t first[SEEDS];

		CU_ASSERT_EQUAL_FATAL(
		    eph_explore_seeds(&cfg, SEEDS, first, &err), 0);
		for (unsigned k = 0; k < SEEDS; k++, cfg.seed++) {
			CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
			CU_ASSERT_EQUAL(r.failed_at, first[k]);
			eph_explore_free(&r);
		}
		CU_ASSERT_NOT_EQUAL(first[0], 0);
	}
}

/* Two locks in two orders. */
static void
two_locks(struct eph_xp *x, unsigned n)
{
	struct toy *t = x->arg;

	mutex_enter(x->mc, n == 0 ? &t->one : &t->two);
	mutex_enter(x->mc, n == 0 ? &t->two : &t->one);
	mutex_exit(x->mc, n == 0 ? &t->two : &t->one);
	mutex_exit(x->mc, n == 0 ? &t->one : &t->two);
}

static int
two_locks_setup(struct eph_xp *x)
{
	return (toy_setup(x, two_locks));
}

static const struct eph_scenario two_locks_program = {
	.abi = EPHMAP_ABI,
	.name = "two-locks",
	.summary = "two locks, taken in two orders",
	.cpus = 2,
	.no_design = true,
	.setup = two_locks_setup,
};

static void
test_locks_in_two_orders_deadlock(void)
{
	struct eph_explore_result r =
	    search(&two_locks_program, "systematic", 1000, false, NULL);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_DEADLOCK);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.what, "waits for two"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.what, "waits for one"));
	eph_explore_free(&r);
}

/*
 * Store buffering: each stores its own variable and loads the other's.
 * Both see 0 only if stores may be late.
 */
static void
store_buffer(struct eph_xp *x, unsigned n)
{
	struct toy *t = x->arg;
	_Atomic(uint32_t) *mine = n == 0 ? &t->a : &t->b;
	_Atomic(uint32_t) *other = n == 0 ? &t->b : &t->a;
	const memory_order order =
	    x->broken ? memory_order_release : memory_order_seq_cst;

	eph_store_32(x->mc, mine, 1, order);
	t->saw[n] = eph_load_32(x->mc, other, memory_order_seq_cst);
}

static int
store_buffer_setup(struct eph_xp *x)
{
	return (toy_setup(x, store_buffer));
}

static void
store_buffer_finish(struct eph_xp *x)
{
	const struct toy *t = x->arg;

	if (t->saw[0] == 0 && t->saw[1] == 0)
		eph_xp_failure(x, EPH_FAIL_WRONG, "both saw 0");
}

static const struct eph_scenario store_buffer_program = {
	.abi = EPHMAP_ABI,
	.name = "store-buffer",
	.summary = "Dekker's first step",
	.cpus = 2,
	.no_design = true,
	.setup = store_buffer_setup,
	.finish = store_buffer_finish,
};

static enum eph_failure
dekker(bool weak, bool release)
{
	struct eph_explore_config cfg = { .scenario = &store_buffer_program,
		.strategy = "systematic",
		.preemptions = 100,
		.weak_memory = weak,
		.broken = release };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	enum eph_failure f;

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	f = r.failure;
	CU_ASSERT(f != EPH_FAIL_NONE || (r.exhausted && !r.bounded));
	eph_explore_free(&r);
	return (f);
}

static void
test_a_missing_fence_shows_only_where_stores_may_be_late(void)
{
	CU_ASSERT_EQUAL(dekker(false, true), EPH_FAIL_NONE);
	CU_ASSERT_EQUAL(dekker(true, true), EPH_FAIL_WRONG);
	CU_ASSERT_EQUAL(dekker(true, false), EPH_FAIL_NONE);
}

/*
 * A tree with no more nodes in a level than are kept is counted, not
 * estimated.
 */
static void
test_a_small_tree_is_estimated_exactly(void)
{
	struct eph_explore_config cfg = { .scenario = &store_buffer_program,
		.strategy = "systematic",
		.preemptions = 100,
		.no_adversary = true,
		.estimate = true };
	struct eph_explore_result all, r;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &all, &err), 0);
	CU_ASSERT(all.exhausted);
	CU_ASSERT_EQUAL(all.total, 0); /* known, not estimated */
	cfg.budget = 1;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.total, (double)all.schedules);
	CU_ASSERT_EQUAL(r.total_error, 0);
	CU_ASSERT(all.schedules > 2);
	/* By chance: of all there are. */
	cfg.strategy = "random";
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.total, (double)all.schedules);
	CU_ASSERT(r.total_all);
}

/* Once both have loaded nothing helps; before that either may be first. */
static void
test_a_lost_update_is_lost_when_both_have_loaded(void)
{
	struct eph_explore_config cfg = { .scenario = &lost_update_program,
		.strategy = "random",
		.no_adversary = true,
		.odds = 400 };
	struct eph_explore_result r, again;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL_FATAL(r.failure, EPH_FAIL_WRONG);
	CU_ASSERT_FATAL(r.nodds > 3);
	CU_ASSERT_EQUAL(r.odds[0].step, 0);
	CU_ASSERT(r.odds[0].share > 0.1 && r.odds[0].share < 1.0);
	CU_ASSERT_EQUAL(r.odds[r.nodds - 1].share, 1.0);
	CU_ASSERT(r.no_return > 1 && r.no_return < r.odds[r.nodds - 1].step);
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &again, &err), 0);
	CU_ASSERT_EQUAL_FATAL(again.nodds, r.nodds);
	for (size_t i = 0; i < r.nodds; i++)
		CU_ASSERT_EQUAL(again.odds[i].share, r.odds[i].share);
	eph_explore_free(&again);
	eph_explore_free(&r);
}

/* n threads, k operations each on variables of their own. */
static void
independent(struct eph_xp *x, unsigned n)
{
	struct toy *t = x->arg;

	for (unsigned i = 0; i < 4; i++)
		(void)eph_fetchadd_32(
		    x->mc, n == 0 ? &t->a : &t->b, 1, memory_order_relaxed);
}

static int
independent_setup(struct eph_xp *x)
{
	return (toy_setup(x, independent));
}

static const struct eph_scenario independent_program = {
	.abi = EPHMAP_ABI,
	.name = "independent",
	.summary = "two threads that share nothing",
	.cpus = 2,
	.no_design = true,
	.setup = independent_setup,
};

/* 8!/(4! 4!) orders, one of them is enough. */
static void
test_what_commutes_is_run_in_one_order(void)
{
	struct eph_explore_result r =
	    search(&independent_program, "systematic", 1000, false, NULL);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	CU_ASSERT_EQUAL(r.schedules - r.pruned, 1);
	eph_explore_free(&r);
}

/* A wakeup with nobody asleep is forgotten: the sleeper waits for ever. */
static void
forgotten(struct eph_xp *x, unsigned n)
{
	struct toy *t = x->arg;

	if (n == 0)
		(void)tsleep(x->mc, t, 0, "toy", 0);
	else
		wakeup(x->mc, t);
}

static int
forgotten_setup(struct eph_xp *x)
{
	return (toy_setup(x, forgotten));
}

static const struct eph_scenario forgotten_program = {
	.abi = EPHMAP_ABI,
	.name = "forgotten",
	.summary = "a wakeup that may come before the sleep",
	.cpus = 2,
	.no_design = true,
	.setup = forgotten_setup,
};

static void
test_a_wakeup_before_the_sleep_is_lost(void)
{
	struct eph_explore_result r =
	    search(&forgotten_program, "pct", 1000, false, NULL);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_LOST_WAKEUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.what, "\"toy\""));
	eph_explore_free(&r);
}

/* Schedules as text */

static void
test_schedules_are_read_and_written(void)
{
	static const char *const texts[] = { ".", "a", "a12b3Aa", "a2+A17bB3",
		"!A2-P65535{31}7" };
	struct eph_err err = { "" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ex_schedule s = { 0 };
		char *text;

		CU_ASSERT_EQUAL_FATAL(
		    eph__ex_schedule_parse(texts[i], &s, &err), 0);
		text = eph__ex_schedule_format(&s);
		CU_ASSERT_STRING_EQUAL(text, texts[i]);
		free(text);
		eph__ex_schedule_free(&s);
	}
}

static void
test_what_is_no_schedule_is_refused(void)
{
	static const char *const texts[] = { "a b", "+a1", "+A", "+A65536",
		"a99999999999", "{40}1", "Q", "a-", "\xff", "{3" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ex_schedule s = { 0 };
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL(
		    eph__ex_schedule_parse(texts[i], &s, &err), EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "character"));
	}
}

/* A schedule that names what is not there is refused, and does no harm. */
static void
test_a_schedule_of_another_program_is_refused(void)
{
	static const char *const others[] = { "z9", "A3", "+A9", "-B4", "!B2",
		"a9b", "abca" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct eph_explore_config cfg = {
			.scenario = &lost_update_program, .replay = others[i]
		};
		struct eph_explore_result r;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL(eph_explore(&cfg, &r, &err), EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be made"));
	}
}

/* Only a part of it was needed: no matter, it fails. */
static void
test_behind_a_failure_a_schedule_may_go_on(void)
{
	struct eph_explore_result r =
	    search(&lost_update_program, NULL, 1, false, "a2b3a9");

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_WRONG);
	eph_explore_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_every_strategy_finds_a_lost_update),
	TEST(test_a_failure_replays_from_its_schedule_alone),
	TEST(test_a_failure_is_shrunk_to_the_switches_it_needs),
	TEST(test_the_same_seed_finds_the_same),
	TEST(test_seeds_of_one_machine_are_searches_of_their_own),
	TEST(test_locks_in_two_orders_deadlock),
	TEST(test_a_missing_fence_shows_only_where_stores_may_be_late),
	TEST(test_a_small_tree_is_estimated_exactly),
	TEST(test_a_lost_update_is_lost_when_both_have_loaded),
	TEST(test_what_commutes_is_run_in_one_order),
	TEST(test_a_wakeup_before_the_sleep_is_lost),
	TEST(test_schedules_are_read_and_written),
	TEST(test_what_is_no_schedule_is_refused),
	TEST(test_a_schedule_of_another_program_is_refused),
	TEST(test_behind_a_failure_a_schedule_may_go_on),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: the scheduler", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
