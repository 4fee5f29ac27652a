/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ARC: two LRU lists, T1 of pages seen once and T2 of pages seen again,
 * each with the ghosts of what it lost, B1 and B2.  A miss on a ghost moves
 * the target size of T1 towards the list that would have had the page.  No
 * parameter.
 *
 * Megiddo, Modha, FAST 2003, figure 4; the target is a real number, as
 * there.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) arc_##fn

enum { T1 = 1, T2, B1, B2 };

struct arc {
	struct lists l;
	double p;	 /* target size of T1 */
	uint8_t arrives; /* T1 or T2: where insert() puts the page */
	bool drop_ghost; /* what leaves T1 now is not remembered */
};

static int
arc_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_arc, env->params, NULL, err);

	if (error != 0)
		return (error);
	*psp = lists_create(env, sizeof(struct arc), env->nslots + 1);
	return (*psp == NULL ? eph__policy_nomem(env, "arc", err) : 0);
}

static void
arc_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct arc));
}

/* Cases II and III of the paper: the page has ghost `g`. */
static inline void
arc_adapt(struct arc *a, uint32_t g)
{
	const uint32_t b1 = lists_count(&a->l, B1), b2 = lists_count(&a->l, B2);

	if (a->l.n[g].list == B1) {
		a->p += b2 > b1 ? (double)b2 / b1 : 1;
		if (a->p > a->l.c.nslots)
			a->p = a->l.c.nslots;
	} else {
		a->p -= b1 > b2 ? (double)b1 / b2 : 1;
		if (a->p < 0)
			a->p = 0;
	}
}

/* Case IV: make room among the ghosts for a page never seen. */
static inline void
arc_make_room(struct arc *a)
{
	const uint32_t c = a->l.c.nslots;
	const uint32_t l1 = lists_count(&a->l, T1) + lists_count(&a->l, B1);
	const uint32_t l2 = lists_count(&a->l, T2) + lists_count(&a->l, B2);

	if (l1 >= c) {
		if (lists_count(&a->l, T1) < c)
			lists_ghost_trim(&a->l, B1);
		else
			a->drop_ghost = true;
	} else if (l1 + l2 >= 2 * c) {
		lists_ghost_trim(&a->l, B2);
	}
}

/* What a miss on `page` changes before a page leaves. */
static inline bool
arc_miss(struct arc *a, uint32_t page)
{
	const uint32_t g = lists_ghost(&a->l, page);
	bool in_b2 = false;

	a->l.ready = true;
	a->drop_ghost = false;
	a->arrives = T1;
	if (g == EPH_NONE) {
		arc_make_room(a);
	} else {
		a->arrives = T2;
		in_b2 = a->l.n[g].list == B2;
		arc_adapt(a, g);
		lists_ghost_drop(&a->l, g);
	}
	return (in_b2);
}

static inline void
arc_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct arc *a = ps;

	if (!a->l.ready)
		(void)arc_miss(a, page);
	a->l.ready = false;
	lists_insert(&a->l, slot, page, a->arrives);
}

static inline void
arc_hit(void *ps, uint32_t slot)
{
	struct arc *a = ps;

	lists_move(&a->l, slot, T2);
}

/* REPLACE of the paper: the list that gives up its least recent page. */
static inline unsigned
arc_choose(const struct arc *a, bool in_b2)
{
	const uint32_t t1 = lists_count(&a->l, T1);

	if (a->drop_ghost)
		return (T1);
	return (t1 >= 1 && (t1 > a->p || (in_b2 && t1 == a->p)) ? T1 : T2);
}

static inline uint32_t
arc_victim(void *ps, uint32_t page)
{
	struct arc *a = ps;
	unsigned list;
	uint32_t i;

	if (lists_all_pinned(&a->l))
		return (EPH_NONE);
	list = arc_choose(a, arc_miss(a, page));
	if ((i = lists_victim(&a->l, list)) == EPH_NONE) {
		list = T1 + T2 - list;
		i = lists_victim(&a->l, list);
	}
	lists_remove(&a->l, i);
	if (list == T2 || !a->drop_ghost)
		lists_ghost_add(&a->l, a->l.n[i].page, list == T1 ? B1 : B2);
	return (i);
}

static void
arc_check(void *ps)
{
	struct arc *a = ps;

	eph__lists_check(&a->l, T2);
	if (!(a->p >= 0 && a->p <= a->l.c.nslots))
		PANIC("arc: target out of range");
}

#define arc_pin		      lists_pin
#define arc_release	      lists_release
#define arc_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct arc *)(ps))->l.n[slot])
#define POLICY_PAST(ps, page) lists_past(&((struct arc *)(ps))->l, page)
#define POLICY_NEXT(ps)	      lists_tail_page(&((struct arc *)(ps))->l, T1)
#define POLICY_LISTS(ps)      (&((struct arc *)(ps))->l)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_arc = {
	.name = "arc",
	.summary = "recency and frequency lists that balance themselves",
	.origin = "Megiddo and Modha, FAST 2003",
	.by_page = true,
	POLICY_CALLS,
};
