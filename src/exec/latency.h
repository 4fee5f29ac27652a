/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_LATENCY_H
#define EXEC_LATENCY_H

/*
 * A histogram of times, log-linear: exact below 256, then 128 buckets for
 * each power of two.  A percentile is the middle of its bucket, which is at
 * most 1/256 (0.4 %) away from that of the sorted list.
 */

#include "ephmap/sdk/cpuset.h"
#include "ephmap/time.h"

#define LATENCY_EXACT	256u
#define LATENCY_HALF	128u
#define LATENCY_BUCKETS (LATENCY_EXACT + (64 - 8) * LATENCY_HALF)

struct eph__latency {
	uint64_t n;
	uint64_t max;
	uint64_t count[LATENCY_BUCKETS];
};

static inline void
eph__latency_add(struct eph__latency *l, uint64_t v)
{
	uint64_t at = v;

	if (v >= LATENCY_EXACT) {
		const unsigned shift = 56 - eph_word_leading_zeros(v);

		at = LATENCY_EXACT + (shift - 1) * LATENCY_HALF + (v >> shift) -
		    LATENCY_HALF;
	}
	l->count[at]++;
	l->n++;
	if (v > l->max)
		l->max = v;
}

void eph__latency_get(const struct eph__latency *l, struct eph_latency *out);

#endif /* !EXEC_LATENCY_H */
