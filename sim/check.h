/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_CHECK_H
#define SIM_CHECK_H

/* The cases that a policy from outside is tried with. */

#include "ephmap/sdk/policy.h"

/*
 * Returns 0, or an errno value with `err' saying which rule was broken;
 * *casesp is how many cases passed.
 */
int check_policy(const struct eph_policy_ops *policy, const char *params,
    uint32_t steps, unsigned *casesp, struct eph_err *err);

#endif /* !SIM_CHECK_H */
