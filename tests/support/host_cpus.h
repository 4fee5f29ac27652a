/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef HOST_CPUS_H
#define HOST_CPUS_H

/*
 * CPUs as host threads, with as little as the mbuf module needs: locks that
 * spin and yield, no interrupts, nobody sleeps.  For its stress test under
 * ThreadSanitizer and its benchmark, where the lock is part of what is
 * measured and should be as simple as it can be.
 */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "ephmap/exec.h"
#include "ephmap/mutex.h"
#include "machine/bind.h"

#define HOST_SPINS 200 /* then let somebody else run */

static inline void
host_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	unsigned spins = 0;

	/* Acquire: pairs with the release in host_mutex_exit(). */
	if (atomic_exchange_explicit(&mtx->held, 1, memory_order_acquire) == 0)
		return;
	EPH_COUNT(mc, lock_contended);
	do {
		/* Relaxed: only the exchange takes it. */
		while (atomic_load_explicit(&mtx->held, memory_order_relaxed) !=
		    0) {
			if (++spins % HOST_SPINS == 0)
				(void)sched_yield();
		}
		/* Acquire: as above. */
	} while (
	    atomic_exchange_explicit(&mtx->held, 1, memory_order_acquire) != 0);
}

static inline void
host_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	(void)mc;
	/* Release: what was done under the lock is seen by who takes it. */
	atomic_store_explicit(&mtx->held, 0, memory_order_release);
}

static inline void
host_nothing(struct eph_machine *mc)
{
	(void)mc;
}

static inline void
host_block(struct eph_machine *mc, struct eph_thread *td)
{
	(void)mc;
	(void)td;
	abort();
}

/* wakeup() finds nobody: sleepers do not exist here. */
static inline struct eph_exec_ops
host_cpus_ops(void)
{
	struct eph_exec_ops ops = eph_exec_lockstep;

	ops.name = "host";
	ops.mutex_enter = host_mutex_enter;
	ops.mutex_exit = host_mutex_exit;
	ops.sleepq_enter = host_nothing;
	ops.sleepq_exit = host_nothing;
	ops.block = host_block;
	ops.unblock = host_block;
	ops.poll = host_nothing;
	ops.spin = host_nothing;
	return (ops);
}

struct host_cpu {
	pthread_t thread;
	struct eph_cpu *cpu;
	void (*fn)(void *arg, unsigned cpu);
	void *arg;
};

static inline void *
host_cpu_main(void *arg)
{
	struct host_cpu *h = arg;

	machine_bind_thread(h->cpu);
	h->fn(h->arg, h->cpu->id);
	machine_bind_thread(NULL);
	return (NULL);
}

/* Run fn(arg, cpu) on CPUs 0 to n - 1 at once, and wait for all. */
static inline void
host_cpus_run(struct eph_machine *mc, unsigned n,
    void (*fn)(void *arg, unsigned cpu), void *arg)
{
	const struct eph_exec_ops *saved = mc->exec;
	const struct eph_exec_ops ops = host_cpus_ops();
	struct host_cpu *h = calloc(n, sizeof(*h));

	if (h == NULL)
		abort();
	mc->exec = &ops;
	mc->mode = EPH_THREADS;
	for (unsigned i = 0; i < n; i++) {
		h[i] = (struct host_cpu){
			.cpu = mc->cpus[i], .fn = fn, .arg = arg
		};
		if (pthread_create(&h[i].thread, NULL, host_cpu_main, &h[i]) !=
		    0)
			abort();
	}
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(h[i].thread, NULL);
	mc->mode = EPH_LOCKSTEP;
	mc->exec = saved;
	free(h);
}

#endif /* !HOST_CPUS_H */
