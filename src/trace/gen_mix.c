/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Zipf's references to the first half of the pages, mixed with the second
 * half in order: in scans, which a policy should let pass (ARC, 2Q), or page
 * by page as a loop, which LRU never keeps (LIRS).
 */

#include "trace/gen.h"

#define MIX_SHARE 0.25
#define SCAN_REFS 256u /* in a row */

static int
mix_run(struct gen *x, unsigned row)
{
	const struct eph_generate *g = x->g;
	const double share = gen_share(g->share, MIX_SHARE);
	/* A row begins with the chance that makes `share' of the whole. */
	const double chance = share / (share + (1 - share) * row);
	const uint32_t popular = (uint32_t)(g->pages + 1) / 2;
	const uint64_t others = g->pages > 1 ? g->pages - popular : 1;
	uint64_t next = 0;
	unsigned left = 0;
	struct zipf z;
	int error = 0;

	if (eph__zipf_init(&z, popular, g->alpha) != 0)
		return (eph__gen_no_memory(x));
	while (error == 0 && x->done < g->refs) {
		if (left == 0 && prng_unit(&x->pages) < chance)
			left = row;
		if (left > 0) {
			left--;
			error = eph__gen_ref(
			    x, g->pages - others + next++ % others);
		} else {
			error = eph__gen_ref(x, zipf_draw(&z, &x->pages));
		}
	}
	eph__zipf_free(&z);
	return (error);
}

static int
scan_run(struct gen *x)
{
	return (mix_run(x, SCAN_REFS));
}

static int
loop_run(struct gen *x)
{
	return (mix_run(x, 1));
}

const struct generator eph__gen_zipf_scan = { scan_run,
	EPH_GEN_USES_ALPHA | EPH_GEN_USES_SHARE };
const struct generator eph__gen_zipf_loop = { loop_run,
	EPH_GEN_USES_ALPHA | EPH_GEN_USES_SHARE };
