/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NAIVE_POLICIES_H
#define NAIVE_POLICIES_H

/*
 * The algorithms once more, written to be seen right: arrays that are
 * shifted, everything searched for, small caches only.  They share no code
 * with the policies they are compared with, but the random numbers of
 * those that draw.
 */

#include "ephmap/sdk/policy.h"

#define NAIVE_SLOTS_MAX 400u

/* By the name of the policy; NULL: there is none. */
const struct eph_policy_ops *naive_find(const char *name);

#endif /* !NAIVE_POLICIES_H */
