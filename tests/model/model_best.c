/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What ephmap.best promises, on the start of a real capture: at the same
 * buffers, CPUs, touch and flags no more IPIs, and no more invlpg plus
 * flushes, than any historical design that is valid where it is; strictly
 * fewer IPIs where the best of those sends more than N - 1 for each nbufs
 * buffers that it recycled; against kmap and segmap at most their IPIs.
 * The default run plays 30,000 lines of the capture, --long all of it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/trace.h"
#include "test_main.h"
#include "text_run.h"

static struct eph_trace *trace;
static struct eph_oplist *list;

static int
open_sample(void)
{
	struct eph_err err;

	if (eph_trace_open(SAMPLE, &trace, &err) != 0 ||
	    eph_oplist_read(trace, &list, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return (1);
	}
	return (0);
}

static int
close_sample(void)
{
	eph_oplist_free(list);
	eph_trace_close(trace);
	return (0);
}

/* The start of the sample as a source. */
struct start {
	size_t left;
};

static struct start start;

static int
start_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct eph_oplist_cursor *cur = arg;

	(void)err;
	*opsp = eph_oplist_ops(list) + cur->next;
	*np = start.left;
	cur->base = cur->next;
	cur->next += start.left;
	start.left = 0;
	return (0);
}

struct point {
	unsigned cpus;
	uint32_t nbufs;
	enum eph_touch touch;
	unsigned flags;
};

static struct eph_counters
play(const char *design, const struct point *at)
{
	struct eph_oplist_cursor cur;
	struct eph_op_source src = eph_oplist_source(list, &cur);
	const struct eph_run_config cfg = {
		.design = eph_design_find(design),
		.cpus = at->cpus,
		.nbufs = at->nbufs,
		.touch = at->touch,
		.flags = at->flags,
	};
	struct eph_run_result res;
	struct eph_err err;

	start.left = test_long ? eph_oplist_count(list) : 30000;
	src.next = start_next;
	if (eph_replay_run(&cfg, &src, &res, &err) != 0)
		CU_FAIL_FATAL("the run failed");
	CU_ASSERT_EQUAL(res.violations_total, 0);
	return (res.counters);
}

static uint64_t
invalidations(const struct eph_counters *c)
{
	return (c->invlpg_local + c->invlpg_remote + c->flush_local +
	    c->flush_remote);
}

static void
beats(const struct point *at)
{
	static const char *const historical[] = { "sf_buf.uncached",
		"sf_buf.hash", "sf_buf.lru", "sf_buf.cpumask",
		"sf_buf.accessed", "sf_buf.lwbuf", "msf_buf", "sf_buf.dynamic",
		"linux.vm_map_ram", "xen.global", "sun4.ppmapin",
		"netbsd.pagermapin", "openbsd.pseg", "haiku.get" };
	static const char *const batched[] = { "kmap", "segmap" };
	const struct eph_counters best = play("ephmap.best", at);
	uint64_t ipis = UINT64_MAX, recycled = 0;

	for (size_t i = 0; i < sizeof(historical) / sizeof(historical[0]);
	     i++) {
		const struct eph_counters c = play(historical[i], at);

		CU_ASSERT(best.ipi_sent <= c.ipi_sent);
		CU_ASSERT(invalidations(&best) <= invalidations(&c));
		if (c.ipi_sent < ipis) {
			ipis = c.ipi_sent;
			recycled = c.evict;
		}
	}
	if (ipis > (at->cpus - 1) * (recycled / at->nbufs + 1))
		CU_ASSERT(best.ipi_sent < ipis);
	for (size_t i = 0; i < sizeof(batched) / sizeof(batched[0]); i++) {
		const struct eph_counters c = play(batched[i], at);

		CU_ASSERT(best.ipi_sent <= c.ipi_sent);
	}
}

static void
test_best_sends_no_more_ipis_than_any_historical_design(void)
{
	static const struct point points[] = {
		{ 2, 1024, EPH_TOUCH_READ, SFB_DEFAULT },
		{ 8, 256, EPH_TOUCH_READ, SFB_DEFAULT },
		{ 8, 256, EPH_TOUCH_NONE, SFB_DEFAULT },
		{ 33, 64, EPH_TOUCH_WRITE, SFB_DEFAULT },
		{ 8, 256, EPH_TOUCH_READ, SFB_CPUPRIVATE },
		{ 65, 64, EPH_TOUCH_READ, SFB_CPUPRIVATE },
	};

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		beats(&points[i]);
}

/* `rounds` over the pages, which the CPUs map in turn: page p on p % 4. */
static uint64_t
misses_in_turns(unsigned rounds, const char *tlb)
{
	const unsigned pages = 2048;
	const size_t size = (size_t)rounds * pages * 40;
	struct eph_run_result res;
	char *lines = malloc(size);
	size_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
	for (unsigned i = 0; i < rounds * pages; i++)
		n += (size_t)snprintf(lines + n, size - n,
		    "m %u %u 1\nr %u 1\nu %u 1\n", i % 4, i % pages, i % 4,
		    i % 4);
	CU_ASSERT_EQUAL(text_run("ephmap.best", 4, 4096, tlb, lines, &res), 0);
	free(lines);
	return (res.counters.tlb_miss);
}

/*
 * Every fourth address, 512 a CPU, would fall into 32 of 128 sets of 12 ways,
 * and the least recently used one would always come next.
 */
static void
test_addresses_taken_in_turns_do_not_crowd_the_tlb(void)
{
	CU_ASSERT_EQUAL(misses_in_turns(3, "skylake"), 2048);
	CU_ASSERT_EQUAL(misses_in_turns(3, "infinite"), 2048);
}

static CU_TestInfo tests[] = {
	TEST(test_addresses_taken_in_turns_do_not_crowd_the_tlb),
	TEST(test_best_sends_no_more_ipis_than_any_historical_design),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "ephmap.best",
	    .pInitFunc = open_sample,
	    .pCleanupFunc = close_sample,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
