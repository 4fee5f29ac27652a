/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shared-use: one CPU maps and unmaps, another uses the mapping in between.
 * Twice, with one address to recycle: what the user's TLB kept of the first
 * mapping must be gone when it is given the second.
 */

#include "ephmap/sdk/atomic.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

struct shared_use {
	struct eph_mapping mp;	/* handed over by `full` */
	struct vm_page *m;	/* the same */
	_Atomic(uint32_t) full; /* 1: the consumer's turn */
};

#define SHARED_ROUNDS 2u

static void
shared_use_producer(struct eph_xp *x, unsigned n)
{
	struct shared_use *su = x->arg;

	(void)n;
	for (uint32_t k = 0; k < SHARED_ROUNDS; k++) {
		su->m = eph_xp_page(x, 1 + k);
		if (eph_xp_map(x, su->m, SFB_DEFAULT, &su->mp) != 0)
			return;
		turn_pass(x, &su->full, 1);
		turn_wait(x, &su->full, 0);
		eph_xp_unmap(x, &su->mp);
	}
}

static void
shared_use_consumer(struct eph_xp *x, unsigned n)
{
	struct shared_use *su = x->arg;

	(void)n;
	for (uint32_t k = 0; k < SHARED_ROUNDS; k++) {
		turn_wait(x, &su->full, 1);
		eph_xp_touch_elsewhere(x, &su->mp, su->m);
		turn_pass(x, &su->full, 0);
	}
}

static int
shared_use_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct shared_use))) ==
	    NULL)
		return (ENOMEM);
	if (eph_xp_thread(x, 0, shared_use_producer, 0) != 0 ||
	    eph_xp_thread(x, 1, shared_use_consumer, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_shared_use = {
	.abi = EPHMAP_ABI,
	.name = "shared-use",
	.summary = "one CPU maps and unmaps, another uses",
	.origin = "pipes: mapped by the writer, read by the reader",
	.cpus = 2,
	.pages = 2,
	.ops = 2,
	.nbufs = 1,
	.applies = eph__scenario_not_this_cpu,
	.setup = shared_use_setup,
};
