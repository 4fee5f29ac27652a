/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of scenarios. */

#include "scenario/scenario.h"
#include "base/find.h"

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
