/* SPDX-License-Identifier: BSD-2-Clause */

#include "workload/run.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/shootdown.h"

int
eph__run_design(struct eph_machine *mc, const struct eph_run_config *cfg,
    uint32_t npages_hint, const struct eph_policy_env *env, void **statep,
    struct eph_err *err)
{
	const struct eph_shootdown_ops *shootdown = cfg->shootdown != NULL
	    ? cfg->shootdown
	    : eph_shootdown_find(cfg->design->shootdown);
	const struct eph_design_config dc = { .nbufs = cfg->nbufs,
		.npages_hint = npages_hint,
		.policy = cfg->policy,
		.policy_env = *env,
		.arg = cfg->design_arg };

	if (shootdown == NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: unknown shootdown protocol '%s'", cfg->design->name,
		    cfg->design->shootdown));
	if (cfg->policy != NULL &&
	    (cfg->design->flags & EPH_DESIGN_POLICY) == 0)
		return (eph_err_set(err, ENOTSUP,
		    "%s takes no policy, it recycles nothing or in an order of "
		    "its own (--policy %s)",
		    cfg->design->name, cfg->policy->name));
	if (eph_machine_set_shootdown(mc, shootdown) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	return (eph_design_create(cfg->design, mc, &dc, statep, err));
}

void
eph__run_result(struct eph_machine *mc, struct eph_run_result *res)
{
	eph_machine_counters(mc, &res->counters);
	if (mc->mode == EPH_LOCKSTEP)
		res->sleepers_peak = eph_lockstep_sleepers(mc)->peak;
	res->buffers_peak = mc->bufs.peak;
	if (mc->mode == EPH_THREADS)
		res->buffers_peak = mc->bufs_shared.peak;
	res->ipiq_kick = mc->ipiq_kick;
	res->kva_peak_pages = kva_usage(mc).peak;
	res->violations_total = mc->nviolations;
	res->violations = mc->nviolations < EPH_VIOLATIONS_KEPT
	    ? (unsigned)mc->nviolations
	    : EPH_VIOLATIONS_KEPT;
	memcpy(res->violation, mc->violations, sizeof(res->violation));
	res->memory_bytes = eph_machine_memory_bytes(mc);
}

double
eph__run_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}
