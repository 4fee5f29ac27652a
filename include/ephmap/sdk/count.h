/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_COUNT_H
#define EPHMAP_SDK_COUNT_H

/*
 * Counting on the current CPU, and summing up.
 */

#include "ephmap/counters.h"
#include "ephmap/sdk/state.h"

/* Counters of one CPU; `cycles` is 0. */
void eph_cpu_counters(const struct eph_cpu *cpu, struct eph_counters *out);

/* Sum of all CPUs' counters, `cycles` priced by the machine's costs. */
void eph_machine_counters(
    const struct eph_machine *mc, struct eph_counters *out);

/*
 * The CPU that runs: in lockstep and explore the machine's current one,
 * with threads the host thread's.
 */
struct eph_cpu *eph_machine_cpu_of_thread(struct eph_machine *mc);

static inline struct eph_cpu *
eph_curcpu(struct eph_machine *mc)
{
	if (eph_likely(!eph_parallel(mc)))
		return (mc->cur);
	return (eph_machine_cpu_of_thread(mc));
}

/* Count `n` of counter `name` on the current CPU. */
#define EPH_COUNT_N(mc, name, n) (eph_curcpu(mc)->c.name += (n))
#define EPH_COUNT(mc, name)	 EPH_COUNT_N(mc, name, 1)

/* The buffer gauge: a buffer became referenced, or was left. */
void eph_machine_bufs_slow(struct eph_machine *mc, int by);

static inline void
eph_bufs_inc(struct eph_machine *mc)
{
	if (eph_unlikely(eph_parallel(mc))) {
		eph_machine_bufs_slow(mc, 1);
		return;
	}
	if (++mc->bufs.now > mc->bufs.peak)
		mc->bufs.peak = mc->bufs.now;
}

static inline void
eph_bufs_dec(struct eph_machine *mc)
{
	if (eph_unlikely(eph_parallel(mc))) {
		eph_machine_bufs_slow(mc, -1);
		return;
	}
	mc->bufs.now--;
}

#endif /* !EPHMAP_SDK_COUNT_H */
