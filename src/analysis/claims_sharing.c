/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims of 2003: one mapping for each page, and what that is good for.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

#define FILE_PAGES 64u
#define SENDS	   4u
#define CONNS	   256u /* at most */

static const char *const sharing_designs[] = { "sf_buf.hash", "sf_buf.lru",
	"sf_buf.cpumask", "sf_buf.accessed", "sf_buf.dynamic", "sf_buf.sharded",
	"ephmap.best", NULL };

/* Buffers: more than any stream here holds. */
static uint32_t
roomy(const struct eph_claim_run *r)
{
	return (2 * CONNS * FILE_PAGES * eph__claim_scaled(r, SENDS, 1));
}

/* Most buffers in use while `conns` connections send one file. */
static uint64_t
peak_of(struct eph_claim_run *r, struct claim_stream *s, const char *design)
{
	struct eph_run_result res;

	(void)eph__claim_replay(r, s, design, 4, roomy(r), &res);
	return (res.buffers_peak);
}

static void
measure_one_mapping(struct eph_claim_run *r)
{
	uint64_t shared_most = 0, first = 0, last = 0, lwbuf = 0;
	unsigned yes = 0, of = 0;
	struct eph_claim_part *p;

	for (unsigned conns = 1; conns <= CONNS; conns *= 4) {
		char name[32];
		const struct claim_sendfile sf = { name, CLAIM_SAME, conns, 1,
			FILE_PAGES, eph__claim_scaled(r, SENDS, 1), 20000,
			50000000, 4, true, false };
		struct claim_stream s;

		(void)snprintf(name, sizeof(name), "same-file-%u", conns);
		eph__claim_sendfile(r, &sf, &s);
		last = peak_of(r, &s, "sf_buf.uncached");
		lwbuf = peak_of(r, &s, "lwbuf.objcache");
		first = conns == 1 ? last : first;
		eph__claim_fact(r, (double)last, "buffers",
		    "%u connections: sf_buf.uncached, peak", conns);
		eph__claim_fact(r, (double)lwbuf, "buffers",
		    "%u connections: lwbuf.objcache, peak", conns);
		for (unsigned i = 0; sharing_designs[i] != NULL; i++) {
			const uint64_t peak =
			    peak_of(r, &s, sharing_designs[i]);

			yes += peak <= FILE_PAGES;
			of++;
			if (peak > shared_most)
				shared_most = peak;
			eph__claim_fact(r, (double)peak, "buffers",
			    "%u connections: %s, peak", conns,
			    sharing_designs[i]);
		}
		eph__claim_step(r,
		    "ephmap compare --cpus 4 --nbufs %" PRIu32
		    " --design sf_buf.uncached,lwbuf.objcache,sf_buf.hash,"
		    "sf_buf.lru,sf_buf.cpumask,sf_buf.accessed,sf_buf.dynamic,"
		    "sf_buf.sharded,ephmap.best %s.ept",
		    roomy(r), name);
		eph__claim_stream_free(&s);
	}
	p = eph__claim_part(r, "buffers in use stay at the file's pages");
	p->verdict = eph__claim_cases(last > 2 * first, yes, of);
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

const struct eph_claim eph__claim_one_mapping = {
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

/* Invalidations and interrupts of the second of two sends. */
static uint64_t
second_send(struct eph_claim_run *r, struct claim_stream *one,
    struct claim_stream *two, const char *design, uint32_t nbufs)
{
	struct eph_run_result a, b;

	(void)eph__claim_replay(r, one, design, 4, nbufs, &a);
	(void)eph__claim_replay(r, two, design, 4, nbufs, &b);
	return (eph__claim_invalidations(&b.counters) -
	    eph__claim_invalidations(&a.counters));
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

	eph__claim_sendfile(r, &sf, &one);
	sf.name = "send-twice";
	sf.sends = 2;
	/* The first send is over before the second starts. */
	sf.gap_ns = 2000000;
	eph__claim_sendfile(r, &sf, &two);
	control = second_send(r, &one, &two, "sf_buf.hash", 512);
	eph__claim_fact(r, (double)control, "events",
	    "second send, 512 buffers: sf_buf.hash (unmaps at once)");
	for (unsigned i = 0; designs[i] != NULL; i++) {
		for (unsigned k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
			const uint64_t n =
			    second_send(r, &one, &two, designs[i], sizes[k]);

			eph__claim_fact(r, (double)n, "events",
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
	for (unsigned i = 0; i < 2; i++)
		eph__claim_step(r,
		    "ephmap compare --cpus 4 --design sf_buf.hash,sf_buf.lru,"
		    "sf_buf.cpumask,sf_buf.accessed,sf_buf.sharded "
		    "--nbufs 128,192,255,256,512 %s.ept",
		    i == 0 ? "send-once" : "send-twice");
	eph__claim_step(r, "the difference is the second send");
	p = eph__claim_part(r, "the second send of the same pages is free");
	p->verdict =
	    eph__claim_cases(control > 0, large + small, large_of + small_of);
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
	eph__claim_stream_free(&one);
	eph__claim_stream_free(&two);
}

const struct eph_claim eph__claim_lazy = {
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
