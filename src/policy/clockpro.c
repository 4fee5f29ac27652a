/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CLOCK-Pro: LIRS with clocks.  One ring holds hot pages, cold pages, and
 * cold pages that left within their test period; three hands go round.
 *
 *	cold	recycles a cold page; one used in its test period becomes hot
 *	hot	turns the first hot page that was not used into a cold one,
 *		and ends the test periods it passes
 *	test	ends test periods when too many pages that left are kept
 *
 * A page starts cold, in its test period, behind the hot hand.  The share
 * of cold pages grows by one when a test succeeds and shrinks by one when
 * it fails, between 1 % and 99 % of the buffers, from 1 %.  As many pages
 * that left are kept as there are buffers.
 *
 * With every cold page pinned the hot hand makes more of them.
 *
 * Jiang, Chen, Zhang, USENIX ATC 2005.
 */

#include <errno.h>

#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/state.h"

#define POLICY(fn) clockpro_##fn

enum { HOT = SLOT_EMPTY + 1, COLD, GONE };

struct clockpro_node {
	uint32_t prev;
	uint32_t next; /* where the hands go; free ghosts: next free */
	uint32_t page;
	uint8_t kind;
	uint8_t pinned;
	uint8_t used;
	uint8_t test;
};

enum { HAND_HOT, HAND_COLD, HAND_TEST, HANDS };

struct clockpro {
	struct policy_count c;
	struct clockpro_node *n; /* slots, then ghosts; or pages */
	uint32_t nodes;
	bool by_page;	      /* a page that left keeps its node */
	uint32_t hand[HANDS]; /* EPH_NONE: the ring is empty */
	uint32_t hot, cold, gone;
	uint32_t cold_pinned;
	uint32_t cold_target, cold_min, cold_max;
	uint32_t ghost_free;
	bool ready; /* victim() looked the page up */
	bool again; /* the page that arrives is in its test period */
	struct page_table ghost; /* node of a page's ghost; 0: none */
};

static void
clockpro_destroy(void *ps)
{
	struct clockpro *k = ps;
	struct eph_mem *mem = k->c.mem;

	eph_mem_free(mem, k->n, k->nodes * sizeof(*k->n));
	if (!k->by_page)
		eph__page_table_fini(&k->ghost, mem);
	eph_mem_free(mem, k, sizeof(*k));
}

static int
clockpro_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_clockpro, env->params, NULL, err);
	struct clockpro *k;

	if (error != 0)
		return (error);
	if ((k = eph_mem_alloc(env->mem, sizeof(*k))) == NULL)
		return (eph__policy_nomem(env, "clockpro", err));
	k->c.mem = env->mem;
	k->c.nslots = env->nslots;
	k->by_page = env->by_page;
	k->nodes = k->by_page ? env->npages_hint : 2 * env->nslots + 1;
	k->n = eph_mem_alloc(env->mem, k->nodes * sizeof(*k->n));
	if (k->n == NULL ||
	    (!k->by_page &&
		!eph__page_table_init(&k->ghost, env->mem, env->npages_hint))) {
		clockpro_destroy(k);
		return (eph__policy_nomem(env, "clockpro", err));
	}
	k->hand[HAND_HOT] = k->hand[HAND_COLD] = k->hand[HAND_TEST] = EPH_NONE;
	k->cold_min = policy_share(env->nslots, 0.01, 1);
	k->cold_max = policy_share(env->nslots, 0.99, k->cold_min);
	k->cold_target = k->cold_min;
	k->ghost_free = EPH_NONE;
	for (uint32_t g = k->nodes; !k->by_page && g-- > env->nslots;) {
		k->n[g].next = k->ghost_free;
		k->ghost_free = g;
	}
	*psp = k;
	return (0);
}

static inline void
clockpro_unlink(struct clockpro *k, uint32_t i)
{
	const struct clockpro_node *n = &k->n[i];

	for (unsigned h = 0; h < HANDS; h++) {
		if (k->hand[h] == i)
			k->hand[h] = n->next == i ? EPH_NONE : n->next;
	}
	k->n[n->prev].next = n->next;
	k->n[n->next].prev = n->prev;
}

/* Behind the hot hand, which comes to it last: the head of the list. */
static inline void
clockpro_link(struct clockpro *k, uint32_t i)
{
	struct clockpro_node *n = &k->n[i];
	const uint32_t at = k->hand[HAND_HOT];

	if (at == EPH_NONE) {
		for (unsigned h = 0; h < HANDS; h++)
			k->hand[h] = i;
		n->prev = n->next = i;
		return;
	}
	n->next = at;
	n->prev = k->n[at].prev;
	k->n[n->prev].next = i;
	k->n[at].prev = i;
}

static inline void
clockpro_count(struct clockpro *k, const struct clockpro_node *n, int by)
{
	if (n->kind == HOT) {
		k->hot += (uint32_t)by;
	} else {
		k->cold += (uint32_t)by;
		if (n->pinned)
			k->cold_pinned += (uint32_t)by;
	}
}

