/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CACHEUS: as LeCaR, with experts that resist scans and churn and a
 * learning rate that adjusts itself.
 *
 * SR-LRU keeps two lists, S for pages seen again and Q (1 % at first) for
 * new ones and those that S had to give up; Q gives up pages.  A hit on a
 * page that S gave up says that S is too small, a miss on a new page that
 * Q dropped says that Q is.  CR-LFU drops the least often used page, among
 * equals the most recent.  The learning rate climbs the hit rate once every
 * N references, from sqrt(2 ln 2 / N).
 *
 * After the authors' program; like it, a page that is missed while
 * remembered keeps the count it left with.  Rates are rounded to a
 * thousandth where it rounds them.
 *
 * Rodriguez et al., FAST 2021.
 */

#include <math.h>

#include "policy/experts.h"
#include "policy/list_policy.h"
#include "policy/ops_row.h"
#include "policy/ranks.h"

#define POLICY(fn) cacheus_##fn

#define RATE_MIN 0.001
#define PATIENCE 10u /* bad periods before the rate starts again */

enum { S = 1, Q, LRU_GHOST, LFU_GHOST };
enum { IS_NEW = 0x1, DEMOTED = 0x2 };

struct cacheus_rate {
	double now, before, start;
	double value; /* in use; becomes `now` at the end of the period */
	double hit_rate;
	uint32_t hits; /* in this period */
	unsigned zero, negative;
};

struct cacheus {
	struct lists l;
	struct ranks f; /* by uses, the newest first */
	uint32_t *uses; /* of ghosts, by node of the lists */
	uint32_t ghost_max;
	uint32_t s_max, q_max;
	uint32_t demoted;  /* cached pages that S gave up */
	uint32_t new_lost; /* ghosts of new pages that Q dropped */
	uint32_t arrives;  /* uses of the page that arrives */
	bool again;	   /* it was remembered */
	uint64_t time;
	uint32_t left; /* of this period */
	double weight; /* of SR-LRU */
	struct cacheus_rate r;
	struct prng rng;
};

static void
cacheus_destroy(void *ps)
{
	struct cacheus *e = ps;

	eph_mem_free(e->l.c.mem, e->uses, e->l.heads * sizeof(*e->uses));
	eph__ranks_fini(&e->f);
	lists_destroy(e, sizeof(*e));
}

static void
cacheus_start(struct cacheus *e, const struct eph_policy_env *env)
{
	const uint32_t n = env->nslots;

	eph__prng_init(&e->rng, env->seed, 0);
	e->left = n;
	e->weight = 0.5;
	e->q_max = (uint32_t)(0.01 * n + 0.5);
	if (e->q_max == 0)
		e->q_max = 1;
	e->s_max = n - e->q_max;
	e->r.value = e->r.now = sqrt(2 * log(2) / n);
	e->r.start = fmin(fmax(e->r.value, RATE_MIN), 1);
}

static int
cacheus_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_cacheus, env->params, NULL, err);
	const uint32_t ghosts = policy_share(env->nslots, 0.5, 1);
	struct cacheus *e;

	if (error != 0)
		return (error);
	if ((e = lists_create(env, sizeof(*e), 2 * ghosts + 1)) == NULL)
		return (eph__policy_nomem(env, "cacheus", err));
	e->ghost_max = ghosts;
	e->uses = eph_mem_alloc(env->mem, e->l.heads * sizeof(*e->uses));
	if (e->uses == NULL) {
		lists_destroy(e, sizeof(*e));
		return (eph__policy_nomem(env, "cacheus", err));
	}
	if (eph__ranks_init(&e->f, env) != 0) {
		eph_mem_free(env->mem, e->uses, e->l.heads * sizeof(*e->uses));
		lists_destroy(e, sizeof(*e));
		return (eph__policy_nomem(env, "cacheus", err));
	}
	cacheus_start(e, env);
	*psp = e;
	return (0);
}

static double
cacheus_round(double x)
{
	return (nearbyint(x * 1000) / 1000);
}

/* Try another rate, up or down by chance, away from the ends. */
static void
cacheus_wander(struct cacheus *e)
{
	struct cacheus_rate *r = &e->r;

	if (r->value >= 1)
		r->value = 0.9;
	else if (r->value <= RATE_MIN)
		r->value = 0.005;
	else if (prng_below(&e->rng, 2) == 0)
		r->value = fmin(r->value * 1.25, 1);
	else
		r->value = fmax(r->value * 0.75, RATE_MIN);
}

