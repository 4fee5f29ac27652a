/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_THREADS_IMPL_H
#define EXEC_THREADS_IMPL_H

/*
 * Inside the threads executor.
 *
 *	threads.c      the kernel threads of a CPU, locks, sleeping, timers
 *	threads_queue.c  what waits to run on a CPU
 *	threads_ipi.c  interrupts between CPUs that really run
 *	threads_run.c  the life of a CPU's pthread, and the coordinator
 *
 * Invariant: `work` counts threads that can run and interrupts not yet
 * handled.  A thread that adds to it is counted itself, so that 0 means that
 * nothing will ever happen without the coordinator, which is the pthread
 * that called run.
 *
 * Locking: a CPU's `lock` guards (l); the sleep queues' lock is taken before
 * it, nothing after it.  (a) atomic, (o) owned by the CPU's pthread.
 */

#include <pthread.h>

#include "base/fiber.h"
#include "ephmap/sdk/exec.h"

#define TH_RING	 64u /* interrupts waiting at one CPU */
#define TH_SPINS 64u /* rounds before the host's scheduler is asked */

struct th_thread {
	struct eph_thread td;
	struct fiber *fiber;
	struct th_thread *all_next;
	struct th_thread *idle_next;
	bool ended;
};

struct th_pending {
	struct eph_ipi ipi;
	_Atomic(uint32_t) *acks; /* counted down when handled; NULL: none */
};

/* What a CPU does, for the watchdog. */
enum th_doing {
	TH_RUNS,
	TH_IDLE,
	TH_ON_LOCK,
	TH_ON_SPIN, /* the same with interrupts off */
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
	_Atomic(uintptr_t) mutex;  /* (a) struct eph_mutex * it waits for */
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
	bool ready;   /* the host's threads wait at the gate */
	enum { TH_WAIT, TH_GO, TH_GIVE_UP } gate; /* (lock) */
	pthread_cond_t gate_moves;
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

static inline struct threads *
threads_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

static inline struct th_cpu *
th_me(struct eph_machine *mc)
{
	return (&threads_of(mc)->cpu[eph_curcpu(mc)->id]);
}

/* Relaxed: for a person who looks, and progress is a hint. */
static inline void
th_doing(struct th_cpu *tc, enum th_doing doing, const char *object)
{
	atomic_store_explicit(&tc->doing, doing, memory_order_relaxed);
	atomic_store_explicit(
	    &tc->object, (uintptr_t)object, memory_order_relaxed);
}

static inline void
th_beat(struct th_cpu *tc)
{
	atomic_store_explicit(&tc->beats,
	    atomic_load_explicit(&tc->beats, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* Relaxed: a hint, eph__th_deliver() looks under the lock. */
static inline bool
th_asked(struct th_cpu *tc)
{
	return (atomic_load_explicit(&tc->asked, memory_order_relaxed));
}

/* threads_ipi.c */

/* One more thing to do, or one less. */
void eph__th_work_add(struct threads *th);
void eph__th_work_done(struct threads *th);

/* Handle what waits for this CPU. */
void eph__th_deliver(struct eph_machine *mc, struct th_cpu *tc);

/* One round of a wait that answers interrupts, in critical sections too. */
void eph__th_relax(struct eph_machine *mc, struct th_cpu *tc, unsigned *rounds);

/*
 * Put an interrupt at its target, or execute it for an idle one; false if
 * the ring there is full.  `acks` (NULL: no CPU waits) is counted down.
 */
bool eph__th_post(struct eph_machine *mc, struct th_cpu *tc,
    const struct eph_ipi *ipi, _Atomic(uint32_t) *acks);

/* Slots of the executor. */
void eph__threads_poll(struct eph_machine *mc);
void eph__threads_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait);

/* threads_queue.c */

/* A thread can run on a CPU. */
void eph__th_enqueue(struct th_cpu *tc, struct eph_thread *td);

/* The next thread that can run on a CPU, or NULL. */
struct th_thread *eph__th_dequeue(struct th_cpu *tc);

/* The thread has left its stack for good. */
void eph__th_thread_put(struct threads *th, struct th_thread *t);

/* threads_run.c: the executor's run slot. */
unsigned eph__threads_run(struct eph_machine *mc);

#endif /* !EXEC_THREADS_IMPL_H */
