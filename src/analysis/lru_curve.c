/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/lru_curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/table.h"
#include "base/kassert.h"
#include "ephmap/mrc.h"

#define SPACE_FACTOR 4u /* positions for each page */
#define SPACE_MIN    4096u

int
eph__stack_init(struct stack *s, uint32_t npages)
{
	uint64_t space = (uint64_t)npages * SPACE_FACTOR;

	memset(s, 0, sizeof(*s));
	if (space < SPACE_MIN)
		space = SPACE_MIN;
	if (space > UINT32_MAX - 64)
		space = UINT32_MAX - 64;
	s->words = (uint32_t)(space / 64) + 1;
	s->npages = npages;
	s->bits = eph__table_alloc(s->words, sizeof(*s->bits));
	s->tree = eph__table_alloc((size_t)s->words + 1, sizeof(*s->tree));
	s->page_at =
	    eph__table_alloc((size_t)s->words * 64, sizeof(*s->page_at));
	s->last = eph__table_alloc_none(npages);
	if (s->bits == NULL || s->tree == NULL || s->page_at == NULL ||
	    s->last == NULL) {
		eph__stack_fini(s);
		return (ENOMEM);
	}
	memset(s->bits, 0, s->words * sizeof(*s->bits));
	memset(s->tree, 0, ((size_t)s->words + 1) * sizeof(*s->tree));
	return (0);
}

void
eph__stack_fini(struct stack *s)
{
	eph__table_free(s->bits);
	eph__table_free(s->tree);
	eph__table_free(s->page_at);
	eph__table_free(s->last);
}

/*
 * Move the pages to the first positions, in order.  Costs as many steps as
 * there are pages and comes once in SPACE_FACTOR - 1 times as many
 * references at the least.
 */
void
eph__stack_compact(struct stack *s)
{
	uint32_t to = 0;

	for (uint32_t w = 0; w <= s->now / 64 && w < s->words; w++) {
		for (uint64_t b = s->bits[w]; b != 0; b &= b - 1) {
			const uint32_t at =
			    w * 64 + stack_popcount((b & -b) - 1);

			s->page_at[to] = s->page_at[at];
			s->last[s->page_at[to]] = to;
			to++;
		}
	}
	KASSERT(to == s->live, "a page is lost");
	memset(s->bits, 0, s->words * sizeof(*s->bits));
	memset(s->tree, 0, ((size_t)s->words + 1) * sizeof(*s->tree));
	memset(s->bits, 0xff, to / 64 * sizeof(*s->bits));
	if (to % 64 != 0)
		s->bits[to / 64] = ((uint64_t)1 << to % 64) - 1;
	s->now = to;
	for (uint32_t w = 0; w < to / 64; w++)
		stack_add(s, w, 64);
}

void
eph__curve_sum(uint64_t *hits, uint32_t npages)
{
	hits[0] = 0;
	for (size_t c = 1; c <= npages; c++)
		hits[c] += hits[c - 1];
}

int
eph_mrc_lru(const struct eph_refs *r, uint64_t *hits, struct eph_err *err)
{
	struct stack s;

	memset(hits, 0, ((size_t)r->npages + 1) * sizeof(*hits));
	if (eph__stack_init(&s, r->npages) != 0)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for the LRU curve"));
	for (size_t i = 0; i < r->n; i++)
		hits[stack_use(&s, r->page[i])]++;
	eph__stack_fini(&s);
	eph__curve_sum(hits, r->npages);
	return (0);
}
