/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Faults on purpose: each allocation, interruptible sleep, mapping that may
 * fail and copy of user memory of a run fails in turn.  Whatever fails,
 * what arrives is what was reported as sent, and nothing is left behind but
 * the wires that history leaked, by their exact number.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"

struct fault {
	enum eph_fault kind;
	uint64_t n;	      /* the one that fails; 0: none */
	uint64_t seen_before; /* opportunities before the run */
	uint64_t seen;
	struct eph_machine *mc;
};

static void
arm(void *arg, struct eph_work *w)
{
	struct fault *f = arg;

	eph_machine_fail(w->mc, f->kind, f->n);
	f->mc = w->mc;
}

/* How often it happened, read before the machine goes. */
static void
count(void *arg, struct eph_machine *mc, void *state)
{
	struct fault *f = arg;

	(void)state;
	f->seen = eph_machine_fault_seen(mc, f->kind);
}

static int
run(const char *text, const char *design, uint32_t nbufs, struct fault *f,
    struct eph_run_result *res, struct eph_work_result *wres)
{
	struct eph_workload wl;
	struct eph_err err = { "" };
	const struct eph_run_config cfg = { .design = eph_design_find(design),
		.tlb = "infinite",
		.cpus = 3,
		.nbufs = nbufs,
		.seed = 1,
		.at_end = count,
		.hook_arg = f };

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	return (eph_workload_run(&cfg, &wl, res, wres, arm, f, &err));
}

static void
check(const char *text, const char *design, const struct fault *f, int error,
    const struct eph_run_result *res, const struct eph_work_result *w)
{
	static const char *const kinds[] = { "alloc", "sleep", "map", "copy" };
	struct eph_workload wl;
	struct eph_err err = { "" };
	bool ok;

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	ok = (error == 0 || error == ENOMEM) && res->violations_total == 0 &&
	    eph_workload_sound(&wl, w, &err);
	CU_ASSERT(ok);
	if (!ok)
		(void)fprintf(stderr,
		    "\n%s on %s, %s number %ju: error %d, violations %ju, %s",
		    text, design, kinds[f->kind], (uintmax_t)f->n, error,
		    (uintmax_t)res->violations_total, err.text);
}

/* All of them, one run each; returns how many runs that were. */
static unsigned
sweep(const char *text, const char *design, uint32_t nbufs)
{
	const uint64_t first = test_long ? 200 : 18;
	unsigned runs = 0;

	for (unsigned kind = 0; kind < EPH_FAULTS; kind++) {
		struct fault f = { .kind = (enum eph_fault)kind };
		struct eph_run_result res;
		struct eph_work_result wres;
		uint64_t opportunities, step;
		int error = run(text, design, nbufs, &f, &res, &wres);

		check(text, design, &f, error, &res, &wres);
		opportunities = f.seen;
		/* Every one of the first, then some of the many that follow. */
		for (f.n = 1; f.n <= opportunities; f.n += step) {
			error = run(text, design, nbufs, &f, &res, &wres);
			check(text, design, &f, error, &res, &wres);
			runs++;
			step = f.n < first ? 1 : 1 + f.n / 4;
		}
	}
	return (runs);
}

