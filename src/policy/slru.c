/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Segmented LRU: pages arrive in a probationary list and are moved to a
 * protected one, of 80 % of the buffers, when they are used again; what
 * the protected list cannot hold goes back to probation as the newest.
 *
 * Karedla, Love, Wherry, IEEE Computer 1994.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) slru_##fn

enum { PROBATION = 1, PROTECTED };

struct slru {
	struct lists l;
	uint32_t protected_max;
};

static int
slru_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double share = 0.8;
	const struct policy_param params[] = { { "protected", &share, 0, 1 } };
	const int error = eph__policy_params(env, "slru", params, 1, err);
	struct slru *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "slru", err));
	s->protected_max = policy_share(env->nslots, share, 0);
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

	lists_move(&s->l, slot, PROTECTED);
	if (lists_count(&s->l, PROTECTED) > s->protected_max)
		lists_move(&s->l, lists_tail(&s->l, PROTECTED), PROBATION);
}

static inline uint32_t
slru_victim(void *ps, uint32_t page)
{
	struct lists *l = ps;
	uint32_t i;

	(void)page;
	if (lists_all_pinned(l))
		return (EPH_NONE);
	if ((i = lists_victim(l, PROBATION)) == EPH_NONE)
		i = lists_victim(l, PROTECTED);
	lists_remove(l, i);
	return (i);
}

static void
slru_check(void *ps)
{
	struct slru *s = ps;

	eph__lists_check(&s->l, PROTECTED);
	if (lists_count(&s->l, PROTECTED) > s->protected_max)
		PANIC("slru: too many protected");
}

#define slru_pin	      lists_pin
#define slru_release	      lists_release
#define slru_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct slru *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_slru = {
	.name = "slru",
	.summary = "probationary and protected LRU lists",
	.origin = "Karedla, Love, Wherry, IEEE Computer 1994",
	.params = "protected=0.8",
	POLICY_CALLS,
};
