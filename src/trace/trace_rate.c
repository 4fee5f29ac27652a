/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A trace without times, read as if its references came at a steady rate: a
 * d line stands before each but the first.  It belongs to the operation
 * behind it, and has its line number.
 */

#include "trace/trace_rate.h"

#include <errno.h>
#include <stdlib.h>

static bool
is_reference(const struct eph_op *op)
{
	return (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF);
}

static struct eph_op
delay(uint64_t ns)
{
	return ((struct eph_op){ .kind = EPH_OP_DELAY,
	    .page = (uint32_t)ns,
	    .slot = (uint32_t)(ns >> 32) });
}

static int
rate_room(struct trace_rate *r, size_t n)
{
	struct eph_op *ops;
	uint32_t *from;

	if (n <= r->room)
		return (0);
	if ((ops = realloc(r->ops, n * sizeof(*ops))) == NULL)
		return (ENOMEM);
	r->ops = ops;
	if ((from = realloc(r->from, n * sizeof(*from))) == NULL)
		return (ENOMEM);
	r->from = from;
	r->room = n;
	return (0);
}

int
eph__trace_rate_block(struct trace_rate *r, const struct eph_op *ops, size_t n)
{
	if (rate_room(r, 2 * n) != 0)
		return (ENOMEM);
	r->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_reference(&ops[i]) && r->refs++ > 0) {
			r->from[r->n] = (uint32_t)i;
			r->ops[r->n++] = delay(rate_ns(r->refs - 1, r->rate) -
			    rate_ns(r->refs - 2, r->rate));
		}
		r->from[r->n] = (uint32_t)i;
		r->ops[r->n++] = ops[i];
	}
	return (0);
}

void
eph__trace_rate_free(struct trace_rate *r)
{
	if (r == NULL)
		return;
	free(r->ops);
	free(r->from);
	free(r);
}
