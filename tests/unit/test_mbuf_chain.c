/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Chains of mbufs: the contracts of the manual pages, and stress modes.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/mbuf.h"
#include "test_main.h"

static struct eph_machine *mc;
static struct mbuf_pool *mp;
static unsigned char bytes[20000];

static void
setup(void)
{
	const struct eph_machine_config cfg = { .ncpus = 2 };
	const struct mbuf_config pool = { .sharing = "fetchadd" };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(mc, &pool, &mp, NULL), 0);
	eph_cpu_enter(mc, 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
}

static void
teardown(void)
{
	mbuf_pool_check(mp);
	CU_ASSERT_EQUAL(mbuf_pool_destroy(mp), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
stress(uint32_t alloc_fail, uint32_t defrag_fail)
{
	const struct mbuf_stress s = {
		.seed = 1, .alloc_fail = alloc_fail, .defrag_fail = defrag_fail
	};

	mbuf_pool_set_stress(mp, &s);
}

/* A packet with bytes [0, len), in fresh memory. */
static struct mbuf *
packet(int len)
{
	struct mbuf *m = m_devget(mp, bytes, len, 0, NULL, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	return (m);
}

/* A packet of mbufs with `piece` bytes each. */
static struct mbuf *
pieces(int len, int piece)
{
	struct mbuf *m = m_fragment(packet(len), M_NOWAIT, piece);

	CU_ASSERT_EQUAL(m->m_len, piece < len ? piece : len);
	return (m);
}

/* Does the chain hold exactly bytes [from, from + len)? */
static bool
holds(struct mbuf *m, int from, int len)
{
	static unsigned char got[sizeof(bytes)];

	m_sanity(m);
	if (m_length(m, NULL) != len)
		return (false);
	m_copydata(m, 0, len, got);
	return (memcmp(got, bytes + from, (size_t)len) == 0);
}

static unsigned
count(const struct mbuf *m)
{
	unsigned n = 0;

	for (; m != NULL; m = m->m_next)
		n++;
	return (n);
}

static void
test_copydata_reads_any_range(void)
{
	struct mbuf *m = pieces(500, 7);
	unsigned char got[500];

	for (int off = 0; off <= 500; off += 13) {
		for (int len = 0; off + len <= 500; len += 17) {
			m_copydata(m, off, len, got);
			CU_ASSERT_EQUAL(
			    memcmp(got, bytes + off, (size_t)len), 0);
		}
	}
	m_freem(m);
}

static void
copy_too_much(void *arg)
{
	char got[8];

	m_copydata(arg, 5, 6, got);
}

static void
test_copydata_beyond_the_chain_is_a_panic(void)
{
	struct mbuf *m = packet(10);

	CU_ASSERT(test_dies(copy_too_much, m, "too short"));
	m_freem(m);
}

static void
test_fixhdr_and_length_sum_the_mbufs(void)
{
	struct mbuf *m = pieces(100, 9), *last;

	m->m_pkthdr.len = 1;
	CU_ASSERT_EQUAL(m_fixhdr(m), 100);
	CU_ASSERT_EQUAL(m->m_pkthdr.len, 100);
	CU_ASSERT_EQUAL(m_length(m, &last), 100);
	CU_ASSERT_PTR_NULL(last->m_next);
	CU_ASSERT_EQUAL(last->m_len, 1);
	m_freem(m);
}

static void
test_prepend_moves_the_header_and_keeps_its_length(void)
{
	struct mbuf *m = packet(50), *n;

	m->m_flags |= M_BCAST;
	n = m_prepend(m, 14, M_NOWAIT);
	CU_ASSERT_PTR_NOT_EQUAL(n, m);
	CU_ASSERT_PTR_EQUAL(n->m_next, m);
	CU_ASSERT_EQUAL(n->m_len, 14);
	CU_ASSERT_EQUAL(n->m_flags, M_PKTHDR | M_BCAST);
	CU_ASSERT_EQUAL(m->m_flags & M_PKTHDR, 0);
	CU_ASSERT_EQUAL(n->m_pkthdr.len, 50);
	CU_ASSERT_EQUAL(M_TRAILINGSPACE(n), (MHLEN - 14) % 8);
	m_freem(n);
}

static void
test_m_prepend_macro_uses_the_room_in_front(void)
{
	struct mbuf *m = m_devget(mp, bytes + 4, 50, 16, NULL, NULL), *n;

	memcpy(mtod(m, char *) - 4, bytes, 4);
	n = M_PREPEND(m, 4, M_NOWAIT);
	CU_ASSERT_PTR_EQUAL(n, m);
	CU_ASSERT(holds(n, 0, 54));
	/* 12 left: the next one needs an mbuf. */
	n = M_PREPEND(m, 13, M_NOWAIT);
	CU_ASSERT_PTR_EQUAL(n->m_next, m);
	CU_ASSERT_EQUAL(n->m_pkthdr.len, 67);
	m_freem(n);
}

static void
test_prepend_does_not_write_before_shared_data(void)
{
	struct mbuf *m = m_devget(mp, bytes, 1000, 32, NULL, NULL);
	struct mbuf *n = m_copym(m, 0, M_COPYALL, M_NOWAIT), *p;

	CU_ASSERT_EQUAL(M_LEADINGSPACE(m), 0);
	p = M_PREPEND(m, 8, M_NOWAIT);
	CU_ASSERT_PTR_EQUAL(p->m_next, m);
	m_freem(p);
	CU_ASSERT(holds(n, 0, 1000));
	m_freem(n);
}

static void
test_prepend_without_memory_frees_the_chain(void)
{
	struct mbuf *m = packet(3000);

	stress(1, 0);
	CU_ASSERT_PTR_NULL(m_prepend(m, 10, M_NOWAIT));
	stress(0, 0);
}

static void
test_copym_shares_clusters_and_copies_small_data(void)
{
	struct mbuf *m = packet(100), *n;
	struct mbuf_counters c;

	n = m_copym(m, 10, 50, M_NOWAIT);
	CU_ASSERT(holds(n, 10, 50));
	CU_ASSERT_EQUAL(n->m_flags & M_PKTHDR, 0);
	CU_ASSERT(M_WRITABLE(m));
	m_freem(m);
	m_freem(n);

	m = packet(5000);
	n = m_copym(m, 1000, 3500, M_NOWAIT);
	CU_ASSERT(holds(n, 1000, 3500));
	CU_ASSERT(!M_WRITABLE(m));
	CU_ASSERT(!M_WRITABLE(n));
	mbuf_counters(mp, &c);
	CU_ASSERT_EQUAL(c.share, 3);
	m_freem(m);
	CU_ASSERT(holds(n, 1000, 3500));
	CU_ASSERT(M_WRITABLE(n));
	m_freem(n);
}

static void
test_copym_from_the_start_copies_header_and_fragment_flags(void)
{
	struct mbuf *m = packet(100), *n;

	m->m_flags |= M_FRAG | M_FIRSTFRAG | M_LASTFRAG | M_MCAST | M_EOR;
	m->m_pkthdr.rcvif = bytes;
	n = m_copym(m, 0, 60, M_NOWAIT);
	CU_ASSERT_EQUAL(n->m_flags,
	    M_PKTHDR | M_FRAG | M_FIRSTFRAG | M_LASTFRAG | M_MCAST | M_EOR);
	CU_ASSERT_EQUAL(n->m_pkthdr.len, 60);
	CU_ASSERT_PTR_EQUAL(n->m_pkthdr.rcvif, bytes);
	m_freem(n);
	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	CU_ASSERT(holds(n, 0, 100));
	CU_ASSERT_EQUAL(n->m_pkthdr.len, 100);
	m_freem(n);
	m_freem(m);
}

static void
test_copy_of_read_only_storage_is_read_only_and_dup_is_not(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA), *n, *d;

	CU_ASSERT_EQUAL(m_extadd(m, bytes, sizeof(bytes), NULL, NULL, NULL,
			    M_RDONLY, M_NOWAIT),
	    0);
	m->m_len = m->m_pkthdr.len = 9000;
	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	d = m_dup(m, M_NOWAIT);
	m_freem(m);
	CU_ASSERT(!M_WRITABLE(n));
	CU_ASSERT_EQUAL(n->m_flags & M_RDONLY, M_RDONLY);
	CU_ASSERT_EQUAL(count(d), 5);
	for (struct mbuf *p = d; p != NULL; p = p->m_next)
		CU_ASSERT(M_WRITABLE(p));
	CU_ASSERT(holds(n, 0, 9000));
	CU_ASSERT(holds(d, 0, 9000));
	m_freem(n);
	m_freem(d);
}

static void
test_pullup_makes_the_front_contiguous(void)
{
	for (int piece = 1; piece < 60; piece += 7) {
		for (int len = 1; len <= MHLEN; len += 13) {
			struct mbuf *m = m_pullup(pieces(400, piece), len);

			CU_ASSERT_PTR_NOT_NULL_FATAL(m);
			CU_ASSERT(m->m_len >= len);
			CU_ASSERT_EQUAL(
			    memcmp(mtod(m, char *), bytes, (size_t)len), 0);
			CU_ASSERT(holds(m, 0, 400));
			CU_ASSERT_EQUAL(m->m_pkthdr.len, 400);
			m_freem(m);
		}
	}
}

static void
test_pullup_takes_a_little_more_than_asked_for(void)
{
	struct mbuf *m = m_pullup(pieces(400, 5), 6);

	CU_ASSERT_EQUAL(m->m_len, MAX_PROTOHDR);
	m_freem(m);
}

static void
test_pullup_of_too_much_frees_the_chain(void)
{
	CU_ASSERT_PTR_NULL(m_pullup(pieces(50, 10), 51));
	CU_ASSERT_PTR_NULL(m_pullup(pieces(5000, 100), MHLEN + 1));
	/* What is contiguous already may be longer. */
	struct mbuf *m = m_pullup(packet(1500), 1500);
	CU_ASSERT_PTR_NOT_NULL(m);
	m_freem(m);
}

static void
test_pullup_does_not_write_shared_storage(void)
{
	struct mbuf *m = packet(1500), *n, *s;

	s = m_split(m, 10, M_NOWAIT);
	m_cat(m, s);
	m_fixhdr(m);
	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	m = m_pullup(m, 40);
	CU_ASSERT(M_WRITABLE(m));
	memset(mtod(m, char *), 0xff, 40);
	CU_ASSERT(holds(n, 0, 1500));
	m_freem(m);
	m_freem(n);
}

static void
test_split_at_every_byte(void)
{
	for (int at = 0; at < 300; at += 3) {
		struct mbuf *m = pieces(300, 37);
		struct mbuf *n = m_split(m, at, M_NOWAIT);

		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		CU_ASSERT(holds(m, 0, at));
		CU_ASSERT(holds(n, at, 300 - at));
		CU_ASSERT_EQUAL(m->m_pkthdr.len, at);
		CU_ASSERT_EQUAL(n->m_flags & M_PKTHDR, M_PKTHDR);
		CU_ASSERT_EQUAL(n->m_pkthdr.len, 300 - at);
		m_freem(m);
		m_freem(n);
	}
}

static void
test_split_shares_the_cluster_and_keeps_its_size(void)
{
	struct mbuf *m = packet(2000), *n = m_split(m, 500, M_NOWAIT);

	CU_ASSERT_EQUAL(m->m_ext.ext_size, MCLBYTES);
	CU_ASSERT_EQUAL(n->m_ext.ext_size, MCLBYTES);
	CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), 0);
	CU_ASSERT_EQUAL(M_TRAILINGSPACE(n), 0);
	m_freem(n);
	/* Alone again, it may write where the rest was. */
	CU_ASSERT_EQUAL(M_TRAILINGSPACE(m), MCLBYTES - 500);
	m_freem(m);
}

