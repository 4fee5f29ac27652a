/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mbufs: getting, freeing, external storage, limits, statistics; for every
 * allocator and every way of sharing.
 *
 * Counts are exact: one host thread plays all CPUs.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/mbuf.h"
#include "ephmap/kernel/sf_buf.h"
#include "test_main.h"

static struct eph_machine *mc;
static struct mbuf_pool *mp;

static void
setup(void)
{
	const struct eph_machine_config cfg = { .ncpus = 4,
		.contents = EPH_CONTENTS_FULL };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
}

static void
teardown(void)
{
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
pool(const char *allocator, const char *sharing, uint32_t nmbclusters)
{
	const struct mbuf_config cfg = { .allocator = allocator,
		.sharing = sharing,
		.nmbclusters = nmbclusters };

	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &cfg, &mp, NULL), 0);
	eph_cpu_enter(mc, 0);
}

static void
pool_end(void)
{
	mbuf_pool_check(mp);
	CU_ASSERT_EQUAL(mbuf_pool_destroy(mp), 0);
}

static struct mbuf_counters
now(void)
{
	struct mbuf_counters c;

	mbuf_counters(mp, &c);
	return (c);
}

#define FOR_ALLOCATORS(a)                                                      \
	for (unsigned a##_i = 0, a##_once = 1; mbuf_allocator(a##_i) != NULL;  \
	     a##_i++, a##_once = 1)                                            \
		for (const char *a = mbuf_allocator(a##_i)->name;              \
		     a##_once != 0; a##_once = 0)

#define FOR_SHARINGS(s)                                                        \
	for (unsigned s##_i = 0, s##_once = 1; mbuf_sharing(s##_i) != NULL;    \
	     s##_i++, s##_once = 1)                                            \
		for (const char *s = mbuf_sharing(s##_i)->name; s##_once != 0; \
		     s##_once = 0)

static void
test_create_refuses_unknown_names(void)
{
	const struct mbuf_config a = { .allocator = "nosuch" };
	const struct mbuf_config s = { .sharing = "nosuch" };
	struct eph_err err = { "" };
	struct mbuf_pool *p = NULL;

	CU_ASSERT_EQUAL(mbuf_pool_create(mc, &a, &p, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nosuch"));
	CU_ASSERT_EQUAL(mbuf_pool_create(mc, &s, &p, &err), EINVAL);
	CU_ASSERT_PTR_NULL(p);
}

static void
test_create_without_memory_leaves_nothing(void)
{
	FOR_ALLOCATORS(a)
	{
		const struct mbuf_config cfg = { .allocator = a };
		const size_t before = eph_machine_memory_bytes(mc);
		int error = ENOMEM;

		for (uint64_t n = 1; error != 0; n++) {
			eph_machine_fail_alloc(mc, n);
			error = mbuf_pool_create(mc, &cfg, &mp, NULL);
			CU_ASSERT(error == 0 || error == ENOMEM);
			if (error != 0)
				CU_ASSERT_EQUAL(
				    eph_machine_memory_bytes(mc), before);
			CU_ASSERT_FATAL(n < 100);
		}
		eph_machine_fail_alloc(mc, 0);
		pool_end();
	}
}

static void
test_get_gives_room_for_mlen_mhlen_and_a_cluster(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m, *h, *c;

		pool(a, NULL, 0);
		m = m_get(mp, M_NOWAIT, MT_DATA);
		h = m_gethdr(mp, M_NOWAIT, MT_HEADER);
		c = m_getcl(mp, M_NOWAIT, MT_DATA, M_PKTHDR);
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), MLEN);
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(h), MHLEN);
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(c), MCLBYTES);
		CU_ASSERT_EQUAL(m->m_flags, 0);
		CU_ASSERT_EQUAL(h->m_flags, M_PKTHDR);
		CU_ASSERT_EQUAL(c->m_flags, M_PKTHDR | M_EXT);
		CU_ASSERT_EQUAL(h->m_pkthdr.len, 0);
		CU_ASSERT_PTR_NULL(h->m_pkthdr.tags);
		memset(mtod(m, char *), 1, MLEN);
		memset(mtod(h, char *), 2, (size_t)MHLEN);
		memset(mtod(c, char *), 3, MCLBYTES);
		CU_ASSERT_PTR_NULL(m_free(m));
		(void)m_free(h);
		(void)m_free(c);
		pool_end();
	}
}

static void
test_get_clrd_is_zeroed(void)
{
	struct mbuf *m;
	char zero[MLEN] = { 0 };

	pool("global", NULL, 0);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	memset(mtod(m, char *), 0x55, MLEN);
	(void)m_free(m);
	m = m_get_clrd(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(memcmp(mtod(m, char *), zero, MLEN), 0);
	(void)m_free(m);
	pool_end();
}

static void
test_clget_puts_data_at_the_start_of_the_cluster(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m;

		pool(a, NULL, 0);
		m = m_get(mp, M_NOWAIT, MT_DATA);
		CU_ASSERT(m_clget(m, M_NOWAIT));
		CU_ASSERT_EQUAL(m->m_data, m->m_ext.ext_buf);
		CU_ASSERT_EQUAL(m->m_ext.ext_size, MCLBYTES);
		m_freem(m);
		CU_ASSERT_EQUAL(now().cluster_put, 1);
		pool_end();
	}
}

/*
 * An mbuf with its cluster: two locks from the global list, one from the
 * container (kept), none from warm zones.  Freeing costs the same.
 */
static void
test_getcl_costs_two_one_and_no_locks(void)
{
	static const struct {
		const char *name;
		uint64_t get, put;
	} want[] = { { "global", 2, 2 }, { "mb_alloc", 1, 1 },
		{ "zones", 0, 0 } };

	for (unsigned i = 0; i < 3; i++) {
		struct mbuf_counters before, mid, after;
		struct mbuf *m;

		pool(want[i].name, NULL, 0);
		m_freem(m_getcl(mp, M_NOWAIT, MT_DATA, 0)); /* warm up */
		before = now();
		m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
		mid = now();
		m_freem(m);
		after = now();
		CU_ASSERT_EQUAL(mid.lock_take - before.lock_take, want[i].get);
		CU_ASSERT_EQUAL(after.lock_take - mid.lock_take, want[i].put);
		pool_end();
	}
}

static void
test_a_chain_from_one_container_is_freed_under_one_lock(void)
{
	struct mbuf_counters before;
	struct mbuf *m;

	pool("mb_alloc", NULL, 0);
	m = m_getm(mp, NULL, 20 * MLEN, M_NOWAIT, MT_DATA);
	before = now();
	m_freem(m);
	CU_ASSERT_EQUAL(now().lock_take - before.lock_take, 1);
	CU_ASSERT(now().lock_kept > before.lock_kept);
	pool_end();
}

/* A free on another CPU goes to the owner's container, or stays there. */
static void
test_cross_cpu_free_goes_where_the_allocator_says(void)
{
	struct mbuf *m, *n;

	pool("mb_alloc", NULL, 0);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	eph_cpu_enter(mc, 1);
	m_freem(m);
	CU_ASSERT(now().line_move > 0);
	eph_cpu_enter(mc, 0);
	n = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_PTR_EQUAL(m, n);
	m_freem(n);
	pool_end();

	pool("zones", NULL, 0);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	eph_cpu_enter(mc, 1);
	m_freem(m);
	n = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_PTR_EQUAL(m, n);
	m_freem(n);
	pool_end();
}

static void
test_whole_bucket_above_high_water_moves_to_the_general_list(void)
{
	struct mbuf *m[800];

	pool("mb_alloc", NULL, 0);
	for (unsigned i = 0; i < 800; i++)
		m[i] = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(now().migrate, 0);
	for (unsigned i = 0; i < 800; i++) {
		m_freem(m[i]);
		/* 512 are free, and the bucket is not whole yet. */
		if (i < 543)
			CU_ASSERT_EQUAL(now().migrate, 0);
	}
	/* 25 buckets of 32; those that make more than 512 free objects. */
	CU_ASSERT_EQUAL(now().migrate, 9);
	eph_cpu_enter(mc, 1);
	m_freem(m_get(mp, M_NOWAIT, MT_DATA));
	CU_ASSERT_EQUAL(now().migrate, 10);
	CU_ASSERT_EQUAL(now().grow, 25);
	pool_end();
}

static void
test_limit_denies_and_a_free_makes_room(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m[5];
		struct mbuf_stats st;

		pool(a, NULL, 5);
		for (unsigned i = 0; i < 5; i++) {
			m[i] = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
			CU_ASSERT_PTR_NOT_NULL_FATAL(m[i]);
		}
		CU_ASSERT_PTR_NULL(m_getcl(mp, M_NOWAIT, MT_DATA, 0));
		mbuf_stats(mp, &st);
		CU_ASSERT_EQUAL(st.denied, 1);
		CU_ASSERT_EQUAL(st.clusters_used, 5);
		CU_ASSERT_EQUAL(st.mbufs_used, 5);
		CU_ASSERT_EQUAL(st.clusters_total, 5);
		CU_ASSERT_EQUAL(st.clusters_max, 5);
		/* Even from another CPU: the limit empties no cache. */
		eph_cpu_enter(mc, 3);
		m_freem(m[4]);
		eph_cpu_enter(mc, 0);
		m[4] = m_getcl(mp, M_WAITOK, MT_DATA, 0);
		CU_ASSERT_PTR_NOT_NULL(m[4]);
		for (unsigned i = 0; i < 5; i++)
			m_freem(m[i]);
		pool_end();
	}
}

static void
test_no_limit_when_zero(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m;
		struct mbuf_stats st;

		pool(a, NULL, 0);
		m = m_getm(mp, NULL, 3000 * MCLBYTES, M_NOWAIT, MT_DATA);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		mbuf_stats(mp, &st);
		CU_ASSERT_EQUAL(st.clusters_used, 3000);
		CU_ASSERT_EQUAL(st.type_used[MT_DATA], 3000);
		m_freem(m);
		pool_end();
	}
}

/* CPU 0 waits for a cluster, CPU 1 frees one. */
static struct mbuf *held, *waited;

static void
waiter(void *arg)
{
	(void)arg;
	waited = m_getcl(mp, M_WAITOK, MT_DATA, 0);
}

static void
freer(void *arg)
{
	(void)arg;
	m_freem(held);
}

static void
test_waitok_sleeps_until_a_free_on_another_cpu(void)
{
	FOR_ALLOCATORS(a)
	{
		pool(a, NULL, 1);
		held = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
		waited = NULL;
		CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, 0, waiter, NULL));
		CU_ASSERT_EQUAL(eph_run(mc), 1);
		CU_ASSERT_PTR_NULL(waited);
		CU_ASSERT_EQUAL(now().delayed, 1);
		CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, 1, freer, NULL));
		CU_ASSERT_EQUAL(eph_run(mc), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(waited);
		m_freem(waited);
		pool_end();
	}
}

