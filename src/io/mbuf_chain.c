/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Chains of mbufs: copy, cut, join, gather.
 *
 * One rule runs through all of it: bytes may be written only where
 * M_WRITABLE says so, that is in an mbuf's own storage or in external
 * storage that is not shared and not read-only.  A function that
 * needs to write elsewhere takes a new mbuf.  So sharing is always safe,
 * and M_TRAILINGSPACE of a shared cluster is 0 although there is room.
 *
 * A mapped mbuf has no host address.  Its bytes are read by simulated
 * loads, on the CPU that reads and through the translation that this CPU
 * holds; that is where a design's missing invalidation shows.
 *
 * Functions that can fail take what they need before they change anything,
 * so that "as it was" needs no repair.
 */

#include "io/mbuf_impl.h"

#include <string.h>

/* Properties */

bool
M_WRITABLE(struct mbuf *m)
{
	if (m->m_flags & M_RDONLY)
		return (false);
	return ((m->m_flags & M_EXT) == 0 || m->m_pool->share->sole(m));
}

/* Where its storage begins, as an address. */
static eph_va_t
mb_base(const struct mbuf *m)
{
	if (m->m_flags & M_EXT)
		return (m->m_ext.ext_buf);
	return (mb_va(m->m_flags & M_PKTHDR ? m->m_pktdat : m->m_dat));
}

static int
mb_size(const struct mbuf *m)
{
	if (m->m_flags & M_EXT)
		return ((int)m->m_ext.ext_size);
	return (m->m_flags & M_PKTHDR ? MHLEN : MLEN);
}

int
M_LEADINGSPACE(struct mbuf *m)
{
	return (M_WRITABLE(m) ? (int)(m->m_data - mb_base(m)) : 0);
}

/* Room after the data, writable or not. */
static int
mb_room(const struct mbuf *m)
{
	return (mb_size(m) - (int)(m->m_data - mb_base(m)) - m->m_len);
}

int
M_TRAILINGSPACE(struct mbuf *m)
{
	return (M_WRITABLE(m) ? mb_room(m) : 0);
}

void
M_ALIGN(struct mbuf *m, int len)
{
	KASSERT(m->m_len == 0, "its data would be lost");
	KASSERT(len <= mb_size(m), "no room for that");
	m->m_data = mb_base(m) +
	    ((eph_va_t)(mb_size(m) - len) & ~(eph_va_t)(sizeof(long) - 1));
}

void *
m_host(const struct mbuf *m)
{
	KASSERT((m->m_flags & M_MAPPED) == 0, "a mapping has no host address");
	return ((void *)(uintptr_t)m->m_data);
}

int
m_length(struct mbuf *m, struct mbuf **last)
{
	int len = 0;

	for (;; m = m->m_next) {
		len += m->m_len;
		if (m->m_next == NULL)
			break;
	}
	if (last != NULL)
		*last = m;
	return (len);
}

int
m_fixhdr(struct mbuf *m)
{
	KASSERT((m->m_flags & M_PKTHDR) != 0, "no packet header");
	m->m_pkthdr.len = m_length(m, NULL);
	return (m->m_pkthdr.len);
}

void
m_sanity(struct mbuf *m)
{
	const struct mbuf *top = m;
	int len = 0;

	for (; m != NULL; m = m->m_next) {
		if (m->m_obj.live == 0)
			PANIC("a free mbuf is in a chain");
		if (m->m_len < 0 || m->m_data < mb_base(m) || mb_room(m) < 0)
			PANIC("an mbuf's data leave its storage");
		if (m != top && (m->m_flags & M_PKTHDR) != 0 &&
		    m->m_pkthdr.tags != NULL)
			PANIC("tags inside a chain");
		if ((m->m_flags & M_MAPPED) != 0 &&
		    (m->m_flags & (M_EXT | M_RDONLY)) != (M_EXT | M_RDONLY))
			PANIC("a mapping that is writable");
		len += m->m_len;
	}
	if ((top->m_flags & M_PKTHDR) != 0 && top->m_pkthdr.len != len)
		PANIC("the packet's length is wrong");
}

/* Reading */

/* The address at which this CPU may load from a mapping. */
static eph_va_t
mb_map_va(struct mbuf *m)
{
	struct mbuf_pool *mp = m->m_pool;
	const enum eph_validity v = mp->design->validity;

	if (v == EPH_VALID_ASKED || v == EPH_VALID_GENERATION)
		return (mp->design->kva(mp->design_state, m->m_ext.ext_arg2));
	return (m->m_ext.ext_buf);
}

