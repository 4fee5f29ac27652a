/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Segmented LRU: pages arrive in a probationary list and climb into the
 * next one whenever they are used; what a list above probation cannot hold
 * falls into the one below as its newest.  With two segments, the original,
 * there is one protected list, of 80 % of the buffers.  With more, the
 * protected lists share that part evenly: four with protected=0.75 are the
 * S4LRU of Huang et al., SOSP 2013.
 *
 * Karedla, Love, Wherry, IEEE Computer 1994.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) slru_##fn

#define SEGMENTS_MAX 8u

enum { PROBATION = 1 }; /* and one list for each segment above it */

struct slru {
	struct lists l;
	uint32_t top;			 /* list of the last segment */
	uint32_t most[SEGMENTS_MAX + 1]; /* by list, from PROBATION + 1 */
};

CTASSERT(SEGMENTS_MAX < LISTS_MAX);

static const struct eph_policy_param slru_params[] = {
	{ "protected", 0.8, 0, 1,
	    "share of the buffers in the protected lists together" },
	{ "segments", 2, 2, SEGMENTS_MAX, "lists, the probationary one too" },
	{ NULL, 0, 0, 0, NULL },
};

static int
slru_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_slru, env->params, v, err);
	struct slru *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "slru", err));
	s->l.cached = LISTS_MAX; /* there are no ghosts */
	s->top = (uint32_t)v[1];
	for (uint32_t i = PROBATION + 1; i <= s->top; i++)
		s->most[i] = policy_share(env->nslots, v[0] / (s->top - 1), 0);
	*psp = s;
	return (0);
}

static void
slru_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct slru));
}

static inline void
slru_insert(void *ps, uint32_t slot, uint32_t page)
{
	lists_insert(ps, slot, page, PROBATION);
}

static inline void
slru_hit(void *ps, uint32_t slot)
{
	struct slru *s = ps;
	const uint32_t at = s->l.n[slot].list;
	uint32_t to = at < s->top ? at + 1 : at;

	lists_move(&s->l, slot, to);
	for (; to > PROBATION && lists_count(&s->l, to) > s->most[to]; to--)
		lists_move(&s->l, lists_tail(&s->l, to), to - 1);
}

static inline uint32_t
slru_victim(void *ps, uint32_t page)
{
	struct slru *s = ps;
	uint32_t i = EPH_NONE;

	(void)page;
	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	for (uint32_t list = PROBATION; i == EPH_NONE; list++)
		i = lists_victim(&s->l, list);
	lists_remove(&s->l, i);
	return (i);
}

static void
slru_check(void *ps)
{
	struct slru *s = ps;

	eph__lists_check(&s->l, s->top);
	for (uint32_t i = PROBATION + 1; i <= s->top; i++) {
		if (lists_count(&s->l, i) > s->most[i])
			PANIC("slru: too many protected");
	}
}

#define slru_pin	      lists_pin
#define slru_release	      lists_release
#define slru_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct slru *)(ps))->l.n[slot])
#define POLICY_LISTS(ps)      (&((struct slru *)(ps))->l)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_slru = {
	.name = "slru",
	.summary = "probationary and protected LRU lists",
	.origin = "Karedla, Love, Wherry, IEEE Computer 1994",
	.params = slru_params,
	.by_page = true,
	POLICY_CALLS,
};
