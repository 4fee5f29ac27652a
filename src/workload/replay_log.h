/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_REPLAY_LOG_H
#define WORKLOAD_REPLAY_LOG_H

/*
 * --log: for each line of a trace, what it did in words and in events.
 */

#include "ephmap/run.h"
#include "ephmap/sdk/machine.h"

struct replay_log;

/* NULL when out of memory.  Watches `mc` until destroyed. */
struct replay_log *eph__replay_log_create(
    struct eph_machine *mc, struct eph_op_source *src, FILE *out);
void eph__replay_log_destroy(struct replay_log *log);

/* Operation `i` of the block begins; ends, or had slept and ends. */
void eph__replay_log_begin(
    struct replay_log *log, const struct eph_op *op, size_t i);
void eph__replay_log_end(struct replay_log *log);

#endif /* !WORKLOAD_REPLAY_LOG_H */
