/* SPDX-License-Identifier: BSD-2-Clause */

/* `ephmap trace head', `slice', `sample', `filter' and `merge'. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/trace_tools.h"
#include "cmd_trace.h"
#include "command.h"
#include "input.h"
#include "options.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "words.h"

#define HEAD_REFS 1000u

/* A part of one trace, as its command asks for it. */
typedef int cut_options_fn(const char *command, const struct opts *o,
    const struct eph_trace_meta *meta, struct eph_trace_cut *c);

/* What was kept, and what a part cuts through: always said. */
static void
say_cut(const char *command, const struct eph_trace_meta *meta,
    const struct eph_trace_cut_result *res)
{
	char kept[NUMBER_MAX], all[NUMBER_MAX], n[NUMBER_MAX];
	struct text t;
	FILE *f = text_begin(&t);

	(void)fprintf(f, "%s: %s of %s references", command,
	    number_u64(kept, res->references),
	    number_u64(all, meta->references));
	if (res->held > 0)
		(void)fprintf(f, "; %s handles stay mapped at the end",
		    number_u64(n, res->held));
	if (res->dropped > 0)
		(void)fprintf(f,
		    "; %s lines of handles that are not in it left out",
		    number_u64(n, res->dropped));
	text_end_note(&t);
}

static int
cut_trace(const char *command, const struct opts *o, struct eph_trace *t,
    struct eph_trace_cut *c)
{
	struct eph_trace_cut_result res;
	struct eph_trace_writer *w;
	struct progress bar;
	struct eph_err err;
	int error, status;

	if (eph_trace_writer_open(
		o->output, (enum eph_trace_form)o->to_form, &w, &err) != 0)
		return (trace_refuse(&err));
	progress_start(&bar, "reading", eph_trace_meta(t)->ops);
	c->progress = trace_progress;
	c->progress_arg = &bar;
	error = eph_trace_cut(t, c, w, &res, &err);
	progress_end(&bar);
	status = trace_finish(w, error, &err);
	if (status == EXIT_OK)
		say_cut(command, eph_trace_meta(t), &res);
	return (status);
}

static int
cut_file(const char *command, const struct opts *o, const char *path,
    cut_options_fn *options)
{
	struct eph_trace_cut c = {
		.refs = UINT64_MAX, .until_ns = UINT64_MAX, .share = 1
	};
	struct eph_trace *t;
	int status = EXIT_BAD;

	if (o->output == NULL)
		return (options_refuse(command, "expected -o FILE"));
	if (input_open(command, path, &t) != OPTIONS_OK)
		return (EXIT_BAD);
	if (options(command, o, eph_trace_meta(t), &c) == OPTIONS_OK)
		status = cut_trace(command, o, t, &c);
	eph_trace_close(t);
	free((void *)(uintptr_t)c.cpus);
	free((void *)(uintptr_t)c.pages);
	return (status);
}

/* A number of references, or a share of those of the trace. */
static int
take_references(const char *command, const char *option, const char *text,
    const struct eph_trace_meta *meta, uint64_t *n)
{
	if (text == NULL ||
	    parse_share(text, meta->references, INT64_MAX, n) == 0)
		return (OPTIONS_OK);
	return (options_refuse(command,
	    "--%s: expected a number of references, or a share of them (10%% "
	    "or 0.1), got \"%s\"",
	    option, text));
}

static int
head_options(const char *command, const struct opts *o,
    const struct eph_trace_meta *meta, struct eph_trace_cut *c)
{
	c->refs = HEAD_REFS;
	return (take_references(command, "refs", o->cut_refs, meta, &c->refs));
}

int
cmd_trace_head(const struct opts *o, int n, char **operands)
{
	(void)n;
	return (cut_file("ephmap trace head", o, operands[0], head_options));
}

static int
take_time(const char *command, const char *option, const char *text,
    const struct eph_trace_meta *meta, uint64_t *ns)
{
	struct hold time;

	if (text == NULL)
		return (OPTIONS_OK);
	if (parse_hold(text, &time) != 0 || time.refs != 0)
		return (options_refuse(command,
		    "--%s: expected a time of the trace in nanoseconds, or one "
		    "with us, ms or s, got \"%s\"",
		    option, text));
	if (meta->ops_of[EPH_OP_DELAY] == 0)
		return (options_refuse(command,
		    "--%s: the trace has no time (no d line)", option));
	*ns = time.ns;
	return (OPTIONS_OK);
}

static int
slice_options(const char *command, const struct opts *o,
    const struct eph_trace_meta *meta, struct eph_trace_cut *c)
{
	if (take_references(command, "skip", o->cut_skip, meta, &c->skip) !=
		OPTIONS_OK ||
	    take_references(command, "refs", o->cut_refs, meta, &c->refs) !=
		OPTIONS_OK ||
	    take_time(command, "after", o->cut_after, meta, &c->after_ns) !=
		OPTIONS_OK ||
	    take_time(command, "until", o->cut_until, meta, &c->until_ns) !=
		OPTIONS_OK)
		return (OPTIONS_BAD);
	if (o->cut_skip == NULL && o->cut_refs == NULL &&
	    o->cut_after == NULL && o->cut_until == NULL)
		return (options_refuse(
		    command, "expected --skip, --refs, --after or --until"));
	return (OPTIONS_OK);
}

