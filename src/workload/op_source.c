/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sources of operations: a trace as it is read, an array, and a whole trace
 * in memory, shared by many runs, each with a cursor.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/run.h"

static int
ts_next(void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	return (eph_trace_next(arg, opsp, np, err));
}

static void
ts_where(void *arg, size_t i, char *buf, size_t size)
{
	eph_trace_where(arg, i, buf, size);
}

static uint64_t
ts_line(void *arg, size_t i)
{
	return (eph_trace_line(arg, i));
}

static uint64_t
ts_page_name(void *arg, uint32_t page)
{
	return (eph_trace_page_name(arg, page));
}

static uint64_t
ts_handle_name(void *arg, size_t i)
{
	return (eph_trace_handle_name(arg, i));
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
eph_trace_source(struct eph_trace *t)
{
	const struct eph_trace_meta *meta = eph_trace_meta(t);

	return ((struct eph_op_source){
	    .next = ts_next,
	    .where = ts_where,
	    .line = ts_line,
	    .page_name = ts_page_name,
	    .handle_name = ts_handle_name,
	    .arg = t,
	    .npages_hint = meta_npages(meta),
	    .has_time = meta->duration_ns != 0,
	    .cpus = meta->complete ? meta->cpus : 0,
	});
}

static int
array_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct eph_op_array *a = arg;

	(void)err;
	*opsp = a->op;
	*np = a->played ? 0 : a->n;
	a->played = true;
	return (0);
}

static void
array_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)arg;
	(void)snprintf(buf, size, "operation %zu", i + 1);
}

static uint64_t
array_line(void *arg, size_t i)
{
	(void)arg;
	return (i + 1);
}

static uint64_t
array_page_name(void *arg, uint32_t page)
{
	(void)arg;
	return (page);
}

static uint64_t
array_handle_name(void *arg, size_t i)
{
	const struct eph_op_array *a = arg;

	return (a->op[i].slot);
}

struct eph_op_source
eph_op_array_source(struct eph_op_array *a)
{
	a->played = false;
	return ((struct eph_op_source){
	    .next = array_next,
	    .where = array_where,
	    .line = array_line,
	    .page_name = array_page_name,
	    .handle_name = array_handle_name,
	    .arg = a,
	});
}

/*
 * Line numbers are kept only where they have gaps, as text with comments
 * has, and handles' names only where there are handles.
 */
struct eph_oplist {
	struct eph_trace *trace;
	struct eph_op *ops;
	uint64_t *lines;   /* NULL: operation n is line n */
	uint64_t *future;  /* next reference by operation; NULL: not known */
	uint64_t *handles; /* names by operation; NULL: there are none */
	size_t n;
	size_t size;
	uint32_t npages_hint;
	bool has_time;
	unsigned cpus; /* as in the source */
};

void
eph_oplist_free(struct eph_oplist *l)
{
	if (l == NULL)
		return;
	free(l->ops);
	free(l->lines);
	free(l->handles);
	free(l->future);
	free(l);
}

