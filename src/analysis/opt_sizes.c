/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * OPT at a few sizes in one pass.
 *
 * What a smaller cache holds a larger one holds too (opt_curve.c), so the
 * pages are cut into those of the smallest cache, those that only the next
 * one has, and so on.  A page that is used goes to the first cut; what is
 * used last there goes on to the next if there is no room, where it or what
 * is used later still goes on, until the place is reached that the page
 * left.
 *
 * A next use identifies a page, and nothing else of it is needed: a cut is a
 * set of positions in the stream, in words of 64 bits, with bits for the
 * words that are not empty above them, and so on.  Pages that are never used
 * again are alike and only counted.
 */

#include "analysis/opt_sizes.h"

#include <errno.h>
#include <string.h>

#include "analysis/table.h"
#include "base/kassert.h"
#include "ephmap/sdk/cpuset.h"

#define LEVELS	   6u /* 64^6 is more than all positions */
#define NEVER	   EPH_NONE
#define NOTHING	   (EPH_NONE - 1u)
#define AHEAD	   16u
#define GROUP_CUTS 16u

struct cut {
	uint64_t *level[LEVELS];
	unsigned levels;
	uint32_t room;	 /* pages it may have */
	uint32_t pages;	 /* it has, `never` included */
	uint32_t never;	 /* not used again */
	uint32_t latest; /* of the others; NOTHING: there are none */
};

static void
cut_fini(struct cut *c)
{
	eph__table_free(c->level[0]);
}

static bool
cut_init(struct cut *c, size_t positions, uint32_t room)
{
	size_t words[LEVELS], all = 0, n = positions;

	memset(c, 0, sizeof(*c));
	c->room = room;
	c->latest = NOTHING;
	do {
		n = n / 64 + 1;
		words[c->levels++] = n;
		all += n;
	} while (n > 1);
	if ((c->level[0] = eph__table_alloc(all, sizeof(uint64_t))) == NULL)
		return (false);
	memset(c->level[0], 0, all * sizeof(uint64_t));
	for (unsigned l = 1; l < c->levels; l++)
		c->level[l] = c->level[l - 1] + words[l - 1];
	return (true);
}

static inline bool
cut_has(const struct cut *c, uint32_t use)
{
	return (c->level[0][use / 64] >> use % 64 & 1);
}

static inline void
cut_add(struct cut *c, uint32_t use)
{
	c->pages++;
	if (use == NEVER) {
		c->never++;
		return;
	}
	if (c->latest == NOTHING || use > c->latest)
		c->latest = use;
	for (unsigned l = 0; l < c->levels; l++) {
		uint64_t *w = &c->level[l][use / 64];
		const uint64_t was = *w;

		*w = was | (uint64_t)1 << use % 64;
		if (was != 0)
			break;
		use /= 64;
	}
}

static inline uint32_t
cut_find_latest(const struct cut *c)
{
	uint32_t at = 0;

	if (c->level[c->levels - 1][0] == 0)
		return (NOTHING);
	for (unsigned l = c->levels; l-- > 0;)
		at = at * 64 + 63 - eph_word_leading_zeros(c->level[l][at]);
	return (at);
}

static inline void
cut_remove(struct cut *c, uint32_t use)
{
	const bool latest = use == c->latest;

	c->pages--;
	for (unsigned l = 0; l < c->levels; l++) {
		uint64_t *w = &c->level[l][use / 64];

		if ((*w &= ~((uint64_t)1 << use % 64)) != 0)
			break;
		use /= 64;
	}
	if (latest)
		c->latest = cut_find_latest(c);
}

/* A full cut that gets `down`: what goes on instead. */
static inline uint32_t
cut_pass(struct cut *c, uint32_t down)
{
	uint32_t later = NEVER;

	if (down == NEVER)
		return (down);
	if (c->never > 0) {
		c->never--;
		c->pages--;
	} else {
		later = c->latest;
		if (later == NOTHING || later < down)
			return (down);
		cut_remove(c, later);
	}
	cut_add(c, down);
	return (later);
}

/*
 * A page that is not in the first cut is used, and next at `next`.  What has
 * to make room goes down to the first cut with a place.
 */
static void
cuts_enter(struct cut *c, size_t n, uint32_t next)
{
	uint32_t down = NEVER;

	if (c->pages == c->room) {
		if (c->never > 0) {
			c->never--;
			c->pages--;
		} else {
			down = c->latest;
			cut_remove(c, down);
		}
		for (size_t i = 1; i < n; i++) {
			if (c[i].pages < c[i].room) {
				cut_add(&c[i], down);
				break;
			}
			down = cut_pass(&c[i], down);
		}
	}
	cut_add(c, next);
}

static void
cuts_play(struct cut *c, size_t n, const struct eph_refs *r, uint64_t *hits)
{
	for (size_t t = 0; t < r->n; t++) {
		const uint32_t now = (uint32_t)t;
		const uint32_t ahead =
		    r->next[t + AHEAD < r->n ? t + AHEAD : t];
		size_t i = 0;

		if (ahead != EPH_NONE)
			eph_prefetch_write(&c->level[0][ahead / 64]);
		while (i < n && !cut_has(&c[i], now))
			i++;
		if (i < n) {
			cut_remove(&c[i], now);
			hits[i]++;
		}
		if (i == 0)
			cut_add(c, r->next[t]);
		else
			cuts_enter(c, n, r->next[t]);
	}
}

/* At most GROUP_CUTS sizes. */
static int
opt_sizes_group(const struct eph_refs *r, size_t positions,
    const uint32_t *sizes, size_t n, uint64_t *hits)
{
	struct cut c[GROUP_CUTS];
	size_t made = 0;

	for (; made < n; made++) {
		const uint32_t below = made == 0 ? 0 : sizes[made - 1];

		hits[made] = 0;
		if (!cut_init(&c[made], positions, sizes[made] - below))
			break;
	}
	if (made == n)
		cuts_play(c, n, r, hits);
	for (size_t i = 0; i < made; i++)
		cut_fini(&c[i]);
	for (size_t i = 1; i < n; i++)
		hits[i] += hits[i - 1];
	return (made == n ? 0 : ENOMEM);
}

int
eph__opt_sizes(const struct eph_refs *r, const uint32_t *sizes, size_t n,
    uint64_t *hits, struct eph_err *err)
{
	size_t positions = r->n;

	KASSERT(r->n == 0 || r->next != NULL, "the future is not known");
	/* The first part of a stream knows what comes after it. */
	for (size_t t = 0; t < r->n; t++) {
		if (r->next[t] != EPH_NONE && r->next[t] >= positions)
			positions = (size_t)r->next[t] + 1;
	}
	for (size_t i = 0; i < n; i += GROUP_CUTS) {
		const size_t some = n - i < GROUP_CUTS ? n - i : GROUP_CUTS;

		if (opt_sizes_group(r, positions, sizes + i, some, hits + i) !=
		    0)
			return (eph_err_set(err, ENOMEM,
			    "out of memory for OPT at %zu sizes", n));
	}
	return (0);
}
