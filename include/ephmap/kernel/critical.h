/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_CRITICAL_H
#define EPHMAP_KERNEL_CRITICAL_H

/*
 * Critical sections: between crit_enter() and crit_exit() the current
 * thread is not preempted and no interrupt is handled on its CPU.  They
 * nest, cost nothing, and protect against this CPU only.
 */

#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"

static inline void
eph_crit_enter(struct eph_machine *mc)
{
	if (eph_curcpu(mc)->crit++ == 0 && eph_unlikely(mc->clock != NULL))
		eph_clock_crit_slow(mc, true);
}

static inline void
eph_crit_exit(struct eph_machine *mc)
{
	struct eph_cpu *cpu = eph_curcpu(mc);

	cpu->crit--;
	if (eph_unlikely(mc->clock != NULL) && cpu->crit == 0)
		eph_clock_crit_slow(mc, false);
	if (eph_unlikely(!eph_serial(mc)) && cpu->crit == 0)
		mc->exec->poll(mc);
}

/*
 * Name a scheduling point before a plain access that can race with other
 * threads of this CPU.  Nothing except under explore.
 */
#define EPH_RACY(mc, what)                                                     \
	do {                                                                   \
		if (eph_unlikely((mc)->has_points))                            \
			(mc)->exec->point(                                     \
			    (mc), EPH_POINT_PLAIN, NULL, (what));              \
	} while (0)

#endif /* !EPHMAP_KERNEL_CRITICAL_H */
