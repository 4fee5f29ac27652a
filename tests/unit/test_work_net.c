/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The network of the sending workloads: what a link's rate, a round trip
 * and a segment size do to times, packets and holds, by numbers that can be
 * worked out by hand.
 */

#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"
#include "test_main.h"

struct outcome {
	struct eph_run_result run;
	struct eph_work_result work;
};

static void
play(const char *text, const char *design, uint32_t nbufs, bool threads,
    struct outcome *o)
{
	const struct eph_run_config cfg = { .design = eph_design_find(design),
		.cpus = 2,
		.nbufs = nbufs,
		.seed = 1,
		.threads = threads };
	struct eph_workload wl;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_workload_parse(text, &wl, &err), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_workload_run(&cfg, &wl, &o->run, &o->work, NULL, NULL, &err),
	    0);
	CU_ASSERT_EQUAL(o->work.corrupt, 0);
	CU_ASSERT_EQUAL(o->work.asleep, 0);
	CU_ASSERT_EQUAL(o->work.maps_left, 0);
	CU_ASSERT_EQUAL(o->work.mbufs_left, 0);
	CU_ASSERT_EQUAL(o->work.bytes_left, 0);
	CU_ASSERT_EQUAL(o->run.violations_total, 0);
}

static uint64_t
fact(const struct outcome *o, const char *name)
{
	for (unsigned i = 0; i < o->work.nfacts; i++) {
		if (strcmp(o->work.fact[i].name, name) == 0)
			return (o->work.fact[i].value);
	}
	CU_FAIL("no such fact");
	return (0);
}

/* One connection, no header, two pages. */
#define TWO_PAGES "sendfile:conns=1,requests=1,files=1,header=0,size=8192"

static void
without_a_network_no_time_passes(void)
{
	struct outcome o;

	play(TWO_PAGES, "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 0);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 2);
	CU_ASSERT_EQUAL(o.run.buffers_peak, 2);
}

static void
packets_follow_one_another_on_a_link(void)
{
	struct outcome o;

	/* A page a millisecond. */
	play(TWO_PAGES ",rate=4096000", "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 2000000);
	/* The last is acknowledged half a millisecond later. */
	play(TWO_PAGES ",rate=4096000,rtt=500000", "sf_buf.uncached", 8, false,
	    &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 2500000);
	/* Without a rate only the round trip counts, once. */
	play(TWO_PAGES ",rtt=500000", "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 500000);
	CU_ASSERT_EQUAL(o.run.buffers_peak, 2);
}

static void
a_full_socket_waits_for_the_acknowledgement(void)
{
	struct outcome o;

	play(TWO_PAGES ",sndbuf=4096,rate=4096000,rtt=500000",
	    "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 3000000);
	CU_ASSERT_EQUAL(fact(&o, "sf_sbwait"), 1);
	CU_ASSERT_EQUAL(o.run.buffers_peak, 1);
}

/* Closed loop: who waits for a mapping sends nothing, and all of it later. */
static void
a_sender_without_a_mapping_sends_nothing(void)
{
	struct outcome o;

	play("sendfile:conns=2,requests=1,files=2,pick=own,header=0,size=8192,"
	     "rate=4096000,rtt=500000",
	    "sf_buf.uncached", 1, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 4 * 1500000);
	CU_ASSERT_EQUAL(o.run.buffers_peak, 1);
	/* The same file needs two mappings at once where they are shared. */
	play("sendfile:conns=2,requests=1,files=1,header=0,size=8192,"
	     "rate=4096000,rtt=500000",
	    "sf_buf.hash", 2, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "elapsed_ns"), 2500000);
	CU_ASSERT_EQUAL(o.work.map_sleeps, 0);
}

/* Two pages and a half: the third is sent in vain, the fourth never. */
static void
a_client_that_goes_away_ends_the_call(void)
{
	struct outcome o;

	play("sendfile:conns=1,requests=2,files=1,header=0,size=16384,"
	     "sndbuf=4096,quit=10240",
	    "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(o.work.bytes, 10240);
	CU_ASSERT_EQUAL(o.work.checked, 1);
	CU_ASSERT_EQUAL(o.work.operations, 1);
	CU_ASSERT_EQUAL(o.work.failures, 1);
	CU_ASSERT_EQUAL(fact(&o, "responses"), 0);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 3);
	CU_ASSERT_EQUAL(o.run.counters.map_calls, 3);
	/* On the way, and behind a round trip, it is lost. */
	play(
	    "sendfile:conns=3,requests=2,files=1,size=16384,sndbuf=8192,quit=10240,"
	    "rate=4096000,rtt=500000",
	    "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(o.work.bytes, 3 * 10240);
	CU_ASSERT_EQUAL(o.work.failures, 3);
	/* One that wants more than there is stays to the end. */
	play(TWO_PAGES ",quit=8193", "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(o.work.bytes, 8192);
	CU_ASSERT_EQUAL(o.work.failures, 0);
	/* On real threads too. */
	play("sendfile:conns=8,requests=4,files=2,size=100000,quit=150000",
	    "sf_buf.accessed", 16, true, &o);
	CU_ASSERT_EQUAL(o.work.bytes, 8 * 150000);
}

static void
segments_are_cut_from_what_is_sent(void)
{
	struct outcome o;

	/* 4,096 bytes are 1460 + 1460 + 1176. */
	play(TWO_PAGES ",mss=1460", "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 6);
	CU_ASSERT_EQUAL(fact(&o, "sends"), 2);
	/* In one chain the pages' rests meet: 5 of 1460 and 892. */
	play(TWO_PAGES ",mss=1460,form=freebsd", "sf_buf.uncached", 8, false,
	    &o);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 6);
	CU_ASSERT_EQUAL(fact(&o, "sends"), 1);
	/* A header by itself is a segment by itself. */
	play("sendfile:conns=1,requests=1,files=1,header=250,size=1000,"
	     "mss=1460,join=no",
	    "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 2);
	play("sendfile:conns=1,requests=1,files=1,header=250,size=1000,"
	     "mss=1460",
	    "sf_buf.uncached", 8, false, &o);
	CU_ASSERT_EQUAL(fact(&o, "packets"), 1);
}

/* More in flight than the executor has room for timers at first. */
static void
real_threads_keep_the_same_time(void)
{
	static const char text[] =
	    "sendfile:conns=40,requests=2,files=2,size=40000,rtt=500000,"
	    "rate=4M,mss=1460";
	struct outcome a, b;

	play(text, "sf_buf.accessed", 256, false, &a);
	play(text, "sf_buf.accessed", 256, true, &b);
	CU_ASSERT_EQUAL(a.work.bytes, 40 * 2 * 40250);
	CU_ASSERT_EQUAL(b.work.bytes, a.work.bytes);
	CU_ASSERT_EQUAL(fact(&b, "packets"), fact(&a, "packets"));
	CU_ASSERT_EQUAL(fact(&b, "elapsed_ns"), fact(&a, "elapsed_ns"));
}

static CU_TestInfo tests[] = {
	TEST(without_a_network_no_time_passes),
	TEST(packets_follow_one_another_on_a_link),
	TEST(a_full_socket_waits_for_the_acknowledgement),
	TEST(a_sender_without_a_mapping_sends_nothing),
	TEST(a_client_that_goes_away_ends_the_call),
	TEST(segments_are_cut_from_what_is_sent),
	TEST(real_threads_keep_the_same_time),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "network", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