void
eph__mb_read(struct mbuf *m, int off, int len, void *cp)
{
	KASSERT(off >= 0 && len >= 0 && off + len <= m->m_len,
	    "reading beyond the data");
	if (len == 0)
		return;
	eph_clock_copy(m->m_pool->mc, (size_t)len);
	if ((m->m_flags & M_MAPPED) == 0) {
		memcpy(cp, (char *)m_host(m) + off, (size_t)len);
		return;
	}
	/* Loads are never refused; a stale one is the machine's to report. */
	(void)eph_machine_copyout(m->m_pool->mc, mb_map_va(m),
	    (size_t)(m->m_data - m->m_ext.ext_buf) + (size_t)off, cp,
	    (size_t)len, m->m_ext.ext_page);
}

/* The mbuf with byte *offp, which becomes its offset there; NULL: none. */
static struct mbuf *
mb_seek(struct mbuf *m, int *offp)
{
	while (m != NULL && *offp >= m->m_len) {
		*offp -= m->m_len;
		m = m->m_next;
	}
	return (m);
}

void
m_copydata(struct mbuf *m, int off, int len, void *cp)
{
	char *to = cp;

	KASSERT(off >= 0 && len >= 0, "m_copydata: negative range");
	if (len == 0)
		return;
	for (m = mb_seek(m, &off); len > 0; m = m->m_next, off = 0) {
		int n;

		KASSERT(m != NULL, "m_copydata: the chain is too short");
		n = mb_min(len, m->m_len - off);
		eph__mb_read(m, off, n, to);
		to += n;
		len -= n;
	}
}

/* Packet headers */

void
M_MOVE_PKTHDR(struct mbuf *to, struct mbuf *from)
{
	KASSERT((from->m_flags & M_PKTHDR) != 0, "no packet header to move");
	KASSERT((to->m_flags & M_EXT) == 0, "the target has a cluster");
	if (to->m_flags & M_PKTHDR)
		m_tag_delete_chain(to, NULL);
	to->m_flags = from->m_flags & M_COPYFLAGS;
	to->m_data = mb_va(to->m_pktdat);
	to->m_pkthdr = from->m_pkthdr;
	from->m_pkthdr.tags = NULL;
	from->m_flags &= ~(uint32_t)M_PKTHDR;
}

bool
m_dup_pkthdr(struct mbuf *to, struct mbuf *from, int how)
{
	KASSERT((from->m_flags & M_PKTHDR) != 0, "no packet header to copy");
	KASSERT((to->m_flags & M_EXT) == 0, "the target has a cluster");
	if (to->m_flags & M_PKTHDR)
		m_tag_delete_chain(to, NULL);
	to->m_flags = from->m_flags & M_COPYFLAGS;
	to->m_data = mb_va(to->m_pktdat);
	to->m_pkthdr = from->m_pkthdr;
	to->m_pkthdr.tags = NULL;
	return (m_tag_copy_chain(to, from, how));
}

/*
 * An mbuf for a copy of m's header, without a label of its own: it gets
 * m's tags.
 */
static struct mbuf *
mb_get_dup(struct mbuf *m, int how)
{
	struct mbuf *n = m_get(m->m_pool, how, (enum mbuf_type)m->m_type);

	if (n != NULL && !m_dup_pkthdr(n, m, how)) {
		m_freem(n);
		return (NULL);
	}
	return (n);
}

/* Room in front */

struct mbuf *
m_prepend(struct mbuf *m, int len, int how)
{
	struct mbuf *n = m_get(m->m_pool, how, (enum mbuf_type)m->m_type);

	KASSERT(len >= 0 && len <= MHLEN, "m_prepend: no mbuf is that big");
	if (n == NULL) {
		m_freem(m);
		return (NULL);
	}
	if (m->m_flags & M_PKTHDR)
		M_MOVE_PKTHDR(n, m);
	M_ALIGN(n, len);
	n->m_len = len;
	n->m_next = m;
	return (n);
}

struct mbuf *
M_PREPEND(struct mbuf *m, int len, int how)
{
	if (M_LEADINGSPACE(m) >= len) {
		m->m_data -= (eph_va_t)len;
		m->m_len += len;
	} else if ((m = m_prepend(m, len, how)) == NULL) {
		return (NULL);
	}
	if (m->m_flags & M_PKTHDR)
		m->m_pkthdr.len += len;
	return (m);
}

