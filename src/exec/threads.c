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
 * invalidations are executed on its behalf by whoever asks, under the lock
 * that keeps it idle, and for anything else it is woken.
 *
 * Time passes only when nothing can run: then the earliest timer fires.
 *
 * Invariant: `work` counts threads that can run and interrupts not yet
 * handled.  Whoever adds to it is counted himself, so that 0 means that
 * nothing will ever happen without the coordinator, which is the pthread
 * that called run.
 *
 * Locking: a CPU's `lock` guards (l); the sleep queues' lock is taken before
 * it, nothing after it.  (a) atomic, (o) owned by the CPU's pthread.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"
#include "machine/bind.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TH_STACK ((size_t)256 << 10)
#else
#define TH_STACK ((size_t)64 << 10)
#endif
#define TH_RING	    64u /* interrupts waiting at one CPU */
#define TH_SPINS    64u /* rounds before the host's scheduler is asked */
#define TH_TIMERS   64u /* room for as many to begin with */
#define TH_WATCHDOG 60u /* seconds without any progress */

struct th_thread {
	struct eph_thread td;
	struct fiber *fiber;
	struct th_thread *all_next;
	struct th_thread *idle_next;
	bool ended;
};

struct th_pending {
	struct eph_ipi ipi;
	_Atomic(uint32_t) *acks; /* counted down when handled; NULL: nobody */
};

/* What a CPU does, for the watchdog. */
enum th_doing {
	TH_RUNS,
	TH_IDLE,
	TH_ON_LOCK,
	TH_SPINS_ON,
	TH_ON_ACK,
	TH_ENDED
};

struct th_cpu {
	pthread_t host;
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	struct fiber *fiber;	   /* (o) the pthread's own stack */
	struct th_thread *running; /* (o) */
	struct eph_thread *first;  /* (l) runnable */
	struct eph_thread *last;   /* (l) */
	unsigned npending;	   /* (l) */
	unsigned head;		   /* (l) of the ring */
	bool idle;		   /* (l) */
	bool started;		   /* (l) its pthread runs */
	_Atomic(bool) asked;	   /* (a) npending is not 0 */
	_Atomic(bool) runnable;	   /* (a) the queue is not empty */
	_Atomic(uint32_t) doing;   /* (a) enum th_doing */
	_Atomic(uintptr_t) object; /* (a) const char *: what it waits for */
	_Atomic(uint64_t) beats;   /* (a) progress */
	struct th_pending ring[TH_RING]; /* (l) */
	struct eph_machine *mc;		 /* (c) */
	unsigned id;			 /* (c) */
	char pad[64];
};

struct th_timer {
	uint64_t at_ns;
	unsigned cpu;
	void (*fn)(struct eph_machine *mc, void *arg);
	void *arg;
};

struct threads {
	struct th_cpu *cpu;
	_Atomic(uint64_t) work;
	_Atomic(uint32_t) sleepers; /* threads that have not ended */
	_Atomic(bool) stop;
	bool running; /* written while no CPU runs */
	pthread_mutex_t sleepq;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t quiet; /* work may be 0 */
	struct th_thread *all;
	struct th_thread *ended; /* their stacks can be used again */
	struct th_timer *timer;	 /* in the order of making */
	size_t ntimers;
	size_t timer_room;
	unsigned watchdog;
	void (*refill)(void *arg, unsigned cpu); /* (c) while running */
	void *refill_arg;
};

static struct threads *
threads_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

static struct th_cpu *
th_me(struct eph_machine *mc)
{
	return (&threads_of(mc)->cpu[eph_curcpu(mc)->id]);
}

/* Relaxed: for a person who looks, and progress is a hint. */
static void
th_doing(struct th_cpu *tc, enum th_doing doing, const char *object)
{
	atomic_store_explicit(&tc->doing, doing, memory_order_relaxed);
	atomic_store_explicit(
	    &tc->object, (uintptr_t)object, memory_order_relaxed);
}