static const char *const consumers[] = {
	"pipe:bytes=64K,bs=16384,rbs=10000",
	"pipe:mode=copy,bytes=40000,bs=9000,rbs=7000,size=16384",
	"pipe:mode=kmem,bytes=64K,bs=16384,rbs=10000",
	"pipe:mode=sfbuf2,bytes=64K,bs=16384,rbs=10000",
	"pipe:bytes=64K,bs=16384,quit=20000",
	"pipe:mode=copy,bytes=64K,bs=8192,quit=20000",
	"md:size=32K,bs=4096,passes=1",
	"exec:execs=5,images=3",
	"ptrace:calls=10,pages=4",
	"pager:pages=4",
	"bufcache:ops=20,bufs=4,bufpages=2,blocks=8",
	"bufcache:ops=20,bufs=4,bufpages=2,blocks=8,map=demand,copy=50",
	"rawio:device=pio,blocks=2,bs=8192",
	"rawio:device=dma,blocks=2,bs=8192,overwrite=yes",
	"rawio:device=vfs,blocks=2,bs=8192",
	"msg:msgs=4,bs=8192",
	"msg:msgs=4,bs=8192,by=copy",
	"cluster:size=20000,block=8192",
	"cluster:size=20000,block=8192,by=data",
	"cluster:size=20000,block=8192,look=yes",
	"zerocopy:writes=4,conns=2",
	"sendfile:conns=4,requests=2,files=2,size=20000,quit=30000",
	("sendfile:form=freebsd,conns=4,requests=2,files=2,size=20000,join=no,"
	 "quit=25000,rtt=1000,rate=1M"),
	"sendfile:conns=4,requests=2,files=2,size=20000",
	"sendfile:form=freebsd,conns=4,requests=2,files=2,size=20000",
};

#define NCONSUMERS (sizeof(consumers) / sizeof(consumers[0]))

static void
nothing_is_left_whatever_fails(void)
{
	unsigned runs = 0;

	for (size_t i = 0; i < NCONSUMERS; i++)
		runs += sweep(consumers[i], "sf_buf.cpumask", 16);
	CU_ASSERT(runs > 900);
}

/* Every consumer on every design that can do it; 128 buffers are enough. */
static void
sweep_all_designs(void)
{
	for (size_t d = 0; eph_designs[d] != NULL; d++) {
		for (size_t i = 0; i < NCONSUMERS; i++) {
			struct fault f = { .kind = EPH_FAULT_ALLOC };
			struct eph_run_result res;
			struct eph_work_result w;
			const char *name = eph_designs[d]->name;

			if (run(consumers[i], name, 128, &f, &res, &w) !=
			    ENOTSUP)
				(void)sweep(consumers[i], name, 128);
		}
	}
}

static void
nothing_is_left_on_other_designs(void)
{
	static const char *const designs[] = { "sf_buf.accessed",
		"lwbuf.objcache", "dmap" };

	if (test_long) {
		sweep_all_designs();
		return;
	}

	for (size_t d = 0; d < 3; d++) {
		(void)sweep(consumers[0], designs[d], 16);
		(void)sweep(consumers[NCONSUMERS - 1], designs[d], 16);
		(void)sweep(consumers[NCONSUMERS - 2], designs[d], 16);
	}
}

/*
 * A pool in which senders wait for each other: the sleeps for a buffer are
 * interrupted too.
 */
static void
nothing_is_left_when_buffers_run_out(void)
{
	static const char *const texts[] = {
		"sendfile:conns=4,requests=2,files=2,size=20000,pick=own",
		("sendfile:form=freebsd,conns=4,requests=2,files=2,size=20000,"
		 "pick=own"),
		"zerocopy:writes=4,conns=4",
	};
	static const char *const designs[] = { "sf_buf.accessed",
		"sf_buf.sharded", "ephmap.best" };

	for (size_t i = 0; i < 3; i++) {
		for (size_t d = 0; d < 3; d++) {
			struct fault f = { .kind = EPH_FAULT_SLEEP };
			struct eph_run_result res;
			struct eph_work_result wres;

			CU_ASSERT_EQUAL(
			    run(texts[i], designs[d], 3, &f, &res, &wres), 0);
			CU_ASSERT(wres.map_sleeps > 0);
			CU_ASSERT(f.seen >= wres.map_sleeps);
			(void)sweep(texts[i], designs[d], 3);
		}
	}
}

