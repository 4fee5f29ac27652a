/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/lru_curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/parallel.h"
#include "analysis/table.h"
#include "base/kassert.h"
#include "ephmap/mrc.h"

#define SPACE_FACTOR 4u /* positions for each page */
#define SPACE_MIN    4096u
#define EARLY	     24u /* references that are asked for ahead */
#define LATE	     8u
#define USES_MIN     4u /* of a page in a piece, in the mean */

int
eph__stack_init(struct stack *s, uint32_t npages)
{
	uint64_t space = (uint64_t)npages * SPACE_FACTOR;

	memset(s, 0, sizeof(*s));
	if (space < SPACE_MIN)
		space = SPACE_MIN;
	if (space > UINT32_MAX - 64)
		space = UINT32_MAX - 64;
	s->words = (uint32_t)(space / 64) + 1;
	s->npages = npages;
	s->bits = eph__table_alloc(s->words, sizeof(*s->bits));
	s->tree = eph__table_alloc((size_t)s->words + 1, sizeof(*s->tree));
	s->page_at =
	    eph__table_alloc((size_t)s->words * 64, sizeof(*s->page_at));
	s->last = eph__table_alloc_none(npages);
	if (s->bits == NULL || s->tree == NULL || s->page_at == NULL ||
	    s->last == NULL) {
		eph__stack_fini(s);
		return (ENOMEM);
	}
	memset(s->bits, 0, s->words * sizeof(*s->bits));
	memset(s->tree, 0, ((size_t)s->words + 1) * sizeof(*s->tree));
	return (0);
}

void
eph__stack_fini(struct stack *s)
{
	eph__table_free(s->bits);
	eph__table_free(s->tree);
	eph__table_free(s->page_at);
	eph__table_free(s->last);
	memset(s, 0, sizeof(*s));
}

/*
 * Move the pages to the first positions, in order.  Costs as many steps as
 * there are pages and comes once in SPACE_FACTOR - 1 times as many
 * references at the least.
 */
void
eph__stack_compact(struct stack *s)
{
	uint32_t to = 0;

	for (uint32_t w = 0; w <= s->now / 64 && w < s->words; w++) {
		for (uint64_t b = s->bits[w]; b != 0; b &= b - 1) {
			const uint32_t at =
			    w * 64 + stack_popcount((b & -b) - 1);

			s->page_at[to] = s->page_at[at];
			s->last[s->page_at[to]] = to;
			to++;
		}
	}
	KASSERT(to == s->live, "a page is lost");
	memset(s->bits, 0, s->words * sizeof(*s->bits));
	memset(s->tree, 0, ((size_t)s->words + 1) * sizeof(*s->tree));
	memset(s->bits, 0xff, to / 64 * sizeof(*s->bits));
	if (to % 64 != 0)
		s->bits[to / 64] = ((uint64_t)1 << to % 64) - 1;
	s->now = to;
	for (uint32_t w = 0; w < to / 64; w++)
		stack_add(s, w, 64);
}

void
eph__curve_sum(uint64_t *hits, uint32_t npages)
{
	hits[0] = 0;
	for (size_t c = 1; c <= npages; c++)
		hits[c] += hits[c - 1];
}

/*
 * On several CPUs (as PARDA: Niu, Dinan, Lu, Sadayappan, IPDPS 2012): the
 * stream is cut into pieces, each with a stack of its own.  What a piece
 * sees first it cannot know the distance of; those pages, in order, are
 * then used in the stack that the pieces before it left.
 */
struct piece {
	struct stack stack;
	const uint32_t *page;
	size_t n;
	uint64_t *hits; /* by distance */
	uint32_t *first;
	uint32_t nfirst;
};

struct pieces {
	struct piece *piece;
	uint32_t npages;
};

