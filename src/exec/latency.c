/* SPDX-License-Identifier: BSD-2-Clause */

#include "exec/latency.h"

/* The middle of a bucket. */
static uint64_t
latency_value(unsigned at)
{
	unsigned shift;
	uint64_t low;

	if (at < LATENCY_EXACT)
		return (at);
	shift = (at - LATENCY_EXACT) / LATENCY_HALF + 1;
	low = (uint64_t)((at - LATENCY_EXACT) % LATENCY_HALF + LATENCY_HALF)
	    << shift;
	return (low + (((uint64_t)1 << shift) >> 1));
}

/* The value at rank ceil(n * thousandths / 1000), from 1. */
static uint64_t
latency_rank(const struct eph__latency *l, unsigned thousandths)
{
	const uint64_t rank = l->n / 1000 * thousandths +
	    (l->n % 1000 * thousandths + 999) / 1000;
	uint64_t seen = 0;
	uint64_t v;

	for (unsigned at = 0; at < LATENCY_BUCKETS; at++) {
		seen += l->count[at];
		if (seen >= rank && seen != 0) {
			v = latency_value(at);
			return (v < l->max ? v : l->max);
		}
	}
	return (0);
}

void
eph__latency_get(const struct eph__latency *l, struct eph_latency *out)
{
	*out = (struct eph_latency){ .n = l->n,
		.p50 = latency_rank(l, 500),
		.p90 = latency_rank(l, 900),
		.p99 = latency_rank(l, 990),
		.p999 = latency_rank(l, 999),
		.max = l->max };
}
