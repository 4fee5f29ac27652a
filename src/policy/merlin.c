/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Merlin: four FIFOs.  New pages pass a filter (10 % of the buffers); the
 * core holds what proved hot, staging (5 %) what may yet, and as many
 * ghosts as buffers keep what the filter dropped, with its counter.
 *
 * Counters go to 7.  hot[f] is how many pages, ghosts too, have a counter
 * of at least f, and the guard is the smallest f for which they about fill
 * the core: it is what leads from the filter, or from a ghost, to the core.
 * What it does not lead there is compared with staging's oldest by a
 * counting Bloom filter of pages that passed before, halved every 32 epochs
 * (an epoch is as many evictions as there are buffers).
 *
 * Merlin, OSDI 2026, and its artifact.  That names its filter "minimal
 * increment", where an addition raises the smallest of a page's counters
 * only, and raises all of them; so does this, for the figures published.
 * minimal=1 does what the name says.
 */

#include <math.h>

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) merlin_##fn

#define FREQ_MAX     7u
#define GUARD_FIRST  2u
#define HASHES	     10u		/* for one wrong answer in 1,000 */
#define COUNTERS_PER 14.377587566358674 /* for each page, for the same */

enum { FILTER = 1, STAGING, CORE, GHOST };

/* node.bits: a page in staging that was put there with a ghost. */
enum { HAS_GHOST = 1 };

struct merlin {
	struct lists l;
	uint32_t filter_max, core_max, ghost_max;
	uint32_t hot[FREQ_MAX + 2]; /* hot[0] is not kept */
	uint32_t guard;
	uint32_t evictions, epochs, halve;
	bool minimal;
	bool to_core, to_staging; /* where the page that arrives goes */
	uint8_t freq;		  /* with that counter, to the core */
	uint32_t ncounters;
	uint16_t *counter;
};

static const struct eph_policy_param merlin_params[] = {
	{ "filter", 0.1, 0, 1, "share of the buffers for new pages" },
	{ "staging", 0.05, 0, 1, "share of the buffers for staging" },
	{ "ghost", 1, 0, 8, "pages remembered, as a share of the buffers" },
	{ "epochs", 32, 1, 65535, "epochs between two halvings" },
	{ "minimal", 0, 0, 1, "1: an addition raises the smallest only" },
	{ NULL, 0, 0, 0, NULL },
};

static void
merlin_destroy(void *ps)
{
	struct merlin *s = ps;

	eph_mem_free(
	    s->l.c.mem, s->counter, s->ncounters * sizeof(*s->counter));
	lists_destroy(ps, sizeof(*s));
}

static void
merlin_sizes(struct merlin *s, const double *v)
{
	const uint32_t n = s->l.c.nslots;
	uint32_t staging = policy_share(n, v[1], 1);

	s->filter_max = policy_share(n, v[0], 1);
	if (s->filter_max > n)
		s->filter_max = n;
	s->core_max = n - s->filter_max;
	s->core_max -= staging < s->core_max ? staging : s->core_max;
	s->ghost_max = policy_share(n, v[2], 0);
}

static int
merlin_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[5];
	const int error =
	    eph_policy_params(&eph_policy_merlin, env->params, v, err);
	struct merlin *s;

	if (error != 0)
		return (error);
	s = lists_create(
	    env, sizeof(*s), policy_share(env->nslots, v[2], 0) + 2);
	if (s == NULL)
		return (eph__policy_nomem(env, "merlin", err));
	s->l.both = true;
	s->ncounters =
	    (uint32_t)fmin(ceil(COUNTERS_PER * env->nslots), UINT32_MAX / 2);
	if (s->ncounters < HASHES)
		s->ncounters = 2 * HASHES;
	s->counter =
	    eph_mem_alloc(env->mem, s->ncounters * sizeof(*s->counter));
	if (s->counter == NULL) {
		merlin_destroy(s);
		return (eph__policy_nomem(env, "merlin", err));
	}
	merlin_sizes(s, v);
	s->guard = GUARD_FIRST;
	s->halve = (uint32_t)v[3];
	s->minimal = v[4] != 0;
	*psp = s;
	return (0);
}

/* The Bloom filter. */
static inline uint64_t
merlin_hash(uint32_t page)
{
	uint64_t x = (page + (uint64_t)1) * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31));
}

/* Counter `i` of the page. */
static inline uint16_t *
merlin_counter(const struct merlin *s, uint64_t hash, uint32_t i)
{
	return (&s->counter[((uint32_t)hash + i * (uint32_t)(hash >> 32)) %
	    s->ncounters]);
}

static inline unsigned
merlin_estimate(const struct merlin *s, uint32_t page)
{
	const uint64_t hash = merlin_hash(page);
	unsigned least = UINT16_MAX;

	for (uint32_t i = 0; i < HASHES; i++) {
		const unsigned c = *merlin_counter(s, hash, i);

		least = c < least ? c : least;
	}
	return (least);
}

