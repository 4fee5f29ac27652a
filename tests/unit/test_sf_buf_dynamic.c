/* SPDX-License-Identifier: BSD-2-Clause */

/* sf_buf.dynamic: its event table, the excess, growth, KVA used up. */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "rig.h"

static struct rig r;

/* What a shared sync costs on `n` CPUs, besides its calls. */
#define SYNC(n)                                                                \
	.invlpg_local = 1, .invlpg_remote = (n)-1, .ipi_sent = (n)-1,          \
	.ipiq_msg = (n)-1

static void
test_private_rows(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 4, 2), 0);
	a = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	RIG_SAW(
	    &r, .map_calls = 1, .miss = 1, .pte_store = 1, .invlpg_local = 1);
	b = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	CU_ASSERT_PTR_EQUAL(a.obj, b.obj);
	rig_unmap(&r, 3, b);
	rig_unmap(&r, 1, a);
	RIG_SAW(&r, .unmap_calls = 2);
	a = rig_map(&r, 2, 10, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 1);
	b = rig_map(&r, 1, 10, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_check(&r, 2);
	rig_unmap(&r, 2, a);
	rig_unmap(&r, 1, b);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_shared_rows(void)
{
	static const unsigned cpus[] = { 1, 2, 4, 65 };

	for (size_t i = 0; i < 4; i++) {
		const unsigned n = cpus[i];
		struct eph_mapping a, b;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, "sf_buf.dynamic", NULL, n, 2), 0);
		a = rig_map(&r, 0, 10, 0);
		RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1, SYNC(n));
		b = rig_map(&r, n - 1, 10, 0);
		RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
		rig_unmap(&r, 0, a);
		rig_unmap(&r, 0, b);
		rig_mark(&r);
		/* Private first: the mask is not full. */
		a = rig_map(&r, 0, 11, SFB_CPUPRIVATE);
		rig_mark(&r);
		b = rig_map(&r, 0, 11, 0);
		if (n == 1) {
			RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
		} else {
			RIG_SAW(&r, .map_calls = 1, .hit_active = 1, SYNC(n));
		}
		rig_unmap(&r, 0, a);
		rig_unmap(&r, 0, b);
		rig_close(&r);
	}
}

/* As many as are in use, at once: nobody sleeps. */
static void
test_it_grows_with_the_mappings_in_use(void)
{
	struct eph_mapping mp[300];

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 1, 5), 0);
	for (uint32_t i = 0; i < 300; i++)
		mp[i] = rig_map(&r, 0, i, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 300, .miss = 300, .pte_store = 300,
	    .invlpg_local = 300);
	CU_ASSERT_EQUAL(r.mc->bufs.peak, 300);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufs"), 300);
	CU_ASSERT_EQUAL(kva_usage(r.mc).now, 300);
	rig_check(&r, 300);
	for (uint32_t i = 0; i < 300; i++)
		rig_unmap(&r, 0, mp[i]);
	/* The excess is kept, the rest is gone. */
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufs"), 5);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsffree"), 5);
	CU_ASSERT_EQUAL(kva_usage(r.mc).now, 5);
	rig_check(&r, 0);
	for (uint32_t i = 295; i < 300; i++)
		rig_unmap(&r, 0, rig_map(&r, 0, i, SFB_CPUPRIVATE));
	CU_ASSERT_EQUAL(r.mc->cpus[0]->c.hit_inactive, 5);
	rig_close(&r);
}

/* A host without memory for more buffers: idle ones go, then it is ENOMEM. */
static void
test_without_memory_idle_mappings_are_recycled(void)
{
	struct eph_mapping mp[64], other;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 1, 5), 0);
	for (uint32_t i = 0; i < 64; i++)
		mp[i] = rig_map(&r, 0, i, SFB_CPUPRIVATE);
	for (uint32_t i = 0; i < 2; i++)
		rig_unmap(&r, 0, mp[i]);
	for (uint32_t i = 0; i < 2; i++) {
		rig_mark(&r);
		eph_machine_fail_alloc(r.mc, 1);
		mp[i] = rig_map(&r, 0, 100 + i, SFB_CPUPRIVATE);
		eph_machine_fail_alloc(r.mc, 0);
		CU_ASSERT_EQUAL(rig_events(&r).evict, 1);
	}
	eph_machine_fail_alloc(r.mc, 1);
	CU_ASSERT_EQUAL(
	    rig_try_map(&r, 0, 200, SFB_CPUPRIVATE, &other), ENOMEM);
	eph_machine_fail_alloc(r.mc, 0);
	for (uint32_t i = 0; i < 64; i++)
		rig_unmap(&r, 0, mp[i]);
	rig_check(&r, 0);
	rig_close(&r);
}

