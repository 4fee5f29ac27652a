/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Socket buffers: what an append and a wakeup cost, merging, taking off.
 */

#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/sockbuf.h"
#include "test_main.h"

static struct eph_machine *mc;
static struct mbuf_pool *mp;
static struct sockbuf sb;

static void
setup(void)
{
	const struct eph_machine_config cfg = { .ncpus = 2 };
	const struct mbuf_config pool = { .allocator = "zones" };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &pool, &mp, NULL), 0);
	sockbuf_init(&sb, mp, 10000);
}

static void
teardown(void)
{
	sockbuf_fini(&sb);
	CU_ASSERT_EQUAL(mbuf_pool_destroy(mp), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static struct mbuf *
data(int len, char byte)
{
	static char buf[4096];

	memset(buf, byte, (size_t)len);
	return (m_devget(mp, buf, len, 0, NULL, NULL));
}

static uint64_t
locks(void)
{
	struct mbuf_counters c;

	mbuf_counters(mp, &c);
	return (c.lock_take);
}

static void
test_append_and_wakeup_cost_one_lock_together_and_two_apart(void)
{
	struct mbuf *a = data(3000, 'a'), *b = data(3000, 'b');
	uint64_t before = locks();

	sbappend(&sb, a);
	sowakeup(&sb);
	CU_ASSERT_EQUAL(locks() - before, 2);
	before = locks();
	sb_lock(&sb);
	sbappend_locked(&sb, b);
	sowakeup_locked(&sb);
	sb_unlock(&sb);
	CU_ASSERT_EQUAL(locks() - before, 1);
	CU_ASSERT_EQUAL(sb.sb_cc, 6000);
	CU_ASSERT_EQUAL(sbspace_locked(&sb), 4000);
}

static void
append_unlocked(void *arg)
{
	sbappend_locked(&sb, arg);
}

static void
test_locked_form_wants_the_lock(void)
{
	struct mbuf *m = data(1, 'a');

	CU_ASSERT(test_dies(append_unlocked, m, "not locked"));
	m_freem(m);
}

static void
test_small_writable_neighbours_are_merged(void)
{
	char got[40];

	for (char i = 0; i < 40; i++)
		sbappend(&sb, data(1, i));
	CU_ASSERT_PTR_NULL(sb.sb_mb->m_next);
	m_copydata(sb.sb_mb, 0, 40, got);
	for (char i = 0; i < 40; i++)
		CU_ASSERT_EQUAL(got[(int)i], i);
}

static void
test_shared_data_are_not_written_and_records_not_joined(void)
{
	struct mbuf *m = data(1000, 'a'), *n;

	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	sbappend(&sb, m);
	sbappend(&sb, data(10, 'b'));
	CU_ASSERT_PTR_NOT_NULL_FATAL(sb.sb_mb->m_next);
	m_freem(n);
	m = data(10, 'c');
	m->m_flags |= M_EOR;
	sbappend(&sb, m);
	CU_ASSERT_EQUAL(sb.sb_mbtail->m_len, 20);
	CU_ASSERT_EQUAL(sb.sb_mbtail->m_flags & M_EOR, M_EOR);
	sbappend(&sb, data(10, 'd'));
	CU_ASSERT_EQUAL(sb.sb_mbtail->m_len, 10);
	CU_ASSERT_EQUAL(sb.sb_cc, 1030);
}

static void
test_drop_takes_from_the_front(void)
{
	struct mbuf *cut;
	char got[2];

	sbappend(&sb, data(1000, 'a'));
	sbappend(&sb, data(1000, 'b'));
	sbdrop(&sb, 0);
	sbdrop(&sb, 999);
	CU_ASSERT_EQUAL(sb.sb_cc, 1001);
	m_copydata(sb.sb_mb, 0, 2, got);
	CU_ASSERT_EQUAL(memcmp(got, "ab", 2), 0);
	sb_lock(&sb);
	cut = sbcut_locked(&sb, 1001);
	sb_unlock(&sb);
	CU_ASSERT_PTR_NULL(sb.sb_mb);
	CU_ASSERT_PTR_NULL(sb.sb_mbtail);
	CU_ASSERT_EQUAL(m_length(cut, NULL), 1001);
	m_freem(cut);
	sbappend(&sb, data(5, 'c'));
	CU_ASSERT_EQUAL(sb.sb_cc, 5);
}

static int received;

static void
reader(void *arg)
{
	(void)arg;
	sb_lock(&sb);
	while (sb.sb_cc == 0)
		CU_ASSERT_EQUAL(sbwait_locked(&sb, 0), 0);
	received = sb.sb_cc;
	sb_unlock(&sb);
}

static void
writer(void *arg)
{
	(void)arg;
	sb_lock(&sb);
	sbappend_locked(&sb, data(100, 'a'));
	sowakeup_locked(&sb);
	sb_unlock(&sb);
}

static void
test_wakeup_wakes_who_waits_for_data(void)
{
	received = 0;
	CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, 0, reader, NULL));
	CU_ASSERT_EQUAL(eph_run(mc), 1);
	CU_ASSERT_EQUAL(sb.sb_waiting, 1);
	CU_ASSERT_PTR_NOT_NULL(eph_thread_create(mc, 1, writer, NULL));
	CU_ASSERT_EQUAL(eph_run(mc), 0);
	CU_ASSERT_EQUAL(received, 100);
}

static CU_TestInfo tests[] = {
	TEST(test_append_and_wakeup_cost_one_lock_together_and_two_apart),
	TEST(test_locked_form_wants_the_lock),
	TEST(test_small_writable_neighbours_are_merged),
	TEST(test_shared_data_are_not_written_and_records_not_joined),
	TEST(test_drop_takes_from_the_front),
	TEST(test_wakeup_wakes_who_waits_for_data),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "sockbuf",
	    .pSetUpFunc = setup,
	    .pTearDownFunc = teardown,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