static void
th_beat(struct th_cpu *tc)
{
	atomic_store_explicit(&tc->beats,
	    atomic_load_explicit(&tc->beats, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* Work */

static void
th_work_add(struct threads *th)
{
	/* Relaxed: the adder is counted, so it cannot reach 0 meanwhile. */
	(void)atomic_fetch_add_explicit(&th->work, 1, memory_order_relaxed);
}

static void
th_work_done(struct threads *th)
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
static void
th_deliver(struct eph_machine *mc, struct th_cpu *tc)
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
		th_work_done(th);
	}
}

/* Relaxed: a hint, th_deliver() looks under the lock. */
static bool
th_asked(struct th_cpu *tc)
{
	return (atomic_load_explicit(&tc->asked, memory_order_relaxed));
}

static void
threads_poll(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	struct th_cpu *tc = th_me(mc);

	if (th->running && th_asked(tc) && eph_curcpu(mc)->crit == 0)
		th_deliver(mc, tc);
}

/* One round of a wait that answers interrupts, in critical sections too. */
static void
th_relax(struct eph_machine *mc, struct th_cpu *tc, unsigned *rounds)
{
	if (th_asked(tc))
		th_deliver(mc, tc);
	if (++*rounds % TH_SPINS == 0)
		(void)sched_yield();
}

/* Put an interrupt at its target, or execute it for an idle one. */
static bool
th_post(struct eph_machine *mc, struct th_cpu *tc, const struct eph_ipi *ipi,
    _Atomic(uint32_t) *acks)
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
		th_work_add(th);
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

static void
threads_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
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
		while (!th_post(mc, &th->cpu[t], ipi, wait ? &acks : NULL))
			th_relax(mc, me, &rounds);
	}
	if (!wait)
		return;
	th_doing(me, TH_ON_ACK, "an acknowledgement");
	/* Acquire pairs with the release in th_deliver. */
	while (atomic_load_explicit(&acks, memory_order_acquire) != 0)
		th_relax(mc, me, &rounds);
	th_doing(me, TH_RUNS, NULL);
	th_beat(me);
}

/* Threads of a CPU */

static void
th_enqueue(struct th_cpu *tc, struct eph_thread *td)
{
	(void)pthread_mutex_lock(&tc->lock);
	td->next = NULL;
	if (tc->last != NULL)
		tc->last->next = td;
	else
		tc->first = td;
	tc->last = td;
	/* Relaxed: a hint. */
	atomic_store_explicit(&tc->runnable, true, memory_order_relaxed);
	(void)pthread_cond_signal(&tc->wakeup);
	(void)pthread_mutex_unlock(&tc->lock);
}

static struct th_thread *
th_dequeue(struct th_cpu *tc)
{
	struct eph_thread *td;

	(void)pthread_mutex_lock(&tc->lock);
	if ((td = tc->first) != NULL) {
		tc->first = td->next;
		if (tc->first == NULL)
			tc->last = NULL;
	}
	atomic_store_explicit(
	    &tc->runnable, tc->first != NULL, memory_order_relaxed);
	(void)pthread_mutex_unlock(&tc->lock);
	return (td != NULL ? td->exec : NULL);
}

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
	th_work_add(threads_of(mc));
	th_enqueue(tc, &t->td);
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
	th_relax(mc, tc, &rounds);
	th_let_others(mc, tc);
	th_doing(tc, TH_RUNS, NULL);
}

/* Locks */

static void
threads_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct th_cpu *tc = th_me(mc);
	unsigned rounds = 0;

	threads_poll(mc);
	/* Acquire pairs with the release in threads_mutex_exit. */
	if (atomic_exchange_explicit(&mtx->held, 1, memory_order_acquire) ==
	    0) {
		th_beat(tc);
		return;
	}
	eph_curcpu(mc)->c.lock_contended++;
	th_doing(tc, TH_ON_LOCK, mtx->name);
	do {
		if (eph_curcpu(mc)->crit == 0)
			threads_poll(mc);
		if (++rounds % TH_SPINS == 0) {
			th_let_others(mc, tc);
			(void)sched_yield();
		}
		/* Relaxed look first: no cache line moves while it is held. */
	} while (atomic_load_explicit(&mtx->held, memory_order_relaxed) != 0 ||
	    atomic_exchange_explicit(&mtx->held, 1, memory_order_acquire) != 0);
	th_doing(tc, TH_RUNS, NULL);
	th_beat(tc);
}

static void
threads_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	atomic_store_explicit(&mtx->held, 0, memory_order_release);
	threads_poll(mc);
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
		threads_poll(mc);
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

	th_work_add(th);
	th_enqueue(&th->cpu[td->cpu], td);
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

/* The thread has left its stack for good. */
static void
th_thread_put(struct threads *th, struct th_thread *t)
{
	(void)pthread_mutex_lock(&th->lock);
	t->idle_next = th->ended;
	th->ended = t;
	(void)pthread_mutex_unlock(&th->lock);
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
	th_work_add(th);
	th_enqueue(&th->cpu[cpu], &t->td);
	return (&t->td);
}

void
eph_threads_set_refill(
    struct eph_machine *mc, void (*refill)(void *arg, unsigned cpu), void *arg)
{
	threads_of(mc)->refill = refill;
	threads_of(mc)->refill_arg = arg;
}

