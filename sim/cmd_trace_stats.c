/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap trace stats'. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ephmap/run.h"
#include "ephmap/trace_stats.h"
#include "command.h"
#include "input.h"
#include "known.h"
#include "options.h"
#include "record.h"
#include "table.h"
#include "text.h"

#define WINDOWS	    10u /* unless --interval says how long one is */
#define WINDOWS_MAX 100000u

static json_t *
whole(uint64_t v)
{
	return (json_integer((json_int_t)v));
}

static json_t *
spread_json(const struct eph_latency *l)
{
	json_t *o;

	if (l->n == 0)
		return (json_null());
	o = json_object();
	json_object_set_new(o, "n", whole(l->n));
	json_object_set_new(o, "p50", whole(l->p50));
	json_object_set_new(o, "p90", whole(l->p90));
	json_object_set_new(o, "p99", whole(l->p99));
	json_object_set_new(o, "p999", whole(l->p999));
	json_object_set_new(o, "max", whole(l->max));
	return (o);
}

static json_t *
cpus_json(const struct eph_trace_stats *s)
{
	json_t *all = json_array();

	for (unsigned c = 0; c < s->ncpus; c++) {
		json_t *o = json_object();

		json_object_set_new(o, "cpu", whole(c));
		json_object_set_new(
		    o, "references", whole(s->cpu[c].references));
		json_object_set_new(o, "pages", whole(s->cpu[c].pages));
		json_object_set_new(o, "shared_pages", whole(s->cpu[c].shared));
		json_array_append_new(all, o);
	}
	return (all);
}

static json_t *
windows_json(const struct eph_trace_stats *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->nwindows; i++) {
		const struct eph_stats_window *w = &s->window[i];
		json_t *o = json_object();

		json_object_set_new(o, "first", whole(w->first));
		json_object_set_new(o, "ns", whole(w->ns));
		json_object_set_new(o, "references", whole(w->references));
		json_object_set_new(o, "pages", whole(w->pages));
		json_object_set_new(o, "new_pages", whole(w->fresh));
		json_array_append_new(all, o);
	}
	return (all);
}

static void
print_json(const struct eph_trace_stats *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "references", whole(s->references));
	json_object_set_new(o, "unique_pages", whole(s->pages));
	json_object_set_new(o, "once", whole(s->once));
	json_object_set_new(o, "top_1_percent", known_json(s->top1));
	json_object_set_new(o, "top_10_percent", known_json(s->top10));
	json_object_set_new(o, "zipf_alpha", known_json(s->zipf_alpha));
	json_object_set_new(o, "zipf_off", known_json(s->zipf_off));
	json_object_set_new(o, "reuse_time", spread_json(&s->time));
	json_object_set_new(o, "reuse_ns", spread_json(&s->ns));
	json_object_set_new(o, "reuse_distance", spread_json(&s->distance));
	json_object_set_new(o, "scans", whole(s->scans));
	json_object_set_new(o, "scan_references", whole(s->scan_references));
	json_object_set_new(o, "scan_longest", whole(s->scan_longest));
	json_object_set_new(
	    o, "shared_pages", s->cpu != NULL ? whole(s->shared) : json_null());
	json_object_set_new(
	    o, "cpus", s->cpu != NULL ? cpus_json(s) : json_null());
	json_object_set_new(o, "windows", windows_json(s));
	json_print(o, stdout);
}

/* The working set over time: what has many rows. */
static void
print_csv(const struct eph_trace_stats *s)
{
	(void)printf("first,ns,references,pages,new_pages\n");
	for (size_t i = 0; i < s->nwindows; i++) {
		const struct eph_stats_window *w = &s->window[i];

		(void)printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
			     ",%" PRIu64 "\n",
		    w->first, w->ns, w->references, w->pages, w->fresh);
	}
}

static double
percent(uint64_t part, uint64_t all)
{
	return (all == 0 ? 0 : 100 * (double)part / (double)all);
}

static void
print_sums(const struct eph_trace_stats *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX];

	text_printf(stdout, "%s references to %s pages.\n",
	    number_u64(a, s->references), number_u64(b, s->pages));
	text_printf(stdout,
	    "Popularity: %.1f %% of the pages have one reference; the 1 %% that "
	    "have most have %.1f %% of all, the 10 %% %.1f %%.\n",
	    percent(s->once, s->pages), 100 * s->top1, 100 * s->top10);
	if (!isnan(s->zipf_alpha))
		text_printf(stdout,
		    "Zipf: alpha %.3f is likeliest; by rank the two "
		    "distributions are up to %.1f %% apart%s.\n",
		    s->zipf_alpha, 100 * s->zipf_off,
		    s->zipf_off > 0.1 ? ": it is no Zipf distribution" : "");
	text_printf(stdout,
	    "Scans: %s, of %u or more references in a row by one CPU, each to "
	    "the page behind the one before: %.1f %% of the references, the "
	    "longest has %s.\n",
	    number_u64(a, s->scans), EPH_STATS_SCAN,
	    percent(s->scan_references, s->references),
	    number_u64(c, s->scan_longest));
}

