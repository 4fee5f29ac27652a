/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_POLICIES_H
#define POLICY_POLICIES_H

/* The rows of the table, one file each. */

#include "ephmap/sdk/policy.h"

extern const struct eph_policy_ops eph_policy_mru;
extern const struct eph_policy_ops eph_policy_fifo;
extern const struct eph_policy_ops eph_policy_random;
extern const struct eph_policy_ops eph_policy_clock;
extern const struct eph_policy_ops eph_policy_clock2;
extern const struct eph_policy_ops eph_policy_slru;
extern const struct eph_policy_ops eph_policy_2q;
extern const struct eph_policy_ops eph_policy_mq;
extern const struct eph_policy_ops eph_policy_arc;
extern const struct eph_policy_ops eph_policy_car;
extern const struct eph_policy_ops eph_policy_lirs;
extern const struct eph_policy_ops eph_policy_clockpro;
extern const struct eph_policy_ops eph_policy_lfu;
extern const struct eph_policy_ops eph_policy_lfu_aging;
extern const struct eph_policy_ops eph_policy_lecar;
extern const struct eph_policy_ops eph_policy_cacheus;
extern const struct eph_policy_ops eph_policy_wtinylfu;
extern const struct eph_policy_ops eph_policy_s3fifo;
extern const struct eph_policy_ops eph_policy_sieve;
extern const struct eph_policy_ops eph_policy_lhd;
extern const struct eph_policy_ops eph_policy_opt;
extern const struct eph_policy_ops eph_policy_s4fifo;
extern const struct eph_policy_ops eph_policy_clock2qplus;
extern const struct eph_policy_ops eph_policy_merlin;
extern const struct eph_policy_ops eph_policy_delay_fr;
extern const struct eph_policy_ops eph_policy_age;
extern const struct eph_policy_ops eph_policy_lruk;
extern const struct eph_policy_ops eph_policy_hyperbolic;
extern const struct eph_policy_ops eph_policy_price_aware;
extern const struct eph_policy_ops eph_policy_price_sieve;

#endif /* !POLICY_POLICIES_H */
