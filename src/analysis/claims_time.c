/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims of time: published rates and latencies against the clocks.
 *
 * A number is modelled from a machine's profile and from what the load costs
 * besides mapping.  That is fitted to another number of the same source, never
 * to the one that is compared; each part says which.  A shape holds when the
 * modelled number is within half as much again of the published one.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mbuf.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/world.h"
#include "exec/clock.h"

#define NEAR 1.5

/* Decide a part, and say what was found. */
static void
judge(struct eph_claim_run *r, const char *text, const char *unit,
    double published, double modelled, const char *why)
{
	struct eph_claim_part *p = eph__claim_part(r, text);
	const double ratio = modelled / published;

	p->verdict = !(modelled > 0)		 ? EPH_CANNOT_TELL
	    : ratio <= NEAR && ratio >= 1 / NEAR ? EPH_HOLDS
						 : EPH_HOLDS_NOT;
	SAY(p->measured, "published %.4g, modelled %.4g %s, ratio %.2f",
	    published, modelled, unit, ratio);
	SAY(p->why, "%s", why);
	eph__claim_fact(r, published, unit, "%s: published", text);
	eph__claim_fact(r, modelled, unit, "%s: modelled", text);
}

/* A run of p lines under clocks. */
struct timing {
	const char *machine;
	const char *shootdown; /* NULL: the design's */
	const char *design;
	unsigned cpus;
	uint32_t nbufs;
	uint64_t think_ns;
	unsigned flags;
	enum eph_load load;
};

static bool
timed(struct eph_claim_run *r, struct claim_stream *s, const struct timing *t,
    struct eph_run_result *out)
{
	const struct eph_time_config time = { .load = t->load,
		.think_ns = t->think_ns };
	const struct eph_run_config cfg = {
		.design = eph_design_find(t->design),
		.machine = t->machine,
		.shootdown = t->shootdown != NULL
		    ? eph_shootdown_find(t->shootdown)
		    : NULL,
		.cpus = t->cpus,
		.nbufs = t->nbufs,
		.seed = r->seed,
		.flags = t->flags,
		.touch = EPH_TOUCH_READ,
		.time = &time,
	};
	struct eph_op_source src;
	int error;

	*out = (struct eph_run_result){ 0 };
	if (r->error != 0)
		return (false);
	src = eph__claim_stream_source(s);
	error = eph_replay_run(&cfg, &src, out, r->err);
	eph__claim_error(r, error);
	eph__claim_step(r,
	    "ephmap run --time --machine %s --design %s --cpus %u --nbufs "
	    "%" PRIu32 " --think %" PRIu64 " --load %s --flags %s %s%s%s.ept",
	    t->machine, t->design, t->cpus, t->nbufs, t->think_ns,
	    t->load == EPH_LOAD_OPEN ? "open" : "closed",
	    (t->flags & SFB_CPUPRIVATE) != 0 ? "private" : "shared",
	    t->shootdown != NULL ? "--shootdown " : "",
	    t->shootdown != NULL ? t->shootdown : "",
	    t->shootdown != NULL ? " " : "");
	return (error == 0);
}

/* Nanoseconds from one map of a CPU to its next. */
static double
each_ns(const struct eph_run_result *res, unsigned threads)
{
	const struct eph_time *t = &res->time;

	return (t->operations == 0 ? 0
				   : (double)t->elapsed * 1000 / t->mhz *
		    threads / (double)t->operations);
}

/* Pages that nobody has mapped before, `each' by each of `threads' CPUs. */
static void
fresh_pages(struct eph_claim_run *r, struct claim_stream *s, unsigned threads,
    uint32_t each)
{
	*s = (struct claim_stream){ .name = "" };
	SAY(s->name, "fresh-%u", threads);
	for (uint32_t i = 0; i < each * threads; i++)
		eph__claim_op(r, s, EPH_OP_REF, 0, i % threads, i, 0);
	eph__claim_stream_done(
	    r, s, "%u CPUs, %" PRIu32 " new pages each", threads, each);
}

