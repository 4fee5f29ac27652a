/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Which CPU a host thread is, for the executor with threads.
 *
 * Thread-local, as the current CPU is in every kernel; the only state
 * outside a machine besides the panic handler and that of SIGSEGV.
 */

#include "machine/bind.h"

static _Thread_local struct eph_cpu *bound_cpu;

void
eph__machine_bind_thread(struct eph_cpu *cpu)
{
	bound_cpu = cpu;
}

struct eph_cpu *
eph_machine_cpu_of_thread(struct eph_machine *mc)
{
	/* A thread that plays no CPU of this machine looks on as CPU 0. */
	if (bound_cpu == NULL || bound_cpu->mc != mc)
		return (mc->cpus[0]);
	return (bound_cpu);
}

/*
 * The gauge while CPUs run at once.  Relaxed: a statistic; the peak is
 * raised by the CPU that saw the highest value.
 */
void
eph_machine_bufs_slow(struct eph_machine *mc, int by)
{
	const uint64_t now = atomic_fetch_add_explicit(&mc->bufs_shared.now,
				 (uint64_t)(int64_t)by, memory_order_relaxed) +
	    (uint64_t)(int64_t)by;
	uint64_t peak =
	    atomic_load_explicit(&mc->bufs_shared.peak, memory_order_relaxed);

	while (by > 0 && now > peak &&
	    !atomic_compare_exchange_weak_explicit(&mc->bufs_shared.peak, &peak,
		now, memory_order_relaxed, memory_order_relaxed))
		continue;
}