static inline void
clockpro_turn(struct clockpro *k, uint32_t i, uint8_t kind)
{
	clockpro_count(k, &k->n[i], -1);
	k->n[i].kind = kind;
	k->n[i].test = 0;
	clockpro_count(k, &k->n[i], 1);
}

static inline void
clockpro_ghost_drop(struct clockpro *k, uint32_t g)
{
	clockpro_unlink(k, g);
	k->gone--;
	k->n[g].kind = SLOT_EMPTY;
	if (k->by_page)
		return;
	k->ghost.of[k->n[g].page] = 0;
	k->n[g].next = k->ghost_free;
	k->ghost_free = g;
}

static inline uint32_t
clockpro_ghost(const struct clockpro *k, uint32_t page)
{
	if (k->by_page)
		return (k->n[page].kind == GONE ? page : EPH_NONE);
	return (page_table_get(&k->ghost, page) - 1);
}

/* A ghost takes the place of slot `i` in the ring, if it can. */
static inline bool
clockpro_ghost_add(struct clockpro *k, uint32_t i)
{
	struct clockpro_node *n = &k->n[i], *ghost;
	const uint32_t g = k->ghost_free;

	if (g == EPH_NONE ||
	    !page_table_set(&k->ghost, k->c.mem, n->page, g + 1))
		return (false);
	ghost = &k->n[g];
	k->ghost_free = ghost->next;
	*ghost = *n;
	ghost->kind = GONE;
	ghost->pinned = 0;
	if (n->next == i) {
		ghost->prev = ghost->next = g;
	} else {
		k->n[n->prev].next = g;
		k->n[n->next].prev = g;
	}
	for (unsigned h = 0; h < HANDS; h++) {
		if (k->hand[h] == i)
			k->hand[h] = g;
	}
	k->gone++;
	return (true);
}

/* With slots by page: the node of page `i`, in the ring, is its ghost. */
static inline void
clockpro_go(struct clockpro *k, uint32_t i)
{
	k->n[i].kind = GONE;
	k->n[i].test = 1;
	k->gone++;
}

/* The test of page `i` has failed. */
static inline void
clockpro_test_end(struct clockpro *k, uint32_t i)
{
	if (k->cold_target > k->cold_min)
		k->cold_target--;
	if (k->n[i].kind == GONE)
		clockpro_ghost_drop(k, i);
	else
		k->n[i].test = 0;
}

static inline void
clockpro_test_passed(struct clockpro *k)
{
	if (k->cold_target < k->cold_max)
		k->cold_target++;
}

/* Turn one hot page into a cold one. */
static void
clockpro_run_hot(struct clockpro *k)
{
	for (;;) {
		const uint32_t i = k->hand[HAND_HOT];
		struct clockpro_node *n = &k->n[i];

		k->hand[HAND_HOT] = n->next;
		if (n->kind != HOT) {
			if (n->test)
				clockpro_test_end(k, i);
			continue;
		}
		if (!n->used)
			break;
		n->used = 0;
	}
	clockpro_turn(k, k->n[k->hand[HAND_HOT]].prev, COLD);
}

static inline void
clockpro_limit_hot(struct clockpro *k)
{
	while (k->hot > 0 && k->hot > k->c.nslots - k->cold_target)
		clockpro_run_hot(k);
}

static void
clockpro_run_test(struct clockpro *k)
{
	while (k->gone > k->c.nslots) {
		const uint32_t i = k->hand[HAND_TEST];

		k->hand[HAND_TEST] = k->n[i].next;
		if (k->n[i].kind != HOT && k->n[i].test)
			clockpro_test_end(k, i);
	}
}

static inline void
clockpro_recall(struct clockpro *k, uint32_t page)
{
	const uint32_t g = clockpro_ghost(k, page);

	k->ready = true;
	k->again = g != EPH_NONE;
	if (g != EPH_NONE) {
		clockpro_test_passed(k);
		clockpro_ghost_drop(k, g);
	}
}

static inline void
clockpro_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct clockpro *k = ps;
	struct clockpro_node *n = &k->n[slot];
	const bool filling = !k->ready;

	KASSERT(n->kind == SLOT_EMPTY, "slot holds a page");
	if (!k->ready)
		clockpro_recall(k, page);
	k->ready = false;
	n->page = page;
	n->pinned = 1;
	n->used = 0;
	if (k->again || (filling && k->hot < k->c.nslots - k->cold_target)) {
		n->kind = HOT;
		n->test = 0;
	} else {
		n->kind = COLD;
		n->test = 1;
	}
	k->c.resident++;
	k->c.pinned++;
	clockpro_count(k, n, 1);
	clockpro_link(k, slot);
	clockpro_limit_hot(k);
}

