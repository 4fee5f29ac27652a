/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * objcache: every rule of magazines, depot, limit and constructed state,
 * on 2 CPUs in lockstep.  Magazines are of 16 or, where a test counts the
 * ones of the depot, of 4.
 */

#include <string.h>

#include "rig.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/objcache.h"
#include "test_main.h"

#define N 2u

struct fixture {
	struct rig rig;
	struct eph_machine *mc; /* its */
	struct objcache *oc;
	unsigned ctors, dtors, allocs, frees;
	int flags;	  /* as the allocator saw them */
	void *dtored[64]; /* the first, in order */
	bool fail_alloc;  /* the next one */
	bool fail_ctor;
};

struct object {
	uint64_t magic;
	unsigned uses;
};

static bool
object_ctor(void *obj, void *privdata, int ocflags)
{
	struct fixture *f = privdata;

	(void)ocflags;
	if (f->fail_ctor)
		return (false);
	f->ctors++;
	((struct object *)obj)->magic = 0x0b1ec7;
	return (true);
}

static void
object_dtor(void *obj, void *privdata)
{
	struct fixture *f = privdata;

	CU_ASSERT_EQUAL(((struct object *)obj)->magic, 0x0b1ec7);
	((struct object *)obj)->magic = 0;
	if (f->dtors < 64)
		f->dtored[f->dtors] = obj;
	f->dtors++;
}

static void *
object_alloc(void *args, int ocflags)
{
	struct fixture *f = args;

	f->flags = ocflags;
	if (f->fail_alloc)
		return (NULL);
	f->allocs++;
	return (eph_machine_alloc(f->mc, sizeof(struct object)));
}

static void
object_free(void *obj, void *args)
{
	struct fixture *f = args;

	f->frees++;
	eph_machine_free(f->mc, obj, sizeof(struct object));
}

static struct eph_machine *
machine(struct rig *r)
{
	rig_i386(r, NULL, N, 0);
	return (r->mc);
}

static void
open_cache(struct fixture *f, uint32_t limit, uint32_t capacity)
{
	memset(f, 0, sizeof(*f));
	f->mc = machine(&f->rig);
	f->oc = objcache_create(f->mc, "test", limit, capacity, object_ctor,
	    object_dtor, f, object_alloc, object_free, f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->oc);
	eph_cpu_enter(f->mc, 0);
}

static void
close_cache(struct fixture *f)
{
	objcache_check(f->oc);
	objcache_destroy(f->oc);
	CU_ASSERT_EQUAL(f->allocs, f->frees);
	CU_ASSERT_EQUAL(f->ctors, f->dtors);
	rig_close(&f->rig);
}

static struct objcache_stats
stats(struct fixture *f)
{
	struct objcache_stats st;

	objcache_check(f->oc);
	objcache_stats(f->oc, &st);
	return (st);
}

static void
get_n(struct fixture *f, void **obj, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		obj[i] = objcache_get(f->oc, M_WAITOK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(obj[i]);
	}
}

static void
put_n(struct fixture *f, void **obj, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		objcache_put(f->oc, obj[i]);
}

static void
test_object_keeps_its_constructed_state(void)
{
	struct object *a, *b;
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 16);
	a = objcache_get(f.oc, M_WAITOK);
	a->uses = 17;
	objcache_put(f.oc, a);
	b = objcache_get(f.oc, M_WAITOK);
	CU_ASSERT_PTR_EQUAL(a, b);
	CU_ASSERT_EQUAL(b->uses, 17);
	CU_ASSERT_EQUAL(f.ctors, 1);
	CU_ASSERT_EQUAL(f.dtors, 0);
	CU_ASSERT_EQUAL(f.flags, M_WAITOK);
	objcache_put(f.oc, b);
	close_cache(&f);
}

static void
test_last_put_is_first_got(void)
{
	void *obj[3];
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 16);
	get_n(&f, obj, 3);
	put_n(&f, obj, 3);
	for (unsigned i = 3; i-- > 0;)
		CU_ASSERT_PTR_EQUAL(objcache_get(f.oc, M_WAITOK), obj[i]);
	put_n(&f, obj, 3);
	close_cache(&f);
}

