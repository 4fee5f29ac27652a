/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The pool without a lock of its own, and its user: the event table of
 * sf_buf.sharded, free lists, sleeping, claimed slots.
 */

#include <errno.h>
#include <string.h>

#include "base/prng.h"
#include "design/shard_pool.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "rig.h"

static struct rig r;

static struct eph_mapping held;

struct sleeper_arg {
	unsigned cpu;
	uint32_t page;
	unsigned flags;
	int error;
};

static void
sleeper(void *arg)
{
	struct sleeper_arg *sa = arg;
	struct eph_mapping mp;

	sa->error =
	    r.ops->map(r.state, vm_page_get(r.mc, sa->page), sa->flags, &mp);
	if (sa->error == 0)
		rig_unmap(&r, sa->cpu, mp);
}

static void
releaser(void *arg)
{
	(void)arg;
	rig_unmap(&r, 0, held);
}

static void
run_sleepers(struct sleeper_arg *sa, unsigned n)
{
	held = rig_map(&r, 0, 1, 0);
	for (unsigned i = 0; i < n; i++)
		(void)eph_thread_create(r.mc, sa[i].cpu, sleeper, &sa[i]);
	CU_ASSERT_EQUAL(eph_run(r.mc), n);
	rig_mark(&r);
	(void)eph_thread_create(r.mc, 0, releaser, NULL);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
}

/* sf_buf.sharded */

static void
test_sharded_private_rows(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 4, 1), 0);
	a = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	RIG_SAW(
	    &r, .map_calls = 1, .miss = 1, .pte_store = 1, .invlpg_local = 1);
	b = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_unmap(&r, 1, b);
	rig_unmap(&r, 1, a);
	RIG_SAW(&r, .unmap_calls = 2);
	a = rig_map(&r, 2, 10, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 1);
	rig_unmap(&r, 2, a);
	rig_mark(&r);
	/* Never accessed: the mask {1, 2} is kept. */
	a = rig_map(&r, 1, 11, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1);
	rig_unmap(&r, 1, a);
	rig_mark(&r);
	a = rig_map(&r, 3, 12, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1,
	    .invlpg_local = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 3, a), 12);
	rig_unmap(&r, 3, a);
	rig_mark(&r);
	/* Accessed: it is emptied. */
	a = rig_map(&r, 1, 13, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1,
	    .invlpg_local = 1);
	rig_unmap(&r, 1, a);
	rig_close(&r);
}

static void
test_sharded_shared_rows(void)
{
	struct eph_mapping a;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 4, 1), 0);
	a = rig_map(&r, 1, 10, 0);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1,
	    .invlpg_local = 1, .invlpg_remote = 3, .ipi_sent = 3);
	rig_unmap(&r, 1, a);
	rig_mark(&r);
	a = rig_map(&r, 0, 11, 0); /* not accessed: for nothing */
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 2, a), 11);
	rig_unmap(&r, 0, a);
	rig_mark(&r);
	a = rig_map(&r, 0, 12, 0);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1,
	    .invlpg_local = 1, .invlpg_remote = 3, .ipi_sent = 3);
	CU_ASSERT_EQUAL(rig_read(&r, 2, a), 12);
	rig_unmap(&r, 0, a);
	a = rig_map(&r, 3, 13, SFB_CPUPRIVATE);
	rig_mark(&r);
	rig_unmap(&r, 3, a);
	a = rig_map(&r, 2, 13, 0); /* just those that are missing */
	RIG_SAW(&r, .unmap_calls = 1, .map_calls = 1, .hit_inactive = 1,
	    .invlpg_local = 1, .invlpg_remote = 2, .ipi_sent = 2);
	CU_ASSERT_EQUAL(r.ops->ref(r.state, a.obj), 0);
	RIG_SAW(&r, .map_calls = 0);
	rig_check(&r, 2);
	rig_unmap(&r, 2, a);
	rig_unmap(&r, 2, a);
	rig_close(&r);
}

static void
test_sharded_nowait_returns_none(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 2, 1), 0);
	held = rig_map(&r, 0, 1, 0);
	rig_mark(&r);
	CU_ASSERT_EQUAL(rig_try_map(&r, 1, 2, SFB_NOWAIT, &mp), EAGAIN);
	RIG_SAW(&r, .map_calls = 1, .map_fail = 1);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.sfstat.sf_allocfail"), 1);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufsused"), 1);
	rig_unmap(&r, 0, held);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufsused"), 0);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufspeak"), 1);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufs"), 1);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.nsfbufs", 1), EPERM);
	rig_close(&r);
}

/* The own list first, then the next CPU's. */
static void
test_sharded_takes_from_its_own_list_and_steals(void)
{
	struct eph_mapping mp[3], mine, stolen;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 3, 3), 0);
	for (uint32_t i = 0; i < 3; i++)
		mp[i] = rig_map(&r, 0, i, SFB_CPUPRIVATE);
	rig_unmap(&r, 2, mp[0]);
	rig_unmap(&r, 1, mp[1]);
	rig_unmap(&r, 1, mp[2]);
	rig_check(&r, 0);
	/* mp[0] was freed first, but on another CPU. */
	mine = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	CU_ASSERT_EQUAL(mine.va, mp[1].va);
	stolen = rig_map(&r, 0, 11, SFB_CPUPRIVATE);
	CU_ASSERT_EQUAL(stolen.va, mp[2].va);
	rig_unmap(&r, 0, mine);
	rig_unmap(&r, 0, stolen);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_sharded_sleeps_and_wakes_one(void)
{
	struct sleeper_arg sa[2] = { { 1, 2, 0, -1 }, { 0, 3, 0, -1 } };

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 2, 1), 0);
	run_sleepers(sa, 2);
	CU_ASSERT(sa[0].error == 0 && sa[1].error == 0);
	RIG_SAW(&r, .unmap_calls = 3, .wakeup = 2, .map_calls = 2, .miss = 2,
	    .evict = 2, .pte_store = 2);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.sfstat.sf_allocwait"), 2);
	rig_check(&r, 0);
	rig_close(&r);
}

