/* SPDX-License-Identifier: BSD-2-Clause */

/* Worlds: defaults, rules, refusals in words, and both ways out. */

#include <errno.h>
#include <string.h>

#include "ephmap/ephmap.h"
#include "test_main.h"

static const struct eph_world_config two_cpus = { .cpus = 2, .nbufs = 4 };

static struct eph_world *
open_world(const char *design)
{
	struct eph_world_config cfg = two_cpus;
	struct eph_world *w = NULL;
	struct eph_err err = { "" };

	cfg.design = eph_design_find(design);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.design);
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &w, &err), 0);
	CU_ASSERT_EQUAL(err.text[0], '\0');
	return (w);
}

/* Flags that a design has not, wires, addresses to ask for: all are seen to. */
static void
every_design_maps_a_page_in_a_world(void)
{
	struct eph_list_row row;

	for (unsigned i = 0; eph_list(EPH_AXIS_DESIGN, i, &row); i++) {
		struct eph_world *w = open_world(row.name);
		struct eph_mapping mp;
		struct eph_counters c;
		const char *why;

		for (unsigned n = 0; n < 10; n++) {
			eph_world_cpu(w, n % 2);
			CU_ASSERT_EQUAL_FATAL(
			    eph_world_map(
				w, n % 3, SFB_CPUPRIVATE | SFB_NOWAIT, &mp),
			    0);
			CU_ASSERT_EQUAL(
			    eph_world_touch(w, &mp, EPH_TOUCH_READ), 0);
			CU_ASSERT_EQUAL(eph_world_unmap(w, &mp), 0);
		}
		eph_world_counters(w, &c);
		CU_ASSERT_EQUAL(c.map_calls, 10);
		CU_ASSERT_EQUAL(c.unmap_calls, 10);
		CU_ASSERT_EQUAL(c.tlb_hit + c.tlb_miss, 10);
		CU_ASSERT_EQUAL(eph_world_violations(w, &why), 0);
		CU_ASSERT_PTR_NULL(why);
		CU_ASSERT_STRING_EQUAL(eph_world_refusal(w), "");
		CU_ASSERT_EQUAL(eph_world_destroy(w), 0);
	}
}

static void
refused(const struct eph_world_config *cfg, int error, const char *word)
{
	struct eph_world *w = NULL;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(eph_world_create(cfg, &w, &err), error);
	CU_ASSERT_PTR_NULL(w);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, word));
	CU_ASSERT_EQUAL(eph_world_create(cfg, &w, NULL), error);
}

static void
what_cannot_be_made_is_refused_in_words(void)
{
	struct eph_world_config cfg = two_cpus;

	cfg.machine = "vax";
	refused(&cfg, EINVAL, "vax");
	cfg = two_cpus;
	cfg.cpus = 0;
	refused(&cfg, EINVAL, "0 CPUs");
	cfg = two_cpus;
	cfg.executor = EPH_EXECUTOR_EXPLORE;
	refused(&cfg, EINVAL, "region");
	cfg = two_cpus;
	cfg.design = eph_design_find("kmap");
	cfg.policy = eph_policy_find("sieve");
	refused(&cfg, ENOTSUP, "takes no policy");
	cfg.design = eph_design_find("sf_buf.lru");
	cfg.policy = eph_policy_find("opt");
	refused(&cfg, ENOTSUP, "future");
	cfg.policy = NULL;
	cfg.nbufs = 0;
	refused(&cfg, EINVAL, "0 buffers");
}

static void
a_world_with_mappings_held_can_be_left(void)
{
	struct eph_world *w = open_world("sf_buf.lru");
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(eph_world_map(w, 1, SFB_DEFAULT, &mp), 0);
	CU_ASSERT_NOT_EQUAL(eph_world_abandon(w), 0);
	CU_ASSERT_EQUAL(eph_world_abandon(NULL), 0);
	CU_ASSERT_EQUAL(eph_world_destroy(NULL), 0);
}

static void
a_use_that_goes_astray_is_explained(void)
{
	struct eph_world_config cfg = two_cpus;
	struct eph_world *w;
	struct eph_mapping mp;
	const char *why;

	cfg.design = eph_design_find("sf_buf.cpumask");
	cfg.nbufs = 1;
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &w, NULL), 0);
	for (unsigned cpu = 2; cpu-- > 0;) {
		eph_world_cpu(w, cpu);
		(void)eph_world_map(w, 1 + cpu, SFB_CPUPRIVATE, &mp);
		eph_world_cpu(w, 1);
		(void)eph_world_touch(w, &mp, EPH_TOUCH_READ);
		eph_world_cpu(w, cpu);
		(void)eph_world_unmap(w, &mp);
	}
	CU_ASSERT_EQUAL(eph_world_violations(w, &why), 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(why);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "stale use"));
	CU_ASSERT_EQUAL(eph_world_destroy(w), 0);
}

