/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Playing a plan on the host.
 *
 * One step at a time: `turn` is the index of the next step, the thread of
 * that step's CPU makes it, the others spin, so that their CPUs run the
 * process and are interrupted.  Threads have a real-time priority where the
 * host gives one, since a thread that is preempted is not interrupted.  The
 * host takes such threads off their CPU after 0.95 s in a second, so all of
 * them rest after each slice; the row of interrupts is read at the ends of
 * slices, in which no other process runs on these CPUs.
 */

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include <errno.h>

#include "ephmap/native.h"

#ifdef __linux__

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "analysis/native_impl.h"
#include "base/kassert.h"

#define SLICE_NS    300000000u
#define REST_US	    60000u
#define WAIT_CHECK  4096u
#define SLICE_CHECK 64u			  /* steps between looks at the clock */
#define STUCK_NS    UINT64_C(10000000000) /* no thread made a step */
#define TRIALS	    200u
#define TRIES	    8u

enum { TURN_REST = -1, TURN_END = -2 };

struct thread {
	struct native *n;
	unsigned id;
	int counter;
	pthread_t td;
};

struct wait {
	uint64_t since; /* 0: not looked at the clock yet */
	unsigned rounds;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static void
spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

static bool
native_failed(const struct native *n)
{
	return (atomic_load_explicit(&n->failed, memory_order_acquire));
}

static void
native_fail(struct native *n, int error)
{
	n->error = error;
	atomic_store_explicit(&n->failed, true, memory_order_release);
}

/*
 * One round of a wait; false when it has lasted so long that the host must
 * have kept a thread from running.  Then all give up: threads of a real-time
 * priority that spin for ever would take the host with them.
 */
static bool
native_wait(struct native *n, struct wait *w)
{
	spin_pause();
	if (native_failed(n))
		return (false);
	if (++w->rounds % WAIT_CHECK != 0)
		return (true);
	if (w->since == 0)
		w->since = now_ns();
	if (now_ns() - w->since < STUCK_NS)
		return (true);
	native_fail(n, ETIMEDOUT);
	return (false);
}

/* Map, unmap or drop; counts what it took, by whether it shot down. */
static void
native_change(struct native *n, const struct eph_native_step *s)
{
	const uint64_t t0 = now_ns();
	char *va = n->window + (size_t)s->slot * n->page;
	const bool shot = n->present[s->slot];
	const char *got;

	if (s->kind == EPH_NATIVE_DROP) {
		if (madvise(va, s->frame * n->page, MADV_DONTNEED) != 0)
			native_fail(n, errno);
		memset(n->present + s->slot, 0, s->frame);
		return;
	}
	if (s->kind == EPH_NATIVE_MAP)
		got = mmap(va, n->page, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, n->fd[s->slot & 1],
		    (off_t)((uint64_t)s->frame * n->page));
	else
		got = mmap(va, n->page, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0);
	if (got == MAP_FAILED)
		native_fail(n, errno);
	n->present[s->slot] = false;
	if (shot)
		n->shots++, n->shot_ns += now_ns() - t0;
	else
		n->quiets++, n->quiet_ns += now_ns() - t0;
}

static void
native_step(struct native *n, const struct eph_native_step *s)
{
	uint32_t seen;

	if (s->kind != EPH_NATIVE_LOAD) {
		native_change(n, s);
		return;
	}
	seen = *(
	    volatile uint32_t *)(void *)(n->window + (size_t)s->slot * n->page);
	n->present[s->slot] = true;
	n->loads++;
	n->wrong += seen != s->frame;
}

/*
 * Stop running, and wait until all have: nobody goes to sleep while another
 * may still be counted as interrupted.  The last one begins a new epoch.
 */
static void
native_rest(struct native *n)
{
	const unsigned epoch =
	    atomic_load_explicit(&n->epoch, memory_order_acquire);
	struct wait w = { 0 };

	if (atomic_fetch_sub_explicit(&n->running, 1, memory_order_acq_rel) ==
	    1) {
		(void)atomic_fetch_add_explicit(
		    &n->epoch, 1, memory_order_acq_rel);
		return;
	}
	while (atomic_load_explicit(&n->epoch, memory_order_acquire) == epoch &&
	    native_wait(n, &w))
		;
}

static void
native_wake(struct native *n)
{
	(void)usleep(REST_US);
	(void)atomic_fetch_add_explicit(&n->running, 1, memory_order_acq_rel);
}

/* Wait until every thread runs. */
static void
native_all_run(struct native *n)
{
	struct wait w = { 0 };

	while (atomic_load_explicit(&n->running, memory_order_acquire) !=
		n->nthreads &&
	    native_wait(n, &w))
		;
}

/* Wait until it is somebody's turn again. */
static void
native_rested(struct native *n)
{
	struct wait w = { 0 };

	while (
	    atomic_load_explicit(&n->turn, memory_order_acquire) == TURN_REST &&
	    native_wait(n, &w))
		;
}

static void
slice_begin(struct native *n)
{
	n->row_at = eph__witness_row(&n->witness);
	n->slice_at = now_ns();
}

static void
slice_end(struct native *n)
{
	n->row += eph__witness_row(&n->witness) - n->row_at;
}

/* The thread whose turn it is sends all to rest, and goes on with `at`. */
static void
slice_turn(struct native *n, long at)
{
	slice_end(n);
	if (n->others_sleep) {
		(void)usleep(REST_US);
	} else {
		atomic_store_explicit(
		    &n->turn, TURN_REST, memory_order_release);
		native_rest(n);
		native_wake(n);
		native_all_run(n);
	}
	slice_begin(n);
	atomic_store_explicit(&n->turn, at, memory_order_release);
}

/* All steps in a row that are this thread's, from `at`. */
static long
native_play(struct native *n, unsigned cpu, long at)
{
	const struct eph_native_plan *p = n->plan;

	while ((size_t)at < p->n && p->step[at].cpu == cpu) {
		if (native_failed(n))
			return ((long)p->n);
		if ((size_t)at % SLICE_CHECK == 0 &&
		    now_ns() - n->slice_at > SLICE_NS)
			slice_turn(n, at);
		native_step(n, &p->step[at++]);
	}
	return (at);
}

static void
thread_pin(const struct thread *t)
{
	const struct sched_param param = { .sched_priority = t->n->priority };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->n->host_cpu[t->id], &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (t->n->priority != 0)
		(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

/* How often the host took this thread off its CPU. */
static unsigned long
thread_preempted(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) != 0)
		return (0);
	return ((unsigned long)usage.ru_nivcsw);
}

static void
thread_loop(struct thread *t)
{
	struct native *n = t->n;
	struct wait w = { 0 };

	while (!native_failed(n)) {
		long at = atomic_load_explicit(&n->turn, memory_order_acquire);

		if (at == TURN_END)
			return;
		if (at == TURN_REST) {
			native_rest(n);
			native_wake(n);
			/* Who sent all to rest sets the next turn. */
			native_rested(n);
		} else if ((size_t)at >= n->plan->n) {
			atomic_store_explicit(
			    &n->turn, TURN_END, memory_order_release);
		} else if (n->plan->step[at].cpu == t->id) {
			at = native_play(n, t->id, at);
			atomic_store_explicit(
			    &n->turn, at, memory_order_release);
		} else if (native_wait(n, &w)) {
			continue;
		}
		w = (struct wait){ 0 };
	}
}

/* A thread that only sleeps: were it to look, its CPU would be interrupted. */
static void
thread_sleep(struct native *n)
{
	while (sem_wait(&n->ended) != 0 && errno == EINTR)
		;
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct native *n = t->n;
	unsigned long preempted;
	int fd;

	/*
	 * At no priority until all have their counter: to make one, the
	 * kernel waits for every CPU, and would wait for a thread that spins.
	 */
	fd = eph__witness_count(&n->witness);
	(void)atomic_fetch_add_explicit(&n->ready, 1, memory_order_acq_rel);
	while (atomic_load_explicit(&n->ready, memory_order_acquire) !=
		n->nthreads &&
	    !native_failed(n))
		(void)usleep(1000);
	thread_pin(t);
	preempted = thread_preempted();
	(void)atomic_fetch_add_explicit(&n->running, 1, memory_order_acq_rel);
	if (t->id != 0 && n->others_sleep) {
		thread_sleep(n);
	} else if (t->id != 0) {
		native_rested(n);
		thread_loop(t);
	} else {
		native_all_run(n);
		if (n->others_sleep)
			(void)usleep(REST_US);
		slice_begin(n);
		atomic_store_explicit(&n->turn, 0, memory_order_release);
		thread_loop(t);
		slice_end(n);
	}
	(void)atomic_fetch_add_explicit(
	    &n->sent, eph__witness_read(fd), memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&n->preempted,
	    thread_preempted() - preempted, memory_order_relaxed);
	t->counter = fd; /* closed when no thread spins any more */
	return (NULL);
}

static int
native_run(struct native *n, struct eph_err *err)
{
	struct thread thread[NATIVE_THREADS_MAX];
	unsigned made = 0;
	int error = 0;

	if (sem_init(&n->ended, 0, 0) != 0)
		return (eph_err_set(err, ENOMEM, "no semaphore to be had"));
	atomic_init(&n->turn, TURN_REST);
	atomic_init(&n->running, 0);
	atomic_init(&n->epoch, 0);
	atomic_init(&n->ready, 0);
	atomic_init(&n->failed, false);
	atomic_init(&n->sent, 0);
	atomic_init(&n->preempted, 0);
	for (; made < n->nthreads && error == 0; made++) {
		thread[made] = (struct thread){ .n = n, .id = made };
		error = pthread_create(
		    &thread[made].td, NULL, thread_main, &thread[made]);
		if (error != 0)
			break;
	}
	if (error != 0)
		native_fail(n, error);
	for (unsigned i = 0; i < made; i++) {
		(void)pthread_join(thread[i].td, NULL);
		if (i == 0 && sem_post(&n->ended) != 0)
			PANIC("the semaphore of a run has no room for one");
	}
	(void)sem_destroy(&n->ended);
	for (unsigned i = 0; i < made; i++) {
		if (thread[i].counter >= 0)
			(void)close(thread[i].counter);
	}
	if (!native_failed(n))
		return (0);
	if (n->error == ETIMEDOUT)
		return (eph_err_set(err, ENOTSUP,
		    "the host did not run all %u threads at once for 10 s",
		    n->nthreads));
	return (eph_err_set(
	    err, n->error, "the host refused a step: %s", strerror(n->error)));
}

/* Play `plan` once, on a window and files of its own. */
static int
native_once(
    struct native *n, const struct eph_native_plan *plan, struct eph_err *err)
{
	int error;