/* The last change of the rate did nothing good: count, wander or restart. */
static void
cacheus_stuck(struct cacheus *e, double hit_rate, double diff)
{
	struct cacheus_rate *r = &e->r;

	r->zero += (hit_rate <= 0 && diff == 0) || diff < 0;
	r->negative += diff < 0;
	if (r->zero >= PATIENCE) {
		r->value = r->start;
		r->zero = 0;
	} else if (diff < 0 && r->negative >= PATIENCE) {
		r->value = r->start;
		r->negative = 0;
	} else if (diff < 0) {
		cacheus_wander(e);
	}
}

/* End of a period: follow the hit rate. */
static void
cacheus_climb(struct cacheus *e)
{
	struct cacheus_rate *r = &e->r;
	const double hit_rate = cacheus_round((double)r->hits / e->l.c.nslots);
	const double diff = cacheus_round(hit_rate - r->hit_rate);
	const double step = cacheus_round(r->now) - cacheus_round(r->before);
	const double sign = step * diff;

	if (sign != 0) {
		const double change = fabs(r->value * step);

		r->value = sign > 0 ? fmin(r->value + change, 1)
				    : fmax(r->value - change, RATE_MIN);
		r->negative = r->zero = 0;
	} else if (diff <= 0) {
		cacheus_stuck(e, hit_rate, diff);
	}
	r->before = r->now;
	r->now = r->value;
	r->hit_rate = hit_rate;
	r->hits = 0;
}

static inline void
cacheus_tick(struct cacheus *e)
{
	e->time++;
	if (--e->left == 0) {
		cacheus_climb(e);
		e->left = e->l.c.nslots;
	}
}

static inline uint64_t
cacheus_key(const struct cacheus *e, uint32_t uses)
{
	return (rank_make(uses, ~(uint32_t)e->time));
}

/* Grow *up by the ratio of the two counts, at the cost of *down. */
static void
cacheus_resize(
    struct cacheus *e, uint32_t *up, uint32_t *down, uint32_t num, uint32_t den)
{
	const uint32_t n = e->l.c.nslots;
	uint64_t by = (uint64_t)((double)num / (den > 0 ? den : 1) + 0.5);

	by = *up + (by > 0 ? by : 1);
	*up = by < n - 1 ? (uint32_t)by : n - 1;
	*down = n - *up;
}

/* S gives its least recent page to Q. */
static inline void
cacheus_demote(struct cacheus *e)
{
	const uint32_t i = lists_tail(&e->l, S);

	e->l.n[i].bits |= DEMOTED;
	e->demoted++;
	lists_move(&e->l, i, Q);
}

static inline void
cacheus_limit(struct cacheus *e)
{
	while (lists_count(&e->l, S) > 0 && lists_count(&e->l, S) >= e->s_max)
		cacheus_demote(e);
}

static inline void
cacheus_undemote(struct cacheus *e, uint32_t slot)
{
	if (e->l.n[slot].bits & DEMOTED) {
		e->l.n[slot].bits &= (uint8_t)~DEMOTED;
		e->demoted--;
	}
}

static inline void
cacheus_recall(struct cacheus *e, uint32_t page)
{
	const uint32_t g = lists_ghost(&e->l, page);

	cacheus_tick(e);
	e->l.ready = true;
	e->arrives = 1;
	e->again = g != EPH_NONE;
	if (g == EPH_NONE)
		return;
	e->arrives = e->uses[g];
	if (e->l.n[g].list == LRU_GHOST && (e->l.n[g].bits & IS_NEW)) {
		e->new_lost--;
		cacheus_resize(
		    e, &e->q_max, &e->s_max, e->demoted, e->new_lost);
	}
	e->weight =
	    experts_blame(e->weight, e->l.n[g].list == LRU_GHOST, e->r.value);
	lists_ghost_drop(&e->l, g);
}

/* Where a page never seen goes, `full` if another one had to leave. */
static inline void
cacheus_insert_new(struct cacheus *e, uint32_t slot, uint32_t page, bool full)
{
	if (!full && lists_count(&e->l, S) < e->s_max &&
	    lists_count(&e->l, Q) == 0) {
		lists_insert(&e->l, slot, page, S);
	} else if (!full && lists_count(&e->l, Q) < e->q_max) {
		lists_insert(&e->l, slot, page, Q);
	} else {
		lists_insert(&e->l, slot, page, Q);
		e->l.n[slot].bits = IS_NEW;
		cacheus_limit(e);
	}
}

