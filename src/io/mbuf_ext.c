/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * External storage: attaching it, sharing it, and freeing it with its last
 * sharer, wherever that runs.
 *
 * How sharers are counted is the pool's way of sharing.  This file is what
 * comes before and after: the counter's memory, and the storage's.  The
 * order at the end is storage, then counter object, then mbuf; nothing of
 * the mbuf is read after it was put back.
 *
 * A token's lock is released before anything outside the module is called:
 * an unmap may sleep or take locks of its own.
 */

#include "io/mbuf_impl.h"

#include <errno.h>
#include <string.h>

/* Forget who shared the storage that was here before. */
static void
mb_ext_init(struct mbuf *m)
{
	m->m_ext.ext_cnt = NULL;
	m->m_ext.ext_ref = NULL;
	m->m_ext.ext_nextref = NULL;
	m->m_ext.ext_prevref = NULL;
	atomic_init(&m->m_ext.ext_count, 0);
}

/* Memory for the counter, where the way of sharing wants some. */
static bool
mb_ext_counter(struct mbuf *m, int how, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;
	const bool cluster =
	    m->m_ext.ext_type == EXT_CLUSTER || m->m_ext.ext_type == EXT_PACKET;
	struct mb_line *line;
	struct mb_ref *ref;

	mb_ext_init(m);
	if (mp->share->needs == MB_NEEDS_NOTHING)
		return (true);
	if (mp->share->needs == MB_NEEDS_COUNTER && cluster) {
		m->m_ext.ext_cnt = mp->alloc->cluster_count(
		    mp->alloc_state, m->m_ext.ext_cl, &line);
		return (true);
	}
	ref = (void *)mp->alloc->get(mp->alloc_state, MB_REF, how, hold);
	if (ref == NULL)
		return (false);
	MB_COUNT(mp, ref_get);
	mutex_init(&ref->rf_lock, "storage counter");
	m->m_ext.ext_ref = ref;
	m->m_ext.ext_cnt = &ref->rf_count;
	return (true);
}

bool
eph__mb_ext_cluster(
    struct mbuf *m, enum mbuf_ext_type type, int how, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;

	m->m_ext.ext_type = (uint16_t)type;
	m->m_ext.ext_buf = mb_va(m->m_ext.ext_cl->cl_buf);
	m->m_ext.ext_size = MCLBYTES;
	m->m_ext.ext_free = NULL;
	if (!mb_ext_counter(m, how, hold))
		return (false);
	mp->share->first(m);
	return (true);
}

static int
mb_ext_attach(struct mbuf *m, uint32_t flags, int how)
{
	struct mbuf_pool *mp = m->m_pool;
	struct mb_hold hold = { .lock = NULL };
	bool ok = false;

	mb_spend(mp, mp->costs.call);
	m->m_ext.ext_cl = NULL;
	if (!mb_stress_hit(mp, mp->stress.alloc_fail))
		ok = mb_ext_counter(m, how, &hold);
	mb_hold_end(mp, &hold);
	if (!ok) {
		MB_COUNT(mp, denied);
		return (ENOBUFS);
	}
	mp->share->first(m);
	m->m_flags |= M_EXT | flags;
	return (0);
}

int
m_extadd(struct mbuf *m, void *buf, uint32_t size, mbuf_ext_free *freef,
    void *arg1, void *arg2, uint32_t flags, int how)
{
	int error;

	KASSERT((m->m_flags & M_EXT) == 0, "it has storage already");
	KASSERT(m->m_len == 0, "its data would be lost");
	KASSERT((flags & ~(uint32_t)M_RDONLY) == 0, "unknown flag");
	m->m_ext.ext_type = EXT_MOD_TYPE;
	if ((error = mb_ext_attach(m, flags, how)) != 0)
		return (error);
	m->m_ext.ext_buf = mb_va(buf);
	m->m_ext.ext_size = size;
	m->m_ext.ext_free = freef;
	m->m_ext.ext_arg1 = arg1;
	m->m_ext.ext_arg2 = arg2;
	m->m_data = m->m_ext.ext_buf;
	return (0);
}

int
m_extmap(struct mbuf *m, const struct eph_mapping *map, struct vm_page *page,
    int off, int len, mbuf_ext_free *done, void *arg, int how)
{
	int error;

	KASSERT((m->m_flags & M_EXT) == 0, "it has storage already");
	KASSERT(m->m_len == 0, "its data would be lost");
	KASSERT(m->m_pool->design != NULL, "no design to unmap with");
	KASSERT(off >= 0 && len >= 0, "negative range");
	KASSERT(off + len <= (int)EPH_PAGE_SIZE, "the data leave the page");
	m->m_ext.ext_type = EXT_SFBUF;
	if ((error = mb_ext_attach(m, M_RDONLY | M_MAPPED, how)) != 0)
		return (error);
	m->m_ext.ext_buf = map->va;
	m->m_ext.ext_size = EPH_PAGE_SIZE;
	m->m_ext.ext_free = done;
	m->m_ext.ext_arg1 = arg;
	m->m_ext.ext_arg2 = map->obj;
	m->m_ext.ext_page = page;
	m->m_data = map->va + (eph_va_t)off;
	m->m_len = len;
	return (0);
}

