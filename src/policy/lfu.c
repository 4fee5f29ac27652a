/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LFU: the page used least often while it is cached leaves; among equals
 * the least recently used.  Nothing is remembered of a page that left.
 *
 * The key is the count above the time of the last use, so that one heap
 * holds both orders.  The count stops at 2^28 - 1, the time at 2^36 uses.
 */

#include <errno.h>

#include "policy/heap.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) lfu_##fn

#define TIME_BITS 36
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define ONE_USE	  ((uint64_t)1 << TIME_BITS)

struct lfu {
	struct heap h;
	uint64_t now;
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
	if (eph__heap_init(&f->h, env) != 0) {
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

	eph__heap_fini(&f->h);
	eph_mem_free(f->h.c.mem, f, sizeof(*f));
}

static inline uint64_t
lfu_key(struct lfu *f, uint64_t old)
{
	const uint64_t uses = old & ~TIME_MASK;

	f->now++;
	return ((uses == ~TIME_MASK ? uses : uses + ONE_USE) |
	    (f->now & TIME_MASK));
}

static inline void
lfu_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lfu *f = ps;

	(void)page;
	heap_insert(&f->h, slot, lfu_key(f, 0));
}

static inline void
lfu_hit(void *ps, uint32_t slot)
{
	struct lfu *f = ps;

	heap_rekey(&f->h, slot, lfu_key(f, heap_key(&f->h, slot)));
}

static inline uint32_t
lfu_victim(void *ps, uint32_t page)
{
	struct lfu *f = ps;
	const uint32_t slot = heap_first(&f->h);

	(void)page;
	if (slot != EPH_NONE)
		heap_remove(&f->h, slot);
	return (slot);
}

static void
lfu_check(void *ps)
{
	eph__heap_check(ps);
}

#define lfu_pin		      heap_pin
#define lfu_release	      heap_release
#define lfu_forget	      heap_forget
#define POLICY_NEAR(ps, slot) (&((struct lfu *)(ps))->h.place[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lfu = {
	.name = "lfu",
	.summary = "least often used while cached, then least recently",
	.origin = "folklore; Coffman and Denning 1973",
	.whole = true,
	POLICY_CALLS,
};
