/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lockstep's threads: fibers, made by the batch, and the replay loop.  See
 * lockstep.c.
 */

#include "exec/lockstep.h"

#include "kern/services.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKSTEP_STACK ((size_t)256 << 10)
#else
#define LOCKSTEP_STACK ((size_t)64 << 10)
#endif

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

static void lockstep_thread_idle(
    struct lockstep *ls, struct lockstep_thread *t);

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

/* When a runnable thread may go on. */
static uint64_t
runq_begin(struct eph_machine *mc, const struct eph_thread *td)
{
	const uint64_t now = eph__clock_of(mc, td->cpu);

	return (now > td->wake_at ? now : td->wake_at);
}

/*
 * Under clocks: bring the thread that begins first to the front; of those
 * that begin together the one of the lowest CPU, then of the longest wait.
 */
static void
runq_choose(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);
	struct eph_thread **best = &ls->runq_first;
	struct eph_thread *td, *prev = NULL, *before = NULL;

	for (td = ls->runq_first; td != NULL; prev = td, td = td->next) {
		const uint64_t at = runq_begin(mc, td);
		const uint64_t first = runq_begin(mc, *best);

		if (at < first || (at == first && td->cpu < (*best)->cpu)) {
			best = prev != NULL ? &prev->next : &ls->runq_first;
			before = prev;
		}
	}
	if (before == NULL)
		return;
	td = *best;
	before->next = td->next;
	if (ls->runq_last == td)
		ls->runq_last = before;
	td->next = ls->runq_first;
	ls->runq_first = td;
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

/* Another thread goes on, on this CPU. */
static inline void
lockstep_switched(struct eph_machine *mc)
{
	if (eph_unlikely((mc->shootflags & EPH_SHOOT_TICK) != 0))
		eph__lockstep_catch_up(mc, mc->cur);
}

/*
 * The thread goes on, when its waker woke it.  The machine's time
 * follows, and never goes back.
 */
static void
lockstep_clock_runs(struct eph_machine *mc, struct eph_thread *td)
{
	uint64_t ns;

	eph__clock_until(mc, td->cpu, td->wake_at, EPH_CYCLES_sleep);
	ns = eph__clock_ns(mc, eph__clock_of(mc, td->cpu));
	if (ns > mc->clock_ns)
		eph__lockstep_advance(mc, ns);
	mc->cur = mc->cpus[td->cpu];
}

/*
 * Of thousands that are woken at once no cache has anything: fetch the next
 * one's stack, for which the one behind it was fetched before.
 */
EPH_PREFETCHER void
runq_ahead(const struct lockstep *ls)
{
	const struct eph_thread *first = ls->runq_first;
	const struct eph_thread *second, *third;

	if (first == NULL || (second = first->next) == NULL ||
	    (third = second->next) == NULL)
		return;
	fiber_prefetch_stack(
	    ((const struct lockstep_thread *)first->exec)->fiber);
	fiber_prefetch(((const struct lockstep_thread *)second->exec)->fiber);
	eph_prefetch(third->next);
	eph_prefetch((const char *)third->next + 64);
	eph_prefetch((const char *)third->next + 128);
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
		struct lockstep_thread *t;

		if (mc->clock != NULL)
			runq_choose(mc);
		t = runq_pop(ls);
		runq_ahead(ls);
		ls->resumer = self;
		ls->running = t;
		cpu_enter_inline(mc, t->td.cpu);
		lockstep_switched(mc);
		if (mc->clock != NULL)
			lockstep_clock_runs(mc, &t->td);
		if (eph__sleepq_again(mc, &t->td)) {
			lockstep_switched(mc);
			continue;
		}
		eph__fiber_switch(self, t->fiber);
	}
	ls->resumer = resumer;
	ls->running = running;
	mc->cur = cpu;
}

/* End of a thread: keep its stack, go back to the stack that resumed it. */
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

struct eph_thread *
eph__lockstep_thread_create(
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

unsigned
eph__lockstep_run(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	KASSERT(ls->running == NULL, "eph_run() inside a thread");
	lockstep_run_queue(mc, ls->host, NULL);
	return (ls->live);
}

void
eph__lockstep_block(struct eph_machine *mc, struct eph_thread *td)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t = td->exec;
	const uint64_t step = mc->step, op = mc->op;

	td->cpu = mc->cur->id;
	if (mc->clock != NULL)
		eph__clock_settle(mc);
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

/* Behind who is further behind; alone it goes on at once. */
void
eph_lockstep_yield(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t = ls->running;
	const uint64_t step = mc->step, op = mc->op;

	KASSERT(t != NULL && t != ls->owner, "a thread yields, and no loop");
	t->td.cpu = mc->cur->id;
	t->td.wake_at = eph_clock_now(mc);
	runq_append(ls, &t->td);
	eph__fiber_switch(t->fiber, ls->resumer);
	mc->step = step;
	mc->op = op;
}

void
eph__lockstep_unblock(struct eph_machine *mc, struct eph_thread *td)
{
	mc->attention = true;
	if (mc->clock != NULL)
		td->wake_at = eph_clock_now(mc);
	runq_append(lockstep_of(mc), td);
}

struct eph_thread *
eph__lockstep_curthread(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	return (ls->running != NULL ? &ls->running->td : NULL);
}

bool
eph_lockstep_ready(struct eph_machine *mc)
{
	return (lockstep_of(mc)->idle != NULL || lockstep_batch_make(mc));
}

unsigned
eph_lockstep_loop(struct eph_machine *mc, bool (*step)(void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_thread *t;

	KASSERT(ls->owner == NULL, "one replay loop at a time");
	t = lockstep_thread_get(mc, lockstep_loop_main);
	KASSERT(t != NULL, "eph_lockstep_ready() was true");
	ls->step = step;
	ls->step_arg = arg;
	ls->owner = t;
	ls->running = t;
	ls->resumer = ls->host;
	eph__fiber_switch(ls->host, t->fiber);
	ls->running = NULL;
	/* A passive message that is delivered at the end may wake a thread. */
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

void
eph__lockstep_threads_destroy(struct eph_machine *mc)
{
	struct lockstep *ls = lockstep_of(mc);

	while (ls->batches != NULL) {
		struct lockstep_batch *b = ls->batches;

		ls->batches = b->next;
		eph__fiber_batch_destroy(b->fibers);
		eph_machine_free(mc, b, sizeof(*b));
	}
	eph__fiber_destroy(ls->host);
}
