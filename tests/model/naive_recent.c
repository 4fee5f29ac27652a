/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The policies of 2017 and later once more, LRU-K and RANDOM, from their papers
 * and artifacts: see naive_policies.h.
 */

#include "naive_kit.h"

/* Parameters over the defaults, in the order of `names`. */
static void
naive_knobs(struct naive *s, const char *const *names, const double *defaults)
{
	for (unsigned i = 0; names[i] != NULL; i++)
		s->knob[i] = naive_param(s, names[i], defaults[i]);
}

/*
 * S4-FIFO and Clock2Q+: q[0] small, q[1] main, q[3] ghosts; `when` is the
 * number of the arrival in the small queue, `age` counts them.
 */
enum { SMALL_SHARE, GHOST_SHARE, THRESHOLD, GHOST_THRESHOLD, SKIP, MOST, WARM };

static int
s4_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	static const char *const names[] = { "small", "ghost", "threshold",
		"ghost_threshold", "skip", NULL };
	static const double defaults[] = { 0.1, 0.9, 2, 0, 0 };
	struct naive *s;

	(void)naive_create(env, psp, err);
	s = *psp;
	naive_knobs(s, names, defaults);
	s->knob[SKIP] =
	    floor(s->knob[SKIP] * floor(s->n * s->knob[SMALL_SHARE]));
	s->knob[MOST] = 3;
	return (0);
}

static int
c2q_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	static const char *const names[] = { "small", "ghost", "", "", "window",
		NULL };
	static const double defaults[] = { 0.1, 0.9, 1, 0, 0.5 };
	struct naive *s;

	(void)naive_create(env, psp, err);
	s = *psp;
	naive_knobs(s, names, defaults);
	s->knob[THRESHOLD] = 1;
	s->knob[GHOST_THRESHOLD] = 0;
	s->knob[SKIP] = s->knob[SKIP] * floor(s->n * s->knob[SMALL_SHARE]);
	s->knob[MOST] = 1;
	s->knob[WARM] = 1;
	return (0);
}

/* A lookup of a page that the small queue does not have. */
static void
s4_look(struct naive *s, uint32_t page)
{
	s->again = false;
	if (seq_find(&s->q[3], page) < 0)
		return;
	if (s->ghost_uses[page] >= (uint64_t)s->knob[GHOST_THRESHOLD])
		s->again = seq_remove(&s->q[3], page);
	else
		s->ghost_uses[page]++;
}

static void
s4_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	if (!s->told)
		s4_look(s, page);
	naive_arrive(s, slot, page);
	if (s->again ||
	    (s->knob[WARM] == 1 && s->evictions == 0 &&
		s->q[0].n >= floor(s->n * s->knob[SMALL_SHARE]))) {
		seq_push(&s->q[1], slot);
		return;
	}
	seq_push(&s->q[0], slot);
	s->when[slot] = ++s->age;
}

static void
s4_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if (seq_find(&s->q[0], slot) >= 0) {
		if ((double)(s->age - s->when[slot]) < s->knob[SKIP])
			return;
	} else {
		s4_look(s, s->page[slot]);
	}
	if (s->bits[slot] < s->knob[MOST])
		s->bits[slot]++;
}

static uint32_t
s4_from(struct naive *s, unsigned from)
{
	uint32_t i;

	while ((i = oldest(s, &s->q[from])) != EPH_NONE) {
		if (s->bits[i] < (from == 0 ? s->knob[THRESHOLD] : 1))
			return (i);
		s->bits[i] = from == 0 ? 0 : s->bits[i] - 1;
		(void)seq_remove(&s->q[from], i);
		seq_push(&s->q[1], i);
	}
	return (EPH_NONE);
}

static uint32_t
s4_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const double main_max = s->n - floor(s->n * s->knob[SMALL_SHARE]);
	uint32_t i = EPH_NONE;

	if (all_pinned(s))
		return (EPH_NONE);
	s4_look(s, page);
	s->told = true;
	s->evictions++;
	while (i == EPH_NONE) {
		unsigned from = s->q[1].n > main_max || s->q[0].n == 0;

		if (oldest(s, &s->q[from]) == EPH_NONE)
			from = !from;
		i = s4_from(s, from);
	}
	if (seq_find(&s->q[0], i) >= 0) {
		if (seq_find(&s->q[3], s->page[i]) < 0)
			seq_push(&s->q[3], s->page[i]);
		s->ghost_uses[s->page[i]] = s->bits[i];
		if (s->q[3].n > floor(s->n * s->knob[GHOST_SHARE]))
			seq_drop_oldest(&s->q[3]);
	}
	naive_leave(s, i);
	return (i);
}

