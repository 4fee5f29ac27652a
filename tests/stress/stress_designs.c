/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every design on real threads: each CPU maps, touches, hands over and
 * unmaps pages as fast as it can, with fewer buffers than threads want.
 *
 * Asserted: no stale use where the design has no listed hole, everybody
 * woken, counters that add up, the design's own invariants, nothing leaked.
 * Not asserted: counts.  The seed is printed; a run that hangs is ended by
 * the executor's watchdog with what every CPU does.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/prng.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/world.h"
#include "test_main.h"

#define STRESS_CPUS    4u
#define STRESS_PER_CPU 2u
#define STRESS_PAGES   12u
#define STRESS_BOXES   4u
#define STRESS_OPS     1500u
#define STRESS_OTHERS  200u /* with another protocol than the design's */
#define STRESS_SEEDS   2u
#define STRESS_LONG    60000u

/* A mapping on its way from one CPU to another. */
struct box {
	struct eph_mutex lock;
	struct eph_mapping mp;
	struct vm_page *m; /* NULL: empty */
};

struct stress {
	struct eph_world *world;
	struct eph_machine *mc; /* its */
	const struct eph_design_ops *design;
	const struct eph_shootdown_ops *shootdown;
	void *state;
	struct box box[STRESS_BOXES];
	struct vm_page *page[STRESS_PAGES];
	uint64_t seed;
	uint32_t ops;
};

struct worker {
	struct stress *st;
	struct prng prng;
	unsigned cpu;
	uint64_t mapped;
	uint64_t unmapped;
	uint64_t refused;
};

static void
touch(struct worker *w, struct eph_mapping *mp, struct vm_page *m, bool ask)
{
	struct stress *st = w->st;
	uint32_t reached;

	if (ask || st->design->validity == EPH_VALID_GENERATION)
		mp->va = st->design->kva(st->state, mp->obj);
	(void)eph_machine_access(st->mc, mp->va, EPH_TOUCH_READ, m, &reached);
}

static void
unmap(struct worker *w, struct eph_mapping *mp)
{
	if (w->st->design->unmap(w->st->state, mp->obj) == 0)
		w->unmapped++;
}

/* Leave the mapping in a box, and finish with what was there. */
static void
hand_over(struct worker *w, struct eph_mapping mp, struct vm_page *m)
{
	struct stress *st = w->st;
	struct box *box = &st->box[prng_below(&w->prng, STRESS_BOXES)];
	struct eph_mapping got;
	struct vm_page *old_m;

	mutex_enter(st->mc, &box->lock);
	got = box->mp;
	old_m = box->m;
	box->mp = mp;
	box->m = m;
	mutex_exit(st->mc, &box->lock);
	if (old_m == NULL)
		return;
	touch(w, &got, old_m, st->design->validity == EPH_VALID_ASKED);
	unmap(w, &got);
}

static void
one_op(struct worker *w)
{
	struct stress *st = w->st;
	const struct eph_design_ops *d = st->design;
	struct vm_page *m = st->page[prng_below(&w->prng, STRESS_PAGES)];
	const bool private = (d->flags & EPH_DESIGN_PRIVATE) != 0 &&
	    prng_below(&w->prng, 2) == 0;
	struct eph_mapping mp;

	if (eph_design_map(d, st->mc, st->state, m,
		private ? SFB_CPUPRIVATE : SFB_DEFAULT, &mp) != 0) {
		w->refused++;
		return;
	}
	w->mapped++;
	touch(w, &mp, m, false);
	if (private || d->validity == EPH_VALID_THIS_CPU ||
	    prng_below(&w->prng, 2) == 0)
		unmap(w, &mp);
	else
		hand_over(w, mp, m);
}

static void
worker_main(void *arg)
{
	struct worker *w = arg;

	for (uint32_t i = 0; i < w->st->ops; i++)
		one_op(w);
}

/* Take what is left in the boxes, on CPU 0. */
static void
empty_boxes(void *arg)
{
	struct worker *w = arg;

	for (unsigned b = 0; b < STRESS_BOXES; b++) {
		struct box *box = &w->st->box[b];

		if (box->m != NULL)
			unmap(w, &box->mp);
		box->m = NULL;
	}
}

/*
 * A hole through which another page may be seen, not a lost wakeup: of the
 * design, or of the protocol that does not wait.
 */
static bool
may_be_stale(const struct stress *st)
{
	const struct eph_design_ops *d = st->design;

	return ((d->flags & EPH_DESIGN_UNSAFE) != 0 ||
	    strcmp(st->shootdown->name, "unacked-flush") == 0 ||
	    strstr(d->holes, "stale") != NULL ||
	    strstr(d->holes, "A is read") != NULL ||
	    strstr(d->holes, "local") != NULL);
}

