/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_RESERVE_H
#define SCENARIO_RESERVE_H

#include "ephmap/sdk/design.h"

/*
 * Pages of addresses that a design may own beyond those that are held.
 * False if nothing is stated for it: then it is not checked.
 */
bool eph__scenario_reserve(const struct eph_design_ops *design, uint32_t nbufs,
    unsigned ncpus, uint64_t *pages);

#endif /* !SCENARIO_RESERVE_H */
