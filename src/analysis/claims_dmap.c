/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claim: with a direct map nothing of this is needed.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"

/* Everything that a mapping could cost. */
static uint64_t
all_events(const struct eph_counters *c)
{
	return (eph__claim_invalidations(c) + c->pte_store + c->evict +
	    c->map_fail + c->sleep + c->lock_acquire + c->ipiq_msg);
}

static void
measure_dmap(struct eph_claim_run *r)
{
	const struct claim_sendfile streams[] = {
		{ "dmap-same", CLAIM_SAME, 64, 1, 64,
		    eph__claim_scaled(r, 4, 1), 20000, 50000000, 8, true,
		    false },
		{ "dmap-zipf", CLAIM_ZIPF, 32, 2000, 18,
		    eph__claim_scaled(r, 40, 1), 1011000, 99800000, 8, true,
		    false },
		{ "dmap-scan", CLAIM_NEXT, 8, 512, 32,
		    eph__claim_scaled(r, 64, 1), 31000, 551000, 8, true,
		    false },
	};
	static const char *const designs[] = { "dmap", "lwbuf.dmap", NULL };
	uint64_t direct = 0, other = 0, maps = 0;
	struct eph_claim_part *p;

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		struct eph_run_result res;
		struct claim_stream s;

		eph__claim_sendfile(r, &streams[i], &s);
		for (unsigned d = 0; designs[d] != NULL; d++) {
			(void)eph__claim_replay(
			    r, &s, designs[d], 8, 1024, &res);
			direct += all_events(&res.counters);
			maps += res.counters.map_calls;
			eph__claim_fact(r, (double)all_events(&res.counters),
			    "events", "%s: %s", s.name, designs[d]);
		}
		(void)eph__claim_replay(
		    r, &s, "sf_buf.accessed", 8, 1024, &res);
		other += all_events(&res.counters);
		eph__claim_fact(r, (double)all_events(&res.counters), "events",
		    "%s: sf_buf.accessed", s.name);
		eph__claim_step(r,
		    "ephmap compare --cpus 8 --design dmap,"
		    "lwbuf.dmap,sf_buf.accessed %s.ept",
		    s.name);
		eph__claim_stream_free(&s);
	}
	p = eph__claim_part(r, "no event with a direct map");
	p->verdict = eph__claim_cases(other > 0 && maps > 0, direct == 0, 1);
	SAY(p->measured,
	    "%" PRIu64 " maps on 8 CPUs: %" PRIu64
	    " events with a direct map, %" PRIu64 " with sf_buf.accessed",
	    maps, direct, other);
	SAY(p->why,
	    "Page-table stores, invalidations, flushes, interrupts, queue "
	    "messages, locks and sleeps together. TLB misses remain: a direct "
	    "map of 4 KiB entries is walked as any other. The control is "
	    "sf_buf.accessed on the same streams.");
}

const struct eph_claim eph__claim_dmap = {
	.number = 5,
	.name = "direct-map",
	.group = "dmap",
	.title = "with a direct map none of it is needed",
	.text = "None of this is required on alpha, amd64 or ia64: the "
		"address is arithmetic.",
	.origin = "Cox, FreeBSD, sf_buf of amd64",
	.date = "2003",
	.method = "Three streams of parallel sendfiles on 8 CPUs; all events "
		  "of designs over a direct map.",
	.rule = "holds if the sum of all events is zero, and not zero with a "
		"design that maps",
	.measure = measure_dmap,
};
