/* SPDX-License-Identifier: BSD-2-Clause */

/* See tlbclock.h. */

#include "ephmap/kernel/tlbclock.h"

#include <errno.h>

#include "base/kassert.h"
#include "machine/life.h"

struct eph_tlbclock {
	_Atomic(uint32_t) now;	/* 0: used up */
	_Atomic(uint32_t) *cpu; /* by CPU: tlbflush_time */
};

int
eph_tlbclock_start(struct eph_machine *mc)
{
	struct eph_tlbclock *tc;

	if (mc->tlbclock != NULL)
		return (0);
	if ((tc = eph_machine_alloc(mc, sizeof(*tc))) == NULL)
		return (ENOMEM);
	tc->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*tc->cpu));
	if (tc->cpu == NULL) {
		eph_machine_free(mc, tc, sizeof(*tc));
		return (ENOMEM);
	}
	atomic_init(&tc->now, 1);
	mc->tlbclock = tc;
	return (0);
}

void
eph__tlbclock_stop(struct eph_machine *mc)
{
	struct eph_tlbclock *tc = mc->tlbclock;

	if (tc == NULL)
		return;
	eph_machine_free(mc, tc->cpu, mc->ncpus * sizeof(*tc->cpu));
	eph_machine_free(mc, tc, sizeof(*tc));
	mc->tlbclock = NULL;
}

uint32_t
eph_tlbclock_now(struct eph_machine *mc)
{
	KASSERT(mc->tlbclock != NULL, "the TLB clock was not started");
	/* Sequentially consistent, as all here: times are compared. */
	return (atomic_load(&mc->tlbclock->now));
}

bool
eph_tlbclock_need(struct eph_machine *mc, unsigned cpu, uint32_t stamp)
{
	const uint32_t now = eph_tlbclock_now(mc);
	const uint32_t last = atomic_load(&mc->tlbclock->cpu[cpu]);

	return (now == 0 || (last <= stamp && stamp <= now));
}

void
eph__tlbclock_flushed(struct eph_cpu *cpu)
{
	struct eph_tlbclock *tc = cpu->mc->tlbclock;
	uint32_t t = atomic_load(&tc->now);

	while (t != 0 && !atomic_compare_exchange_weak(&tc->now, &t, t + 1))
		continue;
	if (t != 0)
		atomic_store(&tc->cpu[cpu->id], t + 1);
}
