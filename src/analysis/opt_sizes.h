/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_OPT_SIZES_H
#define ANALYSIS_OPT_SIZES_H

#include <stddef.h>

#include "ephmap/mrc.h"

/*
 * OPT's hits at each of `n` sizes, which ascend and are from 1, in one pass;
 * needs eph_refs_future().  Memory is a bit for each reference and size, of
 * at most 16 sizes at a time.  Returns 0 or ENOMEM.
 */
int eph__opt_sizes(const struct eph_refs *r, const uint32_t *sizes, size_t n,
    uint64_t *hits, struct eph_err *err);

#endif /* !ANALYSIS_OPT_SIZES_H */
