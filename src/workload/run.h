/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_RUN_H
#define WORKLOAD_RUN_H

/* What replays and consumers have in common: set-up and results of a run. */

#include "ephmap/run.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"

/*
 * Give a machine its shootdown protocol and create the design.  Returns 0
 * and sets *statep, or an errno value with `err` set.
 */
int eph__run_design(struct eph_machine *mc, const struct eph_run_config *cfg,
    uint32_t npages_hint, const struct eph_policy_env *env, void **statep,
    struct eph_err *err);

/* eph_replay_run() on real threads. */
int eph__replay_threads(const struct eph_run_config *cfg,
    struct eph_op_source *src, struct eph_run_result *res, struct eph_err *err);

/* What the machine knows about a run that has ended. */
void eph__run_result(struct eph_machine *mc, struct eph_run_result *res);

/* The host's clock, in seconds. */
double eph__run_seconds(void);

#endif /* !WORKLOAD_RUN_H */