static void
test_split_where_there_is_nothing_is_null(void)
{
	struct mbuf *m = pieces(100, 30);

	CU_ASSERT_PTR_NULL(m_split(m, 100, M_NOWAIT));
	CU_ASSERT_PTR_NULL(m_split(m, 101, M_NOWAIT));
	CU_ASSERT(holds(m, 0, 100));
	m_freem(m);
}

/* An mbuf full of data does not fit beside a packet header. */
static void
test_split_of_more_than_mhlen_without_storage(void)
{
	struct mbuf *m = m_gethdr(mp, M_NOWAIT, MT_DATA), *n;

	m->m_next = m_get(mp, M_NOWAIT, MT_DATA);
	m->m_next->m_len = MLEN;
	memcpy(mtod(m->m_next, char *), bytes, MLEN);
	m->m_pkthdr.len = MLEN;
	n = m_split(m, 2, M_NOWAIT);
	CU_ASSERT(holds(m, 0, 2));
	CU_ASSERT(holds(n, 2, MLEN - 2));
	m_freem(n);
	m_freem(m);
}

static void
test_split_without_memory_leaves_the_chain_as_it_was(void)
{
	struct mbuf *m = pieces(400, MLEN);

	stress(1, 0);
	for (int at = 1; at < 400; at += 50)
		CU_ASSERT_PTR_NULL(m_split(m, at, M_NOWAIT));
	stress(0, 0);
	CU_ASSERT(holds(m, 0, 400));
	CU_ASSERT_EQUAL(m->m_pkthdr.len, 400);
	m_freem(m);
}

