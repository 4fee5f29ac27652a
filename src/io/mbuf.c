/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mbufs: getting and freeing single ones.  mbuf_pool.c has the pool and the
 * tables, mbuf_kit.c what allocators and ways to share have in common.
 */

#include "io/mbuf_impl.h"

#include <string.h>

/* Getting */

static struct mbuf *
mb_denied(struct mbuf_pool *mp)
{
	MB_COUNT(mp, denied);
	return (NULL);
}

/* Set the header of a fresh mbuf. */
static void
mb_init(struct mbuf *m, enum mbuf_type type, uint32_t flags)
{
	m->m_next = NULL;
	m->m_nextpkt = NULL;
	m->m_len = 0;
	m->m_flags = flags;
	m->m_type = type;
	mb_cpu(m->m_pool)->types[type]++;
	if (flags & M_PKTHDR) {
		m->m_data = mb_va(m->m_pktdat);
		memset(&m->m_pkthdr, 0, sizeof(m->m_pkthdr));
	} else {
		m->m_data = mb_va(m->m_dat);
	}
}

/* An mbuf without storage; the token keeps the lock. */
static struct mbuf *
mb_get(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags,
    struct mb_hold *hold)
{
	struct mbuf *m;

	mb_spend(mp, mp->costs.call);
	if (mb_stress_hit(mp, mp->stress.alloc_fail))
		return (mb_denied(mp));
	m = (void *)mp->alloc->get(mp->alloc_state, MB_MBUF, how, hold);
	if (m == NULL)
		return (mb_denied(mp));
	MB_COUNT(mp, mbuf_get);
	mb_init(m, type, flags);
	return (m);
}

struct mbuf *
m_get(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_get(mp, how, type, 0, &hold);

	mb_hold_end(mp, &hold);
	return (m);
}

/* A new packet header gets its label, or the mbuf goes. */
static struct mbuf *
mb_labelled(struct mbuf *m, int how)
{
	if (m != NULL && (m->m_flags & M_PKTHDR) != 0 &&
	    !eph__mb_label_new(m, how)) {
		m_freem(m);
		return (NULL);
	}
	return (m);
}

struct mbuf *
m_gethdr(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_get(mp, how, type, M_PKTHDR, &hold);

	mb_hold_end(mp, &hold);
	return (mb_labelled(m, how));
}

struct mbuf *
m_get_clrd(struct mbuf_pool *mp, int how, enum mbuf_type type)
{
	struct mbuf *m = m_get(mp, how, type);

	if (m != NULL)
		memset(m->m_dat, 0, MLEN);
	return (m);
}

static struct mbuf *
mb_getcl(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags,
    struct mb_hold *hold)
{
	struct mbuf *m;

	mb_spend(mp, mp->costs.call);
	if (mb_stress_hit(mp, mp->stress.alloc_fail))
		return (mb_denied(mp));
	m = mp->alloc->get_packet(mp->alloc_state, how, hold);
	if (m == NULL)
		return (mb_denied(mp));
	if (!eph__mb_ext_cluster(m, EXT_PACKET, how, hold)) {
		mp->alloc->put_packet(mp->alloc_state, m, hold);
		return (mb_denied(mp));
	}
	MB_COUNT(mp, mbuf_get);
	MB_COUNT(mp, cluster_get);
	MB_COUNT(mp, packet_get);
	mb_init(m, type, flags & M_PKTHDR);
	m->m_flags |= M_EXT;
	m->m_data = m->m_ext.ext_buf;
	return (m);
}

struct mbuf *
m_getcl(struct mbuf_pool *mp, int how, enum mbuf_type type, uint32_t flags)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *m = mb_getcl(mp, how, type, flags, &hold);

	mb_hold_end(mp, &hold);
	return (mb_labelled(m, how));
}

bool
m_clget(struct mbuf *m, int how)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_hold hold = { .lock = NULL };
	struct mb_cluster *cl = NULL;

	KASSERT((m->m_flags & M_EXT) == 0, "it has storage already");
	KASSERT(m->m_len == 0, "its data would be lost");
	mb_spend(mp, mp->costs.call);
	if (!mb_stress_hit(mp, mp->stress.alloc_fail))
		cl = (void *)mp->alloc->get(
		    mp->alloc_state, MB_CLUSTER, how, &hold);
	m->m_ext.ext_cl = cl;
	if (cl != NULL && !eph__mb_ext_cluster(m, EXT_CLUSTER, how, &hold)) {
		mp->alloc->put(mp->alloc_state, MB_CLUSTER, &cl->cl_obj, &hold);
		cl = NULL;
	}
	mb_hold_end(mp, &hold);
	if (cl == NULL) {
		(void)mb_denied(mp);
		return (false);
	}
	MB_COUNT(mp, cluster_get);
	m->m_flags |= M_EXT;
	m->m_data = m->m_ext.ext_buf;
	return (true);
}

struct mbuf *
m_getm(
    struct mbuf_pool *mp, struct mbuf *m, int len, int how, enum mbuf_type type)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *top = NULL, **tailp = &top, *last;

	KASSERT(len >= 0, "m_getm: negative length");
	while (len > 0 || top == NULL) {
		const int need = len;
		struct mbuf *n = need > MLEN ? mb_getcl(mp, how, type, 0, &hold)
					     : mb_get(mp, how, type, 0, &hold);

		if (n == NULL) {
			mb_hold_end(mp, &hold);
			m_freem(top);
			return (NULL);
		}
		*tailp = n;
		tailp = &n->m_next;
		len -= need > MLEN ? MCLBYTES : MLEN;
	}
	mb_hold_end(mp, &hold);
	if (m == NULL)
		return (top);
	for (last = m; last->m_next != NULL;)
		last = last->m_next;
	last->m_next = top;
	return (m);
}

/* Freeing */

struct mbuf *
eph__mb_free(struct mbuf *m, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mbuf *next = m->m_next;

	mb_spend(mp, mp->costs.call);
	if (m->m_obj.live == 0)
		PANIC("freeing a free mbuf");
	if ((m->m_flags & M_PKTHDR) != 0 && m->m_pkthdr.tags != NULL) {
		mb_hold_end(mp, hold);
		m_tag_delete_chain(m, NULL);
	}
	mb_cpu(mp)->types[m->m_type]--;
	if (m->m_flags & M_EXT) {
		eph__mb_ext_free(m, hold);
	} else {
		MB_COUNT(mp, mbuf_put);
		mp->alloc->put(mp->alloc_state, MB_MBUF, &m->m_obj, hold);
	}
	return (next);
}

struct mbuf *
m_free(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_hold hold = { .lock = NULL };
	struct mbuf *next = eph__mb_free(m, &hold);

	mb_hold_end(mp, &hold);
	return (next);
}

void
m_freem(struct mbuf *m)
{
	struct mb_hold hold = { .lock = NULL };
	struct mbuf_pool *mp;

	if (m == NULL)
		return;
	mp = m->m_pool;
	while (m != NULL)
		m = eph__mb_free(m, &hold);
	mb_hold_end(mp, &hold);
}
