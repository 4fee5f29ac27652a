/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The conformance kit.
 *
 * A world is one policy with its own buffers.  The policy checked and its
 * reference each have one; both are led by the same random steps, and the
 * steps look at the checked world only, so that a reference that goes wrong
 * cannot lead.  The second run of a pair has no reference and checks that
 * the first can be repeated.
 */

#include "ephmap/policy_check.h"
#include "ephmap/sdk/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/plugin.h"
#include "base/prng.h"
#include "ephmap/mrc.h"

#define CHECK_EVERY  64u
#define CREATE_TRIES 64u

struct world {
	const struct eph_policy_ops *ops;
	void *ps;
	struct eph_mem *mem;
};

struct checker {
	const struct eph_policy_check *c;
	struct eph_err *err;
	struct world w, ref;
	struct prng rng;
	uint32_t step;
	uint32_t *refs;	   /* the page of each step that makes a reference */
	uint32_t *next;	   /* and where it is referenced again */
	uint32_t *slot_of; /* by page */
	uint32_t *page_of; /* by slot; EPH_NONE: empty */
	uint32_t *held;	   /* by slot: holds */
	uint32_t nheld;	   /* slots held */
	uint64_t victims;  /* a hash of all of them, in order */
};

static int
check_fail(struct checker *k, const char *what)
{
	return (eph_err_set(k->err, EINVAL,
	    "policy %s, %u slots, %u pages, seed %llu, step %u: %s",
	    k->c->policy->name, (unsigned)k->c->nslots, (unsigned)k->c->npages,
	    (unsigned long long)k->c->seed, (unsigned)k->step, what));
}

static uint64_t
check_next_use(void *arg)
{
	const struct checker *k = arg;
	const uint32_t next = k->next[k->step];

	return (next == EPH_NONE ? UINT64_MAX : next);
}

/* Prices that change with the page and that both worlds agree on. */
static uint32_t
check_price(void *arg, uint32_t slot)
{
	const struct checker *k = arg;

	return ((k->page_of[slot] * 2654435761u >> 16) % 5);
}

static void
check_env(struct checker *k, struct eph_mem *mem, struct eph_policy_env *env)
{
	*env = (struct eph_policy_env){ .mem = mem,
		.nslots = k->c->nslots,
		.npages_hint = k->c->seed % 2 == 0 ? k->c->npages : 0,
		.seed = k->c->seed,
		.params = k->c->params,
		.next_use = check_next_use,
		.next_use_arg = k };
	if (k->c->priced) {
		env->price = check_price;
		env->price_arg = k;
	}
}

static int
world_open(struct checker *k, struct world *w, const struct eph_policy_ops *ops)
{
	struct eph_policy_env env;
	int error;

	w->ops = ops;
	if ((w->mem = eph__mem_create(true)) == NULL)
		return (eph_err_set(k->err, ENOMEM, "out of memory"));
	check_env(k, w->mem, &env);
	if ((error = ops->create(&env, &w->ps, k->err)) != 0) {
		(void)eph__mem_destroy(w->mem);
		w->ops = NULL;
	}
	return (error);
}

/* Returns false if memory was not given back. */
static bool
world_close(struct world *w)
{
	if (w->ops == NULL)
		return (true);
	w->ops->destroy(w->ps);
	w->ops = NULL;
	return (eph__mem_destroy(w->mem) == 0);
}

/* A mixture that every policy finds hard: hot pages, a loop, a scan. */
static uint32_t
check_page(struct checker *k, uint32_t i)
{
	const uint32_t n = k->c->npages;
	const uint32_t hot = k->c->nslots < n ? k->c->nslots : n;

	switch (prng_below(&k->rng, 4)) {
	case 0:
		return (prng_below(&k->rng, n));
	case 1:
		return (prng_below(&k->rng, hot));
	case 2:
		return (prng_below(&k->rng, hot / 2 + 1));
	default:
		return (i / 3 % n);
	}
}

static void
check_plan(struct checker *k)
{
	uint32_t *seen = k->slot_of;

	memset(seen, 0xff, k->c->npages * sizeof(*seen));
	for (uint32_t i = 0; i < k->c->steps; i++)
		k->refs[i] = check_page(k, i);
	for (uint32_t i = k->c->steps; i-- > 0;) {
		k->next[i] = seen[k->refs[i]];
		seen[k->refs[i]] = i;
	}
	memset(k->slot_of, 0xff, k->c->npages * sizeof(*k->slot_of));
	memset(k->page_of, 0xff, k->c->nslots * sizeof(*k->page_of));
	memset(k->held, 0, k->c->nslots * sizeof(*k->held));
	k->nheld = 0;
	k->victims = 0;
}

/* The same call in both worlds. */
#define BOTH(k, call, ...)                                                     \
	do {                                                                   \
		(k)->w.ops->call((k)->w.ps, __VA_ARGS__);                      \
		if ((k)->ref.ops != NULL)                                      \
			(k)->ref.ops->call((k)->ref.ps, __VA_ARGS__);          \
	} while (0)

