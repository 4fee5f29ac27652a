/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sharing external storage, and allocating, under every order of steps:
 * the sound ways survive on 2 and 3 CPUs, each broken one is found as what
 * it is known for.
 */

#include <errno.h>
#include <stdio.h>

#include "ephmap/explore.h"
#include "ephmap/kernel/mbuf.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "test_main.h"

#define CPUS_MAX 3u

/* What the scenarios below run; a scenario has no argument of its own. */
static const char *allocator, *sharing;

struct shared {
	struct mbuf_pool *mp;
	unsigned char buf[64];
	struct mbuf *m[CPUS_MAX];
	struct mbuf *spare[CPUS_MAX];
	unsigned frees;
};

static void
storage_freed(struct mbuf_pool *mp, void *arg1, void *arg2)
{
	struct shared *s = arg1;

	(void)mp;
	(void)arg2;
	s->frees++;
}

static int
pool_setup(struct eph_xp *x, uint32_t nmbclusters)
{
	const struct mbuf_config cfg = { .allocator = allocator,
		.sharing = sharing,
		.nmbclusters = nmbclusters };
	struct shared *s = eph_machine_alloc(x->mc, sizeof(*s));

	if ((x->arg = s) == NULL)
		return (ENOMEM);
	return (mbuf_pool_create(x->mc, &cfg, &s->mp, NULL));
}

static void
pool_finish(struct eph_xp *x)
{
	struct shared *s = x->arg;
	struct mbuf_stats st;

	mbuf_pool_check(s->mp);
	mbuf_stats(s->mp, &st);
	if (st.mbufs_used + st.clusters_used + st.refs_used != 0)
		eph_xp_failure(x, EPH_FAIL_LEAK, "mbufs or clusters are left");
}

/* Every CPU has a sharer of one buffer and drops it. */
static void
drop(struct eph_xp *x, unsigned n)
{
	struct shared *s = x->arg;

	m_freem(s->m[n]);
}

static int
storage_setup(struct eph_xp *x, void (*fn)(struct eph_xp *x, unsigned n))
{
	struct shared *s;
	int error;

	if ((error = pool_setup(x, 0)) != 0)
		return (error);
	s = x->arg;
	for (unsigned c = 0; c < x->ncpus; c++) {
		s->m[c] = m_get(s->mp, M_NOWAIT, MT_DATA);
		s->spare[c] = m_get(s->mp, M_NOWAIT, MT_DATA);
		if (c > 0)
			m_extshare(s->m[c], s->m[c - 1]);
		else if (m_extadd(s->m[0], s->buf, sizeof(s->buf),
			     storage_freed, s, NULL, 0, M_NOWAIT) != 0)
			return (ENOMEM);
	}
	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, fn, c);
	return (error);
}

static int
drop_setup(struct eph_xp *x)
{
	const int error = storage_setup(x, drop);
	struct shared *s = x->arg;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		m_freem(s->spare[c]);
	return (error);
}

static void
storage_finish(struct eph_xp *x)
{
	struct shared *s = x->arg;

	if (s->frees > 1)
		eph_xp_failure(
		    x, EPH_FAIL_USE_FREE, "the buffer is freed twice");
	else if (s->frees == 0)
		eph_xp_failure(x, EPH_FAIL_LEAK, "nobody freed the buffer");
	else
		pool_finish(x);
}

static const struct eph_scenario drop_scenario = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-drop",
	.summary = "every CPU drops its sharer of one buffer",
	.origin = "tests",
	.cpus = 2,
	.no_design = true,
	.setup = drop_setup,
	.finish = storage_finish,
};

/* The same, but each makes another sharer first, and drops both. */
static void
share_and_drop(struct eph_xp *x, unsigned n)
{
	struct shared *s = x->arg;

	m_extshare(s->spare[n], s->m[n]);
	m_freem(s->m[n]);
	m_freem(s->spare[n]);
}

static int
share_setup(struct eph_xp *x)
{
	return (storage_setup(x, share_and_drop));
}

static const struct eph_scenario share_scenario = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-share",
	.summary = "every CPU shares one buffer once more, and drops twice",
	.origin = "tests",
	.cpus = 2,
	.no_design = true,
	.setup = share_setup,
	.finish = storage_finish,
};

