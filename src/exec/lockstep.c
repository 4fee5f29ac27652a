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
 * Sleeping costs nothing until somebody sleeps: the replay loop runs on a
 * fiber.  When a step sleeps, its fiber stays with the sleeper and another
 * takes over the loop; a woken sleeper finishes its step on its own fiber
 * and gives it back.
 *
 * Un-acked flushes are counted when sent and never merged, but only the
 * first one pending at a CPU is kept: after it the CPU holds nothing, so
 * that the others have nothing to find outdated.  Where entries are global
 * and the flush spares them this is not so; then all are kept.
 */

#include "ephmap/sdk/exec.h"

#include <errno.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKSTEP_STACK ((size_t)256 << 10)
#else
#define LOCKSTEP_STACK ((size_t)64 << 10)
#endif

/* A kernel thread with a stack. */
struct lockstep_thread {
	struct eph_thread td;
	struct fiber *fiber;
};

/*
 * Threads are made by the batch: thousands sleep when a pool is short.  The
 * first batch is small, because most runs need one thread.
 */
#define LOCKSTEP_BATCH 64u

struct lockstep_batch {
	struct lockstep_batch *next;
	struct fiber_batch *fibers;
	unsigned n;
	struct lockstep_thread threads[LOCKSTEP_BATCH];
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
	struct lockstep_timer *heap;   /* by time, CPU, making */
	size_t ntimers;
	size_t heap_size;
	uint64_t timer_seq;
};

static void lockstep_deliver_pending(
    struct eph_machine *mc, struct eph_cpu *target);
static void lockstep_deliver_all(struct eph_machine *mc);
static void lockstep_thread_idle(
    struct lockstep *ls, struct lockstep_thread *t);
static void lockstep_poll(struct eph_machine *mc);

static struct lockstep *
lockstep_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

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
	mc->deliver = lockstep_poll;
	return (0);
}

static void
lockstep_destroy(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	while (ls->batches != NULL) {
		struct lockstep_batch *b = ls->batches;

		ls->batches = b->next;
		eph__fiber_batch_destroy(b->fibers);
		eph_machine_free(mc, b, sizeof(*b));
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		while (ls->pending[c] != NULL) {
			struct lockstep_ipi *p = ls->pending[c];

			ls->pending[c] = p->next;
			eph_machine_free(mc, p, sizeof(*p));
		}
	}
	eph_machine_free(mc, ls->pending, mc->ncpus * sizeof(*ls->pending));
	eph_machine_free(mc, ls->heap, ls->heap_size * sizeof(*ls->heap));
	eph__fiber_destroy(ls->host);
	eph_machine_free(mc, ls, sizeof(*ls));
	mc->exec = NULL;
}

/* Threads */

static void
runq_append(struct lockstep *ls, struct eph_thread *td)
{
	td->next = NULL;
	if (ls->runq_last != NULL)
		ls->runq_last->next = td;
	else
		ls->runq_first = td;
	ls->runq_last = td;
}

static struct lockstep_thread *
runq_pop(struct lockstep *ls)
{
	struct eph_thread *td = ls->runq_first;

	ls->runq_first = td->next;
	if (ls->runq_first == NULL)
		ls->runq_last = NULL;
	return ((struct lockstep_thread *)td->exec);
}

/* CPUs that catch up with what a shootdown protocol has put off */

/* Relaxed, here and below: one host thread. */
static bool
lockstep_is_idle(const struct eph_cpu *cpu)
{
	return (atomic_load_explicit(&cpu->idle, memory_order_relaxed) != 0);
}

static void
lockstep_catch_up(struct eph_machine *mc, struct eph_cpu *cpu)
{
	struct eph_cpu *from = mc->cur;

	mc->cur = cpu;
	mc->shootdown->catch_up(mc);
	mc->cur = from;
}

static void
lockstep_catch_up_all(struct eph_machine *mc)
{
	for (unsigned c = 0; c < mc->ncpus; c++)
		lockstep_catch_up(mc, mc->cpus[c]);
}

/* Another thread goes on, on this CPU. */
static inline void
lockstep_switched(struct eph_machine *mc)
{
	if (eph_unlikely((mc->shootflags & EPH_SHOOT_TICK) != 0))
		lockstep_catch_up(mc, mc->cur);
}

/* The current CPU was idle and goes on. */
static void
lockstep_wake(struct eph_machine *mc)
{
	struct eph_cpu *me = mc->cur;

	atomic_store_explicit(&me->idle, 0, memory_order_relaxed);
	eph_cpuset_set(mc->busyset, me->id);
	lockstep_catch_up(mc, me);
}

