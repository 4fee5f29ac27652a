/* SPDX-License-Identifier: BSD-2-Clause */

/* A plug-in whose rows the target "plugin" fills in. */

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/policy.h"

extern struct eph_design_ops ephmap_plugin;
extern struct eph_policy_ops ephmap_policy;

struct eph_design_ops ephmap_plugin;
struct eph_policy_ops ephmap_policy;