	n->plan = plan;
	n->fd[0] = n->fd[1] = -1;
	n->base = NULL;
	n->present = NULL;
	n->row = n->loads = n->wrong = 0;
	n->shots = n->shot_ns = n->quiets = n->quiet_ns = 0;
	error = eph__native_files(n, err);
	if (error == 0)
		error = eph__native_window(n, err);
	if (error == 0)
		error = native_run(n, err);
	eph__native_close(n);
	return (error);
}

/*
 * Remap a touched page TRIALS times while a second thread spins, and see
 * which witness moves; again where the row did not and a thread was off its
 * CPU.  Returns 0 and sets *rowp: the row counts, else the tracepoint; or
 * ENOTSUP.
 */
static int
native_trial(struct native *n, bool *rowp, struct eph_err *err)
{
	const unsigned slack = 20; /* what others may add */
	const unsigned nthreads = n->nthreads;
	const bool sleeping = n->others_sleep;
	struct eph_native_step step[3 * TRIALS];
	struct eph_native_plan trial = {
		.step = step, .nslots = 1, .nframes = 1, .cpus = 2
	};
	uint64_t sent;
	unsigned tries = 0;
	int error;

	for (unsigned i = 0; i < TRIALS; i++) {
		step[trial.n++] =
		    (struct eph_native_step){ .kind = EPH_NATIVE_MAP };
		step[trial.n++] =
		    (struct eph_native_step){ .kind = EPH_NATIVE_LOAD };
		step[trial.n++] =
		    (struct eph_native_step){ .kind = EPH_NATIVE_LOAD,
			    .cpu = 1 };
	}
	n->nthreads = 2;
	n->others_sleep = false;
	do {
		error = native_once(n, &trial, err);
		*rowp = n->witness.has_row && n->row + 1 >= TRIALS - 1 &&
		    n->row <= TRIALS + slack;
	} while (error == 0 && !*rowp && ++tries < TRIES &&
	    atomic_load_explicit(&n->preempted, memory_order_relaxed) != 0);
	n->nthreads = nthreads;
	n->others_sleep = sleeping;
	if (error != 0)
		return (error);
	sent = atomic_load_explicit(&n->sent, memory_order_relaxed);
	if (*rowp || (n->witness.has_tracepoint && sent == TRIALS - 1))
		return (0);
	return (eph_err_set(err, ENOTSUP,
	    "nothing here counts shootdowns: %u remaps moved the row TLB of "
	    "/proc/interrupts by %" PRIu64 ", and %s",
	    TRIALS - 1, n->row,
	    n->witness.why_no_tracepoint[0] != '\0'
		? n->witness.why_no_tracepoint
		: "the tracepoint did not count them"));
}

static void
native_result(const struct native *n, bool by_row, uint64_t shot,
    struct eph_native_result *res)
{
	const unsigned targets =
	    n->others_sleep || n->nthreads < 2 ? 0 : n->nthreads - 1;
	const uint64_t sent =
	    atomic_load_explicit(&n->sent, memory_order_relaxed);

