/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_REPLAY_TIME_H
#define WORKLOAD_REPLAY_TIME_H

#include "ephmap/run.h"
#include "ephmap/time.h"

struct timed;

/*
 * Read all of `src` and set *out to a source that delivers its operations
 * one by one in the order of the clocks of `mc`, which must be there.  What
 * it allocates is given back by eph__timed_free(), NULL is accepted.
 * Returns 0, or an errno value with `err` set.
 */
int eph__timed_create(struct eph_machine *mc, struct eph_op_source *src,
    const struct eph_time_config *cfg, struct timed **tp,
    struct eph_op_source *out, struct eph_err *err);
void eph__timed_free(struct timed *t);

struct replay;

/*
 * Play the p lines that come next, up to a mark, without the replay's loop;
 * for who neither holds, logs nor watches.  False when the loop must look at
 * the executor, or after an error.
 */
bool eph__timed_refs(struct replay *rp, uint64_t epoch);

#endif /* !WORKLOAD_REPLAY_TIME_H */