/* What a load takes besides, so that an operation takes `want_ns'. */
static uint64_t
fit_think(struct eph_claim_run *r, struct claim_stream *s, struct timing t,
    double want_ns)
{
	struct eph_run_result res;
	double none;

	t.think_ns = 0;
	if (!timed(r, s, &t, &res))
		return (0);
	none = each_ns(&res, 1);
	return (want_ns > none ? (uint64_t)(want_ns - none) : 0);
}

/* Pipes, 2004 */

static void
measure_pipe(struct eph_claim_run *r)
{
	static const double page = 4096;
	struct timing t = { .machine = "i386-p4",
		.design = "sf_buf.cpumask",
		.cpus = 2,
		.nbufs = 64,
		.flags = SFB_CPUPRIVATE };
	struct claim_stream s;
	struct eph_run_result res;

	fresh_pages(r, &s, 1, eph__claim_scaled(r, 4000, 500));
	t.think_ns = fit_think(r, &s, t, page * 1e3 / 550);
	t.flags = 0;
	if (timed(r, &s, &t, &res))
		judge(r, "a pipe through shared mappings", "MB/s", 350,
		    page * 1e3 / each_ns(&res, 1),
		    "Fitted: what a page takes besides mapping, to the 550 MB/s "
		    "of private mappings. Not fitted: the interrupt, 13,000 "
		    "cycles and the invalidation at 2.4 GHz, of a profile that "
		    "is a Pentium 4; the machine was a Pentium III.");
	eph__claim_stream_free(&s);
}

/* Buffers of a file system, 2017 */

static void
measure_kvabio(struct eph_claim_run *r)
{
	enum { CPUS = 32, BUFFER = 65536 };
	struct timing t = { .machine = "amd64-2x16",
		.design = "kva.qenter",
		.shootdown = "acked-invlpg",
		.cpus = CPUS,
		.nbufs = 1024,
		.load = EPH_LOAD_OPEN };
	const uint32_t buffers = eph__claim_scaled(r, 4000, 500);
	struct claim_stream s = { .name = "uncached-read" };
	struct eph_run_result res;
	double rate[2] = { 0 };

	for (uint32_t i = 0; i < buffers; i++) {
		eph__claim_op(r, &s, EPH_OP_REF, 0, i % CPUS, i, 0);
		eph__claim_delay(r, &s, BUFFER * 1000u / 600);
	}
	eph__claim_stream_done(r, &s,
	    "%" PRIu32 " buffers of 64 KiB, 600 MB/s, on %d CPUs in turn",
	    buffers, CPUS);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1) {
			t.design = "kvabio";
			t.shootdown = NULL;
		}
		if (timed(r, &s, &t, &res))
			rate[i] = (double)res.counters.ipi_sent / CPUS * 1e6 *
			    res.time.mhz / (double)res.time.elapsed;
	}
	judge(r, "IPIs that a CPU gets, mapped for all", "IPIs/s", 25000,
	    rate[0],
	    "Fitted: nothing but the load, 600 MB/s, the rate before the "
	    "change. Assumed: buffers of 64 KiB, mapped and unmapped once for "
	    "each read, each a request to all CPUs. Not modelled: what other "
	    "subsystems invalidate, which the published number has too.");
	judge(r, "IPIs that a CPU is spared, mapped for one", "IPIs/s",
	    25000 - 200, rate[0] - rate[1],
	    "The same load through kvabio, where a CPU invalidates for itself "
	    "what it looks at.");
	eph__claim_stream_free(&s);
}

/*
 * Shootdowns and nothing else: each CPU thinks, and then has one other CPU,
 * or all, invalidate a page.
 */
struct storm {
	const char *machine;
	const char *shootdown;
	unsigned cpus;
	bool all;
	uint64_t think; /* cycles */
	unsigned rounds;
};

