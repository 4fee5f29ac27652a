/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * speculation: pages are mapped and unmapped without being touched, as when
 * a network card takes them by physical address; then one is touched.
 *
 * Only a TLB that loads what was not asked for can hold anything old here.
 */

#include "scenario/scenario.h"

static void
speculation_thread(struct eph_xp *x, unsigned n)
{
	for (uint32_t k = 0; k < 3; k++) {
		struct vm_page *m = eph_xp_page(x, 1 + 3 * n + k);
		struct eph_mapping mp;

		if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
			return;
		if (k == 2)
			eph_xp_touch(x, &mp, m);
		eph_xp_unmap(x, &mp);
	}
}

static int
speculation_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned c = 0; c < x->ncpus && error == 0; c++)
		error = eph_xp_thread(x, c, speculation_thread, c);
	return (error);
}

const struct eph_scenario eph__scenario_speculation = {
	.abi = EPHMAP_ABI,
	.name = "speculation",
	.summary = "untouched mappings are recycled while TLBs load them",
	.origin = "sendfile with checksum offload; Plan 9's KMAP",
	.cpus = 2,
	.pages_cpu = 3,
	.ops = 3,
	.nbufs = 1,
	.setup = speculation_setup,
};
