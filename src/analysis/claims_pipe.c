/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims of 2004 about pipes: map where the data is wanted.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

/* Cycles of what mapping costs: stores, invalidations, interrupts. */
static double
mapping_cycles(const struct eph_counters *c)
{
	const struct eph_counters only = { .pte_store = c->pte_store,
		.invlpg_local = c->invlpg_local,
		.invlpg_remote = c->invlpg_remote,
		.flush_local = c->flush_local,
		.flush_remote = c->flush_remote,
		.ipi_sent = c->ipi_sent };

	return ((double)eph_costs_price(
	    &eph_machine_model_find("amd64-skylake")->costs, &only));
}

/* One run of `pipe' with `mib' MiB. */
static void
run_pipe(struct eph_claim_run *r, const char *mode, unsigned mib,
    unsigned buffers, unsigned cpus, uint32_t nbufs, struct eph_counters *c)
{
	struct eph_work_result work;
	struct eph_run_result res;
	char text[96];

	(void)snprintf(text, sizeof(text),
	    "pipe:mode=%s,bytes=%uM,buffers=%u,contents=stamp", mode, mib,
	    buffers);
	eph__claim_workload(
	    r, text, "sf_buf.cpumask", cpus, nbufs, &res, &work);
	*c = res.counters;
	eph__claim_fact(r, (double)c->ipi_sent, "IPIs",
	    "%s, %u buffers, %u CPUs", mode, buffers, cpus);
	eph__claim_fact(r, (double)eph__claim_invalidations(c), "events",
	    "%s, %u buffers, %u CPUs: invalidations and IPIs", mode, buffers,
	    cpus);
	eph__claim_fact(r, mapping_cycles(c) / (mib * 256.0), "cycles/page",
	    "%s, %u buffers, %u CPUs: mapping", mode, buffers, cpus);
}

static void
decide_interrupts(struct eph_claim_run *r)
{
	uint64_t kmem = 0, sfbuf = 0;
	unsigned yes = 0, of = 0;
	struct eph_claim_part *p;

	for (unsigned cpus = 2; cpus <= 16; cpus *= 2) {
		struct eph_counters a, b;

		run_pipe(r, "kmem", 4, 1, cpus, 1024, &a);
		run_pipe(r, "sfbuf1", 4, 1, cpus, 1024, &b);
		kmem += a.ipi_sent;
		sfbuf += b.ipi_sent;
		yes += a.ipi_sent > 0 && b.ipi_sent == 0;
		of++;
	}
	p = eph__claim_part(r, "the IPIs of a pipe go away");
	p->verdict = eph__claim_cases(kmem > 0, yes, of);
	SAY(p->condition, "%u of %u numbers of CPUs", yes, of);
	SAY(p->measured,
	    "4 MiB, 2 to 16 CPUs: %" PRIu64 " IPIs when the writer maps, "
	    "%" PRIu64 " when the reader does",
	    kmem, sfbuf);
	SAY(p->why,
	    "Writer and reader are on two CPUs. The writer cannot know where "
	    "the reader will run, so its mapping concerns every CPU; the "
	    "reader's concerns its own, which invalidates for itself.");
}

static void
decide_mask(struct eph_claim_run *r)
{
	enum { PAGES = 32, CPUS = 8, ROUNDS = 50 };
	struct claim_stream s = { .name = "private-in-turn" };
	struct eph_run_result mask;
	struct eph_claim_part *p;

	for (unsigned n = 0; n < ROUNDS; n++) {
		for (unsigned cpu = 0; cpu < CPUS; cpu++) {
			for (uint32_t page = 0; page < PAGES; page++) {
				eph__claim_op(r, &s, EPH_OP_MAP,
				    EPH_OPF_PRIVATE, cpu, page, 0);
				eph__claim_op(r, &s, EPH_OP_READ, 0, cpu, 0, 0);
				eph__claim_op(
				    r, &s, EPH_OP_UNMAP, 0, cpu, 0, 0);
			}
		}
	}
	eph__claim_stream_done(r, &s,
	    "%d pages, mapped privately on %d CPUs in "
	    "turn, %d times",
	    PAGES, CPUS, ROUNDS);
	(void)eph__claim_replay(r, &s, "sf_buf.cpumask", CPUS, 1024, &mask);
	eph__claim_step(
	    r, "ephmap run --design sf_buf.cpumask private-in-turn.ept");
	eph__claim_fact(r, (double)mask.counters.invlpg_local, "invlpg",
	    "private-in-turn: sf_buf.cpumask");
	eph__claim_fact(r, (double)mask.counters.map_calls, "maps",
	    "private-in-turn: sf_buf.cpumask");
	p = eph__claim_part(r, "with a CPU mask only first uses on a CPU pay");
	p->verdict = eph__claim_cases(mask.counters.map_calls > PAGES * CPUS,
	    eph__claim_invalidations(&mask.counters) == PAGES * CPUS, 1);
	SAY(p->measured,
	    "%" PRIu64 " private maps of %d pages on %d CPUs: %" PRIu64
	    " invalidations, %d first uses",
	    mask.counters.map_calls, PAGES, CPUS,
	    eph__claim_invalidations(&mask.counters), PAGES * CPUS);
	SAY(p->why,
	    "A bit of the mask is set when that CPU has invalidated; later "
	    "maps of the same page there find it set.");
	eph__claim_stream_free(&s);
}

