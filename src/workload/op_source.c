/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sources of operations: a trace as it is read, and a whole trace in
 * memory, shared by many runs, each with a cursor.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/replay.h"

static int
ts_next(void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	return (trace_next(arg, opsp, np, err));
}

static void
ts_where(void *arg, size_t i, char *buf, size_t size)
{
	trace_where(arg, i, buf, size);
}

static uint64_t
ts_line(void *arg, size_t i)
{
	return (trace_line(arg, i));
}

static uint64_t
ts_page_name(void *arg, uint32_t page)
{
	return (trace_page_name(arg, page));
}

static uint64_t
ts_handle_name(void *arg, size_t i)
{
	return (trace_handle_name(arg, i));
}

/* References are counted by the trace; a hint above 2^32 is no hint. */
static uint32_t
meta_npages(const struct eph_trace_meta *meta)
{
	if (!meta->complete || meta->unique_pages > UINT32_MAX)
		return (0);
	return ((uint32_t)meta->unique_pages);
}

struct eph_op_source
trace_source(struct eph_trace *t)
{
	const struct eph_trace_meta *meta = trace_meta(t);

	return ((struct eph_op_source){
	    .next = ts_next,
	    .where = ts_where,
	    .line = ts_line,
	    .page_name = ts_page_name,
	    .handle_name = ts_handle_name,
	    .arg = t,
	    .npages_hint = meta_npages(meta),
	    .has_time = meta->duration_ns != 0,
	});
}

/*
 * Line numbers are kept only where they have gaps, as text with comments
 * has; handle names are not kept: nothing logs from memory.
 */
struct eph_oplist {
	struct eph_trace *trace;
	struct eph_op *ops;
	uint64_t *lines; /* NULL: operation n is line n */
	size_t n;
	size_t size;
	uint32_t npages_hint;
	bool has_time;
};

void
oplist_free(struct eph_oplist *l)
{
	if (l == NULL)
		return;
	free(l->ops);
	free(l->lines);
	free(l);
}

static int
oplist_grow(struct eph_oplist *l, size_t want)
{
	size_t size = l->size == 0 ? 1 << 16 : l->size;
	struct eph_op *ops;

	while (size < want)
		size += size / 2;
	if (size == l->size)
		return (0);
	ops = realloc(l->ops, size * sizeof(*ops));
	if (ops == NULL)
		return (ENOMEM);
	l->ops = ops;
	if (l->lines != NULL) {
		uint64_t *lines = realloc(l->lines, size * sizeof(*lines));

		if (lines == NULL)
			return (ENOMEM);
		l->lines = lines;
	}
	l->size = size;
	return (0);
}

/* From here on the trace's line numbers differ from ours: keep them. */
static int
oplist_start_lines(struct eph_oplist *l)
{
	l->lines = malloc(l->size * sizeof(*l->lines));
	if (l->lines == NULL)
		return (ENOMEM);
	for (size_t i = 0; i < l->n; i++)
		l->lines[i] = i + 1;
	return (0);
}

static int
oplist_append(struct eph_oplist *l, const struct eph_op *ops, size_t n)
{
	if (oplist_grow(l, l->n + n) != 0)
		return (ENOMEM);
	if (l->lines == NULL && trace_line(l->trace, n - 1) != l->n + n &&
	    oplist_start_lines(l) != 0)
		return (ENOMEM);
	for (size_t i = 0; l->lines != NULL && i < n; i++)
		l->lines[l->n + i] = trace_line(l->trace, i);
	memcpy(l->ops + l->n, ops, n * sizeof(*ops));
	l->n += n;
	return (0);
}

int
oplist_read(struct eph_trace *t, struct eph_oplist **lp, struct eph_err *err)
{
	struct eph_oplist *l = calloc(1, sizeof(*l));
	const struct eph_op *ops;
	size_t n = 1;
	int error = 0;

	if (l == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	l->trace = t;
	l->npages_hint = meta_npages(trace_meta(t));
	l->has_time = trace_meta(t)->duration_ns != 0;
	while (error == 0 && n > 0) {
		error = trace_next(t, &ops, &n, err);
		if (error == 0 && n > 0 && oplist_append(l, ops, n) != 0)
			error = eph_err_set(
			    err, ENOMEM, "out of memory for the trace");
	}
	if (error != 0)
		oplist_free(l);
	else
		*lp = l;
	return (error);
}

size_t
oplist_count(const struct eph_oplist *l)
{
	return (l->n);
}

const struct eph_op *
oplist_ops(const struct eph_oplist *l)
{
	return (l->ops);
}

static int
ol_next(void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct eph_oplist_cursor *cur = arg;
	size_t n = cur->list->n - cur->next;

	(void)err;
	if (n > EPH_OPLIST_BLOCK)
		n = EPH_OPLIST_BLOCK;
	*opsp = cur->list->ops + cur->next;
	*np = n;
	cur->base = cur->next;
	cur->next += n;
	return (0);
}

static uint64_t
ol_line(void *arg, size_t i)
{
	const struct eph_oplist_cursor *cur = arg;
	const size_t at = cur->base + i;

	return (cur->list->lines != NULL ? cur->list->lines[at] : at + 1);
}

static void
ol_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct eph_oplist_cursor *cur = arg;

	trace_where_line(cur->list->trace, ol_line(arg, i), buf, size);
}

static uint64_t
ol_page_name(void *arg, uint32_t page)
{
	const struct eph_oplist_cursor *cur = arg;

	return (trace_page_name(cur->list->trace, page));
}

static uint64_t
ol_handle_name(void *arg, size_t i)
{
	const struct eph_oplist_cursor *cur = arg;

	return (cur->list->ops[cur->base + i].slot);
}

struct eph_op_source
oplist_source(const struct eph_oplist *l, struct eph_oplist_cursor *cur)
{
	*cur = (struct eph_oplist_cursor){ .list = l };
	return ((struct eph_op_source){
	    .next = ol_next,
	    .where = ol_where,
	    .line = ol_line,
	    .page_name = ol_page_name,
	    .handle_name = ol_handle_name,
	    .arg = cur,
	    .npages_hint = l->npages_hint,
	    .has_time = l->has_time,
	});
}
