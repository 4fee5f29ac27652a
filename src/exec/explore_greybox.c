/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * greybox (after FEST, NSDI 2026): a schedule is what a stream of random
 * numbers makes of it.  A stream whose schedule had a hand-off that none had
 * before is kept: an entity came to an object after another one did.  Those
 * kept are taken in turn, sixteen times each, up to a random place behind
 * which the numbers are new, with five of those before it changed; one
 * schedule in sixteen is a new stream.
 *
 * Without the cut, as published, it found less than random does: what these
 * programs need is near the end of a schedule, and a change moves all that
 * follows.  No guarantee is known for it.
 */

#include <stdlib.h>
#include <string.h>

#include "exec/explore_chance.h"

#define GREY_KEPT    256u  /* streams */
#define GREY_NUMBERS 1024u /* of a stream that are kept */
#define GREY_MUTANTS 16u   /* of a stream, one after another */
#define GREY_CHANGES 5u	   /* numbers */
#define GREY_NONE    EX_ENTITIES

struct grey_stream {
	uint64_t *number;
	uint32_t n;
};

struct grey {
	struct ex_objects objects;
	uint8_t last[EX_OBJECTS]; /* who came to it last, or GREY_NONE */
	/* Hand-offs: from, to. */
	uint64_t seen[EX_OBJECTS][EX_ENTITIES + 1];
	struct grey_stream kept[GREY_KEPT];
	unsigned nkept;
	uint64_t turn;
	uint64_t now[GREY_NUMBERS]; /* the stream in use */
	uint32_t n;		    /* numbers used */
	uint32_t given;		    /* numbers that were there before */
	bool gained;
};

static void
grey_destroy(struct explore *ex)
{
	struct grey *g = ex->strategy_state;

	for (unsigned i = 0; i < g->nkept; i++)
		free(g->kept[i].number);
}

static void
grey_begin(struct explore *ex)
{
	struct grey *g = ex->strategy_state;
	const struct grey_stream *from;

	eph__ex_chance_begin(ex);
	memset(g->last, GREY_NONE, sizeof(g->last));
	g->gained = false;
	g->n = g->given = 0;
	if (g->nkept == 0 || g->turn % GREY_MUTANTS == 0) {
		g->turn++;
		return;
	}
	from = &g->kept[g->turn++ / GREY_MUTANTS % g->nkept];
	memcpy(g->now, from->number, from->n * sizeof(g->now[0]));
	g->given = 1 + prng_below(&ex->prng, from->n);
	for (unsigned i = 0; i < GREY_CHANGES && g->given > 0; i++)
		g->now[prng_below(&ex->prng, g->given)] = prng_next(&ex->prng);
}

static uint64_t
grey_number(struct explore *ex, struct grey *g)
{
	if (g->n == GREY_NUMBERS)
		return (prng_next(&ex->prng));
	if (g->n >= g->given)
		g->now[g->n] = prng_next(&ex->prng);
	return (g->now[g->n++]);
}

/* `who` comes to an object. */
static void
grey_note(struct grey *g, const void *obj, unsigned who)
{
	unsigned o;

	if (obj == NULL || (o = ex_object(&g->objects, obj)) == EX_OBJECTS)
		return;
	if (g->last[o] != who && (g->seen[o][g->last[o]] & EX_BIT(who)) == 0) {
		g->seen[o][g->last[o]] |= EX_BIT(who);
		g->gained = true;
	}
	g->last[o] = (uint8_t)who;
}

static struct ex_choice
grey_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct grey *g = ex->strategy_state;
	const struct ex_choice c =
	    eph__ex_chance_pick(ex, enabled, grey_number(ex, g));

	(void)cur;
	if (c.kind == EX_RUN) {
		if (c.who < EX_BUFFER(0))
			grey_note(g, ex->entity[c.who].op.obj, c.who);
		return (c);
	}
	/* A TLB has the number of its CPU's store buffer. */
	for (unsigned i = 0; i < ex->npages; i++) {
		if (ex->page[i] == c.page)
			grey_note(g, ex->slot[i], EX_BUFFER(c.who));
	}
	return (c);
}

/* Keep the stream if it gained something, and there is room. */
static bool
grey_next(struct explore *ex, enum ex_verdict v)
{
	struct grey *g = ex->strategy_state;
	struct grey_stream *s = &g->kept[g->nkept];

	(void)v;
	if (!g->gained || g->nkept == GREY_KEPT || g->n == 0)
		return (true);
	if ((s->number = malloc(g->n * sizeof(*s->number))) == NULL)
		return (true); /* without it the search is only poorer */
	memcpy(s->number, g->now, g->n * sizeof(*s->number));
	s->n = g->n;
	g->nkept++;
	return (true);
}

const struct ex_strategy eph__ex_greybox = {
	.name = "greybox",
	.state = sizeof(struct grey),
	.destroy = grey_destroy,
	.begin = grey_begin,
	.pick = grey_pick,
	.next = grey_next,
};
