/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * OPT at every size in one pass.
 *
 * OPT is a stack algorithm (Mattson, Gecsei, Slutz, Traiger 1970): the
 * pages that a cache of c buffers holds are the first c of one list.  A
 * reference at place d hits with d buffers and more.  It moves its page to
 * the top; the page that stood there goes down, and at each place of those
 * two the one that is used later goes on, until the place d is filled.
 *
 * So what goes down changes at the places that are used later than all
 * above them.  To find these, the list is cut into groups of FAN places, of
 * which the latest next use is known, and these into groups again: one that
 * has nothing later is passed over as a whole.
 *
 * The next use identifies a page: no two have the same, and a page that is
 * referenced now is the one whose next use is now.  So only the group a
 * page stands in is kept by page, which is written when a page leaves its
 * group, and not at each step inside.
 *
 * A page that is never used again is a hole.  All holes are alike, and a
 * hole that goes down below the last page is forgotten: the list is as long
 * as the most pages that were ever alive at once.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/lru_curve.h"
#include "analysis/table.h"
#include "base/kassert.h"
#include "ephmap/mrc.h"

#define FAN    16u
#define LEVELS 7u /* 16^8 is more than all pages */

/* An entry: next use in the upper half, the page in the lower. */
#define HOLE UINT64_MAX

struct opt_stack {
	uint64_t *at;		/* by place, from 0 */
	uint32_t *group;	/* by page; EPH_NONE: not in the list */
	uint32_t *late[LEVELS]; /* latest next use by group, by group of
				 * groups ... */
	unsigned levels;
	uint32_t n; /* places in use */
};

static inline uint32_t
entry_use(uint64_t e)
{
	return ((uint32_t)(e >> 32));
}

static inline uint32_t
entry_page(uint64_t e)
{
	return ((uint32_t)e);
}

static void
opt_stack_fini(struct opt_stack *s)
{
	eph__table_free(s->at);
	eph__table_free(s->group);
	for (unsigned l = 0; l < LEVELS; l++)
		eph__table_free(s->late[l]);
}

static int
opt_stack_init(struct opt_stack *s, uint32_t npages)
{
	size_t n = (size_t)npages / FAN + 1;

	memset(s, 0, sizeof(*s));
	s->group = eph__table_alloc_none(npages);
	if ((s->at = eph__table_alloc(n * FAN, sizeof(*s->at))) == NULL ||
	    s->group == NULL) {
		opt_stack_fini(s);
		return (ENOMEM);
	}
	memset(s->at, 0, n * FAN * sizeof(*s->at));
	do {
		/* Whole groups, so that none has to be cut. */
		const size_t room = (n / FAN + 1) * FAN;
		uint32_t *late = eph__table_alloc(room, sizeof(*late));

		if (late == NULL) {
			opt_stack_fini(s);
			return (ENOMEM);
		}
		memset(late, 0, room * sizeof(*late));
		s->late[s->levels++] = late;
		n = room / FAN;
	} while (n > 1);
	return (0);
}

/* The latest of group `g` is now `use`; what that changes above it. */
static inline void
opt_stack_latest(struct opt_stack *s, uint32_t g, uint32_t use)
{
	for (unsigned l = 0;;) {
		const uint32_t was = s->late[l][g];
		const uint32_t *of;

		s->late[l][g] = use;
		if (was == use || ++l == s->levels)
			return;
		g /= FAN;
		/* Only what was the latest, or is, can change the next. */
		if (use < was && was < s->late[l][g])
			return;
		of = &s->late[l - 1][(size_t)g * FAN];
		use = of[0];
		for (unsigned i = 1; i < FAN; i++)
			use = of[i] > use ? of[i] : use;
	}
}

static inline void
opt_stack_settle(struct opt_stack *s, uint32_t g)
{
	const uint64_t *at = &s->at[(size_t)g * FAN];
	uint64_t late = at[0];

	for (unsigned i = 1; i < FAN; i++)
		late = at[i] > late ? at[i] : late;
	opt_stack_latest(s, g, entry_use(late));
}