/* mbuf_wait: who was told nothing in time gets nothing. */
static void
test_waitok_gives_up_after_the_pools_wait(void)
{
	FOR_ALLOCATORS(a)
	{
		const struct mbuf_config cfg = { .allocator = a,
			.nmbclusters = 1,
			.wait_ns = MBUF_WAIT_NS };

		CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &cfg, &mp, NULL), 0);
		eph_cpu_enter(mc, 0);
		held = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
		waited = held;
		CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, 0, waiter, NULL));
		CU_ASSERT_EQUAL(eph_run(mc), 1);
		eph_lockstep_delay(mc, MBUF_WAIT_NS - 1);
		CU_ASSERT_EQUAL(eph_run(mc), 1);
		eph_lockstep_delay(mc, 1);
		CU_ASSERT_EQUAL(eph_run(mc), 0);
		CU_ASSERT_PTR_NULL(waited);
		CU_ASSERT_EQUAL(now().denied, 1);
		m_freem(held);
		pool_end();
	}
}

static void
test_getm_appends_all_or_nothing(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m, *n;

		pool(a, NULL, 4);
		m = m_get(mp, M_NOWAIT, MT_DATA);
		m->m_len = 7;
		CU_ASSERT_PTR_NULL(
		    m_getm(mp, m, 5 * MCLBYTES, M_NOWAIT, MT_DATA));
		CU_ASSERT_PTR_NULL(m->m_next);
		CU_ASSERT_EQUAL(m->m_len, 7);
		CU_ASSERT_EQUAL(now().cluster_get, now().cluster_put);
		n = m_getm(mp, m, 3 * MCLBYTES + 9, M_NOWAIT, MT_DATA);
		CU_ASSERT_PTR_EQUAL(n, m);
		CU_ASSERT_EQUAL(now().cluster_get - now().cluster_put, 3);
		m_freem(m);
		pool_end();
	}
}