/* What CPU 0 put, CPU 1 does not find in its magazines. */
static void
test_magazines_belong_to_a_cpu(void)
{
	void *a, *b;
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 16);
	a = objcache_get(f.oc, M_WAITOK);
	objcache_put(f.oc, a);
	eph_cpu_enter(f.mc, 1);
	b = objcache_get(f.oc, M_WAITOK);
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	objcache_put(f.oc, b);
	CU_ASSERT_EQUAL(stats(&f).cached, 2);
	close_cache(&f);
}

/* The fast path takes no lock; the depot takes one. */
static void
test_magazines_need_no_lock(void)
{
	struct eph_counters before, after;
	void *obj[8];
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	get_n(&f, obj, 8);
	eph_machine_counters(f.mc, &before);
	put_n(&f, obj, 8);
	get_n(&f, obj, 8);
	put_n(&f, obj, 8);
	eph_machine_counters(f.mc, &after);
	CU_ASSERT_EQUAL(after.lock_acquire, before.lock_acquire);
	obj[0] = objcache_get(f.oc, M_WAITOK);
	objcache_put(f.oc, obj[0]);
	eph_machine_counters(f.mc, &after);
	CU_ASSERT_EQUAL(after.lock_acquire, before.lock_acquire);
	close_cache(&f);
}

static void
test_created_with_two_empty_magazines_in_the_depot(void)
{
	struct objcache_stats st;
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 0);
	st = stats(&f);
	CU_ASSERT_EQUAL(st.capacity, 64);
	CU_ASSERT_EQUAL(st.mags_empty, 2);
	CU_ASSERT_EQUAL(st.mags_full, 0);
	CU_ASSERT_EQUAL(st.unallocated, -1);
	CU_ASSERT_EQUAL(st.ctors, 0);
	close_cache(&f);
}

/* Half of what the limit leaves when every CPU has two, 2 to 1000. */
static void
test_the_depots_magazines_are_for_half_the_limit(void)
{
	static const uint32_t limits[][2] = { /* in magazines a CPU */
		{ 8, 3 * N }, { 9, 7 * N / 2 }, { 12, 5 * N },
		{ 2000 / N + 2, 1000 }, { 10000, 1000 }
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct fixture f;

		open_cache(&f, limits[i][0] * N * 16, 16);
		CU_ASSERT_EQUAL(stats(&f).capacity, 16);
		CU_ASSERT_EQUAL(stats(&f).mags_empty, limits[i][1]);
		close_cache(&f);
	}
}

/*
 *	8	fill this CPU's two magazines of 4
 *	9, 13	exchange one for an empty one of the depot
 *	17	no empty magazine: destroyed
 */
static void
test_put_goes_to_the_depot_and_then_destroys(void)
{
	void *obj[17];
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	get_n(&f, obj, 17);
	put_n(&f, obj, 8);
	CU_ASSERT_EQUAL(stats(&f).mags_full, 0);
	objcache_put(f.oc, obj[8]);
	CU_ASSERT_EQUAL(stats(&f).mags_full, 1);
	put_n(&f, obj + 9, 7);
	CU_ASSERT_EQUAL(stats(&f).mags_full, 2);
	CU_ASSERT_EQUAL(stats(&f).mags_empty, 0);
	CU_ASSERT_EQUAL(stats(&f).cached, 16);
	CU_ASSERT_EQUAL(f.dtors, 0);
	objcache_put(f.oc, obj[16]);
	CU_ASSERT_EQUAL(f.dtors, 1);
	CU_ASSERT_EQUAL(f.frees, 1);
	CU_ASSERT_EQUAL(stats(&f).cached, 16);
	CU_ASSERT_EQUAL(stats(&f).puts, 17);
	close_cache(&f);
}

