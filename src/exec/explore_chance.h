/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_CHANCE_H
#define EXEC_EXPLORE_CHANCE_H

/*
 * What strategies that decide by chance share (explore_pick.c), and a table
 * of the objects that operations are about.
 */

#include "exec/explore.h"

/*
 * A TLB acts on a random address.  False if there is nothing it could do
 * there.
 */
bool eph__ex_chance_tlb(struct explore *ex, uint32_t r, struct ex_choice *c);

/* At one step in eight, where TLBs choose. */
static inline bool
chance_tlb(struct explore *ex, uint64_t r, struct ex_choice *c)
{
	return (ex->adversary && (r & 0x7) == 0 &&
	    eph__ex_chance_tlb(ex, (uint32_t)r, c));
}

/* Numbers that depend on the seed and on which schedule it is. */
void eph__ex_chance_begin(struct explore *ex);

/* What random does with the number `r`. */
struct ex_choice eph__ex_chance_pick(
    struct explore *ex, uint64_t enabled, uint64_t r);

/* There is always one more. */
bool eph__ex_chance_next(struct explore *ex, enum ex_verdict v);

/* A member of `set`, with a probability in proportion to weight[], not 0. */
unsigned eph__ex_chance_draw(
    struct explore *ex, uint64_t set, const uint32_t *weight);

/* Objects in the order in which they were met. */
#define EX_OBJECTS 256u /* that are told apart */

struct ex_objects {
	unsigned n;
	const void *obj[EX_OBJECTS];
	uint16_t hash[2 * EX_OBJECTS]; /* 1 + index; 0: free */
};

/* The number of an object; EX_OBJECTS when there are too many. */
static inline unsigned
ex_object(struct ex_objects *t, const void *obj)
{
	uint64_t h = (uint64_t)(uintptr_t)obj * 0x9e3779b97f4a7c15ull >> 55;

	for (;; h = (h + 1) % (2 * EX_OBJECTS)) {
		if (t->hash[h] == 0)
			break;
		if (t->obj[t->hash[h] - 1] == obj)
			return (t->hash[h] - 1u);
	}
	if (t->n == EX_OBJECTS)
		return (EX_OBJECTS);
	t->obj[t->n] = obj;
	t->hash[h] = (uint16_t)++t->n;
	return (t->n - 1);
}

#endif /* !EXEC_EXPLORE_CHANCE_H */