static void
test_cat_joins_and_drops_the_second_header(void)
{
	struct mbuf *m = packet(30),
		    *n = m_devget(mp, bytes + 30, 40, 0, NULL, NULL);

	m_tag_prepend(n, m_tag_alloc(mp, 1, 2, 3, M_NOWAIT));
	m_cat(m, n);
	CU_ASSERT_EQUAL(count(m), 1);
	CU_ASSERT_EQUAL(m->m_pkthdr.len, 30);
	m_fixhdr(m);
	CU_ASSERT(holds(m, 0, 70));
	n = m_devget(mp, bytes + 70, 1000, 0, NULL, NULL);
	m_cat(m, n);
	m_fixhdr(m);
	CU_ASSERT_EQUAL(count(m), 2);
	CU_ASSERT(holds(m, 0, 1070));
	m_freem(m);
}

static void
test_adj_trims_both_ends(void)
{
	for (int cut = 0; cut <= 120; cut += 11) {
		struct mbuf *m = pieces(100, 9);
		const int left = cut > 100 ? 0 : 100 - cut;

		m_adj(m, cut);
		CU_ASSERT(holds(m, 100 - left, left));
		m_freem(m);
		m = pieces(100, 9);
		m_adj(m, -cut);
		CU_ASSERT(holds(m, 0, left));
		m_freem(m);
	}
}

