/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_TLBCLOCK_H
#define EPHMAP_KERNEL_TLBCLOCK_H

/*
 * Xen's TLB clock: which CPUs have flushed since a moment that one noted?
 *
 * A number counts the full flushes of all CPUs, from 1, and every CPU
 * remembers what it was after its own last one.  A CPU that removes something
 * notes the time; one that must be sure that no CPU holds it any more has only
 * those flush that have not flushed since.  A flush of any kind counts, for
 * whatever reason it was made.
 *
 * None of these sleeps, and all may be called on any CPU.  A machine for
 * which eph_tlbclock_start() was not called has no clock and pays nothing.
 *
 * Xen xen/arch/x86/flushtlb.c, asm/flushtlb.h.  Its leader, who has everybody
 * flush when 32 bits are used up, is not rebuilt: from then on every CPU is
 * said to need a flush.  There the clock is advanced before the flush and
 * the CPU's time noted after it; here that is one step.
 */

#include "ephmap/sdk/machine.h"

/* Start the clock, unless it runs.  Returns 0, or ENOMEM. */
int eph_tlbclock_start(struct eph_machine *mc);

/* The time now; the clock runs. */
uint32_t eph_tlbclock_now(struct eph_machine *mc);

/*
 * NEED_FLUSH: may CPU `cpu` still hold what was removed at or before time
 * `stamp`, for all the clock knows?
 */
bool eph_tlbclock_need(struct eph_machine *mc, unsigned cpu, uint32_t stamp);

#endif /* !EPHMAP_KERNEL_TLBCLOCK_H */
