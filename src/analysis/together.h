/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_TOGETHER_H
#define ANALYSIS_TOGETHER_H

/*
 * Policies that are played at many sizes at once (Shakiba et al., Kosmo,
 * FAST 2024, have the idea): a page has one word of bits, one for each
 * size, which say where it is cached.  What a hit changes is the same at
 * all sizes and is done once; only those that miss do work of their own.
 */

#include "ephmap/mrc.h"

#define TOGETHER_MAX 64u

/*
 * The first `warmup' references are not counted; counts[i] is of sizes[i], at
 * least 1, and there are 1 to TOGETHER_MAX.  Returns 0 or ENOMEM.
 */
typedef int together_fn(const struct eph_refs *r, const uint32_t *sizes,
    unsigned n, size_t warmup, struct eph_policy_counts *counts,
    struct eph_err *err);

together_fn eph__together_fifo, eph__together_clock, eph__together_clock2,
    eph__together_sieve, eph__together_mru, eph__together_lfu;

#endif /* !ANALYSIS_TOGETHER_H */
