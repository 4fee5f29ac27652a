/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * RANDOM: any page that is not pinned, each with the same chance.  The
 * candidates stand in an array without gaps, so that one number chooses.
 */

#include <errno.h>

#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/state.h"

#define POLICY(fn) random_##fn

#define PINNED (EPH_NONE - 1u)

struct random_state {
	struct policy_count c;
	struct prng rng;
	uint32_t n;	 /* candidates */
	uint32_t *slot;	 /* candidates */
	uint32_t *place; /* by slot: in `slot`, or PINNED, or EPH_NONE */
};

static void
random_destroy(void *ps)
{
	struct random_state *s = ps;

	eph_mem_free(s->c.mem, s->slot, s->c.nslots * sizeof(*s->slot));
	eph_mem_free(s->c.mem, s->place, s->c.nslots * sizeof(*s->place));
	eph_mem_free(s->c.mem, s, sizeof(*s));
}

static int
random_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_random, env->params, NULL, err);
	struct random_state *s;

	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, sizeof(*s))) == NULL)
		return (eph__policy_nomem(env, "random", err));
	s->c.mem = env->mem;
	s->c.nslots = env->nslots;
	s->slot = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->slot));
	s->place = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->place));
	if (s->slot == NULL || s->place == NULL) {
		random_destroy(s);
		return (eph__policy_nomem(env, "random", err));
	}
	for (uint32_t i = 0; i < env->nslots; i++)
		s->place[i] = EPH_NONE;
	eph__prng_init(&s->rng, env->seed, 0);
	*psp = s;
	return (0);
}

static inline void
random_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct random_state *s = ps;

	(void)page;
	KASSERT(s->place[slot] == EPH_NONE, "slot holds a page");
	s->place[slot] = PINNED;
	s->c.resident++;
	s->c.pinned++;
}

static inline void
random_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

static inline void
random_take(struct random_state *s, uint32_t slot)
{
	const uint32_t at = s->place[slot], last = s->slot[--s->n];

	s->slot[at] = last;
	s->place[last] = at;
}

static inline void
random_pin(void *ps, uint32_t slot)
{
	struct random_state *s = ps;

	KASSERT(s->place[slot] < s->n, "pinned twice");
	random_take(s, slot);
	s->place[slot] = PINNED;
	s->c.pinned++;
}

static inline void
random_release(void *ps, uint32_t slot)
{
	struct random_state *s = ps;

	KASSERT(s->place[slot] == PINNED, "not pinned");
	s->slot[s->n] = slot;
	s->place[slot] = s->n++;
	s->c.pinned--;
}

static inline void
random_forget(void *ps, uint32_t slot)
{
	struct random_state *s = ps;

	KASSERT(s->place[slot] != EPH_NONE, "slot holds nothing");
	if (s->place[slot] == PINNED)
		s->c.pinned--;
	else
		random_take(s, slot);
	s->place[slot] = EPH_NONE;
	s->c.resident--;
}

static inline uint32_t
random_victim(void *ps, uint32_t page)
{
	struct random_state *s = ps;
	uint32_t slot;

	(void)page;
	if (s->n == 0)
		return (EPH_NONE);
	slot = s->slot[prng_below(&s->rng, s->n)];
	random_forget(s, slot);
	return (slot);
}

static void
random_check(void *ps)
{
	const struct random_state *s = ps;
	uint32_t resident = 0, pinned = 0;

	for (uint32_t i = 0; i < s->c.nslots; i++) {
		const uint32_t at = s->place[i];

		resident += at != EPH_NONE;
		pinned += at == PINNED;
		if (at < PINNED && (at >= s->n || s->slot[at] != i))
			PANIC("random: slot and place disagree");
	}
	if (resident != s->c.resident || pinned != s->c.pinned ||
	    s->n != resident - pinned)
		PANIC("random: wrong number of slots");
}

#define POLICY_HOLDS /* the order of the candidates changes */
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_random = {
	.name = "random",
	.summary = "any page with the same chance",
	.origin = "Belady 1966",
	POLICY_CALLS,
};
