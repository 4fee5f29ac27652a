/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims of 2003: one mapping for each page, and what that is good for.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

#define FILE_PAGES 64u
#define ROOMY	   131072u /* buffers: more than any stream here holds */

static const char *const sharing_designs[] = { "sf_buf.hash", "sf_buf.lru",
	"sf_buf.cpumask", "sf_buf.accessed", "sf_buf.dynamic", "sf_buf.sharded",
	"ephmap.best", NULL };

/* Most buffers in use while `conns` connections send one file. */
static uint64_t
peak_of(struct eph_claim_run *r, struct claim_stream *s, const char *design)
{
	struct eph_run_result res;

	(void)claim_replay(r, s, design, 4, ROOMY, &res);
	return (res.buffers_peak);
}

static void
measure_one_mapping(struct eph_claim_run *r)
{
	uint64_t shared_most = 0, first = 0, last = 0, lwbuf = 0;
	unsigned yes = 0, of = 0;
	struct eph_claim_part *p;

	for (unsigned conns = 1; conns <= 256; conns *= 4) {
		char name[32];
		const struct claim_sendfile sf = { name, CLAIM_SAME, conns, 1,
			FILE_PAGES, 4, 20000, 50000000, 4, true, false };
		struct claim_stream s;

		(void)snprintf(name, sizeof(name), "same-file-%u", conns);
		claim_sendfile(r, &sf, &s);
		last = peak_of(r, &s, "sf_buf.uncached");
		lwbuf = peak_of(r, &s, "lwbuf.objcache");
		first = conns == 1 ? last : first;
		claim_fact(r, (double)last, "buffers",
		    "%u connections: sf_buf.uncached, peak", conns);
		claim_fact(r, (double)lwbuf, "buffers",
		    "%u connections: lwbuf.objcache, peak", conns);
		for (unsigned i = 0; sharing_designs[i] != NULL; i++) {
			const uint64_t peak =
			    peak_of(r, &s, sharing_designs[i]);

			yes += peak <= FILE_PAGES;
			of++;
			if (peak > shared_most)
				shared_most = peak;
			claim_fact(r, (double)peak, "buffers",
			    "%u connections: %s, peak", conns,
			    sharing_designs[i]);
		}
		claim_stream_free(&s);
	}
	claim_step(r,
	    "ephmap compare --nbufs %u --design sf_buf.uncached,"
	    "lwbuf.objcache,sf_buf.hash,... same-file-N.ept",
	    ROOMY);
	p = claim_part(r, "buffers in use stay at the file's pages");
	p->verdict = claim_cases(last > 2 * first, yes, of);
	SAY(p->condition, "%u of %u runs of sharing designs stay at %u", yes,
	    of, FILE_PAGES);
	SAY(p->measured,
	    "file of %u pages, 1 to 256 connections: at most %" PRIu64
	    " buffers shared, %" PRIu64 " to %" PRIu64 " unshared",
	    FILE_PAGES, shared_most, first, last);
	SAY(p->why,
	    "Every design that looks a page up before it maps it used at most "
	    "%" PRIu64 " buffers for %u pages. The control is the pool before "
	    "it, one buffer a use: it grew from %" PRIu64 " to %" PRIu64
	    " on the same streams, so that connections do overlap. lwbuf, "
	    "which gave the hash up again, used %" PRIu64 ".",
	    shared_most, FILE_PAGES, first, last, lwbuf);
}

const struct eph_claim claim_one_mapping = {
	.number = 1,
	.name = "one-mapping",
	.group = "sharing",
	.title = "one mapping for each page serves all connections",
	.text = "One mapping for each page, shared by all connections that "
		"send the same file: the buffers used stay at the file's "
		"pages, whatever the connections.",
	.origin = "Hsu, DragonFly sf_buf; Ruan and Pai, DeBox",
	.date = "2003",
	.method = "1 to 256 connections send one file of 64 pages at once; "
		  "the most buffers ever in use, by design.",
	.rule = "holds if no sharing design ever uses more buffers than the "
		"file has pages; the unshared pool must more than double",
	.measure = measure_one_mapping,
};

static const uint32_t pools[] = { 512, 1024, 4096, 6656 };

#define NPOOLS (sizeof(pools) / sizeof(pools[0]))

/* Pools at which the hash sleeps less, and at which it sleeps more. */
struct sleeps {
	unsigned less, more;
	uint64_t first_uncached, first_hash;
	uint64_t total_uncached;
};

