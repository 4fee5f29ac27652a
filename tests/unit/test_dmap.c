/* SPDX-License-Identifier: BSD-2-Clause */

/* The direct map: no events but walks. */

#include <string.h>

#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "rig.h"

static void
nothing_but_walks_happens(void)
{
	const struct eph_design_ops *ops = eph_design_find("dmap");
	const struct eph_world_config cfg = {
		.tlb = "infinite", .cpus = 65, .design = ops, .nbufs = 1
	};
	struct eph_counters c,
	    expect = { .map_calls = 2000,
		    .miss = 2000,
		    .unmap_calls = 2000,
		    .kva_calls = 2000,
		    .tlb_miss = 130,
		    .walk_step = 520,
		    .tlb_hit = 1870 };
	struct eph_mapping mp;
	struct eph_world *world;
	struct eph_machine *mc;
	struct vm_page *m;
	uint32_t reached;
	void *state;

	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &world, NULL), 0);
	mc = eph_world_machine(world);
	state = eph_world_state(world);
	for (unsigned i = 0; i < 2000; i++) {
		eph_cpu_enter(mc, i % 65);
		m = vm_page_get(mc, i % 2 * 3);
		CU_ASSERT_EQUAL(ops->map(state, m, SFB_DEFAULT, &mp), 0);
		CU_ASSERT_PTR_EQUAL(ops->page(state, mp.obj), m);
		CU_ASSERT_EQUAL(ops->kva(state, mp.obj), mp.va);
		CU_ASSERT_EQUAL(mc->bufs.now, 1);
		CU_ASSERT_EQUAL(
		    eph_machine_access(mc, mp.va, EPH_TOUCH_WRITE, m, &reached),
		    0);
		CU_ASSERT_EQUAL(reached, m->frame);
		CU_ASSERT_EQUAL(ops->unmap(state, mp.obj), 0);
	}
	eph_machine_counters(mc, &c);
	c.cycles = 0;
	CU_ASSERT_EQUAL(memcmp(&c, &expect, sizeof(c)), 0);
	CU_ASSERT_EQUAL(mc->bufs.now, 0);
	CU_ASSERT_EQUAL(eph_world_destroy(world), 0);
}

/* The window is made in parts, and ends with the last of them. */
static void
what_lies_behind_the_window_is_anothers(void)
{
	struct rig r;
	eph_va_t va;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "dmap", NULL, 1, 0), 0);
	rig_unmap(&r, 0, rig_map(&r, 0, 1, 0));
	va = kva_alloc(r.mc, 1);
	CU_ASSERT_NOT_EQUAL(va, 0);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va - EPH_PAGE_SIZE), 4095);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, va), EPH_NONE);
	kva_free(r.mc, va, 1);
	rig_close(&r);
}

static CU_TestInfo tests[] = {
	TEST(nothing_but_walks_happens),
	TEST(what_lies_behind_the_window_is_anothers),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "dmap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
