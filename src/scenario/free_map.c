/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * free-map: one CPU unmaps a page while another maps it and a third page
 * takes buffers away.
 */

#include "scenario/scenario.h"

static void
free_map_one(struct eph_xp *x, uint32_t page)
{
	struct vm_page *m = eph_xp_page(x, page);
	struct eph_mapping mp;

	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

static void
free_map_thread(struct eph_xp *x, unsigned n)
{
	free_map_one(x, 1);
	free_map_one(x, 2 + n);
}

static int
free_map_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, free_map_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_free_map = {
	.abi = EPHMAP_ABI,
	.name = "free-map",
	.summary = "a page is unmapped, mapped and recycled at once",
	.origin = "the last reference against the next",
	.cpus = 2,
	.pages = 1,
	.pages_cpu = 1,
	.ops = 2,
	.nbufs = 2,
	.setup = free_map_setup,
};
