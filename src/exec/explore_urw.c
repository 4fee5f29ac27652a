/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * urw (Zhao and others, "Selectively uniform concurrency testing", ASPLOS
 * 2025): the next is drawn with a probability in proportion to the steps it
 * has still to make, which makes every interleaving about as likely as any
 * other.  How many steps that is was counted in the schedules before.
 */

#include <string.h>

#include "exec/explore_chance.h"

struct urw {
	uint32_t steps[EX_ENTITIES]; /* the most in a schedule so far */
	uint32_t made[EX_ENTITIES];  /* in this one */
	uint32_t left[EX_ENTITIES];  /* of the former, but at least 1 */
};

static void
urw_begin(struct explore *ex)
{
	struct urw *urw = ex->strategy_state;

	eph__ex_chance_begin(ex);
	memset(urw->made, 0, sizeof(urw->made));
	for (unsigned e = 0; e < EX_ENTITIES; e++)
		urw->left[e] = urw->steps[e] != 0 ? urw->steps[e] : 1;
}

static struct ex_choice
urw_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct urw *urw = ex->strategy_state;
	const uint64_t r = prng_next(&ex->prng);
	struct ex_choice c;
	unsigned e;

	(void)cur;
	if (chance_tlb(ex, r, &c))
		return (c);
	e = eph__ex_chance_draw(ex, enabled, urw->left);
	urw->left[e] -= urw->left[e] > 1;
	if (++urw->made[e] > urw->steps[e])
		urw->steps[e] = urw->made[e];
	return (ex_run(e));
}

const struct ex_strategy eph__ex_urw = {
	.name = "urw",
	.state = sizeof(struct urw),
	.begin = urw_begin,
	.pick = urw_pick,
	.next = eph__ex_chance_next,
};
