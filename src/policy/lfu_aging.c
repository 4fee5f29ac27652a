/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LFU with dynamic aging: a page's key is its count of uses plus the key
 * of the page that left last, so that counts gathered long ago lose against
 * new ones without a parameter and without halving.  Among equals the
 * least recently used leaves.
 *
 * Arlitt, Cherkasova, Dilley, Friedrich, Jin, 2000 (LFU-DA).
 */

#include <errno.h>

#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/ranks.h"

#define POLICY(fn) lfuda_##fn

struct lfuda {
	struct ranks r; /* by count plus age, and time of the last use */
	uint32_t *uses;
	uint32_t age;
	uint32_t now;
};

static void
lfuda_destroy(void *ps)
{
	struct lfuda *f = ps;
	struct eph_mem *mem = f->r.c.mem;

	eph_mem_free(mem, f->uses, f->r.heads * sizeof(*f->uses));
	eph__ranks_fini(&f->r);
	eph_mem_free(mem, f, sizeof(*f));
}

static int
lfuda_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_lfu_aging, env->params, NULL, err);
	struct lfuda *f;

	if (error != 0)
		return (error);
	if ((f = eph_mem_alloc(env->mem, sizeof(*f))) == NULL)
		return (eph__policy_nomem(env, "lfu-aging", err));
	if (eph__ranks_init(&f->r, env) != 0) {
		eph_mem_free(env->mem, f, sizeof(*f));
		return (eph__policy_nomem(env, "lfu-aging", err));
	}
	f->uses = eph_mem_alloc(env->mem, f->r.heads * sizeof(*f->uses));
	if (f->uses == NULL) {
		lfuda_destroy(f);
		return (eph__policy_nomem(env, "lfu-aging", err));
	}
	*psp = f;
	return (0);
}

static inline uint64_t
lfuda_key(struct lfuda *f, uint32_t slot)
{
	const uint64_t value = (uint64_t)f->age + f->uses[slot];

	return (rank_make(
	    value < UINT32_MAX ? (uint32_t)value : UINT32_MAX, ++f->now));
}

static inline void
lfuda_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lfuda *f = ps;

	(void)page;
	f->uses[slot] = 1;
	rank_insert(&f->r, slot, lfuda_key(f, slot));
}

static inline void
lfuda_hit(void *ps, uint32_t slot)
{
	struct lfuda *f = ps;

	f->uses[slot]++;
	rank_use(&f->r, slot, lfuda_key(f, slot));
}

static inline uint32_t
lfuda_victim(void *ps, uint32_t page)
{
	struct lfuda *f = ps;
	const uint32_t slot = rank_first(&f->r, false);

	(void)page;
	if (slot != EPH_NONE) {
		f->age = rank_value(rank_key(&f->r, slot));
		rank_remove(&f->r, slot);
		/* One that was pinned for long may be below those before. */
		if (f->age > f->r.base)
			eph__ranks_rebase(&f->r, f->age);
	}
	return (slot);
}

static void
lfuda_check(void *ps)
{
	eph__ranks_check(ps);
}

#define lfuda_pin	      rank_pin
#define lfuda_release	      rank_release
#define lfuda_forget	      rank_forget
#define POLICY_NEAR(ps, slot) (&((struct lfuda *)(ps))->r.n[slot])
#define POLICY_RANKS(ps)      (&((struct lfuda *)(ps))->r)
#define POLICY_AHEAD(ps, page)                                                 \
	eph_prefetch_write(&((struct lfuda *)(ps))->uses[page])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lfu_aging = {
	.name = "lfu-aging",
	.summary = "LFU whose counts lose value as pages leave (LFU-DA)",
	.origin = "Arlitt et al., HP Labs 1999-98, 2000",
	.by_page = true,
	POLICY_CALLS,
};
