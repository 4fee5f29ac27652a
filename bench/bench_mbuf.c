/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Question: what does getting and freeing an mbuf with its cluster cost on
 * each allocator, when the CPU that got it frees it, and when the next CPU
 * does?
 *
 * Two answers.  Host nanoseconds, on real threads, on 1, 2 and 4 CPUs: they
 * compare allocators on this host, with this host's number of cores.
 * Simulated cycles, in lockstep with costs, on 1 to 64 CPUs: the CPU with
 * the earliest clock goes next, locks have a time at which they are free, a
 * cache line that another CPU wrote last costs a move.  The costs are parameters, not measurements of a machine; what is
 * exact are the locks, waits and moves for each packet.
 *
 * Baseline, in the same run: the global list.
 *
 * usage: bench_mbuf [--smoke] [--line-move CYCLES] [--lock CYCLES]
 */

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_support.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/mbuf.h"

#define RING 256u /* packets on their way to one CPU */

/* One producer, the CPU before; one consumer. */
struct ring {
	_Atomic(uint32_t) head; /* written by the consumer */
	char pad1[60];
	_Atomic(uint32_t) tail; /* written by the producer */
	char pad2[60];
	struct mbuf *m[RING];
};

struct bench {
	struct eph_machine *mc;
	struct mbuf_pool *mp;
	struct ring *ring; /* one for each CPU */
	unsigned ncpus;
	uint64_t pairs; /* for each CPU */
	bool cross;
};

static struct mbuf *
get(struct bench *b)
{
	struct mbuf *m = m_getcl(b->mp, M_NOWAIT, MT_DATA, M_PKTHDR);

	if (m == NULL)
		abort();
	return (m);
}

/* Free what the CPU before sent; how many. */
static uint64_t
receive(struct ring *r)
{
	/* Relaxed: only we write it. */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	/* Acquire: pairs with the release in send(). */
	const uint32_t tail =
	    atomic_load_explicit(&r->tail, memory_order_acquire);
	const uint32_t n = tail - head;

	while (head != tail)
		m_freem(r->m[head++ % RING]);
	/* Release: the slots are free again. */
	atomic_store_explicit(&r->head, head, memory_order_release);
	return (n);
}

static bool
send(struct ring *r, struct mbuf *m)
{
	/* Relaxed: only we write it. */
	const uint32_t tail =
	    atomic_load_explicit(&r->tail, memory_order_relaxed);

	/* Acquire: pairs with the release in receive(). */
	if (tail - atomic_load_explicit(&r->head, memory_order_acquire) == RING)
		return (false);
	r->m[tail % RING] = m;
	/* Release: the packet goes with it. */
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return (true);
}

static void
play(void *arg)
{
	struct bench *b = arg;
	const unsigned cpu = eph_curcpu(b->mc)->id;
	struct ring *mine = &b->ring[cpu];
	struct ring *next = &b->ring[(cpu + 1) % b->ncpus];
	uint64_t received = 0;

	for (uint64_t i = 0; i < b->pairs; i++) {
		struct mbuf *m = get(b);

		if (!b->cross) {
			m_freem(m);
			continue;
		}
		while (!send(next, m)) {
			received += receive(mine);
			(void)sched_yield();
		}
		if (i % 16 == 0)
			received += receive(mine);
	}
	while (b->cross && received < b->pairs) {
		received += receive(mine);
		(void)sched_yield();
	}
}

static void
start(struct bench *b, const char *allocator, unsigned ncpus, bool cross,
    bool threads, const struct mbuf_costs *costs)
{
	const struct eph_machine_config machine = { .ncpus = ncpus };
	const struct mbuf_config cfg = { .allocator = allocator,
		.costs = costs };

	b->ncpus = ncpus;
	b->cross = cross;
	b->ring = calloc(ncpus, sizeof(*b->ring));
	if (b->ring == NULL ||
	    eph_machine_create(&machine, &b->mc, NULL) != 0 ||
	    (threads && eph_threads_attach(b->mc) != 0) ||
	    mbuf_pool_create(b->mc, &cfg, &b->mp, NULL) != 0)
		abort();
}

static void
end(struct bench *b)
{
	if (mbuf_pool_destroy(b->mp) != 0 || eph_machine_destroy(b->mc) != 0)
		abort();
	free(b->ring);
}

static void
play_threads(struct bench *b)
{
	for (unsigned i = 0; i < b->ncpus; i++) {
		if (eph_thread_create(b->mc, i, play, b) == NULL)
			abort();
	}
	(void)eph_run(b->mc);
}