/* CPU 1 gets a full magazine from the depot, and gives an empty one. */
static void
test_full_magazines_move_between_cpus(void)
{
	void *obj[12], *got[4];
	struct objcache_stats st;
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	get_n(&f, obj, 12);
	put_n(&f, obj, 12);
	st = stats(&f);
	CU_ASSERT_EQUAL(st.mags_full, 1);
	CU_ASSERT_EQUAL(st.mags_empty, 1);
	eph_cpu_enter(f.mc, 1);
	get_n(&f, got, 4);
	CU_ASSERT_EQUAL(f.ctors, 12);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_PTR_EQUAL(got[i], obj[3 - i]);
	st = stats(&f);
	CU_ASSERT_EQUAL(st.mags_full, 0);
	CU_ASSERT_EQUAL(st.mags_empty, 2);
	put_n(&f, got, 4);
	close_cache(&f);
}

/* Up and down by one at the edge of a magazine does not reach the depot. */
static void
test_previous_magazine_is_swapped_in(void)
{
	struct eph_counters before, after;
	void *obj[5];
	struct fixture f;

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	get_n(&f, obj, 5);
	put_n(&f, obj, 5);
	eph_machine_counters(f.mc, &before);
	for (unsigned i = 0; i < 10; i++) {
		get_n(&f, obj, 2);
		put_n(&f, obj, 2);
	}
	eph_machine_counters(f.mc, &after);
	CU_ASSERT_EQUAL(after.lock_acquire, before.lock_acquire);
	CU_ASSERT_EQUAL(stats(&f).mags_full, 0);
	close_cache(&f);
}

/*
 * A limit must fill 8 magazines on each CPU: the capacity is halved, at
 * least to 16, then the limit is raised.
 */
static void
test_limit_and_capacity_fit_one_another(void)
{
	static const struct {
		uint32_t limit, capacity, limit_is, capacity_is;
	} t[] = {
		{ 1024, 64, 1024, 64 },
		{ 1023, 64, 1023, 32 },
		{ 256, 64, 256, 16 },
		{ 100, 64, 256, 16 },
		{ 100, 16, 256, 16 },
		{ 100, 8, 128, 8 },
		{ 1, 1, 16, 1 },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct objcache_stats st;
		struct fixture f;

		open_cache(&f, t[i].limit, t[i].capacity);
		st = stats(&f);
		CU_ASSERT_EQUAL(st.limit, t[i].limit_is);
		CU_ASSERT_EQUAL(st.capacity, t[i].capacity_is);
		CU_ASSERT_EQUAL(st.unallocated, t[i].limit_is);
		close_cache(&f);
	}
}

static void
test_null_at_the_limit_unless_it_may_wait(void)
{
	void *obj[16];
	struct fixture f;

	open_cache(&f, 16, 1);
	get_n(&f, obj, 16);
	CU_ASSERT_FALSE(stats(&f).exhausted);
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_NOWAIT));
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_WAITOK | M_NULLOK));
	CU_ASSERT(stats(&f).exhausted);
	CU_ASSERT_EQUAL(stats(&f).gets_null, 2);
	CU_ASSERT_EQUAL(stats(&f).gets, 16);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 0);
	put_n(&f, obj, 16);
	close_cache(&f);
}

static void
test_null_when_alloc_or_ctor_fails_even_with_waitok(void)
{
	struct fixture f;
	void *obj;

	open_cache(&f, 16, 1);
	f.fail_ctor = true;
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_WAITOK));
	CU_ASSERT_EQUAL(f.frees, 1);
	f.fail_ctor = false;
	f.fail_alloc = true;
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_WAITOK));
	f.fail_alloc = false;
	CU_ASSERT_EQUAL(stats(&f).gets_null, 2);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 16);
	CU_ASSERT_EQUAL(stats(&f).gets, 0);
	obj = objcache_get(f.oc, M_WAITOK);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 15);
	objcache_put(f.oc, obj);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 15);
	close_cache(&f);
}

/* Without limit a failure costs no budget: there is none. */
static void
test_unlimited_survives_a_failed_constructor(void)
{
	struct fixture f;
	void *obj[100];

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	f.fail_ctor = true;
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_WAITOK));
	f.fail_ctor = false;
	get_n(&f, obj, 100);
	CU_ASSERT_EQUAL(stats(&f).unallocated, -1);
	put_n(&f, obj, 100);
	close_cache(&f);
}

