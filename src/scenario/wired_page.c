/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wired-page: every CPU wires the same page, maps, uses and unmaps it.
 *
 * These designs take over the caller's wire and give it back at a free.
 * Uses that overlap share one buffer, and each of them brought a wire.
 */

#include <inttypes.h>

#include "scenario/scenario.h"

static void
wired_page_finish(struct eph_xp *x)
{
	const uint64_t wired = vm_pages_wired(x->mc);

	if (wired != 0)
		eph_xp_failure(x, EPH_FAIL_LEAK,
		    "%" PRIu64 " wire%s left on a page that nobody uses", wired,
		    wired == 1 ? " is" : "s are");
}

static bool
wired_page_applies(const struct eph_design_ops *d)
{
	return ((d->flags & EPH_DESIGN_WIRES) != 0);
}

const struct eph_scenario eph__scenario_wired_page = {
	.abi = EPHMAP_ABI,
	.name = "wired-page",
	.summary = "every CPU wires, maps and unmaps the same page",
	.origin = "sendfile of one file on two connections, until 2004-03-29",
	.cpus = 2,
	.pages = 1,
	.ops = 1,
	.nbufs = 2,
	.applies = wired_page_applies,
	.setup = eph__same_page_setup,
	.finish = wired_page_finish,
};
