/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * same-cpu: two threads on one CPU and one on another map different pages.
 *
 * What a design keeps per CPU is safe from other CPUs, and safe from a
 * thread that is switched to on this one only in a critical section.
 */

#include "scenario/scenario.h"

static void
same_cpu_thread(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 1 + n);
	struct eph_mapping mp;

	for (unsigned k = 0; k < 2; k++) {
		if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
			return;
		eph_xp_touch(x, &mp, m);
		eph_xp_unmap(x, &mp);
	}
}

static int
same_cpu_setup(struct eph_xp *x)
{
	if (eph_xp_thread(x, 0, same_cpu_thread, 0) != 0 ||
	    eph_xp_thread(x, 0, same_cpu_thread, 1) != 0 ||
	    eph_xp_thread(x, 1, same_cpu_thread, 2) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_same_cpu = {
	.abi = EPHMAP_ABI,
	.name = "same-cpu",
	.summary = "two threads of one CPU, and another CPU, map their pages",
	.origin = "preemption between the steps of lwbuf_alloc",
	.cpus = 2,
	.pages = 3,
	.ops = 2,
	.nbufs = 2,
	.setup = same_cpu_setup,
};
