/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * SHARDS (Waldspurger, Park, Garthwaite, Ahmad, FAST 2015): the LRU curve
 * from the pages whose hash is below a threshold.  With a rate R a distance
 * in the sample stands for 1/R times as much, and a reference for 1/R
 * references; references that the sample has too few or too many of count
 * as hits at distance one (SHARDS-adj), so that a popular page in or out of
 * the sample does not shift the curve.
 *
 * Fixed size is the same with a threshold that falls: when the sample has
 * too many pages, the one with the largest hash leaves and its hash becomes
 * the threshold.  What was counted earlier keeps its weight, which is what
 * rescaling the counts amounts to.
 *
 * The error.  Let m be a page's misses at a size, as weighted.  Pages are
 * in the sample independently, so the variance of the sum of all m is
 * estimated by (1 - R) sum m^2.  The second part comes from distances: R C
 * pages in the sample stand for C, within sqrt((1 - R) R C), so the curve is
 * taken at C (1 -+ 2 sqrt((1 - R) / (R C))) too.  For that one a histogram
 * of distances with 64 steps to a doubling is kept.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/lru_curve.h"
#include "analysis/refs.h"
#include "analysis/table.h"
#include "base/kassert.h"
#include "ephmap/mrc.h"

#define STEPS	64u /* of the histogram, to a doubling */
#define BUCKETS (33u * STEPS)

struct shards {
	struct eph_mrc_point *points;
	size_t n;
	uint64_t seed;
	uint64_t threshold;
	uint32_t max;	/* pages in the sample */
	uint32_t *slot; /* by page; EPH_NONE: not in the sample */
	uint32_t *page; /* by slot */
	uint32_t *heap; /* slots, largest hash first */
	uint32_t *free; /* slots that a page left */
	uint32_t nfree, used, count;
	struct stack stack;
	double *mine; /* n + 1 by slot: weight by first size that hits */
	double *miss, *square; /* by point */
	double *hist;	       /* weight by distance; the last: first uses */
};

static void
shards_fini(struct shards *s)
{
	eph__stack_fini(&s->stack);
	eph__table_free(s->slot);
	eph__table_free(s->page);
	eph__table_free(s->heap);
	eph__table_free(s->free);
	free(s->mine);
	free(s->miss);
	free(s->square);
	free(s->hist);
}

static int
shards_init(struct shards *s, uint32_t npages)
{
	const size_t slots = (size_t)s->max + 1;

	if (eph__stack_init(&s->stack, s->max + 1) != 0)
		return (ENOMEM);
	s->slot = eph__table_alloc_none(npages);
	s->page = eph__table_alloc(slots, sizeof(*s->page));
	s->heap = eph__table_alloc(slots, sizeof(*s->heap));
	s->free = eph__table_alloc(slots, sizeof(*s->free));
	s->mine = calloc(slots * (s->n + 1), sizeof(*s->mine));
	s->miss = calloc(s->n + 1, sizeof(*s->miss));
	s->square = calloc(s->n + 1, sizeof(*s->square));
	s->hist = calloc(BUCKETS + 1, sizeof(*s->hist));
	if (s->slot == NULL || s->page == NULL || s->heap == NULL ||
	    s->free == NULL || s->mine == NULL || s->miss == NULL ||
	    s->square == NULL || s->hist == NULL) {
		shards_fini(s);
		return (ENOMEM);
	}
	return (0);
}

static inline double
shards_rate(const struct shards *s)
{
	return ((double)s->threshold / 4294967296.0);
}

/* The sample as a heap by hash. */
static inline uint32_t
shards_hash(const struct shards *s, uint32_t slot)
{
	return (refs_hash(s->page[slot], s->seed));
}

