/* SPDX-License-Identifier: BSD-2-Clause */

/* Policies over time: one run of each, counted in parts. */

#include "analysis/parallel.h"
#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

struct mrc_parts {
	const struct eph_refs *refs;
	const struct eph_mrc_config *cfg;
	const size_t *ends;
	size_t nparts;
	struct eph_policy_counts *counts; /* by policy and part */
};

static int
parts_job(void *arg, size_t i, struct eph_err *err)
{
	const struct mrc_parts *m = arg;
	const struct eph_mrc_config *cfg = m->cfg;

	return (eph_mrc_replay_parts(m->refs, cfg->policies[i],
	    cfg->params == NULL ? NULL : cfg->params[i], cfg->sizes[0],
	    cfg->seed, m->ends, m->nparts, &m->counts[i * m->nparts], err));
}

int
eph_mrc_run_parts(struct eph_refs *r, const struct eph_mrc_config *cfg,
    const size_t *ends, size_t nparts, struct eph_policy_counts *counts,
    struct eph_err *err)
{
	struct mrc_parts m = { r, cfg, ends, nparts, counts };
	const struct parallel work = { .job = parts_job,
		.arg = &m,
		.jobs = cfg->npolicies,
		.threads = cfg->threads,
		.progress = cfg->progress,
		.progress_arg = cfg->progress_arg };
	int error;

	for (size_t p = 0; p < cfg->npolicies; p++) {
		if (cfg->policies[p]->offline &&
		    (error = eph_refs_future(r, err)) != 0)
			return (error);
	}
	return (eph__parallel_run(&work, err));
}
