/* SPDX-License-Identifier: BSD-2-Clause */

/* Independent references, by Zipf's law or all alike. */

#include "trace/gen.h"

static int
independent(struct gen *x, double alpha)
{
	struct zipf z;
	int error = 0;

	if (eph__zipf_init(&z, (uint32_t)x->g->pages, alpha) != 0)
		return (eph__gen_no_memory(x));
	while (error == 0 && x->done < x->g->refs)
		error = eph__gen_ref(x, zipf_draw(&z, &x->pages));
	eph__zipf_free(&z);
	return (error);
}

static int
zipf_run(struct gen *x)
{
	return (independent(x, x->g->alpha));
}

static int
uniform_run(struct gen *x)
{
	return (independent(x, 0));
}

const struct generator eph__gen_zipf = { zipf_run, EPH_GEN_USES_ALPHA };
const struct generator eph__gen_uniform = { uniform_run, 0 };
