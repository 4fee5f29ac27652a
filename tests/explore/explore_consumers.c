/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Consumers under the explorer: small runs in many orders, with real bytes.
 * Sound ones survive; sendfile's chains whose every mapping may sleep
 * deadlock, and the form that FreeBSD went over to does not.  (The cluster
 * is not here: its other machine would not be rewound.)
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/workload.h"
#include "test_main.h"

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
	struct consumer *co = x->arg = machine_alloc(x->mc, sizeof(*co));
	int error;

	if (co == NULL)
		return (ENOMEM);
	if ((error = eph_workload_parse(consumer_text, &co->wl, &co->err)) !=
		0 ||
	    (error = work_open(&co->w, &co->wl, x->mc, x->design, x->state, 0,
		 &co->res, &co->err)) != 0)
		return (error);
	return (co->w.ops->start(&co->w));
}

static void
consumer_finish(struct eph_xp *x)
{
	struct consumer *co = x->arg;
	const struct eph_work_result *r = &co->res;

	co->w.ops->finish(&co->w);
	work_close(&co->w);
	if (r->corrupt > 0)
		xp_failure(x, EPH_FAIL_WRONG, "bytes arrived as others");
	if (r->checked == 0)
		xp_failure(x, EPH_FAIL_WRONG, "nothing was compared");
	if (r->maps_left + r->holds_left + r->mbufs_left + r->pages_left > 0 ||
	    r->wires_left > 0)
		xp_failure(x, EPH_FAIL_LEAK, "something was not given back");
}

static const struct eph_scenario consumer_scenario = {
	.name = "consumer",
	.summary = "a workload",
	.origin = "tests",
	.cpus = 2,
	.nbufs = 4,
	.contents = EPH_CONTENTS_FULL,
	.setup = consumer_setup,
	.finish = consumer_finish,
};

/* The failure found in `budget` schedules. */
static enum eph_failure
explore(const char *text, const char *design, uint32_t nbufs, uint64_t budget)
{
	struct eph_explore_config cfg = { .scenario = &consumer_scenario,
		.design = eph_design_find(design),
		.nbufs = nbufs,
		.budget = test_long ? 100 * budget : budget,
		.seed = 1 };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	enum eph_failure f;
	int error;

	consumer_text = text;
	error = eph_explore(&cfg, &r, &err);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	f = r.failure;
	if (f != EPH_FAIL_NONE)
		(void)printf("\n%s on %s: %s\n", text, design, r.what);
	eph_explore_free(&r);
	return (f);
}

static void
consumers_survive(void)
{
	static const char *const texts[] = {
		"pipe:bytes=16384,bs=8192,rbs=8192",
		"pipe:mode=copy,bytes=3000,bs=1500,rbs=1000,size=4096",
		"pipe:bytes=16384,bs=8192,rbs=8192,quit=4096",
		"md:size=8192,bs=4096,passes=1",
		"exec:execs=2,procs=2,images=2,reads=1",
		"ptrace:calls=2,pages=2,bytes=3000",
		"pager:pages=2,bsize=4096",
		"bufcache:ops=3,bufs=2,bufpages=1,blocks=3",
		"bufcache:ops=3,bufs=2,bufpages=1,blocks=3,map=demand",
		"rawio:device=pio,blocks=1,bs=4096",
		"msg:msgs=2,bs=4096,senders=1",
		"zerocopy:writes=2,conns=2,bs=4096,sndbuf=4096",
		"sendfile:conns=2,requests=1,files=1,size=8192,sndbuf=4096",
		"sendfile:form=freebsd,conns=2,requests=1,files=1,size=8192",
		"sendfile:conns=2,requests=1,files=1,size=4096,rate=1M,rtt=9",
	};
	static const char *const designs[] = { "sf_buf.cpumask",
		"lwbuf.objcache", "dmap" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t d = 0; d < 3; d++)
			CU_ASSERT_EQUAL(explore(texts[i], designs[d], 4, 100),
			    EPH_FAIL_NONE);
	}
}

static void
chains_that_sleep_deadlock(void)
{
	CU_ASSERT_EQUAL(
	    explore("sendfile:form=chain,conns=2,requests=1,files=2,"
		    "pick=own,size=8192,header=0",
		"sf_buf.cpumask", 2, 2000),
	    EPH_FAIL_DEADLOCK);
	CU_ASSERT_EQUAL(
	    explore("sendfile:form=freebsd,conns=2,requests=1,files=2,"
		    "pick=own,size=8192,header=0",
		"sf_buf.accessed", 2, 100),
	    EPH_FAIL_NONE);
}

static CU_TestInfo consumer_tests[] = {
	TEST(consumers_survive),
	TEST(chains_that_sleep_deadlock),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "consumers", NULL, NULL, NULL, NULL, consumer_tests },
	CU_SUITE_INFO_NULL,
};
