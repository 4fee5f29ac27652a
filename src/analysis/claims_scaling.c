/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims of 2009: fixed pools against lwbufs, with and without a cache.
 *
 * One grid serves three of them: how files are chosen, times how long a page
 * is held.  Rate and hold time of three columns were measured behind nginx
 * on loopback, at 1 Gbit/s and at 100 Mbit/s; the first is a copy to user
 * memory, over at once.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims_impl.h"

#define POOL 4096u
#define CPUS 4u

struct link {
	const char *name;
	unsigned conns;
	uint64_t gap_ns;
	uint64_t hold_ns;
};

static const struct link links[] = {
	{ "copy", 4, 10000, 5000 },
	{ "loopback", 16, 31000, 551000 },
	{ "gigabit", 32, 1011000, 99800000 },
	{ "100mbit", 32, 10500000, 1169000000 },
};

static const struct {
	const char *name;
	const char *what;
	enum claim_choice choice;
	uint32_t files;
	uint32_t pages;
	uint32_t refs; /* by all connections, about */
} loads[] = {
	{ "same", "one file of 64 pages", CLAIM_SAME, 1, 64, 16384 },
	{ "own", "a file of 64 pages for each connection, again and again",
	    CLAIM_OWN, 64, 64, 16384 },
	{ "zipf", "2,000 files by Zipf's law, 36,000 pages", CLAIM_ZIPF, 2000,
	    18, 36864 },
	{ "scan", "16,384 pages in a circle, four times the pool", CLAIM_NEXT,
	    512, 32, 36864 },
};

#define NLINKS (sizeof(links) / sizeof(links[0]))
#define NLOADS (sizeof(loads) / sizeof(loads[0]))
#define NCELLS (NLINKS * NLOADS)

enum {
	D_ACCESSED,
	D_DYNAMIC,
	D_BEST,
	D_PCPU,
	D_HASH,
	D_OBJCACHE,
	NDESIGNS,
};

static const char *const designs[NDESIGNS] = { "sf_buf.accessed",
	"sf_buf.dynamic", "ephmap.best", "lwbuf.pcpu", "sf_buf.hash",
	"lwbuf.objcache" };

struct cell {
	const char *load;
	const char *link;
	double cycles[NDESIGNS];  /* of a map */
	double forgets[NDESIGNS]; /* where nothing is found past its free */
	struct eph_counters c[NDESIGNS];
	unsigned best;	       /* the cheapest */
	unsigned best_forgets; /* the cheapest of `forgets' */
	bool buys;
};

/* "Buys anything": a tenth of the cycles of a map, or more. */
#define WORTH 0.9

static void
judge_cell(struct cell *cell)
{
	cell->best = cell->best_forgets = 0;
	for (unsigned d = 1; d < NDESIGNS; d++) {
		if (cell->cycles[d] < cell->cycles[cell->best])
			cell->best = d;
		if (cell->forgets[d] < cell->forgets[cell->best_forgets])
			cell->best_forgets = d;
	}
	cell->buys = cell->cycles[cell->best] <
	    WORTH * cell->forgets[cell->best_forgets];
}

/*
 * The control: the same operations, but a page that nobody holds any more
 * comes back as another one.  What is held at once is still shared; nothing
 * can be found past its last free.
 */
static void
forget_pages(struct eph_claim_run *r, const struct claim_stream *s,
    struct claim_stream *out)
{
	uint32_t *name = calloc(s->npages + 1, sizeof(*name));
	uint32_t *held = calloc(s->npages + 1, sizeof(*held));
	uint32_t names = 0;