static void
piece_play(struct piece *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const uint32_t page = p->page[i];
		uint32_t d;

		stack_ahead(&p->stack,
		    p->page[i + EARLY < p->n ? i + EARLY : i],
		    p->page[i + LATE < p->n ? i + LATE : i]);
		d = stack_use(&p->stack, page);
		p->hits[d]++;
		if (d == 0)
			p->first[p->nfirst++] = page;
	}
	p->hits[0] = 0;
}

static int
piece_job(void *arg, size_t i, struct eph_err *err)
{
	const struct pieces *all = arg;
	struct piece *p = &all->piece[i];
	const size_t most = p->n < all->npages ? p->n : all->npages;

	p->hits = calloc((size_t)all->npages + 1, sizeof(*p->hits));
	p->first = eph__table_alloc(most, sizeof(*p->first));
	if (p->hits == NULL || p->first == NULL ||
	    eph__stack_init(&p->stack, all->npages) != 0)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for the LRU curve"));
	piece_play(p);
	return (0);
}

/* What `p` saw first, in the stack that those before it left. */
static void
piece_join(struct stack *s, const struct piece *p, uint64_t *hits)
{
	for (uint32_t i = 0; i < p->nfirst; i++) {
		const uint32_t n = p->nfirst - i;

		stack_ahead(s, p->first[n > EARLY ? i + EARLY : i],
		    p->first[n > LATE ? i + LATE : i]);
		hits[stack_use(s, p->first[i])]++;
	}
}

/* Bring the pages of `p` into the order of their last uses there. */
static void
piece_order(struct stack *s, const struct piece *p)
{
	const struct stack *from = &p->stack;

	for (uint32_t at = 0; at < from->now; at++) {
		if ((from->bits[at / 64] >> at % 64 & 1) != 0)
			(void)stack_use(s, from->page_at[at]);
	}
}

static void
pieces_join(struct pieces *all, size_t n, uint64_t *hits)
{
	struct stack *s = &all->piece[0].stack;

	memset(hits, 0, ((size_t)all->npages + 1) * sizeof(*hits));
	for (size_t i = 0; i < n; i++) {
		const struct piece *p = &all->piece[i];

		for (size_t c = 1; c <= all->npages; c++)
			hits[c] += p->hits[c];
		if (i == 0)
			continue;
		piece_join(s, p, hits);
		if (i + 1 < n)
			piece_order(s, p);
	}
	hits[0] = 0;
	eph__curve_sum(hits, all->npages);
}

/* Joining is not worth it where a piece has few uses for each page. */
static unsigned
pieces_number(const struct eph_refs *r, unsigned threads)
{
	const size_t most = r->n / ((size_t)r->npages * USES_MIN + 1);

	threads = eph__parallel_threads(threads);
	if (threads > most)
		threads = (unsigned)most;
	return (threads < 1 ? 1 : threads);
}

int
eph_mrc_lru_on(const struct eph_refs *r, unsigned threads, uint64_t *hits,
    struct eph_err *err)
{
	const unsigned n = pieces_number(r, threads);
	struct pieces all = { .npages = r->npages };
	const struct parallel work = {
		.job = piece_job, .arg = &all, .jobs = n, .threads = n
	};
	int error;

	all.piece = calloc(n, sizeof(*all.piece));
	if (all.piece == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for the LRU curve"));
	for (unsigned i = 0; i < n; i++) {
		const size_t from = r->n / n * i;

		all.piece[i].page = r->page + from;
		all.piece[i].n = (i + 1 < n ? r->n / n * (i + 1) : r->n) - from;
	}
	if ((error = eph__parallel_run(&work, err)) == 0)
		pieces_join(&all, n, hits);
	for (unsigned i = 0; i < n; i++) {
		free(all.piece[i].hits);
		eph__table_free(all.piece[i].first);
		eph__stack_fini(&all.piece[i].stack);
	}
	free(all.piece);
	return (error);
}

int
eph_mrc_lru(const struct eph_refs *r, uint64_t *hits, struct eph_err *err)
{
	return (eph_mrc_lru_on(r, 1, hits, err));
}
