/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_SPREAD_H
#define TRACE_SPREAD_H

/* References spread over CPUs, each by itself: importing and running. */

#include <stdint.h>

#include "base/prng.h"
#include "ephmap/trace.h"

struct spread {
	enum eph_spread rule;
	unsigned cpus;
	unsigned turn;	 /* ROBIN: the next */
	struct prng rng; /* RANDOM */
};

static inline void
spread_init(
    struct spread *s, enum eph_spread rule, unsigned cpus, uint64_t seed)
{
	s->rule = rule;
	s->cpus = cpus;
	s->turn = 0;
	eph__prng_init(&s->rng, seed, 0);
}

/* The CPU of the next reference, which is to the page of that name. */
static inline unsigned
spread_cpu(struct spread *s, uint64_t page)
{
	const unsigned turn = s->turn;
	struct prng by_page;

	switch (s->rule) {
	case EPH_SPREAD_HASH:
		eph__prng_init(&by_page, page, 0);
		return (prng_below(&by_page, s->cpus));
	case EPH_SPREAD_RANDOM:
		return (prng_below(&s->rng, s->cpus));
	default:
		s->turn = turn + 1 < s->cpus ? turn + 1 : 0;
		return (turn);
	}
}

#endif /* !TRACE_SPREAD_H */
