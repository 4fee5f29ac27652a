/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Interrupts: sent, waiting at a CPU, handled; and what answers them, busy
 * waits and timers.
 */

#include "exec/explore_impl.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/ipiq.h"
#include "machine/access.h"

static void
ex_post(struct explore *ex, unsigned target, const struct eph_ipi *ipi,
    struct ex_entity *from)
{
	struct ex_cpu *ec = &ex->cpu[target];
	const unsigned i = (ec->first + ec->npending++) % EX_PENDING;

	if (ec->npending > EX_PENDING)
		PANIC("more interrupts pending than a CPU can take");
	ec->pending[i] = (struct ex_pending){ *ipi, from };
	if (ex->pending_used <= i)
		ex->pending_used = i + 1;
}

/* One interrupt on the current CPU. */
static void
ex_handle(struct explore *ex, const struct eph_ipi *ipi)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *me = mc->cur;

	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		for (unsigned k = 0; k < ipi->npages; k++) {
			me->c.invlpg_remote++;
			(void)eph__cpu_invlpg(me, ipi->va + eph_ptoa(k));
			EPH_EVENT(mc, EPH_EV_INVLPG, me->id,
			    ipi->va + eph_ptoa(k), 0, 0, NULL);
		}
		break;
	case EPH_IPI_FLUSH:
		me->c.flush_remote++;
		eph__cpu_flush(me, ipi->all);
		EPH_EVENT(mc, EPH_EV_FLUSH, me->id, ipi->va, 0, ipi->all, NULL);
		break;
	case EPH_IPI_CALL:
		ipi->fn(mc, ipi->arg);
		break;
	}
}

/* While nothing runs: all at once. */
static void
ex_ipi_now(
    struct explore *ex, const eph_cpuword_t *targets, const struct eph_ipi *ipi)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *was = mc->cur;

	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		was->c.ipi_sent++;
		mc->cur = mc->cpus[t];
		ex_handle(ex, ipi);
	}
	mc->cur = was;
}

void
eph__explore_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet) {
		ex_ipi_now(ex, targets, ipi);
		return;
	}
	eph__ex_point_ipi(ex, (uint16_t)targets[0]);
	eph__ex_buffer_drain(ex, e->cpu);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		mc->cur->c.ipi_sent++;
		EPH_EVENT(
		    mc, EPH_EV_IPI, t, ipi->va, ipi->hardware, ipi->kind, NULL);
		ex_post(ex, t, ipi, wait ? e : NULL);
		e->acks += wait;
	}
	ex_progress(ex);
	if (e->acks > 0)
		eph__ex_wait(ex, e, EX_ON_ACK);
	ex_clear(ex);
}

void
eph__ex_intr_main(void *arg)
{
	struct ex_entity *e = arg;
	struct eph_machine *mc = e->td.mc;
	struct explore *ex = explore_of(mc);
	struct ex_cpu *ec = &ex->cpu[e->cpu];

	for (;;) {
		struct ex_entity *interrupted = ec->interrupted;

		eph__ex_catch_up(ex, e);
		mc->cur->crit++;
		if (ec->npending > 0) {
			const struct ex_pending p = ec->pending[ec->first];

			ec->first = (ec->first + 1) % EX_PENDING;
			ec->npending--;
			ex_handle(ex, &p.ipi);
			eph__ex_buffer_drain(ex, e->cpu);
			if (p.from != NULL)
				p.from->acks--;
		} else {
			lwkt_process_ipiq(mc);
		}
		mc->cur->crit--;
		ex->progress++;
		e->op.obj = NULL;
		if (interrupted != NULL)
			ec->last = interrupted;
		eph__ex_wait(ex, e, EX_OFF);
	}
}

void
eph__explore_poll(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	const struct ex_cpu *ec;

	if (ex->cur == NULL || ex->quiet)
		return;
	ec = &ex->cpu[ex->cur->cpu];
	if (ec->npending > 0 || ec->nthreads > 1 || mc->cur->ipiq != NULL)
		eph__ex_point(ex, EPH_POINT_CRIT, ec, true);
	ex_clear(ex);
}

void
eph__explore_spin(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		PANIC("a busy wait where nothing else runs");
	if (atomic_load_explicit(&mc->nviolations, memory_order_relaxed) != 0)
		eph__explore_stop(ex, EX_VIOLATION);
	e->op.obj = NULL;
	/* What changed since the last round may be what is waited for. */
	if (ex->progress - e->own != e->seen) {
		e->seen = ex->progress - e->own;
		eph__ex_yield(ex, e);
	} else {
		eph__ex_wait(ex, e, EX_SPINNING);
	}
	ex_clear(ex);
}

/* Timers */

int
eph__explore_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);

	if (ex->ntimers == EX_TIMERS)
		return (ENOMEM);
	ex->timer[ex->ntimers++] = (struct ex_timer){ at_ns, cpu, fn, arg };
	return (0);
}

void
eph__explore_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);

	for (unsigned i = 0; i < ex->ntimers; i++) {
		if (ex->timer[i].fn != fn || ex->timer[i].arg != arg)
			continue;
		memmove(&ex->timer[i], &ex->timer[i + 1],
		    (--ex->ntimers - i) * sizeof(ex->timer[i]));
		return;
	}
}
