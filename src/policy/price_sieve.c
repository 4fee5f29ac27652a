/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * SIEVE that looks at the price: an unused page that would cost more than
 * the running mean of the prices met by the hand is passed over, once
 * between two uses.  So a mapping that many CPUs hold stays for one more
 * round of the hand and a cheap one goes at once; hits still only set a
 * bit, and a miss asks for one price.
 *
 * Without a price it is SIEVE.  Our own.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) price_sieve_##fn

#define MEAN_SHIFT 4u /* the mean is of about the last 2^4 prices */

enum { QUEUE = 1 };
enum { USED = 0x1, SPARED = 0x2 };

struct price_sieve {
	struct lists l;
	uint32_t hand; /* as in SIEVE */
	uint32_t mean; /* price, times 2^MEAN_SHIFT */
	uint32_t (*price)(void *arg, uint32_t slot);
	void *arg;
};

static int
price_sieve_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_price_sieve, env->params, NULL, err);
	struct price_sieve *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "price-sieve", err));
	s->hand = lists_head_node(&s->l, QUEUE);
	s->price = env->price;
	s->arg = env->price_arg;
	*psp = s;
	return (0);
}

static void
price_sieve_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct price_sieve));
}

static inline void
price_sieve_insert(void *ps, uint32_t slot, uint32_t page)
{
	lists_insert(ps, slot, page, QUEUE);
}

static inline void
price_sieve_hit(void *ps, uint32_t slot)
{
	struct price_sieve *s = ps;

	s->l.n[slot].bits = USED;
}

static inline void
price_sieve_forget(void *ps, uint32_t slot)
{
	struct price_sieve *s = ps;

	if (s->hand == slot)
		s->hand = s->l.n[slot].prev;
	lists_remove(&s->l, slot);
}

/* Whether the hand passes over unused slot `i` this time. */
static inline bool
price_sieve_spare(struct price_sieve *s, uint32_t i)
{
	uint32_t price, mean;

	if (s->price == NULL || (s->l.n[i].bits & SPARED))
		return (false);
	price = s->price(s->arg, i);
	mean = s->mean >> MEAN_SHIFT;
	s->mean += price - mean;
	if (price <= mean)
		return (false);
	s->l.n[i].bits |= SPARED;
	return (true);
}

static inline uint32_t
price_sieve_victim(void *ps, uint32_t page)
{
	struct price_sieve *s = ps;
	const uint32_t head = lists_head_node(&s->l, QUEUE);
	uint32_t i = s->hand;

	(void)page;
	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	for (;; i = s->l.n[i].prev) {
		struct node *n;

		if (i == head)
			i = s->l.n[head].prev;
		n = &s->l.n[i];
		if (eph_unlikely(n->pinned))
			continue;
		if (n->bits & USED)
			n->bits = 0;
		else if (!price_sieve_spare(s, i))
			break;
	}
	s->hand = i;
	price_sieve_forget(s, i);
	return (i);
}

static void
price_sieve_check(void *ps)
{
	eph__lists_check(ps, QUEUE);
}

#define price_sieve_pin	      lists_pin
#define price_sieve_release   lists_release
#define POLICY_NEAR(ps, slot) (&((struct price_sieve *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_price_sieve = {
	.name = "price-sieve",
	.summary = "SIEVE that passes once over what is dear to invalidate",
	.origin = "ephmap 2026",
	POLICY_CALLS,
};
