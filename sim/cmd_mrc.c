/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap mrc': miss ratio, or a design's events, by number of buffers.
 *
 * Without --design each m and p line is one reference to its page and holds
 * are ignored: the policies as published, with OPT as the bound.  With
 * --design D --events each size is a run of that design as `ephmap run'
 * would do it.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "known.h"
#include "mrc_impl.h"
#include "mrc_time.h"
#include "progress.h"
#include "record.h"
#include "report.h"
#include "text.h"

#include "words.h"

#define SIZES_DEFAULT 16u /* doublings up to the pages there are */

/* Every plot shows the bound. */
static void
add_bound(struct mrc *m)
{
	const struct eph_policy_ops *opt = eph_policy_find("opt");

	for (size_t i = 0; i < m->npolicies; i++) {
		if (m->choice[i].ops == opt)
			return;
	}
	m->choice = must_alloc(m->choice, m->npolicies + 1, sizeof(*m->choice));
	(void)eph_policy_choose(opt->name, &m->choice[m->npolicies++], NULL);
}

/* "a,b"; "b" where `a' is NULL. */
static char *
joined(const char *a, const char *b)
{
	const size_t n = (a != NULL ? strlen(a) : 0) + strlen(b) + 2;
	char *s = must_alloc(NULL, n, 1);

	(void)snprintf(
	    s, n, "%s%s%s", a != NULL ? a : "", a != NULL ? "," : "", b);
	return (s);
}

