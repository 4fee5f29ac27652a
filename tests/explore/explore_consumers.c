/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Consumers under the explorer: small runs in many orders, with real bytes.
 * Sound ones survive; sendfile's chains whose every mapping may sleep
 * deadlock, and the form that FreeBSD went over to does not.  Mappings that
 * are wrong on purpose, and those that shipped with a hole, are found.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"
#include "wrong_design.h"

/* Everything of a schedule: from the machine, so that it is rewound. */
struct consumer {
	struct eph_work w;
	struct eph_work_result res;
	struct eph_err err;
	struct eph_workload wl;
};

/* What the next exploration runs; a scenario has no argument of its own. */
static const char *consumer_text;

static int
consumer_setup(struct eph_xp *x)
{
	struct consumer *co = x->arg = eph_machine_alloc(x->mc, sizeof(*co));
	int error;

	if (co == NULL)
		return (ENOMEM);
	if ((error = eph_workload_parse(consumer_text, &co->wl, &co->err)) !=
		0 ||
	    (error = eph_work_open(&co->w, &co->wl, x->mc, x->design, x->state,
		 0, &co->res, &co->err)) != 0)
		return (error);
	return (co->w.ops->start(&co->w));
}

static void
consumer_finish(struct eph_xp *x)
{
	struct consumer *co = x->arg;
	const struct eph_work_result *r = &co->res;

	co->w.ops->finish(&co->w);
	eph_work_close(&co->w);
	x->held_peak = co->w.map.held_peak;
	if (r->corrupt > 0)
		eph_xp_failure(x, EPH_FAIL_WRONG, "bytes arrived as others");
	if (r->checked == 0)
		eph_xp_failure(x, EPH_FAIL_WRONG, "nothing was compared");
	if (r->maps_left + r->holds_left + r->mbufs_left > 0 ||
	    r->wires_left != r->wires_of_design + r->wires_of_history ||
	    (r->wires_left == 0 && r->pages_left > 0))
		eph_xp_failure(
		    x, EPH_FAIL_LEAK, "something was not given back");
}

static const struct eph_scenario consumer_scenario = {
	.abi = EPHMAP_ABI,
	.name = "consumer",
	.summary = "a workload",
	.origin = "tests",
	.cpus = 2,
	.nbufs = 4,
	.contents = EPH_CONTENTS_FULL,
	.setup = consumer_setup,
	.finish = consumer_finish,
};

/* In `budget` schedules this is found, or, with EPH_FAIL_NONE, nothing. */
static void
finds(enum eph_failure failure, const char *text,
    const struct eph_design_ops *design, bool repaired, uint32_t nbufs,
    uint64_t budget)
{
	struct eph_explore_config cfg = { .scenario = &consumer_scenario,
		.design = design,
		.repaired = repaired,
		.nbufs = nbufs,
		.budget = test_long ? 100 * budget : budget,
		.seed = 1 };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	consumer_text = text;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.failure, failure);
	if (r.failure != failure)
		(void)fprintf(stderr, "\n%s on %s: %s %s\n", text, design->name,
		    eph_failure_name(r.failure), r.what);
	eph_explore_free(&r);
}

static void
finds_on(enum eph_failure failure, const char *text, const char *design,
    uint32_t nbufs, uint64_t budget)
{
	finds(failure, text, eph_design_find(design), false, nbufs, budget);
}

/* On every design, its shipped holes repaired. */
static void
consumers_survive(void)
{
	static const char *const texts[] = {
		"pipe:bytes=16384,bs=8192,rbs=8192",
		"pipe:mode=copy,bytes=3000,bs=1500,rbs=1000,size=4096",
		"pipe:bytes=16384,bs=8192,rbs=8192,quit=4096",
		"md:size=8192,bs=4096,passes=1",
		"exec:execs=2,procs=2,images=2,reads=1",
		"ptrace:calls=2,pages=2,bytes=600",
		"pager:pages=2,bsize=4096",
		"bufcache:ops=3,bufs=2,bufpages=1,blocks=3",
		"bufcache:ops=3,bufs=2,bufpages=1,blocks=3,map=demand",
		"rawio:device=pio,blocks=1,bs=4096",
		"msg:msgs=2,bs=4096,senders=1",
		"cluster:size=8192,block=4096,procs=2",
		"cluster:size=8192,block=4096,procs=2,by=data",
		"zerocopy:writes=2,conns=2,bs=4096,sndbuf=4096",
		"sendfile:conns=2,requests=1,files=1,size=8192,sndbuf=4096",
		"sendfile:form=freebsd,conns=2,requests=1,files=1,size=8192",
		"sendfile:conns=2,requests=1,files=1,size=4096,rate=1M,rtt=9",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct eph_workload wl;
		struct eph_err err;

		CU_ASSERT_EQUAL_FATAL(
		    eph_workload_parse(texts[i], &wl, &err), 0);
		for (size_t d = 0; eph_designs[d] != NULL; d++) {
			if (eph_workload_refuses(&wl, eph_designs[d]) == NULL)
				finds(EPH_FAIL_NONE, texts[i], eph_designs[d],
				    true, 4, 25);
		}
	}
}

/* Another process's own wire is not taken for the design's. */
static void
wires_are_counted_whoever_wires(void)
{
	finds_on(EPH_FAIL_NONE, "exec:execs=2,procs=2,images=1,reads=1",
	    "sf_buf.lru", 4, 300);
	finds_on(EPH_FAIL_NONE,
	    "exec:execs=2,procs=2,images=1,reads=1,repaired=yes", "sf_buf.lru",
	    4, 300);
}

static void
a_wrong_mapping_is_found(void)
{
	static const char *const texts[] = {
		"sendfile:conns=2,requests=1,files=2,pick=own,size=8192",
		"sendfile:form=freebsd,conns=2,requests=2,files=1,size=8192",
		"pipe:bytes=16384,bs=8192,rbs=8192",
		"md:size=8192,bs=4096,passes=1",
		"msg:msgs=2,bs=4096,senders=1",
		"cluster:size=8192,block=4096,by=data",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		finds(EPH_FAIL_STALE, texts[i], &wrong_stale, false, 4, 100);
		finds(
		    EPH_FAIL_STALE, texts[i], &wrong_neighbour, false, 4, 100);
	}
}

/*
 * The flush that nobody waits for: the pipe's reader uses what an earlier
 * write mapped there.  With the wait it does not.
 */
static void
a_shipped_hole_is_found(void)
{
	static const char text[] =
	    "pipe:mode=kmem,bytes=16384,bs=8192,rbs=8192,buffers=2";

	finds_on(EPH_FAIL_STALE, text, "kva.qenter", 4, 500);
	finds_on(EPH_FAIL_NONE, text, "dmap", 4, 500);
}

static void
chains_that_sleep_deadlock(void)
{
	finds_on(EPH_FAIL_DEADLOCK,
	    "sendfile:form=chain,conns=2,requests=1,files=2,"
	    "pick=own,size=8192,header=0",
	    "sf_buf.cpumask", 2, 2000);
	finds_on(EPH_FAIL_NONE,
	    "sendfile:form=freebsd,conns=2,requests=1,files=2,"
	    "pick=own,size=8192,header=0",
	    "sf_buf.accessed", 2, 100);
}

static CU_TestInfo consumer_tests[] = {
	TEST(consumers_survive),
	TEST(wires_are_counted_whoever_wires),
	TEST(a_wrong_mapping_is_found),
	TEST(a_shipped_hole_is_found),
	TEST(chains_that_sleep_deadlock),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "consumers", NULL, NULL, NULL, NULL, consumer_tests },
	CU_SUITE_INFO_NULL,
};
