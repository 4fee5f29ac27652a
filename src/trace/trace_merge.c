/* SPDX-License-Identifier: BSD-2-Clause */

/* Several traces in one, line by line, by the time at which a line comes. */

#include "ephmap/trace_tools.h"

#include <errno.h>

#define NAME_BITS 56

struct merge_input {
	struct eph_trace *t;
	const struct eph_op *ops; /* the block */
	size_t n;
	size_t i;
	uint64_t ns;
	uint64_t refs;
	unsigned cpu; /* its CPU 0 */
};

struct merge {
	struct merge_input in[EPH_MERGE_MAX];
	unsigned n;
	const struct eph_trace_merge *m;
	struct eph_trace_writer *w;
	struct eph_err *err;
	bool timed;
	uint64_t ns; /* written */
};

/* Stand at the next line that is no delay; in->n is 0 at the end. */
static int
merge_advance(struct merge_input *in, struct eph_err *err)
{
	int error;

	for (;;) {
		if (in->i == in->n) {
			in->i = 0;
			error = eph_trace_next(in->t, &in->ops, &in->n, err);
			if (error != 0 || in->n == 0)
				return (error);
		}
		if (in->ops[in->i].kind != EPH_OP_DELAY)
			return (0);
		in->ns += eph_op_delay_ns(&in->ops[in->i++]);
	}
}

/* When its line comes: at its time, or after that part of its references. */
static double
merge_at(const struct merge *m, const struct merge_input *in)
{
	return (m->timed
		? (double)in->ns
		: (double)in->refs / (double)eph_trace_meta(in->t)->references);
}

/* The input whose line comes first; NULL: all have ended. */
static struct merge_input *
merge_first(struct merge *m)
{
	struct merge_input *first = NULL;

	for (unsigned i = 0; i < m->n; i++) {
		struct merge_input *in = &m->in[i];

		if (in->n > 0 &&
		    (first == NULL || merge_at(m, in) < merge_at(m, first)))
			first = in;
	}
	return (first);
}

/* A name that no other trace has; 0 with m->err set where that cannot be. */
static int
merge_name(const struct merge *m, const struct merge_input *in, const char *of,
    uint64_t *name)
{
	if (*name >> NAME_BITS != 0)
		return (eph_err_set(m->err, EINVAL,
		    "%s %llu of trace %u: expected names below 2^%u to keep "
		    "traces apart",
		    of, (unsigned long long)*name, (unsigned)(in - m->in) + 1,
		    NAME_BITS));
	*name |= (uint64_t)(in - m->in) << NAME_BITS;
	return (0);
}

static int
merge_write(struct merge *m, const struct merge_input *in)
{
	const struct eph_op *op = &in->ops[in->i];
	uint64_t page = 0, handle = 0;
	int error = 0;

	if (m->timed && in->ns > m->ns) {
		error = eph_trace_write(
		    m->w, EPH_OP_DELAY, 0, 0, 0, 0, in->ns - m->ns, m->err);
		m->ns = in->ns;
	}
	if (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF) {
		page = eph_trace_page_name(in->t, op->page);
		if (error == 0 && m->m->pages_apart)
			error = merge_name(m, in, "page", &page);
	}
	if (op->kind != EPH_OP_REF) {
		handle = eph_trace_handle_name(in->t, in->i);
		if (error == 0)
			error = merge_name(m, in, "handle", &handle);
	}
	if (error != 0)
		return (error);
	return (eph_trace_write(m->w, (enum eph_op_kind)op->kind, op->flags,
	    in->cpu + op->cpu, page, handle, 0, m->err));
}

static int
merge_init(struct merge *m, struct eph_trace *const *t)
{
	unsigned cpus = 0, timed = 0;
	int error;

	for (unsigned i = 0; i < m->n; i++) {
		m->in[i].t = t[i];
		m->in[i].cpu = m->m->cpus_apart ? cpus : 0;
		cpus += eph_trace_meta(t[i])->cpus;
		timed += eph_trace_meta(t[i])->ops_of[EPH_OP_DELAY] > 0;
	}
	if (timed != 0 && timed != m->n)
		return (eph_err_set(m->err, EINVAL,
		    "%u of %u traces have times (d lines); expected all or "
		    "none (trace convert --rate gives times)",
		    timed, m->n));
	if (m->m->cpus_apart && cpus > EPH_CPUS_MAX)
		return (eph_err_set(m->err, EINVAL,
		    "the traces have %u CPUs together; expected up to %u", cpus,
		    EPH_CPUS_MAX));
	m->timed = timed > 0;
	for (unsigned i = 0; i < m->n; i++) {
		if ((error = merge_advance(&m->in[i], m->err)) != 0)
			return (error);
	}
	return (0);
}

int
eph_trace_merge(struct eph_trace *const *t, unsigned n,
    const struct eph_trace_merge *how, struct eph_trace_writer *w,
    struct eph_err *err)
{
	struct merge m = { .n = n, .m = how, .w = w, .err = err };
	struct merge_input *in;
	int error;

	if (n > EPH_MERGE_MAX)
		return (eph_err_set(err, EINVAL, "%u traces; expected up to %u",
		    n, EPH_MERGE_MAX));
	if ((error = merge_init(&m, t)) != 0)
		return (error);
	while ((in = merge_first(&m)) != NULL) {
		const uint8_t kind = in->ops[in->i].kind;

		if ((error = merge_write(&m, in)) != 0)
			return (error);
		in->refs += kind == EPH_OP_MAP || kind == EPH_OP_REF;
		in->i++;
		if ((error = merge_advance(in, err)) != 0)
			return (error);
	}
	return (0);
}
