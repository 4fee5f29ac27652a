/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_SOCKBUF_H
#define EPHMAP_KERNEL_SOCKBUF_H

/*
 * Socket buffers: a chain of mbufs under a lock, and its sleepers.
 *
 * The calls ending in _locked expect the lock; the others take it.  An
 * append and a wakeup under one lock therefore cost one:
 *
 *	sb_lock(sb); sbappend_locked(sb, m); sowakeup_locked(sb);
 *	sb_unlock(sb);
 *
 * The buffer owns the mbufs in it.
 */

#include "ephmap/kernel/mbuf.h"
#include "ephmap/kernel/mutex.h"

struct sockbuf {
	struct eph_mutex sb_mtx;
	struct mbuf_pool *sb_pool; /* (c) */
	struct mb_line sb_line;
	uint64_t sb_free_at;	/* with costs: when the lock is free */
	struct mbuf *sb_mb;	/* (l) first, NULL: empty */
	struct mbuf *sb_mbtail; /* (l) last */
	int sb_cc;		/* (l) bytes in it */
	int sb_hiwat;		/* (l) most there should be */
	uint32_t sb_waiting;	/* (l) threads that sleep on it */
	bool sb_cantsend;	/* (l) the other end is gone */
};

void eph_sockbuf_init(struct sockbuf *sb, struct mbuf_pool *mp, int hiwat);

/* Free what is in it; no thread may use it any more. */
void eph_sockbuf_fini(struct sockbuf *sb);

void eph_sb_lock(struct sockbuf *sb);
void eph_sb_unlock(struct sockbuf *sb);

/* Room for that many bytes; not below 0. */
int eph_sbspace_locked(const struct sockbuf *sb);

/*
 * Append a chain, which is the buffer's from now on.  Small writable
 * neighbours are merged; M_EOR is kept.
 */
void eph_sbappend(struct sockbuf *sb, struct mbuf *m);
void eph_sbappend_locked(struct sockbuf *sb, struct mbuf *m);

/* Wake all sleepers; nothing but a test where there is none. */
void eph_sowakeup(struct sockbuf *sb);
void eph_sowakeup_locked(struct sockbuf *sb);

/* Sleep until a wakeup; returns as msleep(), the lock taken again. */
int eph_sbwait_locked(struct sockbuf *sb, unsigned flags);

/*
 * Take the first `len` bytes off, freeing mbufs.  With sbdrop the mbufs are
 * freed after the lock is released; sbcut_locked returns them instead.
 */
void eph_sbdrop(struct sockbuf *sb, int len);
struct mbuf *eph_sbcut_locked(struct sockbuf *sb, int len);

/*
 * The other end is gone: nothing can be sent any more, what is in it is
 * freed, and its sleepers find out.
 */
void eph_socantsendmore(struct sockbuf *sb);

#endif /* !EPHMAP_KERNEL_SOCKBUF_H */
