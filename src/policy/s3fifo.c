/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * S3-FIFO: a small FIFO (10 % of the buffers) that new pages pass through,
 * a main one with second chances, and the ghosts of what the small one
 * dropped (as many as 90 % of the buffers).  A page leaves the small queue
 * for the main one when it was hit at least `threshold` times there, or
 * when it is missed while remembered.
 *
 * Where the two published implementations differ (which queue gives up a
 * page when both are at their size), this follows the authors' own: the
 * main one when it is over its size or the small one is empty.
 *
 * Yang, Zhang, Qiu, Yue, Vigfusson, SOSP 2023.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) s3fifo_##fn

#define FREQ_MAX 3u

enum { SMALL = 1, MAIN, GHOST };

struct s3fifo {
	struct lists l;
	uint32_t main_max;
	uint32_t ghost_max;
	uint32_t threshold;
	bool recalled; /* the page that arrives was remembered */
};

static const struct eph_policy_param s3fifo_params[] = {
	{ "small", 0.1, 0, 1, "share of the buffers in the small queue" },
	{ "ghost", 0.9, 0, 8, "pages remembered, as a share of the buffers" },
	{ "threshold", 2, 1, FREQ_MAX,
	    "hits in the small queue that lead to the main one" },
	{ NULL, 0, 0, 0, NULL },
};

static int
s3fifo_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_s3fifo, env->params, v, err);
	struct s3fifo *s;

	if (error != 0)
		return (error);
	s = lists_create(
	    env, sizeof(*s), policy_share(env->nslots, v[1], 1) + 1);
	if (s == NULL)
		return (eph__policy_nomem(env, "s3fifo", err));
	s->main_max = env->nslots - policy_share(env->nslots, v[0], 0);
	s->ghost_max = policy_share(env->nslots, v[1], 0);
	s->threshold = (uint32_t)v[2];
	*psp = s;
	return (0);
}

static void
s3fifo_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct s3fifo));
}

static inline void
s3fifo_recall(struct s3fifo *s, uint32_t page)
{
	const uint32_t g = lists_ghost(&s->l, page);

	s->recalled = g != EPH_NONE;
	if (g != EPH_NONE)
		lists_ghost_drop(&s->l, g);
}

static inline void
s3fifo_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct s3fifo *s = ps;

	if (!s->l.ready)
		s3fifo_recall(s, page);
	s->l.ready = false;
	lists_insert(&s->l, slot, page, s->recalled ? MAIN : SMALL);
}

static inline void
s3fifo_hit(void *ps, uint32_t slot)
{
	struct s3fifo *s = ps;
	struct node *n = &s->l.n[slot];

	n->freq = (uint8_t)(n->freq + (n->freq < FREQ_MAX));
}

/*
 * The queue that is to give up a page: the main one when it is over its
 * size, the other one when the first choice has nothing unpinned.
 */
static inline unsigned
s3fifo_choose(const struct s3fifo *s)
{
	const unsigned list = lists_count(&s->l, MAIN) > s->main_max ||
		lists_count(&s->l, SMALL) == 0
	    ? MAIN
	    : SMALL;

	return (
	    lists_victim(&s->l, list) != EPH_NONE ? list : SMALL + MAIN - list);
}

/*
 * The first page of `list` that is not kept, or EPH_NONE.  Pages of the
 * small queue are moved to the main one without a look at its size until
 * one leaves, as in the paper.
 */
static inline uint32_t
s3fifo_sweep(struct s3fifo *s, unsigned list)
{
	const uint32_t keep = list == SMALL ? s->threshold : 1;
	uint32_t i;

	while ((i = lists_victim(&s->l, list)) != EPH_NONE) {
		struct node *n = &s->l.n[i];

		if (n->freq < keep)
			break;
		n->freq = list == SMALL ? 0 : (uint8_t)(n->freq - 1);
		lists_move(&s->l, i, MAIN);
	}
	return (i);
}

static inline uint32_t
s3fifo_victim(void *ps, uint32_t page)
{
	struct s3fifo *s = ps;
	uint32_t i;
	bool small;

	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	s3fifo_recall(s, page);
	s->l.ready = true;
	while ((i = s3fifo_sweep(s, s3fifo_choose(s))) == EPH_NONE)
		continue;
	small = s->l.n[i].list == SMALL;
	lists_remove(&s->l, i);
	if (small) {
		lists_ghost_add(&s->l, s->l.n[i].page, GHOST);
		if (lists_count(&s->l, GHOST) > s->ghost_max)
			lists_ghost_trim(&s->l, GHOST);
	}
	return (i);
}

static void
s3fifo_check(void *ps)
{
	struct s3fifo *s = ps;

	eph__lists_check(&s->l, MAIN);
	if (lists_count(&s->l, GHOST) > s->ghost_max)
		PANIC("s3fifo: too many remembered");
}

#define s3fifo_pin	      lists_pin
#define s3fifo_release	      lists_release
#define s3fifo_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct s3fifo *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_s3fifo = {
	.name = "s3fifo",
	.summary = "small FIFO, main FIFO with second chances, ghosts",
	.origin = "Yang et al., SOSP 2023",
	.params = s3fifo_params,
	POLICY_CALLS,
};