	res->predicted = shot * targets;
	res->threads = n->nthreads;
	res->fifo = n->priority != 0;
	res->loads = n->loads;
	res->wrong = n->wrong;
	res->ns_shot =
	    n->shots != 0 ? (double)n->shot_ns / (double)n->shots : 0;
	res->ns_quiet =
	    n->quiets != 0 ? (double)n->quiet_ns / (double)n->quiets : 0;
	res->row = n->row;
	/* The tracepoint counts calls, not the CPUs that each interrupts. */
	res->traced = sent * (targets != 0 ? targets : 1);
	res->has_tracepoint = n->witness.has_tracepoint;
	res->preempted =
	    atomic_load_explicit(&n->preempted, memory_order_relaxed);
	eph__witness_choose(res, by_row, targets == 0);
}

static int
native_tries(struct native *n, const struct eph_native_plan *plan, bool by_row,
    uint64_t shot, struct eph_native_result *best, struct eph_err *err)
{
	unsigned tries = 0;

	do {
		struct eph_native_result res = *best;
		const uint64_t t0 = now_ns();
		const int error = native_once(n, plan, err);

		if (error != 0)
			return (error);
		res.seconds = (double)(now_ns() - t0) * 1e-9;
		native_result(n, by_row, shot, &res);
		if (tries++ == 0 || eph__witness_better(&res, best))
			*best = res;
	} while (tries < TRIES && eph__witness_again(best));
	best->tries = tries;
	return (0);
}

int
eph_native_play(const struct eph_native_plan *plan,
    enum eph_native_others others, struct eph_native_result *res,
    struct eph_err *err)
{
	struct native n = { .fd = { -1, -1 } };
	const uint64_t shot = eph_native_predict(plan);
	bool by_row = false;
	int error;

