/* SPDX-License-Identifier: BSD-2-Clause */

#define _GNU_SOURCE /* CPU sets, MAP_ANONYMOUS */

#include "calibrate.h"

#include <errno.h>

#ifdef __linux__

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	   4096u
#define BATCHES	   40u	 /* the least of so many */
#define CHASE	   8192u /* pages: more than any TLB holds */
#define PAGES_MOST 64u

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

/* Nanoseconds of one of `n' in the quickest of some batches. */
static double
least(
    void (*fn)(void *arg, unsigned n), void *arg, unsigned n, unsigned batches)
{
	uint64_t best = UINT64_MAX;

	for (unsigned b = 0; b < batches; b++) {
		const uint64_t from = now_ns();
		uint64_t took;

		fn(arg, n);
		took = now_ns() - from;
		best = took < best ? took : best;
	}
	return ((double)best / n);
}

/* The compiler does not know what becomes of it. */
#if defined(__GNUC__)
#define OPAQUE(v) __asm__ volatile("" : "+r"(v))
#else
#define OPAQUE(v) ((void)0)
#endif

static void
do_add(void *arg, unsigned n)
{
	uintptr_t v = (uintptr_t)arg;

	for (unsigned i = 0; i < n; i++) {
		v++;
		OPAQUE(v);
	}
}

static void
do_lock(void *arg, unsigned n)
{
	_Atomic(uint32_t) *lock = arg;

	/* As a spin lock: the exchange orders, the store releases. */
	for (unsigned i = 0; i < n; i++) {
		(void)atomic_exchange_explicit(lock, 1, memory_order_acquire);
		atomic_store_explicit(lock, 0, memory_order_release);
	}
}

/* Each load says where the next is. */
static void
do_chase(void *arg, unsigned n)
{
	void **p = *(void **)arg;

	for (unsigned i = 0; i < n; i++)
		p = *p;
	*(void **)arg = (void *)p;
}

static void
do_copy(void *arg, unsigned n)
{
	char *p = arg;

	for (unsigned i = 0; i < n; i++) {
		memcpy(p, p + PAGE, PAGE);
		OPAQUE(p);
	}
}

static void *
pages_of(size_t n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (NULL);
#ifdef MADV_NOHUGEPAGE
	(void)madvise(p, n * PAGE, MADV_NOHUGEPAGE);
#endif
	memset(p, 1, n * PAGE);
	return (p);
}

/* A ring through one line of each place, in an order that nobody guesses. */
static void *
ring(char *base, uint32_t n, size_t stride)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		/* Full period: the factor is 1 modulo 4, and n a power of 2. */
		const uint32_t next = (at * 1664525u + 1013904223u) & (n - 1);

		/* Another line of each page, or few sets of the cache do. */
		*(void **)(void *)(base + at * stride +
		    (stride == PAGE ? at % 64 * 64 : 0)) = base +
		    next * stride + (stride == PAGE ? next % 64 * 64 : 0);
		at = next;
	}
	return (base);
}

static void
measure_walk(struct calibration *c)
{
	char *base = pages_of(CHASE);
	void *at;
	double far, near;

	if (base == NULL) {
		c->walk.why = "no memory";
		return;
	}
	at = ring(base, CHASE, PAGE);
	far = least(do_chase, &at, CHASE, BATCHES);
	at = ring(base, CHASE, 64);
	near = least(do_chase, &at, CHASE, BATCHES);
	at = ring(base, 64, 64);
	c->load.ns = least(do_chase, &at, 1u << 14, BATCHES);
	c->walk.ns = far - near;
	if (far <= near)
		c->walk = (struct calibrated){ 0, "lost in what else happens" };
	(void)munmap(base, (size_t)CHASE * PAGE);
}

/*
 * Invalidating one's own.  Linux makes up to 33 pages read-only with an invlpg
 * each, more with one full flush; what else a page takes is the slope above.
 */
#define ONE_BY_ONE 33u

