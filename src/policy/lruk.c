/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LRU-K: the page whose K-th last use lies farthest back leaves, a page
 * used fewer than K times before all others, and among those the least
 * recently used.  The times of a page that left are remembered for a while:
 * as many pages as twice the buffers, those that left last.
 *
 * Uses of a page within `correlated` references of each other are one (the
 * correlated reference period), and a page is not recycled within it as
 * long as there is another.  The shipped 0 makes every use count.
 *
 * O'Neil, O'Neil, Weikum, SIGMOD 1993, figure 2.1.  Where that remembers
 * for a time, this remembers a number of pages.
 */

#include <errno.h>

#include "policy/heap.h"
#include "policy/list.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) lruk_##fn

#define K_MAX	   8u
#define HAS_K_USES ((uint64_t)1 << 63)

enum { GHOST = 1 };

/* Times are references from 1; 0: never. */
struct lruk_times {
	uint64_t at[K_MAX]; /* of uses that count, the last first */
	uint64_t last;	    /* of any use */
};

struct lruk {
	struct heap h;	     /* see lruk_key() */
	struct lists ghosts; /* it has no slots */
	uint32_t nghosts;
	uint32_t k;
	uint64_t correlated;
	uint64_t now;
	bool ready;		  /* victim() took up the page's past */
	struct lruk_times comes;  /* the past of the page that arrives */
	struct lruk_times *times; /* by slot, then by ghost */
	uint32_t *page;		  /* by slot */
	uint32_t *aside;	  /* too recent to leave, during a search */
};

static const struct eph_policy_param lruk_params[] = {
	{ "k", 2, 1, K_MAX, "uses looked back" },
	{ "correlated", 0, 0, 1e9, "references within which uses are one" },
	{ "history", 2, 0, 100,
	    "pages remembered, in multiples of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

static void
lruk_destroy(void *ps)
{
	struct lruk *s = ps;
	struct eph_mem *mem = s->h.c.mem;
	const uint32_t n = s->h.c.nslots;

	eph_mem_free(
	    mem, s->times, ((size_t)n + s->nghosts + 1) * sizeof(*s->times));
	eph_mem_free(mem, s->page, n * sizeof(*s->page));
	eph_mem_free(mem, s->aside, n * sizeof(*s->aside));
	eph__lists_fini(&s->ghosts);
	eph__heap_fini(&s->h);
	eph_mem_free(mem, s, sizeof(*s));
}

/* The tables; what is missing is NULL. */
static bool
lruk_alloc(struct lruk *s, const struct eph_policy_env *env)
{
	const uint32_t n = env->nslots;

	s->times = eph_mem_alloc(
	    env->mem, ((size_t)n + s->nghosts + 1) * sizeof(*s->times));
	s->page = eph_mem_alloc(env->mem, n * sizeof(*s->page));
	s->aside = eph_mem_alloc(env->mem, n * sizeof(*s->aside));
	return (s->times != NULL && s->page != NULL && s->aside != NULL);
}

static int
lruk_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct eph_policy_env none = *env; /* lists without slots */
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_lruk, env->params, v, err);
	struct lruk *s;

	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, sizeof(*s))) == NULL)
		return (eph__policy_nomem(env, "lru-k", err));
	none.nslots = 0;
	s->k = (uint32_t)v[0];
	s->correlated = (uint64_t)v[1];
	s->nghosts = policy_share(env->nslots, v[2], 0);
	if (eph__heap_init(&s->h, env) != 0) {
		eph_mem_free(env->mem, s, sizeof(*s));
		return (eph__policy_nomem(env, "lru-k", err));
	}
	if (eph__lists_init(&s->ghosts, &none, s->nghosts + 1) != 0) {
		eph__heap_fini(&s->h);
		eph_mem_free(env->mem, s, sizeof(*s));
		return (eph__policy_nomem(env, "lru-k", err));
	}
	if (!lruk_alloc(s, env)) {
		lruk_destroy(s);
		return (eph__policy_nomem(env, "lru-k", err));
	}
	*psp = s;
	return (0);
}