static void
free_twice(void *arg)
{
	struct mbuf *m = arg;

	m_freem(m);
	m_freem(m);
}

static void
test_freeing_twice_is_a_panic(void)
{
	FOR_ALLOCATORS(a)
	{
		struct mbuf *m;

		pool(a, NULL, 0);
		m = m_get(mp, M_NOWAIT, MT_DATA);
		CU_ASSERT(test_dies(free_twice, m, "freeing a free mbuf"));
		m_freem(m);
		pool_end();
	}
}

static void
test_what_is_not_freed_is_reported(void)
{
	FOR_ALLOCATORS(a)
	{
		pool(a, NULL, 0);
		(void)m_getcl(mp, M_NOWAIT, MT_DATA, 0);
		CU_ASSERT_EQUAL(mbuf_pool_destroy(mp), 2);
	}
}

/* Sharing */

struct freed {
	unsigned n;
	unsigned cpu;
	void *arg2;
};

static void
count_free(struct mbuf_pool *pool_, void *arg1, void *arg2)
{
	struct freed *f = arg1;

	f->n++;
	f->cpu = eph_curcpu(mbuf_pool_machine(pool_))->id;
	f->arg2 = arg2;
}

/*
 * Storage with sharers a, b and c, freed in every order on different CPUs:
 * it goes once, with the last one, there.
 */