/* The life of a CPU */

static bool
th_stopped(struct threads *th)
{
	/* Acquire: what the coordinator did before. */
	return (atomic_load_explicit(&th->stop, memory_order_acquire));
}

/* What a shootdown protocol has put off for this CPU. */
static void
th_catch_up(struct eph_machine *mc)
{
	struct eph_cpu *me = eph_curcpu(mc);

	me->crit++;
	mc->shootdown->catch_up(mc);
	me->crit--;
}

/*
 * Sequentially consistent: a protocol that finds us idle has noted first
 * what we are to do when we wake.
 */
static void
th_set_idle(struct th_cpu *tc, bool idle)
{
	tc->idle = idle;
	atomic_store_explicit(
	    &tc->mc->cpus[tc->id]->idle, idle, memory_order_seq_cst);
}

/* Sleep in the host until there is something to do. */
static void
th_idle(struct threads *th, struct th_cpu *tc)
{
	th_doing(tc, TH_IDLE, NULL);
	(void)pthread_mutex_lock(&tc->lock);
	th_set_idle(tc, true);
	while (tc->first == NULL && tc->npending == 0 && !th_stopped(th))
		(void)pthread_cond_wait(&tc->wakeup, &tc->lock);
	th_set_idle(tc, false);
	(void)pthread_mutex_unlock(&tc->lock);
	th_doing(tc, TH_RUNS, NULL);
	if ((tc->mc->shootflags & EPH_SHOOT_IDLE) != 0)
		th_catch_up(tc->mc);
}

/* Run `t` until it blocks, ends, or lets others go first. */
static void
th_run_thread(struct threads *th, struct th_cpu *tc, struct th_thread *t)
{
	if ((tc->mc->shootflags & EPH_SHOOT_TICK) != 0)
		th_catch_up(tc->mc);
	tc->running = t;
	eph__fiber_switch(tc->fiber, t->fiber);
	tc->running = NULL;
	th_beat(tc);
	if (t->ended)
		th_thread_put(th, t);
	/* Relaxed: a hint; more threads than needed do no harm. */
	if (th->refill != NULL &&
	    !atomic_load_explicit(&tc->runnable, memory_order_relaxed))
		th->refill(th->refill_arg, tc->id);
	th_work_done(th);
}

static void *
th_cpu_main(void *arg)
{
	struct th_cpu *tc = arg;
	struct eph_machine *mc = tc->mc;
	struct threads *th = threads_of(mc);
	struct th_thread *t;

	eph__machine_bind_thread(mc->cpus[tc->id]);
	tc->fiber = eph__fiber_create_host();
	if (tc->fiber == NULL)
		PANIC("out of memory for a CPU");
	for (;;) {
		if (th_asked(tc))
			th_deliver(mc, tc);
		if ((t = th_dequeue(tc)) != NULL) {
			th_run_thread(th, tc, t);
			continue;
		}
		if (th_stopped(th))
			break;
		lwkt_process_ipiq(mc);
		if (!th_asked(tc))
			th_idle(th, tc);
	}
	eph__fiber_destroy(tc->fiber);
	eph__machine_bind_thread(NULL);
	th_doing(tc, TH_ENDED, NULL);
	return (NULL);
}

/* The coordinator */

static void
th_process_ipiq(struct eph_machine *mc, void *arg)
{
	(void)arg;
	lwkt_process_ipiq(mc);
}

/* Have fn(arg) called on CPU `c`; the coordinator's interrupts. */
static void
th_call(struct eph_machine *mc, unsigned c,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL, .fn = fn, .arg = arg
	};

	if (!th_post(mc, &threads_of(mc)->cpu[c], &ipi, NULL))
		PANIC("an idle CPU has a full ring");
}

/*
 * Nothing can run: hand out passive messages, else let time pass.  False if
 * there is neither.
 */
static bool
th_something_else(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	bool any = false;
	struct th_timer t;
	size_t first = 0;

	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (!lwkt_ipiq_pending(mc, c))
			continue;
		th_call(mc, c, th_process_ipiq, NULL);
		any = true;
	}
	if (any || th->ntimers == 0)
		return (any);
	for (size_t i = 1; i < th->ntimers; i++) {
		if (th->timer[i].at_ns < th->timer[first].at_ns)
			first = i;
	}
	t = th->timer[first];
	memmove(&th->timer[first], &th->timer[first + 1],
	    (--th->ntimers - first) * sizeof(t));
	if (t.at_ns > mc->clock_ns)
		mc->clock_ns = t.at_ns;
	th_call(mc, t.cpu, t.fn, t.arg);
	return (true);
}

