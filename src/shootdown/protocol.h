/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SHOOTDOWN_PROTOCOL_H
#define SHOOTDOWN_PROTOCOL_H

/* What several protocols share. */

#include "ephmap/shootdown.h"

/* For protocols without state. */
int shootdown_no_state(struct eph_machine *mc, void **statep);
void shootdown_no_destroy(struct eph_machine *mc, void *state);

/* Have every target execute the request's invlpgs. */
void shootdown_invlpg(
    struct eph_machine *mc, const struct eph_shoot *req, bool wait);

/* Flush the targets and wait for them. */
void shootdown_flush_acked(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all);

/* This CPU's part: invlpg for one page, a full flush for more. */
void shootdown_local_or_flush(
    struct eph_machine *mc, const struct eph_shoot *req);

/* A target's part, on the target: the same, counted as remote. */
void shootdown_handle(struct eph_machine *mc, const struct eph_shoot *req);

#endif /* !SHOOTDOWN_PROTOCOL_H */
