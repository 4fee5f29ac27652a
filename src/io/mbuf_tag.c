/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tags: what modules attach to a packet for one another.
 *
 * A tag has a cookie, 32 bits that name who defined its types, a type and
 * some bytes.  Cookie MTAG_ABI_COMPAT is for types older than cookies;
 * m_tag_find() looks among those.  Tags belong to the packet header: a
 * moved header takes them along, a copied one gets deep copies, freeing the
 * first mbuf frees them.
 *
 * A label of a security policy is such a tag.  Most systems have no policy
 * that labels packets and should not pay for it, so a label is allocated
 * with a packet header only while such a policy is registered.  A policy
 * that is registered late therefore meets packets without one.
 */

#include "io/mbuf_impl.h"

#include <string.h>

struct m_tag *
m_tag_alloc(
    struct mbuf_pool *mp, uint32_t cookie, uint32_t type, uint32_t len, int how)
{
	struct m_tag *t;

	/* Only who must not sleep can be refused. */
	if (how == M_NOWAIT && mb_stress_hit(mp, mp->stress.alloc_fail)) {
		MB_COUNT(mp, denied);
		return (NULL);
	}
	if ((t = eph_machine_alloc(mp->mc, sizeof(*t) + len)) == NULL) {
		MB_COUNT(mp, denied);
		return (NULL);
	}
	t->m_tag_pool = mp;
	t->m_tag_cookie = cookie;
	t->m_tag_id = type;
	t->m_tag_len = len;
	MB_COUNT(mp, tag_get);
	return (t);
}

void
m_tag_free(struct m_tag *t)
{
	struct mbuf_pool *mp = t->m_tag_pool;

	MB_COUNT(mp, tag_put);
	eph_machine_free(mp->mc, t, sizeof(*t) + t->m_tag_len);
}

void
m_tag_prepend(struct mbuf *m, struct m_tag *t)
{
	KASSERT((m->m_flags & M_PKTHDR) != 0, "tags need a packet header");
	t->m_tag_link = m->m_pkthdr.tags;
	m->m_pkthdr.tags = t;
}

void
m_tag_unlink(struct mbuf *m, struct m_tag *t)
{
	struct m_tag **tp = &m->m_pkthdr.tags;

	while (*tp != t) {
		KASSERT(*tp != NULL, "the packet has no such tag");
		tp = &(*tp)->m_tag_link;
	}
	*tp = t->m_tag_link;
	t->m_tag_link = NULL;
}

void
m_tag_delete(struct mbuf *m, struct m_tag *t)
{
	m_tag_unlink(m, t);
	m_tag_free(t);
}

void
m_tag_delete_chain(struct mbuf *m, struct m_tag *t)
{
	struct m_tag **tp = &m->m_pkthdr.tags;

	while (t != NULL && *tp != t) {
		KASSERT(*tp != NULL, "the packet has no such tag");
		tp = &(*tp)->m_tag_link;
	}
	while ((t = *tp) != NULL) {
		*tp = t->m_tag_link;
		m_tag_free(t);
	}
}

struct m_tag *
m_tag_locate(
    struct mbuf *m, uint32_t cookie, uint32_t type, struct m_tag *start)
{
	struct m_tag *t = start != NULL ? start->m_tag_link : m->m_pkthdr.tags;

	KASSERT((m->m_flags & M_PKTHDR) != 0, "tags need a packet header");
	while (t != NULL && (t->m_tag_cookie != cookie || t->m_tag_id != type))
		t = t->m_tag_link;
	return (t);
}

struct m_tag *
m_tag_find(struct mbuf *m, uint32_t type, struct m_tag *start)
{
	return (m_tag_locate(m, MTAG_ABI_COMPAT, type, start));
}

struct m_tag *
m_tag_copy(struct m_tag *t, int how)
{
	struct m_tag *n = m_tag_alloc(
	    t->m_tag_pool, t->m_tag_cookie, t->m_tag_id, t->m_tag_len, how);

	if (n != NULL)
		memcpy(m_tag_data(n), m_tag_data(t), t->m_tag_len);
	return (n);
}

bool
m_tag_copy_chain(struct mbuf *to, struct mbuf *from, int how)
{
	struct m_tag **tailp = &to->m_pkthdr.tags;

	m_tag_delete_chain(to, NULL);
	for (struct m_tag *t = from->m_pkthdr.tags; t != NULL;
	     t = t->m_tag_link) {
		if ((*tailp = m_tag_copy(t, how)) == NULL) {
			m_tag_delete_chain(to, NULL);
			return (false);
		}
		tailp = &(*tailp)->m_tag_link;
	}
	return (true);
}

/* Labels */

void
mbuf_label_register(struct mbuf_pool *mp)
{
	/* Relaxed: when a packet first gets a label is not promised. */
	(void)eph_fetchadd_32(mp->mc, &mp->nlabel, 1, memory_order_relaxed);
}

void
mbuf_label_deregister(struct mbuf_pool *mp)
{
	/* Relaxed: as above. */
	const uint32_t old = eph_fetchadd_32(
	    mp->mc, &mp->nlabel, (uint32_t)-1, memory_order_relaxed);

	KASSERT(old != 0, "no policy was registered");
	(void)old;
}

bool
eph__mb_label_new(struct mbuf *m, int how)
{
	struct mbuf_pool *mp = m->m_pool;
	struct m_tag *t;

	/* Relaxed: as above. */
	if (eph_load_32(mp->mc, &mp->nlabel, memory_order_relaxed) == 0)
		return (true);
	t = m_tag_alloc(
	    mp, MTAG_ABI_COMPAT, PACKET_TAG_MACLABEL, sizeof(uint64_t), how);
	if (t == NULL)
		return (false);
	m_tag_prepend(m, t);
	return (true);
}

uint64_t *
m_label(struct mbuf *m)
{
	struct m_tag *t = m_tag_find(m, PACKET_TAG_MACLABEL, NULL);

	return (t != NULL ? m_tag_data(t) : NULL);
}
