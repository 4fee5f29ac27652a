/* SPDX-License-Identifier: BSD-2-Clause */

/* What a design may leave out, its names in words, and plug-ins. */

#include <dlfcn.h>
#include <errno.h>

#include "ephmap/sdk/design.h"
#include "ephmap/version.h"

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
design_missing(const struct eph_design_ops *ops)
{
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
	const struct eph_design_ops *ops;
	const char *missing;
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (object == NULL)
		return (eph_err_set(err, ENOENT, "%s", dlerror()));
	ops = dlsym(object, "ephmap_plugin");
	if (ops == NULL) {
		(void)dlclose(object);
		return (eph_err_set(err, ESRCH,
		    "%s: exports no ephmap_plugin; a plug-in defines "
		    "'const struct eph_design_ops ephmap_plugin'",
		    path));
	}
	if (ops->abi != EPHMAP_ABI) {
		const unsigned abi = ops->abi;

		(void)dlclose(object);
		return (eph_err_set(err, EINVAL,
		    "%s: built for interface %u, this is %u: build it again",
		    path, abi, EPHMAP_ABI));
	}
	if ((missing = design_missing(ops)) != NULL) {
		(void)dlclose(object);
		return (eph_err_set(err, EINVAL,
		    "%s: ephmap_plugin.%s is not set, and every design has one",
		    path, missing));
	}
	*opsp = ops;
	return (0);
}
