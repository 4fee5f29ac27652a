/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_EXEC_H
#define EPHMAP_SDK_EXEC_H

/*
 * Executors: how the CPUs of a machine are played.
 *
 *	lockstep  one host thread plays all CPUs in a fixed order; exact
 *	threads	  one pthread is one CPU; real atomics, locks, contention
 *	explore	  one host thread, and a scheduler that may switch anywhere
 *
 * A design is written without one in mind: it calls kern's primitives
 * (mutex.h, critical.h, sleepq.h, atomic.h, pmap.h, ipiq.h), and these turn
 * to the machine's eph_exec_ops wherever the executor has a say.  (What a
 * design asks of the machine's mode is whether CPUs really run at once: for
 * a busy wait, a check.)  kern owns this interface; src/exec implements it.
 *
 * A thread is a kernel thread: it belongs to a CPU, runs a function, may
 * sleep.  In lockstep threads run in the order in which they were made
 * runnable, each until it sleeps or ends.
 */

#include <stdio.h>

#include "ephmap/sdk/machine.h"

struct eph_mutex;

enum eph_ipi_kind {
	EPH_IPI_INVLPG, /* invalidate npages from va */
	EPH_IPI_FLUSH,	/* full flush; npages from va changed */
	EPH_IPI_CALL,	/* run fn(mc, arg) on the target */
};

struct eph_ipi {
	enum eph_ipi_kind kind;
	bool all;      /* EPH_IPI_FLUSH: global entries too */
	bool hardware; /* EPH_IPI_CALL: no software is interrupted */
	unsigned npages;
	eph_va_t va;
	void (*fn)(struct eph_machine *mc, void *arg);
	void *arg;
};

/* What a sleeper waits for; see msleep_until() in kernel/sleepq.h. */
struct eph_until {
	bool (*ready)(void *arg);
	void *arg;
	const void *wchan;
	const struct eph_mutex *mtx;
};

/* A kernel thread; the executor owns it. */
struct eph_thread {
	struct eph_thread *next;    /* (x) executor's queue */
	struct eph_thread *sq_next; /* (s) sleep queue */
	struct eph_thread *sq_prev; /* (s) */
	const void *wchan;	/* (s) what it sleeps on, NULL if it does not */
	const char *wmesg;	/* (s) */
	uint64_t deadline_ns;	/* (s) when a timed sleep ends */
	uint64_t wake_at;	/* (x) clocks: when it was made runnable */
	unsigned cpu;		/* (x) the CPU it runs on */
	unsigned sleep_flags;	/* (s) PCATCH */
	int wake_error;		/* (s) what tsleep will return */
	bool woken;		/* (s) made runnable since it went to sleep */
	bool timed;		/* (s) this sleep has a timeout */
	uint32_t nsleeps;	/* (s) times it slept */
	uint32_t nspurious;	/* (s) of these, woken to sleep again */
	bool signalled;		/* (s) a signal is pending for it */
	struct eph_machine *mc; /* (c) */
	const struct eph_until *until; /* (s) NULL: whatever it is woken for */
	uint64_t design;       /* the design's switch hooks keep it here */
	void (*fn)(void *arg); /* (c) */
	void *arg;	       /* (c) */
	void *exec;	       /* (x) executor's own */
};

/* Kinds of scheduling point, for explore and its timelines. */
enum eph_point_kind {
	EPH_POINT_ATOMIC,
	EPH_POINT_LOCK,
	EPH_POINT_UNLOCK,
	EPH_POINT_SLEEP,
	EPH_POINT_WAKEUP,
	EPH_POINT_PTE,
	EPH_POINT_TLB,
	EPH_POINT_IPI,
	EPH_POINT_CRIT,
	EPH_POINT_PLAIN, /* a plain access that a design marks: EPH_RACY() */
};

enum eph_atomic_op {
	EPH_ATOMIC_LOAD,
	EPH_ATOMIC_STORE,
	EPH_ATOMIC_ADD,
	EPH_ATOMIC_OR,
	EPH_ATOMIC_AND,
	EPH_ATOMIC_SWAP,
	EPH_ATOMIC_CAS, /* stores `value` if the variable equals `expected` */
};

struct eph_exec_ops {
	const char *name;
	const char *summary;

	/*
	 * Take and release a mutex or spin lock.  While it waits, a CPU
	 * answers interrupts unless it is in a critical section.
	 */
	void (*lock)(struct eph_machine *mc, struct eph_mutex *mtx);
	void (*unlock)(struct eph_machine *mc, struct eph_mutex *mtx);

	/* The sleep queues' own lock; never held while anything else runs. */
	void (*sleepq_enter)(struct eph_machine *mc);
	void (*sleepq_exit)(struct eph_machine *mc);

	/*
	 * The current thread is on a sleep queue and holds sleepq's lock:
	 * release the lock and stop running until unblock().  Returns with
	 * the lock released.
	 */
	void (*block)(struct eph_machine *mc, struct eph_thread *td);

	/* Make a thread that blocked, or is about to, runnable. */
	void (*unblock)(struct eph_machine *mc, struct eph_thread *td);

	/* The thread that runs; never NULL inside the executor's threads. */
	struct eph_thread *(*curthread)(struct eph_machine *mc);

