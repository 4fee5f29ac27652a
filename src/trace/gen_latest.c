/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Pages come into being, and the newest are the most popular (the latest
 * distribution of YCSB): Zipf's law over the age.  When all pages are there,
 * the oldest are made anew.
 */

#include "trace/gen.h"

#define NEW_SHARE 0.05

static int
latest_run(struct gen *x)
{
	const struct eph_generate *g = x->g;
	const double share = gen_share(g->share, NEW_SHARE);
	uint64_t made = 1; /* pages, again and again */
	struct zipf z;
	int error = 0;

	if (eph__zipf_init(&z, (uint32_t)g->pages, g->alpha) != 0)
		return (eph__gen_no_memory(x));
	while (error == 0 && x->done < g->refs) {
		uint64_t age = 0;

		if (prng_unit(&x->pages) < share)
			made++;
		else
			age = zipf_draw(&z, &x->pages);
		error = eph__gen_ref(x, (made - 1 - age % made) % g->pages);
	}
	eph__zipf_free(&z);
	return (error);
}

const struct generator eph__gen_latest = { latest_run,
	EPH_GEN_USES_ALPHA | EPH_GEN_USES_SHARE };
