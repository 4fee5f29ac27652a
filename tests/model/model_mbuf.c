/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Chains against flat byte arrays.
 *
 * A few packets are changed by random operations, on random CPUs, each next
 * to an array that holds the bytes it must have.  Copies share storage, so
 * a write through one that shows in another is found here.  Every allocator
 * and every way of sharing, with and without failing allocations; at the
 * end nothing is left.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/kernel/mbuf.h"
#include "test_main.h"

#define NPACKETS 6
#define LEN_MAX	 12000

struct packet {
	struct mbuf *m; /* NULL: none */
	int len;
	unsigned char bytes[LEN_MAX];
	uint32_t tag; /* value of its tag, 0: none */
};

struct model {
	struct eph_machine *mc;
	struct mbuf_pool *mp;
	struct prng rnd;
	struct packet p[NPACKETS];
	unsigned char fresh[LEN_MAX];
};

static int
below(struct model *x, int n)
{
	return ((int)prng_below(&x->rnd, (uint32_t)n));
}

static void
drop(struct packet *p)
{
	m_freem(p->m);
	p->m = NULL;
	p->len = 0;
	p->tag = 0;
}

static void
fresh(struct model *x, int len)
{
	for (int i = 0; i < len; i++)
		x->fresh[i] = (unsigned char)prng_next(&x->rnd);
}

static void
op_new(struct model *x, struct packet *p)
{
	const int len = below(x, below(x, 2) ? 300 : 6000);
	struct eph_iovec iov[3];
	struct eph_uio *uio;

	drop(p);
	fresh(x, len);
	if (below(x, 2)) {
		p->m =
		    m_devget(x->mp, x->fresh, len, below(x, MHLEN), NULL, NULL);
	} else {
		const int a = below(x, len + 1), b = a + below(x, len - a + 1);

		iov[0] = (struct eph_iovec){ x->fresh, (size_t)a };
		iov[1] = (struct eph_iovec){ x->fresh + a, (size_t)(b - a) };
		iov[2] = (struct eph_iovec){ x->fresh + b, (size_t)(len - b) };
		if (iov_to_uio(x->mc, iov, 3, EPH_UIO_WRITE, &uio) != 0)
			return;
		p->m = m_uiotombuf(x->mp, uio, M_NOWAIT, 0, below(x, 40));
		uio_free(uio);
	}
	if (p->m != NULL) {
		p->len = len;
		memcpy(p->bytes, x->fresh, (size_t)len);
	}
}

static void
op_tag(struct model *x, struct packet *p)
{
	struct m_tag *t = m_tag_alloc(x->mp, 1, 1, sizeof(p->tag), M_NOWAIT);

	if (t == NULL)
		return;
	m_tag_delete_chain(p->m, NULL);
	p->tag = (uint32_t)prng_next(&x->rnd) | 1;
	memcpy(m_tag_data(t), &p->tag, sizeof(p->tag));
	m_tag_prepend(p->m, t);
}

/* A copy of part of `p` in `q`. */
static void
op_copy(struct model *x, struct packet *p, struct packet *q)
{
	const int off = below(x, 2) ? 0 : below(x, p->len + 1);
	const int len = below(x, p->len - off + 1);
	struct mbuf *n = NULL;

	drop(q);
	if (below(x, 4) == 0) {
		if ((q->m = m_dup(p->m, M_NOWAIT)) == NULL)
			return;
		q->len = p->len;
		memcpy(q->bytes, p->bytes, (size_t)p->len);
		q->tag = p->tag;
		return;
	}
	if (len > 0)
		n = m_copym(p->m, off, len, M_NOWAIT);
	if (n == NULL)
		return;
	if (off != 0) { /* no header: give it one */
		struct mbuf *h = m_gethdr(x->mp, M_NOWAIT, MT_DATA);

		if (h == NULL) {
			m_freem(n);
			return;
		}
		h->m_next = n;
		h->m_pkthdr.len = len;
		n = h;
	} else {
		q->tag = p->tag;
	}
	q->m = n;
	q->len = len;
	memcpy(q->bytes, p->bytes + off, (size_t)len);
}

