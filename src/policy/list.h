/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_LIST_H
#define POLICY_LIST_H

/*
 * Lists of slots and ghosts: what most policies are made of.
 *
 * Nodes 0 to nslots - 1 are the slots, the next `nghosts` hold pages that
 * are remembered but not cached, the last LISTS_MAX are the heads of the
 * lists.  Links are 32 bits, a node is 16 bytes.  A list runs from its
 * head (where nodes are pushed) to its tail (where they leave).
 *
 * In a replay that has slots by page (sdk/policy.h) a page's ghost is its
 * node too, on one of the lists after the first LISTS_CACHED: a page then
 * has one place in memory, cached or remembered.
 *
 * A pinned slot stays where it is; lists_victim() looks past it.  That is
 * a walk over the pinned slots at the tail, so a miss costs as many steps
 * as there are mappings held there.
 */

#include "policy/state.h"

#define LISTS_MAX    12u
#define LISTS_CACHED 2u /* lists of cached pages, with slots by page */

struct node {
	uint32_t prev; /* towards the head */
	uint32_t next; /* towards the tail; free ghosts: next free */
	uint32_t page;
	uint8_t list; /* it is on, counted from 1; SLOT_EMPTY: on none */
	uint8_t pinned;
	uint8_t bits; /* the policy's */
	uint8_t freq; /* the policy's */
};

struct lists {
	struct policy_count c; /* first: pin and release cast to it */
	struct node *n;
	uint32_t nghosts;
	uint32_t heads; /* node of list 0, which is not used */
	uint32_t ghost_free;
	bool ready; /* victim() did insert()'s work for the page */
	bool both;  /* a cached page may have a ghost as well */
	bool by_page;
	uint8_t aside;	 /* number of a list without links, whose slots the
			* policy keeps elsewhere; 0: there is none */
	uint32_t cached; /* lists of cached pages, with slots by page */
	uint32_t count[LISTS_MAX];
	struct page_table ghost; /* node of a page's ghost; 0: none */
};

CTASSERT(sizeof(struct node) == 16);

/* Set `l` up; returns 0 or ENOMEM. */
int eph__lists_init(
    struct lists *l, const struct eph_policy_env *env, uint32_t nghosts);
void eph__lists_fini(struct lists *l);

/* Panics unless links, counts and pins agree. */
void eph__lists_check(const struct lists *l, unsigned nresident);

/*
 * Nodes on `list`.  Policies must ask here: gcc 12 at -O3 takes an element
 * read through the policy's own structure and one stored through this one,
 * with an index not known, for different memory, and moved the read out of
 * CAR's loop.
 */
static inline uint32_t
lists_count(const struct lists *l, unsigned list)
{
	return (l->count[list]);
}

static inline uint32_t
lists_head_node(const struct lists *l, unsigned list)
{
	return (l->heads + list);
}

static inline void
lists_unlink(struct lists *l, uint32_t i)
{
	struct node *n = &l->n[i];

	l->n[n->prev].next = n->next;
	l->n[n->next].prev = n->prev;
	l->count[n->list]--;
}

static inline void
lists_link(struct lists *l, uint32_t i, unsigned list, uint32_t prev)
{
	struct node *n = &l->n[i];

	n->list = (uint8_t)list;
	n->prev = prev;
	n->next = l->n[prev].next;
	l->n[n->next].prev = i;
	l->n[prev].next = i;
	l->count[list]++;
}

/* Put `i` at the head of `list`. */
static inline void
lists_push(struct lists *l, uint32_t i, unsigned list)
{
	lists_link(l, i, list, lists_head_node(l, list));
}

static inline void
lists_move(struct lists *l, uint32_t i, unsigned list)
{
	lists_unlink(l, i);
	lists_push(l, i, list);
	l->c.moves++;
}

/* The last of `list`; its head node if it is empty. */
static inline uint32_t
lists_tail(const struct lists *l, unsigned list)
{
	return (l->n[lists_head_node(l, list)].prev);
}

/* The last of `list` that is not pinned, or EPH_NONE. */
static inline uint32_t
lists_victim(const struct lists *l, unsigned list)
{
	uint32_t i = lists_tail(l, list);

	while (l->n[i].pinned)
		i = l->n[i].prev;
	return (i == lists_head_node(l, list) ? EPH_NONE : i);
}