/* Grow an array of `size` numbers that exists, for want numbers. */
static int
oplist_grow_column(uint64_t **columnp, size_t size)
{
	uint64_t *column;

	if (*columnp == NULL)
		return (0);
	column = realloc(*columnp, size * sizeof(*column));
	if (column == NULL)
		return (ENOMEM);
	*columnp = column;
	return (0);
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
	if (oplist_grow_column(&l->lines, size) != 0 ||
	    oplist_grow_column(&l->handles, size) != 0)
		return (ENOMEM);
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

static bool
op_has_handle(const struct eph_op *op)
{
	return (op->kind != EPH_OP_REF && op->kind != EPH_OP_DELAY);
}

/* The first handle of the trace: keep names. */
static int
oplist_start_handles(struct eph_oplist *l)
{
	l->handles = calloc(l->size, sizeof(*l->handles));
	return (l->handles != NULL ? 0 : ENOMEM);
}

static int
oplist_append(struct eph_oplist *l, const struct eph_op *ops, size_t n)
{
	if (oplist_grow(l, l->n + n) != 0)
		return (ENOMEM);
	if (l->lines == NULL && eph_trace_line(l->trace, n - 1) != l->n + n &&
	    oplist_start_lines(l) != 0)
		return (ENOMEM);
	for (size_t i = 0; l->lines != NULL && i < n; i++)
		l->lines[l->n + i] = eph_trace_line(l->trace, i);
	for (size_t i = 0; i < n; i++) {
		if (!op_has_handle(&ops[i]))
			continue;
		if (l->handles == NULL && oplist_start_handles(l) != 0)
			return (ENOMEM);
		l->handles[l->n + i] = eph_trace_handle_name(l->trace, i);
	}
	memcpy(l->ops + l->n, ops, n * sizeof(*ops));
	l->n += n;
	return (0);
}

int
eph_oplist_read(
    struct eph_trace *t, struct eph_oplist **lp, struct eph_err *err)
{
	struct eph_oplist *l = calloc(1, sizeof(*l));
	const struct eph_op *ops;
	size_t n = 1;
	int error = 0;

	if (l == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	l->trace = t;
	l->npages_hint = meta_npages(eph_trace_meta(t));
	l->has_time = eph_trace_meta(t)->duration_ns != 0;
	l->cpus = eph_trace_meta(t)->complete ? eph_trace_meta(t)->cpus : 0;
	while (error == 0 && n > 0) {
		error = eph_trace_next(t, &ops, &n, err);
		if (error == 0 && n > 0 && oplist_append(l, ops, n) != 0)
			error = eph_err_set(
			    err, ENOMEM, "out of memory for the trace");
	}
	if (error != 0)
		eph_oplist_free(l);
	else
		*lp = l;
	return (error);
}

static bool
op_references(const struct eph_op *op)
{
	return (op->kind == EPH_OP_REF || op->kind == EPH_OP_MAP);
}

int
eph_oplist_foresee(struct eph_oplist *l)
{
	uint32_t npages = 0;
	uint64_t *seen;

	if (l->future != NULL)
		return (0);
	for (size_t i = 0; i < l->n; i++) {
		if (op_references(&l->ops[i]) && l->ops[i].page >= npages)
			npages = l->ops[i].page + 1;
	}
	seen = malloc((npages + 1) * sizeof(*seen));
	l->future = malloc((l->n + 1) * sizeof(*l->future));
	if (seen == NULL || l->future == NULL) {
		free(seen);
		free(l->future);
		l->future = NULL;
		return (ENOMEM);
	}
	for (uint32_t p = 0; p < npages; p++)
		seen[p] = UINT64_MAX;
	for (size_t i = l->n; i-- > 0;) {
		l->future[i] = UINT64_MAX;
		if (op_references(&l->ops[i])) {
			l->future[i] = seen[l->ops[i].page];
			seen[l->ops[i].page] = i;
		}
	}
	free(seen);
	return (0);
}

static uint64_t
ol_next_use(void *arg, uint64_t op)
{
	const struct eph_oplist_cursor *cur = arg;

	return (cur->list->future[op]);
}

size_t
eph_oplist_count(const struct eph_oplist *l)
{
	return (l->n);
}

const struct eph_op *
eph_oplist_ops(const struct eph_oplist *l)
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

	eph_trace_where_line(cur->list->trace, ol_line(arg, i), buf, size);
}

static uint64_t
ol_page_name(void *arg, uint32_t page)
{
	const struct eph_oplist_cursor *cur = arg;

	return (eph_trace_page_name(cur->list->trace, page));
}

static uint64_t
ol_handle_name(void *arg, size_t i)
{
	const struct eph_oplist_cursor *cur = arg;

	return (cur->list->handles[cur->base + i]);
}

struct eph_op_source
eph_oplist_source(const struct eph_oplist *l, struct eph_oplist_cursor *cur)
{
	*cur = (struct eph_oplist_cursor){ .list = l };
	return ((struct eph_op_source){
	    .next = ol_next,
	    .where = ol_where,
	    .line = ol_line,
	    .page_name = ol_page_name,
	    .handle_name = ol_handle_name,
	    .next_use = l->future != NULL ? ol_next_use : NULL,
	    .arg = cur,
	    .npages_hint = l->npages_hint,
	    .has_time = l->has_time,
	    .cpus = l->cpus,
	});
}