static void
shards_heap_add(struct shards *s, uint32_t slot)
{
	const uint32_t hash = shards_hash(s, slot);
	uint32_t at = s->count++;

	while (at > 0 && shards_hash(s, s->heap[(at - 1) / 2]) < hash) {
		s->heap[at] = s->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	s->heap[at] = slot;
}

static uint32_t
shards_heap_pop(struct shards *s)
{
	const uint32_t top = s->heap[0], slot = s->heap[--s->count];
	const uint32_t hash = shards_hash(s, slot);
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < s->count) {
		if (child + 1 < s->count &&
		    shards_hash(s, s->heap[child + 1]) >
			shards_hash(s, s->heap[child]))
			child++;
		if (shards_hash(s, s->heap[child]) <= hash)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = slot;
	return (top);
}

/* Add what one page missed to the sums. */
static void
shards_settle(struct shards *s, uint32_t slot)
{
	double *mine = &s->mine[slot * (s->n + 1)], misses = 0;

	for (size_t j = s->n; j-- > 0;) {
		misses += mine[j + 1];
		s->miss[j] += misses;
		s->square[j] += misses * misses;
	}
	memset(mine, 0, (s->n + 1) * sizeof(*mine));
}

/* Drop the pages with the largest hash, and every later one like them. */
static void
shards_shrink(struct shards *s)
{
	s->threshold = shards_hash(s, s->heap[0]);
	while (s->count > 0 && shards_hash(s, s->heap[0]) >= s->threshold) {
		const uint32_t slot = shards_heap_pop(s);

		shards_settle(s, slot);
		(void)stack_remove(&s->stack, slot);
		s->slot[s->page[slot]] = EPH_NONE;
		s->free[s->nfree++] = slot;
	}
}

static inline uint32_t
shards_bucket(double distance)
{
	return ((uint32_t)(log2(distance) * STEPS));
}

/* Count one reference at sample distance `d`, 0 for a first use. */
static inline void
shards_count(struct shards *s, uint32_t slot, uint32_t d)
{
	const double rate = shards_rate(s), distance = d / rate;
	size_t lo = 0, hi = s->n;

	if (d == 0)
		lo = s->n;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (s->points[mid].nbufs < distance)
			lo = mid + 1;
		else
			hi = mid;
	}
	s->mine[slot * (s->n + 1) + lo] += 1 / rate;
	s->hist[d == 0 ? BUCKETS : shards_bucket(distance)] += 1 / rate;
}

static void
shards_enter(struct shards *s, uint32_t page)
{
	const uint32_t slot = s->nfree > 0 ? s->free[--s->nfree] : s->used++;

	s->slot[page] = slot;
	s->page[slot] = page;
	shards_heap_add(s, slot);
	shards_count(s, slot, 0);
	stack_push(&s->stack, slot);
	if (s->count > s->max)
		shards_shrink(s);
}

static void
shards_play(struct shards *s, const struct eph_refs *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const uint32_t page = r->page[i];

		if (refs_hash(page, s->seed) >= s->threshold)
			continue;
		if (s->slot[page] == EPH_NONE)
			shards_enter(s, page);
		else
			shards_count(s, s->slot[page],
			    stack_use(&s->stack, s->slot[page]));
	}
	for (uint32_t i = 0; i < s->count; i++)
		shards_settle(s, s->heap[i]);
}

/* Weight of the references that miss with `size` buffers. */
static double
shards_misses(const struct shards *s, double size)
{
	double misses = s->hist[BUCKETS];
	uint32_t from = size < 1 ? 0 : shards_bucket(size) + 1;

	for (uint32_t b = from; b < BUCKETS; b++)
		misses += s->hist[b];
	return (misses);
}

static double
shards_error(const struct shards *s, size_t j)
{
	const double rate = shards_rate(s), size = s->points[j].nbufs;
	const double reach = 2 * sqrt((1 - rate) / (rate * size));
	const double here = shards_misses(s, size);
	const double below =
	    shards_misses(s, reach < 1 ? size * (1 - reach) : 0) - here;
	const double above = here - shards_misses(s, size * (1 + reach));

	return (2 * sqrt((1 - rate) * s->square[j]) + fmax(below, above));
}

static int
shards_run(struct shards *s, const struct eph_refs *r, struct eph_err *err)
{
	if (shards_init(s, r->npages) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory for SHARDS"));
	shards_play(s, r);
	for (size_t j = 0; j < s->n; j++) {
		const double all = r->n > 0 ? (double)r->n : 1;

		s->points[j].miss_ratio = fmin(s->miss[j] / all, 1);
		s->points[j].error = fmin(shards_error(s, j) / all, 1);
	}
	shards_fini(s);
	return (0);
}

int
eph_mrc_shards(const struct eph_refs *r, double rate, uint64_t seed,
    struct eph_mrc_point *points, size_t n, struct eph_err *err)
{
	struct shards s = { .points = points,
		.n = n,
		.seed = seed,
		.threshold = refs_threshold(rate) };

	/* One more than will be chosen, so that the threshold stays. */
	for (uint32_t page = 0; page < r->npages; page++)
		s.max += refs_hash(page, seed) < s.threshold;
	s.max++;
	return (shards_run(&s, r, err));
}

int
eph_mrc_shards_fixed(const struct eph_refs *r, uint32_t pages_max,
    uint64_t seed, struct eph_mrc_point *points, size_t n, double *ratep,
    struct eph_err *err)
{
	struct shards s = { .points = points,
		.n = n,
		.seed = seed,
		.threshold = (uint64_t)1 << 32,
		.max = pages_max };
	const int error = shards_run(&s, r, err);

	KASSERT(pages_max > 0, "a sample of no page");
	if (error == 0 && ratep != NULL)
		*ratep = shards_rate(&s);
	return (error);
}