/* "Almost nothing": less than 5 % of what the writer's mapping costs. */
#define ALMOST_NOTHING 0.05

static void
decide_cost(struct eph_claim_run *r)
{
	static const unsigned buffers[] = { 1, 4, 16, 64, 128 };
	struct eph_counters kmem, c;
	unsigned yes = 0, of = 0, most = 0;
	double dear = 0, cheap = 0;
	struct eph_claim_part *p;

	run_pipe(r, "kmem", 64, 1, 4, 1024, &kmem);
	for (unsigned i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) {
		double share;

		run_pipe(r, "sfbuf1", 64, buffers[i], 4, 512, &c);
		share = mapping_cycles(&c) /
		    (kmem.cycles > 0 ? mapping_cycles(&kmem) : 1);
		eph__claim_fact(r, 100 * share, "%",
		    "sfbuf1, %u buffers: mapping cycles, of kmem's",
		    buffers[i]);
		of++;
		if (share < ALMOST_NOTHING) {
			yes++;
			most = buffers[i];
			cheap = share > cheap ? share : cheap;
		} else
			dear = share > dear ? share : dear;
	}
	p = eph__claim_part(
	    r, "for pipes the cached mapping costs almost nothing");
	p->verdict =
	    eph__claim_cases(eph__claim_invalidations(&kmem) > 0, yes, of);
	SAY(p->condition,
	    "the pages the writer uses in turn stay in the pool "
	    "(up to %u buffers of 16 pages in 512)",
	    most);
	SAY(p->measured,
	    "64 MiB: at most %.1f %% of the cycles of the writer's mapping while "
	    "the buffers fit, %.0f %% when they do not",
	    100 * cheap, 100 * dear);
	SAY(p->why,
	    "Cycles of stores, invalidations and interrupts of those that the writer "
	    "pays when it maps; almost nothing is less than %.0f %%. A "
	    "program that writes from one buffer, as all that were traced "
	    "do, pays 16 times in its life; one that uses more pages than the "
	    "pool has pays one local invalidation a page.",
	    100 * ALMOST_NOTHING);
}

static void
measure_pipe(struct eph_claim_run *r)
{
	decide_interrupts(r);
	decide_mask(r);
	decide_cost(r);
}

const struct eph_claim eph__claim_pipe = {
	.number = 6,
	.name = "pipe-target-maps",
	.group = "pipes",
	.title =
	    "mapping at the target, not the originator, frees pipes of IPIs",
	.text = "Mapping at the target instead of the originator: the IPIs of "
		"a pipe go away; with a CPU mask only first uses on a CPU "
		"pay; for pipes the cached mapping costs almost nothing.",
	.origin = "Dillon, DragonFly kernel list, 24712b9068",
	.date = "2004-03",
	.method =
	    "4 and 64 MiB through a pipe in writes of 64 KiB, on 2 to 16 CPUs, "
	    "mapped by the writer (kmem) and by the reader (sfbuf1), "
	    "the writer using 1 to 128 buffers; and private maps on "
	    "CPUs in turn.",
	.rule = "the reader's form sends no IPI and the writer's some; with "
		"the mask, invalidations = pages x CPUs; almost nothing is "
		"below 5 % of the cycles of the writer's mapping",
	.measure = measure_pipe,
};