int
cmd_trace_slice(const struct opts *o, int n, char **operands)
{
	(void)n;
	return (cut_file("ephmap trace slice", o, operands[0], slice_options));
}

static int
sample_options(const char *command, const struct opts *o,
    const struct eph_trace_meta *meta, struct eph_trace_cut *c)
{
	(void)meta;
	if (!opt_given(o, cut_share) || o->cut_share <= 0)
		return (options_refuse(command,
		    "--share: expected a share of the pages above 0 (1%% or "
		    "0.01)"));
	c->share = o->cut_share;
	c->seed = o->gen_seed;
	return (OPTIONS_OK);
}

int
cmd_trace_sample(const struct opts *o, int n, char **operands)
{
	(void)n;
	return (
	    cut_file("ephmap trace sample", o, operands[0], sample_options));
}

/* A or A-B, both included. */
static bool
parse_range(const char *text, uint64_t max, uint64_t *first, uint64_t *last)
{
	const char *dash = strchr(text, '-');
	char *from = must_copy(
	    text, dash != NULL ? (size_t)(dash - text) : strlen(text));
	bool good = parse_u64(from, max, first) == 0;

	*last = *first;
	if (good && dash != NULL)
		good = parse_u64(dash + 1, max, last) == 0 && *last >= *first;
	free(from);
	return (good);
}

static int
take_cpus(const char *command, const char *text, struct eph_trace_cut *c)
{
	bool *cpus = must_alloc(NULL, EPH_CPUS_MAX, sizeof(*cpus));
	uint64_t first, last;
	struct words w;
	int status = words_cut(command, "cpus", text, &w);

	memset(cpus, 0, EPH_CPUS_MAX * sizeof(*cpus));
	c->cpus = cpus;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		if (!parse_range(w.word[i], EPH_CPUS_MAX - 1, &first, &last))
			status = options_refuse(command,
			    "--cpus: expected CPUs from " EPH_CPUS_TEXT
			    " or ranges (0,2-3), got \"%s\"",
			    w.word[i]);
		for (uint64_t k = first; status == OPTIONS_OK && k <= last; k++)
			cpus[k] = true;
	}
	words_free(&w);
	return (status);
}

static int
take_pages(const char *command, const char *text, struct eph_trace_cut *c)
{
	struct eph_page_range *pages;
	struct words w;
	int status = words_cut(command, "pages", text, &w);

	c->pages = pages = must_alloc(NULL, w.n + 1, sizeof(*pages));
	c->npages = w.n;
	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		if (!parse_range(
			w.word[i], UINT64_MAX, &pages[i].first, &pages[i].last))
			status = options_refuse(command,
			    "--pages: expected ids of pages, or ranges "
			    "(7,100-199), got \"%s\"",
			    w.word[i]);
	}
	words_free(&w);
	return (status);
}

static int
filter_options(const char *command, const struct opts *o,
    const struct eph_trace_meta *meta, struct eph_trace_cut *c)
{
	(void)meta;
	if (o->filter_cpus == NULL && o->filter_pages == NULL)
		return (options_refuse(command, "expected --cpus or --pages"));
	if (o->filter_cpus != NULL &&
	    take_cpus(command, o->filter_cpus, c) != OPTIONS_OK)
		return (OPTIONS_BAD);
	if (o->filter_pages != NULL &&
	    take_pages(command, o->filter_pages, c) != OPTIONS_OK)
		return (OPTIONS_BAD);
	return (OPTIONS_OK);
}

int
cmd_trace_filter(const struct opts *o, int n, char **operands)
{
	(void)n;
	return (
	    cut_file("ephmap trace filter", o, operands[0], filter_options));
}

static int
merge_traces(const struct opts *o, struct eph_trace *const *t, unsigned n)
{
	const struct eph_trace_merge how = { .pages_apart = o->merge_pages != 0,
		.cpus_apart = o->merge_cpus != 0 };
	struct eph_trace_writer *w;
	struct eph_err err;

	if (eph_trace_writer_open(
		o->output, (enum eph_trace_form)o->to_form, &w, &err) != 0)
		return (trace_refuse(&err));
	return (trace_finish(w, eph_trace_merge(t, n, &how, w, &err), &err));
}

int
cmd_trace_merge(const struct opts *o, int n, char **operands)
{
	static const char command[] = "ephmap trace merge";
	struct eph_trace *t[EPH_MERGE_MAX];
	unsigned opened = 0;
	int status = OPTIONS_OK;

	if (o->output == NULL)
		return (options_refuse(command, "expected -o FILE"));
	while (status == OPTIONS_OK && opened < (unsigned)n) {
		status = input_open(command, operands[opened], &t[opened]);
		if (status == OPTIONS_OK)
			opened++;
	}
	status = status == OPTIONS_OK ? merge_traces(o, t, opened) : EXIT_BAD;
	while (opened > 0)
		eph_trace_close(t[--opened]);
	return (status);
}
