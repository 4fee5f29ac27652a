/* SPDX-License-Identifier: BSD-2-Clause */

/* Plans for the host's MMU, without the host: what is predicted. */

#include "ephmap/native.h"

#include <stdio.h>

#include "analysis/native_witness.h"
#include "ephmap/list.h"
#include "test_main.h"

/* By hand: the rule of Linux on each step. */
static void
linux_shoots_down_what_was_touched(void)
{
	struct eph_native_step step[] = {
		{ .kind = EPH_NATIVE_MAP, .slot = 0 },
		{ .kind = EPH_NATIVE_MAP, .slot = 0 }, /* not touched: none */
		{ .kind = EPH_NATIVE_LOAD, .slot = 0 },
		{ .kind = EPH_NATIVE_LOAD, .slot = 0, .cpu = 1 },
		{ .kind = EPH_NATIVE_MAP, .slot = 0 },	 /* touched: 1 */
		{ .kind = EPH_NATIVE_UNMAP, .slot = 0 }, /* not again */
		{ .kind = EPH_NATIVE_MAP, .slot = 1 },
		{ .kind = EPH_NATIVE_LOAD, .slot = 1 },
		{ .kind = EPH_NATIVE_UNMAP, .slot = 1 }, /* 2 */
		{ .kind = EPH_NATIVE_MAP, .slot = 0 },
		{ .kind = EPH_NATIVE_LOAD, .slot = 0 },
		{ .kind = EPH_NATIVE_MAP, .slot = 1 },
		{ .kind = EPH_NATIVE_LOAD, .slot = 1 },
		/* One call over two mappings: one for each, 3 and 4. */
		{ .kind = EPH_NATIVE_DROP, .slot = 0, .frame = 2 },
		{ .kind = EPH_NATIVE_MAP, .slot = 1 },
	};
	const struct eph_native_plan plan = { .step = step,
		.n = sizeof(step) / sizeof(step[0]),
		.nslots = 2,
		.nframes = 1,
		.cpus = 2 };

	CU_ASSERT_EQUAL(eph_native_predict(&plan), 4);
}

/*
 * The schedules, against a program of its own that counted the same ones and
 * was held against a real MMU (Linux 6.18).
 */