/* Maps that had to sleep: who sleeps again has been counted. */
static uint64_t
slept(const struct eph_counters *c)
{
	return (c->sleep - c->wakeup_spurious);
}

static void
compare_sleeps(
    struct eph_claim_run *r, struct claim_stream *s, struct sleeps *sl)
{
	struct eph_run_result un, ha;

	*sl = (struct sleeps){ 0 };
	for (unsigned i = 0; i < NPOOLS; i++) {
		(void)claim_replay(r, s, "sf_buf.uncached", 2, pools[i], &un);
		(void)claim_replay(r, s, "sf_buf.hash", 2, pools[i], &ha);
		claim_fact(r, (double)slept(&un.counters), "maps",
		    "%s, %" PRIu32 " buffers: maps that slept, sf_buf.uncached",
		    s->name, pools[i]);
		claim_fact(r, (double)slept(&ha.counters), "maps",
		    "%s, %" PRIu32 " buffers: maps that slept, sf_buf.hash",
		    s->name, pools[i]);
		sl->less += slept(&ha.counters) < slept(&un.counters);
		sl->more += slept(&ha.counters) > slept(&un.counters);
		sl->total_uncached += slept(&un.counters);
		if (i == 1) {
			sl->first_uncached = slept(&un.counters);
			sl->first_hash = slept(&ha.counters);
		}
	}
	claim_step(r,
	    "ephmap compare --design sf_buf.uncached,sf_buf.hash "
	    "--nbufs 512,1024,4096,6656 %s.ept",
	    s->name);
}

static void
decide_sleeps(
    struct eph_claim_run *r, const char *text, const struct sleeps *sl)
{
	struct eph_claim_part *p = claim_part(r, text);

	p->verdict = sl->less + sl->more == 0 && sl->total_uncached == 0
	    ? EPH_CANNOT_TELL
	    : claim_cases(true, sl->less, sl->less + sl->more);
	if (sl->less + sl->more == 0 && sl->total_uncached > 0)
		p->verdict = EPH_HOLDS_NOT;
	SAY(p->condition, "the pool is one of those where it does: %u of %u",
	    sl->less, sl->less + sl->more);
	SAY(p->measured,
	    "%s, 1,024 buffers: %" PRIu64 " maps sleep uncached, %" PRIu64
	    " with one mapping a page",
	    text, sl->first_uncached, sl->first_hash);
	SAY(p->why,
	    "Of %zu pool sizes, sf_buf.hash slept less often at %u and more "
	    "often at %u; where both counts are equal neither is counted. "
	    "Streams are open loop: a sender goes on with its next page while "
	    "an earlier one sleeps. A map that is woken for nothing and sleeps "
	    "again counts once.",
	    NPOOLS, sl->less, sl->more);
}

static void
measure_sleeps(struct eph_claim_run *r)
{
	/* As measured behind nginx on 1 Gbit/s: 31,633 pages a second. */
	const struct claim_sendfile shared = { "gigabit-zipf", CLAIM_ZIPF, 32,
		2000, 18, 12, 1011000, 99800000, 2, true, false };
	const struct claim_sendfile own = { "gigabit-own", CLAIM_OWN, 32, 32,
		216, 1, 1011000, 99800000, 2, true, false };
	struct claim_stream s;
	struct sleeps sl;

	claim_sendfile(r, &shared, &s);
	compare_sleeps(r, &s, &sl);
	decide_sleeps(r, "popular files", &sl);
	claim_stream_free(&s);
	claim_sendfile(r, &own, &s);
	compare_sleeps(r, &s, &sl);
	claim_fact(r, (double)sl.less + sl.more, "pools",
	    "control, no page mapped twice: pools that differ");
	claim_stream_free(&s);
	if (claim_capture(r, &s)) {
		SAY(s.name, "%s", "capture");
		compare_sleeps(r, &s, &sl);
		decide_sleeps(r, "the capture", &sl);
		claim_stream_free(&s);
	}
}

const struct eph_claim claim_sleeps = {
	.number = 2,
	.name = "duplicate-sleeps",
	.group = "sharing",
	.title = "more than one buffer a page makes sendfile sleep more often",
	.text = "Using more than one sf_buf for a single vm_page increases "
		"the likelihood that sendfile(2) blocks.",
	.origin = "Cox, FreeBSD i386 vm_machdep.c 1.219",
	.date = "2003-11-17",
	.method = "32 connections at 1 Gbit/s, pages held 99.8 ms, with 512, "
		  "1,024, 4,096 and 6,656 buffers: sleeps of the pool with "
		  "and without page hash. Control: no page is sent twice.",
	.rule = "holds if the hash sleeps less often at every pool size where "
		"the two differ, and they do differ",
	.measure = measure_sleeps,
};

