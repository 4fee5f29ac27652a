/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_LIST_H
#define EPHMAP_LIST_H

/*
 * What there is to choose from on each axis, and looking rows up by name.
 *
 * The rows themselves are structures of ephmap/sdk/; here they are opaque
 * and go into configurations as they are.  Rows live as long as the
 * process.  All functions may be called from any host thread.
 */

#include "ephmap/model.h"
#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eph_design_ops;
struct eph_policy_ops;
struct eph_scenario;
struct eph_shootdown_ops;

enum eph_axis {
	EPH_AXIS_DESIGN,
	EPH_AXIS_POLICY,
	EPH_AXIS_SHOOTDOWN,
	EPH_AXIS_MACHINE,
	EPH_AXIS_TLB,
	EPH_AXIS_WORKLOAD,
	EPH_AXIS_SCENARIO,
	EPH_AXIS_EXHIBIT, /* bugs that shipped, for explorations */
	EPH_AXIS_FORMAT,  /* of logs that can be imported */
	EPH_AXES
};

/* One row in words; "" where a table has no such column. */
struct eph_list_row {
	const char *name; /* as typed by the user */
	const char *summary;
	const char *origin; /* system, commit, paper */
	const char *date;
};

/*
 * Row `i` of an axis, from 0, in the order `ephmap list` prints.  Returns
 * true and fills *row, or false past the last.
 */
bool eph_list(enum eph_axis axis, unsigned i, struct eph_list_row *row);

/* "design", "policy" ...: the word for the axis; NULL if there is none. */
const char *eph_axis_name(enum eph_axis axis);

/* By name; NULL if there is none.  Exact: no abbreviation, no case folding. */
const struct eph_design_ops *eph_design_find(const char *name);
const struct eph_policy_ops *eph_policy_find(const char *name);
const struct eph_shootdown_ops *eph_shootdown_find(const char *name);
const struct eph_scenario *eph_scenario_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_LIST_H */