/* Wall-clock time of one packet on each CPU. */
static void
measure_host(const char *allocator, unsigned ncpus, bool cross, bool smoke)
{
	struct bench b = { .pairs = smoke ? 100 : 400000 / ncpus };
	struct bench_times t = { .n = 0 };
	struct mbuf_counters c;
	char what[96];

	start(&b, allocator, ncpus, cross, true, NULL);
	play_threads(&b); /* warm up */
	for (unsigned i = 0; i < (smoke ? 1 : 5); i++) {
		const double from = bench_now();

		play_threads(&b);
		bench_add(&t, bench_now() - from);
	}
	mbuf_counters(b.mp, &c);
	(void)snprintf(what, sizeof(what), "%-8s %2u threads, freed %s",
	    allocator, ncpus, cross ? "by the next CPU" : "by the same CPU");
	bench_row(what, &t, (double)(b.pairs * ncpus));
	end(&b);
}

static unsigned
earliest(const struct bench *b, const uint64_t *left)
{
	unsigned best = EPH_NONE;

	for (unsigned i = 0; i < b->ncpus; i++) {
		if (left[i] > 0 &&
		    (best == EPH_NONE ||
			mbuf_clock(b->mp, i) < mbuf_clock(b->mp, best)))
			best = i;
	}
	return (best);
}

static void
receive_on(struct bench *b, unsigned cpu)
{
	eph_cpu_enter(b->mc, cpu);
	(void)receive(&b->ring[cpu]);
}

/*
 * One packet of CPU `cpu`, in its own time.  When the ring is full its
 * consumer goes first.
 */
static void
step(struct bench *b, unsigned cpu)
{
	const unsigned next = (cpu + 1) % b->ncpus;
	struct mbuf *m;

	eph_cpu_enter(b->mc, cpu);
	m = get(b);
	if (!b->cross) {
		m_freem(m);
		return;
	}
	if (!send(&b->ring[next], m)) {
		receive_on(b, next);
		if (!send(&b->ring[next], m))
			abort();
	}
	receive_on(b, cpu);
}

static void
play_lockstep(struct bench *b)
{
	uint64_t left[EPH_CPUS_MAX];
	unsigned cpu;

	for (unsigned i = 0; i < b->ncpus; i++)
		left[i] = b->pairs;
	while ((cpu = earliest(b, left)) != EPH_NONE) {
		step(b, cpu);
		left[cpu]--;
	}
	for (unsigned i = 0; i < b->ncpus; i++)
		receive_on(b, i);
}

static void
measure_lockstep(const char *allocator, unsigned ncpus, bool cross,
    uint64_t pairs, const struct mbuf_costs *costs)
{
	struct bench b = { .pairs = pairs };
	struct mbuf_counters c0, c1;
	uint64_t from;
	double n;

	start(&b, allocator, ncpus, cross, false, costs);
	play_lockstep(&b); /* warm up */
	mbuf_counters(b.mp, &c0);
	from = mbuf_clock_max(b.mp);
	play_lockstep(&b);
	mbuf_counters(b.mp, &c1);
	n = (double)(b.pairs * ncpus);
	printf("%s,%u,%s,%" PRIu64 ",%.1f,%.3f,%.3f,%.3f\n", allocator, ncpus,
	    cross ? "next" : "same", b.pairs,
	    (double)(mbuf_clock_max(b.mp) - from) / (double)b.pairs,
	    (double)(c1.lock_take - c0.lock_take) / n,
	    (double)(c1.lock_contended - c0.lock_contended) / n,
	    (double)(c1.line_move - c0.line_move) / n);
	end(&b);
}

static uint32_t
cycles(int argc, char **argv, const char *name, uint32_t normal)
{
	const char *text = bench_option(argc, argv, name);

	return (text != NULL ? (uint32_t)strtoul(text, NULL, 10) : normal);
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const struct mbuf_costs costs = { .call = 20,
		.lock_take = cycles(argc, argv, "--lock", 20),
		.line_move = cycles(argc, argv, "--line-move", 100),
		.atomic = 20 };

	printf("host: one mbuf with its cluster, got and freed\n");
	for (unsigned cross = 0; cross < 2; cross++) {
		for (unsigned n = 1; n <= 4; n *= 2) {
			for (unsigned a = 0; mbuf_allocator(a) != NULL; a++)
				measure_host(mbuf_allocator(a)->name, n,
				    cross != 0, smoke);
		}
	}
	printf("\nlockstep: call %u, lock %u, line %u, atomic %u cycles\n"
	       "allocator,cpus,freed_by,packets,cycles_per_packet,"
	       "locks,contended,line_moves\n",
	    costs.call, costs.lock_take, costs.line_move, costs.atomic);
	for (unsigned cross = 0; cross < 2; cross++) {
		for (unsigned n = 1; n <= 64; n *= 2) {
			for (unsigned a = 0; mbuf_allocator(a) != NULL; a++)
				measure_lockstep(mbuf_allocator(a)->name, n,
				    cross != 0, smoke ? 10 : 1000, &costs);
		}
	}
	return (0);
}
