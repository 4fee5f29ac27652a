/* SPDX-License-Identifier: BSD-2-Clause */

/* The reserve of addresses that each design states for itself. */

#include "scenario/reserve.h"

#include <string.h>

struct reserve {
	const char *design;
	uint32_t fixed;	  /* pages */
	uint32_t per_cpu; /* pages */
	uint32_t per_buf; /* pages */
};

static const struct reserve reserves[] = {
	{ "sf_buf.uncached", 0, 0, 1 },
	{ "sf_buf.hash", 0, 0, 1 },
	{ "sf_buf.lru", 0, 0, 1 },
	{ "sf_buf.cpumask", 0, 0, 1 },
	{ "sf_buf.accessed", 0, 0, 1 },
};

bool
eph__scenario_reserve(const struct eph_design_ops *design, uint32_t nbufs,
    unsigned ncpus, uint64_t *pages)
{
	for (size_t i = 0; i < sizeof(reserves) / sizeof(*reserves); i++) {
		const struct reserve *r = &reserves[i];

		if (strcmp(r->design, design->name) != 0)
			continue;
		*pages = r->fixed + (uint64_t)r->per_cpu * ncpus +
		    (uint64_t)r->per_buf * nbufs;
		return (true);
	}
	return (false);
}
