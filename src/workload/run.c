/* SPDX-License-Identifier: BSD-2-Clause */

#include "workload/run.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ephmap/sdk/exec.h"
#include "exec/clock.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/machine.h"

struct eph_world_config
eph__run_world(const struct eph_run_config *cfg)
{
	return ((struct eph_world_config){ .machine = cfg->machine,
	    .model = cfg->model,
	    .tlb = cfg->tlb,
	    .cpus = cfg->cpus,
	    .seed = cfg->seed,
	    .contents = cfg->contents,
	    .costs = cfg->costs,
	    .executor =
		cfg->threads ? EPH_EXECUTOR_THREADS : EPH_EXECUTOR_LOCKSTEP,
	    .design = cfg->design,
	    .shootdown = cfg->shootdown,
	    .policy = cfg->policy,
	    .policy_params = cfg->policy_params,
	    .nbufs = cfg->nbufs,
	    .design_arg = cfg->design_arg });
}

static void
run_times(const struct eph_run_config *cfg, struct eph_machine *mc,
    struct eph_time *out)
{
	eph__clock_result(mc, out);
	if (cfg->time_cpus == NULL)
		return;
	for (unsigned c = 0; c < mc->ncpus; c++)
		eph_clock_cpu(mc, c, &cfg->time_cpus[c]);
}

void
eph__run_result(const struct eph_run_config *cfg, struct eph_machine *mc,
    struct eph_run_result *res)
{
	if (mc->clock != NULL)
		run_times(cfg, mc, &res->time);
	eph_machine_counters(mc, &res->counters);
	if (eph_serial(mc))
		res->sleepers_peak = eph_lockstep_sleepers(mc)->peak;
	res->buffers_peak = mc->bufs.peak;
	if (eph_parallel(mc))
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

int
eph__run_not_ready(int error, struct eph_err *err)
{
	return (eph_err_set(err, error,
	    error == EAGAIN ? "the host has no thread for each CPU"
			    : "out of memory"));
}

double
eph__run_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}
