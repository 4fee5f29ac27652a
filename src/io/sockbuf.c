/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Socket buffers.
 *
 * sbappend() and sowakeup() each take the lock; a protocol that does both
 * for every packet takes it twice for one visit.  The _locked forms let it
 * take the lock once (FreeBSD's socket locking, 2004).
 *
 * Appending merges a small chain into the last mbuf where that may be
 * written, as sbcompress() does, so that a sender of single bytes does not
 * fill the buffer with mbufs.  Storage that is shared or mapped is linked,
 * never copied.
 *
 * Key: (l) sb_mtx.
 */

#include "ephmap/kernel/sockbuf.h"

#include <string.h>

#include "io/mbuf_impl.h"

void
sockbuf_init(struct sockbuf *sb, struct mbuf_pool *mp, int hiwat)
{
	memset(sb, 0, sizeof(*sb));
	mutex_init(&sb->sb_mtx, "sockbuf");
	mb_line_init(&sb->sb_line);
	sb->sb_pool = mp;
	sb->sb_hiwat = hiwat;
}

void
sockbuf_fini(struct sockbuf *sb)
{
	KASSERT(sb->sb_waiting == 0, "a thread sleeps on it");
	m_freem(sb->sb_mb);
	sb->sb_mb = sb->sb_mbtail = NULL;
	sb->sb_cc = 0;
}

void
sb_lock(struct sockbuf *sb)
{
	eph__mb_mutex_enter(
	    sb->sb_pool, &sb->sb_mtx, &sb->sb_free_at, &sb->sb_line);
}

void
sb_unlock(struct sockbuf *sb)
{
	eph__mb_mutex_exit(sb->sb_pool, &sb->sb_mtx, &sb->sb_free_at);
}

int
sbspace_locked(const struct sockbuf *sb)
{
	return (sb->sb_cc < sb->sb_hiwat ? sb->sb_hiwat - sb->sb_cc : 0);
}

/* Can `m` be copied behind the data of `n`, and is it small enough? */
static bool
sb_mergeable(struct mbuf *n, struct mbuf *m)
{
	return (n != NULL && (n->m_flags & M_EOR) == 0 &&
	    n->m_type == m->m_type && (m->m_flags & M_MAPPED) == 0 &&
	    m->m_len <= MCLBYTES / 4 && m->m_len <= M_TRAILINGSPACE(n));
}

static void
sb_link(struct sockbuf *sb, struct mbuf *m)
{
	if (sb->sb_mb == NULL)
		sb->sb_mb = m;
	else
		sb->sb_mbtail->m_next = m;
	sb->sb_mbtail = m;
	m->m_next = NULL;
}

void
sbappend_locked(struct sockbuf *sb, struct mbuf *m)
{
	KASSERT(mutex_owned(&sb->sb_mtx), "sbappend_locked: not locked");
	while (m != NULL) {
		struct mbuf *next = m->m_next;
		struct mbuf *n = sb->sb_mbtail;

		sb->sb_cc += m->m_len;
		if (m->m_len == 0 && (m->m_flags & M_EOR) == 0) {
			(void)m_free(m);
		} else if (sb_mergeable(n, m)) {
			eph__mb_read(
			    m, 0, m->m_len, (char *)m_host(n) + n->m_len);
			n->m_len += m->m_len;
			n->m_flags |= m->m_flags & M_EOR;
			(void)m_free(m);
		} else {
			sb_link(sb, m);
		}
		m = next;
	}
}

void
sbappend(struct sockbuf *sb, struct mbuf *m)
{
	sb_lock(sb);
	sbappend_locked(sb, m);
	sb_unlock(sb);
}

void
sowakeup_locked(struct sockbuf *sb)
{
	KASSERT(mutex_owned(&sb->sb_mtx), "sowakeup_locked: not locked");
	if (sb->sb_waiting == 0)
		return;
	wakeup(sb->sb_pool->mc, sb);
}

void
sowakeup(struct sockbuf *sb)
{
	sb_lock(sb);
	sowakeup_locked(sb);
	sb_unlock(sb);
}

int
sbwait_locked(struct sockbuf *sb, unsigned flags)
{
	int error;

	KASSERT(mutex_owned(&sb->sb_mtx), "sbwait_locked: not locked");
	sb->sb_waiting++;
	error = msleep(sb->sb_pool->mc, sb, &sb->sb_mtx, flags, "sbwait", 0);
	sb->sb_waiting--;
	return (error);
}

struct mbuf *
sbcut_locked(struct sockbuf *sb, int len)
{
	struct mbuf *cut = NULL, **tailp = &cut;

	KASSERT(mutex_owned(&sb->sb_mtx), "sbcut_locked: not locked");
	KASSERT(len >= 0 && len <= sb->sb_cc, "sbcut: not that much in it");
	sb->sb_cc -= len;
	while (sb->sb_mb != NULL && len >= sb->sb_mb->m_len) {
		struct mbuf *m = sb->sb_mb;

		if (len == 0 && m->m_len != 0)
			break;
		len -= m->m_len;
		sb->sb_mb = m->m_next;
		m->m_next = NULL;
		*tailp = m;
		tailp = &m->m_next;
	}
	if (sb->sb_mb == NULL)
		sb->sb_mbtail = NULL;
	if (len > 0) {
		sb->sb_mb->m_len -= len;
		sb->sb_mb->m_data += (eph_va_t)len;
	}
	return (cut);
}

void
sbdrop(struct sockbuf *sb, int len)
{
	struct mbuf *cut;

	sb_lock(sb);
	cut = sbcut_locked(sb, len);
	sb_unlock(sb);
	m_freem(cut);
}

void
socantsendmore(struct sockbuf *sb)
{
	struct mbuf *cut;

	sb_lock(sb);
	sb->sb_cantsend = true;
	cut = sbcut_locked(sb, sb->sb_cc);
	sowakeup_locked(sb);
	sb_unlock(sb);
	m_freem(cut);
}