/* The policies that were named; lru and the bound, unless some were. */
static int
find_policies(struct mrc *m)
{
	char *own, *text;
	int status;

	if (plugins_load(m->s.command, &m->s.o->plugin, &m->s.plugins) !=
	    OPTIONS_OK)
		return (OPTIONS_BAD);
	own = plugins_policies(&m->s.plugins);
	text = joined(own, "lru,opt");
	status = setup_policies(&m->s,
	    m->s.o->policy != NULL ? m->s.o->policy : text, true, &m->choice,
	    &m->npolicies);
	free(own);
	free(text);
	if (status != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (m->s.o->plot != NULL)
		add_bound(m);
	m->policies = must_alloc(NULL, m->npolicies, sizeof(*m->policies));
	m->params = must_alloc(NULL, m->npolicies, sizeof(*m->params));
	for (size_t i = 0; i < m->npolicies; i++) {
		m->policies[i] = m->choice[i].ops;
		m->params[i] = m->choice[i].params;
	}
	return (OPTIONS_OK);
}

static void
add_size(struct mrc *m, uint32_t size)
{
	for (size_t i = 0; i < m->nsizes; i++) {
		if (m->sizes[i] == size)
			return;
	}
	m->sizes[m->nsizes++] = size;
}

static int
take_sizes(struct mrc *m, uint64_t pages, const struct words *w)
{
	uint64_t size, last;

	m->sizes =
	    must_alloc(NULL, DOUBLINGS_MAX * (w->n + 1), sizeof(*m->sizes));
	for (size_t i = 0; i < w->n; i++) {
		if (parse_doublings(w->word[i], pages > 0 ? pages : 1,
			EPH_FRAMES_MAX, &size, &last) != 0)
			return (options_refuse(m->s.command,
			    "--sizes: expected numbers from 1 to %u, shares "
			    "of the pages (10%% or 0.1), or A..B for "
			    "doublings, got \"%s\"",
			    EPH_FRAMES_MAX, w->word[i]));
		for (; size < last; size *= 2)
			add_size(m, (uint32_t)size);
		add_size(m, (uint32_t)last);
	}
	return (OPTIONS_OK);
}

/* Doublings that end at the number of pages. */
static void
default_sizes(struct mrc *m, uint64_t pages)
{
	uint32_t n = 0;

	if (pages == 0)
		pages = 1;
	while (n < SIZES_DEFAULT && (pages - 1) >> (n + 1) > 0)
		n++;
	m->sizes = must_alloc(NULL, n + 1, sizeof(*m->sizes));
	for (uint32_t i = 0; i <= n; i++) {
		const uint64_t size = pages >> (n - i);

		m->sizes[i] = size == 0 ? 1 : (uint32_t)size;
	}
	m->nsizes = n + 1;
}

int
mrc_find_sizes(struct mrc *m, uint64_t pages)
{
	struct words w;
	int status;

	if (m->s.o->sizes == NULL) {
		default_sizes(m, pages);
		return (OPTIONS_OK);
	}
	status = words_cut(m->s.command, "sizes", m->s.o->sizes, &w);

	if (status == OPTIONS_OK)
		status = take_sizes(m, pages, &w);
	words_free(&w);
	return (status);
}

/* Miss ratios. */
static json_t *
curve_json(const struct mrc *m, size_t p, const struct eph_mrc_point *points)
{
	json_t *all = json_array(), *o = json_object();

	for (size_t i = 0; i < m->nsizes; i++) {
		const struct eph_mrc_point *x = &points[p * m->nsizes + i];
		json_t *point = json_object();

		json_object_set_new(point, "nbufs", json_integer(x->nbufs));
		json_object_set_new(
		    point, "miss_ratio", known_json(x->miss_ratio));
		if (m->s.o->promotions)
			json_object_set_new(
			    point, "promotions", known_json(x->promotions));
		if (m->s.o->shards < 1)
			json_object_set_new(
			    point, "error", known_json(x->error));
		json_array_append_new(all, point);
	}
	json_object_set_new(o, "policy", json_string(m->choice[p].text));
	json_object_set_new(o, "points", all);
	return (o);
}

static void
print_curves_csv(const struct mrc *m, const struct eph_mrc_point *points)
{
	(void)printf("policy,nbufs,miss_ratio,error%s\n",
	    m->s.o->promotions ? ",promotions" : "");
	for (size_t i = 0; i < m->npolicies * m->nsizes; i++) {
		char number[NUMBER_MAX];

		csv_text(m->choice[i / m->nsizes].text, stdout);
		(void)printf(",%u", (unsigned)points[i].nbufs);
		(void)printf(",%s",
		    known_csv(number, sizeof(number), points[i].miss_ratio));
		(void)printf(
		    ",%s", known_csv(number, sizeof(number), points[i].error));
		if (m->s.o->promotions)
			(void)printf(",%s",
			    known_csv(
				number, sizeof(number), points[i].promotions));
		(void)putchar('\n');
	}
}

/* The error stands behind the ratio where there is one. */
static void
put_point(struct table *t, const struct mrc *m, const struct eph_mrc_point *x)
{
	if (isnan(x->miss_ratio))
		table_cell(t, "-");
	else if (m->s.o->shards < 1)
		table_cell(t, "%.4f +- %.4f", x->miss_ratio, x->error);
	else
		table_cell(t, "%.4f", x->miss_ratio);
	if (m->s.o->promotions && isnan(x->promotions))
		table_cell(t, "-");
	else if (m->s.o->promotions)
		table_cell(t, "%.1f", x->promotions);
}

/* A column for each policy, and one for its promotions where wanted. */
static void
print_curves_table(const struct mrc *m, const struct eph_refs *r,
    const struct eph_mrc_point *points)
{
	const size_t columns = m->npolicies * (m->s.o->promotions ? 2 : 1) + 1;
	char *align = must_alloc(NULL, columns + 1, 1);
	char number[NUMBER_MAX], pages[NUMBER_MAX];
	struct table *t;

	memset(align, 'r', columns);
	align[columns] = '\0';
	t = table_create(align);
	table_cell(t, "nbufs");
	for (size_t p = 0; p < m->npolicies; p++) {
		table_cell(t, "%s", m->choice[p].text);
		if (m->s.o->promotions)
			table_cell(t, "promotions");
	}
	table_rule(t);
	for (size_t i = 0; i < m->nsizes; i++) {
		table_cell(t, "%s", number_u64(number, m->sizes[i]));
		for (size_t p = 0; p < m->npolicies; p++)
			put_point(t, m, &points[p * m->nsizes + i]);
	}
	text_printf(stdout,
	    "Miss ratio by number of buffers: %s references to %s pages, holds "
	    "ignored.\n\n",
	    number_u64(number, r->n), number_u64(pages, r->npages));
	table_print(t, stdout);
	if (m->s.o->promotions)
		text_printf(stdout,
		    "\npromotions: cached pages that changed their place in "
		    "the policy's order, per 1,000 references: writes to "
		    "memory that all CPUs share.\n");
	table_destroy(t);
	free(align);
}

static void
print_curves(const struct mrc *m, const struct eph_refs *r,
    const struct eph_mrc_point *points)
{
	json_t *all;

	switch (m->s.o->format) {
	case FORMAT_JSON:
		all = json_array();
		for (size_t p = 0; p < m->npolicies; p++)
			json_array_append_new(all, curve_json(m, p, points));
		json_print(all, stdout);
		break;
	case FORMAT_CSV:
		print_curves_csv(m, points);
		break;
	default:
		print_curves_table(m, r, points);
		break;
	}
}

int
mrc_draw_sizes(const struct mrc *m, const char *title, const char *what,
    const char *const *names, size_t nlines, plot_value_fn *value,
    const void *arg)
{
	const struct plot frame = {
		.title = title, .x = "buffers", .y = what, .log_x = true
	};
	struct eph_err err;

	if (plot_numbers(&frame, m->sizes, m->nsizes, m->s.o->shards < 1, names,
		nlines, value, arg, m->s.o->plot, &err) != 0)
		return (options_refuse(m->s.command, "%s", err.text));
	return (EXIT_OK);
}

struct curves {
	const struct mrc *m;
	const struct eph_mrc_point *points;
};

static double
curve_value(const void *arg, size_t line, size_t i, double *error)
{
	const struct curves *c = arg;
	const struct eph_mrc_point *x = &c->points[line * c->m->nsizes + i];

	*error = x->error;
	return (x->miss_ratio);
}

static int
plot_curves(const struct mrc *m, const struct eph_refs *r,
    const struct eph_mrc_point *points, bool file)
{
	const struct curves c = { m, points };
	const char **names;
	char title[512], refs[NUMBER_MAX], pages[NUMBER_MAX];
	int status;

	if (!plot_turn(m->s.o->plot, file))
		return (EXIT_OK);
	names = must_alloc(NULL, m->npolicies + 1, sizeof(*names));
	for (size_t p = 0; p < m->npolicies; p++)
		names[p] = m->choice[p].text;
	(void)snprintf(title, sizeof(title),
	    "%s: %s references to %s pages, policies alone", m->s.trace,
	    number_u64(refs, r->n), number_u64(pages, r->npages));
	status = mrc_draw_sizes(
	    m, title, "miss ratio", names, m->npolicies, curve_value, &c);
	free(names);
	return (status);
}

static void
step_curves(void *arg, size_t done, size_t all)
{
	struct progress *p = arg;

	p->total = all;
	progress_step(p, done);
}

static int
run_curves(struct mrc *m, struct eph_op_source *source, struct eph_refs *r)
{
	struct eph_mrc_config cfg = { .policies = m->policies,
		.params = m->params,
		.npolicies = m->npolicies,
		.sizes = m->sizes,
		.nsizes = m->nsizes,
		.seed = m->s.o->seed,
		.warmup = m->s.warmup,
		.rate = m->s.o->shards };
	struct eph_mrc_point *points;
	struct progress progress;
	struct eph_err err;
	int status;

	if (m->s.o->interval > 0)
		return (mrc_time(&m->s, source, r, &cfg, m->choice));
	points =
	    must_alloc(NULL, m->npolicies * m->nsizes + 1, sizeof(*points));
	progress_start(&progress, "mrc", 0);
	cfg.progress = step_curves;
	cfg.progress_arg = &progress;
	status = eph_mrc_run_source(source, r, &cfg, points, &err);
	progress_end(&progress);
	if (status != 0) {
		status = options_refuse(m->s.command, "%s", err.text);
	} else if ((status = plot_curves(m, r, points, true)) == EXIT_OK) {
		print_curves(m, r, points);
		warn_unknown(points, m->npolicies * m->nsizes);
		status = plot_curves(m, r, points, false);
	}
	free(points);
	return (status);
}

static int
curves(struct mrc *m, struct eph_trace *trace)
{
	struct eph_op_source source = eph_trace_source(trace);
	struct eph_refs r;
	int status;

	if (find_policies(m) != OPTIONS_OK ||
	    mrc_find_sizes(m, eph_trace_meta(trace)->unique_pages) !=
		OPTIONS_OK ||
	    setup_warmup(&m->s, eph_trace_meta(trace)->references) !=
		OPTIONS_OK ||
	    mrc_time_check(&m->s, m->nsizes) != OPTIONS_OK)
		return (EXIT_BAD);
	eph_refs_init(&r);
	status = run_curves(m, &source, &r);
	eph_refs_free(&r);
	return (status);
}

/* Policies alone know no machine: what is of one would change nothing. */
static int
check_alone(const struct setup *s)
{
	static const enum opt_id of_runs[] = { OPT_ID_shootdown, OPT_ID_machine,
		OPT_ID_tlb, OPT_ID_cpus, OPT_ID_executor, OPT_ID_touch,
		OPT_ID_hold, OPT_ID_rate, OPT_ID_spread, OPT_ID_flags,
		OPT_ID_costs };

	for (size_t i = 0; i < sizeof(of_runs) / sizeof(of_runs[0]); i++) {
		if (s->o->given[of_runs[i]])
			return (options_refuse(s->command,
			    "--%s needs --design and --events; without them "
			    "the policies are replayed alone",
			    opt_table[of_runs[i]].name));
	}
	return (OPTIONS_OK);
}

/* What the options mean together. */
static int
check_options(struct mrc *m)
{
	if (m->s.o->events && m->s.o->design == NULL)
		return (
		    options_refuse(m->s.command, "--events needs --design"));
	if (m->s.o->design != NULL && !m->s.o->events)
		return (options_refuse(m->s.command,
		    "--design needs --events; without them the policies are "
		    "replayed alone"));
	if (m->s.o->nbufs != NULL)
		return (options_refuse(m->s.command,
		    "--nbufs: here the numbers of buffers are --sizes"));
	if (m->s.o->shards <= 0)
		return (options_refuse(m->s.command,
		    "--shards: expected a share of the pages above 0, at "
		    "most 1"));
	if (m->s.o->shards < 1 && m->s.o->warmup != NULL)
		return (options_refuse(m->s.command,
		    "--shards and --warmup exclude each other: an error is of "
		    "the whole trace"));
	if (m->s.o->events && m->s.o->interval > 0)
		return (mrc_time_check(&m->s, 1));
	if (setup_plot(&m->s) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (!m->s.o->events && check_alone(&m->s) != OPTIONS_OK)
		return (OPTIONS_BAD);
	return (OPTIONS_OK);
}

int
cmd_mrc(const struct opts *o, int n, char **operands)
{
	struct mrc m = { .s = { .command = "ephmap mrc", .o = o } };
	struct eph_trace *trace;
	int status;

	if (setup_policy_help(&m.s))
		return (EXIT_OK);
	if (setup_trace(&m.s, n, operands) != OPTIONS_OK ||
	    check_options(&m) != OPTIONS_OK)
		return (EXIT_BAD);
	if (setup_open(&m.s, &trace) != OPTIONS_OK)
		return (EXIT_BAD);
	if (setup_check_trace(&m.s, eph_trace_meta(trace)) != OPTIONS_OK)
		status = EXIT_BAD;
	else
		status = o->events ? mrc_events(&m, trace) : curves(&m, trace);
	eph_trace_close(trace);
	free(m.choice);
	free(m.policies);
	free(m.params);
	free(m.sizes);
	return (status);
}