static void
op_split(struct model *x, struct packet *p, struct packet *q)
{
	const int at = below(x, p->len + 1);
	struct mbuf *n = m_split(p->m, at, M_NOWAIT);

	if (n == NULL)
		return;
	drop(q);
	q->m = n;
	q->len = p->len - at;
	memcpy(q->bytes, p->bytes + at, (size_t)q->len);
	p->len = at;
}

static void
op_join(struct packet *p, struct packet *q)
{
	if (p->len + q->len > LEN_MAX)
		return;
	m_cat(p->m, q->m);
	memcpy(p->bytes + p->len, q->bytes, (size_t)q->len);
	p->len += q->len;
	(void)m_fixhdr(p->m);
	q->m = NULL;
	drop(q);
}

static void
op_prepend(struct model *x, struct packet *p)
{
	const int n = below(x, MHLEN + 1);

	if (p->len + n > LEN_MAX)
		return;
	if ((p->m = M_PREPEND(p->m, n, M_NOWAIT)) == NULL) {
		drop(p);
		return;
	}
	fresh(x, n);
	memcpy(mtod(p->m, char *), x->fresh, (size_t)n);
	memmove(p->bytes + n, p->bytes, (size_t)p->len);
	memcpy(p->bytes, x->fresh, (size_t)n);
	p->len += n;
}

static void
op_append(struct model *x, struct packet *p)
{
	const int n = below(x, 700);

	if (p->len + n > LEN_MAX)
		return;
	fresh(x, n);
	(void)m_append(p->m, n, x->fresh);
	CU_ASSERT(p->m->m_pkthdr.len <= p->len + n);
	memcpy(p->bytes + p->len, x->fresh, (size_t)n);
	p->len = p->m->m_pkthdr.len;
}

static void
op_adj(struct model *x, struct packet *p)
{
	const int cut = below(x, p->len + 1) / 4;

	if (below(x, 2)) {
		m_adj(p->m, -cut);
	} else {
		m_adj(p->m, cut);
		memmove(p->bytes, p->bytes + cut, (size_t)(p->len - cut));
	}
	p->len -= cut;
}

static void
op_pullup(struct model *x, struct packet *p)
{
	const int want = below(x, (p->len < MHLEN ? p->len : MHLEN) + 1);

	p->m = m_pullup(p->m, want);
	if (p->m == NULL)
		drop(p);
	else
		CU_ASSERT_EQUAL(
		    memcmp(mtod(p->m, char *), p->bytes, (size_t)want), 0);
}

/* Overwrite what may be written: no other packet may change. */
static void
op_write(struct model *x, struct packet *p)
{
	int off = 0;

	for (struct mbuf *m = p->m; m != NULL; m = m->m_next) {
		if (M_WRITABLE(m) && m->m_len > 0) {
			fresh(x, m->m_len);
			memcpy(mtod(m, char *), x->fresh, (size_t)m->m_len);
			memcpy(p->bytes + off, x->fresh, (size_t)m->m_len);
		}
		off += m->m_len;
	}
}

static void
op_reshape(struct model *x, struct packet *p)
{
	if (below(x, 2)) {
		struct mbuf *n = m_defrag(p->m, M_NOWAIT);

		if (n != NULL)
			p->m = n;
	} else {
		p->m = m_fragment(p->m, M_NOWAIT, below(x, 400) - 2);
	}
}