/* Invalidations and interrupts of the second of two sends. */
static uint64_t
second_send(struct eph_claim_run *r, struct claim_stream *one,
    struct claim_stream *two, const char *design, uint32_t nbufs)
{
	struct eph_run_result a, b;

	(void)claim_replay(r, one, design, 4, nbufs, &a);
	(void)claim_replay(r, two, design, 4, nbufs, &b);
	return (claim_invalidations(&b.counters) -
	    claim_invalidations(&a.counters));
}

static void
measure_lazy(struct eph_claim_run *r)
{
	static const char *const designs[] = { "sf_buf.lru", "sf_buf.cpumask",
		"sf_buf.accessed", "sf_buf.sharded", NULL };
	static const uint32_t sizes[] = { 128, 192, 255, 256, 512 };
	struct claim_sendfile sf = { "send-once", CLAIM_SAME, 1, 1, 256, 1,
		20000, 1000000, 4, true, true };
	unsigned small = 0, small_of = 0, large = 0, large_of = 0;
	uint64_t control, worst = 0;
	struct claim_stream one, two;
	struct eph_claim_part *p;

	claim_sendfile(r, &sf, &one);
	sf.name = "send-twice";
	sf.sends = 2;
	/* The first send is over before the second starts. */
	sf.gap_ns = 2000000;
	claim_sendfile(r, &sf, &two);
	control = second_send(r, &one, &two, "sf_buf.hash", 512);
	claim_fact(r, (double)control, "events",
	    "second send, 512 buffers: sf_buf.hash (unmaps at once)");
	for (unsigned i = 0; designs[i] != NULL; i++) {
		for (unsigned k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
			const uint64_t n =
			    second_send(r, &one, &two, designs[i], sizes[k]);

			claim_fact(r, (double)n, "events",
			    "second send, %" PRIu32 " buffers: %s", sizes[k],
			    designs[i]);
			if (sizes[k] >= sf.pages) {
				large += n == 0;
				large_of++;
			} else {
				small += n == 0;
				small_of++;
				worst = n > worst ? n : worst;
			}
		}
	}
	claim_step(r,
	    "ephmap compare --cpus 4 --design sf_buf.hash,sf_buf.lru,"
	    "sf_buf.cpumask,sf_buf.accessed,sf_buf.sharded "
	    "--nbufs 128,192,255,256,512 send-once.ept (and "
	    "send-twice.ept; the difference is the second send)");
	p = claim_part(r, "the second send of the same pages is free");
	p->verdict =
	    claim_cases(control > 0, large + small, large_of + small_of);
	SAY(p->condition,
	    "the pool has a buffer for every page sent between "
	    "the two sends of a page: free in %u of %u cases "
	    "above, %u of %u below",
	    large, large_of, small, small_of);
	SAY(p->measured,
	    "256 pages: no event from 256 buffers on in %u of %u cases, up to "
	    "%" PRIu64 " events below, %" PRIu64 " without lazy update",
	    large, large_of, worst, control);
	SAY(p->why,
	    "Local and remote invalidations, flushes and interrupts of two "
	    "sends less those of one. With a buffer for every page the pool "
	    "is a cache; with one buffer less, LRU recycles just the page "
	    "that comes next, and nothing is found. sf_buf.hash, which "
	    "unmaps at the last free, pays %" PRIu64 " again: the control.",
	    control);
	claim_stream_free(&one);
	claim_stream_free(&two);
}

const struct eph_claim claim_lazy = {
	.number = 3,
	.name = "lazy-update",
	.group = "sharing",
	.title = "lazy update makes the pool a cache: a second send is free",
	.text = "The mapping persists after the last free, so that the pool "
		"is a cache of translations: the second send of the same "
		"pages costs no invalidation.",
	.origin = "Hsu, DragonFly 4860553a54; Cox, FreeBSD 1.220",
	.date = "2003-12",
	.method = "One connection sends 256 pages, once and twice, with 128 "
		  "to 512 buffers on 4 CPUs; the difference is what the "
		  "second send cost.",
	.rule = "holds if the second send costs nothing with every design and "
		"pool size; with some: holds only if; the design without lazy "
		"update must pay",
	.measure = measure_lazy,
};
