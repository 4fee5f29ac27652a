/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CAR: ARC with clocks in the place of the LRU lists T1 and T2, so that a
 * hit only sets a bit.  The clocks are lists here whose tail is under the
 * hand.
 *
 * Bansal, Modha, FAST 2004, figure 2.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) car_##fn

enum { T1 = 1, T2, B1, B2 };

struct car {
	struct lists l;
	double p; /* target size of T1 */
};

static int
car_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_car, env->params, NULL, err);

	if (error != 0)
		return (error);
	*psp = lists_create(env, sizeof(struct car), env->nslots + 1);
	return (*psp == NULL ? eph__policy_nomem(env, "car", err) : 0);
}

static void
car_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct car));
}

/* A ghost was missed: where the target goes.  Lines 11 to 19. */
static inline void
car_adapt(struct car *a, unsigned list)
{
	const uint32_t b1 = lists_count(&a->l, B1), b2 = lists_count(&a->l, B2);

	if (list == B1) {
		a->p += b2 > b1 ? (double)b2 / b1 : 1;
		if (a->p > a->l.c.nslots)
			a->p = a->l.c.nslots;
	} else {
		a->p -= b1 > b2 ? (double)b1 / b2 : 1;
		if (a->p < 0)
			a->p = 0;
	}
}

/* Keep the directory within twice the cache.  Lines 6 to 10. */
static inline void
car_make_room(struct car *a)
{
	const uint32_t c = a->l.c.nslots;
	const uint32_t l1 = lists_count(&a->l, T1) + lists_count(&a->l, B1);
	const uint32_t l2 = lists_count(&a->l, T2) + lists_count(&a->l, B2);

	if (l1 >= c)
		lists_ghost_trim(&a->l, B1);
	else if (l1 + l2 >= 2 * c)
		lists_ghost_trim(&a->l, B2);
}

static inline void
car_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct car *a = ps;
	const uint32_t g = lists_ghost(&a->l, page);

	if (g == EPH_NONE) {
		/*
		 * victim() made room while its page was still counted; here
		 * the slot came without one.
		 */
		if (!a->l.ready)
			car_make_room(a);
		lists_insert(&a->l, slot, page, T1);
	} else {
		car_adapt(a, a->l.n[g].list);
		lists_ghost_drop(&a->l, g);
		lists_insert(&a->l, slot, page, T2);
	}
	a->l.ready = false;
}

static inline void
car_hit(void *ps, uint32_t slot)
{
	struct car *a = ps;

	a->l.n[slot].bits = 1;
}

/* The clock that gives up a page, unless all it has is pinned. */
static inline uint32_t
car_candidate(const struct car *a)
{
	const bool from_t1 = lists_count(&a->l, T1) >= (a->p > 1 ? a->p : 1);
	uint32_t i = lists_victim(&a->l, from_t1 ? T1 : T2);

	return (i != EPH_NONE ? i : lists_victim(&a->l, from_t1 ? T2 : T1));
}

static inline uint32_t
car_victim(void *ps, uint32_t page)
{
	struct car *a = ps;
	unsigned list;
	uint32_t i;

	if (lists_all_pinned(&a->l))
		return (EPH_NONE);
	while (a->l.n[i = car_candidate(a)].bits) {
		a->l.n[i].bits = 0;
		lists_move(&a->l, i, T2);
	}
	list = a->l.n[i].list;
	lists_remove(&a->l, i);
	lists_ghost_add(&a->l, a->l.n[i].page, list == T1 ? B1 : B2);
	if (lists_ghost(&a->l, page) == EPH_NONE)
		car_make_room(a);
	a->l.ready = true;
	return (i);
}

static void
car_check(void *ps)
{
	struct car *a = ps;

	eph__lists_check(&a->l, T2);
	if (!(a->p >= 0 && a->p <= a->l.c.nslots))
		PANIC("car: target out of range");
}

#define car_pin		      lists_pin
#define car_release	      lists_release
#define car_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct car *)(ps))->l.n[slot])
#define POLICY_LISTS(ps)      (&((struct car *)(ps))->l)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_car = {
	.name = "car",
	.summary = "ARC with clocks: a hit sets a bit",
	.origin = "Bansal and Modha, FAST 2004",
	.by_page = true,
	POLICY_CALLS,
};