/* The first group from `g` on with something later than `use`, or `end`. */
static inline uint32_t
opt_stack_later(
    const struct opt_stack *s, uint32_t g, uint32_t end, uint32_t use)
{
	unsigned l = 0;

	while ((uint64_t)g << 4 * l < end) {
		const uint32_t *late = s->late[l];
		const uint32_t stop = (g / FAN + 1) * FAN;

		while (g < stop && late[g] <= use)
			g++;
		if (g == stop) {
			if (++l == s->levels)
				break;
			g /= FAN;
		} else if (l == 0) {
			return (g < end ? g : end);
		} else {
			g *= FAN;
			l--;
		}
	}
	return (end);
}

/* Let `down` go through `n` places; returns what leaves the last. */
static inline uint64_t
opt_stack_sift(uint64_t *at, unsigned n, uint64_t down)
{
	for (unsigned i = 0; i < n; i++) {
		const uint64_t here = at[i];

		at[i] = here < down ? here : down;
		down = here < down ? down : here;
	}
	return (down);
}

/* `down` goes from place `from` to place `to`, which it or another fills. */
static inline void
opt_stack_move(struct opt_stack *s, uint32_t from, uint32_t to, uint64_t down)
{
	const uint32_t last = to / FAN;
	uint32_t g = from / FAN;
	unsigned i = from % FAN;

	for (; g < last; i = 0) {
		uint64_t *at = &s->at[(size_t)g * FAN];
		const uint64_t left = opt_stack_sift(at + i, FAN - i, down);

		if (left != down && down != HOLE)
			s->group[entry_page(down)] = g;
		down = left;
		opt_stack_settle(s, g);
		g = opt_stack_later(s, g + 1, last, entry_use(down));
	}
	if (down != HOLE)
		s->group[entry_page(down)] = last;
	s->at[to] =
	    opt_stack_sift(&s->at[(size_t)last * FAN + i], to % FAN - i, down);
	opt_stack_settle(s, last);
}

/* The place of `page`, which is in the list and used `now`. */
static inline uint32_t
opt_stack_place(const struct opt_stack *s, uint32_t page, uint32_t now)
{
	uint32_t i = s->group[page] * FAN;

	while (entry_use(s->at[i]) != now)
		i++;
	return (i);
}

/*
 * Use `page` at time `now` and next at `next`; returns the least number of
 * buffers with which it hits, 0: none.
 */
static inline uint32_t
opt_stack_use(struct opt_stack *s, uint32_t page, uint32_t now, uint32_t next)
{
	const bool first = s->group[page] == EPH_NONE;
	const uint32_t to = first ? s->n : opt_stack_place(s, page, now);
	const uint64_t top = s->at[0];

	s->at[0] = next == EPH_NONE ? HOLE : (uint64_t)next << 32 | page;
	s->group[page] = 0;
	if (to == 0)
		opt_stack_settle(s, 0);
	else
		opt_stack_move(s, 1, to, top);
	/* A hole below all pages is none. */
	if (first)
		s->n += s->at[to] != HOLE;
	return (first ? 0 : to + 1);
}

int
eph_mrc_opt(const struct eph_refs *r, uint64_t *hits, struct eph_err *err)
{
	struct opt_stack s;

	KASSERT(r->n == 0 || r->next != NULL, "the future is not known");
	memset(hits, 0, ((size_t)r->npages + 1) * sizeof(*hits));
	if (opt_stack_init(&s, r->npages) != 0)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for the OPT curve"));
	for (size_t i = 0; i < r->n; i++)
		hits[opt_stack_use(&s, r->page[i], (uint32_t)i, r->next[i])]++;
	opt_stack_fini(&s);
	eph__curve_sum(hits, r->npages);
	return (0);
}