/* A mask that is full in its first word, and not in all. */
static void
test_a_mask_is_full_in_every_word(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 130, 1), 0);
	mp = rig_map(&r, 0, 10, SFB_CPUPRIVATE);
	for (unsigned cpu = 1; cpu < 129; cpu++)
		rig_unmap(&r, cpu, rig_map(&r, cpu, 10, SFB_CPUPRIVATE));
	rig_mark(&r);
	rig_unmap(&r, 0, rig_map(&r, 0, 10, 0));
	RIG_SAW(
	    &r, .map_calls = 1, .hit_active = 1, .unmap_calls = 1, SYNC(130));
	rig_unmap(&r, 0, rig_map(&r, 0, 10, 0));
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1, .unmap_calls = 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* Who knew a buffer's page knows nothing of its next, in every word. */
static void
test_the_mask_is_emptied_of_all_cpus(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 130, 1), 0);
	for (uint32_t page = 10; page < 13; page++)
		rig_unmap(&r, 0, rig_map(&r, 0, page, 0));
	for (unsigned cpu = 1; cpu < 130; cpu += 64) {
		const uint32_t page = 20 + cpu;

		/* Its last page was everybody's. */
		rig_unmap(&r, 0, rig_map(&r, 0, 10, 0));
		rig_unmap(&r, 0, rig_map(&r, 0, 11, 0));
		rig_mark(&r);
		mp = rig_map(&r, cpu, page, SFB_CPUPRIVATE);
		CU_ASSERT_EQUAL(rig_events(&r).invlpg_local, 1);
		CU_ASSERT_EQUAL(rig_read(&r, cpu, mp), page);
		rig_unmap(&r, cpu, mp);
	}
	rig_close(&r);
}

static void
test_one_too_many_is_removed_everywhere(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 4, 1), 0);
	a = rig_map(&r, 0, 10, 0);
	b = rig_map(&r, 0, 11, 0);
	rig_unmap(&r, 1, b);
	rig_mark(&r);
	rig_unmap(&r, 1, a);
	RIG_SAW(&r, .unmap_calls = 1, .pte_store = 1, SYNC(4));
	/* It is the one unreferenced longest: b. */
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, b.va), EPH_NONE);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, a.va), 10);
	rig_check(&r, 0);
	rig_close(&r);
}

/* At the limit a miss recycles, and the next free is within it again. */
static void
test_at_the_limit_a_miss_recycles_the_oldest(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 4, 2), 0);
	a = rig_map(&r, 0, 10, SFB_CPUPRIVATE);
	b = rig_map(&r, 0, 11, SFB_CPUPRIVATE);
	rig_unmap(&r, 0, b);
	rig_unmap(&r, 0, a);
	rig_mark(&r);
	a = rig_map(&r, 2, 12, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1,
	    .invlpg_local = 1);
	CU_ASSERT_EQUAL(a.va, b.va);
	rig_unmap(&r, 2, a);
	RIG_SAW(&r, .unmap_calls = 1);
	a = rig_map(&r, 0, 12, 0); /* recycled: CPU 0 is not in the mask */
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, SYNC(4));
	rig_unmap(&r, 2, a);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufs"), 2);
	rig_close(&r);
}

static void
test_the_limit_can_be_moved(void)
{
	struct eph_mapping mp[6];

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 2, 6), 0);
	for (uint32_t i = 0; i < 6; i++)
		mp[i] = rig_map(&r, 0, i, 0);
	for (uint32_t i = 0; i < 6; i++)
		rig_unmap(&r, 0, mp[i]);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.sfbuf_excess", 2), 0);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.sfbuf_excess"), 2);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.nsfbufs"), 2);
	rig_check(&r, 0);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.sfbuf_excess", 0), EINVAL);
	CU_ASSERT_EQUAL(
	    rig_sysctl_set(&r, "kern.ipc.sfbuf_excess", UINT32_MAX), 0);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.sfbuf_excess",
			    (uint64_t)UINT32_MAX + 1),
	    EINVAL);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.nsfbufs", 3), EPERM);
	rig_close(&r);
	CU_ASSERT_EQUAL(rig_open(&r, "sf_buf.dynamic", NULL, 1, 0), EINVAL);
}

static void
test_a_reference_keeps_the_mapping(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 1, 1), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT_EQUAL(r.ops->ref(r.state, mp.obj), 0);
	rig_check(&r, 2);
	rig_unmap(&r, 0, mp);
	CU_ASSERT_EQUAL(r.mc->bufs.now, 1);
	rig_unmap(&r, 0, mp);
	CU_ASSERT_EQUAL(r.mc->bufs.now, 0);
	rig_close(&r);
}

static void
unmap_twice(void *arg)
{
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
}

