/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * RANDOM: any page that is not pinned, each with the same chance.
 */

#include <errno.h>

#include "policy/candidates.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) random_##fn

static void
random_destroy(void *ps)
{
	struct candidates *s = ps;

	candidates_fini(s);
	eph_mem_free(s->c.mem, s, sizeof(*s));
}

static int
random_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_random, env->params, NULL, err);
	struct candidates *s;

	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, sizeof(*s))) == NULL)
		return (eph__policy_nomem(env, "random", err));
	if (!candidates_init(s, env)) {
		eph_mem_free(env->mem, s, sizeof(*s));
		return (eph__policy_nomem(env, "random", err));
	}
	*psp = s;
	return (0);
}

static inline void
random_insert(void *ps, uint32_t slot, uint32_t page)
{
	(void)page;
	candidates_insert(ps, slot);
}

static inline void
random_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

static inline uint32_t
random_victim(void *ps, uint32_t page)
{
	struct candidates *s = ps;
	uint32_t slot;

	(void)page;
	if (s->n == 0)
		return (EPH_NONE);
	slot = candidates_draw(s);
	candidates_forget(s, slot);
	return (slot);
}

static void
random_check(void *ps)
{
	candidates_check(ps);
}

#define random_pin     candidates_pin
#define random_release candidates_release
#define random_forget  candidates_forget
#define POLICY_HOLDS   /* the order of the candidates changes */
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_random = {
	.name = "random",
	.summary = "any page with the same chance",
	.origin = "Belady 1966",
	POLICY_CALLS,
};
