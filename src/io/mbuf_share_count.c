/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A counter of sharers, and four ways to drop from it.
 *
 *	dec-cmpset	    subtract 1; compare-and-set 0 -> 1: we free
 *	cmpset		    load, compare-and-set to one less, until it works
 *	fetchadd	    1 already, or fetch-and-add of -1 returned 1
 *	fetchadd-inverted   1 already, or fetch-and-add of -1 returned 0
 *
 * dec-cmpset asks twice.  Between the two the other sharer can drop, win
 * and free the counter, so that the second question goes to freed memory,
 * or to the counter of other storage.
 *
 * fetchadd-inverted takes the old value for the new one.  Alone it works,
 * because the last sharer usually finds 1 and asks no further.  Two that
 * drop at once both find 2, get 2 and 1 back, and neither frees.
 */

#include "io/mbuf_share.h"

static bool
dec_cmpset_leave(struct mbuf *m)
{
	struct eph_machine *mc = m->m_pool->mc;
	bool last;

	/* acq_rel: see mbuf_share.c. */
	(void)eph_fetchadd_32(
	    mc, eph__mb_share_count(m), (uint32_t)-1, memory_order_acq_rel);
	eph__mb_share_wrote(m);
	/* acq_rel: as before; the count may not be ours any more. */
	last = eph_cas_32(mc, m->m_ext.ext_cnt, 0, 1, memory_order_acq_rel);
	/* It was there a moment ago: did we just write freed memory? */
	(void)eph__mb_share_count(m);
	return (last);
}

static bool
cmpset_leave(struct mbuf *m)
{
	struct eph_machine *mc = m->m_pool->mc;
	_Atomic(uint32_t) *count = eph__mb_share_count(m);
	uint32_t old;

	eph__mb_share_wrote(m);
	do {
		/* Relaxed: the exchange decides. */
		old = eph_load_32(mc, count, memory_order_relaxed);
		KASSERT(old != 0, "dropping a reference that is not held");
		/* acq_rel: see mbuf_share.c. */
	} while (!eph_cas_32(mc, count, old, old - 1, memory_order_acq_rel));
	return (old == 1);
}

/*
 * The first test spares the last sharer a locked instruction.  Acquire: as
 * the last fetch-and-add would have been.
 */
static bool
fetchadd_leave(struct mbuf *m)
{
	struct eph_machine *mc = m->m_pool->mc;
	_Atomic(uint32_t) *count = eph__mb_share_count(m);
	uint32_t old;

	if (eph_load_32(mc, count, memory_order_acquire) == 1)
		return (true);
	eph__mb_share_wrote(m);
	/* acq_rel: see mbuf_share.c. */
	old = eph_fetchadd_32(mc, count, (uint32_t)-1, memory_order_acq_rel);
	KASSERT(old != 0, "dropping what nobody holds");
	return (old == 1);
}

static bool
fetchadd_inverted_leave(struct mbuf *m)
{
	struct eph_machine *mc = m->m_pool->mc;
	_Atomic(uint32_t) *count = eph__mb_share_count(m);

	if (eph_load_32(mc, count, memory_order_acquire) == 1)
		return (true);
	eph__mb_share_wrote(m);
	/* acq_rel: see mbuf_share.c. */
	return (eph_fetchadd_32(
		    mc, count, (uint32_t)-1, memory_order_acq_rel) == 0);
}

const struct mb_share_ops eph__mb_share_dec_cmpset = {
	.choice = { .name = "dec-cmpset",
	    .summary = "counter: subtract, then compare-and-set 0 to 1",
	    .origin = "FreeBSD mbuf.h, 2001 to 2004",
	    .holes = "the counter may be freed, or another storage's, between "
		     "the two: use after free, double free",
	    .repaired = "cmpset" },
	.needs = MB_NEEDS_COUNTER,
	.first = eph__mb_share_count_first,
	.join = eph__mb_share_count_join,
	.leave = dec_cmpset_leave,
	.sole = eph__mb_share_count_sole,
	.owner = eph__mb_share_no_owner,
};

const struct mb_share_ops eph__mb_share_cmpset = {
	.choice = { .name = "cmpset",
	    .summary = "counter: compare-and-set to one less, in a loop",
	    .origin = "FreeBSD uipc_mbuf.c, 2004; DragonFly 1d16b2b589, 2007",
	    .holes = "",
	    .repaired = "" },
	.needs = MB_NEEDS_COUNTER,
	.first = eph__mb_share_count_first,
	.join = eph__mb_share_count_join,
	.leave = cmpset_leave,
	.sole = eph__mb_share_count_sole,
	.owner = eph__mb_share_no_owner,
};

const struct mb_share_ops eph__mb_share_fetchadd = {
	.choice = { .name = "fetchadd",
	    .summary = "counter: fetch-and-add, the last gets 1 back",
	    .origin = "FreeBSD uipc_mbuf.c, 2007; DragonFly 321e057fb4, 2008",
	    .holes = "",
	    .repaired = "" },
	.needs = MB_NEEDS_COUNTER,
	.first = eph__mb_share_count_first,
	.join = eph__mb_share_count_join,
	.leave = fetchadd_leave,
	.sole = eph__mb_share_count_sole,
	.owner = eph__mb_share_no_owner,
};

const struct mb_share_ops eph__mb_share_fetchadd_inverted = {
	.choice = { .name = "fetchadd-inverted",
	    .summary = "counter: fetch-and-add, the last expects 0",
	    .origin = "FreeBSD uipc_mbuf.c, 2006 to 2007",
	    .holes = "two that drop at once free nothing: a leak",
	    .repaired = "fetchadd" },
	.needs = MB_NEEDS_COUNTER,
	.first = eph__mb_share_count_first,
	.join = eph__mb_share_count_join,
	.leave = fetchadd_inverted_leave,
	.sole = eph__mb_share_count_sole,
	.owner = eph__mb_share_no_owner,
};