/* One buffer, two pages, two threads: one sleeps until the other frees. */
struct one {
	struct eph_world *w;
	uint32_t page;
	bool done;
};

static void
map_and_unmap(void *arg)
{
	struct one *one = arg;
	struct eph_mapping mp;

	one->done = eph_world_map(one->w, one->page, SFB_DEFAULT, &mp) == 0 &&
	    eph_world_unmap(one->w, &mp) == 0;
}

/* The only buffer is held here, and both threads wait for it. */
static void
threads_of_a_world_may_sleep(void)
{
	struct eph_world_config cfg = two_cpus;
	struct one one[2] = { { .page = 3 }, { .page = 4 } };
	struct eph_world *w;
	struct eph_mapping mp;
	struct eph_counters c;

	cfg.design = eph_design_find("sf_buf.hash");
	cfg.nbufs = 1;
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &w, NULL), 0);
	CU_ASSERT_EQUAL(eph_world_map(w, 9, SFB_DEFAULT, &mp), 0);
	for (unsigned i = 0; i < 2; i++) {
		one[i].w = w;
		CU_ASSERT_EQUAL(
		    eph_world_thread(w, i, map_and_unmap, &one[i]), 0);
	}
	CU_ASSERT_EQUAL(eph_world_run(w), 2);
	eph_world_cpu(w, 0);
	CU_ASSERT_EQUAL(eph_world_unmap(w, &mp), 0);
	CU_ASSERT_EQUAL(eph_world_run(w), 0);
	CU_ASSERT(one[0].done && one[1].done);
	eph_world_counters(w, &c);
	CU_ASSERT_EQUAL(c.map_calls, 3);
	CU_ASSERT(c.sleep >= 2);
	CU_ASSERT_EQUAL(eph_world_destroy(w), 0);
}

static void
unmap_twice(void *arg)
{
	struct eph_world *w = arg;
	struct eph_mapping mp;

	(void)eph_world_map(w, 1, SFB_DEFAULT, &mp);
	(void)eph_world_unmap(w, &mp);
	(void)eph_world_unmap(w, &mp);
}

/* A test expects a panic, and goes on with another world. */
static void
a_panic_can_be_expected(void)
{
	struct eph_world *w;
	const char *why;

	for (unsigned round = 0; round < 2; round++) {
		w = open_world("sf_buf.lru");
		why = eph_panic_of(unmap_twice, w);
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "free sf_buf"));
		(void)eph_world_abandon(w);
	}
	every_design_maps_a_page_in_a_world();
}

/* Operations of a program's own, played twice, and named by their numbers. */
static void
an_array_of_operations_is_played(void)
{
	struct eph_op op[] = { { .kind = EPH_OP_MAP, .page = 7, .slot = 3 },
		{ .kind = EPH_OP_READ, .slot = 3 },
		{ .kind = EPH_OP_UNMAP, .slot = 3 },
		{ .kind = EPH_OP_REF, .page = 7 } };
	struct eph_op_array a = { .op = op, .n = 4 };
	struct eph_op_source src;
	const struct eph_run_config cfg = {
		.design = eph_design_find("sf_buf.lru"), .cpus = 2, .nbufs = 4
	};
	struct eph_run_result res;
	struct eph_err err = { "" };

	for (unsigned i = 0; i < 2; i++) {
		src = eph_op_array_source(&a);
		CU_ASSERT_EQUAL_FATAL(
		    eph_replay_run(&cfg, &src, &res, &err), 0);
		CU_ASSERT_EQUAL(res.counters.map_calls, 2);
		CU_ASSERT_EQUAL(res.counters.hit_inactive, 1);
	}
	op[3].cpu = 2;
	src = eph_op_array_source(&a);
	CU_ASSERT_NOT_EQUAL(eph_replay_run(&cfg, &src, &res, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "operation 4"));
}

static CU_TestInfo tests[] = {
	TEST(every_design_maps_a_page_in_a_world),
	TEST(what_cannot_be_made_is_refused_in_words),
	TEST(a_world_with_mappings_held_can_be_left),
	TEST(a_use_that_goes_astray_is_explained),
	TEST(threads_of_a_world_may_sleep),
	TEST(a_panic_can_be_expected),
	TEST(an_array_of_operations_is_played),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "unit: world", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
