/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_DIGEST_H
#define EPHMAP_SDK_DIGEST_H

/*
 * What was given and what arrived, by checksum of a stream of bytes.
 *
 * A multiplicative hash of the stream's words of eight bytes: every byte
 * and its place count, and how the stream was cut into pieces does not.
 * Where frames hold a stamp instead of bytes, a piece counts by the stamp
 * of its page, if it starts the page; `off` is where in its page a piece
 * starts.
 */

#include <string.h>

#include "ephmap/sdk/machine.h"

struct eph_digest {
	uint64_t sum;	/* of the whole words */
	uint64_t bytes; /* of the stream */
	uint64_t word;	/* the one that is not whole yet */
	unsigned fill;	/* bytes of it, 0 to 7 */
};

#define EPH_DIGEST_K 0x9e3779b97f4a7c15u

static inline void
eph_digest_word(struct eph_digest *d, uint64_t word)
{
	const uint64_t h = (d->sum ^ word) * EPH_DIGEST_K;

	d->sum = h ^ h >> 32;
}

static inline void
eph_digest_byte(struct eph_digest *d, unsigned char c)
{
	memcpy((char *)&d->word + d->fill, &c, 1);
	d->fill = (d->fill + 1) & 7;
	if (d->fill == 0)
		eph_digest_word(d, d->word);
}

static inline void
eph_digest_bytes(struct eph_digest *d, const void *buf, size_t n)
{
	const unsigned char *p = buf;

	while (n > 0 && d->fill != 0) {
		eph_digest_byte(d, *p++);
		n--;
	}
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		eph_digest_word(d, word);
	}
	while (n-- > 0)
		eph_digest_byte(d, *p++);
}

/* `n` bytes in `buf` that came from offset `off` of a page. */
static inline void
eph_digest_add(struct eph_digest *d, const struct eph_machine *mc,
    const void *buf, size_t off, size_t n)
{
	d->bytes += n;
	if (mc->contents_kind == EPH_CONTENTS_FULL)
		eph_digest_bytes(d, buf, n);
	else if (mc->contents_kind == EPH_CONTENTS_STAMP && off == 0 && n >= 8)
		eph_digest_bytes(d, buf, 8);
}

/* The same, straight from the page, past all mappings: what it should be. */
static inline void
eph_digest_page(struct eph_digest *d, struct eph_machine *mc,
    const struct vm_page *m, size_t off, size_t n)
{
	const char *p = eph_vm_page_contents(mc, m);

	eph_digest_add(d, mc,
	    mc->contents_kind == EPH_CONTENTS_FULL ? p + off : p, off, n);
}

static inline bool
eph_digest_same(const struct eph_digest *a, const struct eph_digest *b)
{
	return (a->sum == b->sum && a->bytes == b->bytes &&
	    a->fill == b->fill && memcmp(&a->word, &b->word, a->fill) == 0);
}

/* Fill a page with bytes that depend on `seed` and their place. */
static inline void
eph_page_fill(struct eph_machine *mc, const struct vm_page *m, uint64_t seed)
{
	const size_t n =
	    mc->contents_kind == EPH_CONTENTS_FULL ? EPH_PAGE_SIZE : 8;
	char *p = eph_vm_page_contents(mc, m);
	uint64_t x = (seed + 1) * EPH_DIGEST_K;

	for (size_t i = 0; p != NULL && i < n; i += sizeof(x)) {
		x ^= x >> 29;
		x = x * 0xbf58476d1ce4e5b9u + i;
		memcpy(p + i, &x, sizeof(x));
	}
}

/*
 * A stream whose byte at `pos` is known to both ends: `seed` says which
 * stream.  What arrives can be checked wherever it stops.
 */
static inline void
eph_stream_bytes(uint64_t seed, uint64_t pos, void *buf, size_t n)
{
	unsigned char *p = buf;

	while (n > 0) {
		uint64_t x = (seed + 1) * EPH_DIGEST_K + (pos >> 3);
		const size_t skip = pos & 7;
		const size_t here = n < 8 - skip ? n : 8 - skip;

		x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9u;
		x ^= x >> 29;
		memcpy(p, (const char *)&x + skip, here);
		p += here;
		pos += here;
		n -= here;
	}
}

/* What `n` bytes of the stream, at offset `off` of a page, digest to. */
static inline void
eph_digest_stream(struct eph_digest *d, const struct eph_machine *mc,
    uint64_t seed, uint64_t pos, size_t off, size_t n)
{
	char buf[256];

	if (mc->contents_kind != EPH_CONTENTS_FULL) {
		eph_stream_bytes(seed, pos, buf, 8);
		eph_digest_add(d, mc, buf, off, n);
		return;
	}
	while (n > 0) {
		const size_t here = n < sizeof(buf) ? n : sizeof(buf);

		eph_stream_bytes(seed, pos, buf, here);
		eph_digest_add(d, mc, buf, off, here);
		pos += here;
		n -= here;
	}
}

/* Put bytes of the stream where a page has them. */
static inline void
eph_page_stream(struct eph_machine *mc, const struct vm_page *m, size_t off,
    uint64_t seed, uint64_t pos, size_t n)
{
	char *p = eph_vm_page_contents(mc, m);

	if (mc->contents_kind == EPH_CONTENTS_FULL)
		eph_stream_bytes(seed, pos, p + off, n);
	else if (p != NULL && off == 0)
		eph_stream_bytes(seed, pos, p, 8);
}

#endif /* !EPHMAP_SDK_DIGEST_H */