static void
test_dtor_destroys_a_bad_object_and_frees_its_budget(void)
{
	struct fixture f;
	void *obj;

	open_cache(&f, 16, 1);
	obj = objcache_get(f.oc, M_WAITOK);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 15);
	objcache_dtor(f.oc, obj);
	CU_ASSERT_EQUAL(f.dtors, 1);
	CU_ASSERT_EQUAL(f.frees, 1);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 16);
	CU_ASSERT_EQUAL(stats(&f).cached, 0);
	close_cache(&f);
}

/* Waiters */

struct getter {
	struct fixture *f;
	void *obj;
	bool done;
};

static void
getter_main(void *arg)
{
	struct getter *g = arg;

	g->obj = objcache_get(g->f->oc, M_WAITOK);
	g->done = true;
}

static void
getter_start(struct getter *g, struct fixture *f, unsigned cpu)
{
	*g = (struct getter){ .f = f };
	CU_ASSERT_PTR_NOT_NULL_FATAL(
	    eph_thread_create(f->mc, cpu, getter_main, g));
}

static void
test_put_wakes_a_waiter_of_this_cpu_only(void)
{
	struct eph_counters c;
	struct getter g[2];
	struct fixture f;
	void *obj[16];

	open_cache(&f, 16, 1);
	get_n(&f, obj, 16);
	getter_start(&g[0], &f, 0);
	getter_start(&g[1], &f, 1);
	CU_ASSERT_EQUAL(eph_run(f.mc), 2);
	CU_ASSERT_EQUAL(stats(&f).waiting, 2);
	eph_cpu_enter(f.mc, 1);
	objcache_put(f.oc, obj[0]);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	CU_ASSERT(g[1].done && !g[0].done);
	CU_ASSERT_PTR_EQUAL(g[1].obj, obj[0]);
	eph_machine_counters(f.mc, &c);
	CU_ASSERT_EQUAL(c.wakeup, 1);
	CU_ASSERT_EQUAL(c.wakeup_spurious, 0);
	eph_cpu_enter(f.mc, 0);
	objcache_put(f.oc, obj[1]);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT(g[0].done);
	CU_ASSERT_EQUAL(stats(&f).waiting, 0);
	put_n(&f, obj, 16);
	close_cache(&f);
}

/* The other CPU's magazines keep the object; the depot's lets it go. */
static void
test_magazine_for_the_depot_wakes_waiters_everywhere(void)
{
	struct getter g;
	struct fixture f;
	void *obj[16];

	open_cache(&f, 16, 1);
	get_n(&f, obj, 16);
	getter_start(&g, &f, 0);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	eph_cpu_enter(f.mc, 1);
	put_n(&f, obj, 2);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	objcache_put(f.oc, obj[2]);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_PTR_EQUAL(g.obj, obj[0]);
	put_n(&f, obj + 3, 13);
	objcache_put(f.oc, g.obj);
	close_cache(&f);
}

static void
test_dtor_wakes_waiters(void)
{
	struct getter g;
	struct fixture f;
	void *obj[16];

	open_cache(&f, 16, 1);
	get_n(&f, obj, 16);
	getter_start(&g, &f, 0);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	eph_cpu_enter(f.mc, 1);
	objcache_dtor(f.oc, obj[0]);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_PTR_NOT_NULL(g.obj);
	CU_ASSERT_EQUAL(f.ctors, 17);
	put_n(&f, obj + 1, 15);
	objcache_put(f.oc, g.obj);
	close_cache(&f);
}

static void
test_higher_limit_wakes_waiters(void)
{
	struct getter g;
	struct fixture f;
	void *obj[16];

	open_cache(&f, 16, 1);
	get_n(&f, obj, 16);
	getter_start(&g, &f, 0);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	objcache_set_cluster_limit(f.oc, 20);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 3);

	/* Lower than what exists: nothing more, until enough are gone. */
	objcache_set_cluster_limit(f.oc, 10);
	CU_ASSERT_EQUAL(stats(&f).unallocated, -7);
	CU_ASSERT_PTR_NULL(objcache_get(f.oc, M_NOWAIT));
	put_n(&f, obj, 16);
	objcache_put(f.oc, g.obj);
	close_cache(&f);
}

