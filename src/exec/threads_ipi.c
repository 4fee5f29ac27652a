/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Threads: interrupts wait in a ring at their target, and a CPU that waits
 * for another answers its own meanwhile.  An idle CPU's invalidations are
 * executed on its behalf, under the lock that keeps it idle.
 */

#define _GNU_SOURCE

#include <sched.h>

#include "exec/threads_impl.h"
#include "machine/access.h"
#include "machine/bind.h"

/* Work */

void
eph__th_work_add(struct threads *th)
{
	/* Relaxed: the adder is counted, so it cannot reach 0 meanwhile. */
	(void)atomic_fetch_add_explicit(&th->work, 1, memory_order_relaxed);
}

void
eph__th_work_done(struct threads *th)
{
	/* Release: the coordinator sees what was done. */
	if (atomic_fetch_sub_explicit(&th->work, 1, memory_order_acq_rel) != 1)
		return;
	(void)pthread_mutex_lock(&th->lock);
	(void)pthread_cond_signal(&th->quiet);
	(void)pthread_mutex_unlock(&th->lock);
}

/* Interrupts */

static void
th_handle(struct eph_machine *mc, const struct eph_ipi *ipi)
{
	struct eph_cpu *me = eph_curcpu(mc);

	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		for (unsigned k = 0; k < ipi->npages; k++) {
			me->c.invlpg_remote++;
			(void)eph__cpu_invlpg(me, ipi->va + eph_ptoa(k));
		}
		break;
	case EPH_IPI_FLUSH:
		me->c.flush_remote++;
		eph__cpu_flush(me, ipi->all);
		break;
	case EPH_IPI_CALL:
		me->crit++;
		ipi->fn(mc, ipi->arg);
		me->crit--;
		break;
	}
}

/* Handle what waits for this CPU. */
void
eph__th_deliver(struct eph_machine *mc, struct th_cpu *tc)
{
	struct threads *th = threads_of(mc);

	for (;;) {
		struct th_pending p;

		(void)pthread_mutex_lock(&tc->lock);
		if (tc->npending == 0) {
			/* Relaxed: guarded by the lock. */
			atomic_store_explicit(
			    &tc->asked, false, memory_order_relaxed);
			(void)pthread_mutex_unlock(&tc->lock);
			return;
		}
		p = tc->ring[tc->head];
		tc->head = (tc->head + 1) % TH_RING;
		tc->npending--;
		(void)pthread_mutex_unlock(&tc->lock);
		th_handle(mc, &p.ipi);
		th_beat(tc);
		if (p.acks != NULL)
			/* Release: the initiator goes on after it. */
			(void)atomic_fetch_sub_explicit(
			    p.acks, 1, memory_order_release);
		eph__th_work_done(th);
	}
}

void
eph__threads_poll(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	struct th_cpu *tc = th_me(mc);

	if (th->running && th_asked(tc) && eph_curcpu(mc)->crit == 0)
		eph__th_deliver(mc, tc);
}

/* One round of a wait that answers interrupts, in critical sections too. */
void
eph__th_relax(struct eph_machine *mc, struct th_cpu *tc, unsigned *rounds)
{
	if (th_asked(tc))
		eph__th_deliver(mc, tc);
	if (++*rounds % TH_SPINS == 0)
		(void)sched_yield();
}

/* Put an interrupt at its target, or execute it for an idle one. */
bool
eph__th_post(struct eph_machine *mc, struct th_cpu *tc,
    const struct eph_ipi *ipi, _Atomic(uint32_t) *acks)
{
	struct threads *th = threads_of(mc);
	struct eph_cpu *me = eph_curcpu(mc);
	bool posted = true;

	(void)pthread_mutex_lock(&tc->lock);
	if (tc->npending == TH_RING) {
		posted = false;
	} else if (tc->idle && tc->npending == 0 && ipi->kind != EPH_IPI_CALL) {
		eph__machine_bind_thread(mc->cpus[tc->id]);
		th_handle(mc, ipi);
		eph__machine_bind_thread(me);
		if (acks != NULL)
			/* Relaxed: the initiator is the caller. */
			(void)atomic_fetch_sub_explicit(
			    acks, 1, memory_order_relaxed);
	} else {
		eph__th_work_add(th);
		tc->ring[(tc->head + tc->npending++) % TH_RING] =
		    (struct th_pending){ *ipi, acks };
		atomic_store_explicit(&tc->asked, true, memory_order_relaxed);
		(void)pthread_cond_signal(&tc->wakeup);
	}
	(void)pthread_mutex_unlock(&tc->lock);
	return (posted);
}

/* While no CPU runs, everything happens at once. */
static void
th_ipi_now(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi)
{
	struct eph_cpu *me = eph_curcpu(mc);

	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		me->c.ipi_sent++;
		eph__machine_bind_thread(mc->cpus[t]);
		th_handle(mc, ipi);
	}
	eph__machine_bind_thread(me);
}

void
eph__threads_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	struct threads *th = threads_of(mc);
	struct th_cpu *me = th_me(mc);
	_Atomic(uint32_t) acks;
	unsigned rounds = 0;

	if (!th->running) {
		th_ipi_now(mc, targets, ipi);
		return;
	}
	atomic_init(&acks, eph_cpuset_count(targets, mc->cpuwords));
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		eph_curcpu(mc)->c.ipi_sent++;
		while (!eph__th_post(mc, &th->cpu[t], ipi, wait ? &acks : NULL))
			eph__th_relax(mc, me, &rounds);
	}
	if (!wait)
		return;
	th_doing(me, TH_ON_ACK, "an acknowledgement");
	/* Acquire pairs with the release in eph__th_deliver. */
	while (atomic_load_explicit(&acks, memory_order_acquire) != 0)
		eph__th_relax(mc, me, &rounds);
	th_doing(me, TH_RUNS, NULL);
	th_beat(me);
}