/* Each CPU allocates, hands over to the next one, and frees what it got. */
static void
cross(struct eph_xp *x, unsigned n)
{
	struct shared *s = x->arg;
	struct mbuf *m = m_getcl(s->mp, M_NOWAIT, MT_DATA, 0);

	m_freem(s->m[n]);
	if (m != NULL)
		m_freem(m);
}

static int
cross_setup(struct eph_xp *x)
{
	struct shared *s;
	int error;

	if ((error = pool_setup(x, 4)) != 0)
		return (error);
	s = x->arg;
	for (unsigned c = 0; c < x->ncpus && error == 0; c++) {
		s->m[c] = m_getcl(s->mp, M_NOWAIT, MT_DATA, 0);
		error = eph_xp_thread(x, c, cross, c);
	}
	return (error);
}

static const struct eph_scenario cross_scenario = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-cross",
	.summary = "CPUs free what another one allocated",
	.origin = "tests",
	.cpus = 2,
	.no_design = true,
	.setup = cross_setup,
	.finish = pool_finish,
};

/* One cluster, which its holder frees while others wait for it. */
static void
wait_for_cluster(struct eph_xp *x, unsigned n)
{
	struct shared *s = x->arg;

	if (n == 0)
		m_freem(s->m[0]);
	else
		m_freem(m_getcl(s->mp, M_WAITOK, MT_DATA, 0));
}

static int
wait_setup(struct eph_xp *x)
{
	struct shared *s;
	int error;

	if ((error = pool_setup(x, 1)) != 0)
		return (error);
	s = x->arg;
	s->m[0] = m_getcl(s->mp, M_NOWAIT, MT_DATA, 0);
	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, wait_for_cluster, c);
	return (error);
}

static const struct eph_scenario wait_scenario = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-wait",
	.summary = "CPUs wait for the only cluster",
	.origin = "tests",
	.cpus = 2,
	.no_design = true,
	.setup = wait_setup,
	.finish = pool_finish,
};

/* Two clusters, freed on two CPUs, and one who wants both. */
static void
want_both(struct eph_xp *x, unsigned n)
{
	struct shared *s = x->arg;
	struct mbuf *m;

	if (n < 2) {
		m_freem(s->m[n]);
		return;
	}
	m = m_getcl(s->mp, M_WAITOK, MT_DATA, 0);
	m_freem(m_getcl(s->mp, M_WAITOK, MT_DATA, 0));
	m_freem(m);
}

static int
both_setup(struct eph_xp *x)
{
	struct shared *s;
	int error;

	if ((error = pool_setup(x, 2)) != 0)
		return (error);
	s = x->arg;
	for (unsigned c = 0; c < 3 && error == 0; c++) {
		if (c < 2)
			s->m[c] = m_getcl(s->mp, M_NOWAIT, MT_DATA, 0);
		error = eph_xp_thread(x, c, want_both, c);
	}
	return (error);
}

static const struct eph_scenario both_scenario = {
	.abi = EPHMAP_ABI,
	.name = "mbuf-both",
	.summary = "one CPU waits for two clusters that two others free",
	.origin = "tests",
	.cpus = 3,
	.no_design = true,
	.setup = both_setup,
	.finish = pool_finish,
};

static enum eph_failure
explore(const struct eph_scenario *scenario, unsigned cpus,
    const char *strategy, uint64_t budget, bool weak)
{
	const struct eph_explore_config cfg = { .scenario = scenario,
		.strategy = strategy,
		.ncpus = cpus,
		.budget = test_long ? budget * 100 : budget,
		.preemptions = 2,
		.weak_memory = weak,
		.seed = 1 };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	enum eph_failure f;

	if (eph_explore(&cfg, &r, &err) != 0) {
		(void)fprintf(stderr, "%s: %s\n", scenario->name, err.text);
		return (EPH_FAIL_WRONG);
	}
	f = r.failure;
	printf(
	    "    %-10s %u CPUs %-10s %s%-9s %-18s %s after %llu schedules%s\n",
	    scenario->name, cpus, strategy, weak ? "weak " : "", allocator,
	    sharing, f == EPH_FAIL_NONE ? "nothing" : r.what,
	    (unsigned long long)r.schedules, r.exhausted ? ", all" : "");
	eph_explore_free(&r);
	return (f);
}

