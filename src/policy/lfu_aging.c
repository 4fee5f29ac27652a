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

#include "policy/heap.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) lfuda_##fn

#define TIME_BITS 32 /* order among equals; wraps after 2^32 uses */

struct lfuda {
	struct heap h; /* key: count plus age, above the time */
	uint32_t *uses;
	uint32_t age;
	uint32_t now;
};

static void
lfuda_destroy(void *ps)
{
	struct lfuda *f = ps;
	struct eph_mem *mem = f->h.c.mem;

	eph_mem_free(mem, f->uses, f->h.c.nslots * sizeof(*f->uses));
	eph__heap_fini(&f->h);
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
	if (eph__heap_init(&f->h, env) != 0) {
		eph_mem_free(env->mem, f, sizeof(*f));
		return (eph__policy_nomem(env, "lfu-aging", err));
	}
	f->uses = eph_mem_alloc(env->mem, env->nslots * sizeof(*f->uses));
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

	return (
	    (value < UINT32_MAX ? value : UINT32_MAX) << TIME_BITS | ++f->now);
}

static inline void
lfuda_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lfuda *f = ps;

	(void)page;
	f->uses[slot] = 1;
	heap_insert(&f->h, slot, lfuda_key(f, slot));
}

static inline void
lfuda_hit(void *ps, uint32_t slot)
{
	struct lfuda *f = ps;

	f->uses[slot]++;
	heap_rekey(&f->h, slot, lfuda_key(f, slot));
}

static inline uint32_t
lfuda_victim(void *ps, uint32_t page)
{
	struct lfuda *f = ps;
	const uint32_t slot = heap_first(&f->h);

	(void)page;
	if (slot != EPH_NONE) {
		f->age = (uint32_t)(heap_key(&f->h, slot) >> TIME_BITS);
		heap_remove(&f->h, slot);
	}
	return (slot);
}

static void
lfuda_check(void *ps)
{
	eph__heap_check(ps);
}

#define lfuda_pin	      heap_pin
#define lfuda_release	      heap_release
#define lfuda_forget	      heap_forget
#define POLICY_NEAR(ps, slot) (&((struct lfuda *)(ps))->h.place[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lfu_aging = {
	.name = "lfu-aging",
	.summary = "LFU whose counts lose value as pages leave (LFU-DA)",
	.origin = "Arlitt et al., HP Labs 1999-98, 2000",
	POLICY_CALLS,
};