static inline void
cacheus_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct cacheus *e = ps;
	const bool full = e->l.ready;

	if (!full)
		cacheus_recall(e, page);
	e->l.ready = false;
	if (e->again) {
		lists_insert(&e->l, slot, page, S);
		cacheus_limit(e);
	} else {
		cacheus_insert_new(e, slot, page, full);
	}
	rank_insert(&e->f, slot, cacheus_key(e, e->arrives));
}

static inline void
cacheus_hit(void *ps, uint32_t slot)
{
	struct cacheus *e = ps;

	cacheus_tick(e);
	e->r.hits++;
	if (e->l.n[slot].list == Q) {
		if (e->l.n[slot].bits & DEMOTED)
			cacheus_resize(
			    e, &e->s_max, &e->q_max, e->new_lost, e->demoted);
		cacheus_undemote(e, slot);
		if (lists_count(&e->l, S) > 0 &&
		    lists_count(&e->l, S) >= e->s_max)
			cacheus_demote(e);
	}
	lists_move(&e->l, slot, S);
	rank_use(
	    &e->f, slot, cacheus_key(e, rank_value(rank_key(&e->f, slot)) + 1));
}

static inline void
cacheus_pin(void *ps, uint32_t slot)
{
	struct cacheus *e = ps;

	lists_pin(&e->l, slot);
	rank_pin(&e->f, slot);
}

static inline void
cacheus_release(void *ps, uint32_t slot)
{
	struct cacheus *e = ps;

	lists_release(&e->l, slot);
	rank_release(&e->f, slot);
}

static inline void
cacheus_forget(void *ps, uint32_t slot)
{
	struct cacheus *e = ps;

	cacheus_undemote(e, slot);
	lists_forget(&e->l, slot);
	rank_remove(&e->f, slot);
}

static void
cacheus_trim(struct cacheus *e, unsigned list)
{
	if (lists_count(&e->l, list) < e->ghost_max)
		return;
	if (list == LRU_GHOST &&
	    (e->l.n[lists_tail(&e->l, list)].bits & IS_NEW))
		e->new_lost--;
	lists_ghost_trim(&e->l, list);
}

static void
cacheus_remember(struct cacheus *e, uint32_t slot, unsigned list)
{
	const uint32_t page = e->l.n[slot].page;
	const uint8_t is_new = e->l.n[slot].bits & IS_NEW;
	uint32_t g;

	cacheus_trim(e, list);
	lists_ghost_add(&e->l, page, list);
	if ((g = lists_ghost(&e->l, page)) == EPH_NONE)
		return;
	e->uses[g] = rank_value(rank_key(&e->f, slot));
	e->l.n[g].bits = is_new;
	if (list == LRU_GHOST && is_new)
		e->new_lost++;
}

static inline uint32_t
cacheus_victim(void *ps, uint32_t page)
{
	struct cacheus *e = ps;
	uint32_t lru, lfu, slot;
	bool choice;

	if (lists_all_pinned(&e->l))
		return (EPH_NONE);
	cacheus_recall(e, page);
	if ((lru = lists_victim(&e->l, Q)) == EPH_NONE)
		lru = lists_victim(&e->l, S);
	lfu = rank_first(&e->f, true);
	choice = prng_unit(&e->rng) < e->weight;
	slot = choice ? lru : lfu;
	cacheus_forget(e, slot);
	if (lru != lfu)
		cacheus_remember(e, slot, choice ? LRU_GHOST : LFU_GHOST);
	return (slot);
}

static void
cacheus_check(void *ps)
{
	struct cacheus *e = ps;
	uint32_t demoted = 0;

	eph__lists_check(&e->l, Q);
	eph__ranks_check(&e->f);
	for (uint32_t i = 0; i < e->l.c.nslots; i++)
		demoted += e->l.n[i].list != SLOT_EMPTY &&
		    (e->l.n[i].bits & DEMOTED) != 0;
	if (demoted != e->demoted)
		PANIC("cacheus: wrong number of demoted pages");
}

#define POLICY_NEAR(ps, slot) (&((struct cacheus *)(ps))->l.n[slot])
#define POLICY_BY(ps, slot)   (&((struct cacheus *)(ps))->f.n[slot])
#define POLICY_PAST(ps, page) lists_past(&((struct cacheus *)(ps))->l, page)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_cacheus = {
	.name = "cacheus",
	.summary = "scan-resistant LRU or churn-resistant LFU, learning",
	.origin = "Rodriguez et al., FAST 2021",
	POLICY_CALLS,
};
