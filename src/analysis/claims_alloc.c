/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: per-CPU caches take the contention out of allocation.
 *
 * mbufs with a cluster, in lockstep with costs: the CPU whose clock is
 * earliest goes next, a lock has a time at which it is free, and a cache
 * line knows the CPU that wrote it last.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"
#include "ephmap/kernel/mbuf.h"

#define PACKETS	   500u /* of each CPU */
#define ON_THE_WAY 64u	/* packets sent to a CPU that it has not freed */

static const struct mbuf_costs costs = { .call = 20,
	.lock_take = 20,
	.line_move = 100,
	.atomic = 20 };

struct traffic {
	struct eph_machine *mc;
	struct mbuf_pool *mp;
	unsigned ncpus;
	bool cross; /* the next CPU frees */
	struct mbuf *sent[EPH_CPUS_MAX > 64 ? 64 : EPH_CPUS_MAX][ON_THE_WAY];
	unsigned nsent[64];
};

/* Each for a packet. */
struct price {
	double contended, moves, cycles;
};

static void
free_received(struct traffic *t, unsigned cpu)
{
	eph_cpu_enter(t->mc, cpu);
	while (t->nsent[cpu] > 0)
		m_freem(t->sent[cpu][--t->nsent[cpu]]);
}

static bool
one_packet(struct traffic *t, unsigned cpu)
{
	const unsigned next = (cpu + 1) % t->ncpus;
	struct mbuf *m;

	eph_cpu_enter(t->mc, cpu);
	if ((m = m_getcl(t->mp, M_NOWAIT, MT_DATA, M_PKTHDR)) == NULL)
		return (false);
	if (!t->cross) {
		m_freem(m);
		return (true);
	}
	if (t->nsent[next] == ON_THE_WAY)
		free_received(t, next);
	t->sent[next][t->nsent[next]++] = m;
	free_received(t, cpu);
	return (true);
}

/* The CPU that is earliest, of those with packets left. */
static unsigned
earliest(const struct traffic *t, const unsigned *left)
{
	unsigned best = EPH_NONE;

	for (unsigned i = 0; i < t->ncpus; i++) {
		if (left[i] > 0 &&
		    (best == EPH_NONE ||
			mbuf_clock(t->mp, i) < mbuf_clock(t->mp, best)))
			best = i;
	}
	return (best);
}

static bool
play(struct traffic *t)
{
	unsigned left[64] = { 0 }, cpu;

	for (unsigned i = 0; i < t->ncpus; i++)
		left[i] = PACKETS;
	while ((cpu = earliest(t, left)) != EPH_NONE) {
		if (!one_packet(t, cpu))
			return (false);
		left[cpu]--;
	}
	for (unsigned i = 0; i < t->ncpus; i++)
		free_received(t, i);
	return (true);
}

/* The second of two rounds: caches are filled. */
static int
price_packets(struct traffic *t, struct price *out)
{
	const double n = (double)PACKETS * t->ncpus;
	struct mbuf_counters c0, c1;
	uint64_t from;

	if (!play(t))
		return (ENOMEM);
	mbuf_counters(t->mp, &c0);
	from = mbuf_clock_max(t->mp);
	if (!play(t))
		return (ENOMEM);
	mbuf_counters(t->mp, &c1);
	out->contended = (double)(c1.lock_contended - c0.lock_contended) / n;
	out->moves = (double)(c1.line_move - c0.line_move) / n;
	out->cycles = (double)(mbuf_clock_max(t->mp) - from) / PACKETS;
	return (0);
}

static struct price
run_traffic(
    struct eph_claim_run *r, const char *allocator, unsigned ncpus, bool cross)
{
	const struct eph_machine_config machine = { .ncpus = ncpus,
		.seed = r->seed };
	const struct mbuf_config cfg = { .allocator = allocator,
		.costs = &costs };
	struct traffic t = { .ncpus = ncpus, .cross = cross };
	struct price price = { 0 };
	const char *where = cross ? "next" : "same";
	int error;