/*
 * A signal and the only wakeup reach the same sleeper: it returns EINTR and
 * passes the wakeup on.  (wakeup_one() of the shipped versions loses it.)
 */
static void
wake_and_signal(void *arg)
{
	rig_unmap(&r, 0, held);
	sleepq_signal(r.mc, arg);
}

static void
test_an_interrupted_sleeper_passes_the_wakeup_on(void)
{
	struct sleeper_arg sa[2] = { { 1, 2, SFB_CATCH, -1 }, { 0, 3, 0, -1 } };
	struct eph_thread *td;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 2, 1), 0);
	held = rig_map(&r, 0, 1, 0);
	td = eph_thread_create(r.mc, 1, sleeper, &sa[0]);
	(void)eph_thread_create(r.mc, 0, sleeper, &sa[1]);
	CU_ASSERT_EQUAL(eph_run(r.mc), 2);
	(void)eph_thread_create(r.mc, 0, wake_and_signal, td);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	CU_ASSERT_EQUAL(sa[0].error, EINTR);
	CU_ASSERT_EQUAL(sa[1].error, 0);
	rig_check(&r, 0);
	rig_close(&r);
}

/* On one CPU it is sf_buf.accessed, event for event. */
static void
test_on_one_cpu_sharded_is_accessed(void)
{
	static struct eph_op op[4000];
	struct eph_counters of[2];
	const char *const designs[2] = { "sf_buf.accessed", "sf_buf.sharded" };
	struct prng rng;

	eph__prng_init(&rng, 7, 0);
	for (size_t i = 0; i < 4000; i++)
		op[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.page = prng_below(&rng, 24) };
	for (size_t d = 0; d < 2; d++) {
		const struct eph_run_config cfg = {
			.design = eph_design_find(designs[d]),
			.cpus = 1,
			.nbufs = 16,
			.touch = EPH_TOUCH_READ,
		};
		struct eph_run_result res;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL(rig_replay(&cfg, op, 4000, &res, &err), 0);
		of[d] = res.counters;
		of[d].lock_acquire = of[d].cycles = 0;
	}
	CU_ASSERT(of[0].evict > 100);
	CU_ASSERT_EQUAL(memcmp(&of[0], &of[1], sizeof(of[0])), 0);
}

/* The pool */

/* A hit on a slot that has been claimed wins; the claimer sees it. */
static void
test_a_page_given_a_slot_meanwhile_is_used(void)
{
	struct shard_pool *sp;
	struct shard_slot *spare, *won;
	struct eph_mapping mp;
	struct vm_page *m;
	bool missed = true;
	int error = 0;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 1, 2), 0);
	sp = r.state;
	m = vm_page_get(r.mc, 5);
	eph_cpu_enter(r.mc, 0);
	/* We looked, found nothing and took a slot; then another maps. */
	CU_ASSERT_PTR_NULL(eph__shard_lookup(sp, m));
	spare = eph__shard_take(sp, 0, 0, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(spare);
	mp = rig_map(&r, 0, 5, 0);
	rig_mark(&r);
	won = eph__shard_enter(sp, spare, m, &missed);
	eph__shard_exit(sp, m);
	CU_ASSERT_FALSE(missed);
	CU_ASSERT_PTR_EQUAL(won, mp.obj);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_check(&r, 2);
	rig_unmap(&r, 0, mp);
	rig_unmap(&r, 0, mp);
	/* The spare one is free and holds nothing. */
	CU_ASSERT_PTR_NULL(spare->m);
	rig_mark(&r);
	mp = rig_map(&r, 0, 6, 0);
	CU_ASSERT_PTR_EQUAL(mp.obj, spare);
	RIG_SAW(
	    &r, .map_calls = 1, .miss = 1, .pte_store = 1, .invlpg_local = 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
unmap_twice(void *arg)
{
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
}

static void
test_misuse(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(rig_open(&r, "sf_buf.sharded", NULL, 1, 0), EINVAL);
	CU_ASSERT_EQUAL(
	    rig_open(&r, "sf_buf.sharded", "i386-p4", 1, 1u << 18), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "no KVA"));
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.sharded", NULL, 1, 2), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT(test_dies(unmap_twice, &mp, "releasing a free"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("sf_buf.sharded", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_sharded_private_rows),
	TEST(test_sharded_shared_rows),
	TEST(test_sharded_nowait_returns_none),
	TEST(test_sharded_takes_from_its_own_list_and_steals),
	TEST(test_sharded_sleeps_and_wakes_one),
	TEST(test_an_interrupted_sleeper_passes_the_wakeup_on),
	TEST(test_on_one_cpu_sharded_is_accessed),
	TEST(test_a_page_given_a_slot_meanwhile_is_used),
	TEST(test_misuse),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shard_pool", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