static void
check_hold(struct checker *k, uint32_t slot)
{
	if (k->held[slot]++ == 0)
		k->nheld++;
}

static void
check_unhold(struct checker *k, uint32_t slot)
{
	if (--k->held[slot] == 0) {
		k->nheld--;
		BOTH(k, release, slot);
	}
}

/* Ask for a victim; sets *slotp to it, or to EPH_NONE. */
static int
check_victim(struct checker *k, uint32_t page, uint32_t *slotp)
{
	const uint32_t slot = k->w.ops->victim(k->w.ps, page);
	uint32_t other = slot;

	*slotp = slot;
	if (k->ref.ops != NULL)
		other = k->ref.ops->victim(k->ref.ps, page);
	if (slot == EPH_NONE && k->nheld != k->c->nslots)
		return (check_fail(k, "no victim, though one is not pinned"));
	if (slot == EPH_NONE)
		return (slot == other
			? 0
			: check_fail(k, "the reference has a victim"));
	if (slot >= k->c->nslots || k->page_of[slot] == EPH_NONE)
		return (check_fail(k, "the victim holds no page"));
	if (k->held[slot] > 0)
		return (check_fail(k, "the victim is pinned"));
	if (slot != other)
		return (check_fail(k, "not the reference's victim"));
	k->victims = (k->victims ^ slot) * 0x9e3779b97f4a7c15u + 1;
	k->slot_of[k->page_of[slot]] = EPH_NONE;
	k->page_of[slot] = EPH_NONE;
	return (0);
}

static uint32_t
check_empty_slot(const struct checker *k)
{
	for (uint32_t s = 0; s < k->c->nslots; s++) {
		if (k->page_of[s] == EPH_NONE)
			return (s);
	}
	return (EPH_NONE);
}

/* Reference the page of this step; `keep` holds on to it. */
static int
check_reference(struct checker *k, bool keep)
{
	const uint32_t page = k->refs[k->step];
	uint32_t slot = k->slot_of[page];
	int error;

	if (slot != EPH_NONE) {
		BOTH(k, hit, slot);
		if (k->held[slot] == 0)
			BOTH(k, pin, slot);
	} else {
		if ((slot = check_empty_slot(k)) == EPH_NONE &&
		    (error = check_victim(k, page, &slot)) != 0)
			return (error);
		if (slot == EPH_NONE)
			return (0);
		k->slot_of[page] = slot;
		k->page_of[slot] = page;
		BOTH(k, insert, slot, page);
	}
	check_hold(k, slot);
	if (!keep)
		check_unhold(k, slot);
	return (0);
}

/* The first held (or merely cached) slot at or after a random one. */
static uint32_t
check_pick(struct checker *k, bool held)
{
	const uint32_t n = k->c->nslots, from = prng_below(&k->rng, n);

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t s = (from + i) % n;

		if (held ? k->held[s] > 0 : k->page_of[s] != EPH_NONE)
			return (s);
	}
	return (EPH_NONE);
}

static void
check_forget(struct checker *k)
{
	const uint32_t slot = check_pick(k, false);

	if (slot == EPH_NONE)
		return;
	BOTH(k, forget, slot);
	k->nheld -= k->held[slot] > 0;
	k->held[slot] = 0;
	k->slot_of[k->page_of[slot]] = EPH_NONE;
	k->page_of[slot] = EPH_NONE;
}

static int
check_step(struct checker *k)
{
	const struct eph_policy_check *c = k->c;
	const uint32_t die = prng_below(&k->rng, 1000);
	uint32_t slot;

	if (die < c->hold)
		return (check_reference(k, true));
	if (die < c->hold + c->unhold) {
		if ((slot = check_pick(k, true)) != EPH_NONE)
			check_unhold(k, slot);
		return (0);
	}
	if (die < c->hold + c->unhold + c->forget) {
		check_forget(k);
		return (0);
	}
	return (check_reference(k, false));
}

static int
check_run(struct checker *k, const struct eph_policy_ops *reference)
{
	const struct eph_policy_check *c = k->c;
	int error;

	eph__prng_init(&k->rng, c->seed, 1);
	check_plan(k);
	if ((error = world_open(k, &k->w, c->policy)) != 0)
		return (error);
	if (reference != NULL)
		error = world_open(k, &k->ref, reference);
	for (k->step = 0; k->step < c->steps && error == 0; k->step++) {
		error = check_step(k);
		if (error == 0 && k->step % CHECK_EVERY == 0)
			k->w.ops->check(k->w.ps);
	}
	if (!world_close(&k->w) && error == 0)
		error = check_fail(k, "memory was not given back");
	(void)world_close(&k->ref);
	return (error);
}

static int
check_repeatable(struct checker *k)
{
	const uint64_t victims = k->victims;
	const int error = check_run(k, NULL);

	if (error == 0 && victims != k->victims)
		return (check_fail(k, "the same seed gave other victims"));
	return (error);
}

/* One replay; the tables of the checker serve as buffers. */
static int
check_replay_run(
    struct checker *k, bool calls, bool far, struct eph_policy_counts *counts)
{
	const struct eph_policy_ops *ops = k->c->policy;
	struct eph_policy_replay r = { .slot_of = k->slot_of,
		.page_of = k->page_of,
		.nslots = k->c->nslots,
		.far = far };
	int error;