	if (r->error != 0)
		return (price);
	if ((error = eph_machine_create(&machine, &t.mc, r->err)) == 0) {
		error = mbuf_pool_create(t.mc, &cfg, &t.mp, r->err);
		if (error == 0 && (error = price_packets(&t, &price)) != 0)
			error = eph_err_set(r->err, error, "out of mbufs");
		(void)mbuf_pool_destroy(t.mp);
		(void)eph_machine_destroy(t.mc);
	}
	eph__claim_error(r, error);
	eph__claim_fact(r, price.contended, "locks/packet",
	    "%s, %u CPUs, freed on the %s: contended", allocator, ncpus, where);
	eph__claim_fact(r, price.moves, "lines/packet",
	    "%s, %u CPUs, freed on the %s: moved between CPUs", allocator,
	    ncpus, where);
	eph__claim_fact(r, price.cycles, "cycles/packet",
	    "%s, %u CPUs, freed on the %s", allocator, ncpus, where);
	return (price);
}

/* "Less": a tenth at most. */
#define LESS 0.1

static void
decide(struct eph_claim_run *r, bool cross)
{
	static const char *const caches[] = { "mb_alloc", "zones", NULL };
	struct eph_claim_part *p = eph__claim_part(r,
	    cross ? "and where the next CPU frees"
		  : "where the CPU that got it frees it");
	struct price global = { 0 }, worst = { 0 }, list;
	unsigned locks = 0, lines = 0, of = 0;

	for (unsigned n = 2; n <= 32; n *= 4) {
		list = run_traffic(r, "global", n, cross);
		for (unsigned i = 0; caches[i] != NULL; i++) {
			const struct price c =
			    run_traffic(r, caches[i], n, cross);

			locks += c.contended <= LESS * list.contended;
			lines += c.moves <= LESS * list.moves;
			of++;
			if (n == 32) {
				worst.contended = c.contended > worst.contended
				    ? c.contended
				    : worst.contended;
				worst.moves = c.moves > worst.moves
				    ? c.moves
				    : worst.moves;
			}
		}
		if (n == 32)
			global = list;
	}
	p->verdict = eph__claim_cases(
	    global.contended > 0 && global.moves > 0, locks + lines, 2 * of);
	SAY(p->condition,
	    "contention falls tenfold in %u of %u cases, cache-line moves "
	    "in %u",
	    locks, of, lines);
	SAY(p->measured,
	    "%s, 32 CPUs, a packet: %.2f contended locks and %.1f line moves "
	    "with one list, at most %.2f and %.1f with caches",
	    cross ? "freed by the next CPU" : "freed by the same CPU",
	    global.contended, global.moves, worst.contended, worst.moves);
	SAY(p->why,
	    "One list has one lock and its objects go round all CPUs. A "
	    "per-CPU cache has neither, as long as what a CPU frees is what "
	    "it got. Where another CPU frees, the packet's own lines move in "
	    "any case, and caches fill on one CPU and drain on the other.");
}

static void
measure_alloc(struct eph_claim_run *r)
{
	decide(r, false);
	decide(r, true);
	eph__claim_step(r,
	    "mbufs with a cluster, %u on each CPU, allocators "
	    "global, mb_alloc and zones on 2, 8 and 32 CPUs; call "
	    "%u, lock %u, line move %u, atomic %u cycles; the same "
	    "by hand: bench_mbuf",
	    PACKETS, costs.call, costs.lock_take, costs.line_move,
	    costs.atomic);
}

const struct eph_claim eph__claim_alloc = {
	.number = 12,
	.name = "percpu-allocation",
	.group = "allocators",
	.title = "per-CPU caches end contention and cache-line moves",
	.text = "Per-CPU allocation caches take lock contention and "
		"cache-line moves out of mbuf allocation, against one global "
		"list.",
	.origin = "Milekic, FreeBSD mb_alloc; Robson and others, UMA; Hsu",
	.date = "2001 to 2005",
	.method = "mbufs with a cluster got and freed on 2, 8 and 32 CPUs, "
		  "on the same CPU and on the next: contended locks, lines "
		  "moved, cycles, for each packet.",
	.rule = "holds if contended locks and line moves both fall to a tenth "
		"or less in every case; in some: holds only if",
	.measure = measure_alloc,
};