static void
test_freeing_a_free_one_panics(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "sf_buf.dynamic", NULL, 1, 1), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT(test_dies(unmap_twice, &mp, "freeing a free sf_buf"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* KVA for one mapping only: with it idle it is recycled, else one sleeps. */

static struct eph_mapping only;
static int slept_error;

static void
sleeper(void *arg)
{
	struct eph_mapping mp;

	slept_error = r.ops->map(
	    r.state, vm_page_get(r.mc, *(const uint32_t *)arg), SFB_CATCH, &mp);
	if (slept_error == 0)
		rig_unmap(&r, 1, mp);
}

static void
releaser(void *arg)
{
	(void)arg;
	rig_unmap(&r, 0, only);
}

static void
test_it_sleeps_only_when_kva_is_used_up(void)
{
	uint32_t three = 3;
	struct eph_thread *td;
	eph_va_t rest;
	uint32_t n;

	CU_ASSERT_EQUAL_FATAL(
	    rig_open(&r, "sf_buf.dynamic", "i386-p4", 2, 8), 0);
	n = r.mc->kva_pages - 2;
	CU_ASSERT_NOT_EQUAL_FATAL(rest = kva_alloc(r.mc, n), 0);
	rig_unmap(&r, 0, rig_map(&r, 0, 1, 0));
	rig_mark(&r);
	only = rig_map(&r, 0, 2, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1,
	    .invlpg_local = 1);
	(void)eph_thread_create(r.mc, 1, sleeper, &three);
	td = eph_thread_create(r.mc, 1, sleeper, &three);
	CU_ASSERT_EQUAL(eph_run(r.mc), 2);
	RIG_SAW(&r, .sleep = 2);
	sleepq_signal(r.mc, td);
	CU_ASSERT_EQUAL(eph_run(r.mc), 1);
	CU_ASSERT_EQUAL(slept_error, EINTR);
	RIG_SAW(&r, .map_calls = 1, .map_fail = 1);
	(void)eph_thread_create(r.mc, 0, releaser, NULL);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	CU_ASSERT_EQUAL(slept_error, 0);
	RIG_SAW(&r, .wakeup = 1, .unmap_calls = 2, .map_calls = 1, .miss = 1,
	    .evict = 1, .pte_store = 1, SYNC(2));
	/* A sleeper that finds its page ends as a hit. */
	only = rig_map(&r, 0, 2, SFB_CPUPRIVATE);
	(void)eph_thread_create(r.mc, 1, sleeper, &three);
	(void)eph_thread_create(r.mc, 1, sleeper, &three);
	CU_ASSERT_EQUAL(eph_run(r.mc), 2);
	rig_mark(&r);
	(void)eph_thread_create(r.mc, 0, releaser, NULL);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	RIG_SAW(&r, .wakeup = 2, .unmap_calls = 3, .map_calls = 2, .miss = 1,
	    .hit_inactive = 1, .evict = 1, .pte_store = 1, SYNC(2));
	rig_check(&r, 0);
	kva_free(r.mc, rest, n);
	rig_close(&r);
}

/*
 * Many senders at once: the fixed pool sleeps, this one does not, and with
 * a larger excess less is mapped anew.
 */
static void
senders(const char *design, uint32_t nbufs, struct eph_run_result *res)
{
	static struct eph_op op[3 * 64 * 8];
	const struct eph_run_config cfg = {
		.design = eph_design_find(design), .cpus = 4, .nbufs = nbufs
	};
	struct eph_err err = { "" };
	size_t n = 0;

	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t i = 0; i < 64; i++)
			op[n++] = (struct eph_op){ .kind = EPH_OP_MAP,
				.cpu = (uint16_t)(i % 4),
				.page = i,
				.slot = i };
		for (uint32_t i = 0; i < 64; i++)
			op[n++] = (struct eph_op){ .kind = EPH_OP_UNMAP,
				.cpu = (uint16_t)(i % 4),
				.slot = i };
	}
	CU_ASSERT_EQUAL(rig_replay(&cfg, op, n, res, &err), 0);
	CU_ASSERT_EQUAL(res->violations_total, 0);
}

static void
test_parallel_senders_do_not_sleep(void)
{
	struct eph_run_result res;

	senders("sf_buf.cpumask", 16, &res);
	CU_ASSERT(res.counters.sleep > 0);
	senders("sf_buf.dynamic", 16, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 0);
	CU_ASSERT_EQUAL(res.buffers_peak, 64);
	CU_ASSERT(res.counters.miss > 64);
	senders("sf_buf.dynamic", 64, &res);
	CU_ASSERT_EQUAL(res.counters.miss, 64);
	CU_ASSERT_EQUAL(res.counters.hit_inactive, 7 * 64);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("sf_buf.dynamic", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_private_rows),
	TEST(test_shared_rows),
	TEST(test_it_grows_with_the_mappings_in_use),
	TEST(test_without_memory_idle_mappings_are_recycled),
	TEST(test_a_mask_is_full_in_every_word),
	TEST(test_the_mask_is_emptied_of_all_cpus),
	TEST(test_one_too_many_is_removed_everywhere),
	TEST(test_at_the_limit_a_miss_recycles_the_oldest),
	TEST(test_the_limit_can_be_moved),
	TEST(test_a_reference_keeps_the_mapping),
	TEST(test_freeing_a_free_one_panics),
	TEST(test_it_sleeps_only_when_kva_is_used_up),
	TEST(test_parallel_senders_do_not_sleep),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf_dynamic", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
