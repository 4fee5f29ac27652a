/* SPDX-License-Identifier: BSD-2-Clause */

/* The kernels' free lists as rows of the policy table; see freelist.h. */

#include "design/freelist.h"

#include <errno.h>

#include "base/mem.h"
#include "ephmap/version.h"

static void
freelist_destroy(void *ps)
{
	struct freelist *fl = ps;
	struct eph_mem *mem = fl->mem;

	eph_mem_free(mem, fl->link, fl->nslots * sizeof(*fl->link));
	eph_mem_free(mem, fl->state, fl->nslots);
	eph_mem_free(mem, fl, sizeof(*fl));
}

static int
freelist_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct freelist *fl;

	if (env->params != NULL && env->params[0] != '\0')
		return (eph_err_set(err, EINVAL,
		    "this policy has no parameters, got '%s'", env->params));
	if ((fl = eph_mem_alloc(env->mem, sizeof(*fl))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	fl->mem = env->mem;
	fl->nslots = env->nslots;
	fl->head = fl->tail = EPH_NONE;
	fl->link = eph_mem_alloc(env->mem, env->nslots * sizeof(*fl->link));
	fl->state = eph_mem_alloc(env->mem, env->nslots);
	if (fl->link == NULL || fl->state == NULL) {
		freelist_destroy(fl);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*psp = fl;
	return (0);
}

static void
lru_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct freelist *fl = ps;

	(void)page;
	fl->state[slot] |= FREELIST_HOLDS;
}

static void
lazy_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct freelist *fl = ps;

	(void)page;
	fl->state[slot] |= FREELIST_HOLDS | FREELIST_PINNED;
}

static void
lru_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

static void
lru_pin(void *ps, uint32_t slot)
{
	freelist_lru_pin(ps, slot);
}

static void
lru_release(void *ps, uint32_t slot)
{
	freelist_lru_release(ps, slot);
}

static uint32_t
lru_victim(void *ps, uint32_t page)
{
	(void)page;
	return (freelist_lru_victim(ps));
}

static void
lazy_pin(void *ps, uint32_t slot)
{
	freelist_lazy_pin(ps, slot);
}

static void
lazy_release(void *ps, uint32_t slot)
{
	freelist_lazy_release(ps, slot);
}

static uint32_t
lazy_victim(void *ps, uint32_t page)
{
	(void)page;
	return (freelist_lazy_victim(ps));
}

static void
freelist_forget(void *ps, uint32_t slot)
{
	struct freelist *fl = ps;

	if (fl->state[slot] & FREELIST_LISTED)
		freelist_unlink(fl, slot);
	fl->state[slot] = 0;
}

static uint64_t
freelist_promotions(const void *ps)
{
	return (((const struct freelist *)ps)->moves);
}

/* The list is whole, and `state` agrees with it. */
static void
freelist_check(void *ps)
{
	const struct freelist *fl = ps;
	uint32_t prev = EPH_NONE, n = 0;

	for (uint32_t s = fl->head; s != EPH_NONE; s = fl->link[s].next) {
		if (s >= fl->nslots || fl->link[s].prev != prev ||
		    !(fl->state[s] & FREELIST_LISTED) || n++ > fl->nslots)
			PANIC("free list is broken");
		prev = s;
	}
	if (fl->tail != prev || n != fl->count)
		PANIC("free list's tail or count is wrong");
}

/* lazy: what is not referenced is on the list. */
static void
lazy_check(void *ps)
{
	const struct freelist *fl = ps;

	freelist_check(ps);
	for (uint32_t s = 0; s < fl->nslots; s++) {
		if (fl->state[s] == FREELIST_HOLDS)
			PANIC("an unreferenced slot is not on the lazy list");
	}
}

#define POLICY_HOLDS
#define POLICY_NEAR(ps, slot) (&((struct freelist *)(ps))->link[slot])
#define POLICY(fn)	      lru_##fn
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lru = {
	.name = "lru",
	.summary = "least recently released first, as the kernels' free list",
	.origin = "DragonFly dfbcf5a390, 2003-12-10; FreeBSD i386 1.220",
	.abi = EPHMAP_ABI,
	.create = freelist_create,
	.destroy = freelist_destroy,
	.insert = lru_insert,
	.hit = lru_hit,
	.pin = lru_pin,
	.release = lru_release,
	.forget = freelist_forget,
	.victim = lru_victim,
	.promotions = freelist_promotions,
	.check = freelist_check,
	.replay = lru_replay,
};

const struct eph_policy_ops eph_policy_lazy = {
	.name = "lazy",
	.summary = "a hit leaves the buffer at its old place on the free list",
	.origin = "DragonFly 24712b9068, 2004-04-01",
	.abi = EPHMAP_ABI,
	.create = freelist_create,
	.destroy = freelist_destroy,
	.insert = lazy_insert,
	.hit = lru_hit,
	.pin = lazy_pin,
	.release = lazy_release,
	.forget = freelist_forget,
	.victim = lazy_victim,
	.promotions = freelist_promotions,
	.check = lazy_check,
	.replay = eph_policy_replay_by_calls,
};
