/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LeCaR: each time a page has to leave, one of two experts, LRU and LFU,
 * is asked, chosen at random by weights.  What an expert dropped is
 * remembered (as many pages for each as half the buffers); when it is
 * missed, that expert loses weight, the more the sooner after its mistake.
 *
 * A miss costs the wrong expert exp(-0.45 * d^t), with d = 0.005^(1/N) and
 * t the references since; weights stay within 0.01 and 0.99, as in the
 * authors' program, which this follows.  Among pages used equally often
 * LFU drops the least recent (theirs, the lowest block number).
 *
 * Vietri et al., HotStorage 2018.
 */

#include <math.h>

#include "policy/experts.h"
#include "policy/list_policy.h"
#include "policy/ops_row.h"
#include "policy/ranks.h"

#define POLICY(fn) lecar_##fn

enum { RECENT = 1, LRU_GHOST, LFU_GHOST };

struct lecar_ghost {
	uint64_t when; /* it was dropped */
	uint32_t uses;
};

struct lecar {
	struct lists l;
	struct ranks r;	       /* by uses and time of the last one */
	struct lecar_ghost *g; /* by node of the lists */
	struct prng rng;
	uint64_t now;
	uint32_t ghost_max; /* of each expert */
	uint32_t recalled;  /* uses of the page that arrives, as a ghost */
	double weight;	    /* of LRU; LFU has the rest */
	double rate;
	double discount; /* logarithm of d */
};

static void
lecar_destroy(void *ps)
{
	struct lecar *e = ps;

	eph_mem_free(e->l.c.mem, e->g, e->l.heads * sizeof(*e->g));
	eph__ranks_fini(&e->r);
	lists_destroy(e, sizeof(*e));
}

static const struct eph_policy_param lecar_params[] = {
	{ "rate", 0.45, 0, 10, "learning rate" },
	{ "discount", 0.005, 1e-9, 1,
	    "what a regret is worth after as many misses as there are buffers" },
	{ "weight", 0.5, 1 - EXPERT_WEIGHT_MAX, EXPERT_WEIGHT_MAX,
	    "weight of LRU at the start" },
	{ "history", 0.5, 0, 4,
	    "pages each expert remembers, as a share of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

static int
lecar_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[4];
	const int error =
	    eph_policy_params(&eph_policy_lecar, env->params, v, err);
	const uint32_t ghosts = policy_share(env->nslots, v[3], 1);
	struct lecar *e;

	if (error != 0)
		return (error);
	if ((e = lists_create(env, sizeof(*e), 2 * ghosts + 1)) == NULL)
		return (eph__policy_nomem(env, "lecar", err));
	e->ghost_max = ghosts;
	e->g = eph_mem_alloc(env->mem, e->l.heads * sizeof(*e->g));
	if (e->g == NULL) {
		lists_destroy(e, sizeof(*e));
		return (eph__policy_nomem(env, "lecar", err));
	}
	if (eph__ranks_init(&e->r, env) != 0) {
		eph_mem_free(env->mem, e->g, e->l.heads * sizeof(*e->g));
		lists_destroy(e, sizeof(*e));
		return (eph__policy_nomem(env, "lecar", err));
	}
	eph__prng_init(&e->rng, env->seed, 0);
	e->weight = v[2];
	e->rate = v[0];
	e->discount = log(v[1]) / env->nslots;
	*psp = e;
	return (0);
}

static inline uint64_t
lecar_key(const struct lecar *e, uint32_t uses)
{
	return (rank_make(uses, (uint32_t)e->now));
}

/* The expert whose ghost was missed loses weight to the other. */
static inline void
lecar_blame(struct lecar *e, bool lru, uint64_t age)
{
	const double rate = e->rate * exp(e->discount * (double)age);

	e->weight = experts_blame(e->weight, lru, rate);
}

static inline void
lecar_recall(struct lecar *e, uint32_t page)
{
	const uint32_t g = lists_ghost(&e->l, page);
	const struct lecar_ghost *ghost;

	e->now++;
	e->recalled = 0;
	e->l.ready = true;
	if (g == EPH_NONE)
		return;
	ghost = &e->g[g];
	e->recalled = ghost->uses;
	lecar_blame(e, e->l.n[g].list == LRU_GHOST, e->now - ghost->when);
	lists_ghost_drop(&e->l, g);
}

static inline void
lecar_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lecar *e = ps;

	if (!e->l.ready)
		lecar_recall(e, page);
	e->l.ready = false;
	lists_insert(&e->l, slot, page, RECENT);
	rank_insert(&e->r, slot, lecar_key(e, e->recalled + 1));
}

static inline void
lecar_hit(void *ps, uint32_t slot)
{
	struct lecar *e = ps;

	e->now++;
	lists_move(&e->l, slot, RECENT);
	rank_use(
	    &e->r, slot, lecar_key(e, rank_value(rank_key(&e->r, slot)) + 1));
}

static inline void
lecar_pin(void *ps, uint32_t slot)
{
	struct lecar *e = ps;

	lists_pin(&e->l, slot);
	rank_pin(&e->r, slot);
}

static inline void
lecar_release(void *ps, uint32_t slot)
{
	struct lecar *e = ps;

	lists_release(&e->l, slot);
	rank_release(&e->r, slot);
}

static inline void
lecar_forget(void *ps, uint32_t slot)
{
	struct lecar *e = ps;

	lists_forget(&e->l, slot);
	rank_remove(&e->r, slot);
}

static inline void
lecar_remember(struct lecar *e, uint32_t slot, unsigned list)
{
	const uint32_t page = e->l.n[slot].page;
	uint32_t g;

	if (lists_count(&e->l, list) == e->ghost_max)
		lists_ghost_trim(&e->l, list);
	lists_ghost_add(&e->l, page, list);
	if ((g = lists_ghost(&e->l, page)) == EPH_NONE)
		return;
	e->g[g].when = e->now;
	e->g[g].uses = rank_value(rank_key(&e->r, slot));
}

static inline uint32_t
lecar_victim(void *ps, uint32_t page)
{
	struct lecar *e = ps;
	uint32_t lru, lfu, slot;
	bool choice;

	if (lists_all_pinned(&e->l))
		return (EPH_NONE);
	lecar_recall(e, page);
	lru = lists_victim(&e->l, RECENT);
	lfu = rank_first(&e->r, false);
	choice = prng_unit(&e->rng) < e->weight;
	slot = choice ? lru : lfu;
	lecar_forget(e, slot);
	if (lru != lfu)
		lecar_remember(e, slot, choice ? LRU_GHOST : LFU_GHOST);
	return (slot);
}

static void
lecar_check(void *ps)
{
	struct lecar *e = ps;

	eph__lists_check(&e->l, RECENT);
	eph__ranks_check(&e->r);
}

#define POLICY_NEAR(ps, slot) (&((struct lecar *)(ps))->l.n[slot])
#define POLICY_BY(ps, slot)   (&((struct lecar *)(ps))->r.n[slot])
#define POLICY_PAST(ps, page) lists_past(&((struct lecar *)(ps))->l, page)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lecar = {
	.name = "lecar",
	.summary = "LRU or LFU, drawn by weights learnt from mistakes",
	.origin = "Vietri et al., HotStorage 2018",
	.params = lecar_params,
	POLICY_CALLS,
};