static void
share_and_free(unsigned order)
{
	static const unsigned char orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct freed f = { 0, 99, NULL };
	static char buf[64];
	struct mbuf *m[3];

	for (unsigned i = 0; i < 3; i++)
		m[i] = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(
	    m_extadd(m[0], buf, sizeof(buf), count_free, &f, buf, 0, M_NOWAIT),
	    0);
	m_extshare(m[1], m[0]);
	m_extshare(m[2], m[1]);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(f.n, 0);
		eph_cpu_enter(mc, i + 1);
		(void)m_free(m[orders[order][i]]);
	}
	CU_ASSERT_EQUAL(f.n, 1);
	CU_ASSERT_EQUAL(f.cpu, 3);
	CU_ASSERT_PTR_EQUAL(f.arg2, buf);
}

static void
test_storage_goes_once_with_its_last_sharer_on_its_cpu(void)
{
	FOR_ALLOCATORS(a)
	{
		FOR_SHARINGS(s)
		{
			pool(a, s, 0);
			for (unsigned o = 0; o < 6; o++)
				share_and_free(o);
			CU_ASSERT_EQUAL(now().ext_free, 6);
			CU_ASSERT_EQUAL(now().share, 12);
			pool_end();
		}
	}
}

static void
test_clusters_are_shared_and_freed_once(void)
{
	FOR_ALLOCATORS(a)
	{
		FOR_SHARINGS(s)
		{
			struct mbuf *m, *n, *o;

			pool(a, s, 0);
			m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
			n = m_get(mp, M_NOWAIT, MT_DATA);
			o = m_get(mp, M_NOWAIT, MT_DATA);
			m_extshare(n, m);
			m_extshare(o, m);
			m_freem(m);
			m_freem(o);
			CU_ASSERT_EQUAL(now().cluster_put, 0);
			CU_ASSERT(M_WRITABLE(n));
			eph_cpu_enter(mc, 2);
			m_freem(n);
			CU_ASSERT_EQUAL(now().cluster_put, 1);
			/* It can be had again, whole. */
			m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
			CU_ASSERT(M_WRITABLE(m));
			m_freem(m);
			pool_end();
		}
	}
}

