/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lockstep: one host thread plays all CPUs in a fixed order.
 *
 * Idea.  Nothing runs at the same time, so locks are free, atomics are
 * plain and an acknowledged interrupt is a function call.  What a kernel
 * does later is put down and done at defined points:
 *
 *	un-acked flush	  before its target's next step
 *	passive message	  before its target's next step, at any delay, and
 *			  at the end
 *	timer		  when a delay reaches its time
 *	woken sleeper	  after the step that woke it, before the next, in
 *			  the order of going to sleep
 *
 * A shootdown protocol that asks for it is told what it cannot see: a CPU is
 * idle from the moment time passes until it is entered, and then catches up;
 * when the clock passes a multiple of a tick every CPU ticks, before the
 * timers that are due then.  An idle CPU has `pending` set, so that entering
 * it looks once for both, but is not in the set of those with something to
 * deliver.
 *
 * Sleeping costs nothing until a thread sleeps: the replay loop runs on a
 * fiber.  When a step sleeps, its fiber stays with the sleeper and another
 * takes over the loop; a woken sleeper finishes its step on its own fiber
 * and gives it back.
 *
 * Un-acked flushes are counted when sent and never merged, but only the
 * first one pending at a CPU is kept: after it the CPU holds nothing, so
 * that the others have nothing to find outdated.  Where entries are global
 * and the flush spares them this is not so; then all are kept.
 *
 * Here: locks, and the row.  Interrupts stand in lockstep_ipi.c, idle CPUs in
 * lockstep_idle.c, timers in lockstep_time.c, threads and the loop in
 * lockstep_threads.c; each needs those before it only.
 */

#include "exec/lockstep.h"

#include "machine/life.h"

/* Up to so many CPUs are visited one by one; see lockstep_ipi.c. */
#define LOCKSTEP_FEW 8

int
eph_lockstep_attach(struct eph_machine *mc)
{
	struct lockstep *ls = eph_machine_alloc(mc, sizeof(*ls));

	if (ls == NULL)
		return (ENOMEM);
	ls->pending = eph_machine_alloc(mc, mc->ncpus * sizeof(*ls->pending));
	if (ls->pending == NULL) {
		eph_machine_free(mc, ls, sizeof(*ls));
		return (ENOMEM);
	}
	mc->exec_state = ls;
	mc->exec = &eph_exec_lockstep;
	mc->mode = EPH_LOCKSTEP;
	mc->at_once = true;
	mc->crowded = mc->ncpus > LOCKSTEP_FEW;
	eph__machine_plain(mc);
	mc->deliver = eph__lockstep_poll;
	return (0);
}

static void
lockstep_ipis_free(struct eph_machine *mc, struct lockstep_ipi *p)
{
	while (p != NULL) {
		struct lockstep_ipi *next = p->next;

		eph_machine_free(mc, p, sizeof(*p));
		p = next;
	}
}

static void
lockstep_destroy(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	eph__clock_destroy(mc);
	eph__lockstep_threads_destroy(mc);
	for (unsigned c = 0; c < mc->ncpus; c++)
		lockstep_ipis_free(mc, ls->pending[c]);
	lockstep_ipis_free(mc, ls->ipi_free);
	eph_machine_free(mc, ls->pending, mc->ncpus * sizeof(*ls->pending));
	eph_machine_free(mc, ls->heap, ls->heap_size * sizeof(*ls->heap));
	eph_machine_free(mc, ls, sizeof(*ls));
	mc->exec = NULL;
}

/* Locks: only an observer, or a lock held across a switch, comes here. */

static void
lockstep_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (mutex_owned(mtx))
		PANIC("lock taken twice, or held by a thread that sleeps");
	atomic_store_explicit(&mtx->held, 1, memory_order_relaxed);
	if (mc->clock != NULL)
		eph__clock_lock(mc, mtx);
	EPH_EVENT(mc, EPH_EV_LOCK, mc->cur->id, 0, 0, 1, mtx->name);
}

static void
lockstep_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	atomic_store_explicit(&mtx->held, 0, memory_order_relaxed);
	if (mc->clock != NULL)
		eph__clock_unlock(mc, mtx);
	EPH_EVENT(mc, EPH_EV_LOCK, mc->cur->id, 0, 1, 0, mtx->name);
}

static void
lockstep_nothing(struct eph_machine *mc)
{
	(void)mc;
}

static void
lockstep_point(struct eph_machine *mc, enum eph_point_kind kind,
    const void *obj, const char *what)
{
	(void)mc;
	(void)kind;
	(void)obj;
	(void)what;
	PANIC("lockstep has no scheduling points");
}

static uint64_t
lockstep_atomic(struct eph_machine *mc, enum eph_atomic_op op, void *obj,
    size_t size, uint64_t value, uint64_t expected, memory_order order,
    const char *what)
{
	(void)mc;
	(void)op;
	(void)obj;
	(void)size;
	(void)value;
	(void)expected;
	(void)order;
	(void)what;
	PANIC("lockstep has no scheduling points");
}

const struct eph_exec_ops eph_exec_lockstep = {
	.name = "lockstep",
	.summary = "one host thread plays all CPUs in a fixed order; exact",
	.lock = lockstep_mutex_enter,
	.unlock = lockstep_mutex_exit,
	.sleepq_enter = lockstep_nothing,
	.sleepq_exit = lockstep_nothing,
	.block = eph__lockstep_block,
	.unblock = eph__lockstep_unblock,
	.curthread = eph__lockstep_curthread,
	.ipi = eph__lockstep_ipi,
	.poll = eph__lockstep_poll,
	.spin = eph__lockstep_spin,
	.point = lockstep_point,
	.atomic = lockstep_atomic,
	.timer = eph__lockstep_timer,
	.untimer = eph__lockstep_untimer,
	.thread_create = eph__lockstep_thread_create,
	.run = eph__lockstep_run,
	.destroy = lockstep_destroy,
};
