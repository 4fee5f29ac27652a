/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_STATE_H
#define POLICY_STATE_H

/*
 * What every policy has: where its memory comes from, which slots hold a
 * page, and which of them are pinned.
 *
 * Memory is allocated at creation.  Only the tables by page, which find
 * ghosts, grow with the highest page number seen; a policy goes on without
 * the ghost if the host has no memory for that, and with npages_hint given
 * nothing is allocated after creation.
 */

#include "base/kassert.h"
#include "base/mem.h"
#include "base/prng.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/version.h"

/* Where a slot stands; a policy may add what it likes above. */
enum { SLOT_EMPTY = 0 };

struct policy_count {
	struct eph_mem *mem;
	uint32_t nslots;
	uint32_t resident; /* slots that hold a page */
	uint32_t pinned;   /* of these */
	uint64_t moves;	   /* promotions, see policy.h */
};

/* promotions() of every policy whose state begins with a policy_count. */
uint64_t eph__policy_promotions(const void *ps);

/* ENOMEM, and `err` says which policy wanted memory for how many slots. */
int eph__policy_nomem(
    const struct eph_policy_env *env, const char *policy, struct eph_err *err);

/* `part` of `whole`, rounded down, at least `least`. */
static inline uint32_t
policy_share(uint32_t whole, double part, uint32_t least)
{
	uint32_t n = (uint32_t)((double)whole * part);

	return (n < least ? least : n);
}

/*
 * A table by page that grows: 0 where nothing was stored.  `hint` is the
 * number of pages if known.
 */
struct page_table {
	uint32_t *of;
	uint32_t npages;
};

bool eph__page_table_init(
    struct page_table *t, struct eph_mem *mem, uint32_t hint);
void eph__page_table_fini(struct page_table *t, struct eph_mem *mem);
bool eph__page_table_grow(
    struct page_table *t, struct eph_mem *mem, uint32_t page);

static inline uint32_t
page_table_get(const struct page_table *t, uint32_t page)
{
	return (eph_likely(page < t->npages) ? t->of[page] : 0);
}

/* Ask for the entry of a page that may have one. */
static inline void
page_table_past(const struct page_table *t, uint32_t page)
{
	if (page < t->npages)
		eph_prefetch_write(&t->of[page]);
}

/* False if there is no memory to store it. */
static inline bool
page_table_set(
    struct page_table *t, struct eph_mem *mem, uint32_t page, uint32_t value)
{
	if (eph_unlikely(page >= t->npages) &&
	    !eph__page_table_grow(t, mem, page))
		return (false);
	t->of[page] = value;
	return (true);
}

#endif /* !POLICY_STATE_H */
