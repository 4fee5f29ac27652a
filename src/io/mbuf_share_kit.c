/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What counters of sharers have in common.
 *
 * Orders, for all that count.  Taking a reference is relaxed: it is made
 * from one that is held, so the storage cannot go meanwhile.  Dropping one
 * is acq_rel: release, so that what this sharer did with the storage is
 * done before it is freed; acquire, so that the last one sees that of all
 * others.
 */

#include "io/mbuf_share.h"

struct mbuf *
eph__mb_share_no_owner(struct mbuf *m)
{
	(void)m;
	return (NULL);
}

struct mb_line *
eph__mb_share_line(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_line *line;

	if (m->m_ext.ext_ref != NULL)
		return (&m->m_ext.ext_ref->rf_obj.line);
	if (m->m_ext.ext_cnt == NULL) /* it has an owner, or is in a ring */
		return (m->m_ext.ext_nextref != NULL
			? &m->m_ext.ext_nextref->m_obj.line
			: &m->m_obj.line);
	(void)mp->alloc->cluster_count(mp->alloc_state, m->m_ext.ext_cl, &line);
	return (line);
}

_Atomic(uint32_t) *
eph__mb_share_count(struct mbuf *m)
{
	if (m->m_ext.ext_ref != NULL && m->m_ext.ext_ref->rf_obj.live == 0)
		PANIC("a counter of sharers is used after it was freed");
	return (m->m_ext.ext_cnt);
}

void
eph__mb_share_wrote(struct mbuf *m)
{
	mb_spend(m->m_pool, m->m_pool->costs.atomic);
	mb_line_write(m->m_pool, eph__mb_share_line(m));
}

void
eph__mb_share_count_first(struct mbuf *m)
{
	/* Relaxed: no other mbuf has it. */
	eph_store_32(
	    m->m_pool->mc, eph__mb_share_count(m), 1, memory_order_relaxed);
	mb_line_write(m->m_pool, eph__mb_share_line(m));
}

void
eph__mb_share_count_join(struct mbuf *n, struct mbuf *m)
{
	(void)n;
	/* Relaxed: from a reference that is held; see the top. */
	(void)eph_fetchadd_32(
	    m->m_pool->mc, eph__mb_share_count(m), 1, memory_order_relaxed);
	eph__mb_share_wrote(m);
}

bool
eph__mb_share_count_sole(struct mbuf *m)
{
	/* Acquire: who left is done with the storage that we may write. */
	return (eph_load_32(m->m_pool->mc, eph__mb_share_count(m),
		    memory_order_acquire) == 1);
}