	memset(out, 0, sizeof(*out));
	if (name == NULL || held == NULL)
		eph__claim_error(
		    r, eph_err_set(r->err, ENOMEM, "out of memory"));
	for (size_t i = 0; r->error == 0 && i < s->n; i++) {
		const struct eph_op *op = &s->ops[i];

		if (op->kind == EPH_OP_DELAY) {
			eph__claim_delay(r, out, eph_op_delay_ns(op));
			continue;
		}
		if (op->kind == EPH_OP_MAP && held[op->page]++ == 0)
			name[op->page] = names++;
		else if (op->kind == EPH_OP_UNMAP)
			held[op->page]--;
		eph__claim_op(r, out, op->kind, op->flags, op->cpu,
		    name[op->page], op->slot);
	}
	free(name);
	free(held);
	SAY(out->name, "%.48s-forgets", s->name);
	eph__claim_stream_done(r, out,
	    "the same, but a page that nobody holds comes back as another one");
}

static double
cycles_of(struct eph_claim_run *r, struct claim_stream *s, const char *design,
    struct eph_counters *c)
{
	struct eph_run_result res;

	(void)eph__claim_replay(r, s, design, CPUS, POOL, &res);
	*c = res.counters;
	return (
	    c->map_calls > 0 ? (double)c->cycles / (double)c->map_calls : 0);
}

static void
run_cell(
    struct eph_claim_run *r, unsigned load, unsigned link, struct cell *cell)
{
	char name[32];
	const struct claim_sendfile sf = { name, loads[load].choice,
		links[link].conns, loads[load].files, loads[load].pages,
		eph__claim_scaled(r, loads[load].refs, 1) /
			(loads[load].pages * links[link].conns) +
		    1,
		links[link].gap_ns, links[link].hold_ns, CPUS, true, false };
	struct claim_stream s, forgets;
	struct eph_counters c;

	(void)snprintf(
	    name, sizeof(name), "%s-%s", loads[load].name, links[link].name);
	cell->load = loads[load].name;
	cell->link = links[link].name;
	eph__claim_sendfile(r, &sf, &s);
	forget_pages(r, &s, &forgets);
	for (unsigned d = 0; d < NDESIGNS; d++) {
		cell->cycles[d] = cycles_of(r, &s, designs[d], &cell->c[d]);
		cell->forgets[d] = cycles_of(r, &forgets, designs[d], &c);
		eph__claim_fact(r, cell->cycles[d], "cycles/map", "%s, %s: %s",
		    cell->load, cell->link, designs[d]);
		eph__claim_fact(r, cell->forgets[d], "cycles/map",
		    "%s, %s: %s, nothing found past its free", cell->load,
		    cell->link, designs[d]);
		eph__claim_fact(r,
		    eph__claim_percent((double)cell->c[d].hit_inactive,
			(double)cell->c[d].map_calls),
		    "%", "%s, %s: %s, found past the last free", cell->load,
		    cell->link, designs[d]);
	}
	for (unsigned i = 0; i < 2; i++)
		eph__claim_step(r,
		    "ephmap compare --cpus %u --nbufs %u --design "
		    "sf_buf.accessed,sf_buf.dynamic,ephmap.best,lwbuf.pcpu,"
		    "sf_buf.hash,lwbuf.objcache %s.ept",
		    CPUS, POOL, i == 0 ? name : forgets.name);
	judge_cell(cell);
	eph__claim_stream_free(&s);
	eph__claim_stream_free(&forgets);
}

/* Parallel sendfiles, closed loop: who sleeps for a buffer sends nothing. */
enum { F_SMALL, F_LARGE, F_DYNAMIC, F_SAME, NFIXED };

static const struct {
	const char *what;
	const char *design;
	uint32_t nbufs;
	const char *pick;
} fixed[NFIXED] = {
	{ "own files, fixed pool of 1024", "sf_buf.accessed", 1024, "own" },
	{ "own files, fixed pool of 6656", "sf_buf.accessed", 6656, "own" },
	{ "own files, sf_buf.dynamic", "sf_buf.dynamic", 1024, "own" },
	{ "the same file, fixed pool of 1024", "sf_buf.accessed", 1024,
	    "same" },
};

