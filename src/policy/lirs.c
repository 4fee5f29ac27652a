/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LIRS: pages are ranked by the distance between their last two uses.  99 %
 * of the buffers hold LIR pages, whose distance is short; the rest hold HIR
 * pages, which leave first, in FIFO order (queue Q).  Stack S has LIR and
 * HIR pages, and pages that left, in order of last use, down to the oldest
 * LIR page; a HIR page used again while it is on S becomes LIR, and the
 * LIR page at the bottom of S becomes HIR.
 *
 * The paper does not bound the pages on S that left; here they are as many
 * as twice the buffers, and the one that left first is forgotten.
 *
 * Jiang, Zhang, SIGMETRICS 2002.
 */

#include <errno.h>

#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/state.h"

#define POLICY(fn) lirs_##fn

enum { LIR = SLOT_EMPTY + 1, HIR, GHOST };

struct lirs_link {
	uint32_t prev; /* towards the top of S, the end of Q */
	uint32_t next;
};

struct lirs_node {
	struct lirs_link s;
	struct lirs_link q; /* HIR: on Q.  GHOST: in order of leaving */
	uint32_t page;
	uint8_t kind;
	uint8_t on_s;
	uint8_t pinned;
};

CTASSERT(sizeof(struct lirs_node) == 24);

struct lirs {
	struct policy_count c;
	struct lirs_node *n; /* slots, ghosts, the heads of S, Q and ghosts */
	bool by_page;	     /* pages for slots; one that left keeps its node */
	uint32_t nghosts;
	uint32_t ghosts;  /* with slots by page: those that there are */
	uint32_t s, q, g; /* heads */
	uint32_t ghost_free;
	uint32_t lir, lir_max;
	bool ready;		 /* victim() looked the page up */
	bool again;		 /* the page that arrives is on S */
	struct page_table ghost; /* node of a page's ghost; 0: none */
};

static size_t
lirs_bytes(const struct lirs *l)
{
	return (((size_t)l->g + 1) * sizeof(*l->n));
}

static void
lirs_destroy(void *ps)
{
	struct lirs *l = ps;
	struct eph_mem *mem = l->c.mem;

	eph_mem_free(mem, l->n, lirs_bytes(l));
	if (!l->by_page)
		eph__page_table_fini(&l->ghost, mem);
	eph_mem_free(mem, l, sizeof(*l));
}

static void
lirs_start(struct lirs *l)
{
	for (uint32_t h = l->s; h <= l->g; h++) {
		l->n[h].s.prev = l->n[h].s.next = h;
		l->n[h].q.prev = l->n[h].q.next = h;
	}
	l->ghost_free = EPH_NONE;
	for (uint32_t g = l->s; !l->by_page && g-- > l->c.nslots;) {
		l->n[g].s.next = l->ghost_free;
		l->ghost_free = g;
	}
}

static const struct eph_policy_param lirs_params[] = {
	{ "hir", 0.01, 0, 1,
	    "share of the buffers for pages of long reuse distance" },
	{ "ghosts", 2, 0, 100,
	    "pages remembered, in multiples of the buffers" },
	{ NULL, 0, 0, 0, NULL },
};

static int
lirs_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[2];
	const int error =
	    eph_policy_params(&eph_policy_lirs, env->params, v, err);
	struct lirs *l;

	if (error != 0)
		return (error);
	if ((l = eph_mem_alloc(env->mem, sizeof(*l))) == NULL)
		return (eph__policy_nomem(env, "lirs", err));
	l->c.mem = env->mem;
	l->c.nslots = env->nslots;
	l->nghosts = policy_share(env->nslots, v[1], 0);
	l->lir_max = env->nslots - policy_share(env->nslots, v[0], 1);
	l->by_page = env->by_page;
	l->s = l->by_page ? env->npages_hint : env->nslots + l->nghosts;
	l->q = l->s + 1;
	l->g = l->s + 2;
	l->n = eph_mem_alloc(env->mem, lirs_bytes(l));
	if (l->n == NULL ||
	    (!l->by_page &&
		!eph__page_table_init(&l->ghost, env->mem, env->npages_hint))) {
		lirs_destroy(l);
		return (eph__policy_nomem(env, "lirs", err));
	}
	lirs_start(l);
	*psp = l;
	return (0);
}

/* The two orders. */
static inline void
lirs_s_remove(struct lirs *l, uint32_t i)
{
	const struct lirs_link *k = &l->n[i].s;

	l->n[k->prev].s.next = k->next;
	l->n[k->next].s.prev = k->prev;
	l->n[i].on_s = 0;
}

static inline void
lirs_s_push(struct lirs *l, uint32_t i)
{
	struct lirs_link *k = &l->n[i].s;

	k->prev = l->s;
	k->next = l->n[l->s].s.next;
	l->n[k->next].s.prev = i;
	l->n[l->s].s.next = i;
	l->n[i].on_s = 1;
}

