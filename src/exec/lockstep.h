/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_LOCKSTEP_H
#define EXEC_LOCKSTEP_H

/* What the files of lockstep share; see lockstep.c. */

#include "ephmap/sdk/exec.h"

#include <errno.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "exec/clock.h"
#include "machine/access.h"

/* A kernel thread with a stack. */
struct lockstep_thread {
	struct eph_thread td;
	struct fiber *fiber;
};

/* An interrupt that was not waited for. */
struct lockstep_ipi {
	struct eph_ipi ipi;
	unsigned cpu;
	struct lockstep_ipi *next;
};

struct lockstep_timer {
	uint64_t at_ns;
	uint64_t seq; /* order of making, the last tie-break */
	unsigned cpu;
	void (*fn)(struct eph_machine *mc, void *arg);
	void *arg;
};

struct lockstep {
	struct fiber
	    *host; /* the stack that called us, once there are others */
	struct lockstep_thread *running; /* NULL: the host's stack */
	struct lockstep_thread *owner;	 /* of the replay loop, if any */
	struct fiber *resumer;		 /* whom a resumed thread returns to */
	struct eph_thread *runq_first;	 /* runnable, in order */
	struct eph_thread *runq_last;
	struct lockstep_thread *idle;	/* stacks to use again */
	struct lockstep_batch *batches; /* of threads, every one ever made */
	bool (*step)(void *arg);
	void *step_arg;
	unsigned live; /* threads not ended */
	struct eph_gauge sleepers;
	struct lockstep_ipi **pending; /* per CPU, in order of sending */
	struct lockstep_ipi *ipi_free;
	struct lockstep_timer *heap; /* by time, CPU, making */
	size_t ntimers;
	size_t heap_size;
	uint64_t timer_seq;
};

static inline struct lockstep *
lockstep_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

/* Relaxed, here and below: one host thread. */
static inline bool
lockstep_is_idle(const struct eph_cpu *cpu)
{
	return (atomic_load_explicit(&cpu->idle, memory_order_relaxed) != 0);
}

/* Threads: the slots of eph_exec_ops, and the end of a machine's. */
struct eph_thread *eph__lockstep_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg);
unsigned eph__lockstep_run(struct eph_machine *mc);
void eph__lockstep_block(struct eph_machine *mc, struct eph_thread *td);
void eph__lockstep_unblock(struct eph_machine *mc, struct eph_thread *td);
struct eph_thread *eph__lockstep_curthread(struct eph_machine *mc);
void eph__lockstep_threads_destroy(struct eph_machine *mc);

/* Time: timers. */
int eph__lockstep_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg);
void eph__lockstep_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg);
/* Under clocks: the machine's time is `ns`; timers due run. */
void eph__lockstep_advance(struct eph_machine *mc, uint64_t ns);

/* Idle CPUs: a CPU does what a protocol has put off there; all do. */
void eph__lockstep_catch_up(struct eph_machine *mc, struct eph_cpu *cpu);
void eph__lockstep_catch_up_all(struct eph_machine *mc);

/* The current CPU was idle and goes on. */
void eph__lockstep_wake(struct eph_machine *mc);

/* Interrupts: slots of eph_exec_ops. */
void eph__lockstep_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait);
void eph__lockstep_poll(struct eph_machine *mc);
void eph__lockstep_spin(struct eph_machine *mc);

/* What was sent to `target` and not waited for, in order of sending. */
void eph__lockstep_deliver_pending(
    struct eph_machine *mc, struct eph_cpu *target);

#endif /* !EXEC_LOCKSTEP_H */