/* Delay-FR: `when` is the time of arrival or of the last hit that counted. */
static int
delay_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	static const char *const names[] = { "delay", "bits", NULL };
	static const double defaults[] = { 0.05, 1 };

	(void)naive_create(env, psp, err);
	naive_knobs(*psp, names, defaults);
	return (0);
}

static void
delay_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	naive_arrive(s, slot, page); /* it counts the arrival in `now` */
	seq_push(&s->q[0], slot);
}

static void
delay_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if (s->bits[slot] + 1 < pow(2, s->knob[1]) &&
	    s->now - s->when[slot] > (uint64_t)(s->n * s->knob[0])) {
		s->bits[slot]++;
		s->when[slot] = s->now;
	}
}

static uint32_t
delay_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i;

	(void)page;
	while ((i = oldest(s, &s->q[0])) != EPH_NONE && s->bits[i] > 0) {
		s->bits[i]--;
		(void)seq_remove(&s->q[0], i);
		seq_push(&s->q[0], i);
		s->now++;
	}
	if (i != EPH_NONE)
		naive_leave(s, i);
	return (i);
}

/* AGE: `value` is the last use, `uses` the search that reinserted it. */
static int
age_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	static const char *const names[] = { "scale", "each", NULL };
	static const double defaults[] = { 0.1, 0 };

	(void)naive_create(env, psp, err);
	naive_knobs(*psp, names, defaults);
	return (0);
}

static void
age_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;
	const uint64_t now = s->now + (s->told ? 0 : 1);

	naive_arrive(s, slot, page);
	s->now = now;
	s->age++; /* misses */
	s->value[slot] = now;
	s->uses[slot] = 0;
	seq_push(&s->q[0], slot);
}

static void
age_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->bits[slot] = 1;
	s->value[slot] = ++s->now;
}

static uint32_t
age_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	double limit;
	bool recent = true, first = true;
	uint32_t i;

	(void)page;
	if (all_pinned(s))
		return (EPH_NONE);
	s->told = true;
	s->now++;
	limit = s->n / ((double)s->age / (double)s->now) * s->knob[0];
	for (;; first = false) {
		i = oldest(s, &s->q[0]);
		if (first || s->knob[1] == 1)
			recent = (double)(s->now - s->value[i]) < limit;
		if (s->bits[i] == 0 || !recent || s->uses[i] == s->now)
			break;
		s->bits[i] = 0;
		s->uses[i] = s->now;
		(void)seq_remove(&s->q[0], i);
		seq_push(&s->q[0], i);
	}
	naive_leave(s, i);
	return (i);
}

/*
 * LRU-K: `at` are the uses that count, the last first, 0: never; `uses` is
 * the last of any kind.  q[3]: pages remembered.
 */
struct lruk {
	struct naive s;
	uint64_t at[NAIVE_SLOTS_MAX][8], ghost_at[SEQ_MAX][8];
	uint64_t comes[8];
	uint32_t k;
	uint64_t correlated;
};

static int
lruk_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct lruk *s = *psp = naive_state(env, sizeof(*s));

	(void)err;
	s->k = (uint32_t)naive_param(&s->s, "k", 2);
	s->correlated = (uint64_t)naive_param(&s->s, "correlated", 0);
	return (0);
}

static void
lruk_tell(struct lruk *s, uint32_t page)
{
	if (s->s.told)
		return;
	s->s.told = true;
	s->s.now++;
	memset(s->comes, 0, sizeof(s->comes));
	if (seq_remove(&s->s.q[3], page))
		memcpy(s->comes, s->ghost_at[page], sizeof(s->comes));
}

static void
lruk_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lruk *s = ps;
	uint64_t now;

	lruk_tell(s, page);
	now = s->s.now;
	naive_arrive(&s->s, slot, page);
	s->s.now = s->s.uses[slot] = s->at[slot][0] = now;
	memcpy(&s->at[slot][1], s->comes, 7 * sizeof(s->comes[0]));
}

