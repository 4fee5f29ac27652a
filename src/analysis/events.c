/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Event curves: what a design invalidates and interrupts by its number of
 * buffers.
 *
 * No curve of events can be read off one pass: masks and held mappings
 * break the inclusion that stack distances rest on.  So each size is a run,
 * exact; or a miniature: the operations on a share of the pages, with
 * buffers scaled alike.  Delays stay, so that holds keep their length.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/parallel.h"
#include "analysis/table.h"
#include "ephmap/mrc.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"

#define BLOCK	4096u
#define ANCHORS 3u

/* Operations in memory, and for each the next one on its page. */
struct ops_list {
	struct eph_mrc_ops o;
	uint32_t *future; /* NULL: not known */
};

/* A source over them. */
struct ops_cursor {
	const struct ops_list *list;
	size_t base;
	size_t next;
};

static int
ops_next(void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct ops_cursor *c = arg;
	const size_t left = c->list->o.n - c->next;

	(void)err;
	*np = left < BLOCK ? left : BLOCK;
	*opsp = c->list->o.ops + c->next;
	c->base = c->next;
	c->next += *np;
	return (0);
}

static void
ops_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct ops_cursor *c = arg;

	(void)snprintf(buf, size, "operation %zu", c->base + i + 1);
}

static uint64_t
ops_line(void *arg, size_t i)
{
	const struct ops_cursor *c = arg;

	return (c->base + i + 1);
}

static uint64_t
ops_page_name(void *arg, uint32_t page)
{
	const struct ops_cursor *c = arg;
	const struct eph_op_source *names = c->list->o.names;

	return (names == NULL ? page : names->page_name(names->arg, page));
}

static uint64_t
ops_handle_name(void *arg, size_t i)
{
	const struct ops_cursor *c = arg;

	return (c->list->o.ops[c->base + i].slot);
}

static uint64_t
ops_next_use(void *arg, uint64_t op)
{
	const struct ops_cursor *c = arg;
	const uint32_t next = c->list->future[op];

	return (next == EPH_NONE ? UINT64_MAX : next);
}

static struct eph_op_source
ops_source(const struct ops_list *list, struct ops_cursor *c)
{
	struct eph_op_source src = { .next = ops_next,
		.where = ops_where,
		.line = ops_line,
		.page_name = ops_page_name,
		.handle_name = ops_handle_name,
		.arg = c };

	*c = (struct ops_cursor){ .list = list };
	if (list->o.names != NULL) {
		src.npages_hint = list->o.names->npages_hint;
		src.has_time = list->o.names->has_time;
	}
	if (list->future != NULL)
		src.next_use = ops_next_use;
	return (src);
}

static bool
ops_references(const struct eph_op *op)
{
	return (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF);
}

/* Find every next use, in one pass from the end. */
static int
ops_foresee(struct ops_list *list, struct eph_err *err)
{
	uint32_t npages = 0, *seen;

	for (size_t i = 0; i < list->o.n; i++) {
		const struct eph_op *op = &list->o.ops[i];

		if (ops_references(op) && op->page >= npages)
			npages = op->page + 1;
	}
	seen = eph__table_alloc_none(npages);
	list->future =
	    list->o.n < EPH_REFS_MAX ? eph__table_alloc_none(list->o.n) : NULL;
	if (seen == NULL || list->future == NULL) {
		eph__table_free(seen);
		return (
		    eph_err_set(err, ENOMEM, "out of memory for the future"));
	}
	for (size_t i = list->o.n; i-- > 0;) {
		const struct eph_op *op = &list->o.ops[i];

		if (ops_references(op)) {
			list->future[i] = seen[op->page];
			seen[op->page] = (uint32_t)i;
		}
	}
	eph__table_free(seen);
	return (0);
}

/*
 * The operations on the pages chosen.  What follows a map goes by its slot,
 * which is that map's until its unmap.
 */
struct ops_filter {
	bool *slot; /* holds a page chosen */
	uint32_t nslots;
	double rate;
	uint64_t seed;
};

static bool
ops_keep(struct ops_filter *f, const struct eph_op *op)
{
	switch (op->kind) {
	case EPH_OP_MAP:
		f->slot[op->slot] =
		    eph_refs_sampled(op->page, f->rate, f->seed);
		return (f->slot[op->slot]);
	case EPH_OP_REF:
		return (eph_refs_sampled(op->page, f->rate, f->seed));
	case EPH_OP_DELAY:
		return (true);
	default:
		return (f->slot[op->slot]);
	}
}

static int
ops_sample(const struct eph_mrc_ops *all, double rate, uint64_t seed,
    struct eph_mrc_ops *out, struct eph_err *err)
{
	struct ops_filter f = { .rate = rate, .seed = seed };
	struct eph_op *ops = malloc((all->n + 1) * sizeof(*ops));

	for (size_t i = 0; i < all->n; i++) {
		const struct eph_op *op = &all->ops[i];

		if (op->kind == EPH_OP_MAP && op->slot >= f.nslots)
			f.nslots = op->slot + 1;
	}
	f.slot = calloc((size_t)f.nslots + 1, sizeof(*f.slot));
	if (ops == NULL || f.slot == NULL) {
		free(ops);
		free(f.slot);
		return (eph_err_set(
		    err, ENOMEM, "out of memory for sampled operations"));
	}
	*out = (struct eph_mrc_ops){ .ops = ops, .names = all->names };
	for (size_t i = 0; i < all->n; i++) {
		if (ops_keep(&f, &all->ops[i]))
			ops[out->n++] = all->ops[i];
	}
	free(f.slot);
	return (0);
}

