/* SPDX-License-Identifier: BSD-2-Clause */

/* What a design may leave out, its names in words, and plug-ins. */

#include <errno.h>

#include "ephmap/sdk/design.h"
#include "base/plugin.h"

int
eph_design_create(const struct eph_design_ops *ops, struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	mc->pgeflag = (ops->flags & EPH_DESIGN_GLOBAL) != 0 ? EPH_PTE_G : 0;
	return (ops->create(mc, cfg, statep, err));
}

int
eph_design_ref(const struct eph_design_ops *ops, void *state, void *obj)
{
	return (ops->ref != NULL ? ops->ref(state, obj) : ENOTSUP);
}

void
eph_design_switch_out(const struct eph_design_ops *ops, void *state)
{
	if (ops->switch_out != NULL)
		ops->switch_out(state);
}

void
eph_design_switch_in(const struct eph_design_ops *ops, void *state)
{
	if (ops->switch_in != NULL)
		ops->switch_in(state);
}

void
eph_design_check(const struct eph_design_ops *ops, void *state, uint64_t held)
{
	if (ops->check != NULL)
		ops->check(state, held);
}

const struct eph_sysctl *
eph_design_sysctls(const struct eph_design_ops *ops)
{
	static const struct eph_sysctl none = { NULL, NULL, NULL, NULL, NULL };

	return (ops->sysctls != NULL ? ops->sysctls : &none);
}

const char *
eph_validity_name(enum eph_validity v)
{
	switch (v) {
	case EPH_VALID_ALL:
		return ("all");
	case EPH_VALID_MASK:
		return ("mask");
	case EPH_VALID_ASKED:
		return ("asked");
	case EPH_VALID_GENERATION:
		return ("generation");
	case EPH_VALID_THIS_CPU:
		return ("this CPU");
	}
	return ("?");
}

/* The first slot that every design must set and this does not, or NULL. */
static const char *
design_missing(const void *row)
{
	const struct eph_design_ops *ops = row;

#define MISSING(slot)                                                          \
	if (ops->slot == NULL)                                                 \
		return (#slot);
	MISSING(name)
	MISSING(summary)
	MISSING(origin)
	MISSING(date)
	MISSING(holes)
	MISSING(shootdown)
	MISSING(policy)
	MISSING(create)
	MISSING(destroy)
	MISSING(map)
	MISSING(unmap)
	MISSING(kva)
	MISSING(page)
#undef MISSING
	return (NULL);
}

int
eph_design_load(
    const char *path, const struct eph_design_ops **opsp, struct eph_err *err)
{
	static const struct plugin_row design = { .symbol = "ephmap_plugin",
		.type = "struct eph_design_ops",
		.noun = "design",
		.missing = design_missing };
	const void *row;
	const int error = eph__plugin_load(&design, path, &row, err);

	if (error == 0)
		*opsp = row;
	return (error);
}