static void
lruk_hit(void *ps, uint32_t slot)
{
	struct lruk *s = ps;
	uint64_t *at = s->at[slot];
	const uint64_t period = s->s.uses[slot] - at[0];

	s->s.now++;
	if (s->s.now - s->s.uses[slot] > s->correlated) {
		/* The period just closed is one use, at its end. */
		for (unsigned i = 7; i > 0; i--)
			at[i] = at[i - 1] == 0 ? 0 : at[i - 1] + period;
		at[0] = s->s.now;
	}
	s->s.uses[slot] = s->s.now;
}

/* Is `a` to leave before `b`? */
static bool
lruk_before(const struct lruk *s, uint32_t a, uint32_t b)
{
	if (s->at[a][s->k - 1] != s->at[b][s->k - 1])
		return (s->at[a][s->k - 1] < s->at[b][s->k - 1]);
	return (s->s.uses[a] < s->s.uses[b]);
}

static uint32_t
lruk_victim(void *ps, uint32_t page)
{
	struct lruk *l = ps;
	struct naive *s = ps;
	uint32_t best = EPH_NONE, any = EPH_NONE;

	if (all_pinned(s))
		return (EPH_NONE);
	lruk_tell(l, page);
	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->cached[i] || s->pinned[i])
			continue;
		if (any == EPH_NONE || lruk_before(l, i, any))
			any = i;
		if (s->now - s->uses[i] > l->correlated &&
		    (best == EPH_NONE || lruk_before(l, i, best)))
			best = i;
	}
	if (best == EPH_NONE)
		best = any;
	seq_push(&s->q[3], s->page[best]);
	memcpy(l->ghost_at[s->page[best]], l->at[best], sizeof(l->comes));
	if (s->q[3].n > floor(naive_param(s, "history", 2) * s->n))
		seq_drop_oldest(&s->q[3]);
	naive_leave(s, best);
	return (best);
}

/*
 * Hyperbolic: q[3] is the array from which is drawn, in the order in which
 * it is kept; `when` is the arrival.
 */
static void
hyper_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;
	const uint64_t now = s->now + (s->told ? 0 : 1);

	naive_arrive(s, slot, page);
	s->when[slot] = s->now = now;
}

static void
hyper_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->now++;
	s->uses[slot]++;
}

static void
hyper_pin(void *ps, uint32_t slot)
{
	struct naive *s = ps;
	const int at = seq_find(&s->q[3], slot);

	s->pinned[slot] = true;
	if (at >= 0)
		s->q[3].v[at] = s->q[3].v[--s->q[3].n];
}

static void
hyper_release(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->pinned[slot] = false;
	s->q[3].v[s->q[3].n++] = slot;
}

static void
hyper_forget(void *ps, uint32_t slot)
{
	hyper_pin(ps, slot);
	naive_leave(ps, slot);
}

/* RANDOM draws from the same array. */
static void
random_insert(void *ps, uint32_t slot, uint32_t page)
{
	naive_arrive(ps, slot, page);
}

static void
random_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

static uint32_t
random_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i;

	(void)page;
	if (s->q[3].n == 0)
		return (EPH_NONE);
	i = s->q[3].v[prng_below(&s->rng, s->q[3].n)];
	hyper_forget(s, i);
	return (i);
}

static uint32_t
hyper_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t best = EPH_NONE;
	double least = 0;

	(void)page;
	if (s->q[3].n == 0)
		return (EPH_NONE);
	s->told = true;
	s->now++;
	for (unsigned i = 0; i < naive_param(s, "samples", 64); i++) {
		const uint32_t x = s->q[3].v[prng_below(&s->rng, s->q[3].n)];
		const double worth =
		    (double)s->uses[x] / (double)(s->now - s->when[x]);

		if (best == EPH_NONE || worth < least) {
			best = x;
			least = worth;
		}
	}
	hyper_forget(s, best);
	return (best);
}

/*
 * Merlin: q[0] filter, q[1] staging, q[2] core, q[3] ghosts by page;
 * `bits` and `ghost_uses` are the counters, `value` 1: put into staging
 * with a ghost.  What is hot is counted anew whenever it is asked.
 */
static int
merlin_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	static const char *const names[] = { "minimal", NULL };
	static const double defaults[] = { 0 };

	(void)naive_create(env, psp, err);
	naive_knobs(*psp, names, defaults);
	((struct naive *)*psp)->guard = 2;
	return (0);
}