/* Mean cycles of a shootdown, and shootdowns a cycle. */
struct weather {
	double each;
	double rate;
};

static struct weather
storm_play(const struct storm *st, struct eph_machine *mc, eph_va_t va)
{
	struct weather w = { 0 };
	uint64_t last = 0;

	for (unsigned i = 0; i < st->rounds * st->cpus; i++) {
		eph_cpuword_t set[EPH_CPUSET_WORDS_MAX] = { 0 };
		unsigned cpu = 0;
		uint64_t from;

		for (unsigned c = 1; c < st->cpus; c++) {
			if (eph__clock_of(mc, c) < eph__clock_of(mc, cpu))
				cpu = c;
		}
		eph_cpu_enter(mc, cpu);
		for (unsigned c = 0; c < st->cpus; c++) {
			if (c != cpu && (st->all || c == (cpu + 1) % st->cpus))
				eph_cpuset_set(set, c);
		}
		eph__clock_until(mc, cpu, eph__clock_of(mc, cpu) + st->think,
		    EPH_CYCLES_book);
		from = eph_clock_now(mc);
		crit_enter(mc);
		if (st->cpus > 1)
			smp_masked_invlpg(mc, set, va);
		crit_exit(mc);
		w.each += (double)(eph_clock_now(mc) - from);
		if (eph_clock_now(mc) > last)
			last = eph_clock_now(mc);
	}
	w.each /= (double)st->rounds * st->cpus;
	w.rate = (double)st->rounds * st->cpus / (double)last;
	return (w);
}

static struct weather
storm(struct eph_claim_run *r, const struct storm *st)
{
	const struct eph_world_config cfg = { .machine = st->machine,
		.cpus = st->cpus,
		.seed = r->seed,
		.shootdown = eph_shootdown_find(st->shootdown) };
	struct weather out = { 0 };
	struct eph_world *w;
	int error;

	if (r->error != 0)
		return (out);
	if ((error = eph_world_create(&cfg, &w, r->err)) != 0) {
		eph__claim_error(r, error);
		return (out);
	}
	if (eph__clock_create(eph_world_machine(w)) != 0)
		eph__claim_error(
		    r, eph_err_set(r->err, ENOMEM, "out of memory"));
	else
		out = storm_play(st, eph_world_machine(w),
		    kva_alloc(eph_world_machine(w), 1));
	(void)eph_world_abandon(w);
	eph__claim_step(r,
	    "%u CPUs of %s, %s: each has %s invalidate a page, %u times, "
	    "%" PRIu64 " cycles apart: %.0f cycles each",
	    st->cpus, st->machine, st->shootdown,
	    st->all ? "all others" : "one", st->rounds, st->think, out.each);
	return (out);
}

static void
measure_targets(struct eph_claim_run *r)
{
	struct storm st = { .machine = "amd64-numa80",
		.shootdown = "early-ack",
		.cpus = 10,
		.rounds = eph__claim_scaled(r, 40, 10) };

	judge(r, "one target, 10 CPUs busy", "cycles", 7000, storm(r, &st).each,
	    "Fitted: nothing here. An interrupt's flight is 2.7 us on 16 and "
	    "6.6 us on 120 CPUs, by another source and machine.");
	st.cpus = 80;
	judge(r, "one target, 80 CPUs busy", "cycles", 37000,
	    storm(r, &st).each,
	    "Fitted: nothing. All 80 CPUs interrupt a neighbour, and handle "
	    "one's. The flight grows linearly with the CPUs here; that machine "
	    "grew faster: its interconnect queues, which is not modelled.");
	st.all = true;
	judge(r, "79 targets", "cycles", 1.8e6, storm(r, &st).each,
	    "Fitted: nothing. All 80 CPUs interrupt all others at once, so that "
	    "each handles 79. What is missing is again the interconnect, and "
	    "what the kernel does for each target: the published number is "
	    "22,800 cycles a target, this one sends in 1,000.");
}

