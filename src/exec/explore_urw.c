/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * urw (Zhao and others, "Selectively uniform concurrency testing", ASPLOS
 * 2025): the next is drawn with a probability in proportion to the steps it
 * has still to make, which makes every interleaving about as likely as any
 * other.  How many steps that is was counted in the schedules before.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/explore_chance.h"

struct urw {
	uint32_t steps[EX_ENTITIES]; /* the most in a schedule so far */
	uint32_t made[EX_ENTITIES];  /* in this one */
};

static int
urw_create(struct explore *ex)
{
	ex->strategy_state = calloc(1, sizeof(struct urw));
	return (ex->strategy_state != NULL ? 0 : ENOMEM);
}

static void
urw_begin(struct explore *ex)
{
	struct urw *urw = ex->strategy_state;

	eph__ex_chance_begin(ex);
	memset(urw->made, 0, sizeof(urw->made));
}

static uint32_t
urw_left(const struct urw *urw, unsigned e)
{
	return (
	    urw->steps[e] > urw->made[e] ? urw->steps[e] - urw->made[e] : 1);
}

static struct ex_choice
urw_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct urw *urw = ex->strategy_state;
	const uint64_t r = prng_next(&ex->prng);
	unsigned e = eph_cpuword_first(enabled);
	uint32_t sum = 0, at;
	struct ex_choice c;

	(void)cur;
	if (chance_tlb(ex, r, &c))
		return (c);
	for (uint64_t w = enabled; w != 0; w &= w - 1)
		sum += urw_left(urw, eph_cpuword_first(w));
	at = prng_below(&ex->prng, sum);
	for (uint64_t w = enabled; w != 0; w &= w - 1) {
		e = eph_cpuword_first(w);
		if (at < urw_left(urw, e))
			break;
		at -= urw_left(urw, e);
	}
	if (++urw->made[e] > urw->steps[e])
		urw->steps[e] = urw->made[e];
	return (ex_run(e));
}

const struct ex_strategy eph__ex_urw = {
	.name = "urw",
	.create = urw_create,
	.destroy = eph__ex_state_free,
	.begin = urw_begin,
	.pick = urw_pick,
	.next = eph__ex_chance_next,
};
