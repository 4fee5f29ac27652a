/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Threads: one pthread is one CPU.
 *
 * Idea.  Locks, atomics and contention are the host's.  A CPU's pthread runs
 * the kernel threads of that CPU one at a time, each on a fiber, so that a
 * sleeper does not keep its CPU; when none can run it is idle, in a condition
 * variable.
 *
 * Interrupts wait in a ring at their target.  A CPU handles them where the
 * simulated kernel lets it: at the end of a critical section, around a lock,
 * whenever it waits for anybody, and between threads.  So two CPUs that shoot
 * each other down both answer.  An idle CPU must answer too: its
 * invalidations are executed on its behalf by the initiator, under the lock
 * that keeps it idle, and for anything else it is woken.
 *
 * Time passes only when nothing can run: then the earliest timer fires.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "exec/threads_impl.h"
#include "machine/bind.h"
#include "machine/life.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TH_STACK ((size_t)256 << 10)
#else
#define TH_STACK ((size_t)64 << 10)
#endif
#define TH_TIMERS   64u /* room for as many to begin with */
#define TH_WATCHDOG 10u /* seconds without any progress */

/* Threads of a CPU */

/* Back to the CPU's loop; returns when the thread is chosen again. */
static void
th_leave(struct th_cpu *tc, struct th_thread *t)
{
	eph__fiber_switch(t->fiber, tc->fiber);
}

/* Others of this CPU may hold what the thread waits for. */
static void
th_let_others(struct eph_machine *mc, struct th_cpu *tc)
{
	struct th_thread *t = tc->running;

	/* Relaxed: a hint, the queue is looked at under its lock. */
	if (t == NULL || eph_curcpu(mc)->crit != 0 ||
	    !atomic_load_explicit(&tc->runnable, memory_order_relaxed))
		return;
	eph__th_work_add(threads_of(mc));
	eph__th_enqueue(tc, &t->td);
	th_leave(tc, t);
}

static void
threads_spin(struct eph_machine *mc)
{
	struct th_cpu *tc = th_me(mc);
	unsigned rounds = TH_SPINS - 1;

	if (!threads_of(mc)->running)
		PANIC("a busy wait where nothing else runs");
	th_doing(tc, TH_SPINS_ON, "a busy wait");
	eph__th_relax(mc, tc, &rounds);
	th_let_others(mc, tc);
	th_doing(tc, TH_RUNS, NULL);
}

/* Locks.  `held` is 1 + the CPU that took it, for the watchdog. */

static bool
th_mutex_try(struct th_cpu *tc, struct eph_mutex *mtx)
{
	uint32_t free = 0;

	/* Acquire pairs with the release in threads_mutex_exit. */
	return (atomic_compare_exchange_strong_explicit(&mtx->held, &free,
	    1 + tc->id, memory_order_acquire, memory_order_relaxed));
}

static void
threads_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct th_cpu *tc = th_me(mc);
	unsigned rounds = 0;

	eph__threads_poll(mc);
	if (th_mutex_try(tc, mtx)) {
		th_beat(tc);
		return;
	}
	eph_curcpu(mc)->c.lock_contended++;
	/* Relaxed: for a person who looks. */
	atomic_store_explicit(&tc->mutex, (uintptr_t)mtx, memory_order_relaxed);
	th_doing(
	    tc, eph_curcpu(mc)->crit == 0 ? TH_ON_LOCK : TH_ON_SPIN, mtx->name);
	do {
		if (eph_curcpu(mc)->crit == 0)
			eph__threads_poll(mc);
		if (++rounds % TH_SPINS == 0) {
			th_let_others(mc, tc);
			(void)sched_yield();
		}
		/* Relaxed look first: no cache line moves while it is held. */
	} while (atomic_load_explicit(&mtx->held, memory_order_relaxed) != 0 ||
	    !th_mutex_try(tc, mtx));
	th_doing(tc, TH_RUNS, NULL);
	th_beat(tc);
}

static void
threads_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	atomic_store_explicit(&mtx->held, 0, memory_order_release);
	eph__threads_poll(mc);
}

/* Sleeping.  The queues' lock is held in a critical section. */

static void
threads_sleepq_enter(struct eph_machine *mc)
{
	eph_curcpu(mc)->crit++;
	(void)pthread_mutex_lock(&threads_of(mc)->sleepq);
}

