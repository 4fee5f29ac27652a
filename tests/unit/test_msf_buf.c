/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * msf_buf: its event table with lists of pages, the hint, the free list,
 * the flags that its code tests, sleeping.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/msf_buf.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "rig.h"

static struct rig r;
static struct msf_buf_pool *pool;

/* A pool instead of a rig's design; the rig looks at the events. */
static void
open_pool(unsigned ncpus, uint32_t nbufs)
{
	const struct eph_machine_config mcfg = {
		.tlb = "infinite",
		.ncpus = ncpus,
	};

	memset(&r, 0, sizeof(r));
	r.ops = eph_design_find("msf_buf");
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&mcfg, &r.mc, &r.err), 0);
	CU_ASSERT_EQUAL_FATAL(
	    msf_buf_pool_create(r.mc, nbufs, &pool, &r.err), 0);
	r.state = msf_buf_pool_state(pool);
	rig_mark(&r);
}

static void
close_pool(void)
{
	msf_buf_pool_destroy(pool);
	CU_ASSERT_EQUAL(eph_machine_destroy(r.mc), 0);
}

/* Map pages first, first + 1 ... on `cpu`. */
static struct msf_buf *
map_pages(unsigned cpu, uint32_t first, unsigned n, unsigned flags)
{
	struct vm_page *list[MSF_PAGES + 1];
	struct msf_buf *msf = NULL;

	for (unsigned k = 0; k < n; k++)
		list[k] = vm_page_get(r.mc, first + k);
	eph_cpu_enter(r.mc, cpu);
	CU_ASSERT_EQUAL(msf_map_pagelist(pool, &msf, list, n, flags), 0);
	CU_ASSERT_EQUAL(msf_buf_bytes(msf), (size_t)n * EPH_PAGE_SIZE);
	return (msf);
}

static void
free_on(unsigned cpu, struct msf_buf *msf)
{
	eph_cpu_enter(r.mc, cpu);
	msf_buf_free(pool, msf);
}

/* Touch page `k` of the list on `cpu`; it must be reached. */
static void
touch_page(unsigned cpu, struct msf_buf *msf, unsigned k, enum eph_touch touch)
{
	struct vm_page *m = msf_buf_pages(msf)[k];
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(r.mc, cpu);
	CU_ASSERT_EQUAL(eph_machine_access(r.mc, msf_buf_kva(msf) + eph_ptoa(k),
			    touch, m, &reached),
	    0);
	CU_ASSERT_EQUAL(reached, m->frame);
	rig_mark(&r);
}

/* Map once, free, and forget the events: what follows is a second map. */
static void
warm(unsigned cpu, uint32_t first, unsigned n, unsigned flags,
    enum eph_touch touch)
{
	struct msf_buf *msf = map_pages(cpu, first, n, flags);

	for (unsigned k = 0; touch != EPH_TOUCH_NONE && k < n; k++)
		touch_page(cpu, msf, k, touch);
	free_on(cpu, msf);
	rig_mark(&r);
}