static void
check_laws(struct stress *st, const struct worker *w, unsigned n)
{
	uint64_t mapped = 0, unmapped = 0;
	struct eph_counters c;

	eph_machine_counters(st->mc, &c);
	for (unsigned i = 0; i < n; i++) {
		mapped += w[i].mapped;
		unmapped += w[i].unmapped;
	}
	CU_ASSERT_EQUAL(mapped, unmapped);
	CU_ASSERT_EQUAL(c.map_calls - c.map_fail, mapped);
	CU_ASSERT_EQUAL(c.unmap_calls, unmapped);
	CU_ASSERT_EQUAL(
	    c.map_calls, c.hit_active + c.hit_inactive + c.miss + c.map_fail);
	CU_ASSERT(c.evict <= c.miss);
	CU_ASSERT(c.wakeup_spurious <= c.sleep);
	CU_ASSERT(c.wakeup <= c.sleep);
	CU_ASSERT_EQUAL(st->mc->bufs.now, 0);
	if (!may_be_stale(st))
		CU_ASSERT_EQUAL(c.stale_use + c.stale_possible, 0);
	if (st->mc->nviolations != 0 && !may_be_stale(st))
		printf("%s, %s: %s\n", st->design->name, st->shootdown->name,
		    st->mc->violations[0].text);
	eph_design_check(st->design, st->state, 0);
}

static int
stress_create(struct stress *st, uint32_t nbufs)
{
	const struct eph_world_config cfg = { .tlb = "infinite",
		.cpus = STRESS_CPUS,
		.executor = EPH_EXECUTOR_THREADS,
		.design = st->design,
		.shootdown = st->shootdown,
		.nbufs = nbufs };
	int error;

	if ((error = eph_world_create(&cfg, &st->world, NULL)) != 0)
		return (error);
	st->mc = eph_world_machine(st->world);
	st->state = eph_world_state(st->world);
	eph_threads_watchdog(st->mc, 20);
	for (uint32_t i = 0; i < STRESS_PAGES; i++)
		st->page[i] = vm_page_get(st->mc, i);
	for (unsigned b = 0; b < STRESS_BOXES; b++)
		mutex_init(&st->box[b].lock, "box");
	return (0);
}

/*
 * A release that wakes no thread, though one waits, stops the others for
 * good; that is met in exploration, here the repaired form runs.
 */
static const struct eph_design_ops *
without_lost_release(
    const struct eph_design_ops *d, struct eph_design_ops *repaired)
{
	const struct eph_shootdown_ops *shootdown = NULL;

	if (strstr(d->holes, "a release signals") == NULL)
		return (d);
	*repaired = *d;
	CU_ASSERT_TRUE(eph_design_repair(repaired, &shootdown));
	return (repaired);
}

static void
stress_design(const struct eph_design_ops *d,
    const struct eph_shootdown_ops *shootdown, uint64_t seed)
{
	const bool own = shootdown == eph_shootdown_find(d->shootdown);
	struct eph_design_ops repaired;
	const unsigned per_cpu =
	    d->validity == EPH_VALID_THIS_CPU ? 1 : STRESS_PER_CPU;
	struct worker w[STRESS_CPUS * STRESS_PER_CPU + 1] = { { 0 } };
	struct stress st = { .design = without_lost_release(d, &repaired),
		.shootdown = shootdown,
		.seed = seed,
		.ops = test_long ? STRESS_LONG
		    : own	 ? STRESS_OPS
				 : STRESS_OTHERS };
	unsigned n = 0;

	/* All boxes full and two buffers left: a power of two, for kmap. */
	CU_ASSERT_EQUAL_FATAL(stress_create(&st, 8), 0);
	for (unsigned i = 0; i < STRESS_CPUS * per_cpu; i++, n++) {
		w[n].st = &st;
		w[n].cpu = i % STRESS_CPUS;
		eph__prng_init(&w[n].prng, seed, n);
		CU_ASSERT_PTR_NOT_NULL(
		    eph_thread_create(st.mc, w[n].cpu, worker_main, &w[n]));
	}
	CU_ASSERT_EQUAL(eph_run(st.mc), 0);
	w[n].st = &st;
	(void)eph_thread_create(st.mc, 0, empty_boxes, &w[n++]);
	CU_ASSERT_EQUAL(eph_run(st.mc), 0);
	check_laws(&st, w, n);
	CU_ASSERT_EQUAL(eph_world_destroy(st.world), 0);
}

static void
stress_all(bool own)
{
	const char *text = getenv("EPHMAP_SEED");
	const uint64_t first = text != NULL ? strtoull(text, NULL, 0) : 1;
	const uint64_t seeds = text != NULL || test_long ? 1 : STRESS_SEEDS;
	const char *only = getenv("EPHMAP_DESIGN");

	printf("seed %llu (EPHMAP_SEED), %llu in all ",
	    (unsigned long long)first, (unsigned long long)seeds);
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_design_ops *d = eph_designs[i];

		if (!test_is_mine(i) ||
		    (only != NULL && strcmp(only, d->name) != 0))
			continue;
		for (size_t p = 0; eph_shootdowns[p] != NULL; p++) {
			if ((strcmp(eph_shootdowns[p]->name, d->shootdown) ==
				0) != own)
				continue;
			for (uint64_t s = first; s < first + seeds; s++)
				stress_design(d, eph_shootdowns[p], s);
		}
	}
}

static void
test_every_design_keeps_its_laws_on_real_threads(void)
{
	stress_all(true);
}

static void
test_every_design_keeps_them_with_every_protocol(void)
{
	stress_all(false);
}

static CU_TestInfo tests[] = {
	TEST(test_every_design_keeps_its_laws_on_real_threads),
	TEST(test_every_design_keeps_them_with_every_protocol),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "stress: designs on real threads", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
