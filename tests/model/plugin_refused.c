/* SPDX-License-Identifier: BSD-2-Clause */

/* A design that says nothing of itself: every program must refuse it. */

#include "ephmap/sdk/design.h"
#include "ephmap/version.h"

const struct eph_design_ops ephmap_plugin = { .abi = EPHMAP_ABI };