static void
threads_sleepq_exit(struct eph_machine *mc)
{
	(void)pthread_mutex_unlock(&threads_of(mc)->sleepq);
	if (--eph_curcpu(mc)->crit == 0)
		eph__threads_poll(mc);
}

/*
 * A waker may queue the thread at once; its CPU's loop runs it no sooner
 * than we have left, because we are that loop's guest.
 */
static void
threads_block(struct eph_machine *mc, struct eph_thread *td)
{
	struct threads *th = threads_of(mc);
	struct th_cpu *tc = th_me(mc);

	(void)pthread_mutex_unlock(&th->sleepq);
	eph_curcpu(mc)->crit--;
	th_leave(tc, td->exec);
}

static void
threads_unblock(struct eph_machine *mc, struct eph_thread *td)
{
	struct threads *th = threads_of(mc);

	eph__th_work_add(th);
	eph__th_enqueue(&th->cpu[td->cpu], td);
}

static struct eph_thread *
threads_curthread(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	struct th_cpu *tc;

	if (!th->running)
		return (NULL);
	tc = th_me(mc);
	return (tc->running != NULL ? &tc->running->td : NULL);
}

static void
threads_point(struct eph_machine *mc, enum eph_point_kind kind, const void *obj,
    const char *what)
{
	(void)mc;
	(void)kind;
	(void)obj;
	(void)what;
	PANIC("threads have no scheduling points");
}

static uint64_t
threads_atomic(struct eph_machine *mc, enum eph_atomic_op op, void *obj,
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
	PANIC("threads have no scheduling points");
}

/* Room for one more; the lock is held. */
static int
th_timer_room(struct eph_machine *mc, struct threads *th)
{
	const size_t room =
	    th->timer_room == 0 ? TH_TIMERS : 2 * th->timer_room;
	struct th_timer *timer;

	if (th->ntimers < th->timer_room)
		return (0);
	timer = eph_mem_grow(mc->mem, th->timer,
	    th->timer_room * sizeof(*timer), room * sizeof(*timer));
	if (timer == NULL)
		return (ENOMEM);
	th->timer = timer;
	th->timer_room = room;
	return (0);
}

static int
threads_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct threads *th = threads_of(mc);
	int error;

	(void)pthread_mutex_lock(&th->lock);
	if ((error = th_timer_room(mc, th)) == 0)
		th->timer[th->ntimers++] =
		    (struct th_timer){ at_ns, cpu, fn, arg };
	(void)pthread_mutex_unlock(&th->lock);
	return (error);
}

static void
threads_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct threads *th = threads_of(mc);

	(void)pthread_mutex_lock(&th->lock);
	for (unsigned i = 0; i < th->ntimers; i++) {
		if (th->timer[i].fn != fn || th->timer[i].arg != arg)
			continue;
		th->timer[i] = th->timer[--th->ntimers];
		break;
	}
	(void)pthread_mutex_unlock(&th->lock);
}

static void
th_thread_main(void *arg)
{
	struct th_thread *t = arg;
	struct eph_machine *mc = t->td.mc;
	struct threads *th = threads_of(mc);

	t->td.fn(t->td.arg);
	KASSERT(
	    eph_curcpu(mc)->crit == 0, "a thread ended in a critical section");
	/* Relaxed: read when all has ended. */
	(void)atomic_fetch_sub_explicit(&th->sleepers, 1, memory_order_relaxed);
	t->ended = true;
	th_leave(th_me(mc), t);
}

/* A thread with a stack, of one that ended or new; NULL: out of memory. */
static struct th_thread *
th_thread_get(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	struct th_thread *t;

	(void)pthread_mutex_lock(&th->lock);
	if ((t = th->ended) != NULL)
		th->ended = t->idle_next;
	(void)pthread_mutex_unlock(&th->lock);
	if (t != NULL) {
		eph__fiber_reset(t->fiber, th_thread_main, t);
		return (t);
	}
	if ((t = eph_machine_alloc(mc, sizeof(*t))) == NULL)
		return (NULL);
	if ((t->fiber = eph__fiber_create(TH_STACK, th_thread_main, t)) ==
	    NULL) {
		eph_machine_free(mc, t, sizeof(*t));
		return (NULL);
	}
	(void)pthread_mutex_lock(&th->lock);
	t->all_next = th->all;
	th->all = t;
	(void)pthread_mutex_unlock(&th->lock);
	return (t);
}