static void
test_append_writes_only_what_it_may(void)
{
	struct mbuf *m = packet(1000), *n;

	CU_ASSERT(m_append(m, 500, bytes + 1000));
	CU_ASSERT_EQUAL(count(m), 1);
	n = m_copym(m, 0, M_COPYALL, M_NOWAIT);
	CU_ASSERT(m_append(m, 300, bytes + 1500));
	CU_ASSERT_EQUAL(count(m), 3);
	CU_ASSERT(holds(m, 0, 1800));
	CU_ASSERT(holds(n, 0, 1500));
	stress(1, 0);
	CU_ASSERT(!m_append(n, 10, bytes));
	stress(0, 0);
	CU_ASSERT(holds(n, 0, 1500));
	m_freem(m);
	m_freem(n);
}

static void
test_defrag_makes_the_shortest_chain(void)
{
	static const struct {
		int len;
		unsigned mbufs;
	} want[] = { { 1, 1 }, { MHLEN, 1 }, { MHLEN + 1, 1 }, { MCLBYTES, 1 },
		{ MCLBYTES + 1, 2 }, { 9000, 5 } };

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct mbuf *m = pieces(want[i].len, 10);

		m->m_flags |= M_MCAST;
		m = m_defrag(m, M_NOWAIT);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(count(m), want[i].mbufs);
		CU_ASSERT(holds(m, 0, want[i].len));
		CU_ASSERT_EQUAL(m->m_flags & M_MCAST, M_MCAST);
		m_freem(m);
	}
}

