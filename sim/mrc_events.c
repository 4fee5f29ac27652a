/* SPDX-License-Identifier: BSD-2-Clause */

#include "mrc_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known.h"
#include "progress.h"
#include "report.h"
#include "text.h"

/* Events of a design. */
static int
run_design(void *arg, struct eph_op_source *src, uint32_t nbufs,
    struct eph_counters *out, struct eph_err *err)
{
	const struct point *p = arg;
	struct eph_run_config cfg = p->cfg;
	struct eph_run_result *res = malloc(sizeof(*res));
	int error;

	if (res == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	cfg.nbufs = nbufs;
	if ((error = eph_replay_run(&cfg, src, res, err)) == 0)
		*out = res->counters;
	free(res);
	return (error);
}

static const struct {
	const char *name; /* in JSON and CSV */
	const char *head; /* in the table */
	size_t rate, error;
} event_columns[] = {
	{ "miss_ratio", "misses", offsetof(struct eph_event_point, miss_rate),
	    offsetof(struct eph_event_point, error_miss) },
	{ "invlpg_rate", "invlpg",
	    offsetof(struct eph_event_point, invlpg_rate),
	    offsetof(struct eph_event_point, error_invlpg) },
	{ "ipi_rate", "IPIs", offsetof(struct eph_event_point, ipi_rate),
	    offsetof(struct eph_event_point, error_ipi) },
};

#define EVENT_COLUMNS (sizeof(event_columns) / sizeof(event_columns[0]))

static double
event_value(const struct eph_event_point *p, size_t offset)
{
	return (*(const double *)((const char *)p + offset));
}

static json_t *
events_json(const struct mrc *m, const struct point *run,
    const struct eph_event_point *points)
{
	const char *policy = point_policy(run);
	json_t *o = json_object(), *all = json_array();
	char name[64];

	for (size_t i = 0; i < m->nsizes; i++) {
		json_t *x = json_object();

		json_object_set_new(x, "nbufs", json_integer(points[i].nbufs));
		for (size_t c = 0; c < EVENT_COLUMNS; c++) {
			json_object_set_new(x, event_columns[c].name,
			    json_real(event_value(
				&points[i], event_columns[c].rate)));
			(void)snprintf(name, sizeof(name), "%s_error",
			    event_columns[c].name);
			if (m->s.o->shards < 1)
				json_object_set_new(x, name,
				    json_real(event_value(
					&points[i], event_columns[c].error)));
		}
		json_array_append_new(all, x);
	}
	json_object_set_new(o, "design", json_string(run->cfg.design->name));
	json_object_set_new(
	    o, "policy", policy != NULL ? json_string(policy) : json_null());
	json_object_set_new(o, "points", all);
	return (o);
}

static void
print_events_csv(const struct mrc *m, const struct point *run,
    const struct eph_event_point *points)
{
	(void)printf("design,nbufs");
	for (size_t c = 0; c < EVENT_COLUMNS; c++)
		(void)printf(",%s,%s_error", event_columns[c].name,
		    event_columns[c].name);
	(void)putchar('\n');
	for (size_t i = 0; i < m->nsizes; i++) {
		(void)printf(
		    "%s,%u", run->cfg.design->name, (unsigned)points[i].nbufs);
		for (size_t c = 0; c < EVENT_COLUMNS; c++)
			(void)printf(",%.9g,%.9g",
			    event_value(&points[i], event_columns[c].rate),
			    event_value(&points[i], event_columns[c].error));
		(void)putchar('\n');
	}
}

static void
print_events_table(const struct mrc *m, const struct point *run,
    const struct eph_event_point *points)
{
	struct table *t = table_create("rrrr");
	char number[NUMBER_MAX];

	table_cell(t, "nbufs");
	for (size_t c = 0; c < EVENT_COLUMNS; c++)
		table_cell(t, "%s", event_columns[c].head);
	table_rule(t);
	for (size_t i = 0; i < m->nsizes; i++) {
		table_cell(t, "%s", number_u64(number, points[i].nbufs));
		for (size_t c = 0; c < EVENT_COLUMNS; c++) {
			const double rate =
			    event_value(&points[i], event_columns[c].rate);

			if (m->s.o->shards < 1)
				table_cell(t, "%.4f +- %.4f", rate,
				    event_value(
					&points[i], event_columns[c].error));
			else
				table_cell(t, "%.4f", rate);
		}
	}
	text_printf(stdout,
	    "%s, events per reference by number of buffers.\n\n",
	    run->cfg.design->name);
	table_print(t, stdout);
	table_destroy(t);
}

static double
event_of(const void *arg, size_t line, size_t i, double *error)
{
	const struct eph_event_point *points = arg;

	*error = event_value(&points[i], event_columns[line].error);
	return (event_value(&points[i], event_columns[line].rate));
}

static int
plot_events(const struct mrc *m, const struct point *run,
    const struct eph_event_point *points, bool file)
{
	const char *names[EVENT_COLUMNS];
	char title[512];

	if (!plot_turn(m->s.o->plot, file))
		return (EXIT_OK);
	for (size_t c = 0; c < EVENT_COLUMNS; c++)
		names[c] = event_columns[c].head;
	(void)snprintf(title, sizeof(title), "%s: %s, %u CPU%s", m->s.trace,
	    run->cfg.design->name, run->cfg.cpus,
	    run->cfg.cpus == 1 ? "" : "s");
	return (mrc_draw_sizes(m, title, "events per reference", names,
	    EVENT_COLUMNS, event_of, points));
}

static int
print_events(const struct mrc *m, const struct point *run,
    const struct eph_event_point *points)
{
	json_t *all;

	if (plot_events(m, run, points, true) != EXIT_OK)
		return (EXIT_BAD);
	switch (m->s.o->format) {
	case FORMAT_JSON:
		all = json_array();
		json_array_append_new(all, events_json(m, run, points));
		json_print(all, stdout);
		break;
	case FORMAT_CSV:
		print_events_csv(m, run, points);
		break;
	default:
		print_events_table(m, run, points);
		break;
	}
	return (plot_events(m, run, points, false));
}

static int
run_events(struct mrc *m, struct eph_trace *trace, struct point *run)
{
	const struct eph_mrc_design design = { .run = run_design,
		.arg = run,
		.warmup = run->cfg.warmup,
		.offline =
		    run->cfg.policy != NULL && run->cfg.policy->offline };
	struct eph_op_source names = eph_trace_source(trace);
	struct eph_event_point *points;
	struct eph_mrc_ops ops = { .names = &names };
	struct eph_oplist *list;
	struct eph_err err;
	int status;

	if (!point_has_nbufs(run))
		return (options_refuse(m->s.command,
		    "--events: %s has no number of buffers",
		    run->cfg.design->name));
	if (mrc_find_sizes(m, eph_trace_meta(trace)->unique_pages) !=
	    OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_oplist_read(trace, &list, &err) != 0)
		return (options_refuse(m->s.command, "%s", err.text));
	ops.ops = eph_oplist_ops(list);
	ops.n = eph_oplist_count(list);
	points = must_alloc(NULL, m->nsizes, sizeof(*points));
	status = eph_mrc_events(&ops, &design, m->sizes, m->nsizes,
	    m->s.o->shards, m->s.o->seed, 0, points, &err);
	status = status != 0 ? options_refuse(m->s.command, "%s", err.text)
			     : print_events(m, run, points);
	free(points);
	eph_oplist_free(list);
	return (status);
}

int
mrc_events(struct mrc *m, struct eph_trace *trace)
{
	struct point *points;
	size_t n;
	int status;

	if (setup_points(&m->s, eph_trace_meta(trace), &points, &n) !=
	    OPTIONS_OK)
		return (EXIT_BAD);
	status = run_events(m, trace, &points[0]);
	setup_free(points, n);
	return (status);
}