/* S1 takes k wires for k concurrent uses of a page and gives back one. */
static void
s1_leaks_all_but_one_wire_and_repaired_none(void)
{
	struct fault f = { .kind = EPH_FAULT_ALLOC };
	struct eph_run_result res;
	struct eph_work_result w;
	uint64_t active;

	CU_ASSERT_EQUAL(run("sendfile:conns=4,requests=3,files=2", "sf_buf.lru",
			    64, &f, &res, &w),
	    0);
	active = res.counters.hit_active;
	CU_ASSERT(active > 0);
	CU_ASSERT_EQUAL(w.wires_left, active);
	CU_ASSERT_EQUAL(w.wires_of_design, active);
	CU_ASSERT_EQUAL(run("sendfile:conns=4,requests=3,files=2,repaired=yes",
			    "sf_buf.lru", 64, &f, &res, &w),
	    0);
	CU_ASSERT_EQUAL(res.counters.hit_active, active);
	CU_ASSERT_EQUAL(w.wires_left, 0);
	CU_ASSERT_EQUAL(w.pages_left, 0);
}

/* DragonFly's sendfile without an mbuf: the mapping goes, the wire stays. */
static void
dragonfly_leaks_a_wire_for_each_missing_mbuf(void)
{
	static const char *const forms[] = {
		"sendfile:conns=1,requests=1,files=1,header=0",
		"sendfile:conns=1,requests=1,files=1,header=0,repaired=yes",
		"sendfile:conns=1,requests=1,files=1,header=0,form=freebsd",
	};
	static const uint64_t due[] = { 1, 0, 0 };

	for (size_t i = 0; i < 3; i++) {
		struct fault f = { .kind = EPH_FAULT_ALLOC };
		struct eph_run_result res;
		struct eph_work_result w;
		uint64_t last;

		/* The last allocation of a run is an mbuf's. */
		CU_ASSERT_EQUAL(
		    run(forms[i], "sf_buf.cpumask", 64, &f, &res, &w), 0);
		last = f.n = f.seen;
		CU_ASSERT_EQUAL(w.wires_left, 0);
		CU_ASSERT_EQUAL(
		    run(forms[i], "sf_buf.cpumask", 64, &f, &res, &w), 0);
		CU_ASSERT(last > 0);
		CU_ASSERT_EQUAL(w.failures, 1);
		CU_ASSERT_EQUAL(w.wires_of_history, due[i]);
		CU_ASSERT_EQUAL(w.wires_left, due[i]);
		CU_ASSERT_EQUAL(w.corrupt, 0);
	}
}

/*
 * A pool smaller than what senders want at once: FreeBSD's chains end
 * short and go on, DragonFly's packets wait; nobody sleeps for ever.  (The
 * chains that do are found by exploration.)
 */
static void
a_small_pool_makes_chains_short(void)
{
	static const char common[] = "conns=8,requests=2,files=8,pick=own";
	struct fault f = { .kind = EPH_FAULT_ALLOC };
	struct eph_run_result res;
	struct eph_work_result w;
	char text[128];

	(void)snprintf(text, sizeof(text), "sendfile:form=freebsd,%s", common);
	CU_ASSERT_EQUAL(run(text, "sf_buf.accessed", 12, &f, &res, &w), 0);
	CU_ASSERT_EQUAL(w.asleep, 0);
	CU_ASSERT_EQUAL(w.corrupt, 0);
	CU_ASSERT(w.failures > 0);
	(void)snprintf(
	    text, sizeof(text), "sendfile:form=dragonfly,%s", common);
	CU_ASSERT_EQUAL(run(text, "sf_buf.accessed", 12, &f, &res, &w), 0);
	CU_ASSERT_EQUAL(w.asleep, 0);
	CU_ASSERT_EQUAL(w.failures, 0);
	CU_ASSERT(w.map_sleeps > 0);
}

static CU_TestInfo fault_tests[] = {
	TEST(nothing_is_left_whatever_fails),
	TEST(nothing_is_left_on_other_designs),
	TEST(nothing_is_left_when_buffers_run_out),
	TEST(s1_leaks_all_but_one_wire_and_repaired_none),
	TEST(dragonfly_leaks_a_wire_for_each_missing_mbuf),
	TEST(a_small_pool_makes_chains_short),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "faults", NULL, NULL, NULL, NULL, fault_tests },
	CU_SUITE_INFO_NULL,
};