/* Nothing runs any more: CPUs that did are idle. */
static void
lockstep_rest(struct eph_machine *mc)
{
	EPH_CPUSET_FOREACH(c, mc->busyset, mc->cpuwords)
	{
		atomic_store_explicit(
		    &mc->cpus[c]->idle, 1, memory_order_relaxed);
		mc->cpus[c]->pending = true;
	}
	eph_cpuset_zero(mc->busyset, mc->cpuwords);
}

/* Time passes until `at`. */
static void
lockstep_pass(struct eph_machine *mc, uint64_t at)
{
	const uint64_t ticks = mc->clock_ns / EPH_TICK_NS;

	if (at <= mc->clock_ns)
		return;
	mc->clock_ns = at;
	if (eph_likely(mc->shootflags == 0))
		return;
	if ((mc->shootflags & EPH_SHOOT_IDLE) != 0)
		lockstep_rest(mc);
	if ((mc->shootflags & EPH_SHOOT_TICK) != 0 && at / EPH_TICK_NS > ticks)
		lockstep_catch_up_all(mc);
}

/* Run every runnable thread; called on the stack `self`. */
static void
lockstep_run_queue(
    struct eph_machine *mc, struct fiber *self, struct lockstep_thread *running)
{
	struct lockstep *ls = lockstep_of(mc);
	struct eph_cpu *cpu = mc->cur;
	struct fiber *resumer = ls->resumer;

	while (ls->runq_first != NULL) {
		struct lockstep_thread *t = runq_pop(ls);

		ls->resumer = self;
		ls->running = t;
		cpu_enter_inline(mc, t->td.cpu);
		lockstep_switched(mc);
		eph__fiber_switch(self, t->fiber);
	}
	ls->resumer = resumer;
	ls->running = running;
	mc->cur = cpu;
}

/* End of a thread: keep its stack, go back to whoever resumed it. */
static void
lockstep_thread_end(struct lockstep *ls, struct lockstep_thread *t)
{
	KASSERT(eph__fiber_intact(t->fiber), "a thread overran its stack");
	ls->live--;
	lockstep_thread_idle(ls, t);
	eph__fiber_switch(t->fiber, ls->resumer);
}

static void
lockstep_thread_main(void *arg)
{
	struct lockstep_thread *t = arg;
	struct eph_machine *mc = t->td.mc;

	t->td.fn(t->td.arg);
	lockstep_thread_end(lockstep_of(mc), t);
}

/*
 * The replay loop.  A thread that is not its owner any more has finished
 * the step it slept in.
 */
static void
lockstep_loop_main(void *arg)
{
	struct lockstep_thread *t = arg;
	struct eph_machine *mc = t->td.mc;
	struct lockstep *ls = lockstep_of(mc);

	for (;;) {
		mc->attention = false;
		if (ls->runq_first != NULL)
			lockstep_run_queue(mc, t->fiber, t);
		if (!ls->step(ls->step_arg))
			break;
		t->td.woken = false;
		if (ls->owner != t)
			lockstep_thread_end(ls, t);
	}
	if (ls->runq_first != NULL)
		lockstep_run_queue(mc, t->fiber, t);
	ls->owner = NULL;
	ls->resumer = ls->host;
	lockstep_thread_end(ls, t);
}

static void
lockstep_thread_idle(struct lockstep *ls, struct lockstep_thread *t)
{
	t->td.next = ls->idle != NULL ? &ls->idle->td : NULL;
	ls->idle = t;
}

/* More threads to be idle; false when out of memory. */
static bool
lockstep_batch_make(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);
	struct fiber *fibers[LOCKSTEP_BATCH];
	struct lockstep_batch *b = eph_machine_alloc(mc, sizeof(*b));

	if (ls->host == NULL)
		ls->host = eph__fiber_create_host();
	if (b == NULL || ls->host == NULL) {
		eph_machine_free(mc, b, sizeof(*b));
		return (false);
	}
	b->n = ls->batches == NULL ? 2 : LOCKSTEP_BATCH;
	b->fibers = eph__fiber_batch_create(b->n, LOCKSTEP_STACK, fibers);
	if (b->fibers == NULL) {
		eph_machine_free(mc, b, sizeof(*b));
		return (false);
	}
	for (unsigned i = b->n; i-- > 0;) {
		b->threads[i].fiber = fibers[i];
		b->threads[i].td.exec = &b->threads[i];
		lockstep_thread_idle(ls, &b->threads[i]);
	}
	b->next = ls->batches;
	ls->batches = b;
	return (true);
}

