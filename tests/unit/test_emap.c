/* SPDX-License-Identifier: BSD-2-Clause */

/* emap: produce and consume, generations, the KVA that is given back. */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "rig.h"

static struct rig r;

static void
test_map_and_unmap_tell_nobody(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 8, 4), 0);
	mp = rig_map(&r, 3, 10, 0);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1);
	CU_ASSERT_EQUAL(pmap_pte_load(r.mc, mp.va), eph_ptoa(10) | EPH_PTE_V);
	rig_check(&r, 1);
	rig_unmap(&r, 5, mp);
	RIG_SAW(&r, .unmap_calls = 1, .pte_store = 1);
	CU_ASSERT_EQUAL(pmap_pte_load(r.mc, mp.va), 0);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_a_cpu_that_is_behind_flushes_once(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 8, 4), 0);
	a = rig_map(&r, 0, 10, 0);
	b = rig_map(&r, 0, 11, 0);
	rig_mark(&r);
	CU_ASSERT_EQUAL(rig_kva(&r, 1, a), a.va);
	RIG_SAW(&r, .kva_calls = 1, .flush_local = 1);
	/* That flush serves everything made before it. */
	CU_ASSERT_EQUAL(rig_kva(&r, 1, b), b.va);
	CU_ASSERT_EQUAL(rig_kva(&r, 1, a), a.va);
	RIG_SAW(&r, .kva_calls = 2);
	/* The CPU that mapped is a consumer like any other. */
	(void)rig_kva(&r, 0, b);
	RIG_SAW(&r, .kva_calls = 1, .flush_local = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 0, a), 10);
	CU_ASSERT_EQUAL(rig_read(&r, 1, b), 11);
	rig_unmap(&r, 0, a);
	rig_unmap(&r, 0, b);
	rig_close(&r);
}

/* KVA given back is taken again at once, and consuming makes it safe. */
static void
test_reused_kva_is_safe_for_those_who_consume(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 2, 1), 0);
	for (uint32_t page = 0; page < 4; page++) {
		mp = rig_map(&r, 0, page, 0);
		for (unsigned cpu = 0; cpu < 2; cpu++) {
			CU_ASSERT_EQUAL(rig_kva(&r, cpu, mp), mp.va);
			CU_ASSERT_EQUAL(rig_read(&r, cpu, mp), page);
		}
		rig_unmap(&r, 0, mp);
	}
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	/* Who does not, even on the mapping CPU, reads the page before. */
	mp = rig_map(&r, 0, 9, 0);
	CU_ASSERT_EQUAL(rig_read(&r, 0, mp), 3);
	CU_ASSERT_EQUAL(r.mc->nviolations, 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
test_the_kva_given_back_last_is_taken_first(void)
{
	struct eph_mapping a, b, c;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 1, 3), 0);
	a = rig_map(&r, 0, 1, 0);
	b = rig_map(&r, 0, 2, 0);
	CU_ASSERT(a.va < b.va);
	rig_unmap(&r, 0, b);
	rig_unmap(&r, 0, a);
	c = rig_map(&r, 0, 3, 0);
	CU_ASSERT_EQUAL(c.va, a.va);
	rig_unmap(&r, 0, c);
	rig_close(&r);
}

static void
test_a_store_is_refused(void)
{
	struct eph_mapping mp;
	uint32_t reached;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 1, 1), 0);
	mp = rig_map(&r, 0, 7, 0);
	(void)rig_kva(&r, 0, mp);
	CU_ASSERT_EQUAL(eph_machine_access(r.mc, mp.va, EPH_TOUCH_WRITE,
			    vm_page_get(r.mc, 7), &reached),
	    ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.mc->refusal, "read-only"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* Consume on CPU `cpu` what was made at generation `gen`. */
static struct eph_mapping
map_at(uint64_t gen, unsigned cpu)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "vm.uvm_emap_gen", gen), 0);
	mp = rig_map(&r, 0, 1, 0);
	(void)rig_kva(&r, cpu, mp);
	return (mp);
}

