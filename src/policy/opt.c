/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * OPT (MIN): the page whose next use is farthest away leaves, one that is
 * never used again before all others.  It needs the future, so it runs on
 * traces only.
 *
 * Like every policy here it does not bypass: the page that is missed takes
 * a buffer even if it is the one used last.  With mappings held it is
 * greedy among the unpinned, which is not proved to be the optimum.
 *
 * Belady 1966; Mattson, Gecsei, Slutz, Traiger 1970.
 */

#include <errno.h>

#include "policy/heap.h"
#include "policy/ops_row.h"
#include "policy/policies.h"

#define POLICY(fn) opt_##fn

struct opt {
	struct heap h; /* see opt_key() */
	uint64_t (*next_use)(void *arg);
	void *arg;
};

static void
opt_destroy(void *ps)
{
	struct opt *o = ps;

	eph__heap_fini(&o->h);
	eph_mem_free(o->h.c.mem, o, sizeof(*o));
}

static int
opt_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	const int error =
	    eph_policy_params(&eph_policy_opt, env->params, NULL, err);
	struct opt *o;

	if (error != 0)
		return (error);
	if (env->next_use == NULL)
		return (eph_err_set(err, ENOTSUP,
		    "policy opt needs to know the future, which only the "
		    "replay of a trace does"));
	if ((o = eph_mem_alloc(env->mem, sizeof(*o))) == NULL)
		return (eph__policy_nomem(env, "opt", err));
	if (eph__heap_init(&o->h, env) != 0) {
		eph_mem_free(env->mem, o, sizeof(*o));
		return (eph__policy_nomem(env, "opt", err));
	}
	o->next_use = env->next_use;
	o->arg = env->next_use_arg;
	*psp = o;
	return (0);
}

/*
 * The smallest key leaves first.  Pages never used again come before all
 * others, in order of their slots, so that the choice is defined.
 */
static inline uint64_t
opt_key(struct opt *o, uint32_t slot)
{
	const uint64_t next = o->next_use(o->arg);

	return (next == UINT64_MAX ? slot : ~next);
}

static inline void
opt_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct opt *o = ps;

	(void)page;
	heap_insert(&o->h, slot, opt_key(o, slot));
}

static inline void
opt_hit(void *ps, uint32_t slot)
{
	struct opt *o = ps;

	heap_rekey(&o->h, slot, opt_key(o, slot));
}

static inline uint32_t
opt_victim(void *ps, uint32_t page)
{
	struct opt *o = ps;
	const uint32_t slot = heap_first(&o->h);

	(void)page;
	if (slot != EPH_NONE)
		heap_remove(&o->h, slot);
	return (slot);
}

static void
opt_check(void *ps)
{
	eph__heap_check(ps);
}

#define opt_pin		      heap_pin
#define opt_release	      heap_release
#define opt_forget	      heap_forget
#define POLICY_NEAR(ps, slot) (&((struct opt *)(ps))->h.place[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_opt = {
	.name = "opt",
	.summary = "farthest next use leaves first: the bound",
	.origin = "Belady 1966",
	.aka = "belady,min,optimal,oracle",
	.offline = true,
	POLICY_CALLS,
};