static struct lockstep_thread *
lockstep_thread_get(struct eph_machine *mc, void (*main_fn)(void *))
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t;

	if (ls->idle == NULL && !lockstep_batch_make(mc))
		return (NULL);
	t = ls->idle;
	ls->idle = t->td.next != NULL ? t->td.next->exec : NULL;
	memset(&t->td, 0, sizeof(t->td));
	t->td.exec = t;
	t->td.mc = mc;
	eph__fiber_reset(t->fiber, main_fn, t);
	ls->live++;
	return (t);
}

static struct eph_thread *
lockstep_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct lockstep_thread *t =
	    lockstep_thread_get(mc, lockstep_thread_main);

	if (t == NULL)
		return (NULL);
	t->td.cpu = cpu;
	t->td.fn = fn;
	t->td.arg = arg;
	runq_append(lockstep_of(mc), &t->td);
	return (&t->td);
}

static unsigned
lockstep_run(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	KASSERT(ls->running == NULL, "eph_run() inside a thread");
	lockstep_run_queue(mc, ls->host, NULL);
	return (ls->live);
}

static void
lockstep_block(struct eph_machine *mc, struct eph_thread *td)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t = td->exec;
	const uint64_t step = mc->step, op = mc->op;

	td->cpu = mc->cur->id;
	lockstep_switched(mc);
	if (++ls->sleepers.now > ls->sleepers.peak)
		ls->sleepers.peak = ls->sleepers.now;
	if (ls->owner == t) {
		/* The loop goes on, on another stack. */
		struct lockstep_thread *next =
		    lockstep_thread_get(mc, lockstep_loop_main);

		if (next == NULL)
			PANIC("out of memory for a thread's stack");
		ls->owner = next;
		ls->running = next;
		eph__fiber_switch(t->fiber, next->fiber);
	} else {
		eph__fiber_switch(t->fiber, ls->resumer);
	}
	ls->sleepers.now--;
	mc->step = step;
	mc->op = op;
}

static void
lockstep_unblock(struct eph_machine *mc, struct eph_thread *td)
{
	mc->attention = true;
	runq_append(lockstep_of(mc), td);
}

static struct eph_thread *
lockstep_curthread(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	return (ls->running != NULL ? &ls->running->td : NULL);
}

unsigned
eph_lockstep_loop(struct eph_machine *mc, bool (*step)(void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t;

	KASSERT(ls->owner == NULL, "one replay loop at a time");
	t = lockstep_thread_get(mc, lockstep_loop_main);
	if (t == NULL)
		PANIC("out of memory for the loop's stack");
	ls->step = step;
	ls->step_arg = arg;
	ls->owner = t;
	ls->running = t;
	ls->resumer = ls->host;
	eph__fiber_switch(ls->host, t->fiber);
	ls->running = NULL;
	/* A passive message that is delivered at the end may wake somebody. */
	do {
		lockstep_run_queue(mc, ls->host, NULL);
		eph_lockstep_drain(mc);
	} while (ls->runq_first != NULL);
	return ((unsigned)ls->sleepers.now);
}

const struct eph_gauge *
eph_lockstep_sleepers(const struct eph_machine *mc)
{
	return (&((const struct lockstep *)mc->exec_state)->sleepers);
}

/* Locks: only an observer, or a lock held across a switch, comes here. */

static void
lockstep_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (mutex_owned(mtx))
		PANIC("lock taken twice, or held by a thread that sleeps");
	atomic_store_explicit(&mtx->held, 1, memory_order_relaxed);
	EPH_EVENT(mc, EPH_EV_LOCK, mc->cur->id, 0, 0, 1, mtx->name);
}

static void
lockstep_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	atomic_store_explicit(&mtx->held, 0, memory_order_relaxed);
	EPH_EVENT(mc, EPH_EV_LOCK, mc->cur->id, 0, 1, 0, mtx->name);
}

static void
lockstep_nothing(struct eph_machine *mc)
{
	(void)mc;
}

/* Interrupts */

/* Run one interrupt on `target`; true if it found anything outdated. */
static bool
lockstep_deliver(
    struct eph_machine *mc, struct eph_cpu *target, const struct eph_ipi *ipi)
{
	struct eph_cpu *from = mc->cur;
	bool needed = false;

	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		for (unsigned k = 0; k < ipi->npages; k++) {
			target->c.invlpg_remote++;
			needed |=
			    eph__cpu_invlpg(target, ipi->va + eph_ptoa(k));
			EPH_EVENT(mc, EPH_EV_INVLPG, target->id,
			    ipi->va + eph_ptoa(k), 0, 0, NULL);
		}
		break;
	case EPH_IPI_FLUSH:
		needed = eph__cpu_range_outdated(target, ipi->va, ipi->npages);
		eph__cpu_flush(target, ipi->all);
		EPH_EVENT(
		    mc, EPH_EV_FLUSH, target->id, ipi->va, 0, ipi->all, NULL);
		break;
	case EPH_IPI_CALL:
		mc->cur = target;
		ipi->fn(mc, ipi->arg);
		mc->cur = from;
		needed = true;
		break;
	}
	return (needed);
}