static void
step(struct model *x)
{
	struct packet *p = &x->p[below(x, NPACKETS)];
	struct packet *q = &x->p[below(x, NPACKETS)];

	eph_cpu_enter(x->mc, (unsigned)below(x, (int)x->mc->ncpus));
	if (p->m == NULL) {
		op_new(x, p);
		return;
	}
	switch (below(x, 13)) {
	case 0:
		drop(p);
		break;
	case 1:
		op_tag(x, p);
		break;
	case 2:
	case 3:
	case 4:
		if (p != q)
			op_copy(x, p, q);
		break;
	case 5:
		if (p != q)
			op_split(x, p, q);
		break;
	case 6:
		if (p != q && q->m != NULL)
			op_join(p, q);
		break;
	case 7:
		op_prepend(x, p);
		break;
	case 8:
		op_append(x, p);
		break;
	case 9:
		op_adj(x, p);
		break;
	case 10:
		op_pullup(x, p);
		break;
	case 11:
		op_write(x, p);
		break;
	default:
		op_reshape(x, p);
		break;
	}
}

static bool
matches(struct packet *p)
{
	static unsigned char got[LEN_MAX];
	struct m_tag *t;
	uint32_t tag = 0;

	if (p->m == NULL)
		return (true);
	m_sanity(p->m);
	if (m_length(p->m, NULL) != p->len || p->m->m_pkthdr.len != p->len)
		return (false);
	m_copydata(p->m, 0, p->len, got);
	if ((t = m_tag_locate(p->m, 1, 1, NULL)) != NULL)
		memcpy(&tag, m_tag_data(t), sizeof(tag));
	return (tag == p->tag && memcmp(got, p->bytes, (size_t)p->len) == 0);
}

static void
run(struct model *x, const struct mbuf_config *cfg, uint64_t seed,
    unsigned steps)
{
	const struct eph_machine_config machine = { .ncpus = 3 };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&machine, &x->mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_pool_create(x->mc, cfg, &x->mp, NULL), 0);
	eph__prng_init(&x->rnd, seed, 0);
	for (unsigned i = 0; i < steps; i++) {
		bool ok = true;

		step(x);
		for (unsigned k = 0; k < NPACKETS; k++)
			ok &= matches(&x->p[k]);
		if (!ok) {
			(void)fprintf(stderr,
			    "allocator %s, sharing %s, seed %llu, step %u\n",
			    cfg->allocator, cfg->sharing,
			    (unsigned long long)seed, i);
			CU_FAIL_FATAL("a packet and its bytes differ");
		}
		if (i % 64 == 0)
			mbuf_pool_check(x->mp);
	}
	for (unsigned k = 0; k < NPACKETS; k++)
		drop(&x->p[k]);
	mbuf_pool_check(x->mp);
	CU_ASSERT_EQUAL(mbuf_pool_destroy(x->mp), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(x->mc), 0);
}

static void
run_all(uint32_t alloc_fail, uint32_t nmbclusters)
{
	const unsigned steps = test_long ? 100000 : 400;
	struct model *x = calloc(1, sizeof(*x));
	uint64_t seed = 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	for (unsigned a = 0; mbuf_allocator(a) != NULL; a++) {
		for (unsigned s = 0; mbuf_sharing(s) != NULL; s++) {
			const struct mbuf_config cfg = {
				.allocator = mbuf_allocator(a)->name,
				.sharing = mbuf_sharing(s)->name,
				.nmbclusters = nmbclusters,
				.stress = { .seed = seed,
				    .alloc_fail = alloc_fail,
				    .defrag_fail = alloc_fail },
			};

			run(x, &cfg, seed++, steps);
		}
	}
	free(x);
}

static void
test_chains_hold_the_bytes_of_a_flat_array(void)
{
	run_all(0, 0);
}

static void
test_chains_survive_failing_allocations(void)
{
	run_all(5, 0);
}

static void
test_chains_survive_a_low_limit(void)
{
	run_all(0, 12);
}

static CU_TestInfo tests[] = {
	TEST(test_chains_hold_the_bytes_of_a_flat_array),
	TEST(test_chains_survive_failing_allocations),
	TEST(test_chains_survive_a_low_limit),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "mbuf against a flat array", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
