/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The counter is in the mbuf that got the storage first, its owner; the
 * others point to the owner (NetBSD 2004, FreeBSD 2016).
 *
 * No memory for counters and no array to look them up in, and the counter
 * is on a line that the holder of the owner touches anyway.  The invariant
 * this costs: the owner may be freed by its holder, but its memory must
 * stay until the last sharer is gone.  It then goes with the storage, from
 * whatever CPU that is.
 *
 * m_ext.ext_nextref is the owner.
 */

#include "io/mbuf_share.h"

static struct mbuf *
embedded_owner(struct mbuf *m)
{
	return (m->m_ext.ext_nextref);
}

static _Atomic(uint32_t) *
embedded_count(struct mbuf *m)
{
	struct mbuf *owner = embedded_owner(m);

	if (owner->m_obj.live == 0)
		PANIC("the owner of shared storage was freed before it");
	return (&owner->m_ext.ext_count);
}

static void
embedded_first(struct mbuf *m)
{
	m->m_ext.ext_nextref = m;
	/* Relaxed: no other mbuf has it. */
	eph_store_32(
	    m->m_pool->mc, &m->m_ext.ext_count, 1, memory_order_relaxed);
}

static void
embedded_join(struct mbuf *n, struct mbuf *m)
{
	n->m_ext.ext_nextref = embedded_owner(m);
	/* Relaxed: from a reference that is held; see mbuf_share.c. */
	(void)eph_fetchadd_32(
	    m->m_pool->mc, embedded_count(m), 1, memory_order_relaxed);
	eph__mb_share_wrote(m);
}

static bool
embedded_leave(struct mbuf *m)
{
	struct eph_machine *mc = m->m_pool->mc;
	_Atomic(uint32_t) *count = embedded_count(m);

	/* Acquire: as the last drop would have been. */
	if (eph_load_32(mc, count, memory_order_acquire) == 1)
		return (true);
	eph__mb_share_wrote(m);
	/* acq_rel: see mbuf_share.c. */
	return (eph_fetchadd_32(
		    mc, count, (uint32_t)-1, memory_order_acq_rel) == 1);
}

static bool
embedded_sole(struct mbuf *m)
{
	/* Acquire: who left is done with the storage that we may write. */
	return (eph_load_32(m->m_pool->mc, embedded_count(m),
		    memory_order_acquire) == 1);
}

const struct mb_share_ops eph__mb_share_embedded = {
	.choice = { .name = "embedded",
	    .summary = "counter in the owner mbuf, which dies last",
	    .origin = "NetBSD mbuf.h, 2004-09; FreeBSD EXT_FLAG_EMBREF, 2016",
	    .holes = "",
	    .repaired = "" },
	.needs = MB_NEEDS_NOTHING,
	.first = embedded_first,
	.join = embedded_join,
	.leave = embedded_leave,
	.sole = embedded_sole,
	.owner = embedded_owner,
};