static void
schedules_predict_what_a_real_mmu_did(void)
{
	static const uint64_t expected[] = { 16484, 12912, 7182, 12912, 12912,
		0, 3794, 7104, 10126, 13709, 13712, 13744, 13888, 14223, 14080,
		7104, 7104, 7104, 7104, 7104 };
	const size_t n = sizeof(expected) / sizeof(expected[0]);

	for (unsigned i = 0; i <= n; i++) {
		enum eph_native_others others;
		struct eph_native_plan *plan;
		const char *name;

		CU_ASSERT_EQUAL_FATAL(
		    eph_native_schedule(i, &name, &others, &plan), 0);
		if (i == n) {
			CU_ASSERT_PTR_NULL(plan);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
		CU_ASSERT_EQUAL(eph_native_predict(plan), expected[i]);
		eph_native_free(plan);
	}
}

/* One slot, three pages, both CPUs touch. */
static void
a_run_becomes_a_plan(void)
{
	struct eph_op op[12];
	struct eph_op_array ops = { .op = op };
	struct eph_op_source src = eph_op_array_source(&ops);
	const struct eph_run_config cfg = {
		.design = eph_design_find("sf_buf.accessed"),
		.cpus = 2,
		.nbufs = 1,
		.seed = 1,
		.touch = EPH_TOUCH_READ,
	};
	struct eph_native_plan *plan = NULL;
	struct eph_err err;
	unsigned maps = 0, loads = 0;

	for (uint32_t page = 0; page < 3; page++) {
		op[ops.n++] =
		    (struct eph_op){ .kind = EPH_OP_MAP, .page = page };
		op[ops.n++] = (struct eph_op){ .kind = EPH_OP_READ };
		op[ops.n++] = (struct eph_op){ .kind = EPH_OP_READ, .cpu = 1 };
		op[ops.n++] = (struct eph_op){ .kind = EPH_OP_UNMAP };
	}
	CU_ASSERT_EQUAL_FATAL(eph_native_record(&cfg, &src, &plan, &err), 0);
	for (size_t i = 0; i < plan->n; i++) {
		maps += plan->step[i].kind == EPH_NATIVE_MAP;
		loads += plan->step[i].kind == EPH_NATIVE_LOAD;
	}
	CU_ASSERT_EQUAL(maps, 3);
	CU_ASSERT_EQUAL(loads, 6);
	CU_ASSERT_EQUAL(plan->nslots, 1);
	CU_ASSERT_EQUAL(plan->cpus, 2);
	CU_ASSERT_EQUAL(eph_native_predict(plan), 2);
	CU_ASSERT_EQUAL(plan->ipi_sent - plan->needless_ipi, 2);
	eph_native_free(plan);
}

/* Rows: what both witnesses counted, and which of them is believed. */
static void
the_witness_that_can_tell_is_believed(void)
{
	static const struct {
		bool by_row, tracepoint, nobody_runs;
		uint64_t row, traced, measured;
		bool at_most;
	} rows[] = {
		/* Threads spin: ours alone, where they differ. */
		{ true, true, false, 100, 100, 100, false },
		{ true, true, false, 98, 100, 100, false },
		{ true, true, false, 103, 100, 100, false },
		{ false, true, false, 0, 100, 100, false },
		{ true, false, false, 98, 0, 98, false },
		/* One sleeps: calls find its CPU, and interrupt nobody. */
		{ true, true, true, 0, 898, 0, false },
		{ true, true, true, 3, 1, 1, false },
		/* Without the tracepoint strays stay in the row. */
		{ true, false, true, 2, 0, 2, true },
		{ true, false, true, 0, 0, 0, false },
		/* No row that moves: all that is known is how many calls. */
		{ false, true, true, 0, 898, 898, true },
		{ false, true, true, 0, 0, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct eph_native_result res = { .row = rows[i].row,
			.traced = rows[i].traced,
			.has_tracepoint = rows[i].tracepoint };

		eph__witness_choose(&res, rows[i].by_row, rows[i].nobody_runs);
		CU_ASSERT_EQUAL(res.measured, rows[i].measured);
		CU_ASSERT_EQUAL(res.at_most, rows[i].at_most);
		CU_ASSERT_EQUAL(res.has_row, rows[i].by_row);
	}
}

/*
 * Rows: the better of two tries, predicted 100, and whether it takes another.
 * Programs of others add; of a thread that was off its CPU something is missing.
 */
static void
a_try_with_less_counts_if_no_thread_was_off_its_cpu(void)
{
	static const struct {
		uint64_t before, after;
		unsigned long off_before, off_after;
		bool better, again;
	} rows[] = {
		{ 103, 101, 0, 0, true, true },
		{ 101, 103, 0, 0, false, true },
		{ 103, 100, 0, 0, true, false },
		{ 98, 100, 9, 0, true, false },
		{ 98, 100, 9, 2, true, false },
		{ 51, 98, 9, 2, true, true },
		{ 98, 51, 2, 9, false, true },
		/* Less, and nothing kept a thread from its CPU. */
		{ 103, 98, 0, 0, true, false },
		{ 97, 98, 2, 0, true, false },
		/* Of others: more than a thread can have missed. */
		{ 98, 101, 2, 0, true, true },
		{ 101, 98, 0, 2, false, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct eph_native_result before = { .predicted = 100,
			.measured = rows[i].before,
			.preempted = rows[i].off_before };
		struct eph_native_result after = { .predicted = 100,
			.measured = rows[i].after,
			.preempted = rows[i].off_after };

		CU_ASSERT_TRUE(eph__witness_again(&before));
		CU_ASSERT_EQUAL(
		    eph__witness_better(&after, &before), rows[i].better);
		CU_ASSERT_EQUAL(
		    eph__witness_again(rows[i].better ? &after : &before),
		    rows[i].again);
		/* A load that saw another page ends it. */
		after.wrong = 1;
		CU_ASSERT_TRUE(eph__witness_better(&after, &before));
		CU_ASSERT_FALSE(eph__witness_again(&after));
	}
}

static CU_TestInfo tests[] = {
	TEST(a_try_with_less_counts_if_no_thread_was_off_its_cpu),
	TEST(the_witness_that_can_tell_is_believed),
	TEST(linux_shoots_down_what_was_touched),
	TEST(schedules_predict_what_a_real_mmu_did),
	TEST(a_run_becomes_a_plan),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "native", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