/* Slot `i` holds `page`, pinned, at the head of `list`. */
static inline void
lists_insert(struct lists *l, uint32_t i, uint32_t page, unsigned list)
{
	struct node *n = &l->n[i];

	KASSERT(n->list == SLOT_EMPTY, "slot holds a page");
	n->page = page;
	n->pinned = 1;
	n->bits = n->freq = 0;
	l->c.resident++;
	l->c.pinned++;
	lists_push(l, i, list);
}

/* Slot `i` holds nothing any more. */
static inline void
lists_remove(struct lists *l, uint32_t i)
{
	struct node *n = &l->n[i];

	lists_unlink(l, i);
	n->list = SLOT_EMPTY;
	l->c.resident--;
	l->c.pinned -= n->pinned;
	n->pinned = 0;
}

static inline bool
lists_all_pinned(const struct lists *l)
{
	return (l->c.pinned == l->c.resident);
}

/* The ghost of `page`, or EPH_NONE. */
static inline uint32_t
lists_ghost(const struct lists *l, uint32_t page)
{
	if (l->by_page)
		return (l->n[page].list > LISTS_CACHED ? page : EPH_NONE);
	return (page_table_get(&l->ghost, page) - 1);
}

/* Ask for the table entry of a page that may have a ghost. */
static inline void
lists_past(const struct lists *l, uint32_t page)
{
	page_table_past(&l->ghost, page);
}

/* The page at the tail of `list`; any where the list is empty. */
static inline uint32_t
lists_tail_page(const struct lists *l, unsigned list)
{
	return (l->n[lists_tail(l, list)].page);
}

static inline void
lists_ghost_drop(struct lists *l, uint32_t g)
{
	lists_unlink(l, g);
	if (l->by_page) {
		l->n[g].list = SLOT_EMPTY;
		return;
	}
	l->ghost.of[l->n[g].page] = 0;
	l->n[g].next = l->ghost_free;
	l->ghost_free = g;
}

/* Forget the oldest ghost of `list`, if there is one. */
static inline void
lists_ghost_trim(struct lists *l, unsigned list)
{
	if (l->count[list] > 0)
		lists_ghost_drop(l, lists_tail(l, list));
}

/*
 * Remember `page` at the head of `list`.  Not possible, and left out, with
 * no node free or no memory for its place in the table.
 */
static inline void
lists_ghost_add(struct lists *l, uint32_t page, unsigned list)
{
	const uint32_t g = l->ghost_free;

	if (l->by_page) {
		l->n[page].bits = l->n[page].freq = 0;
		lists_push(l, page, list);
		return;
	}
	if (eph_unlikely(g == EPH_NONE) ||
	    eph_unlikely(!page_table_set(&l->ghost, l->c.mem, page, g + 1)))
		return;
	l->ghost_free = l->n[g].next;
	l->n[g].page = page;
	l->n[g].bits = l->n[g].freq = 0;
	lists_push(l, g, list);
}

/* With slots by page: whether `page` is cached. */
static inline bool
lists_cached(const struct lists *l, uint32_t page)
{
	return (l->n[page].list - 1u < l->cached);
}

/*
 * Ask for the node of page `early`, and for the neighbours of `late`, whose
 * own node has come since.
 */
static inline void
lists_ahead(const struct lists *l, uint32_t early, uint32_t late)
{
	eph_prefetch_write(&l->n[early]);
	eph_prefetch_write(&l->n[l->n[late].prev]);
	eph_prefetch_write(&l->n[l->n[late].next]);
}

/* pin(), release() and forget() of every policy whose state starts so. */
static inline void
lists_pin(void *ps, uint32_t slot)
{
	struct lists *l = ps;

	KASSERT(!l->n[slot].pinned, "pinned twice");
	l->n[slot].pinned = 1;
	l->c.pinned++;
}

static inline void
lists_release(void *ps, uint32_t slot)
{
	struct lists *l = ps;

	KASSERT(l->n[slot].pinned, "not pinned");
	l->n[slot].pinned = 0;
	l->c.pinned--;
}

static inline void
lists_forget(void *ps, uint32_t slot)
{
	lists_remove(ps, slot);
}

#endif /* !POLICY_LIST_H */
