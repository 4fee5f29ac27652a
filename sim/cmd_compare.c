/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap compare': one trace through every combination of the lists.
 *
 * The trace is read into memory once.  A run shares nothing with another
 * but that list, so they go to as many host threads as there are CPUs,
 * each taking the next point; results stay in the order of the points.
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ephmap/tlb_record.h"
#include "command.h"
#include "compare_time.h"
#include "options.h"
#include "progress.h"
#include "plot.h"
#include "report.h"
#include "setup.h"
#include "table.h"
#include "text.h"

#define WORKERS_MAX 256

struct pool {
	const struct setup *s;
	const struct eph_oplist *ops; /* NULL: a workload */
	struct point *points;
	struct intervals *intervals; /* of --interval, by point; or NULL */
	size_t n;
	atomic_size_t next; /* the point to take */
	pthread_mutex_t lock;
	size_t done;		  /* (lock) */
	struct progress progress; /* (lock) */
};

static void
run_point(struct pool *pool, struct point *p)
{
	struct eph_oplist_cursor cursor;
	struct eph_op_source source;

	if (pool->ops == NULL) {
		setup_run_workload(pool->s, p);
		return;
	}
	source = eph_oplist_source(pool->ops, &cursor);
	p->res = must_alloc(NULL, 1, sizeof(*p->res));
	p->status = eph_replay_run(&p->cfg, &source, p->res, &p->err);
}

static void *
worker(void *arg)
{
	struct pool *pool = arg;
	size_t i;

	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->n) {
		run_point(pool, &pool->points[i]);
		(void)pthread_mutex_lock(&pool->lock);
		progress_step(&pool->progress, ++pool->done);
		(void)pthread_mutex_unlock(&pool->lock);
	}
	return (NULL);
}

/* This thread works too, so a host that gives no thread is only slower. */
static void
run_all(struct pool *pool)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[WORKERS_MAX];
	size_t wanted = online > 1 ? (size_t)online - 1 : 0;
	size_t started = 0;

	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	if (pool->n > 0 && wanted > pool->n - 1)
		wanted = pool->n - 1;
	atomic_init(&pool->next, 0);
	(void)pthread_mutex_init(&pool->lock, NULL);
	progress_start(&pool->progress, "compare", pool->n);
	while (started < wanted &&
	    pthread_create(&threads[started], NULL, worker, pool) == 0)
		started++;
	(void)worker(pool);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	progress_end(&pool->progress);
	(void)pthread_mutex_destroy(&pool->lock);
}

static struct compare_time
over_time(const struct pool *pool)
{
	return ((struct compare_time){
	    pool->s, pool->points, pool->intervals, pool->n });
}

static json_t *
points_json(const struct pool *pool)
{
	json_t *all = json_array();

	for (size_t i = 0; i < pool->n; i++) {
		json_t *o = report_json(pool->s, &pool->points[i]);

		if (pool->intervals != NULL)
			json_object_set_new(
			    o, "intervals", interval_json(&pool->intervals[i]));
		json_array_append_new(all, o);
	}
	return (all);
}

static void
print_points(const struct pool *pool, const struct eph_trace_meta *meta)
{
	const struct setup *s = pool->s;
	const struct compare_time t = over_time(pool);

	switch (s->o->format) {
	case FORMAT_JSON:
		json_print(points_json(pool), stdout);
		break;
	case FORMAT_CSV:
		if (pool->intervals != NULL)
			compare_time_csv(&t, stdout);
		else
			report_print_csv(s, pool->points, pool->n, stdout);
		break;
	default:
		report_print_comparison(s, meta, pool->points, pool->n, stdout);
		if (pool->intervals != NULL)
			compare_time_table(&t, stdout);
		break;
	}
}

/* What a real machine invalidated, in the table's units and by the second. */
static void
print_beside(const struct setup *s, const struct eph_tlb_record *r,
    const struct eph_trace_meta *meta)
{
	const double maps = (double)meta->references / 1000;
	const double seconds = (double)r->ns / 1e9;

	(void)printf(
	    "\nBeside it, recorded (%s): %u CPU%s in %.3f s, all causes.\n"
	    "                    in all  per 1,000 maps  per second\n",
	    s->o->beside, r->cpus, r->cpus == 1 ? "" : "s", seconds);
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "invlpg", r->pages },
		{ "flush", r->flushes },
		{ "IPI", r->ipis },
		{ "  needless", r->of[EPH_TLB_WRONG_CPU] },
		{ "sent", r->of[EPH_TLB_SEND] },
		{ "task switch", r->of[EPH_TLB_TASK_SWITCH] },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)printf("%-12s  %12" PRIu64 "  %14.1f  %10.1f\n",
		    rows[i].name, rows[i].n,
		    maps > 0 ? (double)rows[i].n / maps : 0.0,
		    seconds > 0 ? (double)rows[i].n / seconds : 0.0);
	if (r->broken > 0 || r->lost > 0)
		text_note("ephmap compare: %s: %" PRIu64
			  " events cannot be read, "
			  "the tracer lost some %" PRIu64 " times",
		    s->o->beside, r->broken, r->lost);
}

/* --beside, before anything runs. */
static int
read_beside(const struct setup *s, struct eph_tlb_record *r)
{
	struct eph_err err;

	if (s->o->beside == NULL)
		return (OPTIONS_OK);
	if (s->o->format != FORMAT_TABLE)
		return (options_refuse(
		    s->command, "--beside is shown under the table only"));
	if (eph_tlb_record_read(s->o->beside, r, &err) != 0)
		return (options_refuse(s->command, "%s", err.text));
	return (OPTIONS_OK);
}

