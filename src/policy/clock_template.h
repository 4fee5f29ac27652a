/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Template: CLOCK with a counter from 0 to CLOCK_MAX, and FIFO, which is
 * CLOCK_MAX 0.
 *
 * The slots form a ring in order of arrival; the hand is at the oldest.  A
 * slot whose counter is not 0 loses one and becomes the newest; the first
 * with 0 is recycled.  A page arrives with its counter at 0.
 *
 * The slot under the hand becomes the newest by moving the hand, so a miss
 * touches two nodes.  Only when a pinned slot is the oldest, and therefore
 * keeps that place, does another slot have to be moved.
 *
 * The file that includes this defines CLOCK_ROW, CLOCK_NAME, CLOCK_MAX,
 * CLOCK_SUMMARY and CLOCK_ORIGIN, and POLICY(fn).
 */

#include <errno.h>

#include "policy/state.h"

struct clock_node {
	uint32_t prev;
	uint32_t next; /* the one that arrived after it */
	uint8_t resident;
	uint8_t pinned;
	uint8_t count;
};

struct clock_state {
	struct policy_count c;
	uint32_t hand;	   /* the oldest; EPH_NONE: the ring is empty */
	uint32_t recycled; /* in the ring as the newest, waits for insert() */
	struct clock_node *n;
};

static void
POLICY(destroy)(void *ps)
{
	struct clock_state *s = ps;

	eph_mem_free(s->c.mem, s->n, s->c.nslots * sizeof(*s->n));
	eph_mem_free(s->c.mem, s, sizeof(*s));
}

static int
POLICY(create)(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct clock_state *s;
	const int error = eph_policy_params(&CLOCK_ROW, env->params, NULL, err);

	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, sizeof(*s))) == NULL)
		return (eph__policy_nomem(env, CLOCK_NAME, err));
	s->c.mem = env->mem;
	s->c.nslots = env->nslots;
	s->hand = s->recycled = EPH_NONE;
	s->n = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->n));
	if (s->n == NULL) {
		POLICY(destroy)(s);
		return (eph__policy_nomem(env, CLOCK_NAME, err));
	}
	*psp = s;
	return (0);
}

static inline void
POLICY(unlink)(struct clock_state *s, uint32_t i)
{
	struct clock_node *n = &s->n[i];

	if (s->hand == i)
		s->hand = n->next == i ? EPH_NONE : n->next;
	s->n[n->prev].next = n->next;
	s->n[n->next].prev = n->prev;
}

/* `i` becomes the newest. */
static inline void
POLICY(link)(struct clock_state *s, uint32_t i)
{
	struct clock_node *n = &s->n[i];

	if (s->hand == EPH_NONE) {
		s->hand = n->prev = n->next = i;
		return;
	}
	n->next = s->hand;
	n->prev = s->n[s->hand].prev;
	s->n[n->prev].next = i;
	s->n[s->hand].prev = i;
}

/* The same for one that is in the ring. */
static inline void
POLICY(renew)(struct clock_state *s, uint32_t i)
{
	if (eph_likely(s->hand == i)) {
		s->hand = s->n[i].next;
	} else {
		POLICY(unlink)(s, i);
		POLICY(link)(s, i);
	}
}

static inline void
POLICY(insert)(void *ps, uint32_t slot, uint32_t page)
{
	struct clock_state *s = ps;
	struct clock_node *n = &s->n[slot];

	(void)page;
	KASSERT(!n->resident, "slot holds a page");
	if (s->recycled != slot)
		POLICY(link)(s, slot);
	s->recycled = EPH_NONE;
	n->resident = n->pinned = 1;
	n->count = 0;
	s->c.resident++;
	s->c.pinned++;
}

static inline void
POLICY(hit)(void *ps, uint32_t slot)
{
#if CLOCK_MAX > 0
	struct clock_state *s = ps;
	struct clock_node *n = &s->n[slot];

#if CLOCK_MAX == 1
	n->count = 1;
#else
	n->count = (uint8_t)(n->count + (n->count < CLOCK_MAX));
#endif
#else
	(void)ps;
	(void)slot;
#endif
}

static inline void
POLICY(pin)(void *ps, uint32_t slot)
{
	struct clock_state *s = ps;

	KASSERT(!s->n[slot].pinned, "pinned twice");
	s->n[slot].pinned = 1;
	s->c.pinned++;
}

static inline void
POLICY(release)(void *ps, uint32_t slot)
{
	struct clock_state *s = ps;

	KASSERT(s->n[slot].pinned, "not pinned");
	s->n[slot].pinned = 0;
	s->c.pinned--;
}

static void
POLICY(forget)(void *ps, uint32_t slot)
{
	struct clock_state *s = ps;

	POLICY(unlink)(s, slot);
	s->n[slot].resident = 0;
	s->c.resident--;
	s->c.pinned -= s->n[slot].pinned;
}

static inline uint32_t
POLICY(victim)(void *ps, uint32_t page)
{
	struct clock_state *s = ps;
	uint32_t i = s->hand;

	(void)page;
	if (eph_unlikely(s->c.pinned == s->c.resident))
		return (EPH_NONE);
	for (;;) {
		struct clock_node *n = &s->n[i];
		const uint32_t next = n->next;

		if (eph_likely(!n->pinned)) {
			if (CLOCK_MAX == 0 || n->count == 0)
				break;
			n->count--;
			s->c.moves++;
			POLICY(renew)(s, i);
		}
		i = next;
	}
	POLICY(renew)(s, i);
	s->n[i].resident = 0;
	s->recycled = i;
	s->c.resident--;
	return (i);
}

static void
POLICY(check)(void *ps)
{
	const struct clock_state *s = ps;
	uint32_t i = s->hand, resident = 0, pinned = 0;

	if (i != EPH_NONE) {
		do {
			const struct clock_node *n = &s->n[i];

			if (s->n[n->next].prev != i || !n->resident ||
			    n->count > CLOCK_MAX)
				PANIC("policy clock: the ring is broken");
			resident++;
			pinned += n->pinned;
			i = n->next;
		} while (i != s->hand);
	}
	if (resident != s->c.resident || pinned != s->c.pinned)
		PANIC("policy clock: wrong number of slots");
}

#define POLICY_NEAR(ps, slot) (&((struct clock_state *)(ps))->n[slot])
#include "design/policy_replay.h"

#define CLOCK_OPS                                                              \
	{                                                                      \
		.name = CLOCK_NAME, .summary = CLOCK_SUMMARY,                  \
		.origin = CLOCK_ORIGIN, .abi = EPHMAP_ABI,                     \
		.create = POLICY(create), .destroy = POLICY(destroy),          \
		.insert = POLICY(insert), .hit = POLICY(hit),                  \
		.pin = POLICY(pin), .release = POLICY(release),                \
		.forget = POLICY(forget), .victim = POLICY(victim),            \
		.promotions = eph__policy_promotions, .check = POLICY(check),  \
		.replay = POLICY(replay),                                      \
	}
