/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * SIEVE: a FIFO list with a used bit and a hand that walks from the oldest
 * to the newest.  The hand clears bits and recycles the first page whose
 * bit is clear, and stays there; kept pages do not move, and new ones
 * arrive at the head, which is what sets it apart from CLOCK: old pages in
 * use and new pages are told apart soon.
 *
 * Zhang, Yang, Yue, Vigfusson, Rashmi, NSDI 2024.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) sieve_##fn

enum { QUEUE = 1 };

struct sieve {
	struct lists l;
	uint32_t hand; /* next to look at; the head node: start at the tail */
};

static int
sieve_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_sieve, env->params, NULL, err);
	struct sieve *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "sieve", err));
	s->hand = lists_head_node(&s->l, QUEUE);
	*psp = s;
	return (0);
}

static void
sieve_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct sieve));
}

static inline void
sieve_insert(void *ps, uint32_t slot, uint32_t page)
{
	lists_insert(ps, slot, page, QUEUE);
}

static inline void
sieve_hit(void *ps, uint32_t slot)
{
	struct sieve *s = ps;

	s->l.n[slot].bits = 1;
}

/* Take `slot` out; a hand that points to it goes on to the next. */
static inline void
sieve_forget(void *ps, uint32_t slot)
{
	struct sieve *s = ps;

	if (s->hand == slot)
		s->hand = s->l.n[slot].prev;
	lists_remove(&s->l, slot);
}

static inline uint32_t
sieve_victim(void *ps, uint32_t page)
{
	struct sieve *s = ps;
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
		if (n->bits == 0)
			break;
		n->bits = 0;
	}
	s->hand = i;
	sieve_forget(s, i);
	return (i);
}

static void
sieve_check(void *ps)
{
	struct sieve *s = ps;

	eph__lists_check(&s->l, QUEUE);
	if (s->hand != lists_head_node(&s->l, QUEUE) &&
	    (s->hand >= s->l.c.nslots || s->l.n[s->hand].list != QUEUE))
		PANIC("sieve: the hand points nowhere");
}

#define sieve_pin	      lists_pin
#define sieve_release	      lists_release
#define POLICY_NEAR(ps, slot) (&((struct sieve *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_sieve = {
	.name = "sieve",
	.summary = "FIFO list with a used bit and a hand that stays",
	.origin = "Zhang et al., NSDI 2024",
	POLICY_CALLS,
};