static inline void
lirs_q_remove(struct lirs *l, uint32_t i)
{
	const struct lirs_link *k = &l->n[i].q;

	l->n[k->prev].q.next = k->next;
	l->n[k->next].q.prev = k->prev;
}

/* On Q or among the ghosts; the oldest is at the head's prev. */
static inline void
lirs_q_push(struct lirs *l, uint32_t i, uint32_t head)
{
	struct lirs_link *k = &l->n[i].q;

	k->prev = head;
	k->next = l->n[head].q.next;
	l->n[k->next].q.prev = i;
	l->n[head].q.next = i;
}

static inline void
lirs_ghost_drop(struct lirs *l, uint32_t g)
{
	lirs_s_remove(l, g);
	lirs_q_remove(l, g);
	l->n[g].kind = SLOT_EMPTY;
	if (l->by_page) {
		l->ghosts--;
		return;
	}
	l->ghost.of[l->n[g].page] = 0;
	l->n[g].s.next = l->ghost_free;
	l->ghost_free = g;
}

static inline uint32_t
lirs_ghost(const struct lirs *l, uint32_t page)
{
	if (l->by_page)
		return (l->n[page].kind == GHOST ? page : EPH_NONE);
	return (page_table_get(&l->ghost, page) - 1);
}

/* With slots by page: the node of page `i`, on S, is its ghost. */
static inline void
lirs_go(struct lirs *l, uint32_t i)
{
	if (l->nghosts == 0) {
		lirs_s_remove(l, i);
		return;
	}
	if (l->ghosts == l->nghosts)
		lirs_ghost_drop(l, l->n[l->g].q.prev);
	l->n[i].kind = GHOST;
	lirs_q_push(l, i, l->g);
	l->ghosts++;
}

/* A ghost takes the place of slot `i` on S. */
static inline void
lirs_ghost_add(struct lirs *l, uint32_t i)
{
	struct lirs_node *n = &l->n[i], *ghost;
	uint32_t g = l->ghost_free;

	if (g == EPH_NONE && l->nghosts > 0) {
		lirs_ghost_drop(l, l->n[l->g].q.prev);
		g = l->ghost_free;
	}
	if (g == EPH_NONE ||
	    !page_table_set(&l->ghost, l->c.mem, n->page, g + 1)) {
		lirs_s_remove(l, i);
		return;
	}
	ghost = &l->n[g];
	l->ghost_free = ghost->s.next;
	ghost->page = n->page;
	ghost->kind = GHOST;
	ghost->on_s = 1;
	ghost->s = n->s;
	l->n[n->s.prev].s.next = g;
	l->n[n->s.next].s.prev = g;
	n->on_s = 0;
	lirs_q_push(l, g, l->g);
}

/* Take from the bottom of S what is not LIR. */
static inline void
lirs_prune(struct lirs *l)
{
	uint32_t i;

	while ((i = l->n[l->s].s.prev) != l->s && l->n[i].kind != LIR) {
		if (l->n[i].kind == GHOST)
			lirs_ghost_drop(l, i);
		else
			lirs_s_remove(l, i);
	}
}

/* The LIR page at the bottom of S becomes HIR if there are too many. */
static inline void
lirs_demote(struct lirs *l)
{
	uint32_t i;

	lirs_prune(l);
	if (l->lir <= l->lir_max)
		return;
	i = l->n[l->s].s.prev;
	l->n[i].kind = HIR;
	l->lir--;
	l->c.moves++;
	lirs_s_remove(l, i);
	lirs_q_push(l, i, l->q);
	lirs_prune(l);
}

static inline void
lirs_recall(struct lirs *l, uint32_t page)
{
	const uint32_t g = lirs_ghost(l, page);

	l->ready = true;
	l->again = g != EPH_NONE;
	if (g != EPH_NONE)
		lirs_ghost_drop(l, g);
}

static inline void
lirs_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lirs *l = ps;
	struct lirs_node *n = &l->n[slot];

	KASSERT(n->kind == SLOT_EMPTY, "slot holds a page");
	if (!l->ready)
		lirs_recall(l, page);
	l->ready = false;
	n->page = page;
	n->pinned = 1;
	l->c.resident++;
	l->c.pinned++;
	lirs_s_push(l, slot);
	if (l->again || l->lir < l->lir_max) {
		n->kind = LIR;
		l->lir++;
	} else {
		n->kind = HIR;
		lirs_q_push(l, slot, l->q);
	}
	lirs_demote(l);
}

static inline void
lirs_hit(void *ps, uint32_t slot)
{
	struct lirs *l = ps;
	struct lirs_node *n = &l->n[slot];
	const bool on_s = n->on_s;

	l->c.moves++;
	if (on_s)
		lirs_s_remove(l, slot);
	lirs_s_push(l, slot);
	if (n->kind == HIR) {
		lirs_q_remove(l, slot);
		if (on_s) {
			n->kind = LIR;
			l->lir++;
		} else {
			lirs_q_push(l, slot, l->q);
		}
	}
	lirs_demote(l);
}