static void
test_shared_is_not_writable_and_has_no_room(void)
{
	FOR_SHARINGS(s)
	{
		struct mbuf *m, *n;

		pool("zones", s, 0);
		m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
		n = m_get(mp, M_NOWAIT, MT_DATA);
		m->m_data += 100;
		CU_ASSERT(M_WRITABLE(m));
		CU_ASSERT_EQUAL(M_LEADINGSPACE(m), 100);
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), MCLBYTES - 100);
		m_extshare(n, m);
		CU_ASSERT(!M_WRITABLE(m));
		CU_ASSERT(!M_WRITABLE(n));
		CU_ASSERT_EQUAL(M_LEADINGSPACE(m), 0);
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), 0);
		m_freem(n);
		CU_ASSERT(M_WRITABLE(m));
		CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), MCLBYTES - 100);
		m_freem(m);
		pool_end();
	}
}

static void
test_read_only_storage_is_not_writable(void)
{
	static char buf[32];
	struct freed f = { 0, 0, NULL };
	struct mbuf *m;

	pool("global", "ring", 0);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(m_extadd(m, buf, sizeof(buf), count_free, &f, NULL,
			    M_RDONLY, M_NOWAIT),
	    0);
	CU_ASSERT(!M_WRITABLE(m));
	CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), 0);
	m_freem(m);
	CU_ASSERT_EQUAL(f.n, 1);
	pool_end();
}

/* The owner's memory stays while others use its counter. */
static void
test_embedded_owner_dies_last(void)
{
	struct mbuf *m, *n;
	struct mbuf_stats st;

	pool("global", "embedded", 0);
	m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
	n = m_get(mp, M_NOWAIT, MT_DATA);
	m_extshare(n, m);
	m_freem(m);
	mbuf_stats(mp, &st);
	CU_ASSERT_EQUAL(st.mbufs_used, 2);
	m_freem(n);
	mbuf_stats(mp, &st);
	CU_ASSERT_EQUAL(st.mbufs_used, 0);
	pool_end();
}

/*
 * Sixteen counters share a line of the array, two share one in a slab: two
 * CPUs that each share and drop a cluster of their own move lines in the
 * one, and none in the other.
 */
static void
test_counters_in_an_array_share_lines_and_in_slabs_do_not(void)
{
	uint64_t moves[2];

	for (unsigned i = 0; i < 2; i++) {
		struct mbuf *m[2], *n[2];
		uint64_t before;

		pool(i == 0 ? "mb_alloc" : "zones", "fetchadd", 0);
		for (unsigned c = 0; c < 2; c++) {
			eph_cpu_enter(mc, c);
			m[c] = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
			n[c] = m_get(mp, M_NOWAIT, MT_DATA);
		}
		before = now().line_move;
		for (unsigned c = 0; c < 2; c++) {
			eph_cpu_enter(mc, c);
			m_extshare(n[c], m[c]);
		}
		moves[i] = now().line_move - before;
		for (unsigned c = 0; c < 2; c++) {
			m_freem(m[c]);
			m_freem(n[c]);
		}
		pool_end();
	}
	CU_ASSERT_EQUAL(moves[0], 2);
	CU_ASSERT_EQUAL(moves[1], 0);
}

/* Mappings */

static void
unwire(struct mbuf_pool *pool_, void *arg1, void *arg2)
{
	unsigned *done = arg1;

	(*done)++;
	vm_page_unwire(mbuf_pool_machine(pool_), arg2);
}

