/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every axis as rows of four words.  A table is a NULL-terminated array of
 * pointers to rows; the words stand at other places in each kind of row.
 */

#include "ephmap/list.h"

#include "ephmap/explore.h"
#include "ephmap/import.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/sdk/workload.h"

/* The i-th row of the table, NULL past its end. */
#define ROW(table, i)                                                          \
	do {                                                                   \
		for (unsigned n = 0; n < (i); n++) {                           \
			if ((table)[n] == NULL)                                \
				return (false);                                \
		}                                                              \
		if ((table)[i] == NULL)                                        \
			return (false);                                        \
	} while (0)

static bool
list_design(unsigned i, struct eph_list_row *row)
{
	ROW(eph_designs, i);
	row->name = eph_designs[i]->name;
	row->summary = eph_designs[i]->summary;
	row->origin = eph_designs[i]->origin;
	row->date = eph_designs[i]->date;
	return (true);
}

static bool
list_policy(unsigned i, struct eph_list_row *row)
{
	ROW(eph_policies, i);
	row->name = eph_policies[i]->name;
	row->summary = eph_policies[i]->summary;
	row->origin = eph_policies[i]->origin;
	return (true);
}

static bool
list_shootdown(unsigned i, struct eph_list_row *row)
{
	ROW(eph_shootdowns, i);
	row->name = eph_shootdowns[i]->name;
	row->summary = eph_shootdowns[i]->summary;
	row->origin = eph_shootdowns[i]->origin;
	return (true);
}

static bool
list_machine(unsigned i, struct eph_list_row *row)
{
	ROW(eph_machine_models, i);
	row->name = eph_machine_models[i]->name;
	row->summary = eph_machine_models[i]->summary;
	row->origin = eph_machine_models[i]->origin;
	return (true);
}

static bool
list_tlb(unsigned i, struct eph_list_row *row)
{
	ROW(eph_tlb_models, i);
	row->name = eph_tlb_models[i]->name;
	row->origin = eph_tlb_models[i]->origin;
	return (true);
}

static bool
list_workload(unsigned i, struct eph_list_row *row)
{
	ROW(eph_workloads, i);
	row->name = eph_workloads[i]->name;
	row->summary = eph_workloads[i]->summary;
	row->origin = eph_workloads[i]->origin;
	return (true);
}

static bool
list_scenario(unsigned i, struct eph_list_row *row)
{
	ROW(eph_scenarios, i);
	row->name = eph_scenarios[i]->name;
	row->summary = eph_scenarios[i]->summary;
	row->origin = eph_scenarios[i]->origin;
	return (true);
}

static bool
list_exhibit(unsigned i, struct eph_list_row *row)
{
	ROW(eph_bugs, i);
	row->name = eph_bugs[i]->name;
	row->summary = eph_bugs[i]->symptom;
	row->origin = eph_bugs[i]->origin;
	row->date = eph_bugs[i]->date;
	return (true);
}

static bool
list_format(unsigned i, struct eph_list_row *row)
{
	row->name = eph_trace_import_format(i);
	if (row->name == NULL)
		return (false);
	row->summary = eph_trace_import_format_desc(i);
	return (true);
}

static const struct {
	const char *name;
	bool (*row)(unsigned i, struct eph_list_row *row);
} axes[EPH_AXES] = {
	[EPH_AXIS_DESIGN] = { "design", list_design },
	[EPH_AXIS_POLICY] = { "policy", list_policy },
	[EPH_AXIS_SHOOTDOWN] = { "shootdown", list_shootdown },
	[EPH_AXIS_MACHINE] = { "machine", list_machine },
	[EPH_AXIS_TLB] = { "tlb", list_tlb },
	[EPH_AXIS_WORKLOAD] = { "workload", list_workload },
	[EPH_AXIS_SCENARIO] = { "scenario", list_scenario },
	[EPH_AXIS_EXHIBIT] = { "exhibit", list_exhibit },
	[EPH_AXIS_FORMAT] = { "format", list_format },
};

const char *
eph_axis_name(enum eph_axis axis)
{
	return ((unsigned)axis < EPH_AXES ? axes[axis].name : NULL);
}

bool
eph_list(enum eph_axis axis, unsigned i, struct eph_list_row *row)
{
	struct eph_list_row found = { "", "", "", "" };

	if ((unsigned)axis >= EPH_AXES || !axes[axis].row(i, &found))
		return (false);
	if (found.summary == NULL)
		found.summary = "";
	if (found.origin == NULL)
		found.origin = "";
	*row = found;
	return (true);
}
