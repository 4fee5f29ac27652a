/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Phases (Denning): in each the references are Zipf's over a set of pages of
 * its own, half of which the next phase has too, at the colder end.
 */

#include "trace/gen.h"

#define PHASES 10

static int
phases_run(struct gen *x)
{
	const struct eph_generate *g = x->g;
	const uint64_t phases = g->phases > 0 ? g->phases : PHASES;
	const uint64_t set = 2 * g->pages / (phases + 1);
	const uint64_t last = g->pages - (set > 0 ? set : 1);
	struct zipf z;
	int error = 0;

	if (eph__zipf_init(&z, set > 0 ? (uint32_t)set : 1, g->alpha) != 0)
		return (eph__gen_no_memory(x));
	while (error == 0 && x->done < g->refs) {
		const uint64_t phase = x->done * phases / g->refs;
		const uint64_t first =
		    phases > 1 ? phase * last / (phases - 1) : 0;

		error = eph__gen_ref(x, first + zipf_draw(&z, &x->pages));
	}
	eph__zipf_free(&z);
	return (error);
}

const struct generator eph__gen_phases = { phases_run,
	EPH_GEN_USES_ALPHA | EPH_GEN_USES_PHASES };
