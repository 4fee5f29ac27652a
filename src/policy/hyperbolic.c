/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Hyperbolic caching: a page is worth the number of its uses since it
 * arrived, divided by the time since then; of 64 pages drawn at random
 * (one may be drawn twice) the least worthy leaves, the first drawn among
 * equals.
 *
 * Blankstein, Sen, Freedman, USENIX ATC 2017.
 */

#include <errno.h>

#include "policy/candidates.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) hyperbolic_##fn

struct hyperbolic_slot {
	uint64_t arrived; /* reference */
	uint64_t uses;
};

struct hyperbolic {
	struct candidates c;
	uint64_t now; /* references */
	uint32_t samples;
	bool ready; /* victim() counted the reference */
	struct hyperbolic_slot *slot;
};

static const struct eph_policy_param hyperbolic_params[] = {
	{ "samples", 64, 1, 65536, "pages drawn for each that leaves" },
	{ NULL, 0, 0, 0, NULL },
};

static void
hyperbolic_destroy(void *ps)
{
	struct hyperbolic *s = ps;
	struct eph_mem *mem = s->c.c.mem;

	eph_mem_free(mem, s->slot, s->c.c.nslots * sizeof(*s->slot));
	candidates_fini(&s->c);
	eph_mem_free(mem, s, sizeof(*s));
}

static int
hyperbolic_create(
    const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[1];
	const int error =
	    eph_policy_params(&eph_policy_hyperbolic, env->params, v, err);
	struct hyperbolic *s;

	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, sizeof(*s))) == NULL)
		return (eph__policy_nomem(env, "hyperbolic", err));
	if (!candidates_init(&s->c, env)) {
		eph_mem_free(env->mem, s, sizeof(*s));
		return (eph__policy_nomem(env, "hyperbolic", err));
	}
	s->slot = eph_mem_alloc(env->mem, env->nslots * sizeof(*s->slot));
	if (s->slot == NULL) {
		hyperbolic_destroy(s);
		return (eph__policy_nomem(env, "hyperbolic", err));
	}
	s->samples = (uint32_t)v[0];
	*psp = s;
	return (0);
}

static inline void
hyperbolic_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct hyperbolic *s = ps;

	(void)page;
	s->now += !s->ready;
	s->ready = false;
	s->slot[slot] = (struct hyperbolic_slot){ s->now, 1 };
	candidates_insert(&s->c, slot);
}

static inline void
hyperbolic_hit(void *ps, uint32_t slot)
{
	struct hyperbolic *s = ps;

	s->now++;
	s->slot[slot].uses++;
}

static inline uint32_t
hyperbolic_victim(void *ps, uint32_t page)
{
	struct hyperbolic *s = ps;
	uint32_t best = EPH_NONE;
	double least = 0;

	(void)page;
	if (s->c.n == 0)
		return (EPH_NONE);
	s->now++;
	s->ready = true;
	for (uint32_t i = 0; i < s->samples; i++) {
		const uint32_t slot = candidates_draw(&s->c);
		const double worth = (double)s->slot[slot].uses /
		    (double)(s->now - s->slot[slot].arrived);

		if (best == EPH_NONE || worth < least) {
			best = slot;
			least = worth;
		}
	}
	candidates_forget(&s->c, best);
	return (best);
}

static void
hyperbolic_check(void *ps)
{
	candidates_check(ps);
}

#define hyperbolic_pin	   candidates_pin
#define hyperbolic_release candidates_release
#define hyperbolic_forget  candidates_forget
#define POLICY_HOLDS	   /* the order of the candidates changes */
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_hyperbolic = {
	.name = "hyperbolic",
	.summary = "fewest uses for its time, of 64 drawn at random",
	.origin = "Blankstein, Sen, Freedman, USENIX ATC 2017",
	.params = hyperbolic_params,
	POLICY_CALLS,
};
