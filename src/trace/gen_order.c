/* SPDX-License-Identifier: BSD-2-Clause */

/* Pages in order: once, or again and again. */

#include "trace/gen.h"

static int
scan_run(struct gen *x)
{
	const struct eph_generate *g = x->g;
	int error = 0;

	while (error == 0 && x->done < g->refs) {
		/* At most 2^28 pages and 2^35 references: the product fits. */
		const uint64_t page = g->refs > g->pages
		    ? x->done * g->pages / g->refs
		    : x->done % g->pages;

		error = eph__gen_ref(x, page);
	}
	return (error);
}

static int
loop_run(struct gen *x)
{
	int error = 0;

	while (error == 0 && x->done < x->g->refs)
		error = eph__gen_ref(x, x->done % x->g->pages);
	return (error);
}

const struct generator eph__gen_scan = { scan_run, 0 };
const struct generator eph__gen_loop = { loop_run, 0 };
