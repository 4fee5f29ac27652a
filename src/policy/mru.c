/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * MRU: the page used last leaves first.  Right for a loop longer than the
 * cache, wrong for nearly everything else.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) mru_##fn

enum { RECENT = 1 };

struct mru {
	struct lists l;
};

static int
mru_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_mru, env->params, NULL, err);

	if (error != 0)
		return (error);
	*psp = lists_create(env, sizeof(struct mru), 0);
	return (*psp == NULL ? eph__policy_nomem(env, "mru", err) : 0);
}

static void
mru_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct mru));
}

static inline void
mru_insert(void *ps, uint32_t slot, uint32_t page)
{
	lists_insert(ps, slot, page, RECENT);
}

static inline void
mru_hit(void *ps, uint32_t slot)
{
	lists_move(ps, slot, RECENT);
}

static inline uint32_t
mru_victim(void *ps, uint32_t page)
{
	struct lists *l = ps;
	uint32_t i = l->n[lists_head_node(l, RECENT)].next;

	(void)page;
	if (lists_all_pinned(l))
		return (EPH_NONE);
	while (l->n[i].pinned)
		i = l->n[i].next;
	lists_remove(l, i);
	return (i);
}

static void
mru_check(void *ps)
{
	eph__lists_check(ps, RECENT);
}

#define mru_pin	    lists_pin
#define mru_release lists_release
#define mru_forget  lists_forget
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_mru = {
	.name = "mru",
	.summary = "most recently used leaves first",
	.origin = "Chou and DeWitt, VLDB 1985",
	.whole = true,
	POLICY_CALLS,
};