static double
protect_pages(char *base, unsigned pages)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < 400; i++) {
		uint64_t from, took;

		for (unsigned k = 0; k < pages; k++)
			base[k * PAGE]++; /* each is in the TLB, and dirty */
		from = now_ns();
		(void)mprotect(base, pages * PAGE, PROT_READ);
		took = now_ns() - from;
		best = took < best ? took : best;
		(void)mprotect(base, pages * PAGE, PROT_READ | PROT_WRITE);
	}
	return ((double)best);
}

static void
measure_own(struct calibration *c)
{
	static const char lost[] = "lost in what else a system call takes";
	char *base = pages_of(PAGES_MOST);
	double one, most, first, last, page;

	if (base == NULL) {
		c->invlpg.why = c->flush.why = "no memory";
		return;
	}
	one = protect_pages(base, 1);
	most = protect_pages(base, ONE_BY_ONE);
	first = protect_pages(base, ONE_BY_ONE + 1);
	last = protect_pages(base, PAGES_MOST);
	page = (last - first) / (PAGES_MOST - ONE_BY_ONE - 1);
	c->invlpg.ns = (most - one) / (ONE_BY_ONE - 1) - page;
	c->flush.ns = first - (one - c->invlpg.ns) - ONE_BY_ONE * page;
	if (!(c->invlpg.ns > 1))
		c->invlpg = (struct calibrated){ 0, lost };
	if (!(c->flush.ns > 1) || c->invlpg.ns == 0)
		c->flush = (struct calibrated){ 0, lost };
	(void)munmap(base, PAGES_MOST * PAGE);
}

/* Two CPUs */

struct other {
	cpu_set_t *cpu; /* where it runs */
	_Atomic(uint32_t) turn;
	_Atomic(bool) stop;
	_Atomic(bool) runs;
	_Atomic(uint64_t) lost_ns; /* by holes in its time */
	_Atomic(uint64_t) holes;
	_Atomic(uint64_t) beats;
	bool ball;
};

#define HOLE_NS	     150   /* two looks at the time take less */
#define HOLE_MOST_NS 20000 /* longer: the scheduler's, not an interrupt's */

/* Give the ball back, or watch the time. */
static void *
other_main(void *arg)
{
	struct other *o = arg;
	uint64_t last, now;

	(void)pthread_setaffinity_np(pthread_self(), sizeof(*o->cpu), o->cpu);
	atomic_store(&o->runs, true);
	last = now_ns();
	while (!atomic_load_explicit(&o->stop, memory_order_relaxed)) {
		if (o->ball) {
			if (atomic_load_explicit(
				&o->turn, memory_order_acquire) == 1)
				atomic_store_explicit(
				    &o->turn, 0, memory_order_release);
			continue;
		}
		now = now_ns();
		if (now - last > HOLE_NS && now - last < HOLE_MOST_NS) {
			(void)atomic_fetch_add(&o->lost_ns, now - last);
			(void)atomic_fetch_add(&o->holes, 1);
		}
		last = now;
		(void)atomic_fetch_add_explicit(
		    &o->beats, 1, memory_order_relaxed);
	}
	return (NULL);
}

static void
do_ball(void *arg, unsigned n)
{
	struct other *o = arg;

	for (unsigned i = 0; i < n; i++) {
		atomic_store_explicit(&o->turn, 1, memory_order_release);
		while (
		    atomic_load_explicit(&o->turn, memory_order_acquire) != 0)
			continue;
	}
}

/* A page that was touched is unmapped: who runs the program must know. */
static void
do_unmap(void *arg, unsigned n)
{
	char *p = arg;

	for (unsigned i = 0; i < n; i++) {
		p[0] = 1;
		(void)madvise(p, PAGE, MADV_DONTNEED);
	}
}

static bool
other_start(struct other *o, pthread_t *thread)
{
	atomic_store(&o->runs, false);
	atomic_store(&o->stop, false);
	if (pthread_create(thread, NULL, other_main, o) != 0)
		return (false);
	while (!atomic_load(&o->runs))
		(void)sched_yield();
	return (true);
}

static void
other_stop(struct other *o, pthread_t thread)
{
	atomic_store(&o->stop, true);
	(void)pthread_join(thread, NULL);
}

