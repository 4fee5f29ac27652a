/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * private: CPUs map the same pages for themselves, in turns, with fewer
 * buffers than pages, so that an address meets another page on each CPU.
 */

#include "scenario/scenario.h"

static void
private_thread(struct eph_xp *x, unsigned n)
{
	for (uint32_t k = 0; k < 2; k++) {
		struct vm_page *m = eph_xp_page(x, 1 + (n + k) % 2);
		struct eph_mapping mp;

		if (eph_xp_map(x, m, SFB_CPUPRIVATE, &mp) != 0)
			return;
		eph_xp_touch(x, &mp, m);
		eph_xp_unmap(x, &mp);
	}
}

static int
private_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, private_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_private = {
	.abi = EPHMAP_ABI,
	.name = "private",
	.summary = "CPUs map the same pages for themselves and recycle",
	.origin = "uiomove_fromphys, pipes, md",
	.cpus = 2,
	.pages = 2,
	.ops = 2,
	.nbufs = 2,
	.setup = private_setup,
};
