/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A counter object with a lock inside (DragonFly's sfbuf_mref, 2005 to
 * 2008): who finds a count of 1 frees the object without the lock; others
 * take the lock, count down, release it.
 *
 * The lock cannot protect the memory it is in.  One CPU counts 2 to 1 and
 * has not yet released; another finds 1, frees the object, lock and all;
 * the first releases a lock that is no more.  The repaired form has no lock
 * at all: fetch-and-add.
 */

#include "io/mbuf_share.h"

static void
object_join(struct mbuf *n, struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_ref *ref = m->m_ext.ext_ref;
	uint64_t never = 0;

	(void)n;
	eph__mb_mutex_enter(mp, &ref->rf_lock, &never, &ref->rf_obj.line);
	/* Relaxed: from a reference that is held, under the lock. */
	(void)eph_fetchadd_32(
	    mp->mc, eph__mb_share_count(m), 1, memory_order_relaxed);
	eph__mb_mutex_exit(mp, &ref->rf_lock, &never);
}

static bool
object_leave(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_ref *ref = m->m_ext.ext_ref;
	uint64_t never = 0;
	uint32_t old;

	/* Acquire: as the last drop would have been; but see the top. */
	if (eph_load_32(mp->mc, eph__mb_share_count(m), memory_order_acquire) ==
	    1)
		return (true);
	eph__mb_mutex_enter(mp, &ref->rf_lock, &never, &ref->rf_obj.line);
	/* acq_rel: the fast path looks without the lock. */
	old = eph_fetchadd_32(
	    mp->mc, eph__mb_share_count(m), (uint32_t)-1, memory_order_acq_rel);
	if (ref->rf_obj.live == 0)
		PANIC("a lock is released after its object was freed");
	eph__mb_mutex_exit(mp, &ref->rf_lock, &never);
	return (old == 1);
}

const struct mb_share_ops eph__mb_share_lock_in_object = {
	.choice = { .name = "lock-in-object",
	    .summary = "counter object with its own lock, and a fast path "
		       "without it",
	    .origin = "DragonFly sf_buf_mfree, df8d102074, 2005 to 2008",
	    .holes = "the fast path frees the lock that another CPU is about "
		     "to release",
	    .repaired = "fetchadd" },
	.needs = MB_NEEDS_OBJECT,
	.first = eph__mb_share_count_first,
	.join = object_join,
	.leave = object_leave,
	.sole = eph__mb_share_count_sole,
	.owner = eph__mb_share_no_owner,
};