static inline void
lirs_pin(void *ps, uint32_t slot)
{
	struct lirs *l = ps;

	KASSERT(!l->n[slot].pinned, "pinned twice");
	l->n[slot].pinned = 1;
	l->c.pinned++;
}

static inline void
lirs_release(void *ps, uint32_t slot)
{
	struct lirs *l = ps;

	KASSERT(l->n[slot].pinned, "not pinned");
	l->n[slot].pinned = 0;
	l->c.pinned--;
}

/* `slot` holds nothing; `leave` has it remembered if it is on S. */
static inline void
lirs_remove(struct lirs *l, uint32_t slot, bool leave)
{
	struct lirs_node *n = &l->n[slot];
	const uint8_t kind = n->kind;

	KASSERT(kind != SLOT_EMPTY, "slot holds nothing");
	if (kind == HIR)
		lirs_q_remove(l, slot);
	else
		l->lir--;
	n->kind = SLOT_EMPTY;
	if (n->on_s && leave && kind == HIR) {
		if (l->by_page)
			lirs_go(l, slot);
		else
			lirs_ghost_add(l, slot);
	} else if (n->on_s) {
		lirs_s_remove(l, slot);
	}
	l->c.resident--;
	l->c.pinned -= n->pinned;
	n->pinned = 0;
	lirs_prune(l);
}

static inline void
lirs_forget(void *ps, uint32_t slot)
{
	lirs_remove(ps, slot, false);
}

/* The oldest HIR page; with all of them pinned, the oldest LIR page. */
static inline uint32_t
lirs_candidate(const struct lirs *l)
{
	uint32_t i = l->n[l->q].q.prev;

	while (i != l->q && l->n[i].pinned)
		i = l->n[i].q.prev;
	if (i != l->q)
		return (i);
	i = l->n[l->s].s.prev;
	while (l->n[i].kind != LIR || l->n[i].pinned)
		i = l->n[i].s.prev;
	return (i);
}

static inline uint32_t
lirs_victim(void *ps, uint32_t page)
{
	struct lirs *l = ps;
	uint32_t i;

	if (l->c.pinned == l->c.resident)
		return (EPH_NONE);
	lirs_recall(l, page);
	i = lirs_candidate(l);
	lirs_remove(l, i, true);
	return (i);
}

static void
lirs_check(void *ps)
{
	const struct lirs *l = ps;
	uint32_t lir = 0, hir = 0, ghosts = 0, pinned = 0, on_q = 0;

	for (uint32_t i = l->n[l->s].s.next; i != l->s; i = l->n[i].s.next) {
		if (!l->n[i].on_s || l->n[l->n[i].s.next].s.prev != i)
			PANIC("lirs: stack S is broken");
		lir += l->n[i].kind == LIR;
		ghosts += l->n[i].kind == GHOST;
	}
	for (uint32_t i = l->n[l->q].q.next; i != l->q; i = l->n[i].q.next) {
		if (l->n[i].kind != HIR || l->n[l->n[i].q.next].q.prev != i)
			PANIC("lirs: queue Q is broken");
		on_q++;
	}
	for (uint32_t i = 0; i < l->s; i++) {
		hir += l->n[i].kind == HIR;
		pinned += l->n[i].kind != SLOT_EMPTY && l->n[i].pinned;
	}
	for (uint32_t g = l->ghost_free; g != EPH_NONE; g = l->n[g].s.next)
		ghosts++;
	if (lir != l->lir || lir > l->lir_max || hir != on_q ||
	    lir + hir != l->c.resident || pinned != l->c.pinned ||
	    ghosts != (l->by_page ? l->ghosts : l->nghosts))
		PANIC("lirs: wrong number of pages");
	if (l->n[l->s].s.prev != l->s && l->n[l->n[l->s].s.prev].kind != LIR)
		PANIC("lirs: S is not pruned");
}

/* The node of page `early`, and the neighbours of `late` on S. */
static inline void
lirs_ahead(const struct lirs *l, uint32_t early, uint32_t late)
{
	eph_prefetch_write(&l->n[early]);
	if (l->n[late].on_s) {
		eph_prefetch_write(&l->n[l->n[late].s.prev]);
		eph_prefetch_write(&l->n[l->n[late].s.next]);
	}
}

#define POLICY_NEAR(ps, slot) (&((struct lirs *)(ps))->n[slot])
#define POLICY_PAST(ps, page)                                                  \
	page_table_past(&((struct lirs *)(ps))->ghost, page)
#define POLICY_CACHED(ps, page)                                                \
	((uint8_t)(((struct lirs *)(ps))->n[page].kind - LIR) <= HIR - LIR)
#define POLICY_BY_PAGE(ps, early, late) lirs_ahead(ps, early, late)
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lirs = {
	.name = "lirs",
	.summary = "shortest distance between the last two uses stays",
	.origin = "Jiang and Zhang, SIGMETRICS 2002",
	.params = lirs_params,
	.by_page = true,
	POLICY_CALLS,
};
