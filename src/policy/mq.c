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
 * So the queues above the lowest are short, and every reference takes about
 * one page from each.  They are rings of their own, in which a page that
 * went elsewhere leaves a gap; only the lowest is a list.
 *
 * Zhou, Philbin, Li, USENIX ATC 2001.
 */

#include <errno.h>

#include "ephmap/sdk/cpuset.h"
#include "policy/list_policy.h"
#include "policy/ops_row.h"

#define POLICY(fn) mq_##fn

#define QUEUES	   8u
#define NEVER	   UINT64_MAX
#define RING_FIRST 256u /* entries at first, a power of two */

/* UPPER has no links: its slots are in the rings. */
enum { Q0 = 1, UPPER, QOUT };

struct mq_node {
	uint32_t uses; /* also of ghosts */
	uint32_t at;   /* in the ring of its queue */
};

struct mq_entry {
	uint64_t expire; /* when it goes down a queue */
	uint32_t slot;	 /* EPH_NONE: it has left */
};

/* Places are counted on and taken modulo the room. */
struct mq_ring {
	struct mq_entry *e;
	uint32_t mask;
	uint32_t first, last; /* the oldest, one behind the newest */
};

struct mq {
	struct lists l;
	struct mq_node *m;	     /* by node of the lists */
	struct mq_ring ring[QUEUES]; /* the first is not used */
	uint64_t expire[QUEUES];     /* that of the oldest, or NEVER */
	size_t room;		     /* of each ring at most */
	uint32_t now;		     /* wraps; only differences are compared */
	uint32_t lifetime;
	uint32_t qout_max;
	uint32_t recalled; /* uses of the page that arrives, as a ghost */
};

static void
mq_destroy(void *ps)
{
	struct mq *q = ps;

	for (unsigned k = 1; k < QUEUES; k++)
		eph_mem_free(
		    q->l.c.mem, q->ring[k].e, q->room * sizeof(*q->ring[k].e));
	eph_mem_free(q->l.c.mem, q->m, q->l.heads * sizeof(*q->m));
	lists_destroy(q, sizeof(*q));
}

