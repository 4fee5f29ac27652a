/* SPDX-License-Identifier: BSD-2-Clause */

/* A policy of one's own: every buffer gets a second chance, in a circle. */

#include <errno.h>

#include "ephmap/sdk/policy.h"
#include "ephmap/version.h"

extern const struct eph_policy_ops ephmap_policy;

enum { CACHED = 1, HELD = 2, USED = 4 };

struct second {
	struct eph_mem *mem;
	uint32_t nslots, hand;
	unsigned char state[]; /* of each slot */
};

static int
create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const size_t bytes = sizeof(struct second) + env->nslots;
	double none[EPH_POLICY_PARAMS]; /* it has no parameters */
	struct second *s;
	int error;

	error = eph_policy_params(&ephmap_policy, env->params, none, err);
	if (error != 0)
		return (error);
	if ((s = eph_mem_alloc(env->mem, bytes)) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	s->mem = env->mem;
	s->nslots = env->nslots;
	*psp = s;
	return (0);
}

static void
destroy(void *ps)
{
	struct second *s = ps;

	eph_mem_free(s->mem, s, sizeof(*s) + s->nslots);
}

static void
insert(void *ps, uint32_t slot, uint32_t page)
{
	(void)page;
	((struct second *)ps)->state[slot] = CACHED | HELD;
}

static void
hit(void *ps, uint32_t slot)
{
	((struct second *)ps)->state[slot] |= USED;
}

static void
pin(void *ps, uint32_t slot)
{
	((struct second *)ps)->state[slot] |= HELD;
}

static void
release(void *ps, uint32_t slot)
{
	((struct second *)ps)->state[slot] &= (unsigned char)~HELD;
}

static void
forget(void *ps, uint32_t slot)
{
	((struct second *)ps)->state[slot] = 0;
}

static uint32_t
victim(void *ps, uint32_t page)
{
	struct second *s = ps;
	uint32_t free = 0;

	(void)page;
	for (uint32_t i = 0; i < s->nslots; i++)
		free += (s->state[i] & (CACHED | HELD)) == CACHED;
	while (free > 0) {
		const uint32_t slot = s->hand;
		unsigned char *state = &s->state[slot];

		s->hand = (s->hand + 1) % s->nslots;
		if ((*state & (CACHED | HELD)) != CACHED)
			continue;
		if ((*state & USED) == 0) {
			*state = 0;
			return (slot);
		}
		*state &= (unsigned char)~USED;
	}
	return (EPH_NONE);
}

/* A bit of a buffer's own is no promotion. */
static uint64_t
promotions(const void *ps)
{
	(void)ps;
	return (0);
}

static void
check(void *ps)
{
	(void)ps;
}

const struct eph_policy_ops ephmap_policy = {
	.abi = EPHMAP_ABI,
	.name = "second",
	.summary = "second chance, in a circle",
	.origin = "an example",
	.create = create,
	.destroy = destroy,
	.insert = insert,
	.hit = hit,
	.pin = pin,
	.release = release,
	.forget = forget,
	.victim = victim,
	.promotions = promotions,
	.check = check,
	.replay = eph_policy_replay_by_calls,
};