static void
test_last_reference_unmaps_the_sf_buf_on_its_cpu(void)
{
	struct sf_buf_pool *sfp;
	struct eph_mapping map;
	struct eph_counters c;
	struct vm_page *pg = vm_page_get(mc, 5);
	struct mbuf *m, *n;
	unsigned done = 0;
	char got[6] = "";

	pool("zones", "fetchadd", 0);
	CU_ASSERT_EQUAL_FATAL(
	    sf_buf_pool_create(mc, "sf_buf.cpumask", 8, &sfp, NULL), 0);
	mbuf_pool_set_design(
	    mp, sf_buf_pool_design(sfp), sf_buf_pool_state(sfp));
	memcpy((char *)vm_page_contents(mc, pg) + 4090, "abcdef", 6);
	vm_page_wire(mc, pg);
	map.obj = sf_buf_alloc(sfp, pg, SFB_DEFAULT);
	map.va = sf_buf_kva(sfp, map.obj);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(
	    m_extmap(m, &map, pg, 4090, 6, unwire, &done, M_NOWAIT), 0);
	CU_ASSERT(!M_WRITABLE(m));
	n = m_copym(m, 1, 4, M_NOWAIT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	eph_cpu_enter(mc, 2);
	m_freem(m);
	CU_ASSERT_EQUAL(done, 0);
	m_copydata(n, 0, 4, got);
	CU_ASSERT_EQUAL(memcmp(got, "bcde", 4), 0);
	eph_machine_counters(mc, &c);
	CU_ASSERT_EQUAL(c.unmap_calls, 0);
	eph_cpu_enter(mc, 3);
	m_freem(n);
	CU_ASSERT_EQUAL(done, 1);
	CU_ASSERT_EQUAL(mc->cpus[3]->c.unmap_calls, 1);
	CU_ASSERT_EQUAL(mc->cpus[2]->c.tlb_miss, 1);
	CU_ASSERT_EQUAL(mc->nviolations, 0);
	sf_buf_pool_destroy(sfp);
	pool_end();
}

/*
 * Every sf_buf design: a packet of mapped pages is cut, copied, read on
 * other CPUs and freed there while allocations fail; every page reads as
 * itself, every mapping goes once, every wire is taken back.
 */
static struct mbuf *
map_page(struct sf_buf_pool *sfp, uint32_t frame, unsigned *done)
{
	struct vm_page *pg = vm_page_get(mc, frame);
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct eph_mapping map;

	memset(vm_page_contents(mc, pg), (int)frame, EPH_PAGE_SIZE);
	if (m == NULL)
		return (NULL);
	vm_page_wire(mc, pg);
	map.obj = sf_buf_alloc(sfp, pg, SFB_DEFAULT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(map.obj);
	map.va = sf_buf_kva(sfp, map.obj);
	if (m_extmap(m, &map, pg, 0, EPH_PAGE_SIZE, unwire, done, M_NOWAIT) !=
	    0) {
		sf_buf_free(sfp, map.obj);
		vm_page_unwire(mc, pg);
		m_freem(m);
		return (NULL);
	}
	m->m_pkthdr.len = EPH_PAGE_SIZE;
	return (m);
}

static void
mangle(struct mbuf *m, uint32_t frame, unsigned round)
{
	const int at = 1 + (int)(round * 97 % (EPH_PAGE_SIZE - 2));
	struct mbuf *n = m_copym(m, at, M_COPYALL, M_NOWAIT), *s;
	unsigned char got[2];

	eph_cpu_enter(mc, (round + 1) % 4);
	s = m_split(m, at, M_NOWAIT);
	m_copydata(m, 0, 1, got);
	if (n != NULL)
		m_copydata(
		    n, 5 % (int)(EPH_PAGE_SIZE - (unsigned)at), 1, got + 1);
	else
		got[1] = (unsigned char)frame;
	CU_ASSERT_EQUAL(got[0], (unsigned char)frame);
	CU_ASSERT_EQUAL(got[1], (unsigned char)frame);
	m_freem(m);
	eph_cpu_enter(mc, (round + 2) % 4);
	m_freem(s);
	eph_cpu_enter(mc, (round + 3) % 4);
	m_freem(n);
}

static void
test_mappings_of_every_sf_buf_design_go_with_their_last_mbuf(void)
{
	const struct mbuf_stress fail = { .seed = 2, .alloc_fail = 4 };

	/* A machine takes one pool at a time: each design gets its own. */
	teardown();
	for (unsigned d = 0; eph_designs[d] != NULL; d++) {
		const char *design = eph_designs[d]->name;
		struct sf_buf_pool *sfp;
		struct eph_counters c0, c1;
		unsigned done = 0;

		if (strncmp(design, "sf_buf.", 7) != 0)
			continue;
		setup();
		CU_ASSERT_EQUAL_FATAL(
		    sf_buf_pool_create(mc, design, 8, &sfp, NULL), 0);
		pool("mb_alloc", "embedded", 0);
		mbuf_pool_set_design(
		    mp, sf_buf_pool_design(sfp), sf_buf_pool_state(sfp));
		mbuf_pool_set_stress(mp, &fail);
		eph_machine_counters(mc, &c0);
		for (unsigned round = 0; round < 100; round++) {
			struct mbuf *m;

			eph_cpu_enter(mc, round % 4);
			m = map_page(sfp, 1 + round % 20, &done);
			if (m != NULL)
				mangle(m, 1 + round % 20, round);
		}
		eph_machine_counters(mc, &c1);
		CU_ASSERT_EQUAL(c1.map_calls - c0.map_calls,
		    c1.unmap_calls - c0.unmap_calls);
		CU_ASSERT(c1.map_calls > 50);
		CU_ASSERT_EQUAL(vm_pages_wired(mc), 0);
		CU_ASSERT_EQUAL(mc->nviolations, 0);
		if (mc->nviolations != 0)
			printf("%s: %s\n", design, mc->violations[0].text);
		sf_buf_pool_destroy(sfp);
		pool_end();
		teardown();
	}
	setup();
}

static void
host_address(void *arg)
{
	(void)mtod((struct mbuf *)arg, char *);
}

static void
test_mapped_data_have_no_host_address(void)
{
	struct sf_buf_pool *sfp;
	struct eph_mapping map;
	struct vm_page *pg = vm_page_get(mc, 6);
	struct mbuf *m;

	pool(NULL, NULL, 0);
	CU_ASSERT_EQUAL_FATAL(
	    sf_buf_pool_create(mc, "sf_buf.cpumask", 8, &sfp, NULL), 0);
	mbuf_pool_set_design(
	    mp, sf_buf_pool_design(sfp), sf_buf_pool_state(sfp));
	map.obj = sf_buf_alloc(sfp, pg, SFB_DEFAULT);
	map.va = sf_buf_kva(sfp, map.obj);
	m = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(m_extmap(m, &map, pg, 0, 100, NULL, NULL, M_NOWAIT), 0);
	CU_ASSERT(test_dies(host_address, m, "no host address"));
	m = m_pullup(m, 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	host_address(m);
	m_freem(m);
	sf_buf_pool_destroy(sfp);
	pool_end();
}

static void
test_extadd_without_memory_leaves_the_buffer_to_the_caller(void)
{
	const struct mbuf_stress always = { .seed = 1, .alloc_fail = 1 };
	const struct mbuf_stress never = { .seed = 1 };
	struct freed f = { 0, 0, NULL };
	static char buf[8];
	struct mbuf *m;

	FOR_SHARINGS(s)
	{
		pool("global", s, 0);
		m = m_get(mp, M_NOWAIT, MT_DATA);
		mbuf_pool_set_stress(mp, &always);
		CU_ASSERT_EQUAL(m_extadd(m, buf, sizeof(buf), count_free, &f,
				    NULL, 0, M_NOWAIT),
		    ENOBUFS);
		mbuf_pool_set_stress(mp, &never);
		CU_ASSERT_EQUAL(m->m_flags & M_EXT, 0);
		m_freem(m);
		CU_ASSERT_EQUAL(f.n, 0);
		pool_end();
	}
}

static void
test_counters_have_names_and_words(void)
{
	struct mbuf_counters c = { .mbuf_get = 7 };
	unsigned n = 0;

	while (mbuf_counter_name(n) != NULL) {
		CU_ASSERT(strlen(mbuf_counter_desc(n)) > 5);
		n++;
	}
	CU_ASSERT_EQUAL(n, sizeof(c) / sizeof(uint64_t));
	CU_ASSERT_EQUAL(mbuf_counter_value(&c, 0), 7);
	CU_ASSERT_PTR_NULL(mbuf_counter_desc(n));
}

static void
test_stats_print_in_the_shape_of_netstat(void)
{
	char text[2048] = "";
	struct mbuf_stats st;
	struct mbuf *m;
	FILE *out;

	pool("zones", NULL, 100);
	m = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
	m_freem(m_getcl(mp, M_NOWAIT, MT_DATA, 0));
	mbuf_stats(mp, &st);
	CU_ASSERT_EQUAL(st.packets_cached, 1);
	CU_ASSERT_EQUAL(st.mbufs_used + st.mbufs_cached, st.mbufs_total);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out = fmemopen(text, sizeof(text), "w"));
	mbuf_stats_print(&st, out);
	(void)fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "/unlimited mbufs in use"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "/100 mbuf clusters in use"));
	m_freem(m);
	pool_end();
}

