/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A policy of one's own, as a variant of one that is there: CLOCK that gives
 * no second chance evicts in the order of arrival.  What is not changed in the
 * row stays as it was.  (examples/second.c is a whole policy.)
 */

#include <ephmap/ephmap.h>
#include <ephmap/sdk/policy.h>
#include <inttypes.h>
#include <stdio.h>

static struct eph_policy_ops fifo;

/* Found again: what CLOCK would remember. */
static void
fifo_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

/* Hits of 10,000 maps: half of them to 8 pages, half a walk over many. */
static uint64_t
hits(const struct eph_policy_ops *policy)
{
	struct eph_world_config cfg = { .cpus = 1, .nbufs = 32 };
	struct eph_world *w;
	struct eph_mapping mp;
	struct eph_counters c = { 0 };
	struct eph_err err;

	cfg.design = eph_design_find("sf_buf.accessed");
	cfg.policy = policy;
	if (eph_world_create(&cfg, &w, &err) != 0) {
		(void)fprintf(stderr, "policy: %s\n", err.text);
		return (0);
	}
	for (uint32_t i = 0; i < 10000; i++) {
		const uint32_t page = i % 2 == 0 ? i / 2 % 8 : 8 + i % 999;

		if (eph_world_map(w, page, SFB_DEFAULT, &mp) != 0 ||
		    eph_world_unmap(w, &mp) != 0)
			break;
	}
	eph_world_counters(w, &c);
	(void)eph_world_destroy(w);
	return (c.hit_active + c.hit_inactive);
}

int
main(void)
{
	static const char *const others[] = { "clock", "lru" };

	fifo = *eph_policy_find("clock");
	fifo.name = "example.fifo";
	fifo.summary = "first in, first out";
	fifo.hit = fifo_hit;
	fifo.replay = eph_policy_replay_by_calls; /* the slots, nothing else */
	(void)printf("%s: %" PRIu64 " hits\n", fifo.name, hits(&fifo));
	for (unsigned i = 0; i < 2; i++)
		(void)printf("%s: %" PRIu64 " hits\n", others[i],
		    hits(eph_policy_find(others[i])));
	return (0);
}