void
m_extshare(struct mbuf *n, struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;

	KASSERT((m->m_flags & M_EXT) != 0, "nothing to share");
	KASSERT((n->m_flags & M_EXT) == 0, "it has storage already");
	/* Field by field: m's own counter and links are not n's to read. */
	n->m_ext.ext_buf = m->m_ext.ext_buf;
	n->m_ext.ext_size = m->m_ext.ext_size;
	n->m_ext.ext_type = m->m_ext.ext_type;
	n->m_ext.ext_free = m->m_ext.ext_free;
	n->m_ext.ext_arg1 = m->m_ext.ext_arg1;
	n->m_ext.ext_arg2 = m->m_ext.ext_arg2;
	n->m_ext.ext_page = m->m_ext.ext_page;
	n->m_ext.ext_cl = m->m_ext.ext_cl;
	mb_ext_init(n);
	n->m_ext.ext_cnt = m->m_ext.ext_cnt;
	n->m_ext.ext_ref = m->m_ext.ext_ref;
	n->m_flags |= m->m_flags & (M_EXT | M_RDONLY | M_MAPPED);
	mp->share->join(n, m);
	MB_COUNT(mp, share);
}

/* Unmap and tell the caller, or have the caller free its buffer. */
static void
mb_ext_callout(struct mbuf_pool *mp, const struct m_ext *ext)
{
	if (ext->ext_type != EXT_SFBUF) {
		if (ext->ext_free != NULL)
			ext->ext_free(mp, ext->ext_arg1, ext->ext_arg2);
		return;
	}
	/* ENOTSUP is not lost: the machine keeps what the design refused. */
	(void)mp->design->unmap(mp->design_state, ext->ext_arg2);
	if (ext->ext_free != NULL)
		ext->ext_free(mp, ext->ext_arg1, ext->ext_page);
}

/* The storage of which nobody is left, and the mbuf `m`. */
static void
mb_ext_free_last(struct mbuf *m, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;
	const struct m_ext ext = { .ext_type = m->m_ext.ext_type,
		.ext_free = m->m_ext.ext_free,
		.ext_arg1 = m->m_ext.ext_arg1,
		.ext_arg2 = m->m_ext.ext_arg2,
		.ext_page = m->m_ext.ext_page,
		.ext_cl = m->m_ext.ext_cl };

	MB_COUNT(mp, ext_free);
	if (m->m_ext.ext_ref != NULL) {
		if (mutex_owned(&m->m_ext.ext_ref->rf_lock))
			PANIC("a counter is freed while its lock is held");
		MB_COUNT(mp, ref_put);
		mp->alloc->put(
		    mp->alloc_state, MB_REF, &m->m_ext.ext_ref->rf_obj, hold);
	}
	MB_COUNT(mp, mbuf_put);
	switch ((enum mbuf_ext_type)ext.ext_type) {
	case EXT_PACKET:
		MB_COUNT(mp, cluster_put);
		MB_COUNT(mp, packet_put);
		mp->alloc->put_packet(mp->alloc_state, m, hold);
		break;
	case EXT_CLUSTER:
		MB_COUNT(mp, cluster_put);
		mp->alloc->put(
		    mp->alloc_state, MB_CLUSTER, &ext.ext_cl->cl_obj, hold);
		mp->alloc->put(mp->alloc_state, MB_MBUF, &m->m_obj, hold);
		break;
	case EXT_SFBUF:
	case EXT_MOD_TYPE:
		mp->alloc->put(mp->alloc_state, MB_MBUF, &m->m_obj, hold);
		mb_hold_end(mp, hold);
		mb_ext_callout(mp, &ext);
		break;
	}
}

static void
mb_ext_put_mbuf(struct mbuf *m, struct mb_hold *hold)
{
	struct mbuf_pool *mp = m->m_pool;

	MB_COUNT(mp, mbuf_put);
	mp->alloc->put(mp->alloc_state, MB_MBUF, &m->m_obj, hold);
}

void
eph__mb_ext_free(struct mbuf *m, struct mb_hold *hold)
{
	const struct mb_share_ops *share = m->m_pool->share;
	struct mbuf *owner = share->owner(m);
	bool last;

	if (owner == NULL) {
		if (share->leave(m))
			mb_ext_free_last(m, hold);
		else
			mb_ext_put_mbuf(m, hold);
		return;
	}
	/* The owner outlives all others; it goes with the storage. */
	last = share->leave(m);
	if (m != owner)
		mb_ext_put_mbuf(m, hold);
	if (last)
		mb_ext_free_last(owner, hold);
}