static double
merlin_filter_max(const struct naive *s)
{
	return (at_least(naive_param(s, "filter", 0.1) * s->n, 1));
}

static double
merlin_core_max(const struct naive *s)
{
	return (fmax(0,
	    s->n - merlin_filter_max(s) -
		at_least(naive_param(s, "staging", 0.05) * s->n, 1)));
}

static uint32_t
merlin_hot(const struct naive *s, uint32_t freq)
{
	uint32_t hot = 0;

	for (uint32_t i = 0; i < s->n; i++)
		hot += s->cached[i] && s->bits[i] >= freq;
	for (uint32_t i = 0; i < s->q[3].n; i++)
		hot += s->ghost_uses[s->q[3].v[i]] >= freq;
	return (hot);
}

/* The ten counters of a page, and the least of them. */
static uint32_t
merlin_sketch(const struct naive *s, uint32_t page, uint32_t at[10])
{
	const uint32_t m = (uint32_t)ceil(14.377587566358674 * s->n);
	uint64_t x = (page + (uint64_t)1) * 0x9e3779b97f4a7c15u;
	uint32_t least = UINT32_MAX;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	for (uint32_t i = 0; i < 10; i++) {
		at[i] = ((uint32_t)x + i * (uint32_t)(x >> 32)) % m;
		if (s->counter[at[i]] < least)
			least = s->counter[at[i]];
	}
	return (least);
}

static void
merlin_passed(struct naive *s, uint32_t page)
{
	uint32_t at[10];
	const uint32_t least = merlin_sketch(s, page, at);

	for (uint32_t i = 0; i < 10; i++) {
		if (s->knob[0] == 0 || s->counter[at[i]] == least)
			s->counter[at[i]]++;
	}
}

static void
merlin_tell(struct naive *s, uint32_t page)
{
	if (s->told)
		return;
	s->told = true;
	s->p = 0; /* 0: to the filter, 1: to staging, 2: to the core */
	if (seq_find(&s->q[3], page) < 0)
		return;
	if (s->ghost_uses[page] < 7)
		s->ghost_uses[page]++;
	s->age = s->ghost_uses[page];
	s->p = s->age >= s->guard ? 2 : 1;
}

static void
merlin_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	merlin_tell(s, page);
	naive_arrive(s, slot, page);
	s->value[slot] = 0;
	if (s->q[0].n == 0 && s->q[1].n == 0) {
		seq_push(&s->q[2], slot);
		return;
	}
	seq_push(&s->q[(unsigned)s->p], slot);
	if (s->p == 1) {
		merlin_passed(s, page);
		s->value[slot] = 1;
	}
	if (s->p == 2) {
		(void)seq_remove(&s->q[3], page);
		s->bits[slot] = (uint32_t)s->age;
	}
}

static void
merlin_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if (s->bits[slot] < 7)
		s->bits[slot]++;
}

static void
merlin_move(struct naive *s, uint32_t slot, unsigned to)
{
	for (unsigned i = 0; i < 3; i++)
		(void)seq_remove(&s->q[i], slot);
	seq_push(&s->q[to], slot);
}

static void
merlin_remember(struct naive *s, uint32_t slot)
{
	(void)seq_remove(&s->q[3], s->page[slot]);
	seq_push(&s->q[3], s->page[slot]);
	s->ghost_uses[s->page[slot]] = s->bits[slot];
}

static bool
merlin_compare(struct naive *s)
{
	const uint32_t f = oldest(s, &s->q[0]), c = oldest(s, &s->q[1]);
	uint32_t at[10], passed;

	if (f == EPH_NONE || c == EPH_NONE || s->bits[c] > 0)
		return (false);
	passed = merlin_sketch(s, s->page[f], at);
	if (passed > 32 || passed <= merlin_sketch(s, s->page[c], at))
		return (false);
	merlin_passed(s, s->page[f]);
	merlin_remember(s, f);
	merlin_move(s, f, 1);
	s->bits[f] = 0;
	s->value[f] = 1;
	return (true);
}

