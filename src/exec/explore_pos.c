/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pos (Yuan, Yang, Gu, "Partial order aware concurrency sampling", CAV 2018):
 * every pending operation has a random priority.  The lowest runs; an entity
 * that waits with an operation that does not commute with it draws anew, as does
 * the entity that ran.
 */

#include "exec/explore_chance.h"

struct pos {
	uint64_t order[EX_ENTITIES];
	unsigned last; /* who ran: its next operation has no priority yet */
};

static void
pos_begin(struct explore *ex)
{
	struct pos *pos = ex->strategy_state;

	eph__ex_chance_begin(ex);
	for (unsigned e = 0; e < EX_ENTITIES; e++)
		pos->order[e] = prng_next(&ex->prng);
	pos->last = EX_ENTITIES;
}

static struct ex_choice
pos_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct pos *pos = ex->strategy_state;
	const uint64_t r = prng_next(&ex->prng);
	unsigned best = EX_ENTITIES;
	struct ex_choice c;

	(void)cur;
	if (chance_tlb(ex, r, &c))
		return (c);
	if (pos->last != EX_ENTITIES)
		pos->order[pos->last] = prng_next(&ex->prng);
	for (uint64_t w = enabled; w != 0; w &= w - 1) {
		const unsigned e = eph_cpuword_first(w);

		if (best == EX_ENTITIES || pos->order[e] < pos->order[best])
			best = e;
	}
	for (uint64_t w = enabled & ~EX_BIT(best); w != 0; w &= w - 1) {
		const unsigned f = eph_cpuword_first(w);

		if (best >= EX_BUFFER(0) || f >= EX_BUFFER(0) ||
		    !eph__explore_independent(
			&ex->entity[best], &ex->entity[f]))
			pos->order[f] = prng_next(&ex->prng);
	}
	pos->last = best;
	return (ex_run(best));
}

const struct ex_strategy eph__ex_pos = {
	.name = "pos",
	.state = sizeof(struct pos),
	.begin = pos_begin,
	.pick = pos_pick,
	.next = eph__ex_chance_next,
};