	check_plan(k);
	if ((error = world_open(k, &k->w, ops)) != 0)
		return (error);
	counts->hits = 0;
	/* One at a time: k->step is where the future is looked up. */
	for (k->step = 0; k->step < k->c->steps; k->step++) {
		const uint32_t *page = &k->refs[k->step];

		counts->hits +=
		    (calls ? eph_policy_replay_by_calls : ops->replay)(
			ops, k->w.ps, &r, page, 1);
	}
	counts->promotions = ops->promotions(k->w.ps);
	(void)world_close(&k->w);
	return (0);
}

static int
check_replay(struct checker *k)
{
	struct eph_policy_counts calls, near, far;
	int error;

	k->ref.ops = NULL;
	eph__prng_init(&k->rng, k->c->seed, 1);
	if ((error = check_replay_run(k, true, false, &calls)) != 0)
		return (error);
	eph__prng_init(&k->rng, k->c->seed, 1);
	if ((error = check_replay_run(k, false, false, &near)) != 0)
		return (error);
	eph__prng_init(&k->rng, k->c->seed, 1);
	if ((error = check_replay_run(k, false, true, &far)) != 0)
		return (error);
	if (calls.hits != near.hits || calls.hits != far.hits)
		return (check_fail(k, "replay() hits differ from the calls'"));
	if (calls.promotions != near.promotions ||
	    calls.promotions != far.promotions)
		return (check_fail(k, "replay() promotes not as the calls do"));
	return (0);
}

/*
 * create(), of which allocation number `fails` fails (0: none), and destroy()
 * of what it made.  `why` says what is wrong where not all is given back.
 */
static int
check_create(struct checker *k, const char *params, uint64_t fails,
    const char *why, int *errorp)
{
	struct eph_mem *mem = eph__mem_create(true);
	struct eph_policy_env env;
	struct eph_err err;
	void *ps;

	if (mem == NULL)
		return (eph_err_set(k->err, ENOMEM, "out of memory"));
	check_env(k, mem, &env);
	env.params = params;
	eph__mem_fail_after(mem, fails);
	*errorp = k->c->policy->create(&env, &ps, &err);
	if (*errorp == 0)
		k->c->policy->destroy(ps);
	return (eph__mem_destroy(mem) == 0 ? 0 : check_fail(k, why));
}

/* Fail each allocation of create() in turn. */
static int
check_no_memory(struct checker *k)
{
	int error;

	for (uint64_t n = 1; n <= CREATE_TRIES; n++) {
		const int bad = check_create(k, k->c->params, n,
		    "create() without memory does not give back", &error);
		if (bad != 0 || error == 0)
			return (bad);
		if (error != ENOMEM)
			return (check_fail(
			    k, "create() without memory is not ENOMEM"));
	}
	return (check_fail(k, "create() never succeeds"));
}

/* A value for a parameter that it has not is refused, not passed over. */
static int
check_params(struct checker *k)
{
	int error;
	const int bad = check_create(k, "no-such-parameter=1", 0,
	    "create() that refuses parameters does not give back", &error);

	if (bad != 0 || error == EINVAL)
		return (bad);
	return (check_fail(k,
	    "create() does not refuse an unknown parameter with EINVAL "
	    "(eph_policy_params())"));
}

static void
check_fini(struct checker *k)
{
	free(k->refs);
	free(k->next);
	free(k->slot_of);
	free(k->page_of);
	free(k->held);
}

static int
check_init(struct checker *k)
{
	const struct eph_policy_check *c = k->c;

	k->refs = calloc((size_t)c->steps + 1, sizeof(*k->refs));
	k->next = calloc((size_t)c->steps + 1, sizeof(*k->next));
	k->slot_of = calloc((size_t)c->npages + 1, sizeof(*k->slot_of));
	k->page_of = calloc((size_t)c->nslots + 1, sizeof(*k->page_of));
	k->held = calloc((size_t)c->nslots + 1, sizeof(*k->held));
	if (k->refs == NULL || k->next == NULL || k->slot_of == NULL ||
	    k->page_of == NULL || k->held == NULL)
		return (eph_err_set(k->err, ENOMEM, "out of memory"));
	return (0);
}

int
eph_policy_check(const struct eph_policy_check *c, struct eph_err *err)
{
	struct checker k = { .c = c, .err = err };
	int error;

	if ((error = eph__abi_check("the policy", c->policy->abi, err)) != 0)
		return (error);
	if (c->nslots == 0 || c->npages == 0)
		return (eph_err_set(
		    err, EINVAL, "a check needs a slot and a page"));
	if ((error = check_init(&k)) == 0 &&
	    (error = check_run(&k, c->reference)) == 0 &&
	    (error = check_repeatable(&k)) == 0 &&
	    (error = check_replay(&k)) == 0 &&
	    (error = check_no_memory(&k)) == 0)
		error = check_params(&k);
	check_fini(&k);
	return (error);
}
