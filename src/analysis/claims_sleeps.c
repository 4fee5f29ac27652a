/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: more than one buffer a page makes sendfile sleep more often.
 *
 * Measured twice.  Open loop, a stream of maps that keep coming while others
 * sleep, so that its sleeps are an upper bound; captures are played so too.
 * Closed loop, the real sendfile on links that take time: who sleeps for a
 * buffer sends nothing meanwhile.
 *
 * The two pools differ in more than the hash: one wakes all sleepers, the
 * other one of them.  FreeBSD's sendfile sleeps once for a chain of pages
 * and takes what else is free; then who is woken does not change how often
 * anybody sleeps, and the control, in which no page is mapped twice, comes
 * out the same with both.  One page a packet it does not.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

static const uint32_t pools[] = { 512, 1024, 2048, 4096, 6656 };

#define NPOOLS	 (sizeof(pools) / sizeof(pools[0]))
#define TOLD	 1 /* the pool that the one line of numbers is about */
#define CONNS	 32u
#define CPUS	 2u
#define REQUESTS 12u
#define PAGES	 18u /* of a file */
#define FILES	 2000u

static const char *const designs[2] = { "sf_buf.uncached", "sf_buf.hash" };

/* Maps that slept, by pool, uncached and hashed. */
struct sleeps {
	uint64_t n[NPOOLS][2];
	uint64_t ms[NPOOLS][2]; /* closed loop: how long it all took */
	unsigned less, more;	/* pools where the hash sleeps less, more */
	uint64_t uncached;	/* of all pools */
};

static void
sum_up(struct eph_claim_run *r, const char *what, struct sleeps *sl)
{
	for (unsigned i = 0; i < NPOOLS; i++) {
		for (unsigned d = 0; d < 2; d++)
			eph__claim_fact(r, (double)sl->n[i][d], "maps",
			    "%s, %" PRIu32 " buffers: maps that slept, %s",
			    what, pools[i], designs[d]);
		sl->less += sl->n[i][1] < sl->n[i][0];
		sl->more += sl->n[i][1] > sl->n[i][0];
		sl->uncached += sl->n[i][0];
	}
}

/* Open loop: a stream. */
static void
stream_sleeps(
    struct eph_claim_run *r, struct claim_stream *s, struct sleeps *sl)
{
	*sl = (struct sleeps){ .less = 0 };
	for (unsigned i = 0; i < NPOOLS; i++) {
		for (unsigned d = 0; d < 2; d++) {
			struct eph_run_result res;

			(void)eph__claim_replay(
			    r, s, designs[d], CPUS, pools[i], &res);
			/* Who sleeps again has been counted. */
			sl->n[i][d] =
			    res.counters.sleep - res.counters.wakeup_spurious;
		}
	}
	eph__claim_step(r,
	    "ephmap compare --design %s,%s --cpus %u --nbufs "
	    "512,1024,2048,4096,6656 %s.ept",
	    designs[0], designs[1], CPUS, s->name);
	sum_up(r, s->name, sl);
}

/* Closed loop: sendfile itself. */
static void
sendfile_sleeps(struct eph_claim_run *r, const char *what, const char *form,
    const char *files, struct sleeps *sl)
{
	char text[256];

	*sl = (struct sleeps){ .less = 0 };
	(void)snprintf(text, sizeof(text),
	    "sendfile:form=%s,conns=%u,%s,sndbuf=400K,rate=4049024,"
	    "rtt=200000",
	    form, CONNS, files);
	for (unsigned i = 0; i < NPOOLS; i++) {
		for (unsigned d = 0; d < 2; d++) {
			struct eph_run_result res;
			struct eph_work_result work;

			eph__claim_workload_swept(
			    r, text, designs[d], CPUS, pools[i], &res, &work);
			sl->n[i][d] = work.map_sleeps - work.map_spurious;
			sl->ms[i][d] =
			    eph__claim_work_fact(r, &work, "elapsed_ns") /
			    1000000;
			eph__claim_fact(r, (double)sl->ms[i][d], "ms",
			    "%s, %" PRIu32 " buffers: time it took, %s", what,
			    pools[i], designs[d]);
			if (pools[i] == 6656 && d == 0)
				eph__claim_fact(r, (double)res.buffers_peak,
				    "buffers", "%s: held at once, %s", what,
				    designs[d]);
		}
	}
	eph__claim_step(r,
	    "ephmap compare --design %s,%s --cpus %u --nbufs "
	    "512,1024,2048,4096,6656 --seed %" PRIu64 " --workload %s",
	    designs[0], designs[1], CPUS, r->seed, text);
	sum_up(r, what, sl);
}