static bool
sound(const struct mbuf_choice *c)
{
	return (c->holes[0] == '\0');
}

static void
test_sound_ways_to_share_survive_on_2_and_3_cpus(void)
{
	allocator = "zones";
	for (unsigned i = 0; mbuf_sharing(i) != NULL; i++) {
		if (!sound(mbuf_sharing(i)))
			continue;
		sharing = mbuf_sharing(i)->name;
		for (unsigned cpus = 2; cpus <= 3; cpus++) {
			CU_ASSERT_EQUAL(explore(&drop_scenario, cpus,
					    "systematic", 2000, false),
			    EPH_FAIL_NONE);
			CU_ASSERT_EQUAL(
			    explore(&share_scenario, cpus, "pct", 1000, false),
			    EPH_FAIL_NONE);
			/* Stores may be seen late: the orders matter. */
			CU_ASSERT_EQUAL(
			    explore(&share_scenario, cpus, "pct", 1000, true),
			    EPH_FAIL_NONE);
		}
	}
}

static void
test_broken_ways_to_share_are_found(void)
{
	static const struct {
		const char *name;
		enum eph_failure drop[2];
	} want[] = {
		{ "ring-unlocked", { EPH_FAIL_LEAK, EPH_FAIL_PANIC } },
		{ "dec-cmpset", { EPH_FAIL_PANIC, EPH_FAIL_PANIC } },
		{ "fetchadd-inverted", { EPH_FAIL_LEAK, EPH_FAIL_LEAK } },
		{ "lock-in-object", { EPH_FAIL_PANIC, EPH_FAIL_PANIC } },
	};
	unsigned broken = 0;

	allocator = "zones";
	for (unsigned i = 0; mbuf_sharing(i) != NULL; i++)
		broken += !sound(mbuf_sharing(i));
	CU_ASSERT_EQUAL(broken, sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		sharing = want[i].name;
		for (unsigned cpus = 2; cpus <= 3; cpus++) {
			const enum eph_failure f =
			    explore(&drop_scenario, cpus, "pct", 10000, false);

			CU_ASSERT(f == want[i].drop[0] || f == want[i].drop[1]);
		}
	}
}

static void
test_allocators_survive_frees_from_other_cpus(void)
{
	sharing = "fetchadd";
	for (unsigned i = 0; mbuf_allocator(i) != NULL; i++) {
		allocator = mbuf_allocator(i)->name;
		for (unsigned cpus = 2; cpus <= 3; cpus++)
			CU_ASSERT_EQUAL(
			    explore(&cross_scenario, cpus, "pct", 1000, true),
			    EPH_FAIL_NONE);
	}
}

static void
test_who_waits_for_the_last_cluster_gets_it(void)
{
	sharing = "fetchadd";
	for (unsigned i = 0; i < 2; i++) {
		allocator = i == 0 ? "global" : "mb_alloc";
		for (unsigned cpus = 2; cpus <= 3; cpus++)
			CU_ASSERT_EQUAL(
			    explore(&wait_scenario, cpus, "pct", 1000, false),
			    EPH_FAIL_NONE);
		CU_ASSERT_EQUAL(explore(&both_scenario, 3, "pct", 3000, false),
		    EPH_FAIL_NONE);
	}
}

/* The known hole: a free goes to a per-CPU bucket, past the sleeper. */
static void
test_zones_hide_the_last_cluster_from_who_waits(void)
{
	sharing = "fetchadd";
	allocator = "zones";
	CU_ASSERT_EQUAL(explore(&both_scenario, 3, "pct", 10000, false),
	    EPH_FAIL_LOST_WAKEUP);
}

static CU_TestInfo tests[] = {
	TEST(test_sound_ways_to_share_survive_on_2_and_3_cpus),
	TEST(test_broken_ways_to_share_are_found),
	TEST(test_allocators_survive_frees_from_other_cpus),
	TEST(test_who_waits_for_the_last_cluster_gets_it),
	TEST(test_zones_hide_the_last_cluster_from_who_waits),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbuf, explored", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