static struct eph_thread *
threads_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct threads *th = threads_of(mc);
	struct th_thread *t = th_thread_get(mc);

	if (t == NULL)
		return (NULL);
	t->ended = false;
	t->td = (struct eph_thread){
		.mc = mc,
		.cpu = cpu,
		.fn = fn,
		.arg = arg,
		.exec = t,
	};
	/* Relaxed: read when all has ended. */
	(void)atomic_fetch_add_explicit(&th->sleepers, 1, memory_order_relaxed);
	eph__th_work_add(th);
	eph__th_enqueue(&th->cpu[cpu], &t->td);
	return (&t->td);
}

void
eph_threads_set_refill(
    struct eph_machine *mc, void (*refill)(void *arg, unsigned cpu), void *arg)
{
	threads_of(mc)->refill = refill;
	threads_of(mc)->refill_arg = arg;
}

/* Life */

static void
threads_destroy(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);

	/* We may have acted as one of its CPUs while none ran. */
	eph__machine_bind_thread(NULL);
	while (th->all != NULL) {
		struct th_thread *t = th->all;

		th->all = t->all_next;
		eph__fiber_destroy(t->fiber);
		eph_machine_free(mc, t, sizeof(*t));
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		(void)pthread_mutex_destroy(&th->cpu[c].lock);
		(void)pthread_cond_destroy(&th->cpu[c].wakeup);
	}
	(void)pthread_mutex_destroy(&th->sleepq);
	(void)pthread_mutex_destroy(&th->lock);
	(void)pthread_cond_destroy(&th->quiet);
	(void)pthread_cond_destroy(&th->gate_moves);
	eph_machine_free(mc, th->timer, th->timer_room * sizeof(*th->timer));
	eph_machine_free(mc, th->cpu, mc->ncpus * sizeof(*th->cpu));
	eph_machine_free(mc, th, sizeof(*th));
	mc->exec = NULL;
}

const struct eph_exec_ops eph_exec_threads = {
	.name = "threads",
	.summary = "one pthread is one CPU; real locks, atomics, contention",
	.lock = threads_mutex_enter,
	.unlock = threads_mutex_exit,
	.sleepq_enter = threads_sleepq_enter,
	.sleepq_exit = threads_sleepq_exit,
	.block = threads_block,
	.unblock = threads_unblock,
	.curthread = threads_curthread,
	.ipi = eph__threads_ipi,
	.poll = eph__threads_poll,
	.spin = threads_spin,
	.point = threads_point,
	.atomic = threads_atomic,
	.timer = threads_timer,
	.untimer = threads_untimer,
	.thread_create = threads_thread_create,
	.run = eph__threads_run,
	.destroy = threads_destroy,
};

int
eph_threads_attach(struct eph_machine *mc)
{
	struct threads *th = eph_machine_alloc(mc, sizeof(*th));

	if (th == NULL)
		return (ENOMEM);
	th->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*th->cpu));
	if (th->cpu == NULL || kva_fix_table(mc) != 0) {
		eph_machine_free(mc, th->cpu, mc->ncpus * sizeof(*th->cpu));
		eph_machine_free(mc, th, sizeof(*th));
		return (ENOMEM);
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		(void)pthread_mutex_init(&th->cpu[c].lock, NULL);
		(void)pthread_cond_init(&th->cpu[c].wakeup, NULL);
		th->cpu[c].mc = mc;
		th->cpu[c].id = c;
	}
	(void)pthread_mutex_init(&th->sleepq, NULL);
	(void)pthread_mutex_init(&th->lock, NULL);
	(void)pthread_cond_init(&th->quiet, NULL);
	(void)pthread_cond_init(&th->gate_moves, NULL);
	th->watchdog = TH_WATCHDOG;
	mc->exec->destroy(mc);
	mc->exec = &eph_exec_threads;
	mc->exec_state = th;
	mc->mode = EPH_THREADS;
	/* Who holds what is kept without a lock. */
	mc->crowded = false;
	eph__machine_plain(mc);
	return (0);
}
