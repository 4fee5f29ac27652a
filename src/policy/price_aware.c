/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LRU that looks at the price: of the `depth` least recently used pages
 * that are not pinned, the one leaves whose recycling interrupts or
 * invalidates the fewest CPUs; among equals the least recent.
 *
 * The price is the design's: it knows which CPUs may hold the translation,
 * and that a mapping whose accessed bit is clear is held by no CPU.  A
 * design, or a replay, without a price makes this plain LRU.
 *
 * Our own.  A hit in the window costs at most one more miss later; an IPI
 * that is spared is spared now.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) price_aware_##fn

enum { RECENT = 1 };

struct price_aware {
	struct lists l;
	uint32_t (*price)(void *arg, uint32_t slot);
	void *arg;
	uint32_t depth;
};

static const struct eph_policy_param price_aware_params[] = {
	{ "depth", 32, 1, 1e9, "pages looked at from the oldest on" },
	{ NULL, 0, 0, 0, NULL },
};

static int
price_aware_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[1];
	const int error =
	    eph_policy_params(&eph_policy_price_aware, env->params, v, err);
	struct price_aware *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "price-aware", err));
	s->price = env->price;
	s->arg = env->price_arg;
	s->depth = env->price == NULL ? 1 : (uint32_t)v[0];
	*psp = s;
	return (0);
}

static void
price_aware_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct price_aware));
}

static inline void
price_aware_insert(void *ps, uint32_t slot, uint32_t page)
{
	lists_insert(ps, slot, page, RECENT);
}

static inline void
price_aware_hit(void *ps, uint32_t slot)
{
	lists_move(ps, slot, RECENT);
}

/* The cheapest among the oldest, none of which is pinned. */
static inline uint32_t
price_aware_cheapest(const struct price_aware *s)
{
	const uint32_t head = lists_head_node(&s->l, RECENT);
	uint32_t best = EPH_NONE, best_price = UINT32_MAX, seen = 0;

	for (uint32_t i = lists_tail(&s->l, RECENT);
	     i != head && seen < s->depth && best_price > 0;
	     i = s->l.n[i].prev) {
		uint32_t price;

		if (s->l.n[i].pinned)
			continue;
		seen++;
		price = s->price(s->arg, i);
		if (best == EPH_NONE || price < best_price) {
			best = i;
			best_price = price;
		}
	}
	return (best);
}

static inline uint32_t
price_aware_victim(void *ps, uint32_t page)
{
	struct price_aware *s = ps;
	uint32_t i;

	(void)page;
	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	i = s->price == NULL ? lists_victim(&s->l, RECENT)
			     : price_aware_cheapest(s);
	lists_remove(&s->l, i);
	return (i);
}

static void
price_aware_check(void *ps)
{
	eph__lists_check(ps, RECENT);
}

#define price_aware_pin	      lists_pin
#define price_aware_release   lists_release
#define price_aware_forget    lists_forget
#define POLICY_NEAR(ps, slot) (&((struct price_aware *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_price_aware = {
	.name = "price-aware",
	.summary = "cheapest to invalidate among the least recently used",
	.origin = "ephmap 2026",
	.params = price_aware_params,
	POLICY_CALLS,
};