	/*
	 * Have `ipi` executed on each target (never the caller).  With
	 * `wait`, return when all have; else it stays pending at a target
	 * until that reaches a point of delivery.  ipi->arg must live until
	 * then.  The target sees what the caller stored before, and with
	 * `wait` the caller what the targets stored.  Counts ipi_sent.
	 */
	void (*ipi)(struct eph_machine *mc, const eph_cpuword_t *targets,
	    const struct eph_ipi *ipi, bool wait);

	/* Deliver what is pending for the current CPU. */
	void (*poll)(struct eph_machine *mc);

	/* A busy-wait loop goes round: let others make progress. */
	void (*spin)(struct eph_machine *mc);

	/* A scheduling point; only called when mc->has_points. */
	void (*point)(struct eph_machine *mc, enum eph_point_kind kind,
	    const void *obj, const char *what);

	/*
	 * An atomic operation on a variable of 4 or 8 bytes; only called
	 * when mc->has_points.  Returns the old value.
	 */
	uint64_t (*atomic)(struct eph_machine *mc, enum eph_atomic_op op,
	    void *obj, size_t size, uint64_t value, uint64_t expected,
	    memory_order order, const char *what);

	/*
	 * Have fn(mc, arg) called on CPU `cpu` when the machine's clock
	 * reaches `at_ns`.  Returns 0 or ENOMEM.
	 */
	int (*timer)(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
	    void (*fn)(struct eph_machine *mc, void *arg), void *arg);

	/* Forget the timer that was made with `fn` and `arg`, if any. */
	void (*untimer)(struct eph_machine *mc,
	    void (*fn)(struct eph_machine *mc, void *arg), void *arg);

	/*
	 * Start a thread on CPU `cpu`; it runs when the executor runs.
	 * Returns it, or NULL when the host is out of memory.
	 */
	struct eph_thread *(*thread_create)(struct eph_machine *mc,
	    unsigned cpu, void (*fn)(void *arg), void *arg);

	/*
	 * Run all threads until none can run.  Returns the number of
	 * threads that still sleep.
	 */
	unsigned (*run)(struct eph_machine *mc);

	void (*destroy)(struct eph_machine *mc);
};

/* Every machine starts with this one: plain calls, no threads needed. */
extern const struct eph_exec_ops eph_exec_lockstep;

/*
 * Give a machine its executor, for eph_machine_create().  Returns 0 or ENOMEM.
 */
int eph_lockstep_attach(struct eph_machine *mc);

/*
 * Threads: one pthread is one CPU.  Give a machine, before anything was
 * created on it, that executor.  Pages must be made (vm_page_get) before
 * the CPUs run.  Returns 0 or ENOMEM.
 */
extern const struct eph_exec_ops eph_exec_threads;
int eph_threads_attach(struct eph_machine *mc);

/* After so long (10) with no progress: say what each CPU waits for; panic. */
void eph_threads_watchdog(struct eph_machine *mc, unsigned seconds);

/*
 * Have refill(arg, cpu) called on a CPU whose threads all sleep or have
 * ended: it may create one, and the CPU does not count as idle meanwhile.
 */
void eph_threads_set_refill(
    struct eph_machine *mc, void (*refill)(void *arg, unsigned cpu), void *arg);

/*
 * Start the host's threads for the next eph_run(), which would panic without
 * them: ENOMEM, or EAGAIN where the host has no more.  Nothing runs before
 * eph_run().
 */
int eph_threads_ready(struct eph_machine *mc);

/* What every CPU does. */
void eph_threads_dump(struct eph_machine *mc, FILE *f);

/* The executor's ipi slot, whose preconditions are asserted here. */
void eph_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait);

/* thread_create and run of the machine's executor. */
struct eph_thread *eph_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg);
unsigned eph_run(struct eph_machine *mc);

/* Make the stack of the loop below; false when out of memory. */
bool eph_lockstep_ready(struct eph_machine *mc);

/*
 * Lockstep's replay loop, once it is ready: call step(arg) until it returns false.  When a
 * step sleeps, the loop goes on with the next one; sleepers that a step
 * woke run after it and before the next, in the order they went to sleep.
 * At the end everything pending is delivered.  Returns the number of steps
 * that still sleep; they are abandoned at eph_machine_destroy().
 */
unsigned eph_lockstep_loop(
    struct eph_machine *mc, bool (*step)(void *arg), void *arg);

/*
 * Lockstep: let the threads that are behind the current one go first.  Called
 * by a thread that holds nothing.
 */
void eph_lockstep_yield(struct eph_machine *mc);

/*
 * Let `ns` nanoseconds pass for all CPUs: every clock goes to the latest
 * clock plus `ns`, what fell due runs in order of time, then of CPU.
 * Passive messages are handled.
 */
void eph_lockstep_delay(struct eph_machine *mc, uint64_t ns);

/* Deliver everything that is pending on any CPU (no sleeper is woken). */
void eph_lockstep_drain(struct eph_machine *mc);

/* When the next timer is due, in the machine's time; UINT64_MAX: none. */
uint64_t eph_lockstep_next_timer(const struct eph_machine *mc);

/* Sleepers now, and the most there ever were. */
const struct eph_gauge *eph_lockstep_sleepers(const struct eph_machine *mc);

#endif /* !EPHMAP_SDK_EXEC_H */
