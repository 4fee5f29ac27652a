/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_RUN_H
#define WORKLOAD_RUN_H

/* What replays and consumers have in common: set-up and results of a run. */

#include "ephmap/run.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/world.h"

/* The world that a run asks for; what only its source knows is not set. */
struct eph_world_config eph__run_world(const struct eph_run_config *cfg);

/* eph_replay_run() on real threads. */
int eph__replay_threads(const struct eph_run_config *cfg,
    struct eph_op_source *src, struct eph_run_result *res, struct eph_err *err);

/* What the machine knows about a run that has ended. */
void eph__run_result(const struct eph_run_config *cfg, struct eph_machine *mc,
    struct eph_run_result *res);

/* Say why eph_threads_ready() failed; returns `error'. */
int eph__run_not_ready(int error, struct eph_err *err);

/* The host's clock, in seconds. */
double eph__run_seconds(void);

#endif /* !WORKLOAD_RUN_H */