/* Lazy vmap, 2008 */

static void
measure_vmap(struct eph_claim_run *r)
{
	static const double old[] = { 14.7, 33.6, 49.5, 70.6 };
	const uint32_t each = eph__claim_scaled(r, 400, 100);
	struct timing lazy = { .machine = "amd64-opteron8",
		.design = "linux.vm_map_ram",
		.cpus = 8,
		.nbufs = 1024 };
	struct timing eager = { .machine = "amd64-opteron8",
		.design = "sf_buf.cpumask",
		.shootdown = "rendezvous",
		.cpus = 8,
		.nbufs = 64 };
	struct claim_stream s;
	struct eph_run_result res;

	fresh_pages(r, &s, 1, each);
	lazy.think_ns = eager.think_ns = fit_think(r, &s, lazy, 2900);
	eph__claim_stream_free(&s);
	for (unsigned i = 0; i < 4; i++) {
		char text[64];

		fresh_pages(r, &s, 1u << i, each);
		SAY(text, "a flush for each unmap, %u threads on 8 CPUs",
		    1u << i);
		if (timed(r, &s, &eager, &res))
			judge(r, text, "us", old[i],
			    each_ns(&res, 1u << i) / 1000,
			    "Fitted: what a map, touch and unmap take besides, "
			    "to the 2.9 us of one thread with lazy flushes. Not "
			    "fitted: interrupts of an Opteron of 2004, and one "
			    "request at a time for all CPUs. The shape is there; "
			    "what is missing is that the published flush took "
			    "11.8 us by itself, three times what seven such "
			    "interrupts and answers take here.");
		if (i == 3 && timed(r, &s, &lazy, &res))
			judge(r, "lazy flushes, 8 threads on 8 CPUs", "us", 2.9,
			    each_ns(&res, 8) / 1000,
			    "Fitted to one thread. Eight share nothing but the "
			    "flush at every wrap.");
		eph__claim_stream_free(&s);
	}
}

/* INVLPGB, 2025 */

static void
measure_invlpgb(struct eph_claim_run *r)
{
	static const struct {
		unsigned cpus;
		double ratio;
	} rows[] = { { 2, 1.00 }, { 4, 1.60 }, { 8, 1.94 }, { 16, 1.86 },
		{ 32, 1.58 }, { 72, 1.63 } };
	const double mhz = eph_machine_model_find("amd64-milan")->mhz;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storm st = { .machine = "amd64-milan",
			.shootdown = "early-ack",
			.cpus = rows[i].cpus,
			.all = true,
			.think = (uint64_t)(mhz * 1e6 / 315e3),
			.rounds = eph__claim_scaled(r, 60, 15) };
		const double ipi = storm(r, &st).rate;
		char text[64];

		st.shootdown = "broadcast";
		SAY(text, "INVLPGB against IPIs, %u threads", rows[i].cpus);
		judge(r, text, "times", rows[i].ratio,
		    storm(r, &st).rate / (ipi > 0 ? ipi : 1),
		    "Fitted: what a loop takes besides, to the 315,000 loops a "
		    "second of one thread. Not fitted: interrupts and "
		    "broadcasts, which nobody published, and which are assumed. "
		    "Not modelled: the locks that stop both above a million "
		    "loops a second, so that the ratio of many threads is that "
		    "of shootdowns alone.");
	}
}

/* A header in a packet of its own, 2004 */

