/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Threads: what the pthread of a CPU does all day, and the coordinator, who
 * lets time pass when nothing can run and ends the run when nothing will.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/kassert.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "exec/threads_impl.h"
#include "machine/bind.h"

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
	eph_shoot_catch_up(mc);
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
		eph__th_thread_put(th, t);
	/* Relaxed: a hint; more threads than needed do no harm. */
	if (th->refill != NULL &&
	    !atomic_load_explicit(&tc->runnable, memory_order_relaxed))
		th->refill(th->refill_arg, tc->id);
	eph__th_work_done(th);
}

/* Wait for all CPUs to be there; false: they will not be. */
static bool
th_gate_opens(struct threads *th)
{
	bool go;

	(void)pthread_mutex_lock(&th->lock);
	while (th->gate == TH_WAIT)
		(void)pthread_cond_wait(&th->gate_moves, &th->lock);
	go = th->gate == TH_GO;
	(void)pthread_mutex_unlock(&th->lock);
	return (go);
}

static void
th_gate_move(struct threads *th, bool go)
{
	(void)pthread_mutex_lock(&th->lock);
	th->gate = go ? TH_GO : TH_GIVE_UP;
	(void)pthread_cond_broadcast(&th->gate_moves);
	(void)pthread_mutex_unlock(&th->lock);
}

static void *
th_cpu_main(void *arg)
{
	struct th_cpu *tc = arg;
	struct eph_machine *mc = tc->mc;
	struct threads *th = threads_of(mc);
	struct th_thread *t;

	if (!th_gate_opens(th)) {
		eph__fiber_destroy(tc->fiber);
		return (NULL);
	}
	eph__machine_bind_thread(mc->cpus[tc->id]);
	eph__fiber_host_here(tc->fiber);
	for (;;) {
		if (th_asked(tc))
			eph__th_deliver(mc, tc);
		if ((t = eph__th_dequeue(tc)) != NULL) {
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

	if (!eph__th_post(mc, &threads_of(mc)->cpu[c], &ipi, NULL))
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

/* Who has what `tc` waits for. */
static void
th_dump_whom(struct eph_machine *mc, struct th_cpu *tc, uint32_t doing, FILE *f)
{
	struct threads *th = threads_of(mc);
	struct eph_mutex *mtx;
	const char *by = " by";
	uint32_t held;

	if (doing == TH_ON_LOCK || doing == TH_ON_SPIN) {
		mtx = (struct eph_mutex *)atomic_load_explicit(
		    &tc->mutex, memory_order_relaxed);
		held = atomic_load_explicit(&mtx->held, memory_order_relaxed);
		if (held != 0)
			(void)fprintf(f, ", which CPU %u took", held - 1);
	}
	for (unsigned c = 0; doing == TH_ON_ACK && c < mc->ncpus; c++) {
		if (c == tc->id || !th_asked(&th->cpu[c]))
			continue;
		(void)fprintf(f, "%s CPU %u", by, c);
		by = ",";
	}
}

void
eph_threads_dump(struct eph_machine *mc, FILE *f)
{
	static const char *const names[] = { [TH_RUNS] = "runs",
		[TH_IDLE] = "is idle",
		[TH_ON_LOCK] = "waits for the lock",
		[TH_ON_SPIN] = "waits, interrupts off, for the lock",
		[TH_SPINS_ON] = "is in",
		[TH_ON_ACK] = "waits for",
		[TH_ENDED] = "has ended" };
	struct threads *th = threads_of(mc);

	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct th_cpu *tc = &th->cpu[c];
		const uint32_t doing =
		    atomic_load_explicit(&tc->doing, memory_order_relaxed);
		const char *object = (const char *)atomic_load_explicit(
		    &tc->object, memory_order_relaxed);

		(void)fprintf(f, "CPU %u %s%s%s", c, names[doing],
		    object != NULL ? " " : "", object != NULL ? object : "");
		th_dump_whom(mc, tc, doing, f);
		(void)fprintf(f, "%s%s\n",
		    th_asked(tc) ? ", interrupts pending" : "",
		    atomic_load_explicit(&tc->runnable, memory_order_relaxed)
			? ", threads runnable"
			: "");
	}
}

/* Wait until work is 0, or end when nothing moves for too long. */
static void
th_wait_quiet(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	uint64_t beats = th_beats(mc);
	unsigned still = 0;
	struct timespec at;

	/* Acquire pairs with the release in eph__th_work_done. */
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

int
eph_threads_ready(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);
	int error = 0;
	unsigned c;

	KASSERT(!th->running && !th->ready, "ready once for each run");
	th->gate = TH_WAIT;
	for (c = 0; c < mc->ncpus; c++) {
		struct th_cpu *tc = &th->cpu[c];

		if ((tc->fiber = eph__fiber_create_host()) == NULL)
			error = ENOMEM;
		else if (pthread_create(&tc->host, NULL, th_cpu_main, tc) != 0)
			error = EAGAIN;
		if (error != 0)
			break;
	}
	th->ready = error == 0;
	if (th->ready)
		return (0);
	eph__fiber_destroy(th->cpu[c].fiber);
	th_gate_move(th, false);
	while (c-- > 0)
		(void)pthread_join(th->cpu[c].host, NULL);
	return (error);
}

unsigned
eph__threads_run(struct eph_machine *mc)
{
	struct threads *th = threads_of(mc);

	KASSERT(!th->running, "eph_run() inside a thread");
	if (!th->ready && eph_threads_ready(mc) != 0)
		PANIC("the host has no thread for a CPU");
	th->running = true;
	mc->at_once = false;
	atomic_store_explicit(&th->stop, false, memory_order_relaxed);
	th->ready = false;
	th_gate_move(th, true);
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