/* When nothing ran there is nothing to compare: the reason is an error. */
static int
judge(const struct setup *s, const struct point *p, size_t n)
{
	size_t refused = 0;
	int status = EXIT_OK;

	for (size_t i = 0; i < n; i++) {
		if (p[i].status == ENOMEM)
			return (
			    options_refuse(s->command, "%s", p[i].err.text));
		if (p[i].status != 0)
			refused++;
		else if (point_found(&p[i]))
			status = EXIT_FOUND;
	}
	if (refused == n)
		return (options_refuse(s->command, "%s", p[0].err.text));
	return (status);
}

static bool
needs_future(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++) {
		const struct eph_policy_ops *policy =
		    pool->points[i].cfg.policy;

		if (policy != NULL && policy->offline)
			return (true);
	}
	return (false);
}

static int
plot_points(const struct pool *pool, bool file)
{
	const char *to = pool->s->o->plot;
	const struct compare_time t = over_time(pool);
	struct eph_err err;
	int error;

	if (!plot_turn(to, file))
		return (EXIT_OK);
	error = pool->intervals != NULL
	    ? compare_time_plot(&t, to, &err)
	    : report_plot_comparison(pool->s, pool->points, pool->n, to, &err);
	return (error == 0 ? EXIT_OK
			   : options_refuse(pool->s->command, "%s", err.text));
}

static int
report_all(const struct pool *pool, const struct eph_trace_meta *meta,
    const struct eph_tlb_record *beside)
{
	const struct setup *s = pool->s;
	const int status = judge(s, pool->points, pool->n);

	if (status == EXIT_BAD || plot_points(pool, true) != EXIT_OK)
		return (EXIT_BAD);
	print_points(pool, meta);
	if (pool->ops != NULL && needs_future(pool))
		report_bound(s, meta, pool->ops, pool->points, pool->n);
	if (s->o->beside != NULL)
		print_beside(s, beside, meta);
	report_warn(s, pool->points, pool->n);
	return (plot_points(pool, false) == EXIT_OK ? status : EXIT_BAD);
}

/* A place for what each run did in each interval, if that is asked for. */
static int
take_intervals(struct pool *pool, const struct eph_trace_meta *meta)
{
	if (pool->s->o->interval == 0)
		return (OPTIONS_OK);
	if (interval_check(pool->s, meta->references) != OPTIONS_OK)
		return (OPTIONS_BAD);
	pool->intervals =
	    must_alloc(NULL, pool->n + 1, sizeof(*pool->intervals));
	memset(pool->intervals, 0, (pool->n + 1) * sizeof(*pool->intervals));
	for (size_t i = 0; i < pool->n; i++) {
		struct eph_run_config *cfg = &pool->points[i].cfg;

		cfg->interval = pool->s->o->interval;
		cfg->sample = interval_take;
		cfg->sample_arg = &pool->intervals[i];
	}
	return (OPTIONS_OK);
}

static void
free_points(struct pool *pool)
{
	for (size_t i = 0; pool->intervals != NULL && i < pool->n; i++)
		interval_free(&pool->intervals[i]);
	free(pool->intervals);
	setup_free(pool->points, pool->n);
}

static int
compare_trace(struct setup *s, struct eph_trace *trace,
    const struct eph_tlb_record *beside)
{
	struct pool pool = { .s = s };
	struct eph_oplist *ops;
	struct eph_err err;
	int status;

	if (setup_points(s, eph_trace_meta(trace), &pool.points, &pool.n) !=
	    OPTIONS_OK)
		return (EXIT_BAD);
	if (take_intervals(&pool, eph_trace_meta(trace)) != OPTIONS_OK) {
		free_points(&pool);
		return (EXIT_BAD);
	}
	if (eph_oplist_read(trace, &ops, &err) != 0) {
		free_points(&pool);
		return (options_refuse(s->command, "%s", err.text));
	}
	if (needs_future(&pool) && eph_oplist_foresee(ops) != 0) {
		free_points(&pool);
		eph_oplist_free(ops);
		return (
		    options_refuse(s->command, "out of memory for the trace"));
	}
	pool.ops = ops;
	run_all(&pool);
	status = report_all(&pool, eph_trace_meta(trace), beside);
	free_points(&pool);
	eph_oplist_free(ops);
	return (status);
}

static int
compare_workload(struct setup *s, const struct eph_tlb_record *beside)
{
	struct pool pool = { .s = s };
	struct eph_trace_meta meta;
	int status;

	if (s->o->interval > 0)
		return (
		    interval_check(s, 0) == OPTIONS_OK ? EXIT_OK : EXIT_BAD);
	if (setup_workload_meta(s, &meta) != OPTIONS_OK ||
	    setup_points(s, &meta, &pool.points, &pool.n) != OPTIONS_OK)
		return (EXIT_BAD);
	run_all(&pool);
	status = report_all(&pool, &meta, beside);
	setup_free(pool.points, pool.n);
	return (status);
}

int
cmd_compare(const struct opts *o, int n, char **operands)
{
	struct setup s = { .command = "ephmap compare", .lists = true, .o = o };
	struct eph_tlb_record beside = { 0 };
	struct eph_trace *trace;
	int status;

	if (setup_policy_help(&s))
		return (EXIT_OK);
	if (setup_trace(&s, n, operands) != OPTIONS_OK ||
	    setup_plot(&s) != OPTIONS_OK ||
	    read_beside(&s, &beside) != OPTIONS_OK)
		return (EXIT_BAD);
	if (o->workload != NULL)
		return (compare_workload(&s, &beside));
	if (setup_open(&s, &trace) != OPTIONS_OK)
		return (EXIT_BAD);
	status = compare_trace(&s, trace, &beside);
	eph_trace_close(trace);
	return (status);
}