static void
test_failed_defrag_leaves_the_chain_as_it_was(void)
{
	struct mbuf *m = pieces(3000, 50);

	stress(0, 1);
	CU_ASSERT_PTR_NULL(m_defrag(m, M_NOWAIT));
	stress(1, 0);
	CU_ASSERT_PTR_NULL(m_defrag(m, M_NOWAIT));
	stress(2, 0);
	for (unsigned i = 0; i < 50; i++) {
		struct mbuf *n = m_defrag(m, M_NOWAIT);

		if (n != NULL)
			m = n;
		CU_ASSERT(holds(m, 0, 3000));
	}
	stress(0, 0);
	m_freem(m);
}

static void
test_fragment_makes_pieces_of_the_length(void)
{
	static const int lengths[] = { 1, 7, MHLEN, MLEN, 1000, MCLBYTES };

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const int len = lengths[i];
		struct mbuf *m = m_fragment(packet(2500), M_NOWAIT, len);

		CU_ASSERT_EQUAL(count(m), (unsigned)((2500 + len - 1) / len));
		CU_ASSERT(holds(m, 0, 2500));
		m_freem(m);
	}
}

/* -1: one random length for all but the last; -2: they differ. */
static void
test_fragment_of_random_length(void)
{
	struct mbuf *m = m_fragment(packet(9000), M_NOWAIT, -1);
	bool differ = false;

	CU_ASSERT(holds(m, 0, 9000));
	for (struct mbuf *n = m; n->m_next != NULL; n = n->m_next)
		CU_ASSERT_EQUAL(n->m_len, m->m_len);
	m_freem(m);
	m = m_fragment(packet(9000), M_NOWAIT, -2);
	CU_ASSERT(holds(m, 0, 9000));
	for (struct mbuf *n = m; n->m_next != NULL; n = n->m_next)
		differ |= n->m_len != m->m_len;
	CU_ASSERT(differ);
	m_freem(m);
}

static void
test_fragment_that_cannot_returns_the_packet_itself(void)
{
	struct mbuf *m = packet(500), *n = m_get(mp, M_NOWAIT, MT_DATA);

	CU_ASSERT_PTR_EQUAL(m_fragment(m, M_NOWAIT, 0), m);
	CU_ASSERT_PTR_EQUAL(m_fragment(m, M_NOWAIT, -3), m);
	CU_ASSERT_PTR_EQUAL(m_fragment(n, M_NOWAIT, 10), n);
	stress(3, 0);
	CU_ASSERT_PTR_EQUAL(m_fragment(m, M_NOWAIT, 1), m);
	stress(0, 0);
	CU_ASSERT(holds(m, 0, 500));
	m_freem(m);
	m_freem(n);
}

static void
test_stress_is_off_by_default_and_repeats_with_its_seed(void)
{
	const struct mbuf_stress s = { .seed = 5, .frag = -2 };
	int lens[2][4];
	struct mbuf *m = packet(800);

	CU_ASSERT_PTR_EQUAL(m_stress(m), m);
	m_freem(m);
	for (unsigned i = 0; i < 2; i++) {
		struct mbuf *n;

		mbuf_pool_set_stress(mp, &s);
		n = m = m_stress(packet(2000));
		for (unsigned k = 0; k < 4; k++, n = n->m_next)
			lens[i][k] = n->m_len;
		m_freem(m);
	}
	CU_ASSERT_EQUAL(memcmp(lens[0], lens[1], sizeof(lens[0])), 0);
	stress(0, 0);
}