static uint32_t
merlin_filter(struct naive *s)
{
	uint32_t f, c;

	while (
	    (f = oldest(s, &s->q[0])) != EPH_NONE && s->bits[f] >= s->guard) {
		s->bits[f] = 0;
		merlin_passed(s, s->page[f]);
		merlin_move(s, f, 2);
	}
	if (f == EPH_NONE)
		return (EPH_NONE);
	c = oldest(s, &s->q[1]);
	if (merlin_compare(s))
		return (c);
	merlin_remember(s, f);
	merlin_passed(s, s->page[f]);
	return (f);
}

static uint32_t
merlin_staging(struct naive *s)
{
	uint32_t i;

	for (;;) {
		while (s->q[2].n > merlin_core_max(s) &&
		    (i = oldest(s, &s->q[2])) != EPH_NONE) {
			merlin_move(s, i, 1);
			s->value[i] = 0;
		}
		if (oldest(s, &s->q[1]) == EPH_NONE) {
			if ((i = oldest(s, &s->q[2])) == EPH_NONE)
				return (oldest(s, &s->q[0]));
			merlin_move(s, i, 1);
			s->value[i] = 0;
		}
		while (
		    (i = oldest(s, &s->q[1])) != EPH_NONE && s->bits[i] > 0) {
			if (s->value[i])
				(void)seq_remove(&s->q[3], s->page[i]);
			s->value[i] = 0;
			merlin_passed(s, s->page[i]);
			s->bits[i]--;
			merlin_move(s, i, 2);
		}
		if (i != EPH_NONE)
			break;
	}
	(void)merlin_compare(s);
	return (i);
}

static void
merlin_clock(struct naive *s)
{
	uint32_t resident = 0;

	for (uint32_t i = 0; i < s->n; i++)
		resident += s->cached[i];
	if (++s->evictions == resident) {
		s->evictions = 0;
		if (++s->epochs >= naive_param(s, "epochs", 32)) {
			s->epochs = 0;
			for (unsigned i = 0; i < COUNTERS; i++)
				s->counter[i] /= 2;
		}
	}
	if (merlin_hot(s, s->guard) > s->q[2].n) {
		while (merlin_hot(s, s->guard) > s->q[2].n)
			s->guard++;
	} else {
		while (s->guard > 1 && merlin_hot(s, s->guard - 1) < s->q[2].n)
			s->guard--;
	}
}

static uint32_t
merlin_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i = EPH_NONE;

	if (all_pinned(s))
		return (EPH_NONE);
	merlin_tell(s, page);
	while (i == EPH_NONE) {
		const double most = merlin_filter_max(s);

		merlin_clock(s);
		if (s->q[0].n < most)
			i = merlin_staging(s);
		else if ((i = merlin_filter(s)) == EPH_NONE &&
		    s->q[0].n >= most)
			i = merlin_staging(s);
		if (i != EPH_NONE)
			naive_leave(s, i);
		if (s->q[3].n > floor(naive_param(s, "ghost", 1) * s->n))
			seq_drop_oldest(&s->q[3]);
	}
	return (i);
}

/* clang-format off */
static const struct eph_policy_ops naive_recent[] = {
	NAIVE("s4fifo", s4_create, s4_insert, s4_hit, naive_pin, naive_release,
	    naive_forget, s4_victim),
	NAIVE("clock2q+", c2q_create, s4_insert, s4_hit, naive_pin,
	    naive_release, naive_forget, s4_victim),
	NAIVE("delay-fr", delay_create, delay_insert, delay_hit, naive_pin,
	    naive_release, naive_forget, delay_victim),
	NAIVE("age", age_create, age_insert, age_hit, naive_pin, naive_release,
	    naive_forget, age_victim),
	NAIVE("lru-k", lruk_create, lruk_insert, lruk_hit, naive_pin,
	    naive_release, naive_forget, lruk_victim),
	NAIVE("hyperbolic", naive_create, hyper_insert, hyper_hit, hyper_pin,
	    hyper_release, hyper_forget, hyper_victim),
	NAIVE("random", naive_create, random_insert, random_hit, hyper_pin,
	    hyper_release, hyper_forget, random_victim),
	NAIVE("merlin", merlin_create, merlin_insert, merlin_hit, naive_pin,
	    naive_release, naive_forget, merlin_victim),
};
/* clang-format on */

const struct eph_policy_ops *
naive_find_recent(const char *name)
{
	const size_t n = sizeof(naive_recent) / sizeof(naive_recent[0]);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(naive_recent[i].name, name) == 0)
			return (&naive_recent[i]);
	}
	return (naive_find_learned(name));
}
