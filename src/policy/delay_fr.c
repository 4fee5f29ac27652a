/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Delay-FR: FIFO with reinsertion (a clock), whose bit is set only when
 * enough time has passed since the page arrived or its bit was last set, so
 * that a burst of hits on a new page keeps nothing.  Time is counted in
 * arrivals and reinsertions; enough is 5 % of the buffers.
 *
 * "Lazy Promotion", PVLDB 19(4), 2025, and its artifact.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) delay_fr_##fn

enum { QUEUE = 1 };

struct delay_fr {
	struct lists l;
	uint64_t now;
	uint64_t delay;
	uint8_t most;	/* what a counter stops at */
	uint64_t *last; /* by slot: `now` at arrival or when it counted */
};

static const struct eph_policy_param delay_fr_params[] = {
	{ "delay", 0.05, 0, 100,
	    "time after which a hit counts, as a share of the buffers" },
	{ "bits", 1, 1, 8, "bits of a page's counter" },
	{ NULL, 0, 0, 0, NULL },
};

static void
delay_fr_destroy(void *ps)
{
	struct delay_fr *s = ps;

	eph_mem_free(s->l.c.mem, s->last, s->l.c.nslots * sizeof(*s->last));
	lists_destroy(ps, sizeof(*s));
}

static int
delay_fr_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_delay_fr, env->params, v, err);
	struct delay_fr *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "delay-fr", err));
	s->last = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->last));
	if (s->last == NULL) {
		delay_fr_destroy(s);
		return (eph__policy_nomem(env, "delay-fr", err));
	}
	s->delay = (uint64_t)(env->nslots * v[0]);
	s->most = (uint8_t)((1u << (unsigned)v[1]) - 1);
	*psp = s;
	return (0);
}

static inline void
delay_fr_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct delay_fr *s = ps;

	s->last[slot] = ++s->now;
	lists_insert(&s->l, slot, page, QUEUE);
}

static inline void
delay_fr_hit(void *ps, uint32_t slot)
{
	struct delay_fr *s = ps;
	struct node *n = &s->l.n[slot];

	if (n->freq < s->most && s->now - s->last[slot] > s->delay) {
		n->freq++;
		s->last[slot] = s->now;
	}
}

static inline uint32_t
delay_fr_victim(void *ps, uint32_t page)
{
	struct delay_fr *s = ps;
	uint32_t i;

	(void)page;
	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	while (s->l.n[i = lists_victim(&s->l, QUEUE)].freq > 0) {
		s->l.n[i].freq--;
		lists_move(&s->l, i, QUEUE);
		s->now++;
	}
	lists_remove(&s->l, i);
	return (i);
}

static void
delay_fr_check(void *ps)
{
	eph__lists_check(ps, QUEUE);
}

#define delay_fr_pin	      lists_pin
#define delay_fr_release      lists_release
#define delay_fr_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct delay_fr *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_delay_fr = {
	.name = "delay-fr",
	.summary = "FIFO with reinsertion whose bit is set after a delay",
	.origin = "Lazy Promotion, PVLDB 19(4), 2025",
	.aka = "delayfr",
	.params = delay_fr_params,
	POLICY_CALLS,
};
