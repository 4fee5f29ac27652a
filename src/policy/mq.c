/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * MQ: eight LRU queues; a page used f times is in queue log2(f).  A page
 * not used for `lifetime` references goes down one queue.  The least
 * recent page of the lowest queue that has one leaves, and its count is
 * remembered (as many pages as 50 % of the buffers).
 *
 * The lifetime is 75 references, as in Caffeine's simulator; the paper
 * measures one per trace.
 *
 * Zhou, Philbin, Li, USENIX ATC 2001.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) mq_##fn

#define QUEUES 8u

enum { Q0 = 1, QOUT = Q0 + QUEUES };

CTASSERT(QOUT < LISTS_MAX);

struct mq_node {
	uint32_t uses;	 /* also of ghosts */
	uint32_t expire; /* when it goes down a queue */
};

struct mq {
	struct lists l;
	struct mq_node *m; /* slots, then ghosts */
	uint32_t nm;
	uint32_t now; /* wraps; only differences are compared */
	uint32_t lifetime;
	uint32_t qout_max;
	uint32_t recalled; /* uses of the page that arrives, as a ghost */
};

static void
mq_destroy(void *ps)
{
	struct mq *q = ps;

	eph_mem_free(q->l.c.mem, q->m, q->nm * sizeof(*q->m));
	lists_destroy(q, sizeof(*q));
}

static const struct eph_policy_param mq_params[] = {
	{ "lifetime", 75, 1, 1e9,
	    "references after which an unused page falls one queue" },
	{ "out", 0.5, 0, 8, "pages remembered, as a share of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

static int
mq_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_mq, env->params, v, err);
	uint32_t qout;
	struct mq *q;

	if (error != 0)
		return (error);
	qout = policy_share(env->nslots, v[1], 1);
	if ((q = lists_create(env, sizeof(*q), qout + 1)) == NULL)
		return (eph__policy_nomem(env, "mq", err));
	q->qout_max = qout;
	q->lifetime = (uint32_t)v[0];
	q->nm = env->nslots + qout + 1;
	if ((q->m = eph_mem_alloc(env->mem, q->nm * sizeof(*q->m))) == NULL) {
		mq_destroy(q);
		return (eph__policy_nomem(env, "mq", err));
	}
	*psp = q;
	return (0);
}

static inline unsigned
mq_queue(uint32_t uses)
{
	unsigned k = 0;

	while (k < QUEUES - 1 && uses >> (k + 1) != 0)
		k++;
	return (Q0 + k);
}

/* Pages at the end of their life go down one queue, one per queue. */
static inline void
mq_adjust(struct mq *q)
{
	q->now++;
	for (unsigned k = Q0 + 1; k < QOUT; k++) {
		const uint32_t i = lists_tail(&q->l, k);

		if (lists_count(&q->l, k) == 0 ||
		    (int32_t)(q->m[i].expire - q->now) >= 0)
			continue;
		q->m[i].expire = q->now + q->lifetime;
		lists_move(&q->l, i, k - 1);
	}
}

static inline void
mq_recall(struct mq *q, uint32_t page)
{
	const uint32_t g = lists_ghost(&q->l, page);

	q->recalled = 0;
	if (g != EPH_NONE) {
		q->recalled = q->m[g].uses;
		lists_ghost_drop(&q->l, g);
	}
	q->l.ready = true;
}

static inline void
mq_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct mq *q = ps;

	if (!q->l.ready)
		mq_recall(q, page);
	q->l.ready = false;
	q->m[slot].uses = q->recalled + 1;
	q->m[slot].expire = q->now + q->lifetime;
	lists_insert(&q->l, slot, page, mq_queue(q->m[slot].uses));
	mq_adjust(q);
}

static inline void
mq_hit(void *ps, uint32_t slot)
{
	struct mq *q = ps;

	q->m[slot].uses++;
	q->m[slot].expire = q->now + q->lifetime;
	lists_move(&q->l, slot, mq_queue(q->m[slot].uses));
	mq_adjust(q);
}

static inline void
mq_remember(struct mq *q, uint32_t slot)
{
	const uint32_t page = q->l.n[slot].page;
	uint32_t g;

	lists_ghost_add(&q->l, page, QOUT);
	if ((g = lists_ghost(&q->l, page)) != EPH_NONE)
		q->m[g].uses = q->m[slot].uses;
	if (lists_count(&q->l, QOUT) > q->qout_max)
		lists_ghost_trim(&q->l, QOUT);
}

static inline uint32_t
mq_victim(void *ps, uint32_t page)
{
	struct mq *q = ps;
	uint32_t i = EPH_NONE;

	if (lists_all_pinned(&q->l))
		return (EPH_NONE);
	mq_recall(q, page);
	for (unsigned k = Q0; i == EPH_NONE; k++)
		i = lists_victim(&q->l, k);
	lists_remove(&q->l, i);
	mq_remember(q, i);
	return (i);
}

static void
mq_check(void *ps)
{
	eph__lists_check(ps, QOUT - 1);
}

#define mq_pin		      lists_pin
#define mq_release	      lists_release
#define mq_forget	      lists_forget
#define POLICY_NEAR(ps, slot) (&((struct mq *)(ps))->l.n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_mq = {
	.name = "mq",
	.summary = "eight LRU queues by the logarithm of the use count",
	.origin = "Zhou, Philbin, Li, USENIX ATC 2001",
	.params = mq_params,
	POLICY_CALLS,
};
