/* SPDX-License-Identifier: BSD-2-Clause */

/* A part of a trace, by one decision for each reference. */

#include "ephmap/trace_tools.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prng.h"

struct cut {
	struct eph_trace *t;
	const struct eph_trace_cut *c;
	struct eph_trace_writer *w;
	struct eph_trace_cut_result *res;
	struct eph_err *err;
	uint64_t threshold; /* of the pages' hash, 2^32: all */
	uint64_t seen;	    /* references */
	uint64_t ns;	    /* of the trace */
	uint64_t last_ns;   /* of the line that was kept last */
	bool started;
	bool *kept; /* by slot: its handle is */
};

static bool
cut_has_page(const struct cut *x, uint64_t page)
{
	struct prng hash;

	if (x->threshold <= UINT32_MAX) {
		eph__prng_init(&hash, page, x->c->seed);
		if (prng_next(&hash) >> 32 >= x->threshold)
			return (false);
	}
	for (size_t i = 0; i < x->c->npages; i++) {
		if (page >= x->c->pages[i].first && page <= x->c->pages[i].last)
			return (true);
	}
	return (x->c->npages == 0);
}

/* The next reference. */
static bool
cut_keeps(struct cut *x, const struct eph_op *op)
{
	const struct eph_trace_cut *c = x->c;
	const uint64_t i = x->seen++;

	return (i >= c->skip && i - c->skip < c->refs && x->ns >= c->after_ns &&
	    x->ns < c->until_ns && (c->cpus == NULL || c->cpus[op->cpu]) &&
	    cut_has_page(x, eph_trace_page_name(x->t, op->page)));
}

/* Nothing that comes can be kept: one more reference would be too late. */
static bool
cut_ended(const struct cut *x)
{
	return (x->ns >= x->c->until_ns ||
	    (x->seen > x->c->skip && x->seen - x->c->skip >= x->c->refs));
}

static int
cut_write(struct cut *x, const struct eph_op *op, size_t i)
{
	uint64_t page = 0, handle = 0;
	int error;

	if (x->started && x->ns > x->last_ns &&
	    (error = eph_trace_write(x->w, EPH_OP_DELAY, 0, 0, 0, 0,
		 x->ns - x->last_ns, x->err)) != 0)
		return (error);
	x->started = true;
	x->last_ns = x->ns;
	if (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF) {
		page = eph_trace_page_name(x->t, op->page);
		x->res->references++;
	}
	if (op->kind != EPH_OP_REF)
		handle = eph_trace_handle_name(x->t, i);
	return (eph_trace_write(x->w, (enum eph_op_kind)op->kind, op->flags,
	    op->cpu, page, handle, 0, x->err));
}

static int
cut_op(struct cut *x, const struct eph_op *op, size_t i)
{
	switch (op->kind) {
	case EPH_OP_DELAY:
		x->ns += eph_op_delay_ns(op);
		return (0);
	case EPH_OP_REF:
		return (cut_keeps(x, op) ? cut_write(x, op, i) : 0);
	case EPH_OP_MAP:
		if (!(x->kept[op->slot] = cut_keeps(x, op)))
			return (0);
		x->res->held++;
		return (cut_write(x, op, i));
	default:
		if (!x->kept[op->slot]) {
			x->res->dropped++;
			return (0);
		}
		if (op->kind == EPH_OP_UNMAP) {
			x->kept[op->slot] = false;
			x->res->held--;
		}
		return (cut_write(x, op, i));
	}
}

static int
cut_all(struct cut *x)
{
	const uint64_t total = eph_trace_meta(x->t)->ops;
	const struct eph_op *ops;
	uint64_t done = 0;
	size_t n;
	int error;

	while ((error = eph_trace_next(x->t, &ops, &n, x->err)) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++) {
			if (cut_ended(x) &&
			    (ops[i].kind == EPH_OP_MAP ||
				ops[i].kind == EPH_OP_REF ||
				ops[i].kind == EPH_OP_DELAY))
				return (0);
			if ((error = cut_op(x, &ops[i], i)) != 0)
				return (error);
		}
		done += n;
		if (x->c->progress != NULL)
			x->c->progress(x->c->progress_arg, done, total);
	}
	return (error);
}

int
eph_trace_cut(struct eph_trace *t, const struct eph_trace_cut *c,
    struct eph_trace_writer *w, struct eph_trace_cut_result *res,
    struct eph_err *err)
{
	struct cut x = { .t = t, .c = c, .w = w, .res = res, .err = err };
	int error;

	*res = (struct eph_trace_cut_result){ 0 };
	x.threshold = c->share >= 1 ? (uint64_t)1 << 32
				    : (uint64_t)(c->share * 4294967296.0 + 0.5);
	x.kept = calloc((size_t)eph_trace_meta(t)->slots + 1, sizeof(*x.kept));
	if (x.kept == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = cut_all(&x);
	free(x.kept);
	if (error == 0 && res->references == 0)
		error = eph_err_set(err, EINVAL,
		    "no reference (m or p line) of the trace is in that part");
	return (error);
}