/* Reclaim */

static void
test_reclaim_takes_this_cpus_magazine_then_the_depot(void)
{
	struct objcache *list[1];
	struct fixture f;
	void *obj[14];

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	list[0] = f.oc;
	CU_ASSERT_FALSE(objcache_reclaimlist(list, 1, M_NOWAIT));
	get_n(&f, obj, 14);
	put_n(&f, obj, 13);
	/* loaded 1, previous 4, depot 2 full; no empty ones left */
	CU_ASSERT_EQUAL(stats(&f).mags_full, 2);
	CU_ASSERT(objcache_reclaimlist(list, 1, M_NOWAIT));
	CU_ASSERT_EQUAL(f.dtors, 1);
	CU_ASSERT(objcache_reclaimlist(list, 1, M_NOWAIT));
	CU_ASSERT_EQUAL(f.dtors, 5);
	CU_ASSERT(objcache_reclaimlist(list, 1, M_NOWAIT));
	CU_ASSERT_EQUAL(f.dtors, 13);
	CU_ASSERT_EQUAL(stats(&f).mags_full, 0);
	CU_ASSERT_FALSE(objcache_reclaimlist(list, 1, M_NOWAIT));
	objcache_put(f.oc, obj[13]);
	close_cache(&f);
}

/* The depot's magazines in the order in which they came, the last put first. */
static void
test_reclaim_takes_the_oldest_magazine_first(void)
{
	void *obj[16];
	struct fixture f;
	struct objcache *list[1];

	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	list[0] = f.oc;
	get_n(&f, obj, 16);
	put_n(&f, obj, 16);
	eph_cpu_enter(f.mc, 1);
	CU_ASSERT(objcache_reclaimlist(list, 1, M_NOWAIT));
	CU_ASSERT_EQUAL(f.dtors, 8);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_PTR_EQUAL(f.dtored[i], obj[i / 4 * 4 + 3 - i % 4]);
	close_cache(&f);
}

static void
test_reclaim_gives_budget_back_and_stops_at_the_first(void)
{
	struct objcache *list[2];
	struct fixture f, f2;
	void *a, *b;

	open_cache(&f, 16, 1);
	open_cache(&f2, 16, 1);
	list[0] = f.oc;
	list[1] = f2.oc;
	a = objcache_get(f.oc, M_WAITOK);
	objcache_put(f.oc, a);
	b = objcache_get(f2.oc, M_WAITOK);
	objcache_put(f2.oc, b);
	CU_ASSERT(objcache_reclaimlist(list, 2, M_NOWAIT));
	CU_ASSERT_EQUAL(f.dtors, 1);
	CU_ASSERT_EQUAL(f2.dtors, 0);
	CU_ASSERT_EQUAL(stats(&f).unallocated, 16);
	CU_ASSERT(objcache_reclaimlist(list, 2, M_NOWAIT));
	CU_ASSERT_EQUAL(f2.dtors, 1);
	close_cache(&f);
	close_cache(&f2);
}

/* What a list of magazines gave up may be made again, and no more. */
static void
test_reclaim_of_the_depot_gives_all_its_budget_back(void)
{
	void *obj[16];
	struct fixture f;
	struct objcache *list[1];
	int64_t left;

	open_cache(&f, 32, 4);
	list[0] = f.oc;
	get_n(&f, obj, 16);
	left = stats(&f).unallocated;
	put_n(&f, obj, 16);
	eph_cpu_enter(f.mc, 1);
	while (objcache_reclaimlist(list, 1, M_NOWAIT))
		CU_ASSERT_EQUAL(stats(&f).unallocated, left + f.dtors);
	CU_ASSERT(f.dtors > 4);
	close_cache(&f);
}

/* Helpers */

