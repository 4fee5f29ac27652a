/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A world is put together here and nowhere else: machine, executor,
 * protocol, design, policy, in this order.
 */

#include "ephmap/world.h"

#include <errno.h>
#include <stdlib.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/shootdown.h"
#include "base/plugin.h"
#include "exec/explore.h"

struct eph_world {
	struct eph_machine *mc;		  /* (c) */
	const struct eph_design_ops *ops; /* (c) NULL: none */
	void *state;			  /* (c) */
	unsigned keep_flags;		  /* (c) those the design has */
};

/* Rows that the caller brings. */
static int
world_rows(const struct eph_world_config *cfg, struct eph_err *err)
{
	int error = 0;

	if (cfg->design != NULL)
		error = eph__abi_check("the design", cfg->design->abi, err);
	if (error == 0 && cfg->shootdown != NULL)
		error = eph__abi_check(
		    "the shootdown protocol", cfg->shootdown->abi, err);
	if (error == 0 && cfg->policy != NULL)
		error = eph__abi_check("the policy", cfg->policy->abi, err);
	return (error);
}

static int
world_machine(const struct eph_world_config *cfg, struct eph_world *w,
    struct eph_err *err)
{
	const struct eph_machine_config mcfg = { .model = cfg->machine,
		.own_model = cfg->model,
		.tlb = cfg->tlb,
		.ncpus = cfg->cpus,
		.contents = cfg->contents,
		.seed = cfg->seed,
		.heap = cfg->heap,
		.region_bytes = cfg->region_bytes,
		.kva_pages = cfg->kva_pages };
	int error;

	if (cfg->executor == EPH_EXECUTOR_EXPLORE && cfg->region_bytes == 0)
		return (eph_err_set(err, EINVAL,
		    "a world to explore needs a region that can rewind"));
	if ((error = eph_machine_create(&mcfg, &w->mc, err)) != 0)
		return (error);
	if (cfg->costs != NULL)
		w->mc->costs = *cfg->costs;
	if (cfg->executor == EPH_EXECUTOR_THREADS)
		error = eph_threads_attach(w->mc);
	else if (cfg->executor == EPH_EXECUTOR_EXPLORE)
		error = eph__explore_attach(w->mc);
	return (error == 0 ? 0
			   : eph_err_set(err, error,
				 "the host is out of memory for an executor"));
}

static int
world_shootdown(const struct eph_world_config *cfg, struct eph_world *w,
    struct eph_err *err)
{
	const struct eph_shootdown_ops *shootdown = cfg->shootdown;
	const char *name = w->ops != NULL ? w->ops->shootdown : "acked-invlpg";

	if (shootdown == NULL)
		shootdown = eph_shootdown_find(name);
	if (shootdown == NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: there is no shootdown protocol '%s'",
		    w->ops != NULL ? w->ops->name : "a world", name));
	if (eph_machine_set_shootdown(w->mc, shootdown) != 0)
		return (eph_err_set(err, ENOMEM,
		    "the host is out of memory for the protocol %s",
		    shootdown->name));
	return (0);
}

static int
world_design(const struct eph_world_config *cfg, struct eph_world *w,
    struct eph_err *err)
{
	const struct eph_design_config dcfg = { .nbufs = cfg->nbufs,
		.npages_hint = cfg->npages_hint,
		.policy = cfg->policy,
		.policy_env = { .seed = cfg->seed,
		    .params = cfg->policy_params,
		    .next_use = cfg->next_use,
		    .next_use_arg = cfg->next_use_arg },
		.arg = cfg->design_arg };
	int error;

	if (w->ops == NULL)
		return (0);
	if (cfg->policy != NULL && (w->ops->flags & EPH_DESIGN_POLICY) == 0)
		return (eph_err_set(err, ENOTSUP,
		    "%s takes no policy, it recycles nothing or in an order of "
		    "its own (--policy %s)",
		    w->ops->name, cfg->policy->name));
	error = eph_design_create(w->ops, w->mc, &dcfg, &w->state, err);
	if (error != 0) {
		w->ops = NULL;
		return (error);
	}
	w->keep_flags = eph_design_flags(w->ops);
	return (0);
}

int
eph_world_create(const struct eph_world_config *cfg, struct eph_world **wp,
    struct eph_err *err)
{
	struct eph_world *w = calloc(1, sizeof(*w));
	int error;

	if (w == NULL)
		return (eph_err_set(
		    err, ENOMEM, "the host is out of memory for a world"));
	w->ops = cfg->design;
	if ((error = world_rows(cfg, err)) != 0 ||
	    (error = world_machine(cfg, w, err)) != 0 ||
	    (error = world_shootdown(cfg, w, err)) != 0 ||
	    (error = world_design(cfg, w, err)) != 0) {
		(void)eph_world_abandon(w);
		return (error);
	}
	*wp = w;
	return (0);
}

size_t
eph_world_destroy(struct eph_world *w)
{
	size_t left;

	if (w == NULL)
		return (0);
	if (w->ops != NULL)
		w->ops->destroy(w->state);
	left = eph_machine_destroy(w->mc);
	free(w);
	return (left);
}

size_t
eph_world_abandon(struct eph_world *w)
{
	size_t left;

	if (w == NULL)
		return (0);
	left = eph_machine_destroy(w->mc);
	free(w);
	return (left);
}

struct eph_machine *
eph_world_machine(const struct eph_world *w)
{
	return (w->mc);
}

const struct eph_design_ops *
eph_world_design(const struct eph_world *w)
{
	return (w->ops);
}

void *
eph_world_state(const struct eph_world *w)
{
	return (w->state);
}

void
eph_world_cpu(struct eph_world *w, unsigned cpu)
{
	eph_cpu_enter(w->mc, cpu);
}

int
eph_world_map(
    struct eph_world *w, uint32_t page, unsigned flags, struct eph_mapping *mp)
{
	struct vm_page *m = vm_page_get(w->mc, page);

	if (m == NULL)
		return (ENOMEM);
	return (eph_design_map(
	    w->ops, w->mc, w->state, m, flags & w->keep_flags, mp));
}

int
eph_world_touch(
    struct eph_world *w, struct eph_mapping *mp, enum eph_touch touch)
{
	uint32_t reached;

	if ((w->ops->validity == EPH_VALID_ASKED ||
		w->ops->validity == EPH_VALID_GENERATION) &&
	    (mp->va = w->ops->kva(w->state, mp->obj)) == 0)
		return (ENOTSUP);
	return (eph_machine_access(
	    w->mc, mp->va, touch, w->ops->page(w->state, mp->obj), &reached));
}

int
eph_world_unmap(struct eph_world *w, struct eph_mapping *mp)
{
	return (w->ops->unmap(w->state, mp->obj));
}

const char *
eph_world_refusal(const struct eph_world *w)
{
	return (w->mc->refusal);
}

int
eph_world_thread(
    struct eph_world *w, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	return (eph_thread_create(w->mc, cpu, fn, arg) != NULL ? 0 : ENOMEM);
}

unsigned
eph_world_run(struct eph_world *w)
{
	return (eph_run(w->mc));
}

void
eph_world_counters(struct eph_world *w, struct eph_counters *out)
{
	if (eph_serial(w->mc))
		eph_lockstep_drain(w->mc);
	eph_machine_counters(w->mc, out);
}

uint64_t
eph_world_violations(const struct eph_world *w, const char **first)
{
	/* Relaxed: nothing runs. */
	const uint64_t n =
	    atomic_load_explicit(&w->mc->nviolations, memory_order_relaxed);

	if (first != NULL)
		*first = n != 0 ? w->mc->violations[0].text : NULL;
	return (n);
}