static uint64_t
th_beats(struct eph_machine *mc)
{
	uint64_t beats = 0;

	for (unsigned c = 0; c < mc->ncpus; c++)
		/* Relaxed: a hint. */
		beats += atomic_load_explicit(
		    &threads_of(mc)->cpu[c].beats, memory_order_relaxed);
	return (beats);
}

void
eph_threads_dump(struct eph_machine *mc, FILE *f)
{
	static const char *const names[] = { [TH_RUNS] = "runs",
		[TH_IDLE] = "is idle",
		[TH_ON_LOCK] = "waits for the lock",
		[TH_SPINS_ON] = "is in",
		[TH_ON_ACK] = "waits for",
		[TH_ENDED] = "has ended" };
	struct threads *th = threads_of(mc);

	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct th_cpu *tc = &th->cpu[c];
		const char *object = (const char *)atomic_load_explicit(
		    &tc->object, memory_order_relaxed);

		(void)fprintf(f, "CPU %u %s%s%s%s%s\n", c,
		    names[atomic_load_explicit(
			&tc->doing, memory_order_relaxed)],
		    object != NULL ? " " : "", object != NULL ? object : "",
		    th_asked(tc) ? ", interrupts pending" : "",
		    atomic_load_explicit(&tc->runnable, memory_order_relaxed)
			? ", threads runnable"
			: "");
	}
}

/* Wait until work is 0, or panic when nothing moves for too long. */
static void
th_wait_quiet(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	uint64_t beats = th_beats(mc);
	unsigned still = 0;
	struct timespec at;

	/* Acquire pairs with the release in th_work_done. */
	while (atomic_load_explicit(&th->work, memory_order_acquire) != 0) {
		(void)clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec++;
		if (pthread_cond_timedwait(&th->quiet, &th->lock, &at) == 0)
			continue;
		if (th_beats(mc) != beats) {
			beats = th_beats(mc);
			still = 0;
		} else if (++still == th->watchdog) {
			eph_threads_dump(mc, stderr);
			PANIC("watchdog: no CPU makes progress");
		}
	}
}

/* No CPU runs any more: nothing is to be left for later. */
static void
th_catch_up_all(struct eph_machine *mc)
{
	struct eph_cpu *me = eph_curcpu(mc);

	for (unsigned c = 0; c < mc->ncpus; c++) {
		eph__machine_bind_thread(mc->cpus[c]);
		th_catch_up(mc);
	}
	eph__machine_bind_thread(me);
}

static unsigned
threads_run(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);

	KASSERT(!th->running, "eph_run() inside a thread");
	th->running = true;
	mc->at_once = false;
	atomic_store_explicit(&th->stop, false, memory_order_relaxed);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (pthread_create(
			&th->cpu[c].host, NULL, th_cpu_main, &th->cpu[c]) != 0)
			PANIC("the host has no thread for a CPU");
	}
	(void)pthread_mutex_lock(&th->lock);
	do {
		th_wait_quiet(mc);
	} while (th_something_else(mc));
	(void)pthread_mutex_unlock(&th->lock);
	atomic_store_explicit(&th->stop, true, memory_order_release);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		(void)pthread_mutex_lock(&th->cpu[c].lock);
		(void)pthread_cond_signal(&th->cpu[c].wakeup);
		(void)pthread_mutex_unlock(&th->cpu[c].lock);
	}
	for (unsigned c = 0; c < mc->ncpus; c++)
		(void)pthread_join(th->cpu[c].host, NULL);
	th->running = false;
	mc->at_once = true;
	if (mc->shootflags != 0)
		th_catch_up_all(mc);
	/* What was counted by all is one number again. */
	mc->bufs.now =
	    atomic_load_explicit(&mc->bufs_shared.now, memory_order_relaxed);
	mc->bufs.peak =
	    atomic_load_explicit(&mc->bufs_shared.peak, memory_order_relaxed);
	return (atomic_load_explicit(&th->sleepers, memory_order_relaxed));
}

void
eph_threads_watchdog(struct eph_machine *mc, unsigned seconds)
{
	threads_of(mc)->watchdog = seconds;
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
	.ipi = threads_ipi,
	.poll = threads_poll,
	.spin = threads_spin,
	.point = threads_point,
	.atomic = threads_atomic,
	.timer = threads_timer,
	.untimer = threads_untimer,
	.thread_create = threads_thread_create,
	.run = threads_run,
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
	th->watchdog = TH_WATCHDOG;
	mc->exec->destroy(mc);
	mc->exec = &eph_exec_threads;
	mc->exec_state = th;
	mc->mode = EPH_THREADS;
	return (0);
}