static void
test_private_miss_costs_an_invlpg_a_page(void)
{
	open_pool(4, 2);
	free_on(1, map_pages(1, 10, 5, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 5,
	    .invlpg_local = 5, .unmap_calls = 1);
	close_pool();
}

static void
test_private_hit_unchanged_costs_nothing(void)
{
	open_pool(4, 2);
	warm(1, 10, 5, SFB_CPUPRIVATE, EPH_TOUCH_READ);
	free_on(1, map_pages(1, 10, 5, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	close_pool();
}

static void
test_private_hit_on_a_new_cpu_costs_an_invlpg_a_page(void)
{
	open_pool(4, 2);
	warm(1, 10, 5, SFB_CPUPRIVATE, EPH_TOUCH_READ);
	free_on(2, map_pages(2, 10, 5, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 5,
	    .unmap_calls = 1);
	/* Both are in the mask now. */
	free_on(1, map_pages(1, 10, 5, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	close_pool();
}

static void
test_private_hit_after_a_write_stores_again(void)
{
	struct msf_buf *msf;

	open_pool(4, 2);
	warm(1, 10, 3, SFB_CPUPRIVATE, EPH_TOUCH_WRITE);
	free_on(1, map_pages(1, 10, 3, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 3,
	    .invlpg_local = 3, .unmap_calls = 1);
	/* Written elsewhere, by a CPU that had joined the mask: the same. */
	msf = map_pages(2, 10, 3, SFB_CPUPRIVATE);
	touch_page(2, msf, 2, EPH_TOUCH_WRITE);
	free_on(2, msf);
	rig_mark(&r);
	free_on(1, map_pages(1, 10, 3, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 1,
	    .invlpg_local = 1, .unmap_calls = 1);
	/* The mask was emptied: CPU 2 is not in it any more. */
	free_on(2, map_pages(2, 10, 3, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 3,
	    .unmap_calls = 1);
	close_pool();
}

/* First j pages unchanged: only the rest is stored and invalidated. */
static void
test_private_hit_stores_only_the_pages_that_changed(void)
{
	struct vm_page *list[5];
	struct msf_buf *msf;

	open_pool(4, 2);
	warm(1, 10, 5, SFB_CPUPRIVATE, EPH_TOUCH_READ);
	for (unsigned k = 0; k < 5; k++)
		list[k] = vm_page_get(r.mc, k < 2 ? 10 + k : 50 + k);
	eph_cpu_enter(r.mc, 1);
	CU_ASSERT_EQUAL(
	    msf_map_pagelist(pool, &msf, list, 5, SFB_CPUPRIVATE), 0);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 3,
	    .invlpg_local = 3);
	free_on(1, msf);
	close_pool();
}

/* A page that changed empties the mask: those after it pay an invlpg. */
static void
test_pages_after_a_changed_one_are_invalidated_too(void)
{
	struct vm_page *list[5];
	struct msf_buf *msf;

	open_pool(4, 2);
	warm(1, 10, 5, SFB_CPUPRIVATE, EPH_TOUCH_READ);
	for (unsigned k = 0; k < 5; k++)
		list[k] = vm_page_get(r.mc, k == 2 ? 50 : 10 + k);
	eph_cpu_enter(r.mc, 1);
	CU_ASSERT_EQUAL(
	    msf_map_pagelist(pool, &msf, list, 5, SFB_CPUPRIVATE), 0);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 1,
	    .invlpg_local = 3);
	free_on(1, msf);
	close_pool();
}

static void
test_shared_costs_the_same_hit_or_miss(void)
{
	open_pool(4, 2);
	free_on(1, map_pages(1, 10, 5, SFB_DEFAULT));
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 5,
	    .invlpg_local = 5, .flush_remote = 3, .ipi_sent = 3,
	    .unmap_calls = 1);
	free_on(1, map_pages(1, 10, 5, SFB_DEFAULT));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 5,
	    .invlpg_local = 5, .flush_remote = 3, .ipi_sent = 3,
	    .unmap_calls = 1);
	close_pool();
}

static void
test_private_hit_after_a_shared_map(void)
{
	/* Nobody touched it: qenter writes no A, qenter2 wants it. */
	open_pool(4, 2);
	warm(1, 10, 1, SFB_DEFAULT, EPH_TOUCH_NONE);
	free_on(1, map_pages(1, 10, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 1,
	    .invlpg_local = 1, .unmap_calls = 1);
	free_on(2, map_pages(2, 10, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 1,
	    .unmap_calls = 1);
	close_pool();
	/* Read in between: the entry compares equal, and all are in sync. */
	open_pool(4, 2);
	warm(1, 10, 1, SFB_DEFAULT, EPH_TOUCH_READ);
	free_on(3, map_pages(3, 10, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	close_pool();
	/* Written in between. */
	open_pool(4, 2);
	warm(1, 10, 1, SFB_DEFAULT, EPH_TOUCH_WRITE);
	free_on(3, map_pages(3, 10, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 1,
	    .invlpg_local = 1, .unmap_calls = 1);
	free_on(1, map_pages(1, 10, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 1,
	    .unmap_calls = 1);
	close_pool();
}

static void
test_its_own_private_flag_is_not_tested(void)
{
	open_pool(4, 2);
	free_on(0, map_pages(0, 10, 2, MSF_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 2,
	    .invlpg_local = 2, .flush_remote = 3, .ipi_sent = 3,
	    .unmap_calls = 1);
	close_pool();
}

static void
test_buffers_are_not_shared(void)
{
	struct msf_buf *a, *b;

	open_pool(2, 2);
	a = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	b = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	RIG_SAW(
	    &r, .map_calls = 2, .miss = 2, .pte_store = 2, .invlpg_local = 2);
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	CU_ASSERT_NOT_EQUAL(msf_buf_kva(a), msf_buf_kva(b));
	rig_check(&r, 2);
	free_on(0, a);
	free_on(0, b);
	/* The hint names the second now, though the first has the page too. */
	CU_ASSERT_PTR_EQUAL(a = map_pages(0, 10, 1, SFB_CPUPRIVATE), b);
	free_on(0, a);
	close_pool();
}

/* The hint is not compared with the contents: a hit that stores. */
static void
test_a_hit_may_find_another_page_in_the_buffer(void)
{
	struct msf_buf *a, *b;

	open_pool(2, 1);
	a = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	free_on(0, a);
	free_on(0, map_pages(0, 11, 1, SFB_CPUPRIVATE));
	RIG_SAW(&r, .map_calls = 2, .miss = 2, .evict = 1, .pte_store = 2,
	    .invlpg_local = 2, .unmap_calls = 2);
	b = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	CU_ASSERT_PTR_EQUAL(a, b);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .pte_store = 1,
	    .invlpg_local = 1);
	rig_check(&r, 1);
	free_on(0, b);
	close_pool();
}

/* A miss that happens to take a buffer with the same page evicts nothing. */
static void
test_evict_goes_by_the_page_mapped_last(void)
{
	struct msf_buf *a, *b;

	open_pool(1, 2);
	a = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	b = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	free_on(0, a);
	rig_mark(&r);
	/* The hint says b, which is busy; a is the only free one. */
	a = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1);
	free_on(0, a);
	free_on(0, b);
	close_pool();
}

static void
test_the_longest_free_buffer_is_taken(void)
{
	struct msf_buf *msf[3];

	open_pool(1, 3);
	for (uint32_t i = 0; i < 3; i++)
		msf[i] = map_pages(0, 10 + i, 1, SFB_CPUPRIVATE);
	CU_ASSERT(msf_buf_kva(msf[0]) < msf_buf_kva(msf[1]));
	free_on(0, msf[1]);
	free_on(0, msf[0]);
	free_on(0, msf[2]);
	/* A hit takes its buffer from the middle of the list. */
	CU_ASSERT_PTR_EQUAL(map_pages(0, 10, 1, SFB_CPUPRIVATE), msf[0]);
	CU_ASSERT_PTR_EQUAL(map_pages(0, 77, 1, SFB_CPUPRIVATE), msf[1]);
	CU_ASSERT_PTR_EQUAL(map_pages(0, 78, 1, SFB_CPUPRIVATE), msf[2]);
	rig_check(&r, 3);
	for (unsigned i = 0; i < 3; i++)
		free_on(0, msf[i]);
	rig_check(&r, 0);
	close_pool();
}

static void
test_the_exports_say_what_the_kernel_said(void)
{
	struct msf_buf *msf;

	open_pool(1, 3);
	free_on(0, map_pages(0, 10, 1, SFB_CPUPRIVATE));
	msf = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.msfbufs"), 3);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.msf_bufs"), 2);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.msf_hits"), 1);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "kern.ipc.msf_misses"), 1);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "kern.ipc.msfbufs", 4), EPERM);
	free_on(0, msf);
	close_pool();
}

static void
free_twice(void *arg)
{
	msf_buf_free(pool, arg);
	msf_buf_free(pool, arg);
}

static void
map_too_many(void *arg)
{
	(void)arg;
	(void)map_pages(0, 0, MSF_PAGES + 1, 0);
}

static void
test_misuse_panics(void)
{
	struct msf_buf *msf;

	open_pool(1, 1);
	msf = map_pages(0, 10, MSF_PAGES, SFB_CPUPRIVATE);
	CU_ASSERT(test_dies(free_twice, msf, "freeing a free msf_buf"));
	CU_ASSERT(test_dies(map_too_many, NULL, "a list of 1 to 32 pages"));
	free_on(0, msf);
	close_pool();
}

static void
test_bad_pools_are_refused(void)
{
	struct rig bad;

	CU_ASSERT_EQUAL(rig_open(&bad, "msf_buf", NULL, 1, 0), EINVAL);
	CU_ASSERT_EQUAL(
	    rig_open(&bad, "msf_buf", "i386-p4", 1, 1u << 13), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(bad.err.text, "no KVA"));
	CU_ASSERT_EQUAL(rig_open(&bad, "msf_buf", NULL, 1, 1u << 31), EINVAL);
}

static void
test_another_design_can_follow_on_the_machine(void)
{
	struct eph_design_config cfg = { .nbufs = 2 };
	const struct eph_design_ops *lru = eph_design_find("sf_buf.lru");
	struct eph_mapping mp;
	void *state;

	open_pool(1, 4);
	free_on(0, map_pages(0, 10, 1, SFB_CPUPRIVATE));
	free_on(0, map_pages(0, 11, 1, SFB_CPUPRIVATE));
	msf_buf_pool_destroy(pool);
	pool = NULL;
	CU_ASSERT_EQUAL_FATAL(
	    eph_design_create(lru, r.mc, &cfg, &state, &r.err), 0);
	CU_ASSERT_EQUAL(
	    eph_design_map(lru, r.mc, state, vm_page_get(r.mc, 11), 0, &mp), 0);
	eph_design_check(lru, state, 1);
	CU_ASSERT_EQUAL(lru->unmap(state, mp.obj), 0);
	lru->destroy(state);
	close_pool();
}

/* Sleeping */

static struct msf_buf *first_buf;
static int slept_error;

static void
sleeper(void *arg)
{
	struct vm_page *m = vm_page_get(r.mc, 20);
	struct msf_buf *msf = NULL;

	slept_error =
	    msf_map_pagelist(pool, &msf, &m, 1, *(const unsigned *)arg);
	if (slept_error == 0)
		msf_buf_free(pool, msf);
}

static void
releaser(void *arg)
{
	(void)arg;
	msf_buf_free(pool, first_buf);
}

static void
test_a_map_sleeps_until_a_buffer_is_free(void)
{
	unsigned flags = SFB_CPUPRIVATE;

	open_pool(2, 1);
	first_buf = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	rig_mark(&r);
	(void)eph_thread_create(r.mc, 1, sleeper, &flags);
	CU_ASSERT_EQUAL(eph_run(r.mc), 1);
	RIG_SAW(&r, .sleep = 1);
	(void)eph_thread_create(r.mc, 0, releaser, NULL);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	CU_ASSERT_EQUAL(slept_error, 0);
	RIG_SAW(&r, .wakeup = 1, .map_calls = 1, .miss = 1, .evict = 1,
	    .pte_store = 1, .invlpg_local = 1, .unmap_calls = 2);
	rig_check(&r, 0);
	close_pool();
}

static void
test_a_signal_ends_the_sleep_with_enomem(void)
{
	unsigned flags = SFB_CPUPRIVATE | SFB_CATCH;
	struct eph_thread *td;

	open_pool(2, 1);
	first_buf = map_pages(0, 10, 1, SFB_CPUPRIVATE);
	td = eph_thread_create(r.mc, 1, sleeper, &flags);
	CU_ASSERT_EQUAL(eph_run(r.mc), 1);
	rig_mark(&r);
	sleepq_signal(r.mc, td);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	CU_ASSERT_EQUAL(slept_error, ENOMEM);
	RIG_SAW(&r, .map_calls = 1, .map_fail = 1);
	free_on(0, first_buf);
	close_pool();
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("msf_buf", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_private_miss_costs_an_invlpg_a_page),
	TEST(test_private_hit_unchanged_costs_nothing),
	TEST(test_private_hit_on_a_new_cpu_costs_an_invlpg_a_page),
	TEST(test_private_hit_after_a_write_stores_again),
	TEST(test_private_hit_stores_only_the_pages_that_changed),
	TEST(test_pages_after_a_changed_one_are_invalidated_too),
	TEST(test_shared_costs_the_same_hit_or_miss),
	TEST(test_private_hit_after_a_shared_map),
	TEST(test_its_own_private_flag_is_not_tested),
	TEST(test_buffers_are_not_shared),
	TEST(test_a_hit_may_find_another_page_in_the_buffer),
	TEST(test_evict_goes_by_the_page_mapped_last),
	TEST(test_the_longest_free_buffer_is_taken),
	TEST(test_the_exports_say_what_the_kernel_said),
	TEST(test_misuse_panics),
	TEST(test_bad_pools_are_refused),
	TEST(test_another_design_can_follow_on_the_machine),
	TEST(test_a_map_sleeps_until_a_buffer_is_free),
	TEST(test_a_signal_ends_the_sleep_with_enomem),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "msf_buf", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
