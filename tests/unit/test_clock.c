/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Clocks: schedules worked out by hand, sums, percentiles.
 *
 * Prices are round numbers, so that the working can be followed.
 */

#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/model.h"
#include "ephmap/sdk/design.h"
#include "exec/clock.h"
#include "exec/latency.h"
#include "rig.h"
#include "test_main.h"

static const struct eph_costs prices = {
	.invlpg_local = 100,
	.invlpg_remote = 100,
	.flush_local = 100,
	.flush_remote = 100,
	.ipi_send = 50,
	.ipi_handle = 300,
	.walk_step = 10,
	.pte_store = 5,
	.lock_acquire = 20,
	.ipi_deliver = 200,
	.line_transfer = 40,
	.map = 60,
	.unmap = 30,
	.touch = 1,
};

static const struct eph_time_config closed = { .load = EPH_LOAD_CLOSED };

static struct eph_run_config
config(const char *design, unsigned cpus)
{
	return ((struct eph_run_config){ .design = eph_design_find(design),
	    .tlb = "infinite",
	    .cpus = cpus,
	    .nbufs = 8,
	    .touch = EPH_TOUCH_READ,
	    .costs = &prices,
	    .time = &closed });
}

static struct eph_time
played(const struct eph_run_config *cfg, const struct eph_op *op, size_t n)
{
	struct eph_run_result res;
	struct eph_err err = { .text = "" };
	uint64_t sum = 0;

	CU_ASSERT_EQUAL_FATAL(rig_replay(cfg, op, n, &res, &err), 0);
	for (unsigned i = 0; i < EPH_CYCLES_N; i++)
		sum += res.time.cycles[i];
	CU_ASSERT_EQUAL(sum, res.time.elapsed * res.time.cpus);
	return (res.time);
}

/*
 * dmap on one CPU: a map is 60, the touch walks four levels, 4 x 10, and is
 * 1, the unmap is 30: 131.  The second time the translation is there: 91.
 */
static void
one_cpu(void)
{
	static const struct eph_op op[] = {
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
	};
	const struct eph_run_config cfg = config("dmap", 1);
	const struct eph_time t = played(&cfg, op, 2);

	CU_ASSERT_EQUAL(t.elapsed, 131 + 91);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_walk], 40);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_touch], 2);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_book], 180);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_idle], 0);
	CU_ASSERT_EQUAL(t.map.n, 2);
	CU_ASSERT_EQUAL(t.map.p50, 60);
	CU_ASSERT_EQUAL(t.unmap.max, 30);
}

/*
 * dmap on two CPUs shares nothing: each takes 131, side by side.  With 1,000
 * cycles to think (at 1,000 MHz they would be 1,000 ns; amd64-skylake has
 * 2,400, so 500 ns are 1,200 cycles) a CPU with two lines ends at
 * 131 + 1,200 + 91, and the other is idle from 131 on.
 */
static void
two_cpus_apart(void)
{
	static const struct eph_op op[] = {
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
		{ .kind = EPH_OP_REF, .cpu = 1, .page = 3 },
	};
	static const struct eph_time_config think = { .think_ns = 500 };
	struct eph_run_config cfg = config("dmap", 2);
	struct eph_time t;

	cfg.time = &think;
	t = played(&cfg, op, 3);
	CU_ASSERT_EQUAL(t.elapsed, 131 + 1200 + 91);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_idle], 1200 + (1422 - 131));
	CU_ASSERT_EQUAL(t.busy_most, 222);
	CU_ASSERT_EQUAL(t.busy_least, 131);
}

/*
 * sf_buf.accessed, two CPUs, CPU 0 maps, touches and unmaps page 3, shared,
 * and CPU 1 does nothing:
 *
 *	lock 20; the entry is stored, 5; invlpg 100		now  125
 *	interrupt CPU 1: 50, it arrives at 375 = 175 + 200, is handled for
 *	300 + 100 until 775, and a line brings the answer	now  815
 *	map 60								875
 *	touch: walk 40, 1						916
 *	unmap: lock 20, 30						966
 */
static void
two_cpus_one_waits(void)
{
	static const struct eph_op op[] = {
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
	};
	const struct eph_run_config cfg = config("sf_buf.accessed", 2);
	const struct eph_time t = played(&cfg, op, 1);

	CU_ASSERT_EQUAL(t.elapsed, 966);
	CU_ASSERT_EQUAL(t.map.max, 875);
	CU_ASSERT_EQUAL(t.unmap.max, 50);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_send], 50);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_ack], 640);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_handle], 400);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_lock], 40);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_line], 0);
	/* CPU 1 did nothing but handle. */
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_idle], 966 - 400);
}

