/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A scenario of one's own: CPU 0 maps two pages in turn through one buffer,
 * CPU 1 uses and unmaps them.  With the un-acked flush of sf_buf.lru CPU 1 can
 * get the second page while it holds a translation to the first.
 *
 * A program that searches; as a shared object it is a plug-in too:
 * `ephmap explore --design sf_buf.lru --scenario ./scenario.so'.
 */

#include <ephmap/ephmap.h>
#include <ephmap/kernel/names.h>
#include <ephmap/sdk/atomic.h>
#include <ephmap/sdk/exec.h>
#include <ephmap/sdk/scenario.h>
#include <errno.h>
#include <stdio.h>

struct hand {
	struct eph_mapping mp;
	_Atomic(uint32_t) turn; /* 0: CPU 0 may map, 1: CPU 1 may use */
};

static void
plays(struct eph_xp *x, unsigned cpu)
{
	struct hand *h = x->arg;

	for (uint32_t page = 1; page <= 2; page++) {
		struct vm_page *m = eph_xp_page(x, page);

		while (
		    eph_load_32(x->mc, &h->turn, memory_order_acquire) != cpu)
			x->mc->exec->spin(x->mc);
		if (cpu == 0) {
			(void)eph_xp_map(x, m, SFB_DEFAULT, &h->mp);
		} else {
			eph_xp_touch_elsewhere(x, &h->mp, m);
			eph_xp_unmap(x, &h->mp);
		}
		eph_store_32(x->mc, &h->turn, 1 - cpu, memory_order_release);
	}
}

static int
setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct hand))) == NULL)
		return (ENOMEM);
	return (eph_xp_thread(x, 0, plays, 0) != 0 ||
	    eph_xp_thread(x, 1, plays, 1) != 0);
}

const struct eph_scenario ephmap_scenario = { .abi = EPHMAP_ABI,
	.name = "hand-over",
	.summary = "one CPU maps, another uses and unmaps, twice",
	.origin = "example",
	.cpus = 2,
	.nbufs = 1,
	.setup = setup };

int
main(void)
{
	static const char *const protocols[] = { "unacked-flush",
		"acked-invlpg" };
	struct eph_explore_config cfg = {
		.scenario = &ephmap_scenario, .budget = 2000, .seed = 1
	};
	struct eph_explore_result r;
	struct eph_err err;

	cfg.design = eph_design_find("sf_buf.lru");
	for (unsigned i = 0; i < 2; i++) {
		cfg.shootdown = eph_shootdown_find(protocols[i]);
		if (eph_explore(&cfg, &r, &err) != 0)
			return (2);
		(void)printf("%s: %s\n", protocols[i],
		    r.failure == EPH_FAIL_NONE ? "holds" : r.what);
		eph_explore_free(&r);
	}
	return (0);
}
