/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every consumer on every design it applies to, on real threads: all CPUs
 * at once, real locks, real interrupts, few buffers.
 *
 * Asserted: bytes arrive as they were sent and no use is stale, unless the
 * design's listed hole says so; nobody sleeps for ever; nothing is left
 * when the machine goes but the wires that history leaked, by their number.
 * Not asserted: counts.  The seed is printed; a run that hangs is ended by
 * the executor's watchdog with what every CPU does.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"
#include "wrong_design.h"

#define STRESS_CPUS	3u
#define STRESS_NBUFS	16u
#define STRESS_WATCHDOG 30u

/* Each workload, in the modes that take different ways. */
static const char *const texts[] = {
	"sendfile:conns=4,requests=3,files=2,size=20000",
	"sendfile:form=freebsd,conns=4,requests=3,files=2,size=20000,"
	"repaired=yes",
	"sendfile:form=freebsd,conns=4,requests=3,files=2,size=9000,"
	"stress=both,alloc=global,join=no",
	"sendfile:conns=4,requests=3,files=2,size=9000,csum=dma,"
	"alloc=mb_alloc,stress=frag,header=0",
	"zerocopy:writes=4,conns=3",
	"zerocopy:writes=4,bs=10001,csum=dma",
	"pipe:mode=copy,bytes=40000,bs=5000,rbs=3000",
	"pipe:mode=kmem,bytes=128K",
	"pipe:mode=sfbuf1,bytes=128K,pipes=2",
	"pipe:mode=sfbuf2,bytes=128K",
	"pipe:mode=sfbuf3,bytes=100001,bs=20000,rbs=7000,buffers=3",
	"pipe:bytes=128K,pipes=2,quit=50000",
	"md:size=128K,bs=16K,readers=3,order=random,passes=1",
	"exec:execs=10,procs=5",
	"exec:execs=10,form=freebsd,procs=5,repaired=yes",
	"ptrace:calls=20,pages=8",
	"pager:pages=8,bsize=4096,procs=3,tail=4096",
	"bufcache:ops=40,bufs=3",
	"bufcache:ops=40,bufs=3,map=demand,copy=30,meta=30",
	"rawio:device=dma,bs=16K,blocks=4,procs=3",
	"rawio:device=vfs,bs=10000,blocks=4,procs=3",
	"rawio:device=pio,bs=16K,blocks=4,overwrite=yes",
	"msg:msgs=8",
	"msg:msgs=8,by=copy,look=first,bs=5000",
	"cluster:size=100001",
	"cluster:size=50001,by=data,procs=3",
};

#define NTEXTS (sizeof(texts) / sizeof(texts[0]))

/* A hole through which another page may be seen, not a lost wakeup. */
static bool
may_be_stale(const struct eph_design_ops *d)
{
	return ((d->flags & EPH_DESIGN_UNSAFE) != 0 ||
	    strstr(d->holes, "un-acked") != NULL ||
	    strstr(d->holes, "A is read") != NULL ||
	    strstr(d->holes, "local") != NULL);
}

static void
set_watchdog(void *arg, struct eph_work *w)
{
	(void)arg;
	eph_threads_watchdog(w->mc, STRESS_WATCHDOG);
}

static void
show(const struct eph_workload *wl, const struct eph_run_config *cfg,
    const struct eph_run_result *res, const struct eph_work_result *w,
    const char *err)
{
	(void)fprintf(stderr,
	    "\n%s on %s, seed %" PRIu64 ": %s%s; corrupt %" PRIu64
	    ", violations %" PRIu64 ", asleep %" PRIu64 ", maps %" PRIu64
	    ", wires %" PRIu64 " (due %" PRIu64 "), holds %" PRIu64
	    ", pages %" PRIu64 ", mbufs %" PRIu64 ", bytes %" PRIu64 "\n",
	    wl->text, cfg->design->name, cfg->seed, err,
	    res->violations > 0 ? res->violation[0].text : "", w->corrupt,
	    res->violations_total, w->asleep, w->maps_left, w->wires_left,
	    w->wires_of_design + w->wires_of_history, w->holds_left,
	    w->pages_left, w->mbufs_left, w->bytes_left);
}

/* What must hold at the end of a run. */
static bool
sound(const struct eph_workload *wl, const struct eph_design_ops *d,
    const struct eph_run_result *res, const struct eph_work_result *w)
{
	const uint64_t leaked = w->wires_of_design + w->wires_of_history;

	return (w->asleep == 0 && w->checked > 0 && w->maps_left == 0 &&
	    w->holds_left == 0 && w->mbufs_left == 0 && w->bytes_left == 0 &&
	    w->wires_left == leaked && (leaked == 0 || !wl->repaired) &&
	    (leaked > 0 || w->pages_left == 0) &&
	    (may_be_stale(d) ||
		(w->corrupt == 0 && res->violations_total == 0)));
}

