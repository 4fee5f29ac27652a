/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exhaustion: one buffer and three CPUs that want it; one of the sleepers
 * is interrupted by a signal.
 *
 * A sleeper that a wakeup and a signal both reach returns EINTR; unless the
 * design passes the wakeup on, the other sleeper sleeps for ever.
 */

#include "ephmap/kernel/sleepq.h"
#include "scenario/scenario.h"

#define EXHAUST_SLEEPERS 2u

struct exhaust {
	bool ended[EXHAUST_SLEEPERS];
};

/* Does thread 1 + i sleep, or is it past that? */
static bool
exhaust_settled(struct eph_xp *x, unsigned i)
{
	const struct exhaust *eh = x->arg;

	return (eh->ended[i] || eph_xp_thread_of(x, 1 + i)->wchan != NULL);
}

/* Takes the buffer, and keeps it until the others want it. */
static void
exhaust_holder(struct eph_xp *x, unsigned n)
{
	struct vm_page *m = eph_xp_page(x, 1);
	struct eph_mapping mp;

	(void)n;
	if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
		return;
	while (!exhaust_settled(x, 0) || !exhaust_settled(x, 1))
		x->mc->exec->spin(x->mc);
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

static void
exhaust_sleeper(struct eph_xp *x, unsigned n)
{
	struct exhaust *eh = x->arg;
	struct vm_page *m = eph_xp_page(x, 2 + n);
	struct eph_mapping mp;

	if (eph_xp_map(x, m, n == 0 ? SFB_CATCH : SFB_DEFAULT, &mp) == 0) {
		eph_xp_touch(x, &mp, m);
		eph_xp_unmap(x, &mp);
	}
	eh->ended[n] = true;
}

static void
exhaust_signal(struct eph_xp *x, unsigned n)
{
	(void)n;
	sleepq_signal(x->mc, eph_xp_thread_of(x, 1));
}

static int
exhaust_setup(struct eph_xp *x)
{
	if ((x->arg = eph_machine_alloc(x->mc, sizeof(struct exhaust))) ==
		NULL ||
	    eph_xp_thread(x, 0, exhaust_holder, 0) != 0 ||
	    eph_xp_thread(x, 1, exhaust_sleeper, 0) != 0 ||
	    eph_xp_thread(x, 0, exhaust_sleeper, 1) != 0 ||
	    eph_xp_thread(x, 1, exhaust_signal, 0) != 0)
		return (ENOMEM);
	return (0);
}

static bool
exhaust_applies(const struct eph_design_ops *d)
{
	return ((d->flags & EPH_DESIGN_SLEEPS) != 0 &&
	    (d->flags & EPH_DESIGN_NBUFS) != 0);
}

const struct eph_scenario eph__scenario_exhaust = {
	.abi = EPHMAP_ABI,
	.name = "exhaustion",
	.summary = "one buffer, three threads, one of them gets a signal",
	.origin = "sf_buf_alloc with PCATCH on a busy server",
	.cpus = 2,
	.pages = 3,
	.ops = 1,
	.nbufs = 1,
	.watches = true,
	.applies = exhaust_applies,
	.setup = exhaust_setup,
};
