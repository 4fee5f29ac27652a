/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CLOCK: FIFO with one used bit; a used page gets another round.  A page
 * arrives with its bit clear, so that one that is never used again leaves
 * at the hand's first pass.
 */

#define CLOCK_ROW     eph_policy_clock
#define CLOCK_NAME    "clock"
#define CLOCK_MAX     1
#define CLOCK_SUMMARY "second chance, one bit, clear at arrival"
#define CLOCK_ORIGIN  "Corbato 1968, Multics"
#define POLICY(fn)    clock_##fn

#include "policy/policies.h"

#include "policy/clock_template.h"

const struct eph_policy_ops eph_policy_clock = CLOCK_OPS;