/* Copies */

/* A copy of `len` bytes of one mbuf, with m's packet header if `hdr`. */
static struct mbuf *
mb_copy_one(struct mbuf *m, int off, int len, bool hdr, int how)
{
	struct mbuf *n = hdr ? mb_get_dup(m, how)
			     : m_get(m->m_pool, how, (enum mbuf_type)m->m_type);

	if (n == NULL)
		return (NULL);
	if (m->m_flags & M_EXT) {
		m_extshare(n, m);
		n->m_data = m->m_data + (eph_va_t)off;
	} else {
		eph__mb_read(m, off, len, m_host(n));
	}
	n->m_len = len;
	return (n);
}

struct mbuf *
m_copym(struct mbuf *m, int off, int len, int how)
{
	bool hdr = off == 0 && (m->m_flags & M_PKTHDR) != 0;
	struct mbuf *top = NULL, **tailp = &top;
	int copied = 0;

	KASSERT(off >= 0 && len >= 0, "m_copym: negative range");
	/* An empty first mbuf still carries the header. */
	if (!hdr)
		m = mb_seek(m, &off);
	while (m != NULL && len > 0) {
		const int n = mb_min(len, m->m_len - off);

		if ((*tailp = mb_copy_one(m, off, n, hdr, how)) == NULL) {
			m_freem(top);
			return (NULL);
		}
		tailp = &(*tailp)->m_next;
		hdr = false;
		off = 0;
		copied += n;
		if (len != M_COPYALL)
			len -= n;
		m = m->m_next;
	}
	KASSERT(
	    len == M_COPYALL || len == 0, "m_copym: the chain is too short");
	if (top != NULL && (top->m_flags & M_PKTHDR) != 0)
		top->m_pkthdr.len = copied;
	return (top);
}

/*
 * A packet with the header of `m` and no data: the first mbuf of a fresh
 * copy of `len` bytes.  The header comes before the cluster, because a
 * copied header refuses a target with one.
 */
static struct mbuf *
mb_dup_first(struct mbuf *m, int len, int how)
{
	struct mbuf *n = mb_get_dup(m, how);

	if (n != NULL && len > MHLEN && !m_clget(n, how)) {
		m_freem(n);
		return (NULL);
	}
	return (n);
}

/*
 * Append bytes [*offp, ...) of `m` to the empty mbuf `n`, `len` of them.
 */
static void
mb_fill(struct mbuf *n, struct mbuf *m, int off, int len)
{
	KASSERT(n->m_len + len <= mb_size(n), "no room for that");
	m_copydata(m, off, len, (char *)m_host(n) + n->m_len);
	n->m_len += len;
}

/* The packet's data in fresh memory, as few mbufs as can be. */
static struct mbuf *
mb_dup_packet(struct mbuf *m, int how)
{
	const int len = m_length(m, NULL);
	struct mbuf *top = mb_dup_first(m, len, how), *n = top;
	int off = 0;

	if (top == NULL)
		return (NULL);
	for (;;) {
		const int room = mb_min(len - off, mb_size(n));

		mb_fill(n, m, off, room);
		off += room;
		if (off == len)
			break;
		n->m_next = len - off > MLEN
		    ? m_getcl(m->m_pool, how, MT_DATA, 0)
		    : m_get(m->m_pool, how, MT_DATA);
		if ((n = n->m_next) == NULL) {
			m_freem(top);
			return (NULL);
		}
	}
	top->m_pkthdr.len = len;
	return (top);
}

struct mbuf *
m_dup(struct mbuf *m, int how)
{
	KASSERT((m->m_flags & M_PKTHDR) != 0, "m_dup: no packet header");
	return (mb_dup_packet(m, how));
}

struct mbuf *
m_defrag(struct mbuf *m, int how)
{
	struct mbuf *n;

	KASSERT((m->m_flags & M_PKTHDR) != 0, "m_defrag: no packet header");
	if (mb_stress_hit(m->m_pool, m->m_pool->stress.defrag_fail))
		return (NULL);
	if ((n = mb_dup_packet(m, how)) != NULL)
		m_freem(m);
	return (n);
}

/* Gathering, cutting, joining */

