/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cross-cpu: one CPU maps, another uses the mapping and unmaps it, as a
 * protocol thread does with what sendfile mapped.  Twice, with one address
 * to recycle.
 */

#include "ephmap/sdk/atomic.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

struct cross_cpu {
	struct eph_mapping mp;	/* handed over by `full` */
	struct vm_page *m;	/* the same */
	_Atomic(uint32_t) full; /* 1: the consumer's turn */
};

#define CROSS_ROUNDS 2u

static void
cross_cpu_producer(struct eph_xp *x, unsigned n)
{
	struct cross_cpu *cc = x->arg;

	(void)n;
	for (uint32_t k = 0; k < CROSS_ROUNDS; k++) {
		turn_wait(x, &cc->full, 0);
		cc->m = eph_xp_page(x, 1 + k);
		if (eph_xp_map(x, cc->m, SFB_DEFAULT, &cc->mp) != 0)
			cc->m = NULL;
		else
			eph_xp_touch(x, &cc->mp, cc->m);
		turn_pass(x, &cc->full, 1);
	}
}

static void
cross_cpu_consumer(struct eph_xp *x, unsigned n)
{
	struct cross_cpu *cc = x->arg;

	(void)n;
	for (uint32_t k = 0; k < CROSS_ROUNDS; k++) {
		turn_wait(x, &cc->full, 1);
		if (cc->m != NULL) {
			eph_xp_touch_elsewhere(x, &cc->mp, cc->m);
			eph_xp_unmap(x, &cc->mp);
		}
		turn_pass(x, &cc->full, 0);
	}
}

static int
cross_cpu_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct cross_cpu))) ==
	    NULL)
		return (ENOMEM);
	if (eph_xp_thread(x, 0, cross_cpu_producer, 0) != 0 ||
	    eph_xp_thread(x, 1, cross_cpu_consumer, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_cross_cpu = {
	.abi = EPHMAP_ABI,
	.name = "cross-cpu",
	.summary = "one CPU maps, another uses and unmaps",
	.origin = "sendfile: mapped by the sender, freed by a netisr",
	.cpus = 2,
	.pages = 2,
	.ops = 2,
	.nbufs = 1,
	.applies = eph__scenario_not_this_cpu,
	.setup = cross_cpu_setup,
};