static void
lockstep_count_needless(struct eph_machine *mc, bool needed)
{
	if (!needed)
		mc->cur->c.needless_ipi++;
}

/* Does `target` hold nothing that the flush could find outdated? */
static bool
lockstep_flush_is_empty(const struct lockstep *ls, const struct eph_cpu *target,
    const struct eph_ipi *ipi)
{
	if (!target->loaded)
		return (true);
	return ((ipi->all || target->mc->pgeflag == 0) &&
	    ls->pending[target->id] != NULL &&
	    ls->pending[target->id]->ipi.kind == EPH_IPI_FLUSH);
}

static void
lockstep_postpone(
    struct eph_machine *mc, struct eph_cpu *target, const struct eph_ipi *ipi)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_ipi **pp = &ls->pending[target->id];
	struct lockstep_ipi *p;

	if (ipi->kind == EPH_IPI_FLUSH &&
	    lockstep_flush_is_empty(ls, target, ipi)) {
		mc->cur->c.needless_ipi++;
		return;
	}
	p = eph_machine_alloc(mc, sizeof(*p));
	if (p == NULL)
		PANIC("out of memory for an interrupt");
	p->ipi = *ipi;
	p->cpu = mc->cur->id;
	while (*pp != NULL)
		pp = &(*pp)->next;
	*pp = p;
	cpu_mark_pending(target);
}

static void
lockstep_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		struct eph_cpu *target = mc->cpus[t];

		mc->cur->c.ipi_sent++;
		if (ipi->kind == EPH_IPI_FLUSH)
			target->c.flush_remote++;
		EPH_EVENT(mc, EPH_EV_IPI, t, ipi->va, 0, ipi->kind, NULL);
		if (!wait) {
			lockstep_postpone(mc, target, ipi);
			continue;
		}
		if (target->pending)
			lockstep_deliver_pending(mc, target);
		lockstep_count_needless(mc, lockstep_deliver(mc, target, ipi));
	}
}

/* What was sent to `target` and not waited for, in order of sending. */
static void
lockstep_deliver_pending(struct eph_machine *mc, struct eph_cpu *target)
{
	struct lockstep *ls = lockstep_of(mc);
	struct eph_cpu *from = mc->cur;
	const bool idle = lockstep_is_idle(target);

	target->pending = idle;
	eph_cpuset_clear(mc->pendset, target->id);
	if (idle)
		lockstep_catch_up(mc, target);
	while (ls->pending[target->id] != NULL) {
		struct lockstep_ipi *p = ls->pending[target->id];

		ls->pending[target->id] = p->next;
		mc->cur = mc->cpus[p->cpu];
		lockstep_count_needless(
		    mc, lockstep_deliver(mc, target, &p->ipi));
		eph_machine_free(mc, p, sizeof(*p));
	}
	mc->cur = target;
	lwkt_process_ipiq(mc);
	mc->cur = from;
}

static void
lockstep_poll(struct eph_machine *mc)
{
	if (!mc->cur->pending)
		return;
	if (lockstep_is_idle(mc->cur))
		lockstep_wake(mc);
	lockstep_deliver_pending(mc, mc->cur);
}

/* Somebody waits for another CPU: only what is pending can help. */
static void
lockstep_spin(struct eph_machine *mc)
{
	KASSERT(!eph_cpuset_isempty(mc->pendset, mc->cpuwords),
	    "a busy wait that nobody can end");
	lockstep_deliver_all(mc);
}

static void
lockstep_deliver_all(struct eph_machine *mc)
{
	while (!eph_cpuset_isempty(mc->pendset, mc->cpuwords)) {
		EPH_CPUSET_FOREACH(c, mc->pendset, mc->cpuwords)
		{
			lockstep_deliver_pending(mc, mc->cpus[c]);
		}
	}
}

