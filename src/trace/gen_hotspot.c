/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A share of the pages, the first ones, gets most references; within either
 * part all pages are alike (the hotspot distribution of YCSB).
 */

#include "trace/gen.h"

#define HOT_PAGES 0.2
#define HOT_REFS  0.8

static int
hotspot_run(struct gen *x)
{
	const struct eph_generate *g = x->g;
	const uint32_t pages = (uint32_t)g->pages;
	const double weight = gen_share(g->weight, HOT_REFS);
	uint32_t hot = (uint32_t)(gen_share(g->share, HOT_PAGES) * pages);
	int error = 0;

	if (hot < 1)
		hot = 1;
	while (error == 0 && x->done < g->refs) {
		const bool is_hot = prng_unit(&x->pages) < weight;

		error = eph__gen_ref(x,
		    is_hot || hot == pages
			? prng_below(&x->pages, hot)
			: hot + prng_below(&x->pages, pages - hot));
	}
	return (error);
}

const struct generator eph__gen_hotspot = { hotspot_run,
	EPH_GEN_USES_SHARE | EPH_GEN_USES_WEIGHT };