static void
test_helpers(void)
{
	struct rig rig;
	struct eph_machine *mc = machine(&rig);
	struct objcache_malloc_args args = { mc, 40 };
	struct objcache *simple, *mbacked;
	struct objcache_stats st;
	unsigned char *p;
	int x;

	simple = objcache_create_simple(mc, "simple", 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(simple);
	p = objcache_get(simple, M_WAITOK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p[0] == 0 && p[99] == 0);
	memset(p, 7, 100);
	objcache_put(simple, p);
	objcache_destroy(simple);

	mbacked = objcache_create_mbacked(
	    mc, "mbacked", 100, 1000, 32, NULL, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mbacked);
	objcache_stats(mbacked, &st);
	CU_ASSERT_EQUAL(st.limit, 1000);
	CU_ASSERT_EQUAL(st.capacity, 32);
	objcache_put(mbacked, objcache_get(mbacked, M_WAITOK));
	objcache_destroy(mbacked);
	objcache_destroy(NULL);

	CU_ASSERT_PTR_EQUAL(objcache_nop_alloc(&x, M_WAITOK), &x);
	objcache_nop_free(&x, NULL);
	p = objcache_malloc_alloc_zero(&args, M_WAITOK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p[0] == 0 && p[39] == 0);
	objcache_malloc_free(p, &args);
	rig_close(&rig);
}

static void
get_zero(void *arg)
{
	struct fixture f;

	(void)arg;
	open_cache(&f, OBJCACHE_UNLIMITED, 4);
	(void)objcache_get(f.oc, M_WAITOK | M_ZERO);
}

static void
test_asking_for_a_zeroed_object_is_a_panic(void)
{
	CU_ASSERT(test_dies(get_zero, NULL, "keeps its state"));
}

static void
test_creation_survives_every_failed_allocation(void)
{
	struct rig rig;
	struct eph_machine *mc = machine(&rig);
	const size_t bytes = eph_machine_memory_bytes(mc);
	struct objcache *oc = NULL;

	for (unsigned n = 1; oc == NULL; n++) {
		eph_machine_fail_alloc(mc, n);
		oc = objcache_create_simple(mc, "failing", 8);
		if (oc == NULL)
			CU_ASSERT_EQUAL(eph_machine_memory_bytes(mc), bytes);
		CU_ASSERT_FATAL(n < 20);
	}
	eph_machine_fail_alloc(mc, 0);
	objcache_destroy(oc);
	rig_close(&rig);
}

static CU_TestInfo tests[] = {
	TEST(test_object_keeps_its_constructed_state),
	TEST(test_last_put_is_first_got),
	TEST(test_magazines_belong_to_a_cpu),
	TEST(test_magazines_need_no_lock),
	TEST(test_created_with_two_empty_magazines_in_the_depot),
	TEST(test_the_depots_magazines_are_for_half_the_limit),
	TEST(test_put_goes_to_the_depot_and_then_destroys),
	TEST(test_full_magazines_move_between_cpus),
	TEST(test_previous_magazine_is_swapped_in),
	TEST(test_limit_and_capacity_fit_one_another),
	TEST(test_null_at_the_limit_unless_it_may_wait),
	TEST(test_null_when_alloc_or_ctor_fails_even_with_waitok),
	TEST(test_unlimited_survives_a_failed_constructor),
	TEST(test_dtor_destroys_a_bad_object_and_frees_its_budget),
	TEST(test_put_wakes_a_waiter_of_this_cpu_only),
	TEST(test_magazine_for_the_depot_wakes_waiters_everywhere),
	TEST(test_dtor_wakes_waiters),
	TEST(test_higher_limit_wakes_waiters),
	TEST(test_reclaim_takes_this_cpus_magazine_then_the_depot),
	TEST(test_reclaim_takes_the_oldest_magazine_first),
	TEST(test_reclaim_gives_budget_back_and_stops_at_the_first),
	TEST(test_reclaim_of_the_depot_gives_all_its_budget_back),
	TEST(test_helpers),
	TEST(test_asking_for_a_zeroed_object_is_a_panic),
	TEST(test_creation_survives_every_failed_allocation),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "objcache", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