/* Move up to `want` bytes from the front of chain `n` to `to`; the rest. */
static struct mbuf *
mb_gather(struct mbuf *to, struct mbuf *n, int want)
{
	while (n != NULL && want > 0) {
		const int count = mb_min(mb_min(want, mb_room(to)), n->m_len);

		if (count == 0 && n->m_len != 0)
			break;
		eph__mb_read(n, 0, count, (char *)m_host(to) + to->m_len);
		to->m_len += count;
		want -= count;
		n->m_len -= count;
		n->m_data += (eph_va_t)count;
		if (n->m_len == 0)
			n = m_free(n);
	}
	return (n);
}

struct mbuf *
m_pullup(struct mbuf *m, int len)
{
	struct mbuf *rest, *n;

	if ((m->m_flags & M_MAPPED) == 0 && m->m_len >= len)
		return (m);
	if (len > MHLEN) {
		m_freem(m);
		return (NULL);
	}
	if ((m->m_flags & M_EXT) == 0 && M_TRAILINGSPACE(m) + m->m_len >= len) {
		n = m;
		rest = m->m_next;
		n->m_next = NULL;
	} else {
		n = m_get(m->m_pool, M_NOWAIT, (enum mbuf_type)m->m_type);
		if (n == NULL) {
			m_freem(m);
			return (NULL);
		}
		if (m->m_flags & M_PKTHDR)
			M_MOVE_PKTHDR(n, m);
		rest = m;
	}
	/* A little more than asked for spares the next pullup. */
	rest = mb_gather(
	    n, rest, (len < MAX_PROTOHDR ? MAX_PROTOHDR : len) - n->m_len);
	n->m_next = rest;
	if (n->m_len < len) {
		m_freem(n);
		return (NULL);
	}
	return (n);
}

/*
 * The second half of `m`, from byte `len` on, with a packet header if
 * `hdr`.
 */
static struct mbuf *
mb_split_one(struct mbuf *m, int len, bool hdr, int how)
{
	struct mbuf_pool *mp = m->m_pool;
	const enum mbuf_type type = (enum mbuf_type)m->m_type;
	const int rest = m->m_len - len;
	struct mbuf *n, *tail = NULL;

	n = hdr ? m_gethdr(mp, how, type) : m_get(mp, how, type);
	if (n == NULL || rest == 0)
		return (n);
	if (m->m_flags & M_EXT) {
		m_extshare(n, m);
		n->m_data = m->m_data + (eph_va_t)len;
	} else if (hdr && rest > MHLEN) {
		/* Too much beside a header: it goes to an mbuf of its own. */
		if ((tail = mb_split_one(m, len, false, how)) == NULL) {
			m_freem(n);
			return (NULL);
		}
		M_ALIGN(n, 0);
		n->m_next = tail;
		return (n);
	} else {
		M_ALIGN(n, rest);
		eph__mb_read(m, len, rest, m_host(n));
	}
	n->m_len = rest;
	return (n);
}

struct mbuf *
m_split(struct mbuf *m0, int len, int how)
{
	const bool hdr = (m0->m_flags & M_PKTHDR) != 0;
	struct mbuf *m = m0, *n, *last;
	int left = len;

	KASSERT(len >= 0, "m_split: negative length");
	while (m != NULL && left > m->m_len) {
		left -= m->m_len;
		m = m->m_next;
	}
	if (m == NULL || (left == m->m_len && m->m_next == NULL))
		return (NULL);
	if (!hdr && left == m->m_len) {
		n = m->m_next;
		m->m_next = NULL;
		return (n);
	}
	if ((n = mb_split_one(m, left, hdr, how)) == NULL)
		return (NULL);
	if (hdr) {
		n->m_pkthdr.rcvif = m0->m_pkthdr.rcvif;
		n->m_pkthdr.len = m0->m_pkthdr.len - len;
		m0->m_pkthdr.len = len;
	}
	(void)m_length(n, &last);
	last->m_next = m->m_next;
	m->m_next = NULL;
	m->m_len = left;
	return (n);
}

void
m_cat(struct mbuf *m, struct mbuf *n)
{
	if (n->m_flags & M_PKTHDR) {
		m_tag_delete_chain(n, NULL);
		n->m_flags &= ~(uint32_t)M_PKTHDR;
	}
	(void)m_length(m, &m);
	while (n != NULL) {
		if ((n->m_flags & M_EXT) != 0 ||
		    M_TRAILINGSPACE(m) < n->m_len) {
			m->m_next = n;
			return;
		}
		eph__mb_read(n, 0, n->m_len, (char *)m_host(m) + m->m_len);
		m->m_len += n->m_len;
		n = m_free(n);
	}
}

