/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * surw (Zhao and others, "Selectively uniform concurrency testing", ASPLOS
 * 2025): in each schedule a few of the objects that entities share are
 * interesting.  Who makes the next interesting operation is drawn with a
 * probability in proportion to those that it has still to make; another that
 * comes to one waits.  So the orders of these operations are about equally
 * likely, however many others there are.
 *
 * Which objects are shared, and how often each entity comes to them, was
 * counted in the schedules before; the first is a random one.
 */

#include <string.h>

#include "exec/explore_chance.h"

#define SURW_OBJECTS 20u /* interesting ones, at most */

struct surw {
	struct ex_objects objects;
	uint32_t most[EX_OBJECTS][EX_ENTITIES]; /* operations in a schedule */
	uint32_t made[EX_OBJECTS][EX_ENTITIES]; /* in this one */
	bool interesting[EX_OBJECTS];
	uint32_t left[EX_ENTITIES]; /* 1 + interesting ones, about */
	unsigned intended;	    /* makes the next; EX_ENTITIES: not drawn */
};

static bool
surw_shared(const struct surw *s, unsigned o)
{
	unsigned n = 0;

	for (unsigned e = 0; e < EX_ENTITIES; e++)
		n += s->most[o][e] != 0;
	return (n > 1);
}

/* One to SURW_OBJECTS of those that are shared, all as likely. */
static void
surw_select(struct explore *ex, struct surw *s)
{
	unsigned shared[EX_OBJECTS], n = 0, want;

	for (unsigned o = 0; o < s->objects.n; o++) {
		s->interesting[o] = false;
		if (surw_shared(s, o))
			shared[n++] = o;
	}
	if (n == 0)
		return;
	want = 1 + prng_below(&ex->prng, n < SURW_OBJECTS ? n : SURW_OBJECTS);
	for (; want > 0; want--) {
		const unsigned i = prng_below(&ex->prng, n);

		s->interesting[shared[i]] = true;
		shared[i] = shared[--n];
	}
}

static void
surw_begin(struct explore *ex)
{
	struct surw *s = ex->strategy_state;

	eph__ex_chance_begin(ex);
	memset(s->made, 0, sizeof(s->made[0]) * s->objects.n);
	for (unsigned e = 0; e < EX_ENTITIES; e++)
		s->left[e] = 1;
	surw_select(ex, s);
	for (unsigned o = 0; o < s->objects.n; o++) {
		for (unsigned e = 0; e < EX_ENTITIES && s->interesting[o]; e++)
			s->left[e] += s->most[o][e];
	}
	s->intended = EX_ENTITIES;
}

/* The object of the operation that an entity would make now. */
static unsigned
surw_object(struct explore *ex, struct surw *s, unsigned e)
{
	if (e >= EX_BUFFER(0) || ex->entity[e].op.obj == NULL)
		return (EX_OBJECTS);
	return (ex_object(&s->objects, ex->entity[e].op.obj));
}

static bool
surw_is_interesting(struct explore *ex, struct surw *s, unsigned e)
{
	const unsigned o = surw_object(ex, s, e);

	return (o != EX_OBJECTS && s->interesting[o]);
}

/* The one that goes on, and what that means for the next. */
static struct ex_choice
surw_run(struct explore *ex, struct surw *s, unsigned e)
{
	const unsigned o = surw_object(ex, s, e);

	if (o == EX_OBJECTS)
		return (ex_run(e));
	if (++s->made[o][e] > s->most[o][e])
		s->most[o][e] = s->made[o][e];
	if (s->interesting[o]) {
		s->left[e] -= s->left[e] > 1;
		s->intended = EX_ENTITIES;
	}
	return (ex_run(e));
}

static struct ex_choice
surw_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct surw *s = ex->strategy_state;
	const uint64_t r = prng_next(&ex->prng);
	uint64_t free_ones = 0;
	struct ex_choice c;

	(void)cur;
	if (chance_tlb(ex, r, &c))
		return (c);
	if (s->intended == EX_ENTITIES)
		s->intended = eph__ex_chance_draw(ex, ex->entities, s->left);
	for (uint64_t w = enabled; w != 0; w &= w - 1) {
		const unsigned e = eph_cpuword_first(w);

		if (e == s->intended || !surw_is_interesting(ex, s, e))
			free_ones |= EX_BIT(e);
	}
	/* The intended one cannot come to it now: another does. */
	if (free_ones == 0) {
		s->intended = eph__ex_chance_draw(ex, enabled, s->left);
		return (surw_run(ex, s, s->intended));
	}
	/* The number was spent where a TLB could not act. */
	c = eph__ex_chance_pick(ex, free_ones, r | 1);
	return (surw_run(ex, s, c.who));
}

const struct ex_strategy eph__ex_surw = {
	.name = "surw",
	.state = sizeof(struct surw),
	.begin = surw_begin,
	.pick = surw_pick,
	.next = eph__ex_chance_next,
};