static inline void
merlin_passed(struct merlin *s, uint32_t page)
{
	const uint64_t hash = merlin_hash(page);
	const unsigned least = merlin_estimate(s, page);

	for (uint32_t i = 0; i < HASHES; i++) {
		uint16_t *c = merlin_counter(s, hash, i);

		if (*c < UINT16_MAX && (!s->minimal || *c == least))
			(*c)++;
	}
}

static void
merlin_epoch(struct merlin *s)
{
	s->evictions = 0;
	if (++s->epochs < s->halve)
		return;
	s->epochs = 0;
	for (uint32_t i = 0; i < s->ncounters; i++)
		s->counter[i] >>= 1;
}

/* A counter goes from `from` to `to`. */
static inline void
merlin_heat(struct merlin *s, uint32_t from, uint32_t to)
{
	for (uint32_t f = 1; f <= FREQ_MAX; f++)
		s->hot[f] += (uint32_t)(f <= to) - (uint32_t)(f <= from);
}

static inline void
merlin_adjust_guard(struct merlin *s)
{
	const uint32_t core = lists_count(&s->l, CORE);

	if (s->hot[s->guard] > core) {
		while (s->guard <= FREQ_MAX && s->hot[s->guard] > core)
			s->guard++;
		return;
	}
	while (s->guard > 1 && s->hot[s->guard - 1] < core)
		s->guard--;
}

/* Ghosts. */
static inline void
merlin_ghost_drop(struct merlin *s, uint32_t g)
{
	merlin_heat(s, s->l.n[g].freq, 0);
	lists_ghost_drop(&s->l, g);
}

/* Remember the page of `slot`, with its counter, which goes on counting. */
static inline void
merlin_remember(struct merlin *s, uint32_t slot)
{
	const uint32_t page = s->l.n[slot].page;
	const uint8_t freq = s->l.n[slot].freq;
	uint32_t g = lists_ghost(&s->l, page);

	if (g != EPH_NONE)
		merlin_ghost_drop(s, g);
	lists_ghost_add(&s->l, page, GHOST);
	if ((g = lists_ghost(&s->l, page)) != EPH_NONE)
		s->l.n[g].freq = freq;
	else
		merlin_heat(s, freq, 0);
}

static inline void
merlin_recall(struct merlin *s, uint32_t page)
{
	const uint32_t g = lists_ghost(&s->l, page);
	struct node *n;

	s->to_core = s->to_staging = false;
	if (g == EPH_NONE)
		return;
	n = &s->l.n[g];
	if (n->freq < FREQ_MAX) {
		merlin_heat(s, n->freq, n->freq + 1u);
		n->freq++;
	}
	s->freq = n->freq;
	s->to_core = n->freq >= s->guard;
	s->to_staging = !s->to_core;
}

static inline void
merlin_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct merlin *s = ps;
	uint32_t g;

	if (!s->l.ready)
		merlin_recall(s, page);
	s->l.ready = false;
	if (lists_count(&s->l, STAGING) + lists_count(&s->l, FILTER) == 0) {
		lists_insert(&s->l, slot, page, CORE);
		return;
	}
	if (!s->to_core && !s->to_staging) {
		lists_insert(&s->l, slot, page, FILTER);
		return;
	}
	lists_insert(&s->l, slot, page, s->to_core ? CORE : STAGING);
	if (s->to_staging) {
		merlin_passed(s, page);
		s->l.n[slot].bits = HAS_GHOST;
		return;
	}
	/* It may have been the oldest ghost, and be gone. */
	if ((g = lists_ghost(&s->l, page)) != EPH_NONE)
		merlin_ghost_drop(s, g);
	s->l.n[slot].freq = s->freq;
	merlin_heat(s, 0, s->freq);
}

static inline void
merlin_hit(void *ps, uint32_t slot)
{
	struct merlin *s = ps;
	struct node *n = &s->l.n[slot];

	if (n->freq < FREQ_MAX)
		s->hot[++n->freq]++;
}

static inline void
merlin_set(struct merlin *s, uint32_t slot, uint32_t freq)
{
	merlin_heat(s, s->l.n[slot].freq, freq);
	s->l.n[slot].freq = (uint8_t)freq;
}

static inline uint32_t
merlin_leave(struct merlin *s, uint32_t slot)
{
	lists_remove(&s->l, slot);
	return (slot);
}

/*
 * Put the filter's oldest in the place of staging's, if staging's is cold
 * and the filter's passed more often; never after more times than can be
 * true.  Returns whether it did.
 */
static bool
merlin_compare(struct merlin *s)
{
	const uint32_t f = lists_victim(&s->l, FILTER);
	const uint32_t c = lists_victim(&s->l, STAGING);
	unsigned passed;

	if (f == EPH_NONE || c == EPH_NONE || s->l.n[c].freq > 0)
		return (false);
	passed = merlin_estimate(s, s->l.n[f].page);
	if (passed > s->halve || passed <= merlin_estimate(s, s->l.n[c].page))
		return (false);
	merlin_passed(s, s->l.n[f].page);
	merlin_remember(s, f);
	lists_move(&s->l, f, STAGING);
	s->l.n[f].freq = 0;
	s->l.n[f].bits = HAS_GHOST;
	return (true);
}

