/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exhaustion: one buffer and three CPUs that want it; one of the sleepers
 * is interrupted by a signal.
 *
 * A sleeper that a wakeup and a signal both reach returns EINTR; unless the
 * design passes the wakeup on, the other sleeper sleeps for ever.
 */

#include "ephmap/sleepq.h"
#include "scenario/scenario.h"

static void
exhaust_use(struct eph_xp *x, uint32_t page, unsigned flags)
{
	struct vm_page *m = xp_page(x, page);
	struct eph_mapping mp;

	if (xp_map(x, m, flags, &mp) != 0)
		return;
	xp_touch(x, &mp, m);
	xp_unmap(x, &mp);
}

static void
exhaust_thread(struct eph_xp *x, unsigned n)
{
	exhaust_use(x, 1 + n, n == 1 ? SFB_CATCH : SFB_DEFAULT);
}

static void
exhaust_signal(struct eph_xp *x, unsigned n)
{
	(void)n;
	sleepq_signal(x->mc, xp_thread_of(x, 1));
}

static int
exhaust_setup(struct eph_xp *x)
{
	int error = 0;

	for (unsigned i = 0; i < 3 && error == 0; i++)
		error = xp_thread(x, i % x->ncpus, exhaust_thread, i);
	if (error == 0)
		error = xp_thread(x, x->ncpus - 1, exhaust_signal, 0);
	return (error);
}

static bool
exhaust_applies(const struct eph_design_ops *d)
{
	return ((d->flags & EPH_DESIGN_SLEEPS) != 0 &&
	    (d->flags & EPH_DESIGN_NBUFS) != 0);
}

const struct eph_scenario scenario_exhaust = {
	.name = "exhaustion",
	.summary = "one buffer, three threads, one of them gets a signal",
	.origin = "sf_buf_alloc with PCATCH on a busy server",
	.cpus = 2,
	.nbufs = 1,
	.applies = exhaust_applies,
	.setup = exhaust_setup,
};
