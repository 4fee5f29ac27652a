/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Stress modes: packets in odd pieces, and memory that is not there.
 *
 * Drivers and protocols are tested with the chains that their neighbours
 * happen to make.  m_fragment() makes chains that nobody makes (FreeBSD's
 * MBUF_STRESS_TEST, 2003): every consumer that assumes something about the
 * first mbuf, or about how many there are, fails soon.  The random failures
 * of m_defrag and of allocations are drawn where they are served.
 *
 * Numbers come from the pool's seed, one stream for each CPU.
 */

#include "io/mbuf_impl.h"

#define FRAG_RANDOM_MAX 256u /* longest random piece */

static int
frag_random(struct mbuf_pool *mp)
{
	return (1 + (int)prng_below(&mb_cpu(mp)->rnd, FRAG_RANDOM_MAX));
}

/* Room for a piece: with `hdr`, the first one, with m's header. */
static struct mbuf *
frag_get(struct mbuf *m, int len, bool hdr, int how)
{
	struct mbuf *n = m_get(m->m_pool, how, MT_DATA);

	if (n == NULL)
		return (NULL);
	if ((hdr && !m_dup_pkthdr(n, m, how)) ||
	    (len > (hdr ? MHLEN : MLEN) && !m_clget(n, how))) {
		m_freem(n);
		return (NULL);
	}
	return (n);
}

struct mbuf *
m_fragment(struct mbuf *m, int how, int length)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mbuf *top = NULL, **tailp = &top;
	int piece = length == -1 ? frag_random(mp) : length;
	int off = 0, len;

	if ((m->m_flags & M_PKTHDR) == 0 || length == 0 || length < -2)
		return (m);
	len = m_fixhdr(m);
	do {
		struct mbuf *n;
		int want;

		if (length == -2)
			piece = frag_random(mp);
		want = mb_min(mb_min(piece, MCLBYTES), len - off);
		if ((n = frag_get(m, want, off == 0, how)) == NULL) {
			m_freem(top);
			return (m);
		}
		*tailp = n;
		tailp = &n->m_next;
		m_copydata(m, off, want, m_host(n));
		n->m_len = want;
		off += want;
	} while (off < len);
	m_freem(m);
	return (top);
}

struct mbuf *
m_stress(struct mbuf *m)
{
	const int frag = m->m_pool->stress.frag;

	return (frag != 0 ? m_fragment(m, M_NOWAIT, frag) : m);
}
