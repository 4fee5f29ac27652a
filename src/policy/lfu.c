/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LFU: the page used least often while it is cached leaves; among equals
 * the least recently used.  Nothing is remembered of a page that left.
 *
 * The count stops at 2^32 - 1.
 */

#include <errno.h>

#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/ranks.h"

#define POLICY(fn) lfu_##fn

struct lfu {
	struct ranks r; /* by count and time of the last use */
	uint32_t now;
};

static int
lfu_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_lfu, env->params, NULL, err);
	struct lfu *f;

	if (error != 0)
		return (error);
	if ((f = eph_mem_alloc(env->mem, sizeof(*f))) == NULL)
		return (eph__policy_nomem(env, "lfu", err));
	if (eph__ranks_init(&f->r, env) != 0) {
		eph_mem_free(env->mem, f, sizeof(*f));
		return (eph__policy_nomem(env, "lfu", err));
	}
	*psp = f;
	return (0);
}

static void
lfu_destroy(void *ps)
{
	struct lfu *f = ps;

	eph__ranks_fini(&f->r);
	eph_mem_free(f->r.c.mem, f, sizeof(*f));
}

static inline void
lfu_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lfu *f = ps;

	(void)page;
	rank_insert(&f->r, slot, rank_make(1, ++f->now));
}

static inline void
lfu_hit(void *ps, uint32_t slot)
{
	struct lfu *f = ps;

	const uint32_t uses = rank_value(rank_key(&f->r, slot));

	rank_use(&f->r, slot,
	    rank_make(uses < UINT32_MAX ? uses + 1 : uses, ++f->now));
}

static inline uint32_t
lfu_victim(void *ps, uint32_t page)
{
	struct lfu *f = ps;
	const uint32_t slot = rank_first(&f->r, false);

	(void)page;
	if (slot != EPH_NONE)
		rank_remove(&f->r, slot);
	return (slot);
}

static void
lfu_check(void *ps)
{
	eph__ranks_check(ps);
}

#define lfu_pin		      rank_pin
#define lfu_release	      rank_release
#define lfu_forget	      rank_forget
#define POLICY_NEAR(ps, slot) (&((struct lfu *)(ps))->r.n[slot])
#define POLICY_RANKS(ps)      (&((struct lfu *)(ps))->r)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lfu = {
	.name = "lfu",
	.summary = "least often used while cached, then least recently",
	.origin = "folklore; Coffman and Denning 1973",
	.whole = true,
	.by_page = true,
	POLICY_CALLS,
};