static void
test_generations_skip_0_and_wrap(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 1, 1), 0);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "vm.uvm_emap_gen"), 1);
	CU_ASSERT_EQUAL(
	    rig_sysctl_set(&r, "vm.uvm_emap_gen", 1ull << 32), EINVAL);
	/* In steps of less than 2^31, so that the CPU stays comparable. */
	rig_unmap(&r, 0, map_at(0x70000000, 0));
	rig_unmap(&r, 0, map_at(0xe0000000, 0));
	rig_unmap(&r, 0, map_at(0xfffffffe, 0));
	CU_ASSERT_EQUAL(rig_sysctl(&r, "vm.uvm_emap_gen"), 0xffffffff);
	rig_mark(&r);
	mp = rig_map(&r, 0, 2, 0);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "vm.uvm_emap_gen"), 1);
	(void)rig_kva(&r, 0, mp);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1, .kva_calls = 1,
	    .flush_local = 1);
	rig_check(&r, 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/*
 * A producer that wraps has counted once and not yet again: whoever flushes
 * then must not be at 0, which would say that it uses no mapping.
 */
static void
test_a_consumer_never_gets_generation_0(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 1, 2), 0);
	rig_unmap(&r, 0, map_at(0x70000000, 0));
	rig_unmap(&r, 0, map_at(0xe0000000, 0));
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "vm.uvm_emap_gen", 0xfffffffe), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "vm.uvm_emap_gen", 0), 0);
	rig_mark(&r);
	(void)rig_kva(&r, 0, mp);
	RIG_SAW(&r, .kva_calls = 1, .flush_local = 1);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "vm.uvm_emap_gen"), 1);
	rig_unmap(&r, 0, mp);
	/* The producer's own second step. */
	mp = rig_map(&r, 0, 2, 0);
	CU_ASSERT_EQUAL(rig_sysctl(&r, "vm.uvm_emap_gen"), 2);
	(void)rig_kva(&r, 0, mp);
	RIG_SAW(&r, .unmap_calls = 1, .map_calls = 1, .miss = 1, .pte_store = 2,
	    .kva_calls = 1, .flush_local = 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* The known hole. */
static void
test_a_cpu_2_31_generations_behind_seems_current(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 2, 1), 0);
	mp = map_at(1, 1); /* CPU 1 is at generation 2 */
	CU_ASSERT_EQUAL(rig_read(&r, 1, mp), 1);
	rig_unmap(&r, 0, mp);
	/* One less, and it flushes. */
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "vm.uvm_emap_gen", 0x80000001u), 0);
	mp = rig_map(&r, 0, 5, 0); /* generation 2 + 2^31 */
	rig_mark(&r);
	(void)rig_kva(&r, 1, mp);
	RIG_SAW(&r, .kva_calls = 1, .flush_local = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 1, mp), 5);
	rig_unmap(&r, 0, mp);
	/* CPU 1 is at 0x80000002; 2^31 + 1 further it seems ahead. */
	CU_ASSERT_EQUAL(rig_sysctl_set(&r, "vm.uvm_emap_gen", 2), 0);
	mp = rig_map(&r, 0, 6, 0);
	rig_mark(&r);
	(void)rig_kva(&r, 1, mp);
	RIG_SAW(&r, .kva_calls = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 1, mp), 5);
	CU_ASSERT_EQUAL(r.mc->nviolations, 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
test_bad_sizes_are_refused(void)
{
	CU_ASSERT_EQUAL(rig_open(&r, "emap", NULL, 1, 0), EINVAL);
	CU_ASSERT_EQUAL(rig_open(&r, "emap", "i386-p4", 1, 1u << 18), EINVAL);
}

static void
unmap_twice(void *arg)
{
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
}

static void
test_removing_twice_panics(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 1, 2), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT(test_dies(unmap_twice, &mp, "not entered"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* A sleeper waits for KVA, and all wake. */
static void
test_maps_sleep_for_kva(void)
{
	const struct eph_op op[] = {
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 1, .slot = 0 },
		{ .kind = EPH_OP_MAP, .cpu = 1, .page = 2, .slot = 1 },
		{ .kind = EPH_OP_MAP, .cpu = 2, .page = 3, .slot = 2 },
		{ .kind = EPH_OP_KVA, .cpu = 2, .slot = 2 },
		{ .kind = EPH_OP_READ, .cpu = 2, .slot = 2 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 0 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 1 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 2 },
	};
	const struct eph_run_config cfg = {
		.design = eph_design_find("emap"), .cpus = 3, .nbufs = 1
	};
	struct eph_run_result res;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(rig_replay(&cfg, op, 8, &res, &err), 0);
	CU_ASSERT_EQUAL(res.violations_total, 0);
	CU_ASSERT_EQUAL(res.counters.map_calls, 3);
	CU_ASSERT_EQUAL(res.counters.sleep, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup_spurious, 1);
	CU_ASSERT_EQUAL(res.counters.flush_local, 1);
	CU_ASSERT_EQUAL(res.asleep, 0);
}

static void
test_a_p_line_asks_before_it_reads(void)
{
	const struct eph_op op[] = { { .kind = EPH_OP_REF, .page = 4 },
		{ .kind = EPH_OP_REF, .page = 5 } };
	struct eph_run_config cfg = { .design = eph_design_find("emap"),
		.cpus = 2,
		.nbufs = 1,
		.touch = EPH_TOUCH_READ };
	struct eph_run_result res;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(rig_replay(&cfg, op, 2, &res, &err), 0);
	CU_ASSERT_EQUAL(res.counters.kva_calls, 2);
	CU_ASSERT_EQUAL(res.counters.flush_local, 2);
	CU_ASSERT_EQUAL(res.counters.pte_store, 4);
	cfg.touch = EPH_TOUCH_WRITE;
	CU_ASSERT_EQUAL(rig_replay(&cfg, op, 2, &res, &err), ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "read-only"));
}

/*
 * A thread consumes on CPU 0 and goes to sleep; another one maps and makes
 * a generation; the first goes on, on CPU 1.
 */
static struct eph_mapping moving;

static void
mover(void *arg)
{
	(void)rig_kva(&r, 0, moving);
	r.ops->switch_out(r.state);
	(void)tsleep(r.mc, arg, 0, "switch", 0);
	eph_cpu_enter(r.mc, 1);
	rig_mark(&r);
	r.ops->switch_in(r.state);
	RIG_SAW(&r, .flush_local = 1);
	CU_ASSERT_EQUAL(rig_read(&r, 1, moving), 10);
	rig_mark(&r);
	r.ops->switch_out(r.state);
	r.ops->switch_in(r.state); /* the CPU is not behind any more */
	RIG_SAW(&r, .kva_calls = 0);
}

static void
waker(void *arg)
{
	wakeup(r.mc, arg);
}

static void
test_a_generation_goes_with_its_thread(void)
{
	struct eph_mapping old;
	int channel;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "emap", NULL, 2, 1), 0);
	/* CPU 1 has an old translation of the only address. */
	old = rig_map(&r, 0, 4, 0);
	(void)rig_kva(&r, 1, old);
	CU_ASSERT_EQUAL(rig_read(&r, 1, old), 4);
	rig_unmap(&r, 0, old);
	moving = rig_map(&r, 0, 10, 0);
	(void)eph_thread_create(r.mc, 0, mover, &channel);
	(void)eph_thread_create(r.mc, 0, waker, &channel);
	CU_ASSERT_EQUAL(eph_run(r.mc), 0);
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	rig_unmap(&r, 0, moving);
	rig_close(&r);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("emap", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_map_and_unmap_tell_nobody),
	TEST(test_a_cpu_that_is_behind_flushes_once),
	TEST(test_reused_kva_is_safe_for_those_who_consume),
	TEST(test_the_kva_given_back_last_is_taken_first),
	TEST(test_a_store_is_refused),
	TEST(test_generations_skip_0_and_wrap),
	TEST(test_a_consumer_never_gets_generation_0),
	TEST(test_a_cpu_2_31_generations_behind_seems_current),
	TEST(test_bad_sizes_are_refused),
	TEST(test_removing_twice_panics),
	TEST(test_maps_sleep_for_kva),
	TEST(test_a_p_line_asks_before_it_reads),
	TEST(test_a_generation_goes_with_its_thread),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "emap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