/* Each call under each failure: nothing leaks, nothing is freed twice. */
static void
test_random_failures_leak_nothing(void)
{
	stress(0, 0);
	for (unsigned round = 0; round < 300; round++) {
		struct mbuf *m = packet(4000), *n;

		stress(1 + round % 7, 1 + round % 3);
		m_tag_prepend(m, m_tag_alloc(mp, 1, 1, 8, M_WAITOK));
		n = m_copym(m, 3, M_COPYALL, M_NOWAIT);
		m_freem(n);
		n = m_split(m, 100 + (int)round, M_NOWAIT);
		if (n != NULL) {
			CU_ASSERT(
			    holds(n, 100 + (int)round, 3900 - (int)round));
			m_freem(n);
		} else {
			CU_ASSERT(holds(m, 0, 4000));
		}
		m = m_fragment(m, M_NOWAIT, -2);
		m = m_prepend(m, 20, M_NOWAIT);
		if (m != NULL)
			m = m_pullup(m, 60);
		if (m != NULL && (n = m_dup(m, M_NOWAIT)) != NULL)
			m_freem(n);
		if (m != NULL && (n = m_defrag(m, M_NOWAIT)) != NULL)
			m = n;
		m_freem(m);
		stress(0, 0);
		mbuf_pool_check(mp);
	}
}

static void
test_uiotombuf_gathers_in_order(void)
{
	static const size_t sizes[] = { 3, 0, 500, 1, 4000 };
	struct eph_iovec iov[5];
	struct eph_uio *uio;
	struct mbuf *m;
	size_t at = 0;

	for (unsigned i = 0; i < 5; i++) {
		iov[i].iov_base = bytes + at;
		iov[i].iov_len = sizes[i];
		at += sizes[i];
	}
	CU_ASSERT_EQUAL_FATAL(iov_to_uio(mc, iov, 5, EPH_UIO_WRITE, &uio), 0);
	CU_ASSERT_EQUAL(uio->uio_resid, 4504);
	/* Without memory the uio stays where it is. */
	stress(1, 0);
	CU_ASSERT_PTR_NULL(m_uiotombuf(mp, uio, M_NOWAIT, 0, 0));
	stress(0, 0);
	CU_ASSERT_EQUAL(uio->uio_resid, 4504);
	m = m_uiotombuf(mp, uio, M_NOWAIT, 1000, 16);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT(holds(m, 0, 1000));
	CU_ASSERT_EQUAL(M_LEADINGSPACE(m), 16);
	m_freem(m);
	m = m_uiotombuf(mp, uio, M_NOWAIT, 0, 0);
	CU_ASSERT(holds(m, 1000, 3504));
	CU_ASSERT_EQUAL(uio->uio_resid, 0);
	m_freem(m);
	uio_free(uio);
	CU_ASSERT_EQUAL(iov[2].iov_len, 500);
}

static void
test_iov_to_uio_refuses_what_does_not_fit(void)
{
	static struct eph_iovec many[EPH_IOV_MAX + 1];
	struct eph_iovec big[2] = { { bytes, INT_MAX }, { bytes, 1 } };
	struct eph_uio *uio = NULL;

	CU_ASSERT_EQUAL(
	    iov_to_uio(mc, many, EPH_IOV_MAX + 1, EPH_UIO_READ, &uio), EINVAL);
	CU_ASSERT_EQUAL(iov_to_uio(mc, big, 2, EPH_UIO_READ, &uio), EINVAL);
	CU_ASSERT_PTR_NULL(uio);
	for (uint64_t n = 1; n <= 2; n++) {
		eph_machine_fail_alloc(mc, n);
		CU_ASSERT_EQUAL(
		    iov_to_uio(mc, big, 1, EPH_UIO_READ, &uio), ENOMEM);
	}
	CU_ASSERT_EQUAL(iov_to_uio(mc, big, 0, EPH_UIO_READ, &uio), 0);
	CU_ASSERT_EQUAL(uiomove(bytes, 5, uio), 0);
	uio_free(uio);
	uio_free(NULL);
}

