/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_REPLAY_SPREAD_H
#define WORKLOAD_REPLAY_SPREAD_H

/*
 * Operations whose p lines are spread over the CPUs of a machine; lines with
 * handles go to their CPU modulo the number, so that a handle stays whole.
 */

#include "ephmap/run.h"
#include "trace/spread.h"

struct spread_source {
	struct eph_op_source *src;
	struct spread spread;
	struct eph_op *ops; /* the block, as spread */
	size_t room;
};

/* The source to play in place of `src'; eph__spread_free() ends it. */
struct eph_op_source eph__spread_source(struct spread_source *s,
    const struct eph_run_config *cfg, struct eph_op_source *src);
void eph__spread_free(struct spread_source *s);

#endif /* !WORKLOAD_REPLAY_SPREAD_H */
