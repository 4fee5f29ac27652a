/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lockstep's idle CPUs, which catch up with what a shootdown protocol has put
 * off.  See lockstep.c.
 */

#include "exec/lockstep.h"

void
eph__lockstep_catch_up(struct eph_machine *mc, struct eph_cpu *cpu)
{
	struct eph_cpu *from = mc->cur;

	mc->cur = cpu;
	cpu->crit++;
	eph_shoot_catch_up(mc);
	cpu->crit--;
	mc->cur = from;
}

void
eph__lockstep_catch_up_all(struct eph_machine *mc)
{
	for (unsigned c = 0; c < mc->ncpus; c++)
		eph__lockstep_catch_up(mc, mc->cpus[c]);
}

/* The current CPU was idle and goes on. */
void
eph__lockstep_wake(struct eph_machine *mc)
{
	struct eph_cpu *me = mc->cur;

	atomic_store_explicit(&me->idle, 0, memory_order_relaxed);
	eph_cpuset_set(mc->busyset, me->id);
	eph__lockstep_catch_up(mc, me);
}