struct parallel {
	uint64_t sleeps[NFIXED]; /* of all numbers of connections */
	unsigned from[NFIXED];	 /* the first that slept, 0: none */
	uint64_t ms[NFIXED];	 /* that the most connections took */
};

/* 8 MiB/s each; the socket buffer is what they send in 0.1 s. */
static void
send_parallel(
    struct eph_claim_run *r, unsigned conns, unsigned i, struct parallel *pl)
{
	const uint32_t requests = eph__claim_scaled(r, 4, 2);
	struct eph_run_result res;
	struct eph_work_result work;
	char text[160];
	uint64_t slept;

	(void)snprintf(text, sizeof(text),
	    "sendfile:conns=%u,files=%u,pick=%s,requests=%" PRIu32 ",size=256K,"
	    "sndbuf=800K,rate=8M,rtt=200000",
	    conns, conns, fixed[i].pick, requests);
	eph__claim_workload(
	    r, text, fixed[i].design, CPUS, fixed[i].nbufs, &res, &work);
	/* Who sleeps again has been counted. */
	slept = work.map_sleeps - work.map_spurious;
	pl->sleeps[i] += slept;
	if (pl->from[i] == 0 && slept > 0)
		pl->from[i] = conns;
	pl->ms[i] = eph__claim_work_fact(r, &work, "elapsed_ns") / 1000000;
	eph__claim_fact(r, (double)slept, "maps", "%u connections, %s: slept",
	    conns, fixed[i].what);
	eph__claim_fact(r, (double)pl->ms[i], "ms",
	    "%u connections, %s: time for %" PRIu32 " KiB each", conns,
	    fixed[i].what, requests * 256);
}

static void
decide_fixed(struct eph_claim_run *r)
{
	struct eph_claim_part *p;
	struct parallel pl = { .from = { 0 } };
	const unsigned times = r->cfg->scale > 1 ? 4 : 2;
	unsigned yes = 0;

	for (unsigned conns = 4; conns <= 128; conns *= times) {
		for (unsigned i = 0; i < NFIXED; i++)
			send_parallel(r, conns, i, &pl);
	}
	p = eph__claim_part(
	    r, "a fixed pool does not scale with parallel sendfiles");
	yes += pl.from[F_SMALL] != 0;
	yes += pl.from[F_LARGE] != 0;
	yes += pl.from[F_SAME] != 0;
	p->verdict = eph__claim_cases(pl.sleeps[F_DYNAMIC] == 0, yes, 3);
	SAY(p->condition,
	    "the connections hold more distinct pages than the "
	    "pool has buffers: different files on a slow link");
	SAY(p->measured,
	    "8 MiB/s each, held 0.1 s, own files: 1,024 buffers sleep from %u "
	    "connections on, 6,656 from %u on%s; same file: %" PRIu64 " sleeps",
	    pl.from[F_SMALL], pl.from[F_LARGE],
	    pl.from[F_LARGE] == 0 ? " (never)" : "", pl.sleeps[F_SAME]);
	SAY(p->why,
	    "4 to 128 connections, closed loop: sendfile with a link of its "
	    "own for each. Buffers in use are pages held, that is rate times "
	    "hold time, whatever the pool; so each fixed size has a number of "
	    "connections above which they sleep, unless they share pages, and "
	    "more connections send no faster: 128 take %" PRIu64
	    " ms with 1,024 buffers, %" PRIu64 " ms with 6,656, %" PRIu64
	    " ms with sf_buf.dynamic, which limits only unreferenced buffers "
	    "and slept %" PRIu64 " times.",
	    pl.ms[F_SMALL], pl.ms[F_LARGE], pl.ms[F_DYNAMIC],
	    pl.sleeps[F_DYNAMIC]);
}

