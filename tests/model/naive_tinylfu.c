/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * W-TinyLFU once more, from its papers: see naive_policies.h.  The hash of
 * the sketch and the random numbers are those of the policy.
 */

#include "naive_kit.h"

enum { WINDOW, PROBATION, PROTECTED }; /* q[0] to q[2] */

struct tiny {
	struct naive s;
	uint32_t words; /* of 16 counters, four for each row */
	uint32_t window_max, protected_max;
	uint64_t counted;    /* uses since the counters were halved */
	uint64_t refs, hits; /* since the window was last moved */
	double rate, way;    /* of hits then; how far to go, and where to */
};

static int
tiny_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct tiny *t = *psp = naive_state(env, sizeof(*t));

	(void)err;
	for (t->words = 8; t->words < t->s.n;)
		t->words *= 2;
	t->window_max =
	    at_least(t->s.n * naive_param(&t->s, "window", 0.01), 1);
	t->protected_max = at_least(
	    (t->s.n - t->window_max) * naive_param(&t->s, "protected", 0.8), 0);
	t->way = -0.0625 * t->s.n; /* towards a smaller window at first */
	return (0);
}

/* The page's counter in a row: one of four in one of the words. */
static uint32_t *
tiny_counter(struct tiny *t, uint32_t page, uint32_t row)
{
	uint64_t x = (page + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u, y;
	uint32_t word, of_four;

	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	y = ((x >> (16 * row)) ^ x) * 0x9fb21c651e98df25u;
	word = (uint32_t)(y >> 32) % t->words;
	of_four = (uint32_t)(x >> (2 * row)) % 4;
	return (&t->s.counter[(word * 4 + row) * 4 + of_four]);
}

static uint32_t
tiny_uses(struct tiny *t, uint32_t page)
{
	uint32_t least = 15;

	for (uint32_t row = 0; row < 4; row++) {
		if (*tiny_counter(t, page, row) < least)
			least = *tiny_counter(t, page, row);
	}
	return (least);
}

/* All counters are half of what they were; so is the number of uses. */
static void
tiny_halve(struct tiny *t)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < 16 * t->words; i++) {
		lost += t->s.counter[i] % 2;
		t->s.counter[i] /= 2;
	}
	t->counted = (t->counted - lost / 4) / 2;
}

static void
tiny_use(struct tiny *t, uint32_t page)
{
	bool full = true;

	for (uint32_t row = 0; row < 4; row++) {
		uint32_t *c = tiny_counter(t, page, row);

		if (*c < 15) {
			++*c;
			full = false;
		}
	}
	if (full)
		return;
	if (++t->counted == 10 * (uint64_t)t->s.n)
		tiny_halve(t);
}

static void
tiny_move(struct tiny *t, uint32_t slot, unsigned to)
{
	for (unsigned i = WINDOW; i <= PROTECTED; i++)
		(void)seq_remove(&t->s.q[i], slot);
	seq_push(&t->s.q[to], slot);
}

static void
tiny_last(struct tiny *t, unsigned from, unsigned to)
{
	tiny_move(t, t->s.q[from].v[t->s.q[from].n - 1], to);
}

/* The window takes `by` buffers from the protected part, or gives them. */
static void
tiny_resize(struct tiny *t, double way)
{
	uint32_t by = (uint32_t)fabs(way);

	if (way >= 0) {
		by = by < t->protected_max ? by : t->protected_max;
		t->window_max += by;
		t->protected_max -= by;
		while (t->s.q[PROTECTED].n > t->protected_max)
			tiny_last(t, PROTECTED, PROBATION);
		while (by-- > 0 && t->s.q[PROBATION].n > 0)
			tiny_last(t, PROBATION, WINDOW);
		return;
	}
	by = by < t->window_max - 1 ? by : t->window_max - 1;
	t->window_max -= by;
	t->protected_max += by;
	while (t->s.q[WINDOW].n > t->window_max)
		tiny_last(t, WINDOW, PROBATION);
}

/* A hill is climbed: on while the rate of hits does not fall, else back. */
static void
tiny_tick(struct tiny *t, bool hit)
{
	double rate, change, way;

	t->refs++;
	t->hits += hit;
	if (naive_param(&t->s, "adapt", 1) == 0 ||
	    t->refs < 10 * (uint64_t)t->s.n)
		return;
	rate = (double)t->hits / (double)t->refs;
	change = rate - t->rate;
	way = change < 0 ? -t->way : t->way;
	t->way = 0.98 * way;
	if (fabs(change) >= 0.05)
		t->way = (way < 0 ? -0.0625 : 0.0625) * t->s.n;
	t->rate = rate;
	t->refs = t->hits = 0;
	tiny_resize(t, way);
}

static void
tiny_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct tiny *t = ps;

	tiny_use(t, page);
	naive_arrive(&t->s, slot, page);
	seq_push(&t->s.q[WINDOW], slot);
	if (t->s.q[WINDOW].n > t->window_max)
		tiny_last(t, WINDOW, PROBATION);
	tiny_tick(t, false);
}

static void
tiny_hit(void *ps, uint32_t slot)
{
	struct tiny *t = ps;

	tiny_use(t, t->s.page[slot]);
	if (seq_find(&t->s.q[WINDOW], slot) >= 0)
		tiny_move(t, slot, WINDOW);
	else
		tiny_move(t, slot, PROTECTED);
	while (t->s.q[PROTECTED].n > t->protected_max)
		tiny_last(t, PROTECTED, PROBATION);
	tiny_tick(t, true);
}

static uint32_t
tiny_victim(void *ps, uint32_t page)
{
	struct tiny *t = ps;
	const uint32_t newer = oldest(&t->s, &t->s.q[WINDOW]);
	uint32_t older = oldest(&t->s, &t->s.q[PROBATION]), leaves, a, b;

	(void)page;
	if (all_pinned(&t->s))
		return (EPH_NONE);
	if (older == EPH_NONE)
		older = oldest(&t->s, &t->s.q[PROTECTED]);
	if (older == EPH_NONE) {
		leaves = newer;
	} else if (newer == EPH_NONE) {
		leaves = older;
	} else {
		a = tiny_uses(t, t->s.page[newer]);
		b = tiny_uses(t, t->s.page[older]);
		leaves = newer;
		if (a > b || (a >= 6 && prng_below(&t->s.rng, 128) == 0)) {
			leaves = older;
			tiny_move(t, newer, PROBATION);
		}
	}
	naive_leave(&t->s, leaves);
	return (leaves);
}

/* clang-format off */
static const struct eph_policy_ops naive_tinylfu =
	NAIVE("wtinylfu", tiny_create, tiny_insert, tiny_hit, naive_pin,
	    naive_release, naive_forget, tiny_victim);
/* clang-format on */

const struct eph_policy_ops *
naive_find_tinylfu(const char *name)
{
	return (strcmp(naive_tinylfu.name, name) == 0 ? &naive_tinylfu : NULL);
}