/* Two CPUs want one lock at the same time of their clocks. */
static void
test_with_costs_the_later_cpu_waits_for_the_lock(void)
{
	const struct mbuf_costs costs = {
		.call = 1, .lock_take = 10, .line_move = 100
	};
	const struct mbuf_config cfg = { .allocator = "global",
		.costs = &costs };
	struct mbuf *a, *b;

	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &cfg, &mp, NULL), 0);
	eph_cpu_enter(mc, 0);
	a = m_get(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_EQUAL(mbuf_clock(mp, 0), 11);
	eph_cpu_enter(mc, 1);
	b = m_get(mp, M_NOWAIT, MT_DATA);
	/* Waits until 11; then the lock, its line and the list's head. */
	CU_ASSERT_EQUAL(mbuf_clock(mp, 1), 11 + 10 + 200);
	CU_ASSERT_EQUAL(now().lock_contended, 1);
	CU_ASSERT_EQUAL(mbuf_clock_max(mp), mbuf_clock(mp, 1));
	m_freem(a);
	m_freem(b);
	pool_end();
}

static CU_TestInfo tests[] = {
	TEST(test_create_refuses_unknown_names),
	TEST(test_create_without_memory_leaves_nothing),
	TEST(test_get_gives_room_for_mlen_mhlen_and_a_cluster),
	TEST(test_get_clrd_is_zeroed),
	TEST(test_clget_puts_data_at_the_start_of_the_cluster),
	TEST(test_getcl_costs_two_one_and_no_locks),
	TEST(test_a_chain_from_one_container_is_freed_under_one_lock),
	TEST(test_cross_cpu_free_goes_where_the_allocator_says),
	TEST(test_whole_bucket_above_high_water_moves_to_the_general_list),
	TEST(test_limit_denies_and_a_free_makes_room),
	TEST(test_no_limit_when_zero),
	TEST(test_waitok_sleeps_until_a_free_on_another_cpu),
	TEST(test_waitok_gives_up_after_the_pools_wait),
	TEST(test_getm_appends_all_or_nothing),
	TEST(test_freeing_twice_is_a_panic),
	TEST(test_what_is_not_freed_is_reported),
	TEST(test_storage_goes_once_with_its_last_sharer_on_its_cpu),
	TEST(test_clusters_are_shared_and_freed_once),
	TEST(test_shared_is_not_writable_and_has_no_room),
	TEST(test_read_only_storage_is_not_writable),
	TEST(test_embedded_owner_dies_last),
	TEST(test_counters_in_an_array_share_lines_and_in_slabs_do_not),
	TEST(test_last_reference_unmaps_the_sf_buf_on_its_cpu),
	TEST(test_mappings_of_every_sf_buf_design_go_with_their_last_mbuf),
	TEST(test_mapped_data_have_no_host_address),
	TEST(test_extadd_without_memory_leaves_the_buffer_to_the_caller),
	TEST(test_counters_have_names_and_words),
	TEST(test_stats_print_in_the_shape_of_netstat),
	TEST(test_with_costs_the_later_cpu_waits_for_the_lock),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbuf",
	    .pSetUpFunc = setup,
	    .pTearDownFunc = teardown,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
