/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ephmap.best: its event table, on a machine that has so few addresses that
 * they are used again, and the oracle there.
 */

#include <errno.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/kernel/pmap.h"
#include "rig.h"

/* Page 0 is nobody's, 2 are the buffers', 4 of the others are spare. */
enum { NBUFS = 2, KVA = 8, ADDRS = 6, NCPUS = 3 };

static struct rig r;

/* Map `n` pages from `first` on, one by one, touched or not. */
static void
churn(unsigned cpu, uint32_t first, unsigned n, bool touch)
{
	for (unsigned i = 0; i < n; i++) {
		struct eph_mapping mp = rig_map(&r, cpu, first + i, 0);

		if (touch)
			(void)rig_read(&r, cpu, mp);
		rig_unmap(&r, cpu, mp);
	}
}

/* All addresses were used; the last two are the buffers'. */
static void
used_up(void)
{
	CU_ASSERT_EQUAL_FATAL(
	    rig_open_kva(&r, "ephmap.best", NCPUS, NBUFS, KVA), 0);
	churn(0, 10, ADDRS, true);
	RIG_SAW(&r, .map_calls = ADDRS, .miss = ADDRS, .evict = ADDRS - NBUFS,
	    .unmap_calls = ADDRS, .pte_store = 2 * ADDRS - NBUFS);
}

static void
test_a_miss_with_a_new_address_invalidates_nothing(void)
{
	used_up();
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_a_shared_miss_on_the_oldest_flushes_who_is_not_clean(void)
{
	used_up();
	churn(0, 20, 1, true);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .unmap_calls = 1,
	    .pte_store = 2, .flush_local = 1, .flush_remote = NCPUS - 1,
	    .ipi_sent = NCPUS - 1);
	/* All that waited is clean now. */
	churn(1, 21, ADDRS - NBUFS, true);
	RIG_SAW(&r, .map_calls = ADDRS - NBUFS, .miss = ADDRS - NBUFS,
	    .evict = ADDRS - NBUFS, .unmap_calls = ADDRS - NBUFS,
	    .pte_store = 2 * (ADDRS - NBUFS));
	churn(2, 40, 1, true);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .unmap_calls = 1,
	    .pte_store = 2, .flush_local = 1, .flush_remote = NCPUS - 1,
	    .ipi_sent = NCPUS - 1);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_a_private_miss_flushes_here_and_hits_invalidate_the_one(void)
{
	struct eph_mapping a, b;

	used_up();
	a = rig_map(&r, 1, 20, SFB_CPUPRIVATE);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 2,
	    .flush_local = 1);
	b = rig_map(&r, 1, 20, SFB_CPUPRIVATE); /* clean here */
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_unmap(&r, 1, b);
	rig_mark(&r);
	for (unsigned again = 0; again < 2; again++) {
		b = rig_map(&r, 0, 20, SFB_CPUPRIVATE);
		RIG_SAW(&r, .map_calls = 1, .hit_active = 1,
		    .invlpg_local = again == 0);
		(void)rig_read(&r, 0, b);
		rig_unmap(&r, 0, b);
		rig_mark(&r);
	}
	b = rig_map(&r, 1, 20, 0); /* CPU 2 has not */
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1, .invlpg_remote = 1,
	    .ipi_sent = 1);
	(void)rig_read(&r, 2, b);
	rig_unmap(&r, 1, b);
	rig_mark(&r);
	b = rig_map(&r, 2, 20, 0); /* clean everywhere */
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_check(&r, 2);
	rig_unmap(&r, 2, b);
	rig_unmap(&r, 1, a);
	RIG_SAW(&r, .unmap_calls = 2);
	rig_close(&r);
}

/* Addresses for the buffers, and none to spare: it says so. */
static void
test_without_a_spare_address_it_is_refused(void)
{
	CU_ASSERT_EQUAL(
	    rig_open_kva(&r, "ephmap.best", NCPUS, NBUFS, 1 + NBUFS), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "no KVA for a queue"));
}

/* To a policy that asks, a page that nobody used costs nothing. */
static void
test_a_policy_that_asks_is_told_what_was_used(void)
{
	CU_ASSERT_EQUAL_FATAL(
	    rig_open_policy(&r, "ephmap.best", "price-aware", NCPUS, 2), 0);
	churn(0, 10, 1, true);
	churn(0, 11, 1, false);
	churn(0, 12, 1, true);
	rig_mark(&r);
	churn(0, 10, 1, false);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	rig_close(&r);
}

/* Who invalidated a buffer's address has not done so with its next. */
static void
test_a_buffer_with_another_address_is_not_clean(void)
{
	used_up();
	rig_unmap(&r, 1, rig_map(&r, 1, 20, SFB_CPUPRIVATE));
	rig_unmap(&r, 0, rig_map(&r, 0, 20, SFB_CPUPRIVATE));
	for (uint32_t page = 21; page < 21 + NBUFS; page++) {
		rig_unmap(&r, 1, rig_map(&r, 1, page, SFB_CPUPRIVATE));
		rig_mark(&r);
		rig_unmap(&r, 0, rig_map(&r, 0, page, SFB_CPUPRIVATE));
		RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1,
		    .invlpg_local = 1);
	}
	rig_close(&r);
}