static inline void
clockpro_hit(void *ps, uint32_t slot)
{
	struct clockpro *k = ps;

	k->n[slot].used = 1;
}

static inline void
clockpro_pin(void *ps, uint32_t slot)
{
	struct clockpro *k = ps;

	KASSERT(!k->n[slot].pinned, "pinned twice");
	k->n[slot].pinned = 1;
	k->c.pinned++;
	k->cold_pinned += k->n[slot].kind == COLD;
}

static inline void
clockpro_release(void *ps, uint32_t slot)
{
	struct clockpro *k = ps;

	KASSERT(k->n[slot].pinned, "not pinned");
	k->n[slot].pinned = 0;
	k->c.pinned--;
	k->cold_pinned -= k->n[slot].kind == COLD;
}

/* `slot` holds nothing and has left the ring. */
static inline void
clockpro_empty(struct clockpro *k, uint32_t slot)
{
	struct clockpro_node *n = &k->n[slot];

	clockpro_count(k, n, -1);
	k->c.resident--;
	k->c.pinned -= n->pinned;
	n->kind = SLOT_EMPTY;
	n->pinned = n->test = 0;
}

static void
clockpro_forget(void *ps, uint32_t slot)
{
	struct clockpro *k = ps;

	KASSERT(k->n[slot].kind != SLOT_EMPTY, "slot holds nothing");
	clockpro_unlink(k, slot);
	clockpro_empty(k, slot);
}

/* A cold page was used: it is hot, or gets a new test. */
static inline void
clockpro_keep(struct clockpro *k, uint32_t i)
{
	struct clockpro_node *n = &k->n[i];

	n->used = 0;
	if (n->test) {
		clockpro_test_passed(k);
		clockpro_turn(k, i, HOT);
	} else {
		n->test = 1;
	}
	clockpro_unlink(k, i);
	clockpro_link(k, i);
	k->c.moves++;
	clockpro_limit_hot(k);
}

/* The next cold page that is not pinned and was not used. */
static inline uint32_t
clockpro_run_cold(struct clockpro *k)
{
	for (;;) {
		uint32_t i;

		while (k->cold == k->cold_pinned)
			clockpro_run_hot(k);
		i = k->hand[HAND_COLD];
		k->hand[HAND_COLD] = k->n[i].next;
		if (k->n[i].kind != COLD || k->n[i].pinned)
			continue;
		if (!k->n[i].used)
			return (i);
		clockpro_keep(k, i);
	}
}

static inline uint32_t
clockpro_victim(void *ps, uint32_t page)
{
	struct clockpro *k = ps;
	bool test;
	uint32_t i;

	if (k->c.pinned == k->c.resident)
		return (EPH_NONE);
	clockpro_recall(k, page);
	i = clockpro_run_cold(k);
	test = k->n[i].test;
	if (!test || (!k->by_page && !clockpro_ghost_add(k, i)))
		clockpro_unlink(k, i);
	clockpro_empty(k, i);
	if (test && k->by_page)
		clockpro_go(k, i);
	clockpro_run_test(k);
	return (i);
}

static void
clockpro_check(void *ps)
{
	const struct clockpro *k = ps;
	uint32_t hot = 0, cold = 0, gone = 0, pinned = 0, cold_pinned = 0;
	uint32_t i = k->hand[HAND_HOT];

	if (i != EPH_NONE) {
		do {
			const struct clockpro_node *n = &k->n[i];

			if (k->n[n->next].prev != i || n->kind == SLOT_EMPTY)
				PANIC("clockpro: the ring is broken");
			hot += n->kind == HOT;
			cold += n->kind == COLD;
			gone += n->kind == GONE;
			pinned += n->pinned;
			cold_pinned += n->kind == COLD && n->pinned;
			i = n->next;
		} while (i != k->hand[HAND_HOT]);
	}
	if (hot != k->hot || cold != k->cold || gone != k->gone ||
	    pinned != k->c.pinned || cold_pinned != k->cold_pinned ||
	    hot + cold != k->c.resident || gone > k->c.nslots)
		PANIC("clockpro: wrong number of pages");
}

#define POLICY_NEAR(ps, slot) (&((struct clockpro *)(ps))->n[slot])
#define POLICY_PAST(ps, page)                                                  \
	page_table_past(&((struct clockpro *)(ps))->ghost, page)
#define POLICY_CACHED(ps, page)                                                \
	((uint8_t)(((struct clockpro *)(ps))->n[page].kind - HOT) <= COLD - HOT)
#define POLICY_BY_PAGE(ps, early, late)                                        \
	((void)(late), eph_prefetch_write(&((struct clockpro *)(ps))->n[early]))
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_clockpro = {
	.name = "clockpro",
	.summary = "LIRS with clocks: hot, cold and test hands",
	.origin = "Jiang, Chen, Zhang, USENIX ATC 2005",
	.by_page = true,
	POLICY_CALLS,
};
