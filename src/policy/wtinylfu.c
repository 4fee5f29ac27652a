/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * W-TinyLFU: every page arrives in a small LRU window (1 % of the buffers
 * at first).  What the window cannot hold competes with the page that the
 * main part, a segmented LRU with 80 % protected, would give up: the one
 * used less often leaves.  Uses are counted for all pages, cached or not,
 * in a count-min sketch of four rows of 4-bit counters, halved every 10 N
 * references.
 *
 * No bypass is needed: the page that is missed goes to the window, and it
 * is the window's oldest that may lose.
 *
 * The window adapts by hill climbing, as in Caffeine: every 10 N references
 * its size goes on in the same direction if the hit rate did not fall, else
 * back; steps are 6.25 % of the buffers, decay by 0.98, and start again
 * when the hit rate moved by 5 % or more.  A loser used at least six times
 * is let in once in 128, against patterns made to collide.
 *
 * The climber makes the curve uneven: more buffers can miss more (OLTP at
 * 16,000 against 12,000).  Caffeine's own does so too, and with the window
 * fixed neither does; doc/policies.md has the numbers.  Unlike Caffeine's
 * this one samples while the buffers fill, too.
 *
 * Einziger, Friedman, Manes, ACM TOS 2017; Einziger, Eytan, Friedman,
 * Manes, Middleware 2018.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) wtinylfu_##fn

#define SAMPLE	     10u /* references, times the buffers */
#define STEP	     0.0625
#define STEP_DECAY   0.98
#define RESTART	     0.05
#define LUCKY_USES   6u
#define LUCKY_ONE_IN 128u
#define ROWS	     4u
#define COUNTER_MAX  15u
#define HALF_MASK    0x7777777777777777u
#define ODD_MASK     0x1111111111111111u

enum { WINDOW = 1, PROBATION, PROTECTED };

struct wtinylfu {
	struct lists l;
	uint64_t *sketch; /* 16 counters in each */
	uint32_t sketch_mask;
	uint32_t counted; /* since the counters were halved */
	uint32_t sample;
	uint32_t window_max, protected_max;
	bool adapts;
	uint32_t hits, misses; /* in this sample */
	double hit_rate;       /* of the last one */
	double step;
	struct prng rng;
};

static size_t
wtinylfu_sketch_bytes(const struct wtinylfu *w)
{
	return (((size_t)w->sketch_mask + 1) * sizeof(*w->sketch));
}

static void
wtinylfu_destroy(void *ps)
{
	struct wtinylfu *w = ps;

	eph_mem_free(w->l.c.mem, w->sketch, wtinylfu_sketch_bytes(w));
	lists_destroy(w, sizeof(*w));
}

static const struct eph_policy_param wtinylfu_params[] = {
	{ "window", 0.01, 0, 1, "share of the buffers in the window at first" },
	{ "protected", 0.8, 0, 1, "share of the main part that is protected" },
	{ "adapt", 1, 0, 1, "1: the window climbs, 0: it stays" },
	{ NULL, 0, 0, 0, NULL },
};

static int
wtinylfu_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_wtinylfu, env->params, v, err);
	const uint32_t n = env->nslots;
	struct wtinylfu *w;

	if (error != 0)
		return (error);
	if ((w = lists_create(env, sizeof(*w), 0)) == NULL)
		return (eph__policy_nomem(env, "wtinylfu", err));
	w->l.cached = LISTS_MAX; /* there are no ghosts */
	w->sketch_mask = 7;
	while (w->sketch_mask + 1 < n)
		w->sketch_mask = 2 * w->sketch_mask + 1;
	w->sketch = eph_mem_alloc(env->mem, wtinylfu_sketch_bytes(w));
	if (w->sketch == NULL) {
		lists_destroy(w, sizeof(*w));
		return (eph__policy_nomem(env, "wtinylfu", err));
	}
	w->sample = n < UINT32_MAX / SAMPLE ? n * SAMPLE : UINT32_MAX;
	w->window_max = policy_share(n, v[0], 1);
	w->protected_max = policy_share(n - w->window_max, v[1], 0);
	w->adapts = v[2] != 0;
	w->step = -STEP * n;
	eph__prng_init(&w->rng, env->seed, 0);
	*psp = w;
	return (0);
}

/* Sketch. */
static inline uint64_t
wtinylfu_hash(uint32_t page)
{
	uint64_t x = (page + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31));
}

/* Row `row` of the page: which word, and sets *shift to the counter in it. */
static inline uint64_t *
wtinylfu_counter(
    const struct wtinylfu *w, uint64_t hash, unsigned row, unsigned *shift)
{
	const uint64_t h = (hash >> 16 * row ^ hash) * 0x9fb21c651e98df25u;

	*shift = (unsigned)((hash >> 2 * row & 3) + 4 * row) * 4;
	return (&w->sketch[(uint32_t)(h >> 32) & w->sketch_mask]);
}

static inline unsigned
wtinylfu_uses(const struct wtinylfu *w, uint32_t page)
{
	const uint64_t hash = wtinylfu_hash(page);
	unsigned least = COUNTER_MAX, shift;

	for (unsigned row = 0; row < ROWS; row++) {
		const uint64_t *c = wtinylfu_counter(w, hash, row, &shift);
		const unsigned uses = (unsigned)(*c >> shift & COUNTER_MAX);

		if (uses < least)
			least = uses;
	}
	return (least);
}

static void
wtinylfu_halve(struct wtinylfu *w)
{
	uint64_t odd = 0;

	for (size_t i = 0; i <= w->sketch_mask; i++) {
		uint64_t ones = w->sketch[i] & ODD_MASK;

		for (; ones != 0; ones &= ones - 1)
			odd++;
		w->sketch[i] = w->sketch[i] >> 1 & HALF_MASK;
	}
	w->counted = (uint32_t)((w->counted - odd / ROWS) / 2);
}