static void
decide(struct eph_claim_run *r, const char *text, const struct sleeps *sl,
    bool control, const char *why)
{
	struct eph_claim_part *p = eph__claim_part(r, text);

	p->verdict =
	    eph__claim_cases(control && sl->uncached > 0, sl->less, NPOOLS);
	if (p->verdict == EPH_HOLDS_IF && sl->more == 0)
		p->verdict = EPH_HOLDS; /* neither sleeps in the others */
	SAY(p->condition, "the pool is one of those where it does: %u of %u",
	    sl->less, sl->less + sl->more);
	SAY(p->measured,
	    "%s, %" PRIu32 " buffers: %" PRIu64 " maps sleep uncached, %" PRIu64
	    " with one mapping a page",
	    text, pools[TOLD], sl->n[TOLD][0], sl->n[TOLD][1]);
	SAY(p->why,
	    "Of %zu pool sizes, sf_buf.hash slept less often at %u and more "
	    "often at %u; where both counts are equal neither is counted. A "
	    "map that is woken for nothing and sleeps again counts once. %s",
	    NPOOLS, sl->less, sl->more, why);
}

#define OPEN                                                                   \
	"The stream is open loop: maps keep coming while others sleep, "       \
	"so that the sleeps are an upper bound."

static void
measure_open(struct eph_claim_run *r)
{
	/* As measured behind nginx on 1 Gbit/s: 31,633 pages a second. */
	const uint32_t sends = eph__claim_scaled(r, REQUESTS, 2);
	const struct claim_sendfile shared = { "gigabit-zipf", CLAIM_ZIPF,
		CONNS, eph__claim_scaled(r, FILES, 1), PAGES, sends, 1011000,
		99800000, CPUS, true, false };
	const struct claim_sendfile own = { "gigabit-own", CLAIM_OWN, CONNS,
		CONNS, PAGES * sends, 1, 1011000, 99800000, CPUS, true, false };
	struct claim_stream s;
	struct sleeps sl, control;

	eph__claim_sendfile(r, &own, &s);
	stream_sleeps(r, &s, &control);
	eph__claim_stream_free(&s);
	eph__claim_sendfile(r, &shared, &s);
	stream_sleeps(r, &s, &sl);
	decide(r, "popular files, open loop", &sl,
	    control.less + control.more == 0, OPEN);
	eph__claim_stream_free(&s);
}

static void
measure_capture(struct eph_claim_run *r)
{
	struct claim_stream s;
	struct sleeps sl;

	if (!eph__claim_capture(r, &s))
		return;
	SAY(s.name, "%s", "capture");
	stream_sleeps(r, &s, &sl);
	decide(r, "the capture, open loop", &sl, true, OPEN);
	eph__claim_stream_free(&s);
}

static void
measure_closed(struct eph_claim_run *r)
{
	const uint32_t requests = eph__claim_scaled(r, REQUESTS, 4);
	struct sleeps own, zipf, packets;
	char zipf_files[80], own_files[80], why[384];

	(void)snprintf(zipf_files, sizeof(zipf_files),
	    "pick=zipf,requests=%" PRIu32 ",files=%" PRIu32 ",size=%u",
	    requests, eph__claim_scaled(r, FILES, 1), PAGES * 4096);
	(void)snprintf(own_files, sizeof(own_files),
	    "pick=own,requests=1,files=%u,size=%" PRIu32, CONNS,
	    PAGES * requests * 4096);
	sendfile_sleeps(r, "closed, own files", "freebsd", own_files, &own);
	sendfile_sleeps(r, "closed, popular", "freebsd", zipf_files, &zipf);
	sendfile_sleeps(r, "closed, popular, a page a packet", "dragonfly",
	    zipf_files, &packets);
	(void)snprintf(why, sizeof(why),
	    "The loop is closed: sendfile on %u links of 4.05 MB/s, whose "
	    "socket buffers hold a page for 0.1 s as behind nginx. Where each "
	    "sends its own file both sleep alike: the control. It all took "
	    "%" PRIu64 " ms uncached and %" PRIu64
	    " ms with the hash at %" PRIu32
	    " buffers. One page a packet, where who is woken matters too: %" PRIu64
	    " against %" PRIu64 " maps sleep.",
	    CONNS, zipf.ms[TOLD][0], zipf.ms[TOLD][1], pools[TOLD],
	    packets.n[TOLD][0], packets.n[TOLD][1]);
	decide(r, "popular files, closed loop", &zipf,
	    own.less + own.more == 0 && own.uncached > 0, why);
}

static void
measure_sleeps(struct eph_claim_run *r)
{
	/* First, because it may not be there. */
	measure_capture(r);
	measure_open(r);
	measure_closed(r);
}

const struct eph_claim eph__claim_sleeps = {
	.number = 2,
	.name = "duplicate-sleeps",
	.group = "sharing",
	.title = "more than one buffer a page makes sendfile sleep more often",
	.text = "Using more than one sf_buf for a single vm_page increases "
		"the likelihood that sendfile(2) blocks.",
	.origin = "Cox, FreeBSD i386 vm_machdep.c 1.219",
	.date = "2003-11-17",
	.method = "32 connections at 1 Gbit/s, pages held 0.1 s, with 512 to "
		  "6,656 buffers: sleeps of the pool with and without page "
		  "hash. Open loop, a stream of maps (and a capture, with "
		  "--trace); closed loop, the sendfile consumer in chains. "
		  "Control: no page is sent twice.",
	.rule = "each holds if the hash sleeps less often at every pool size "
		"where the two differ, they do differ, and the control does "
		"not",
	.measure = measure_sleeps,
};
