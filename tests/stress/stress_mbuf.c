/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mbufs on real threads: packets are made on one CPU, shared, handed to the
 * next one and freed there.  Every allocator, every sound way to share.
 * Asserted are laws, not counts: no byte changes on the way, nothing is
 * left, counters add up.
 */

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/mbuf.h"
#include "test_main.h"

#define NCPUS 4u
#define BOXES 8u

struct stress {
	struct eph_machine *mc;
	struct mbuf_pool *mp;
	_Atomic(struct mbuf *) box[NCPUS][BOXES];
	_Atomic(uint32_t) wrong;
	unsigned rounds;
};

/* Every byte of a packet is the low byte of its length. */
static struct mbuf *
make(struct stress *s, int len)
{
	unsigned char bytes[5000];

	memset(bytes, len & 0xff, (size_t)len);
	return (m_devget(s->mp, bytes, len, 0, NULL, NULL));
}

static void
receive(struct stress *s, struct mbuf *m)
{
	unsigned char got[5000];
	const int len = m_length(m, NULL);

	m_copydata(m, 0, len, got);
	for (int i = 0; i < len; i++) {
		if (got[i] != got[0]) {
			/* Relaxed: read after the threads have ended. */
			(void)atomic_fetch_add_explicit(
			    &s->wrong, 1, memory_order_relaxed);
			break;
		}
	}
	m_freem(m);
}

static void
play(void *arg)
{
	struct stress *s = arg;
	const unsigned cpu = eph_curcpu(s->mc)->id;
	struct prng rnd;

	eph__prng_init(&rnd, 7, cpu);
	for (unsigned i = 0; i < s->rounds; i++) {
		const unsigned to = (cpu + 1) % NCPUS;
		const unsigned slot = prng_below(&rnd, BOXES);
		struct mbuf *m = make(s, 1 + (int)prng_below(&rnd, 4900));
		struct mbuf *n = NULL, *old;

		if (m == NULL)
			continue;
		if (prng_below(&rnd, 2))
			n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
		/* acq_rel: the packet's bytes go with it, both ways. */
		old = atomic_exchange_explicit(
		    &s->box[to][slot], m, memory_order_acq_rel);
		if (n != NULL)
			receive(s, n);
		if (old != NULL)
			receive(s, old);
		/* acq_rel: as above. */
		m = atomic_exchange_explicit(
		    &s->box[cpu][slot], NULL, memory_order_acq_rel);
		if (m != NULL)
			receive(s, m);
	}
}

static void
run(const char *allocator, const char *sharing, uint32_t nmbclusters,
    uint32_t alloc_fail)
{
	const struct eph_machine_config machine = { .ncpus = NCPUS };
	const struct mbuf_config cfg = { .allocator = allocator,
		.sharing = sharing,
		.nmbclusters = nmbclusters,
		.stress = { .seed = 1, .alloc_fail = alloc_fail } };
	struct stress s = { .rounds = test_long ? 50000 : 150 };
	struct mbuf_counters c;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&machine, &s.mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_threads_attach(s.mc), 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(s.mc, &cfg, &s.mp, NULL), 0);
	for (unsigned i = 0; i < NCPUS; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(
		    eph_thread_create(s.mc, i, play, &s));
	CU_ASSERT_EQUAL(eph_run(s.mc), 0);
	for (unsigned i = 0; i < NCPUS; i++) {
		for (unsigned k = 0; k < BOXES; k++)
			m_freem(atomic_load(&s.box[i][k]));
	}
	CU_ASSERT_EQUAL(atomic_load(&s.wrong), 0);
	mbuf_pool_check(s.mp);
	mbuf_counters(s.mp, &c);
	CU_ASSERT(c.mbuf_get > 0);
	CU_ASSERT_EQUAL(c.mbuf_get, c.mbuf_put);
	CU_ASSERT_EQUAL(c.cluster_get, c.cluster_put);
	CU_ASSERT_EQUAL(c.ref_get, c.ref_put);
	CU_ASSERT(c.line_move <= c.line_write);
	CU_ASSERT(c.lock_contended <= c.lock_take);
	CU_ASSERT_EQUAL(mbuf_pool_destroy(s.mp), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(s.mc), 0);
}

static void
run_all(uint32_t nmbclusters, uint32_t alloc_fail)
{
	for (unsigned a = 0; mbuf_allocator(a) != NULL; a++) {
		for (unsigned s = 0; mbuf_sharing(s) != NULL; s++) {
			if (mbuf_sharing(s)->holes[0] == '\0')
				run(mbuf_allocator(a)->name,
				    mbuf_sharing(s)->name, nmbclusters,
				    alloc_fail);
		}
	}
}

static void
test_packets_between_cpus_keep_their_bytes_and_leave_nothing(void)
{
	run_all(0, 0);
}

static void
test_at_the_limit_and_with_failures_too(void)
{
	run_all(10, 0);
	run_all(0, 4);
}

static CU_TestInfo tests[] = {
	TEST(test_packets_between_cpus_keep_their_bytes_and_leave_nothing),
	TEST(test_at_the_limit_and_with_failures_too),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbufs on real threads", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
