/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tags, labels, and moving packet headers.
 */

#include <string.h>

#include "ephmap/kernel/mbuf.h"
#include "test_main.h"

#define COOKIE 0x40f3c8e1u

static struct eph_machine *mc;
static struct mbuf_pool *mp;

static void
setup(void)
{
	const struct eph_machine_config cfg = { .ncpus = 1 };
	const struct mbuf_config pool = { .allocator = "global" };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &pool, &mp, NULL), 0);
}

static void
teardown(void)
{
	CU_ASSERT_EQUAL(mbuf_pool_destroy(mp), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
fail(uint32_t one_in)
{
	const struct mbuf_stress s = { .seed = 3, .alloc_fail = one_in };

	mbuf_pool_set_stress(mp, &s);
}

static struct m_tag *
tag(struct mbuf *m, uint32_t cookie, uint32_t type, char byte)
{
	struct m_tag *t = m_tag_alloc(mp, cookie, type, 4, M_WAITOK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	memset(m_tag_data(t), byte, 4);
	m_tag_prepend(m, t);
	return (t);
}

static uint64_t
tags_used(void)
{
	struct mbuf_stats st;

	mbuf_stats(mp, &st);
	return (st.tags_used);
}

static void
test_new_tag_is_zeroed(void)
{
	struct m_tag *t = m_tag_alloc(mp, COOKIE, 1, 100, M_NOWAIT);
	char zero[100] = { 0 };

	CU_ASSERT_EQUAL(memcmp(m_tag_data(t), zero, 100), 0);
	CU_ASSERT_EQUAL(t->m_tag_len, 100);
	m_tag_free(t);
}

static void
test_locate_wants_cookie_and_type(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct m_tag *a = tag(m, COOKIE, 1, 'a');
	struct m_tag *b = tag(m, COOKIE, 2, 'b');
	struct m_tag *c = tag(m, COOKIE, 1, 'c');

	CU_ASSERT_PTR_EQUAL(m->m_pkthdr.tags, c);
	CU_ASSERT_PTR_EQUAL(m_tag_locate(m, COOKIE, 1, NULL), c);
	CU_ASSERT_PTR_EQUAL(m_tag_locate(m, COOKIE, 1, c), a);
	CU_ASSERT_PTR_NULL(m_tag_locate(m, COOKIE, 1, a));
	CU_ASSERT_PTR_EQUAL(m_tag_locate(m, COOKIE, 2, NULL), b);
	CU_ASSERT_PTR_NULL(m_tag_locate(m, COOKIE + 1, 1, NULL));
	m_freem(m);
	CU_ASSERT_EQUAL(tags_used(), 0);
}

static void
test_find_looks_among_tags_older_than_cookies(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct m_tag *old;

	(void)tag(m, COOKIE, 7, 'n');
	CU_ASSERT_PTR_NULL(m_tag_find(m, 7, NULL));
	old = tag(m, MTAG_ABI_COMPAT, 7, 'o');
	CU_ASSERT_PTR_EQUAL(m_tag_find(m, 7, NULL), old);
	m_freem(m);
}

static void
test_delete_and_delete_chain(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct m_tag *a = tag(m, 1, 1, 'a'), *b = tag(m, 1, 2, 'b');
	struct m_tag *c = tag(m, 1, 3, 'c'), *d = tag(m, 1, 4, 'd');

	m_tag_delete(m, c);
	CU_ASSERT_PTR_EQUAL(d->m_tag_link, b);
	m_tag_unlink(m, d);
	CU_ASSERT_PTR_EQUAL(m->m_pkthdr.tags, b);
	m_tag_free(d);
	m_tag_delete_chain(m, a);
	CU_ASSERT_PTR_EQUAL(m->m_pkthdr.tags, b);
	CU_ASSERT_PTR_NULL(b->m_tag_link);
	m_tag_delete_chain(m, NULL);
	CU_ASSERT_PTR_NULL(m->m_pkthdr.tags);
	m_freem(m);
}

static void
test_dup_copies_tags_deeply_in_order(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct mbuf *n = m_get(mp, M_NOWAIT, MT_DATA);
	struct m_tag *a = tag(m, COOKIE, 1, 'a'), *c;

	(void)tag(m, COOKIE, 2, 'b');
	m->m_flags |= M_FIRSTFRAG | M_RDONLY;
	m->m_pkthdr.len = 0;
	CU_ASSERT(m_dup_pkthdr(n, m, M_NOWAIT));
	CU_ASSERT_EQUAL(n->m_flags, M_PKTHDR | M_FIRSTFRAG);
	CU_ASSERT_EQUAL(tags_used(), 4);
	CU_ASSERT_EQUAL(n->m_pkthdr.tags->m_tag_id, 2);
	c = m_tag_locate(n, COOKIE, 1, NULL);
	CU_ASSERT_PTR_NOT_EQUAL(c, a);
	memset(m_tag_data(a), 'x', 4);
	CU_ASSERT_EQUAL(memcmp(m_tag_data(c), "aaaa", 4), 0);
	m->m_flags &= ~(uint32_t)M_RDONLY;
	m_freem(m);
	CU_ASSERT_EQUAL(memcmp(m_tag_data(c), "aaaa", 4), 0);
	m_freem(n);
}

static void
test_move_takes_the_tags_along(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct mbuf *n = m_get(mp, M_NOWAIT, MT_DATA);
	struct m_tag *a = tag(m, COOKIE, 1, 'a');

	M_MOVE_PKTHDR(n, m);
	CU_ASSERT_PTR_EQUAL(n->m_pkthdr.tags, a);
	CU_ASSERT_EQUAL(m->m_flags & M_PKTHDR, 0);
	CU_ASSERT_EQUAL(tags_used(), 1);
	m_freem(m);
	CU_ASSERT_EQUAL(tags_used(), 1);
	m_freem(n);
}

static struct mbuf *from, *with_cluster;

static void
move_to_cluster(void *arg)
{
	(void)arg;
	M_MOVE_PKTHDR(with_cluster, from);
}

static void
dup_to_cluster(void *arg)
{
	(void)arg;
	(void)m_dup_pkthdr(with_cluster, from, M_NOWAIT);
}

static void
test_move_and_dup_refuse_a_target_with_a_cluster(void)
{
	from = m_gethdr(mp, M_NOWAIT, MT_DATA);
	with_cluster = m_getcl(mp, M_NOWAIT, MT_DATA, 0);
	CU_ASSERT(test_dies(move_to_cluster, NULL, "has a cluster"));
	CU_ASSERT(test_dies(dup_to_cluster, NULL, "has a cluster"));
	m_freem(from);
	m_freem(with_cluster);
}

/* Told not to sleep, a copy may fail; the target then has no tags at all. */
static void
test_copies_told_not_to_sleep_can_fail_whole(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA);
	struct mbuf *n = m_gethdr(mp, M_NOWAIT, MT_DATA);
	unsigned failed = 0;

	for (char i = 0; i < 10; i++)
		(void)tag(m, COOKIE, (uint32_t)i, i);
	fail(4);
	for (unsigned i = 0; i < 50; i++) {
		if (m_tag_copy_chain(n, m, M_NOWAIT)) {
			CU_ASSERT_EQUAL(tags_used(), 20);
		} else {
			failed++;
			CU_ASSERT_PTR_NULL(n->m_pkthdr.tags);
			CU_ASSERT_EQUAL(tags_used(), 10);
		}
	}
	CU_ASSERT(failed > 0 && failed < 50);
	/* Who may sleep gets it. */
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT(m_tag_copy_chain(n, m, M_WAITOK));
	fail(0);
	eph_machine_fail_alloc(mc, 3);
	CU_ASSERT(!m_tag_copy_chain(n, m, M_WAITOK));
	CU_ASSERT_PTR_NULL(n->m_pkthdr.tags);
	m_freem(m);
	m_freem(n);
}

static void
test_labels_only_while_a_labelling_policy_is_registered(void)
{
	struct mbuf *before = m_gethdr(mp, M_NOWAIT, MT_DATA), *m, *n;

	CU_ASSERT_EQUAL(tags_used(), 0);
	mbuf_label_register(mp);
	m = m_getcl(mp, M_NOWAIT, MT_DATA, M_PKTHDR);
	CU_ASSERT_PTR_NULL(m_label(before));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m_label(m));
	CU_ASSERT_EQUAL(*m_label(m), 0);
	*m_label(m) = 42;
	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	CU_ASSERT_EQUAL(*m_label(n), 42);
	CU_ASSERT_EQUAL(tags_used(), 2);
	*m_label(n) = 43;
	CU_ASSERT_EQUAL(*m_label(m), 42);
	m_freem(n);
	/* No header, no label. */
	m_freem(m_get(mp, M_NOWAIT, MT_DATA));
	CU_ASSERT_EQUAL(tags_used(), 1);
	n = m_copym(before, 0, M_COPYALL, M_NOWAIT);
	CU_ASSERT_PTR_NULL(m_label(n));
	m_freem(n);
	mbuf_label_deregister(mp);
	n = m_gethdr(mp, M_NOWAIT, MT_DATA);
	CU_ASSERT_PTR_NULL(m_label(n));
	m_freem(n);
	m_freem(m);
	m_freem(before);
}

static void
test_no_memory_for_a_label_is_no_packet(void)
{
	mbuf_label_register(mp);
	m_freem(m_gethdr(mp, M_NOWAIT, MT_DATA));
	eph_machine_fail_alloc(mc, 1);
	CU_ASSERT_PTR_NULL(m_gethdr(mp, M_NOWAIT, MT_DATA));
	mbuf_label_deregister(mp);
}

static CU_TestInfo tests[] = {
	TEST(test_new_tag_is_zeroed),
	TEST(test_locate_wants_cookie_and_type),
	TEST(test_find_looks_among_tags_older_than_cookies),
	TEST(test_delete_and_delete_chain),
	TEST(test_dup_copies_tags_deeply_in_order),
	TEST(test_move_takes_the_tags_along),
	TEST(test_move_and_dup_refuse_a_target_with_a_cluster),
	TEST(test_copies_told_not_to_sleep_can_fail_whole),
	TEST(test_labels_only_while_a_labelling_policy_is_registered),
	TEST(test_no_memory_for_a_label_is_no_packet),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbuf tags",
	    .pSetUpFunc = setup,
	    .pTearDownFunc = teardown,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