static void
put_spread(struct table *t, const char *what, const struct eph_latency *l)
{
	const uint64_t v[] = { l->p50, l->p90, l->p99, l->p999, l->max };
	char number[NUMBER_MAX];

	if (l->n == 0)
		return;
	table_cell(t, "%s", what);
	for (unsigned i = 0; i < 5; i++)
		table_cell(t, "%s", number_u64(number, v[i]));
}

static void
print_reuse(const struct eph_trace_stats *s)
{
	struct table *t = table_create("lrrrrr");
	char number[NUMBER_MAX];

	if (s->time.n > 0) {
		text_printf(stdout,
		    "\nFrom a reference to the next of the same page, of %s; "
		    "distance: different pages, from so many buffers on LRU "
		    "hits.\n\n",
		    number_u64(number, s->time.n));
		table_cell(t, "reuse");
		table_cell(t, "half");
		table_cell(t, "90 %%");
		table_cell(t, "99 %%");
		table_cell(t, "99.9 %%");
		table_cell(t, "all within");
		table_rule(t);
		put_spread(t, "references", &s->time);
		put_spread(t, "nanoseconds", &s->ns);
		put_spread(t, "distance", &s->distance);
		table_print(t, stdout);
	}
	table_destroy(t);
}

static void
print_cpus(const struct eph_trace_stats *s)
{
	struct table *t;
	char number[NUMBER_MAX];

	if (s->cpu == NULL) {
		text_printf(stdout,
		    "\nBy CPU: nothing; the table of pages and CPUs would be "
		    "larger than 1 GiB.\n");
		return;
	}
	if (s->ncpus < 2)
		return;
	text_printf(stdout, "\n%s pages are of several CPUs (%.1f %%).\n\n",
	    number_u64(number, s->shared), percent(s->shared, s->pages));
	t = table_create("rrrr");
	table_cell(t, "CPU");
	table_cell(t, "references");
	table_cell(t, "pages");
	table_cell(t, "of others too");
	table_rule(t);
	for (unsigned c = 0; c < s->ncpus; c++) {
		if (s->cpu[c].references == 0)
			continue;
		table_cell(t, "%u", c);
		table_cell(t, "%s", number_u64(number, s->cpu[c].references));
		table_cell(t, "%s", number_u64(number, s->cpu[c].pages));
		table_cell(t, "%s", number_u64(number, s->cpu[c].shared));
	}
	table_print(t, stdout);
	table_destroy(t);
}

static void
print_windows(const struct eph_trace_stats *s)
{
	const bool timed = s->nwindows > 0 && s->window[s->nwindows - 1].ns > 0;
	struct table *t = table_create(timed ? "rrrrr" : "rrrr");
	char number[NUMBER_MAX];

	text_printf(stdout, "\nWorking set over time.\n\n");
	table_cell(t, "from");
	if (timed)
		table_cell(t, "seconds");
	table_cell(t, "references");
	table_cell(t, "pages");
	table_cell(t, "new");
	table_rule(t);
	for (size_t i = 0; i < s->nwindows; i++) {
		const struct eph_stats_window *w = &s->window[i];

		table_cell(t, "%s", number_u64(number, w->first));
		if (timed)
			table_cell(t, "%.3f", (double)w->ns / 1e9);
		table_cell(t, "%s", number_u64(number, w->references));
		table_cell(t, "%s", number_u64(number, w->pages));
		table_cell(t, "%s", number_u64(number, w->fresh));
	}
	table_print(t, stdout);
	table_destroy(t);
}

static void
print(const struct opts *o, const struct eph_trace_stats *s)
{
	if (o->format == FORMAT_JSON) {
		print_json(s);
	} else if (o->format == FORMAT_CSV) {
		print_csv(s);
	} else {
		print_sums(s);
		print_reuse(s);
		print_cpus(s);
		print_windows(s);
	}
}

static int
stats(const char *command, const struct opts *o, struct eph_trace *t)
{
	const uint64_t refs = eph_trace_meta(t)->references;
	const uint64_t every = o->interval > 0
	    ? o->interval
	    : (refs + WINDOWS - 1) / WINDOWS + (refs == 0);
	struct eph_op_source names = eph_trace_source(t);
	struct eph_trace_stats s;
	struct eph_oplist *list;
	struct eph_err err;
	int status = EXIT_OK;

	if (refs / every > WINDOWS_MAX)
		return (options_refuse(command,
		    "--interval %" PRIu64 ": more than %u windows", every,
		    WINDOWS_MAX));
	if (eph_oplist_read(t, &list, &err) != 0)
		return (options_refuse(command, "%s", err.text));
	const struct eph_mrc_ops ops = { .ops = eph_oplist_ops(list),
		.n = eph_oplist_count(list),
		.names = &names };
	if (eph_trace_stats(&ops, every, &s, &err) != 0) {
		status = options_refuse(command, "%s", err.text);
	} else {
		print(o, &s);
		eph_trace_stats_free(&s);
	}
	eph_oplist_free(list);
	return (status);
}

int
cmd_trace_stats(const struct opts *o, int n, char **operands)
{
	static const char command[] = "ephmap trace stats";
	struct eph_trace *t;
	int status;

	(void)n;
	if (input_open(command, operands[0], &t) != OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_trace_meta(t)->references == 0)
		status = options_refuse(command,
		    "%s: no page reference (m or p line) in this trace",
		    operands[0]);
	else
		status = stats(command, o, t);
	eph_trace_close(t);
	return (status);
}
