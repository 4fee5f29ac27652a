/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * 2Q, the full version: a page arrives in the FIFO queue A1in (25 % of the
 * buffers), where hits do nothing; what leaves it is remembered in A1out
 * (as many as 50 % of the buffers).  A page that is missed while it is
 * remembered there goes to Am, an LRU list, as one that is used for long.
 *
 * Johnson, Shasha, VLDB 1994.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) twoq_##fn

enum { A1IN = 1, AM, A1OUT };

struct twoq {
	struct lists l;
	uint32_t kin;
	uint32_t kout;
};

static const struct eph_policy_param twoq_params[] = {
	{ "kin", 0.25, 0, 1, "share of the buffers for pages seen once" },
	{ "kout", 0.5, 0, 8, "pages remembered, as a share of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

static int
twoq_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_2q, env->params, v, err);
	struct twoq *q;

	if (error != 0)
		return (error);
	q = lists_create(
	    env, sizeof(*q), policy_share(env->nslots, v[1], 1) + 1);
	if (q == NULL)
		return (eph__policy_nomem(env, "2q", err));
	q->kin = policy_share(env->nslots, v[0], 1);
	q->kout = policy_share(env->nslots, v[1], 1);
	*psp = q;
	return (0);
}

static void
twoq_destroy(void *ps)
{
	lists_destroy(ps, sizeof(struct twoq));
}

/*
 * Whether `page` is remembered, kept for insert() because the page that
 * leaves may push it out.
 */
static inline void
twoq_recall(struct twoq *q, uint32_t page)
{
	const uint32_t g = lists_ghost(&q->l, page);

	q->l.ready = g != EPH_NONE;
	if (g != EPH_NONE)
		lists_ghost_drop(&q->l, g);
}

static inline void
twoq_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct twoq *q = ps;

	if (!q->l.ready)
		twoq_recall(q, page);
	lists_insert(&q->l, slot, page, q->l.ready ? AM : A1IN);
	q->l.ready = false;
}

static inline void
twoq_hit(void *ps, uint32_t slot)
{
	struct twoq *q = ps;

	if (q->l.n[slot].list == AM)
		lists_move(&q->l, slot, AM);
}

static inline uint32_t
twoq_victim(void *ps, uint32_t page)
{
	struct twoq *q = ps;
	uint32_t i = EPH_NONE;
	bool remembered;

	if (lists_all_pinned(&q->l))
		return (EPH_NONE);
	twoq_recall(q, page);
	if (lists_count(&q->l, A1IN) <= q->kin)
		i = lists_victim(&q->l, AM);
	if (i == EPH_NONE)
		i = lists_victim(&q->l, A1IN);
	if (i == EPH_NONE)
		i = lists_victim(&q->l, AM);
	remembered = q->l.n[i].list == A1IN;
	lists_remove(&q->l, i);
	if (remembered) {
		lists_ghost_add(&q->l, q->l.n[i].page, A1OUT);
		if (lists_count(&q->l, A1OUT) > q->kout)
			lists_ghost_trim(&q->l, A1OUT);
	}
	return (i);
}

static void
twoq_check(void *ps)
{
	struct twoq *q = ps;

	eph__lists_check(&q->l, AM);
	if (lists_count(&q->l, A1OUT) > q->kout)
		PANIC("2q: too many remembered");
}

#define twoq_pin	      lists_pin
#define twoq_release	      lists_release
#define twoq_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct twoq *)(ps))->l.n[slot])
#define POLICY_LISTS(ps)      (&((struct twoq *)(ps))->l)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_2q = {
	.name = "2q",
	.summary = "FIFO for new pages, LRU for those missed twice",
	.origin = "Johnson and Shasha, VLDB 1994",
	.params = twoq_params,
	.by_page = true,
	POLICY_CALLS,
};