static double
fetches(struct eph_claim_run *r, bool join)
{
	const struct eph_time_config time = { .load = EPH_LOAD_CLOSED };
	const struct eph_run_config cfg = {
		.design = eph_design_find("sf_buf.accessed"),
		.machine = "i386-p4",
		.cpus = 2,
		.nbufs = 1024,
		.seed = r->seed,
		.time = &time,
	};
	struct eph_workload wl;
	struct eph_work_result work;
	struct eph_run_result res = { 0 };
	char text[96];
	int error;

	SAY(text,
	    "sendfile:conns=8,requests=%" PRIu32 ",files=16,size=8192,join=%s",
	    eph__claim_scaled(r, 40, 10), join ? "yes" : "no");
	if (r->error != 0)
		return (0);
	if ((error = eph_workload_parse(text, &wl, r->err)) == 0)
		error = eph_workload_run(
		    &cfg, &wl, &res, &work, NULL, NULL, r->err);
	eph__claim_error(r, error);
	eph__claim_step(r,
	    "ephmap run --time --machine i386-p4 --design sf_buf.accessed "
	    "--cpus 2 --workload %s",
	    text);
	if (error != 0 || res.time.elapsed == 0)
		return (0);
	return ((double)work.operations * 1e6 * res.time.mhz /
	    (double)res.time.elapsed);
}

static void
measure_header(struct eph_claim_run *r)
{
	const double two = fetches(r, false), one = fetches(r, true);

	judge(r, "fetches with one packet less", "times", 350.0 / 330,
	    one / (two > 0 ? two : 1),
	    "Fitted: nothing. The same files of 8 KiB over 8 connections, with "
	    "the header in front of the data or by itself. Not modelled: "
	    "Nagle's and the receiver's delays, and what a TCP segment costs "
	    "besides its mbufs.");
	eph__claim_fact(r, two, "fetches/s", "header by itself");
	eph__claim_fact(r, one, "fetches/s", "header in front of the data");
}

/* An mbuf and its cluster in one call, 2003 */

static double
pair_cycles(struct eph_claim_run *r, bool one_call)
{
	static const struct mbuf_costs costs = {
		.call = 20, .lock_take = 20, .line_move = 100, .atomic = 20
	};
	const struct eph_machine_config machine = { .ncpus = 1,
		.seed = r->seed };
	const struct mbuf_config cfg = { .allocator = "mb_alloc",
		.costs = &costs };
	const unsigned n = 1000;
	struct eph_machine *mc;
	struct mbuf_pool *mp;
	uint64_t from = 0, to = 0;
	int error;

	if (r->error != 0)
		return (0);
	if ((error = eph_machine_create(&machine, &mc, r->err)) != 0 ||
	    (error = mbuf_pool_create(mc, &cfg, &mp, r->err)) != 0) {
		eph__claim_error(r, error);
		return (0);
	}
	eph_cpu_enter(mc, 0);
	for (unsigned i = 0; i < 2 * n; i++) {
		struct mbuf *m;

		if (i == n)
			from = mbuf_clock(mp, 0);
		m = one_call ? m_getcl(mp, M_NOWAIT, MT_DATA, M_PKTHDR)
			     : m_gethdr(mp, M_NOWAIT, MT_DATA);
		if (m == NULL || (!one_call && !m_clget(m, M_NOWAIT)))
			break;
		m_freem(m);
	}
	to = mbuf_clock(mp, 0);
	(void)mbuf_pool_destroy(mp);
	(void)eph_machine_destroy(mc);
	return ((double)(to - from) / n);
}

static void
measure_getcl(struct eph_claim_run *r)
{
	const double two = pair_cycles(r, false), one = pair_cycles(r, true);

	judge(r, "faster allocation of mbuf and cluster", "%", 7.5,
	    100 * (two - one) / (two > 0 ? two : 1),
	    "Fitted: nothing; a call, a lock and an atomic are 20 cycles each, "
	    "assumed, and the allocation with its free is all that is counted. "
	    "Published were 5 to 10 %, of what is not said; where the "
	    "instructions of the allocator, which are not modelled, are most "
	    "of it, a lock less is a smaller share.");
	eph__claim_step(r,
	    "1,000 times m_gethdr, m_clget and m_freem on one CPU, mb_alloc; "
	    "1,000 times m_getcl and m_freem");
	eph__claim_fact(r, two, "cycles", "m_gethdr and m_clget, and free");
	eph__claim_fact(r, one, "cycles", "m_getcl, and free");
}