/* The smallest leaves first. */
static inline uint64_t
lruk_key(const struct lruk *s, const struct lruk_times *t)
{
	const uint64_t kth = t->at[s->k - 1];

	return (kth == 0 ? t->last : HAS_K_USES | kth);
}

/* A use that counts: the others move back, each by `by`. */
static inline void
lruk_use(struct lruk *s, struct lruk_times *t, uint64_t by)
{
	for (uint32_t i = s->k; i-- > 1;)
		t->at[i] = t->at[i - 1] == 0 ? 0 : t->at[i - 1] + by;
	t->at[0] = t->last = s->now;
}

/* What is known of `page`, which is missed now. */
static inline void
lruk_recall(struct lruk *s, uint32_t page)
{
	const uint32_t g = lists_ghost(&s->ghosts, page);

	s->now++;
	s->comes = (struct lruk_times){ { 0 }, 0 };
	if (g != EPH_NONE) {
		s->comes = s->times[s->h.c.nslots + g];
		lists_ghost_drop(&s->ghosts, g);
	}
}

static inline void
lruk_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lruk *s = ps;

	if (!s->ready)
		lruk_recall(s, page);
	s->ready = false;
	s->times[slot] = s->comes;
	s->page[slot] = page;
	lruk_use(s, &s->times[slot], 0);
	heap_insert(&s->h, slot, lruk_key(s, &s->times[slot]));
}

static inline void
lruk_hit(void *ps, uint32_t slot)
{
	struct lruk *s = ps;
	struct lruk_times *t = &s->times[slot];

	s->now++;
	if (s->now - t->last > s->correlated)
		lruk_use(s, t, t->last - t->at[0]);
	else
		t->last = s->now;
	heap_rekey(&s->h, slot, lruk_key(s, t));
}

/* The first in order that is not within its period, if there is one. */
static inline uint32_t
lruk_choose(struct lruk *s)
{
	uint32_t first = heap_first(&s->h), slot = first, n = 0;

	while (
	    slot != EPH_NONE && s->now - s->times[slot].last <= s->correlated) {
		s->aside[n++] = slot;
		heap_take(&s->h, slot);
		slot = heap_first(&s->h);
	}
	for (uint32_t i = 0; i < n; i++)
		heap_add(&s->h, s->aside[i]);
	return (slot == EPH_NONE ? first : slot);
}

/* Remember the page of `slot`, which leaves. */
static inline void
lruk_remember(struct lruk *s, uint32_t slot)
{
	uint32_t g;

	lists_ghost_add(&s->ghosts, s->page[slot], GHOST);
	if ((g = lists_ghost(&s->ghosts, s->page[slot])) != EPH_NONE)
		s->times[s->h.c.nslots + g] = s->times[slot];
	if (lists_count(&s->ghosts, GHOST) > s->nghosts)
		lists_ghost_trim(&s->ghosts, GHOST);
}

static inline uint32_t
lruk_victim(void *ps, uint32_t page)
{
	struct lruk *s = ps;
	uint32_t slot;

	if (heap_first(&s->h) == EPH_NONE)
		return (EPH_NONE);
	lruk_recall(s, page);
	s->ready = true;
	slot = lruk_choose(s);
	heap_remove(&s->h, slot);
	lruk_remember(s, slot);
	return (slot);
}

static void
lruk_check(void *ps)
{
	struct lruk *s = ps;

	eph__heap_check(&s->h);
	eph__lists_check(&s->ghosts, 0);
	for (uint32_t i = 0; i < s->h.c.nslots; i++) {
		if (s->h.state[i] != HEAP_EMPTY &&
		    heap_key(&s->h, i) != lruk_key(s, &s->times[i]))
			PANIC("lru-k: a key is not that of its times");
	}
}

#define lruk_pin	      heap_pin
#define lruk_release	      heap_release
#define lruk_forget	      heap_forget
#define POLICY_NEAR(ps, slot) (&((struct lruk *)(ps))->times[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lruk = {
	.name = "lru-k",
	.summary = "farthest K-th last use leaves first (LRU-2 as it stands)",
	.origin = "O'Neil, O'Neil, Weikum, SIGMOD 1993",
	.aka = "lru2,lru-2,lruk",
	.params = lruk_params,
	POLICY_CALLS,
};