/*
 * Three CPUs.  CPU 0 and CPU 1 begin together; CPU 0 has the lower number.
 *
 * CPU 0, page 3: lock 20, store 5, invlpg 100, 125; sends to CPU 1 at 175 and
 * to CPU 2 at 225; they are through at 375 + 400 and 425 + 400, 825; the
 * answer is there at 865, and CPU 0 gives the lock back.  Map 925, touch
 * 966, lock for the unmap 986, 1,016.
 *
 * CPU 1, page 4: its interrupt took 400, so it pays 20 at 420 and finds the
 * lock free at 986, when CPU 0's unmap, which began before, gives it back;
 * two lines, 1,066; store 5 in a line that CPU 0 wrote last, 40, invlpg 100:
 * 1,211.  It sends to CPU 0 at 1,261 and to CPU 2 at 1,311; CPU 0 takes it
 * at 1,461, CPU 2 at 1,511, done at 1,911, answered at 1,951.  Map 2,011,
 * touch 2,052, lock 2,072, unmap 2,102.
 */
static void
three_cpus(void)
{
	static const struct eph_op op[] = {
		{ .kind = EPH_OP_REF, .cpu = 0, .page = 3 },
		{ .kind = EPH_OP_REF, .cpu = 1, .page = 4 },
	};
	const struct eph_run_config cfg = config("sf_buf.accessed", 3);
	const struct eph_time t = played(&cfg, op, 2);

	CU_ASSERT_EQUAL(t.elapsed, 2102);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_handle], 4 * 400);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_line], 80 + 40);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_lock], 4 * 20 + (986 - 420));
	CU_ASSERT_EQUAL(t.map.max, 2011 - 400);
}

static int
compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return ((x > y) - (x < y));
}

static bool
near(uint64_t got, uint64_t want)
{
	const uint64_t off = got > want ? got - want : want - got;

	return (off * 256 <= want);
}

static void
percentiles_are_the_lists(void)
{
	enum { N = 20000 };
	uint64_t *list = malloc(N * sizeof(*list));
	struct eph__latency *l = calloc(1, sizeof(*l));
	struct eph_latency out;
	struct prng r;

	CU_ASSERT_FATAL(list != NULL && l != NULL);
	eph__prng_init(&r, 7, 7);
	for (unsigned round = 0; round < 4; round++) {
		memset(l, 0, sizeof(*l));
		for (unsigned i = 0; i < N; i++) {
			list[i] = prng_below(&r, 1u << 31) >>
			    prng_below(&r, 10 + 7 * round);
			eph__latency_add(l, list[i]);
		}
		qsort(list, N, sizeof(*list), compare_u64);
		eph__latency_get(l, &out);
		CU_ASSERT_TRUE(near(out.p50, list[N / 2 - 1]));
		CU_ASSERT_TRUE(near(out.p90, list[N / 10 * 9 - 1]));
		CU_ASSERT_TRUE(near(out.p99, list[N / 100 * 99 - 1]));
		CU_ASSERT_TRUE(near(out.p999, list[N / 1000 * 999 - 1]));
		CU_ASSERT_EQUAL(out.max, list[N - 1]);
	}
	free(list);
	free(l);
}

/* Every design: the cycles add up, and the same seed gives the same time. */
static void
every_design_adds_up(void)
{
	enum { OPS = 300 };
	struct eph_op op[OPS] = { 0 };
	struct prng r;

	eph__prng_init(&r, 9, 9);
	for (unsigned i = 0; i < OPS; i++)
		op[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.cpu = (uint16_t)prng_below(&r, 4),
			.page = prng_below(&r, 20) };
	for (size_t d = 0; eph_designs[d] != NULL; d++) {
		const struct eph_run_config cfg =
		    config(eph_designs[d]->name, 4);
		const struct eph_time a = played(&cfg, op, OPS);
		const struct eph_time b = played(&cfg, op, OPS);

		CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
		CU_ASSERT_EQUAL(a.map.n, OPS);
	}
}

/*
 * A block that is given back leaves no last writer to the next one at its
 * place: otherwise times would depend on where the host puts memory.
 */
static void
blocks_begin_unwritten(void)
{
	static const size_t size[] = { 8, 64, 4096, 1u << 20 };
	struct rig r;
	struct eph_time_cpu t;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "dmap", NULL, 2, 8), 0);
	CU_ASSERT_EQUAL_FATAL(eph__clock_create(r.mc), 0);
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		char *p = eph_machine_alloc(r.mc, size[i]);
		const uintptr_t at = (uintptr_t)p;

		CU_ASSERT_FATAL(p != NULL);
		r.mc->cur = r.mc->cpus[0];
		eph_clock_line(r.mc, p);
		eph_clock_line(r.mc, p + size[i] - 1);
		eph_machine_free(r.mc, p, size[i]);
		/* Whoever is there now: nothing is looked at but the place. */
		r.mc->cur = r.mc->cpus[1];
		eph_clock_line(r.mc, (const void *)at);
		eph_clock_line(r.mc, (const void *)(at + size[i] - 1));
	}
	eph_clock_cpu(r.mc, 1, &t);
	CU_ASSERT_EQUAL(t.cycles[EPH_CYCLES_line], 0);
	rig_close(&r);
}

static CU_TestInfo tests[] = {
	TEST(one_cpu),
	TEST(two_cpus_apart),
	TEST(two_cpus_one_waits),
	TEST(three_cpus),
	TEST(percentiles_are_the_lists),
	TEST(every_design_adds_up),
	TEST(blocks_begin_unwritten),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "clock", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
