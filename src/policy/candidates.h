/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_CANDIDATES_H
#define POLICY_CANDIDATES_H

/*
 * Slots that may be recycled, in an array without gaps, so that one random
 * number chooses one of them.  A pinned slot is not in it.
 */

#include "policy/state.h"

#define CANDIDATE_PINNED (EPH_NONE - 1u)

struct candidates {
	struct policy_count c; /* first: the policies cast to it */
	struct prng rng;
	uint32_t n;
	uint32_t *slot;
	uint32_t *place; /* by slot: in `slot`, CANDIDATE_PINNED or EPH_NONE */
};

static inline void
candidates_fini(struct candidates *s)
{
	eph_mem_free(s->c.mem, s->slot, s->c.nslots * sizeof(*s->slot));
	eph_mem_free(s->c.mem, s->place, s->c.nslots * sizeof(*s->place));
}

/* False: no memory; nothing is left to give back. */
static inline bool
candidates_init(struct candidates *s, const struct eph_policy_env *env)
{
	s->c.mem = env->mem;
	s->c.nslots = env->nslots;
	s->slot = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->slot));
	s->place = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->place));
	if (s->slot == NULL || s->place == NULL) {
		candidates_fini(s);
		return (false);
	}
	for (uint32_t i = 0; i < env->nslots; i++)
		s->place[i] = EPH_NONE;
	eph__prng_init(&s->rng, env->seed, 0);
	return (true);
}

/* Slot `slot` holds a page, pinned. */
static inline void
candidates_insert(struct candidates *s, uint32_t slot)
{
	KASSERT(s->place[slot] == EPH_NONE, "slot holds a page");
	s->place[slot] = CANDIDATE_PINNED;
	s->c.resident++;
	s->c.pinned++;
}

static inline void
candidates_take(struct candidates *s, uint32_t slot)
{
	const uint32_t at = s->place[slot], last = s->slot[--s->n];

	s->slot[at] = last;
	s->place[last] = at;
}

/* Any of them, each with the same chance; there is one. */
static inline uint32_t
candidates_draw(struct candidates *s)
{
	return (s->slot[prng_below(&s->rng, s->n)]);
}

/* pin(), release() and forget() of a policy whose state starts so. */
static inline void
candidates_pin(void *ps, uint32_t slot)
{
	struct candidates *s = ps;

	KASSERT(s->place[slot] < s->n, "pinned twice");
	candidates_take(s, slot);
	s->place[slot] = CANDIDATE_PINNED;
	s->c.pinned++;
}

static inline void
candidates_release(void *ps, uint32_t slot)
{
	struct candidates *s = ps;

	KASSERT(s->place[slot] == CANDIDATE_PINNED, "not pinned");
	s->slot[s->n] = slot;
	s->place[slot] = s->n++;
	s->c.pinned--;
}

static inline void
candidates_forget(void *ps, uint32_t slot)
{
	struct candidates *s = ps;

	KASSERT(s->place[slot] != EPH_NONE, "slot holds nothing");
	if (s->place[slot] == CANDIDATE_PINNED)
		s->c.pinned--;
	else
		candidates_take(s, slot);
	s->place[slot] = EPH_NONE;
	s->c.resident--;
}

static inline void
candidates_check(const struct candidates *s)
{
	uint32_t resident = 0, pinned = 0;

	for (uint32_t i = 0; i < s->c.nslots; i++) {
		const uint32_t at = s->place[i];

		resident += at != EPH_NONE;
		pinned += at == CANDIDATE_PINNED;
		if (at < CANDIDATE_PINNED && (at >= s->n || s->slot[at] != i))
			PANIC("candidates: slot and place disagree");
	}
	if (resident != s->c.resident || pinned != s->c.pinned ||
	    s->n != resident - pinned)
		PANIC("candidates: wrong number of slots");
}

#endif /* !POLICY_CANDIDATES_H */
