/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

/* What the scenarios share. */

#include <errno.h>

#include "ephmap/exec.h"
#include "ephmap/explore.h"

/* Designs whose mappings may be used, or unmapped, on another CPU. */
bool scenario_not_this_cpu(const struct eph_design_ops *design);

#endif /* !SCENARIO_SCENARIO_H */