static void
test_a_shared_hit_invalidates_here_too(void)
{
	struct eph_mapping a;

	used_up();
	a = rig_map(&r, 1, 20, SFB_CPUPRIVATE);
	rig_unmap(&r, 1, a);
	rig_mark(&r);
	a = rig_map(&r, 0, 20, 0);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .invlpg_local = 1,
	    .invlpg_remote = 1, .ipi_sent = 1);
	(void)rig_read(&r, 2, a);
	rig_unmap(&r, 0, a);
	rig_close(&r);
}

static void
test_what_nobody_touched_costs_nothing(void)
{
	CU_ASSERT_EQUAL_FATAL(
	    rig_open_kva(&r, "ephmap.best", NCPUS, NBUFS, KVA), 0);
	churn(0, 10, 100, false);
	RIG_SAW(&r, .map_calls = 100, .miss = 100, .evict = 100 - NBUFS,
	    .unmap_calls = 100, .pte_store = 200 - NBUFS);
	rig_close(&r);
}

static void
test_with_all_buffers_held_a_map_fails_or_waits(void)
{
	struct eph_mapping a, b, c = { NULL, 0 };

	used_up();
	a = rig_map(&r, 0, 20, 0);
	b = rig_map(&r, 0, 21, 0);
	rig_mark(&r);
	CU_ASSERT_EQUAL(rig_try_map(&r, 0, 22, SFB_NOWAIT, &c), EAGAIN);
	RIG_SAW(&r, .map_calls = 1, .map_fail = 1);
	rig_check(&r, 2);
	rig_unmap(&r, 0, a);
	rig_unmap(&r, 0, b);
	rig_close(&r);
}

/* CPUs in turn: each has its own run. */
static void
test_runs_are_of_one_cpu(void)
{
	struct eph_mapping first[4], second;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "ephmap.best", NULL, 4, 64), 0);
	for (unsigned c = 0; c < 4; c++)
		first[c] = rig_map(&r, c, c, 0);
	for (unsigned c = 0; c < 4; c++) {
		second = rig_map(&r, c, 10 + c, 0);
		CU_ASSERT_EQUAL(second.va - first[c].va, EPH_PAGE_SIZE);
		rig_unmap(&r, c, second);
		rig_unmap(&r, c, first[c]);
	}
	rig_close(&r);
}

/* Random maps, used where they may be, while addresses go round and round. */
static void
random_uses(unsigned ncpus, uint64_t seed)
{
	struct {
		struct eph_mapping mp;
		uint32_t page;
		unsigned cpu;
		bool private;
	} held[3];
	struct prng g;
	uint64_t flushes;
	struct eph_counters c;
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(rig_open_kva(&r, "ephmap.best", ncpus, 4, 16), 0);
	eph__prng_init(&g, seed, 0);
	for (unsigned i = 0; i < 3000; i++) {
		const unsigned cpu = prng_below(&g, ncpus);
		const unsigned at = n == 0 ? 0 : (unsigned)(i % n);

		if (n < 3 && prng_below(&g, 2) == 0) {
			held[n].page = prng_below(&g, 12);
			held[n].private = prng_below(&g, 2) == 0;
			held[n].cpu = cpu;
			held[n].mp = rig_map(&r, cpu, held[n].page,
			    held[n].private ? SFB_CPUPRIVATE : 0);
			n++;
		} else if (n > 0 && prng_below(&g, 3) == 0) {
			rig_unmap(&r, cpu, held[at].mp);
			held[at] = held[--n];
		} else if (n > 0) {
			CU_ASSERT_EQUAL(
			    rig_read(&r, held[at].private ? held[at].cpu : cpu,
				held[at].mp),
			    vm_page_get(r.mc, held[at].page)->frame);
		}
		rig_check(&r, n);
	}
	eph_machine_counters(r.mc, &c);
	flushes = c.flush_local + c.flush_remote;
	CU_ASSERT(flushes > 10);
	CU_ASSERT_EQUAL(c.stale_use + c.stale_possible, 0);
	while (n > 0)
		rig_unmap(&r, 0, held[--n].mp);
	rig_close(&r);
}

static void
test_random_uses_are_never_stale(void)
{
	static const unsigned cpus[] = { 1, 2, 5, 65 };

	for (size_t i = 0; i < 4; i++) {
		for (uint64_t seed = 1; seed <= 3; seed++)
			random_uses(cpus[i], seed);
	}
}

static CU_TestInfo tests[] = {
	TEST(test_a_miss_with_a_new_address_invalidates_nothing),
	TEST(test_a_shared_miss_on_the_oldest_flushes_who_is_not_clean),
	TEST(test_a_private_miss_flushes_here_and_hits_invalidate_the_one),
	TEST(test_without_a_spare_address_it_is_refused),
	TEST(test_a_policy_that_asks_is_told_what_was_used),
	TEST(test_a_buffer_with_another_address_is_not_clean),
	TEST(test_a_shared_hit_invalidates_here_too),
	TEST(test_what_nobody_touched_costs_nothing),
	TEST(test_with_all_buffers_held_a_map_fails_or_waits),
	TEST(test_runs_are_of_one_cpu),
	TEST(test_random_uses_are_never_stale),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "ephmap.best", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