static void
measure_line(struct calibration *c, struct other *o)
{
	pthread_t thread;

	o->ball = true;
	if (!other_start(o, &thread)) {
		c->line.why = "no second thread";
		return;
	}
	/* There and back; each way the line is asked for and comes. */
	c->line.ns = least(do_ball, o, 500, BATCHES) / 2;
	other_stop(o, thread);
}

/* Does the other run now?  It has 2 us to show it. */
static bool
other_beats(struct other *o)
{
	const uint64_t beats = atomic_load(&o->beats), until = now_ns() + 2000;

	while (now_ns() < until) {
		if (atomic_load(&o->beats) != beats)
			return (true);
	}
	return (false);
}

/* The quickest of short batches in which the other ran; 0: none. */
static double
least_beside(struct other *o, char *p)
{
	enum { N = 8, WANTED = 400 };
	const uint64_t until = now_ns() + 1000000000u;
	uint64_t best = UINT64_MAX;

	for (unsigned good = 0; good < WANTED && now_ns() < until;) {
		uint64_t from, took;

		if (!other_beats(o))
			continue;
		from = now_ns();
		do_unmap(p, N);
		took = now_ns() - from;
		if (!other_beats(o))
			continue;
		good++;
		best = took < best ? took : best;
	}
	return (best == UINT64_MAX ? 0 : (double)best / N);
}

static void
measure_remote(struct calibration *c, struct other *o)
{
	static const char rest[] = "the other CPU did not run";
	char *p = pages_of(1);
	double alone, with;
	pthread_t thread;
	uint64_t holes;

	o->ball = false;
	if (p == NULL) {
		c->remote.why = c->handler.why = "no memory";
		return;
	}
	alone = least(do_unmap, p, 8, 400);
	if (!other_start(o, &thread)) {
		c->remote.why = c->handler.why = "no second thread";
		return;
	}
	with = least_beside(o, p);
	other_stop(o, thread);
	holes = atomic_load(&o->holes);
	c->remote.ns = with - alone;
	c->handler.ns =
	    holes > 0 ? (double)atomic_load(&o->lost_ns) / (double)holes : 0;
	if (!(c->remote.ns > 50))
		c->remote = (struct calibrated){ 0,
			with == 0 ? rest : "another CPU made no difference" };
	if (holes < 800)
		c->handler = (struct calibrated){ 0,
			with == 0 ? rest
				  : "the other CPU's time had too few holes" };
	(void)munmap(p, PAGE);
}

static void
measure_two(struct calibration *c, const cpu_set_t *may)
{
	static const char alone[] = "one CPU";
	cpu_set_t cpu[2];
	unsigned n = 0;

	for (size_t i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (!CPU_ISSET(i, may))
			continue;
		CPU_ZERO(&cpu[n]);
		CPU_SET(i, &cpu[n++]);
	}
	if (n < 2) {
		c->line.why = c->remote.why = c->handler.why = alone;
		return;
	}
	struct other o = { .cpu = &cpu[1] };

	(void)sched_setaffinity(0, sizeof(cpu[0]), &cpu[0]);
	measure_line(c, &o);
	measure_remote(c, &o);
	(void)sched_setaffinity(0, sizeof(*may), may);
}

int
calibrate(struct calibration *c)
{
	_Atomic(uint32_t) lock = 0;
	cpu_set_t may;
	char *two;

	memset(c, 0, sizeof(*c));
	if (sched_getaffinity(0, sizeof(may), &may) != 0)
		return (errno);
	if ((two = pages_of(2)) == NULL)
		return (ENOMEM);
	c->cpus = (unsigned)CPU_COUNT(&may);
	c->mhz = 1000 / least(do_add, NULL, 1u << 18, BATCHES);
	c->lock.ns = least(do_lock, &lock, 1u << 14, BATCHES);
	c->copy.ns = least(do_copy, two, 1u << 8, BATCHES);
	(void)munmap(two, (size_t)2 * PAGE);
	measure_walk(c);
	measure_own(c);
	measure_two(c, &may);
	return (0);
}

#else /* __linux__ */

int
calibrate(struct calibration *c)
{
	(void)c;
	return (ENOTSUP);
}

#endif /* __linux__ */