static void
decide_lost(struct eph_claim_run *r, const struct cell *cell)
{
	struct eph_claim_part *p = eph__claim_part(r, "lwbuf loses the cache");
	uint64_t hits = 0, lwbuf = 0, cheaper = 0;

	for (unsigned i = 0; i < NCELLS; i++) {
		const struct eph_counters *a = &cell[i].c[D_ACCESSED];
		const struct eph_counters *o = &cell[i].c[D_OBJCACHE];

		hits += a->hit_active + a->hit_inactive;
		lwbuf += o->hit_active + o->hit_inactive;
		cheaper +=
		    cell[i].cycles[D_OBJCACHE] < cell[i].cycles[D_ACCESSED];
	}
	p->verdict = eph__claim_cases(hits > 0, lwbuf == 0, 1);
	SAY(p->measured,
	    "hits %" PRIu64 " in sf_buf.accessed, %" PRIu64
	    " in lwbuf.objcache, which is cheaper in %" PRIu64 " of %zu cells",
	    hits, lwbuf, cheaper, NCELLS);
	SAY(p->why,
	    "An lwbuf is found by nobody: every map is a store and a local "
	    "invalidation, on the same streams where the pool with a hash "
	    "finds pages. Whether that costs more is another question: a miss "
	    "of the pool interrupts other CPUs, a map of lwbuf never does.");
}

/* The cells for which `yes' is set, by load, for a condition. */
static void
list_cells(const bool yes[NCELLS], char *text, size_t size)
{
	size_t n = 0;

	for (unsigned l = 0; l < NLOADS; l++) {
		unsigned of = 0;

		for (unsigned k = 0; k < NLINKS; k++)
			of += yes[l * NLINKS + k];
		if (n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s:%s",
			    n > 0 ? ", " : "", loads[l].name,
			    of == NLINKS  ? " every hold time"
				: of == 0 ? " none"
					  : "");
		for (unsigned k = 0; k < NLINKS; k++) {
			if (of > 0 && of < NLINKS && n < size &&
			    yes[l * NLINKS + k])
				n += (size_t)snprintf(
				    text + n, size - n, " %s", links[k].name);
		}
	}
}

static void
decide_caching(struct eph_claim_run *r, const struct cell *cell)
{
	struct eph_claim_part *p =
	    eph__claim_part(r, "caching past the free buys something");
	double best_gain = 0, worst_gain = 100;
	unsigned buys = 0, found = 0;
	bool yes[NCELLS];

	for (unsigned i = 0; i < NCELLS; i++) {
		const double gain = 100 -
		    eph__claim_percent(cell[i].cycles[cell[i].best],
			cell[i].forgets[cell[i].best_forgets]);

		buys += cell[i].buys;
		yes[i] = cell[i].buys;
		found += cell[i].c[D_ACCESSED].hit_inactive > 0;
		best_gain = gain > best_gain ? gain : best_gain;
		worst_gain = gain < worst_gain ? gain : worst_gain;
		eph__claim_fact(r, gain, "%",
		    "%s, %s: saved; %s with, %s without", cell[i].load,
		    cell[i].link, designs[cell[i].best],
		    designs[cell[i].best_forgets]);
	}
	p->verdict = eph__claim_cases(found > 0, buys, NCELLS);
	list_cells(yes, p->condition, sizeof(p->condition));
	SAY(p->measured,
	    "finding pages past their free saves 10 %% of the cycles of a "
	    "map in %u of %zu cells (%.0f to %.0f %%)",
	    buys, NCELLS, worst_gain, best_gain);
	SAY(p->why,
	    "Four ways of choosing files times four hold times, on %u CPUs "
	    "with %u buffers. The cheapest of six designs, by the cost "
	    "profile, against the cheapest of the same six on the same stream "
	    "with each page renamed once nobody holds it. So neither sharing "
	    "between concurrent users nor another design's cheaper "
	    "invalidation is taken for caching. Where the share is negative, "
	    "compare the TLB misses with those of --tlb infinite: buffers "
	    "that keep their addresses may crowd into few of the TLB's sets.",
	    CPUS, POOL);
}