/* Cut everything after the first `keep` bytes; mbufs stay, empty. */
static void
mb_trim(struct mbuf *m, int keep)
{
	for (; m != NULL; m = m->m_next) {
		m->m_len = mb_min(m->m_len, keep);
		keep -= m->m_len;
	}
}

void
m_adj(struct mbuf *m, int len)
{
	struct mbuf *top = m;
	const int total = m_length(m, NULL);
	const int cut = mb_min(len < 0 ? -len : len, total);

	if (len < 0) {
		mb_trim(m, total - cut);
	} else {
		for (int left = cut; left > 0; m = m->m_next) {
			const int n = mb_min(left, m->m_len);

			m->m_data += (eph_va_t)n;
			m->m_len -= n;
			left -= n;
		}
	}
	if (top->m_flags & M_PKTHDR)
		top->m_pkthdr.len -= cut;
}

bool
m_append(struct mbuf *m, int len, const void *cp)
{
	const char *from = cp;
	struct mbuf *last;
	int left = len;

	(void)m_length(m, &last);
	for (;;) {
		const int n = mb_min(left, M_TRAILINGSPACE(last));

		if (n > 0) {
			memcpy((char *)m_host(last) + last->m_len, from,
			    (size_t)n);
			last->m_len += n;
			from += n;
			left -= n;
		}
		if (left == 0)
			break;
		last->m_next =
		    m_get(m->m_pool, M_NOWAIT, (enum mbuf_type)m->m_type);
		if (last->m_next == NULL)
			break;
		last = last->m_next;
	}
	if (m->m_flags & M_PKTHDR)
		m->m_pkthdr.len += len - left;
	return (left == 0);
}

/* From outside */

struct mbuf *
m_uiotombuf(
    struct mbuf_pool *mp, struct eph_uio *uio, int how, int len, int align)
{
	const int total =
	    len > 0 && (size_t)len < uio->uio_resid ? len : (int)uio->uio_resid;
	struct mbuf *top, *m;
	int left = total;

	KASSERT(align >= 0 && align < MHLEN, "m_uiotombuf: no such alignment");
	if ((top = total + align > MHLEN ? m_getcl(mp, how, MT_DATA, M_PKTHDR)
					 : m_gethdr(mp, how, MT_DATA)) == NULL)
		return (NULL);
	top->m_data += (eph_va_t)align;
	left -= mb_min(left, mb_room(top));
	if (left > 0 && m_getm(mp, top, left, how, MT_DATA) == NULL) {
		m_freem(top);
		return (NULL);
	}
	left = total;
	for (m = top; left > 0; m = m->m_next) {
		m->m_len = mb_min(left, mb_room(m));
		(void)uiomove(m_host(m), (size_t)m->m_len, uio);
		left -= m->m_len;
	}
	top->m_pkthdr.len = total;
	return (top);
}

static void
mb_memcpy(const void *from, void *to, size_t n)
{
	memcpy(to, from, n);
}

struct mbuf *
m_devget(struct mbuf_pool *mp, const void *buf, int totlen, int off,
    void *rcvif, void (*copy)(const void *from, void *to, size_t n))
{
	const char *from = buf;
	struct mbuf *top;
	int left;

	if (off < 0 || off > MHLEN)
		return (NULL);
	if (copy == NULL)
		copy = mb_memcpy;
	top = totlen + off > MHLEN ? m_getcl(mp, M_NOWAIT, MT_DATA, M_PKTHDR)
				   : m_gethdr(mp, M_NOWAIT, MT_DATA);
	if (top == NULL)
		return (NULL);
	top->m_data += (eph_va_t)off;
	left = totlen - mb_min(totlen, mb_room(top));
	if (left > 0 && m_getm(mp, top, left, M_NOWAIT, MT_DATA) == NULL) {
		m_freem(top);
		return (NULL);
	}
	left = totlen;
	for (struct mbuf *m = top; left > 0; m = m->m_next) {
		m->m_len = mb_min(left, mb_room(m));
		copy(from, m_host(m), (size_t)m->m_len);
		from += m->m_len;
		left -= m->m_len;
	}
	top->m_pkthdr.rcvif = rcvif;
	top->m_pkthdr.len = totlen;
	return (top);
}