	if (shot == UINT64_MAX)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	memset(res, 0, sizeof(*res));
	n.page = (size_t)sysconf(_SC_PAGESIZE);
	n.priority = eph__native_priority();
	n.nthreads = 2;
	if ((error = eph__native_cpus(&n, err)) != 0)
		return (error);
	n.nthreads = plan->cpus;
	if (n.nthreads < 2 && others != EPH_NATIVE_ALONE)
		n.nthreads = 2;
	n.others_sleep = plan->cpus < 2 && others == EPH_NATIVE_SLEEP;
	if ((error = eph__native_cpus(&n, err)) != 0)
		return (error);
	eph__witness_open(&n.witness, n.host_cpu, 2);
	error = native_trial(&n, &by_row, err);
	eph__witness_close(&n.witness);
	if (error != 0)
		return (error);
	eph__witness_open(&n.witness, n.host_cpu, n.nthreads);
	error = native_tries(&n, plan, by_row, shot, res, err);
	eph__witness_close(&n.witness);
	return (error);
}

#else /* !__linux__ */

int
eph_native_play(const struct eph_native_plan *plan,
    enum eph_native_others others, struct eph_native_result *res,
    struct eph_err *err)
{
	(void)plan, (void)others, (void)res;
	return (eph_err_set(err, ENOTSUP,
	    "the host's shootdowns can be counted on Linux only"));
}

#endif
