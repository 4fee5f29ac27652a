/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TRACE_RATE_H
#define TRACE_TRACE_RATE_H

/* Times for references that have none: so many a second, evenly. */

#include <stdint.h>

#include "ephmap/trace.h"

#define RATE_MAX     1000000000u /* a second: one each nanosecond */
#define RATE_SECONDS 1000000000u /* that the references may take: 31 years */

/* When reference `i', from 0, comes; i / rate is at most RATE_SECONDS. */
static inline uint64_t
rate_ns(uint64_t i, uint64_t rate)
{
	const uint64_t second = 1000000000;

	return (i / rate * second + i % rate * second / rate);
}

/* Operations with d lines between them. */
struct trace_rate {
	uint64_t rate;
	uint64_t refs;	    /* delivered */
	struct eph_op *ops; /* of the block */
	uint32_t *from;	    /* by operation: the one it was made for */
	size_t n;
	size_t room;
	struct eph_trace_meta meta;
};

/* The operations `ops' of a block with theirs; 0, or ENOMEM. */
int eph__trace_rate_block(
    struct trace_rate *r, const struct eph_op *ops, size_t n);
void eph__trace_rate_free(struct trace_rate *r);

#endif /* !TRACE_TRACE_RATE_H */
