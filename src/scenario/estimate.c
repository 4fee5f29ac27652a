/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How many schedules are there?  Stochastic enumeration (Rubinstein 2013,
 * after Knuth 1975 and Chen 1992): go down the tree of schedules level by
 * level with at most WIDTH nodes.  All their children are counted, WIDTH of
 * them are drawn, and each of these stands for as many as there are to one
 * that was drawn.  A leaf counts for what it stands for.  The mean of what
 * comes out is the number of leaves, whatever the tree.
 *
 * A node is reached by running the program from its start.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "scenario/search.h"

#define WIDTH	   64u
#define ROUNDS	   32u
#define ROUNDS_MIN 4u
#define STEPS_MIN  100000u /* for all rounds, or a quarter of the search's */

/* A node: the children to take, from the root. */
struct node {
	uint16_t *at;
	uint32_t n;
	uint32_t room;
};

struct estimate {
	struct search *s;
	struct ex_probe probe;
	struct prng prng;
	struct node now[WIDTH], next[WIDTH];
	unsigned nnow;
	double weight; /* nodes that one in `now` stands for */
	double leaves;
};

/* `to` is the child `i` of `from`. */
static int
node_child(struct node *to, const struct node *from, uint32_t i)
{
	if (to->room <= from->n) {
		const uint32_t room = 2 * from->n + 64;
		uint16_t *at = realloc(to->at, room * sizeof(*at));

		if (at == NULL)
			return (ENOMEM);
		to->at = at;
		to->room = room;
	}
	if (from->n > 0)
		memcpy(to->at, from->at, from->n * sizeof(*to->at));
	to->at[from->n] = (uint16_t)i;
	to->n = from->n + 1;
	return (0);
}

/* Children of a node; 0: it is a leaf, a schedule or one given up. */
static uint32_t
node_look(struct estimate *e, const struct node *nd)
{
	e->probe.at = nd->at;
	e->probe.n = nd->n;
	(void)eph__search_once(e->s);
	return (e->probe.children);
}

/*
 * One level down.  Of the children met so far WIDTH are kept, each with the
 * same probability (reservoir sampling).  0, ENOMEM, or ECANCELED when a leaf
 * is a failure.
 */
static int
level_down(struct estimate *e)
{
	uint64_t met = 0;
	unsigned kept;

	for (unsigned i = 0; i < e->nnow; i++) {
		const uint32_t n = node_look(e, &e->now[i]);

		/* What was looked for; no reason to go on. */
		if (e->s->failure != EPH_FAIL_NONE)
			return (ECANCELED);
		if (n == 0)
			e->leaves += e->weight;
		for (uint32_t k = 0; k < n; k++, met++) {
			const uint64_t slot = met < WIDTH
			    ? met
			    : prng_below(&e->prng, (uint32_t)met + 1);

			if (slot < WIDTH &&
			    node_child(&e->next[slot], &e->now[i], k) != 0)
				return (ENOMEM);
		}
	}
	kept = met < WIDTH ? (unsigned)met : WIDTH;
	if (kept > 0)
		e->weight *= (double)met / kept;
	for (unsigned i = 0; i < kept; i++) {
		const struct node swap = e->now[i];

		e->now[i] = e->next[i];
		e->next[i] = swap;
	}
	e->nnow = kept;
	return (0);
}

static int
estimate_round(struct estimate *e)
{
	int error = 0;

	e->now[0].n = 0;
	e->nnow = 1;
	e->weight = 1;
	e->leaves = 0;
	while (e->nnow > 0 && error == 0)
		error = level_down(e);
	return (error);
}

int
eph__search_estimate(struct search *s, struct eph_explore_result *r)
{
	const uint64_t before = s->ex->total_steps;
	const uint64_t most =
	    before / 4 > STEPS_MIN ? before / 4 : (uint64_t)STEPS_MIN;
	const bool bounded = s->ex->strategy == &eph__ex_systematic ||
	    s->ex->strategy == &eph__ex_delay;
	struct estimate e = { .s = s,
		.probe = { .delay = s->ex->strategy == &eph__ex_delay,
		    .sleeps = true,
		    .bound = bounded ? s->ex->preemptions : UINT32_MAX / 2 } };
	double sum = 0, squares = 0, n = 0;
	int error = 0;

	if (eph__explore_set_strategy(s->ex, &eph__ex_probe) != 0)
		return (ENOMEM);
	eph__prng_init(&e.prng, s->cfg.seed, 0);
	s->ex->probe = &e.probe;
	while (error == 0 && n < ROUNDS &&
	    (n < ROUNDS_MIN || s->ex->total_steps - before < most)) {
		error = estimate_round(&e);
		/* Where a bound cuts, systematic lets (almost) nobody sleep. */
		if (error == 0 && bounded && e.probe.cut && e.probe.sleeps) {
			e.probe.sleeps = false;
			continue;
		}
		sum += e.leaves;
		squares += e.leaves * e.leaves;
		n++;
	}
	r->total = sum / n;
	/* Whole, so that no host has other digits. */
	r->total_error =
	    round(sqrt(fmax(squares / n - r->total * r->total, 0) / (n - 1)));
	r->total = round(r->total);
	r->total_all = !bounded;
	for (unsigned i = 0; i < WIDTH; i++) {
		free(e.now[i].at);
		free(e.next[i].at);
	}
	if (error != ECANCELED)
		return (error);
	r->total = r->total_error = 0;
	return (0);
}
