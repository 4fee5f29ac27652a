/* SPDX-License-Identifier: BSD-2-Clause */

/* Policies from outside. */

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "ephmap/sdk/policy.h"
#include "ephmap/version.h"

/* The first slot that every policy must set and this does not, or NULL. */
static const char *
policy_missing(const struct eph_policy_ops *ops)
{
#define MISSING(slot)                                                          \
	if (ops->slot == NULL)                                                 \
		return (#slot);
	MISSING(name)
	MISSING(summary)
	MISSING(origin)
	MISSING(create)
	MISSING(destroy)
	MISSING(insert)
	MISSING(hit)
	MISSING(pin)
	MISSING(release)
	MISSING(forget)
	MISSING(victim)
	MISSING(promotions)
	MISSING(check)
	MISSING(replay)
#undef MISSING
	return (NULL);
}

int
eph_policy_load(
    const char *path, const struct eph_policy_ops **opsp, struct eph_err *err)
{
	const struct eph_policy_ops *ops;
	const char *missing;
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int error = 0;

	if (object == NULL)
		return (eph_err_set(err, ENOENT, "%s", dlerror()));
	ops = dlsym(object, "ephmap_policy");
	if (ops == NULL)
		error = eph_err_set(err, ESRCH,
		    "%s: exports no ephmap_policy; a plug-in defines 'const "
		    "struct eph_policy_ops ephmap_policy'",
		    path);
	else if (ops->abi != EPHMAP_ABI)
		error = eph_err_set(err, EINVAL,
		    "%s: built for interface %u, this is %u: build it again",
		    path, ops->abi, EPHMAP_ABI);
	else if ((missing = policy_missing(ops)) != NULL)
		error = eph_err_set(err, EINVAL,
		    "%s: ephmap_policy.%s is not set, and every policy has "
		    "one",
		    path, missing);
	if (error != 0) {
		(void)dlclose(object);
		return (error);
	}
	*opsp = ops;
	return (0);
}