void
eph_lockstep_drain(struct eph_machine *mc)
{
	lockstep_deliver_all(mc);
	if (mc->shootflags != 0)
		lockstep_catch_up_all(mc);
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

/* Timers: a binary heap. */

static bool
timer_before(const struct lockstep_timer *a, const struct lockstep_timer *b)
{
	if (a->at_ns != b->at_ns)
		return (a->at_ns < b->at_ns);
	if (a->cpu != b->cpu)
		return (a->cpu < b->cpu);
	return (a->seq < b->seq);
}

static void
lockstep_no_timer(struct eph_machine *mc, void *arg)
{
	(void)mc;
	(void)arg;
}

static int
lockstep_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);
	const struct lockstep_timer t = { at_ns, ls->timer_seq++, cpu, fn,
		arg };
	size_t i;

	if (ls->ntimers == ls->heap_size) {
		size_t n = ls->heap_size == 0 ? 64 : ls->heap_size * 2;
		struct lockstep_timer *heap = eph_mem_grow(mc->mem, ls->heap,
		    ls->heap_size * sizeof(t), n * sizeof(t));

		if (heap == NULL)
			return (ENOMEM);
		ls->heap = heap;
		ls->heap_size = n;
	}
	for (i = ls->ntimers++; i > 0; i = (i - 1) / 2) {
		if (!timer_before(&t, &ls->heap[(i - 1) / 2]))
			break;
		ls->heap[i] = ls->heap[(i - 1) / 2];
	}
	ls->heap[i] = t;
	return (0);
}

/*
 * Kept in the heap as a timer that does nothing: the heap stays a heap, and
 * only a sleep with a timeout that is woken comes here.
 */
static void
lockstep_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);

	for (size_t i = 0; i < ls->ntimers; i++) {
		if (ls->heap[i].fn != fn || ls->heap[i].arg != arg)
			continue;
		ls->heap[i].fn = lockstep_no_timer;
		return;
	}
}

static struct lockstep_timer
lockstep_timer_pop(struct lockstep *ls)
{
	const struct lockstep_timer first = ls->heap[0];
	const struct lockstep_timer last = ls->heap[--ls->ntimers];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ls->ntimers)
			break;
		if (child + 1 < ls->ntimers &&
		    timer_before(&ls->heap[child + 1], &ls->heap[child]))
			child++;
		if (!timer_before(&ls->heap[child], &last))
			break;
		ls->heap[i] = ls->heap[child];
		i = child;
	}
	ls->heap[i] = last;
	return (first);
}

/*
 * Timers up to `until`.  Whom they wake runs after the step, like any other
 * sleeper.
 */
static void
lockstep_run_timers(struct eph_machine *mc, uint64_t until)
{
	struct lockstep *ls = lockstep_of(mc);

	while (ls->ntimers > 0 && ls->heap[0].at_ns <= until) {
		const struct lockstep_timer t = lockstep_timer_pop(ls);

		lockstep_pass(mc, t.at_ns);
		cpu_enter_inline(mc, t.cpu);
		t.fn(mc, t.arg);
	}
}

static void
lockstep_handle_messages(struct eph_machine *mc)
{
	EPH_CPUSET_FOREACH(c, mc->pendset, mc->cpuwords)
	{
		if (lwkt_ipiq_pending(mc, c))
			lockstep_deliver_pending(mc, mc->cpus[c]);
	}
}

/*
 * All clocks are equal: without a cost profile nothing but a delay takes
 * time.
 */
void
eph_lockstep_delay(struct eph_machine *mc, uint64_t ns)
{
	const uint64_t until =
	    ns > UINT64_MAX - mc->clock_ns ? UINT64_MAX : mc->clock_ns + ns;

	/* What was sent before is due first; timers may send more. */
	lockstep_handle_messages(mc);
	lockstep_run_timers(mc, until);
	lockstep_pass(mc, until);
	lockstep_handle_messages(mc);
}

uint64_t
eph_lockstep_next_timer(const struct eph_machine *mc)
{
	const struct lockstep *ls = mc->exec_state;

	return (ls->ntimers > 0 ? ls->heap[0].at_ns : UINT64_MAX);
}

const struct eph_exec_ops eph_exec_lockstep = {
	.name = "lockstep",
	.summary = "one host thread plays all CPUs in a fixed order; exact",
	.lock = lockstep_mutex_enter,
	.unlock = lockstep_mutex_exit,
	.sleepq_enter = lockstep_nothing,
	.sleepq_exit = lockstep_nothing,
	.block = lockstep_block,
	.unblock = lockstep_unblock,
	.curthread = lockstep_curthread,
	.ipi = lockstep_ipi,
	.poll = lockstep_poll,
	.spin = lockstep_spin,
	.point = lockstep_point,
	.atomic = lockstep_atomic,
	.timer = lockstep_timer,
	.untimer = lockstep_untimer,
	.thread_create = lockstep_thread_create,
	.run = lockstep_run,
	.destroy = lockstep_destroy,
};
