/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_MRC_TIME_H
#define SIM_MRC_TIME_H

/* `ephmap mrc --interval': the miss ratios of policies over time. */

#include "setup.h"

#include "ephmap/mrc.h"

/*
 * The options allow it, with so many sizes; OPTIONS_OK, or OPTIONS_BAD with a
 * message printed.
 */
int mrc_time_check(const struct setup *s, size_t nsizes);

/*
 * Read the references and play them, behind s->warmup, and print and draw what was missed.
 * `cfg' has the policies, whose names are those of `choice', and the size.
 * Returns an exit status, with a message printed where it is not EXIT_OK.
 */
int mrc_time(const struct setup *s, struct eph_op_source *src,
    struct eph_refs *r, const struct eph_mrc_config *cfg,
    const struct eph_policy_choice *choice);

#endif /* !SIM_MRC_TIME_H */
