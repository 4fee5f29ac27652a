/* SPDX-License-Identifier: BSD-2-Clause */

/* Policies from outside. */

#include <stdlib.h>

#include "ephmap/sdk/policy.h"
#include "base/plugin.h"

/* The first slot that every policy must set and this does not, or NULL. */
static const char *
policy_missing(const void *row)
{
	const struct eph_policy_ops *ops = row;

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
	static const struct plugin_row policy = { .symbol = "ephmap_policy",
		.type = "struct eph_policy_ops",
		.noun = "policy",
		.missing = policy_missing };
	const void *row;
	const int error = eph__plugin_load(&policy, path, &row, err);

	if (error == 0)
		*opsp = row;
	return (error);
}
