/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of scenarios. */

#include "scenario/scenario.h"
#include "base/find.h"
#include "base/plugin.h"

extern const struct eph_scenario eph__scenario_copy;
extern const struct eph_scenario eph__scenario_cross_cpu;
extern const struct eph_scenario eph__scenario_exhaust;
extern const struct eph_scenario eph__scenario_free_map;
extern const struct eph_scenario eph__scenario_interrupt;
extern const struct eph_scenario eph__scenario_ipiq_full;
extern const struct eph_scenario eph__scenario_kva_exhaust;
extern const struct eph_scenario eph__scenario_private;
extern const struct eph_scenario eph__scenario_same_cpu;
extern const struct eph_scenario eph__scenario_same_page;
extern const struct eph_scenario eph__scenario_shared_use;
extern const struct eph_scenario eph__scenario_speculation;
extern const struct eph_scenario eph__scenario_wired_page;

const struct eph_scenario *const eph_scenarios[] = {
	&eph__scenario_same_page,
	&eph__scenario_free_map,
	&eph__scenario_private,
	&eph__scenario_cross_cpu,
	&eph__scenario_shared_use,
	&eph__scenario_same_cpu,
	&eph__scenario_exhaust,
	&eph__scenario_kva_exhaust,
	&eph__scenario_speculation,
	&eph__scenario_ipiq_full,
	&eph__scenario_wired_page,
	&eph__scenario_copy,
	&eph__scenario_interrupt,
	NULL,
};

const struct eph_scenario *
eph_scenario_find(const char *name)
{
	return (FIND_ROW(eph_scenarios, name));
}

/* The first slot that every scenario must set and this does not, or NULL. */
static const char *
scenario_missing(const void *row)
{
	const struct eph_scenario *sc = row;

	return (sc->name == NULL      ? "name"
		: sc->summary == NULL ? "summary"
		: sc->origin == NULL  ? "origin"
		: sc->setup == NULL   ? "setup"
				      : NULL);
}

int
eph_scenario_load(
    const char *path, const struct eph_scenario **scp, struct eph_err *err)
{
	static const struct plugin_row scenario = { .symbol = "ephmap_scenario",
		.type = "struct eph_scenario",
		.noun = "scenario",
		.missing = scenario_missing };
	const void *row;
	const int error = eph__plugin_load(&scenario, path, &row, err);

	if (error == 0)
		*scp = row;
	return (error);
}
