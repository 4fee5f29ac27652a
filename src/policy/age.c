/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * AGE: FIFO with reinsertion of pages that were hit, but only where the
 * last hit is recent: less than a share (0.1) of the time after which LRU
 * would drop a page, the buffers divided by the miss ratio so far.
 *
 * "Lazy Promotion", PVLDB 19(4), 2025, and its artifact.  That asks about
 * the age of the oldest page only and, where it is recent, reinserts every
 * page that was hit and stands behind it, until one comes that was not or
 * that was reinserted in this search already.  So does this, for the
 * figures published; with each=1 every page is asked.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) age_##fn

enum { QUEUE = 1 };

struct age_slot {
	uint64_t used;	  /* reference of the last use */
	uint64_t checked; /* reference of the last reinsertion */
};

struct age {
	struct lists l;
	uint64_t now; /* references */
	uint64_t misses;
	double scale;
	bool each;
	struct age_slot *slot;
};

static const struct eph_policy_param age_params[] = {
	{ "scale", 0.1, 0, 100,
	    "age up to which a page is kept, as a share of LRU's time" },
	{ "each", 0, 0, 1, "1: the age of every page counts, 0: the first's" },
	{ NULL, 0, 0, 0, NULL },
};

static void
age_destroy(void *ps)
{
	struct age *s = ps;

	eph_mem_free(s->l.c.mem, s->slot, s->l.c.nslots * sizeof(*s->slot));
	lists_destroy(ps, sizeof(*s));
}

static int
age_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_age, env->params, v, err);
	struct age *s;

	if (error != 0)
		return (error);
	if ((s = lists_create(env, sizeof(*s), 0)) == NULL)
		return (eph__policy_nomem(env, "age", err));
	s->slot = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->slot));
	if (s->slot == NULL) {
		age_destroy(s);
		return (eph__policy_nomem(env, "age", err));
	}
	s->scale = v[0];
	s->each = v[1] != 0;
	*psp = s;
	return (0);
}

static inline void
age_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct age *s = ps;

	s->now += !s->l.ready;
	s->l.ready = false;
	s->misses++;
	s->slot[slot].used = s->now;
	lists_insert(&s->l, slot, page, QUEUE);
}

static inline void
age_hit(void *ps, uint32_t slot)
{
	struct age *s = ps;

	s->l.n[slot].bits = 1;
	s->slot[slot].used = ++s->now;
}

static inline bool
age_recent(const struct age *s, uint32_t slot, double limit)
{
	return ((double)(s->now - s->slot[slot].used) < limit);
}

static inline uint32_t
age_victim(void *ps, uint32_t page)
{
	struct age *s = ps;
	double limit;
	uint32_t i;
	bool recent;

	(void)page;
	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	s->now++;
	s->l.ready = true;
	limit = (double)s->l.c.nslots / ((double)s->misses / (double)s->now) *
	    s->scale;
	i = lists_victim(&s->l, QUEUE);
	recent = age_recent(s, i, limit);
	while (s->l.n[i].bits && s->slot[i].checked != s->now &&
	    (s->each ? age_recent(s, i, limit) : recent)) {
		s->l.n[i].bits = 0;
		s->slot[i].checked = s->now;
		lists_move(&s->l, i, QUEUE);
		i = lists_victim(&s->l, QUEUE);
	}
	lists_remove(&s->l, i);
	return (i);
}

static void
age_check(void *ps)
{
	eph__lists_check(ps, QUEUE);
}

#define age_pin		      lists_pin
#define age_release	      lists_release
#define age_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct age *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_age = {
	.name = "age",
	.summary = "FIFO with reinsertion of what was hit a short time ago",
	.origin = "Lazy Promotion, PVLDB 19(4), 2025",
	.params = age_params,
	POLICY_CALLS,
};
