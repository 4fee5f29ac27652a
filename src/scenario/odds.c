/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The point of no return: how likely is it, from each step of a schedule that
 * fails, that it fails?  The schedule is repeated up to there and goes on by
 * chance, many times.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/search.h"

#define ODDS_ROWS 64u

/* The share of `runs' continuations that fail. */
static double
odds_from(struct search *s, uint32_t step, uint32_t runs)
{
	uint32_t failed = 0;

	s->ex->prefix_n = step;
	for (uint32_t i = 0; i < runs; i++) {
		s->ex->nschedule = i;
		failed += eph__search_once(s) != EPH_FAIL_NONE;
	}
	return ((double)failed / runs);
}

/* The first step from which on all fail. */
static uint32_t
odds_no_return(const struct eph_explore_result *r)
{
	size_t i = r->nodds;

	while (i > 0 && r->odds[i - 1].share == 1.0)
		i--;
	return (r->odds[i < r->nodds ? i : r->nodds - 1].step);
}

/* A choice as in a schedule, where "a1" is "a". */
static void
odds_after(struct ex_choice c, char *p, size_t room)
{
	const int len =
	    eph__ex_token_format(&(struct ex_token){ c, 1, 0 }, p, room);

	if (c.kind == EX_RUN)
		p[len - 1] = '\0';
}

int
eph__search_odds(struct search *s, struct ex_schedule *schedule,
    struct eph_explore_result *r)
{
	struct ex_choice *choices;
	uint32_t n, stride;

	(void)eph__search_replay(s, schedule);
	n = s->ex->nchoices;
	stride = n / ODDS_ROWS + 1;
	choices = malloc((n + 1) * sizeof(*choices));
	r->odds = calloc(n / stride + 2, sizeof(*r->odds));
	if (choices == NULL || r->odds == NULL ||
	    eph__explore_set_strategy(s->ex, &eph__ex_prefix) != 0) {
		free(choices);
		return (ENOMEM);
	}
	memcpy(choices, s->ex->choices, n * sizeof(*choices));
	s->ex->prefix = choices;
	s->ex->seed = s->cfg.seed;
	for (uint32_t step = 0;; step = step + stride < n ? step + stride : n) {
		struct eph_odds *o = &r->odds[r->nodds++];

		o->step = step;
		o->share = odds_from(s, step, s->cfg.odds);
		if (step > 0)
			odds_after(
			    choices[step - 1], o->after, sizeof(o->after));
		if (step == n)
			break;
	}
	r->no_return = odds_no_return(r);
	free(choices);
	return (0);
}
