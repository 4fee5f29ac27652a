/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Template: S3-FIFO and its two relatives.  A small FIFO that new pages
 * pass through, a main one with second chances, and the ghosts of what the
 * small one dropped.  A page leaves the small queue for the main one when it
 * was hit at least `threshold` times there, or when it is missed while
 * remembered.
 *
 * The file that includes this defines POLICY(fn) and
 *
 *	S3_FREQ_MAX	what a page's counter stops at
 *	S3_SKIP		hits on the newest pages of the small queue do not
 *			count: those with fewer than `skip` arrivals there
 *			since their own
 *	S3_GHOST_COUNTS	a ghost keeps its page's counter and leads to the
 *			main queue from `ghost_threshold` on; below it the
 *			counter goes up, and the page passes the small queue
 *			once more
 *	S3_WARM_MAIN	until the first page leaves, what the small queue
 *			has no room for arrives in the main one
 *
 * and writes create(), which sets the sizes.
 *
 * Where the published implementations of S3-FIFO differ (which queue gives
 * up a page when both are at their size), this follows the authors' own:
 * the main one when it is over its size or the small one is empty.
 */

#include "policy/list_policy.h"
#include "policy/ops_row.h"

enum { SMALL = 1, MAIN, GHOST };

struct s3 {
	struct lists l;
	uint32_t main_max;
	uint32_t ghost_max;
	uint32_t threshold;
	uint32_t ghost_threshold;
	uint32_t skip;
	uint32_t arrivals; /* in the small queue */
	uint32_t *arrived; /* by slot: `arrivals` then; with S3_SKIP */
	bool recalled;	   /* the page that arrives goes to the main queue */
	bool full;	   /* a page has left */
};

static void
POLICY(destroy)(void *ps)
{
	struct s3 *s = ps;

	eph_mem_free(s->l.c.mem, s->arrived, s->l.heads * sizeof(*s->arrived));
	lists_destroy(ps, sizeof(struct s3));
}

/* The state, with its sizes from the shares; NULL: out of memory. */
static struct s3 *
POLICY(state)(const struct eph_policy_env *env, double small, double ghost)
{
	struct s3 *s = lists_create(
	    env, sizeof(*s), policy_share(env->nslots, ghost, 1) + 1);

	if (s == NULL)
		return (NULL);
	s->main_max = env->nslots - policy_share(env->nslots, small, 0);
	s->ghost_max = policy_share(env->nslots, ghost, 0);
#if S3_SKIP
	s->arrived = eph_mem_alloc(env->mem, s->l.heads * sizeof(*s->arrived));
	if (s->arrived == NULL) {
		POLICY(destroy)(s);
		return (NULL);
	}
#endif
	return (s);
}

static inline void
POLICY(recall)(struct s3 *s, uint32_t page)
{
	const uint32_t g = lists_ghost(&s->l, page);

	s->recalled = g != EPH_NONE;
	if (g == EPH_NONE)
		return;
#if S3_GHOST_COUNTS
	if (s->l.n[g].freq < s->ghost_threshold) {
		s->l.n[g].freq++;
		s->recalled = false;
		return;
	}
#endif
	lists_ghost_drop(&s->l, g);
}

static inline void
POLICY(insert)(void *ps, uint32_t slot, uint32_t page)
{
	struct s3 *s = ps;
	unsigned list;

	if (!s->l.ready)
		POLICY(recall)(s, page);
	s->l.ready = false;
	list = s->recalled ? MAIN : SMALL;
#if S3_WARM_MAIN
	if (!s->full &&
	    lists_count(&s->l, SMALL) >= s->l.c.nslots - s->main_max)
		list = MAIN;
#endif
#if S3_SKIP
	if (list == SMALL)
		s->arrived[slot] = ++s->arrivals;
#endif
	lists_insert(&s->l, slot, page, list);
}

static inline void
POLICY(hit)(void *ps, uint32_t slot)
{
	struct s3 *s = ps;
	struct node *n = &s->l.n[slot];

#if S3_SKIP
	if (n->list == SMALL && s->arrivals - s->arrived[slot] < s->skip)
		return;
#endif
#if S3_GHOST_COUNTS
	/* Every lookup of a page looks for its ghost, too. */
	if (s->ghost_threshold > 0 && n->list == MAIN)
		POLICY(recall)(s, n->page);
#endif
	n->freq = (uint8_t)(n->freq + (n->freq < S3_FREQ_MAX));
}

/*
 * The queue that is to give up a page: the main one when it is over its
 * size, the other one when the first choice has nothing unpinned.
 */
static inline unsigned
POLICY(choose)(const struct s3 *s)
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
POLICY(sweep)(struct s3 *s, unsigned list)
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

/* Remember the page of slot `i`, which has left the small queue. */
static inline void
POLICY(remember)(struct s3 *s, uint32_t i)
{
	const uint32_t page = s->l.n[i].page;

#if S3_GHOST_COUNTS
	if (lists_ghost(&s->l, page) == EPH_NONE)
		lists_ghost_add(&s->l, page, GHOST);
	if (lists_ghost(&s->l, page) != EPH_NONE)
		s->l.n[lists_ghost(&s->l, page)].freq = s->l.n[i].freq;
#else
	lists_ghost_add(&s->l, page, GHOST);
#endif
	if (lists_count(&s->l, GHOST) > s->ghost_max)
		lists_ghost_trim(&s->l, GHOST);
}

static inline uint32_t
POLICY(victim)(void *ps, uint32_t page)
{
	struct s3 *s = ps;
	uint32_t i;
	bool small;

	if (lists_all_pinned(&s->l))
		return (EPH_NONE);
	POLICY(recall)(s, page);
	s->l.ready = s->full = true;
	while ((i = POLICY(sweep)(s, POLICY(choose)(s))) == EPH_NONE)
		continue;
	small = s->l.n[i].list == SMALL;
	lists_remove(&s->l, i);
	if (small)
		POLICY(remember)(s, i);
	return (i);
}

static void
POLICY(check)(void *ps)
{
	struct s3 *s = ps;

	eph__lists_check(&s->l, MAIN);
	if (lists_count(&s->l, GHOST) > s->ghost_max)
		PANIC("s3fifo: too many remembered");
}

#define POLICY_NEAR(ps, slot) (&((struct s3 *)(ps))->l.n[slot])
#define POLICY_PAST(ps, page) lists_past(&((struct s3 *)(ps))->l, page)
#define POLICY_NEXT(ps)	      lists_tail_page(&((struct s3 *)(ps))->l, SMALL)
#if !S3_GHOST_COUNTS
#define POLICY_LISTS(ps) (&((struct s3 *)(ps))->l)
#endif
#include "design/policy_replay.h"
