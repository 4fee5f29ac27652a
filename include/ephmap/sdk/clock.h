/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_CLOCK_H
#define EPHMAP_SDK_CLOCK_H

/*
 * The clock of each CPU, in lockstep and only if asked for: the hooks that
 * kernel services call where time passes, or where a CPU waits.
 *
 * All of them may be called by any CPU's code; none sleeps.  Without a clock
 * (mc->clock is NULL) they do nothing.
 */

#include "ephmap/sdk/state.h"
#include "ephmap/time.h"

struct eph_mutex;

/* The current CPU writes to the cache line of `p`. */
void eph_clock_line_slow(struct eph_machine *mc, const volatile void *p);

static inline void
eph_clock_line(struct eph_machine *mc, const volatile void *p)
{
	if (eph_unlikely(mc->clock != NULL))
		eph_clock_line_slow(mc, p);
}

/* The current CPU's outermost critical section begins, or has ended. */
void eph_clock_crit_slow(struct eph_machine *mc, bool enter);

/* Time on the current CPU, in cycles; 0 without a clock. */
uint64_t eph_clock_now_slow(struct eph_machine *mc);

static inline uint64_t
eph_clock_now(struct eph_machine *mc)
{
	return (eph_unlikely(mc->clock != NULL) ? eph_clock_now_slow(mc) : 0);
}

/* The current CPU loads or stores so many bytes of data. */
void eph_clock_copy_slow(struct eph_machine *mc, size_t bytes);

static inline void
eph_clock_copy(struct eph_machine *mc, size_t bytes)
{
	if (eph_unlikely(mc->clock != NULL))
		eph_clock_copy_slow(mc, bytes);
}

/*
 * The machine's time: what the executor says, and under clocks the current
 * CPU's, which others may be behind.
 */
uint64_t eph_clock_ns_slow(struct eph_machine *mc);

static inline uint64_t
eph_clock_ns(struct eph_machine *mc)
{
	return (eph_unlikely(mc->clock != NULL) ? eph_clock_ns_slow(mc)
						: mc->clock_ns);
}

/* A map or an unmap that began at `since` has returned. */
void eph_clock_mapped_slow(struct eph_machine *mc, uint64_t since, bool unmap);

static inline void
eph_clock_mapped(struct eph_machine *mc, uint64_t since)
{
	if (eph_unlikely(mc->clock != NULL))
		eph_clock_mapped_slow(mc, since, false);
}

static inline void
eph_clock_unmapped(struct eph_machine *mc, uint64_t since)
{
	if (eph_unlikely(mc->clock != NULL))
		eph_clock_mapped_slow(mc, since, true);
}

/* What one CPU has done so far, and what its cycles went for. */
void eph_clock_cpu(
    const struct eph_machine *mc, unsigned cpu, struct eph_time_cpu *out);

#endif /* !EPHMAP_SDK_CLOCK_H */