static const struct eph_policy_param mq_params[] = {
	{ "lifetime", 75, 1, 1e9,
	    "references after which an unused page falls one queue" },
	{ "out", 0.5, 0, 8, "pages remembered, as a share of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

/* Memory beside the lists; false: there is none. */
static bool
mq_alloc(struct mq *q)
{
	q->m = eph_mem_alloc(q->l.c.mem, q->l.heads * sizeof(*q->m));
	if (q->m == NULL)
		return (false);
	/* With twice the slots, half of a ring that is full are gaps. */
	for (q->room = RING_FIRST; q->room < 2 * (size_t)q->l.c.nslots;)
		q->room *= 2;
	for (unsigned k = 1; k < QUEUES; k++) {
		struct mq_ring *r = &q->ring[k];

		q->expire[k] = NEVER;
		r->mask = RING_FIRST - 1;
		r->e = eph_mem_alloc(q->l.c.mem, q->room * sizeof(*r->e));
		if (r->e == NULL)
			return (false);
	}
	return (true);
}

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
	q->l.aside = UPPER;
	q->qout_max = qout;
	q->lifetime = (uint32_t)v[0];
	if (!mq_alloc(q)) {
		mq_destroy(q);
		return (eph__policy_nomem(env, "mq", err));
	}
	*psp = q;
	return (0);
}

/* The queue of a page used so often. */
static inline unsigned
mq_queue(uint32_t uses)
{
	unsigned k = 0;

	for (unsigned i = 1; i < QUEUES; i++)
		k += uses >> i != 0;
	return (k);
}

/* Close the gaps of a full ring; if they were few, double its room. */
static void
mq_ring_pack(struct mq *q, struct mq_ring *r)
{
	const uint32_t room = r->mask + 1;
	uint32_t to = r->first;

	for (uint32_t x = r->first; x != r->last; x++) {
		const struct mq_entry e = r->e[x & r->mask];

		if (e.slot == EPH_NONE)
			continue;
		q->m[e.slot].at = to;
		r->e[to++ & r->mask] = e;
	}
	r->last = to;
	if (to - r->first <= room / 2)
		return;
	r->mask = 2 * room - 1;
	for (uint32_t x = r->first; x != r->last; x++) {
		if (x & room)
			r->e[x & r->mask] = r->e[x & (room - 1)];
	}
}

/* The oldest of queue `k` has changed: pass the gaps before the next. */
static inline void
mq_ring_first(struct mq *q, unsigned k)
{
	struct mq_ring *r = &q->ring[k];

	for (; r->first != r->last; r->first++) {
		const struct mq_entry *e = &r->e[r->first & r->mask];

		if (e->slot != EPH_NONE) {
			q->expire[k] = e->expire;
			return;
		}
	}
	q->expire[k] = NEVER;
}

/* `slot`, which is in no queue, is the newest of queue `k` from 1. */
static inline void
mq_ring_push(struct mq *q, unsigned k, uint32_t slot)
{
	struct mq_ring *r = &q->ring[k];
	struct mq_entry *e;

	if (eph_unlikely(r->last - r->first > r->mask))
		mq_ring_pack(q, r);
	e = &r->e[r->last & r->mask];
	e->slot = slot;
	e->expire = q->now + q->lifetime;
	if (r->first == r->last)
		q->expire[k] = e->expire;
	q->m[slot].at = r->last++;
}

/* Take `slot` out of its queue, whichever it is. */
static inline void
mq_unlink(struct mq *q, uint32_t slot)
{
	const struct node *n = &q->l.n[slot];
	struct mq_ring *r = &q->ring[n->bits];
	const uint32_t at = q->m[slot].at;

	if (n->list != UPPER) {
		lists_unlink(&q->l, slot);
		return;
	}
	r->e[at & r->mask].slot = EPH_NONE;
	if (at == r->first)
		mq_ring_first(q, n->bits);
}

/* Put it into queue `k`. */
static inline void
mq_link(struct mq *q, uint32_t slot, unsigned k)
{
	struct node *n = &q->l.n[slot];

	n->bits = (uint8_t)k;
	if (k == 0) {
		lists_push(&q->l, slot, Q0);
		return;
	}
	n->list = UPPER;
	mq_ring_push(q, k, slot);
}

/* Pages at the end of their life go down one queue, one per queue. */
static inline void
mq_adjust(struct mq *q)
{
	eph_cpuword_t due = 0;

	q->now++;
	for (unsigned k = 1; k < QUEUES; k++)
		due |= (eph_cpuword_t)(q->expire[k] < q->now) << k;
	for (; due != 0; due &= due - 1) {
		const unsigned k = eph_cpuword_first(due);
		struct mq_ring *r = &q->ring[k];
		const uint32_t slot = r->e[r->first++ & r->mask].slot;

		mq_ring_first(q, k);
		mq_link(q, slot, k - 1);
		q->l.c.moves++;
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
	lists_insert(&q->l, slot, page, Q0);
	if (q->recalled > 0) {
		lists_unlink(&q->l, slot);
		mq_link(q, slot, mq_queue(q->recalled + 1));
	}
	mq_adjust(q);
}

static inline void
mq_hit(void *ps, uint32_t slot)
{
	struct mq *q = ps;

	mq_unlink(q, slot);
	mq_link(q, slot, mq_queue(++q->m[slot].uses));
	q->l.c.moves++;
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

/* The slot holds nothing any more. */
static inline void
mq_forget(void *ps, uint32_t slot)
{
	struct mq *q = ps;

	if (q->l.n[slot].list == UPPER) {
		mq_unlink(q, slot);
		mq_link(q, slot, 0);
	}
	lists_remove(&q->l, slot);
}

/* The least recent page above the lowest queue that is not pinned. */
static uint32_t
mq_victim_above(const struct mq *q)
{
	for (unsigned k = 1; k < QUEUES; k++) {
		const struct mq_ring *r = &q->ring[k];

		for (uint32_t x = r->first; x != r->last; x++) {
			const uint32_t i = r->e[x & r->mask].slot;

			if (i != EPH_NONE && !q->l.n[i].pinned)
				return (i);
		}
	}
	return (EPH_NONE);
}

static inline uint32_t
mq_victim(void *ps, uint32_t page)
{
	struct mq *q = ps;
	uint32_t i;

	if (lists_all_pinned(&q->l))
		return (EPH_NONE);
	mq_recall(q, page);
	if ((i = lists_victim(&q->l, Q0)) == EPH_NONE)
		i = mq_victim_above(q);
	mq_forget(q, i);
	mq_remember(q, i);
	return (i);
}

static void
mq_check(void *ps)
{
	const struct mq *q = ps;
	uint32_t above = 0;

	eph__lists_check(&q->l, UPPER);
	for (unsigned k = 1; k < QUEUES; k++) {
		const struct mq_ring *r = &q->ring[k];

		for (uint32_t x = r->first; x != r->last; x++) {
			const uint32_t i = r->e[x & r->mask].slot;

			if (i == EPH_NONE)
				continue;
			above++;
			if (q->m[i].at != x || q->l.n[i].list != UPPER ||
			    q->l.n[i].bits != k)
				PANIC("mq: slot and place disagree");
		}
	}
	if (above + lists_count(&q->l, Q0) != q->l.c.resident)
		PANIC("mq: a slot is lost");
}

#define mq_pin		       lists_pin
#define mq_release	       lists_release
#define POLICY_NEAR(ps, slot)  (&((struct mq *)(ps))->l.n[slot])
#define POLICY_LISTS(ps)       (&((struct mq *)(ps))->l)
#define POLICY_AHEAD(ps, page) eph_prefetch_write(&((struct mq *)(ps))->m[page])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_mq = {
	.name = "mq",
	.summary = "eight LRU queues by the logarithm of the use count",
	.origin = "Zhou, Philbin, Li, USENIX ATC 2001",
	.params = mq_params,
	.by_page = true,
	POLICY_CALLS,
};