struct events_job {
	const struct ops_list *ops;
	struct eph_event_point *point;
	uint32_t nbufs; /* as run */
	double rate;	/* references in `ops`, expected, of all */
};

struct events {
	const struct eph_mrc_design *design;
	struct events_job *jobs;
	size_t njobs;
	double references; /* of the whole trace */
};

static int
events_job(void *arg, size_t i, struct eph_err *err)
{
	const struct events *e = arg;
	const struct events_job *job = &e->jobs[i];
	struct ops_cursor cursor;
	struct eph_op_source src = ops_source(job->ops, &cursor);
	struct eph_event_point *p = job->point;
	struct eph_counters c;
	double per;
	int error;

	error = e->design->run(e->design->arg, &src, job->nbufs, &c, err);
	if (error != 0)
		return (error);
	/* A miniature counts against the references expected in it. */
	per = e->references * job->rate;
	if (per <= 0)
		per = 1;
	p->references = c.map_calls;
	p->miss_rate = (double)c.miss / per;
	p->invlpg_rate = (double)(c.invlpg_local + c.invlpg_remote) / per;
	p->ipi_rate = (double)c.ipi_sent / per;
	return (0);
}

static double
events_references(const struct eph_mrc_ops *ops)
{
	double n = 0;

	for (size_t i = 0; i < ops->n; i++)
		n += ops_references(&ops->ops[i]);
	return (n);
}

/* The largest difference at the anchors is every point's error. */
static void
events_measure_error(struct eph_event_point *points, size_t n,
    const struct eph_event_point *exact, const size_t *anchor)
{
	double miss = 0, invlpg = 0, ipi = 0;

	for (size_t a = 0; a < ANCHORS; a++) {
		const struct eph_event_point *p = &points[anchor[a]];
		const struct eph_event_point *x = &exact[a];

		miss = fmax(miss, fabs(p->miss_rate - x->miss_rate));
		invlpg = fmax(invlpg, fabs(p->invlpg_rate - x->invlpg_rate));
		ipi = fmax(ipi, fabs(p->ipi_rate - x->ipi_rate));
	}
	for (size_t i = 0; i < n; i++) {
		points[i].error_miss = miss;
		points[i].error_invlpg = invlpg;
		points[i].error_ipi = ipi;
	}
}

static uint32_t
events_scale(uint32_t nbufs, double rate)
{
	const uint32_t n = (uint32_t)(nbufs * rate + 0.5);

	return (n == 0 ? 1 : n);
}

/* One run for each size, of the miniature if there is one. */
static void
events_plan(struct events *e, const struct ops_list *ops, double rate,
    const uint32_t *sizes, size_t n, struct eph_event_point *points)
{
	for (size_t i = 0; i < n; i++) {
		points[i] = (struct eph_event_point){ .nbufs = sizes[i] };
		e->jobs[e->njobs++] = (struct events_job){ ops, &points[i],
			rate < 1 ? events_scale(sizes[i], rate) : sizes[i],
			rate };
	}
}

static int
events_prepare(struct ops_list *all, struct ops_list *sample, double rate,
    uint64_t seed, bool offline, struct eph_err *err)
{
	int error = 0;

	if (offline)
		error = ops_foresee(all, err);
	if (error == 0 && rate < 1)
		error = ops_sample(&all->o, rate, seed, &sample->o, err);
	if (error == 0 && rate < 1 && offline)
		error = ops_foresee(sample, err);
	return (error);
}

int
eph_mrc_events(const struct eph_mrc_ops *ops, const struct eph_mrc_design *d,
    const uint32_t *sizes, size_t nsizes, double rate, uint64_t seed,
    unsigned threads, struct eph_event_point *points, struct eph_err *err)
{
	const size_t anchor[ANCHORS] = { 0, nsizes / 2, nsizes - 1 };
	struct ops_list all = { .o = *ops }, sample = { .future = NULL };
	struct eph_event_point exact[ANCHORS];
	struct events e = { .design = d,
		.references = events_references(ops) - (double)d->warmup };
	struct parallel work = {
		.job = events_job, .arg = &e, .threads = threads
	};
	int error;

	if (nsizes == 0)
		return (0);
	e.jobs = calloc(nsizes + ANCHORS, sizeof(*e.jobs));
	if (e.jobs == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for the runs"));
	error = events_prepare(&all, &sample, rate, seed, d->offline, err);
	events_plan(&e, rate < 1 ? &sample : &all, rate, sizes, nsizes, points);
	for (size_t a = 0; a < ANCHORS && rate < 1; a++)
		events_plan(&e, &all, 1, &sizes[anchor[a]], 1, &exact[a]);
	work.jobs = e.njobs;
	if (error == 0)
		error = eph__parallel_run(&work, err);
	if (error == 0 && rate < 1)
		events_measure_error(points, nsizes, exact, anchor);
	eph__table_free(all.future);
	eph__table_free(sample.future);
	free((void *)(uintptr_t)sample.o.ops);
	free(e.jobs);
	return (error);
}
