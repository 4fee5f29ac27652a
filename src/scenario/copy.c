/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy: a task on each CPU copies a page to another, and so holds two
 * mappings at once.
 *
 * With one buffer more than there are tasks one of them always gets its second.
 * With fewer each may hold one and sleep for another for ever, which is the
 * caller's fault and not the design's: run it with 2 buffers to see that.
 */

#include "scenario/scenario.h"

static void
copy_thread(struct eph_xp *x, unsigned n)
{
	struct vm_page *from = eph_xp_page(x, 1 + 2 * n);
	struct vm_page *to = eph_xp_page(x, 2 + 2 * n);
	struct eph_mapping src, dst;

	if (eph_xp_map(x, from, SFB_DEFAULT, &src) != 0)
		return;
	if (eph_xp_map(x, to, SFB_DEFAULT, &dst) == 0) {
		eph_xp_touch(x, &dst, to);
		eph_xp_unmap(x, &dst);
	}
	/* The first is there still, whatever became of the second. */
	eph_xp_touch(x, &src, from);
	eph_xp_unmap(x, &src);
}

static int
copy_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, copy_thread, c);
	return (error);
}

/* Designs with room for two mappings. */
static bool
copy_applies(const struct eph_design_ops *d)
{
	return ((d->flags & EPH_DESIGN_ALONE) == 0);
}

const struct eph_scenario eph__scenario_copy = {
	.abi = EPHMAP_ABI,
	.name = "copy",
	.summary = "every CPU holds two mappings at once",
	.origin = "copy_highpage: source and destination mapped together",
	.cpus = 2,
	.pages_cpu = 2,
	.ops = 2,
	.nbufs = 4,
	.applies = copy_applies,
	.setup = copy_setup,
};
