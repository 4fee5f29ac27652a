/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

/* What the scenarios share. */

#include <errno.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/explore.h"
#include "ephmap/sdk/scenario.h"

/* Designs whose mappings may be used, or unmapped, on another CPU. */
bool eph__scenario_not_this_cpu(const struct eph_design_ops *design);

/* A thread for each CPU, which maps, uses and unmaps page 1, once. */
int eph__same_page_setup(struct eph_xp *x);

#endif /* !SCENARIO_SCENARIO_H */