/* Make room in the filter; EPH_NONE: all that it had went to the core. */
static uint32_t
merlin_from_filter(struct merlin *s)
{
	uint32_t f, c;

	while ((f = lists_victim(&s->l, FILTER)) != EPH_NONE &&
	    s->l.n[f].freq >= s->guard) {
		merlin_set(s, f, 0);
		merlin_passed(s, s->l.n[f].page);
		lists_move(&s->l, f, CORE);
	}
	if (f == EPH_NONE)
		return (EPH_NONE);
	c = lists_victim(&s->l, STAGING);
	if (merlin_compare(s))
		return (merlin_leave(s, c));
	merlin_remember(s, f);
	merlin_passed(s, s->l.n[f].page);
	return (merlin_leave(s, f));
}

/* Staging's pages that were hit go to the core, up to the first cold one. */
static uint32_t
merlin_cold(struct merlin *s)
{
	uint32_t i, g;

	while ((i = lists_victim(&s->l, STAGING)) != EPH_NONE &&
	    s->l.n[i].freq > 0) {
		if (s->l.n[i].bits == HAS_GHOST &&
		    (g = lists_ghost(&s->l, s->l.n[i].page)) != EPH_NONE)
			merlin_ghost_drop(s, g);
		s->l.n[i].bits = 0;
		merlin_passed(s, s->l.n[i].page);
		merlin_set(s, i, s->l.n[i].freq - 1u);
		lists_move(&s->l, i, CORE);
	}
	return (i);
}

/* What the core has above its size goes to staging; at least `least`. */
static bool
merlin_demote(struct merlin *s, uint32_t least)
{
	uint32_t i = EPH_NONE;

	while ((lists_count(&s->l, CORE) > s->core_max || least > 0) &&
	    (i = lists_victim(&s->l, CORE)) != EPH_NONE) {
		lists_move(&s->l, i, STAGING);
		s->l.n[i].bits = 0;
		least -= least > 0;
	}
	return (least == 0);
}

static uint32_t
merlin_from_staging(struct merlin *s)
{
	uint32_t i;

	do {
		(void)merlin_demote(s, 0);
		/* Only with pages held can there be nothing in staging. */
		if (lists_victim(&s->l, STAGING) == EPH_NONE &&
		    !merlin_demote(s, 1)) {
			i = lists_victim(&s->l, FILTER);
			merlin_set(s, i, 0);
			return (merlin_leave(s, i));
		}
	} while ((i = merlin_cold(s)) == EPH_NONE);
	(void)merlin_compare(s);
	return (merlin_leave(s, i));
}

static inline uint32_t
merlin_victim(void *ps, uint32_t page)
{
	struct merlin *s = ps;
	uint32_t i;

	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	merlin_recall(s, page);
	s->l.ready = true;
	do {
		if (++s->evictions == s->l.c.resident)
			merlin_epoch(s);
		merlin_adjust_guard(s);
		i = EPH_NONE;
		if (lists_count(&s->l, FILTER) < s->filter_max)
			i = merlin_from_staging(s);
		else if ((i = merlin_from_filter(s)) == EPH_NONE &&
		    lists_count(&s->l, FILTER) >= s->filter_max)
			i = merlin_from_staging(s); /* its pages are held */
		if (lists_count(&s->l, GHOST) > s->ghost_max)
			merlin_ghost_drop(s, lists_tail(&s->l, GHOST));
	} while (i == EPH_NONE);
	return (i);
}

static void
merlin_forget(void *ps, uint32_t slot)
{
	merlin_set(ps, slot, 0);
	lists_remove(ps, slot);
}

static void
merlin_check(void *ps)
{
	struct merlin *s = ps;
	uint32_t hot[FREQ_MAX + 2] = { 0 };

	eph__lists_check(&s->l, CORE);
	for (uint32_t i = 0; i < s->l.heads; i++) {
		const struct node *n = &s->l.n[i];

		if (i < s->l.c.nslots ? n->list == SLOT_EMPTY
				      : lists_ghost(&s->l, n->page) != i)
			continue;
		for (uint32_t f = 1; f <= n->freq; f++)
			hot[f]++;
	}
	for (uint32_t f = 1; f <= FREQ_MAX + 1; f++) {
		if (hot[f] != s->hot[f])
			PANIC("merlin: wrong number of hot pages");
	}
	if (lists_count(&s->l, GHOST) > s->ghost_max)
		PANIC("merlin: too many remembered");
}

#define merlin_pin	      lists_pin
#define merlin_release	      lists_release
#define POLICY_NEAR(ps, slot) (&((struct merlin *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_merlin = {
	.name = "merlin",
	.summary = "filter, staging and core FIFOs with a guard that adapts",
	.origin = "Merlin, OSDI 2026",
	.params = merlin_params,
	POLICY_CALLS,
};