static inline void
wtinylfu_use(struct wtinylfu *w, uint32_t page)
{
	const uint64_t hash = wtinylfu_hash(page);
	bool added = false;
	unsigned shift;

	for (unsigned row = 0; row < ROWS; row++) {
		uint64_t *c = wtinylfu_counter(w, hash, row, &shift);

		if ((*c >> shift & COUNTER_MAX) < COUNTER_MAX) {
			*c += (uint64_t)1 << shift;
			added = true;
		}
	}
	if (added && ++w->counted >= w->sample)
		wtinylfu_halve(w);
}

/* Window. */
static void
wtinylfu_limit_protected(struct wtinylfu *w)
{
	while (lists_count(&w->l, PROTECTED) > w->protected_max)
		lists_move(&w->l, lists_tail(&w->l, PROTECTED), PROBATION);
}

static void
wtinylfu_widen(struct wtinylfu *w, uint32_t by)
{
	if (by > w->protected_max)
		by = w->protected_max;
	w->protected_max -= by;
	w->window_max += by;
	wtinylfu_limit_protected(w);
	for (; by > 0 && lists_count(&w->l, PROBATION) > 0; by--)
		lists_move(&w->l, lists_tail(&w->l, PROBATION), WINDOW);
}

static void
wtinylfu_narrow(struct wtinylfu *w, uint32_t by)
{
	if (by > w->window_max - 1)
		by = w->window_max - 1;
	w->window_max -= by;
	w->protected_max += by;
	while (lists_count(&w->l, WINDOW) > w->window_max)
		lists_move(&w->l, lists_tail(&w->l, WINDOW), PROBATION);
}

static void
wtinylfu_climb(struct wtinylfu *w)
{
	const double rate = (double)w->hits / (w->hits + w->misses);
	const double change = rate - w->hit_rate;
	const double by = change >= 0 ? w->step : -w->step;

	if (change >= RESTART || change <= -RESTART)
		w->step = (by >= 0 ? STEP : -STEP) * w->l.c.nslots;
	else
		w->step = STEP_DECAY * by;
	w->hit_rate = rate;
	w->hits = w->misses = 0;
	if (by >= 0)
		wtinylfu_widen(w, (uint32_t)by);
	else
		wtinylfu_narrow(w, (uint32_t)-by);
}

static inline void
wtinylfu_tick(struct wtinylfu *w)
{
	if (w->hits + w->misses >= w->sample && w->adapts)
		wtinylfu_climb(w);
}

static inline void
wtinylfu_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct wtinylfu *w = ps;

	wtinylfu_use(w, page);
	lists_insert(&w->l, slot, page, WINDOW);
	/* While it fills, what the window cannot hold is not contested. */
	if (lists_count(&w->l, WINDOW) > w->window_max)
		lists_move(&w->l, lists_tail(&w->l, WINDOW), PROBATION);
	w->misses++;
	wtinylfu_tick(w);
}

static inline void
wtinylfu_hit(void *ps, uint32_t slot)
{
	struct wtinylfu *w = ps;

	wtinylfu_use(w, w->l.n[slot].page);
	lists_move(
	    &w->l, slot, w->l.n[slot].list == WINDOW ? WINDOW : PROTECTED);
	if (lists_count(&w->l, PROTECTED) > w->protected_max)
		wtinylfu_limit_protected(w);
	w->hits++;
	wtinylfu_tick(w);
}

/* Whether the window's page takes the place of the main part's. */
static inline bool
wtinylfu_admit(struct wtinylfu *w, uint32_t candidate, uint32_t victim)
{
	const unsigned uses = wtinylfu_uses(w, w->l.n[candidate].page);

	if (uses > wtinylfu_uses(w, w->l.n[victim].page))
		return (true);
	return (uses >= LUCKY_USES && prng_below(&w->rng, LUCKY_ONE_IN) == 0);
}

static inline uint32_t
wtinylfu_victim(void *ps, uint32_t page)
{
	struct wtinylfu *w = ps;
	uint32_t candidate, victim;

	(void)page;
	if (lists_all_pinned(&w->l))
		return (EPH_NONE);
	if ((victim = lists_victim(&w->l, PROBATION)) == EPH_NONE)
		victim = lists_victim(&w->l, PROTECTED);
	/* No buffer is free, so the window is full. */
	candidate = lists_victim(&w->l, WINDOW);
	if (victim == EPH_NONE) {
		victim = candidate;
	} else if (candidate != EPH_NONE) {
		if (wtinylfu_admit(w, candidate, victim))
			lists_move(&w->l, candidate, PROBATION);
		else
			victim = candidate;
	}
	lists_remove(&w->l, victim);
	return (victim);
}

static void
wtinylfu_check(void *ps)
{
	struct wtinylfu *w = ps;

	eph__lists_check(&w->l, PROTECTED);
	if (lists_count(&w->l, PROTECTED) > w->protected_max ||
	    w->window_max + w->protected_max > w->l.c.nslots)
		PANIC("wtinylfu: a part is too large");
}

#define wtinylfu_pin	      lists_pin
#define wtinylfu_release      lists_release
#define wtinylfu_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct wtinylfu *)(ps))->l.n[slot])
#define POLICY_LISTS(ps)      (&((struct wtinylfu *)(ps))->l)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_wtinylfu = {
	.name = "wtinylfu",
	.summary = "LRU window, admission by a frequency sketch, adaptive",
	.origin = "Einziger et al., ACM TOS 2017, Middleware 2018",
	.params = wtinylfu_params,
	.by_page = true,
	POLICY_CALLS,
};
