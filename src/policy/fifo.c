/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * FIFO: the page that came first leaves first, whether it is used or not.
 */

#define CLOCK_ROW     eph_policy_fifo
#define CLOCK_NAME    "fifo"
#define CLOCK_MAX     0
#define CLOCK_SUMMARY "first in, first out"
#define CLOCK_ORIGIN  "folklore; Belady 1966"
#define POLICY(fn)    fifo_##fn

#include "policy/policies.h"

#include "policy/clock_template.h"

const struct eph_policy_ops eph_policy_fifo = CLOCK_OPS;