#define TIME_CLAIM(id, n, named, said, told, who, when, how, measured)         \
	const struct eph_claim id = {                                          \
		.number = n,                                                   \
		.name = named,                                                 \
		.group = "timing",                                             \
		.title = said,                                                 \
		.text = told,                                                  \
		.origin = who,                                                 \
		.date = when,                                                  \
		.method = how,                                                 \
		.rule =                                                        \
		    "holds where modelled and published number are within a "  \
		    "factor of 1.5",                                           \
		.measure = measured,                                           \
	}

TIME_CLAIM(eph__claim_time_pipe, 13, "time-pipe",
    "private mappings: a pipe of 550 instead of 350 MB/s",
    "A pipe that blows out the sf_buf cache runs at 550 MB/s with mappings "
    "that are private to a CPU, at 350 MB/s with shared ones.",
    "Dillon, DragonFly commit 24712b9068", "2004-04",
    "New pages on one of two CPUs, closed loop.", measure_pipe);
TIME_CLAIM(eph__claim_time_kvabio, 14, "time-kvabio",
    "KVABIO: 25,000 IPIs a CPU and second become fewer than 200",
    "Uncached reads at 600 MB/s cost each CPU 25,000 IPIs a second when a "
    "buffer is mapped for all CPUs, and fewer than 200 when each CPU "
    "synchronizes for itself.",
    "Dillon, DragonFly commit 04b8e83982", "2017-10",
    "Buffers that arrive at that rate, on 32 CPUs in turn.", measure_kvabio);
TIME_CLAIM(eph__claim_time_targets, 15, "time-targets",
    "a shootdown: 7,000 to 37,000 cycles for one target, 1.8 M for 79",
    "On 80 cores a shootdown of one target takes 7,000 cycles while 10 are "
    "busy and 37,000 while all are; one of 79 targets 1.8 million.",
    "Clements, RadixVM, thesis", "2013",
    "All CPUs shoot at once, at a neighbour or at all.", measure_targets);
TIME_CLAIM(eph__claim_time_vmap, 16, "time-vmap",
    "lazy vmap: 2.9 us instead of 14.7 to 70.6 us",
    "Mapping, touching and unmapping takes 14.7, 33.6, 49.5 and 70.6 us with 1, "
    "2, 4 and 8 threads when each unmap flushes 8 CPUs, and 2.9 us when flushes "
    "are put off.",
    "Piggin, Linux, vmap rewrite", "2008",
    "New pages, closed loop, 1 to 8 threads on 8 CPUs.", measure_vmap);
TIME_CLAIM(eph__claim_time_invlpgb, 17, "time-invlpgb",
    "INVLPGB: 1.6 to 1.9 times as many loops from 4 CPUs up",
    "A loop that flushes all CPUs of a process runs 1.6 to 1.9 times as often "
    "with INVLPGB as with IPIs, from 4 CPUs up.",
    "van Riel, Linux 6.15", "2025",
    "Shootdowns of all others, with think time, 2 to 72 CPUs.",
    measure_invlpgb);
TIME_CLAIM(eph__claim_time_header, 18, "time-header",
    "header and data in one packet: 350 instead of 330 fetches a second",
    "sendfile that puts its header and the first data into one packet serves "
    "350 instead of 330 fetches a second.",
    "FreeBSD and DragonFly, sendfile", "2004",
    "The sendfile consumer under clocks, both ways.", measure_header);
TIME_CLAIM(eph__claim_time_getcl, 19, "time-getcl",
    "m_getcl and a lock that is held: 5 to 10 %",
    "An mbuf and its cluster in one call, under one lock, are had 5 to 10 % "
    "faster.",
    "Milekic, FreeBSD mbuf allocator", "2003",
    "The mbuf pool with costs, on one CPU.", measure_getcl);
