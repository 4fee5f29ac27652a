/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One policy at one size over one stream.
 *
 * The stream is shared and only read; what a run writes is its two tables
 * and the policy's state, so runs on several CPUs share no cache line.
 */

#include <errno.h>
#include <string.h>

#include "analysis/table.h"
#include "base/mem.h"
#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

struct policy_run {
	struct eph_policy_replay t;
	const struct eph_refs *refs;
};

static uint64_t
policy_run_next_use(void *arg)
{
	const struct policy_run *run = arg;
	const uint32_t next = run->refs->next[run->t.now];

	return (next == EPH_NONE ? UINT64_MAX : next);
}

static int
policy_run_play(struct policy_run *run, const struct eph_policy_ops *policy,
    struct eph_policy_env *env, struct eph_policy_counts *counts,
    struct eph_err *err)
{
	void *ps;
	int error;

	if ((env->mem = eph__mem_create(false)) == NULL)
		return (ENOMEM);
	eph__mem_probed(env->mem);
	if ((error = policy->create(env, &ps, err)) == 0) {
		counts->hits = policy->replay(
		    policy, ps, &run->t, run->refs->page, run->refs->n);
		counts->promotions = policy->promotions(ps);
		policy->destroy(ps);
	}
	(void)eph__mem_destroy(env->mem);
	return (error);
}

int
eph_mrc_replay(const struct eph_refs *r, const struct eph_policy_ops *policy,
    const char *params, uint32_t nslots, uint64_t seed,
    struct eph_policy_counts *counts, struct eph_err *err)
{
	struct policy_run run = { .refs = r };
	struct eph_policy_env env = { .nslots = nslots,
		.npages_hint = r->npages,
		.seed = seed,
		.params = params };
	int error = ENOMEM;

	if (r->next != NULL) {
		env.next_use = policy_run_next_use;
		env.next_use_arg = &run;
	}
	run.t.nslots = nslots;
	run.t.far = r->npages * sizeof(uint32_t) > TABLE_FAR_BYTES;
	run.t.by_page = env.by_page = policy->by_page;
	if (!run.t.by_page) {
		run.t.slot_of = eph__table_alloc_none(r->npages);
		run.t.page_of = eph__table_alloc(nslots, sizeof(uint32_t));
	}
	if (run.t.by_page || (run.t.slot_of != NULL && run.t.page_of != NULL))
		error = policy_run_play(&run, policy, &env, counts, err);
	if (error == ENOMEM)
		(void)eph_err_set(err, ENOMEM,
		    "out of memory for policy %s with %u buffers", policy->name,
		    (unsigned)nslots);
	eph__table_free(run.t.slot_of);
	eph__table_free(run.t.page_of);
	return (error);
}