static void
test_uiomove_reads_into_the_callers_buffers(void)
{
	char a[3], b[4];
	struct eph_iovec iov[2] = { { a, 3 }, { b, 4 } };
	struct eph_uio *uio;

	CU_ASSERT_EQUAL_FATAL(iov_to_uio(mc, iov, 2, EPH_UIO_READ, &uio), 0);
	CU_ASSERT_EQUAL(uiomove(bytes, 5, uio), 5);
	CU_ASSERT_EQUAL(uiomove(bytes + 5, 5, uio), 2);
	CU_ASSERT_EQUAL(memcmp(a, bytes, 3), 0);
	CU_ASSERT_EQUAL(memcmp(b, bytes + 3, 4), 0);
	uio_free(uio);
}

static unsigned copies;

static void
device_copy(const void *from, void *to, size_t n)
{
	copies++;
	memcpy(to, from, n);
}

static void
test_devget_starts_at_the_offset_and_uses_the_copy_function(void)
{
	struct mbuf *m;

	copies = 0;
	m = m_devget(mp, bytes, 3000, 2, mc, device_copy);
	CU_ASSERT(holds(m, 0, 3000));
	CU_ASSERT_EQUAL(copies, 2);
	CU_ASSERT_EQUAL(m->m_data - m->m_ext.ext_buf, 2);
	CU_ASSERT_PTR_EQUAL(m->m_pkthdr.rcvif, mc);
	CU_ASSERT_EQUAL(m->m_pkthdr.len, 3000);
	m_freem(m);
	CU_ASSERT_PTR_NULL(m_devget(mp, bytes, 10, MHLEN + 1, NULL, NULL));
	CU_ASSERT_PTR_NULL(m_devget(mp, bytes, 10, -1, NULL, NULL));
	stress(1, 0);
	CU_ASSERT_PTR_NULL(m_devget(mp, bytes, 10, 0, NULL, NULL));
	stress(0, 0);
}

static CU_TestInfo tests[] = {
	TEST(test_copydata_reads_any_range),
	TEST(test_copydata_beyond_the_chain_is_a_panic),
	TEST(test_fixhdr_and_length_sum_the_mbufs),
	TEST(test_prepend_moves_the_header_and_keeps_its_length),
	TEST(test_m_prepend_macro_uses_the_room_in_front),
	TEST(test_prepend_does_not_write_before_shared_data),
	TEST(test_prepend_without_memory_frees_the_chain),
	TEST(test_copym_shares_clusters_and_copies_small_data),
	TEST(test_copym_from_the_start_copies_header_and_fragment_flags),
	TEST(test_copy_of_read_only_storage_is_read_only_and_dup_is_not),
	TEST(test_pullup_makes_the_front_contiguous),
	TEST(test_pullup_takes_a_little_more_than_asked_for),
	TEST(test_pullup_of_too_much_frees_the_chain),
	TEST(test_pullup_does_not_write_shared_storage),
	TEST(test_split_at_every_byte),
	TEST(test_split_shares_the_cluster_and_keeps_its_size),
	TEST(test_split_where_there_is_nothing_is_null),
	TEST(test_split_of_more_than_mhlen_without_storage),
	TEST(test_split_without_memory_leaves_the_chain_as_it_was),
	TEST(test_cat_joins_and_drops_the_second_header),
	TEST(test_adj_trims_both_ends),
	TEST(test_append_writes_only_what_it_may),
	TEST(test_defrag_makes_the_shortest_chain),
	TEST(test_failed_defrag_leaves_the_chain_as_it_was),
	TEST(test_fragment_makes_pieces_of_the_length),
	TEST(test_fragment_of_random_length),
	TEST(test_fragment_that_cannot_returns_the_packet_itself),
	TEST(test_stress_is_off_by_default_and_repeats_with_its_seed),
	TEST(test_random_failures_leak_nothing),
	TEST(test_uiotombuf_gathers_in_order),
	TEST(test_iov_to_uio_refuses_what_does_not_fit),
	TEST(test_uiomove_reads_into_the_callers_buffers),
	TEST(test_devget_starts_at_the_offset_and_uses_the_copy_function),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbuf chains",
	    .pSetUpFunc = setup,
	    .pTearDownFunc = teardown,
	    .pTests = tests },
	CU_SUITE_INFO_NULL,
};
