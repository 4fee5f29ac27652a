/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_LATENCY_H
#define EXEC_LATENCY_H

/*
 * A histogram of times, log-linear: exact below 256, then 128 buckets for
 * each power of two.  A percentile is the middle of its bucket, which is at
 * most 1/256 (0.4 %) away from that of the sorted list.
 */

#include "ephmap/time.h"

#define LATENCY_EXACT	256u
#define LATENCY_HALF	128u
#define LATENCY_BUCKETS (LATENCY_EXACT + (64 - 8) * LATENCY_HALF)

struct eph__latency {
	uint64_t n;
	uint64_t max;
	uint64_t count[LATENCY_BUCKETS];
};

void eph__latency_add(struct eph__latency *l, uint64_t v);
void eph__latency_get(const struct eph__latency *l, struct eph_latency *out);

#endif /* !EXEC_LATENCY_H */
