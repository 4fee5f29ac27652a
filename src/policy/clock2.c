/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CLOCK with a two-bit counter: up to three more rounds for a page in use.
 */

#define CLOCK_ROW     eph_policy_clock2
#define CLOCK_NAME    "clock2"
#define CLOCK_MAX     3
#define CLOCK_SUMMARY "second chance with a two-bit counter"
#define CLOCK_ORIGIN  "Corbato 1968, generalised"
#define POLICY(fn)    clock2_##fn

#include "policy/policies.h"

#include "policy/clock_template.h"

const struct eph_policy_ops eph_policy_clock2 = CLOCK_OPS;
