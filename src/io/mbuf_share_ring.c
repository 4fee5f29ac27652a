/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A ring of sharers: each mbuf is linked with the others that use its
 * storage; the mbuf that leaves a ring of one is the last.
 *
 * No memory for counters, constant time, and no count: nobody can say how
 * many there are.  Four pointers are written, in up to three mbufs, so all
 * rings need a lock; a lock for each would need the memory that rings save.
 * NetBSD and OpenBSD had splvm() for it, which stops interrupts of one CPU
 * only.  `ring-unlocked` is that on several CPUs.
 *
 * OpenBSD keeps the ring and has m_extref_mtx since it runs the network on
 * several CPUs; `ring` is that.
 *
 * The links are plain; EPH_RACY() marks where another CPU comes between.
 */

#include "io/mbuf_share.h"

static void
ring_first(struct mbuf *m)
{
	m->m_ext.ext_nextref = m;
	m->m_ext.ext_prevref = m;
}

/* Put `n` after `m`. */
static void
ring_insert(struct mbuf *n, struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mbuf *next = m->m_ext.ext_nextref;

	EPH_RACY(mp->mc, "ring: read next");
	n->m_ext.ext_nextref = next;
	n->m_ext.ext_prevref = m;
	EPH_RACY(mp->mc, "ring: link next");
	next->m_ext.ext_prevref = n;
	EPH_RACY(mp->mc, "ring: link this");
	m->m_ext.ext_nextref = n;
	mb_line_write(mp, &next->m_obj.line);
	mb_line_write(mp, &m->m_obj.line);
}

/* Take `m` out; true if it was alone. */
static bool
ring_remove(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mbuf *next, *prev;

	EPH_RACY(mp->mc, "ring: read links");
	next = m->m_ext.ext_nextref;
	prev = m->m_ext.ext_prevref;
	if (next == m)
		return (true);
	EPH_RACY(mp->mc, "ring: unlink next");
	if (next->m_obj.live == 0 || prev->m_obj.live == 0)
		PANIC("the ring of sharers has a free mbuf in it");
	next->m_ext.ext_prevref = prev;
	EPH_RACY(mp->mc, "ring: unlink previous");
	prev->m_ext.ext_nextref = next;
	mb_line_write(mp, &next->m_obj.line);
	mb_line_write(mp, &prev->m_obj.line);
	return (false);
}

static void
ring_join(struct mbuf *n, struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;

	mb_lock(mp, &mp->ring_lock);
	ring_insert(n, m);
	mb_unlock(mp, &mp->ring_lock);
}

static bool
ring_leave(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	bool last;

	mb_lock(mp, &mp->ring_lock);
	last = ring_remove(m);
	mb_unlock(mp, &mp->ring_lock);
	return (last);
}

static bool
ring_sole(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	bool sole;

	mb_lock(mp, &mp->ring_lock);
	sole = m->m_ext.ext_nextref == m;
	mb_unlock(mp, &mp->ring_lock);
	return (sole);
}

static bool
ring_unlocked_sole(struct mbuf *m)
{
	return (m->m_ext.ext_nextref == m);
}

const struct mb_share_ops eph__mb_share_ring = {
	.choice = { .name = "ring",
	    .summary = "sharers linked in a ring, one lock for all rings",
	    .origin = "OpenBSD uipc_mbuf.c, m_extref_mtx",
	    .holes = "",
	    .repaired = "" },
	.needs = MB_NEEDS_NOTHING,
	.first = ring_first,
	.join = ring_join,
	.leave = ring_leave,
	.sole = ring_sole,
	.owner = eph__mb_share_no_owner,
};

const struct mb_share_ops eph__mb_share_ring_unlocked = {
	.choice = { .name = "ring-unlocked",
	    .summary = "the ring with splvm() only, on several CPUs",
	    .origin = "NetBSD mbuf.h before 2004",
	    .holes = "two sharers that leave at once lose a link: the "
		     "storage is never freed, or a free mbuf is written",
	    .repaired = "ring" },
	.needs = MB_NEEDS_NOTHING,
	.first = ring_first,
	.join = ring_insert,
	.leave = ring_remove,
	.sole = ring_unlocked_sole,
	.owner = eph__mb_share_no_owner,
};