static struct eph_run_config
config(const struct eph_design_ops *d, uint64_t seed)
{
	return ((struct eph_run_config){ .design = d,
	    .tlb = "infinite",
	    .cpus = STRESS_CPUS,
	    .nbufs = STRESS_NBUFS,
	    .seed = seed,
	    .threads = true });
}

static void
stress(const struct eph_workload *wl, const struct eph_design_ops *d,
    uint64_t seed)
{
	const struct eph_run_config cfg = config(d, seed);
	struct eph_run_result res;
	struct eph_work_result w;
	struct eph_err err = { "" };
	const int error =
	    eph_workload_run(&cfg, wl, &res, &w, set_watchdog, NULL, &err);
	const bool ok = error == 0 && sound(wl, d, &res, &w);

	CU_ASSERT(ok);
	if (!ok)
		show(wl, &cfg, &res, &w, err.text);
}

/* How many designs it applies to. */
static unsigned
stress_text(const char *text, uint64_t seed)
{
	const char *only = getenv("EPHMAP_DESIGN");
	struct eph_workload wl;
	struct eph_err err;
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		if (eph_workload_refuses(&wl, eph_designs[i]) != NULL ||
		    (only != NULL && strcmp(only, eph_designs[i]->name) != 0))
			continue;
		stress(&wl, eph_designs[i], seed);
		n++;
	}
	return (n);
}

static void
real_threads_move_the_same_bytes(void)
{
	const char *text = getenv("EPHMAP_SEED");
	const uint64_t first = text != NULL ? strtoull(text, NULL, 0) : 1;
	const uint64_t seeds = test_long ? 50 : 1;
	unsigned ran = 0;

	printf("seeds from %" PRIu64 " (EPHMAP_SEED) ", first);
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		for (size_t i = 0; i < NTEXTS; i++)
			ran += stress_text(texts[i], seed);
	}
	printf("%u runs ", ran);
}

/* Seen on every seed: the wrong mapping is wrong whoever comes first. */
static void
a_wrong_mapping_is_seen_on_real_threads(void)
{
	static const char *const wrong_texts[] = {
		"sendfile:conns=4,files=2,pick=turn",
		"sendfile:form=freebsd,conns=4,files=2,pick=turn,header=0",
		"pipe:bytes=256K",
		"md:size=256K,readers=2",
		"bufcache:map=demand,meta=0,copy=100,ops=100",
		"msg:msgs=8",
	};
	static const struct eph_design_ops *const wrong[] = { &wrong_stale,
		&wrong_neighbour };

	for (size_t i = 0; i < sizeof(wrong_texts) / sizeof(wrong_texts[0]);
	     i++) {
		for (size_t d = 0; d < 2; d++) {
			struct eph_run_config cfg;
			struct eph_run_result res;
			struct eph_work_result w;
			struct eph_workload wl;
			struct eph_err err;

			CU_ASSERT_EQUAL_FATAL(
			    eph_workload_parse(wrong_texts[i], &wl, &err), 0);
			cfg = config(wrong[d], 1);
			CU_ASSERT_EQUAL(eph_workload_run(&cfg, &wl, &res, &w,
					    set_watchdog, NULL, &err),
			    0);
			CU_ASSERT(w.corrupt > 0);
			CU_ASSERT(res.violations_total > 0);
			if (w.corrupt == 0 || res.violations_total == 0)
				show(&wl, &cfg, &res, &w, "not seen");
		}
	}
}

static void
no_workload_is_missing(void)
{
	for (size_t k = 0; eph_workloads[k] != NULL; k++) {
		const char *name = eph_workloads[k]->name;
		bool found = false;

		for (size_t i = 0; i < NTEXTS; i++)
			found = found ||
			    (strncmp(texts[i], name, strlen(name)) == 0 &&
				texts[i][strlen(name)] == ':');
		CU_ASSERT(found);
		if (!found)
			(void)fprintf(stderr, "\n%s is not in texts[]", name);
	}
}

static CU_TestInfo tests[] = {
	TEST(no_workload_is_missing),
	TEST(a_wrong_mapping_is_seen_on_real_threads),
	TEST(real_threads_move_the_same_bytes),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "stress: consumers on real threads", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