static void
decide_percpu(struct eph_claim_run *r, const struct cell *cell)
{
	struct eph_claim_part *p = eph__claim_part(
	    r, "per-CPU records with passive IPIs beat the global index");
	uint64_t ipis[2] = { 0 }, locks[2] = { 0 }, passive = 0;
	unsigned yes = 0;
	bool wins[NCELLS];

	for (unsigned i = 0; i < NCELLS; i++) {
		const struct eph_counters *g = &cell[i].c[D_ACCESSED];
		const struct eph_counters *l = &cell[i].c[D_PCPU];

		wins[i] = cell[i].cycles[D_PCPU] < cell[i].cycles[D_ACCESSED];
		yes += wins[i];
		ipis[0] += g->ipi_sent;
		ipis[1] += l->ipi_sent;
		locks[0] += g->lock_acquire;
		locks[1] += l->lock_acquire;
		passive += l->ipiq_passive;
	}
	eph__claim_fact(
	    r, (double)ipis[0], "IPIs", "all cells: sf_buf.accessed");
	eph__claim_fact(r, (double)ipis[1], "IPIs", "all cells: lwbuf.pcpu");
	eph__claim_fact(
	    r, (double)passive, "messages", "all cells: lwbuf.pcpu, passive");
	eph__claim_fact(
	    r, (double)locks[0], "locks", "all cells: sf_buf.accessed");
	eph__claim_fact(r, (double)locks[1], "locks", "all cells: lwbuf.pcpu");
	p->verdict = eph__claim_cases(ipis[0] > 0 && passive > 0, yes, NCELLS);
	list_cells(wins, p->condition, sizeof(p->condition));
	SAY(p->measured,
	    "lwbuf.pcpu is cheaper in %u of %zu cells: IPIs %" PRIu64
	    " against %" PRIu64 ", locks %" PRIu64 " against %" PRIu64
	    ", and %" PRIu64 " passive messages",
	    yes, NCELLS, ipis[1], ipis[0], locks[1], locks[0], passive);
	SAY(p->why,
	    "Records of the mapping CPU need no lock, and a free elsewhere "
	    "sends a message that interrupts nobody. The price is a map for "
	    "each CPU that sends the page. Lock contention, which lockstep "
	    "has none of, would add to the global index.");
}

static void
measure_scaling(struct eph_claim_run *r)
{
	struct cell cell[NCELLS];

	memset(cell, 0, sizeof(cell));
	decide_fixed(r);
	for (unsigned l = 0; l < NLOADS; l++) {
		for (unsigned k = 0; k < NLINKS; k++)
			run_cell(r, l, k, &cell[l * NLINKS + k]);
	}
	decide_lost(r, cell);
	decide_caching(r, cell);
	decide_percpu(r, cell);
}

const struct eph_claim eph__claim_scaling = {
	.number = 9,
	.name = "pool-or-lwbuf",
	.group = "scaling",
	.title =
	    "a fixed pool does not scale; lwbuf scales and loses the cache",
	.text = "A fixed pool does not scale with parallel sendfiles; lwbuf "
		"loses the cache; does caching past the free buy anything, "
		"and for which workload and hold time; per-CPU records with "
		"passive IPIs against the global index.",
	.origin = "Dillon and Greear, DragonFly kernel list",
	.date = "2009-03",
	.method = "Sleeps of the sendfile consumer with 4 to 128 connections, "
		  "closed loop; then streams, open loop: four ways of "
		  "choosing files times four hold times (5 us to 1.2 s), six "
		  "designs: hits, IPIs, locks and cycles of a map.",
	.rule = "sleeps at every fixed pool; no hit with lwbuf; caching buys "
		"something where it saves 10 % of the cycles of a map; "
		"per-CPU records win where they cost fewer cycles",
	.measure = measure_scaling,
};
