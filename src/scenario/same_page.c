/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * same-page: every CPU maps the same page, uses it, and unmaps it.
 *
 * The map of one CPU meets the map, the use or the unmap of another, on a
 * buffer that they share where the design shares.
 */

#include "scenario/scenario.h"

static void
same_page_thread(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 1);
	struct eph_mapping mp;

	(void)n;
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

int
eph__same_page_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, same_page_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_same_page = {
	.abi = EPHMAP_ABI,
	.name = "same-page",
	.summary = "every CPU maps, uses and unmaps the same page",
	.origin = "two connections that send one file",
	.cpus = 2,
	.pages = 1,
	.ops = 1,
	.nbufs = 2,
	.setup = eph__same_page_setup,
};
