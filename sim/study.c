/* SPDX-License-Identifier: BSD-2-Clause */

#include "study.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"
#include "input.h"
#include "result.h"
#include "table.h"

#include "ephmap/sdk/digest.h"
#include "ephmap/version.h"

#define CELL_MAX     1024
#define PLUGINS_TEXT (OPT_WORDS_MAX * sizeof(" plugin 0123456789abcdef"))

static void
digest_text(const struct eph_digest *d, char text[17])
{
	struct eph_digest end = *d;
	const uint64_t bytes = d->bytes;

	/* The last word is whole, and the length counts. */
	eph_digest_bytes(&end, &bytes, sizeof(bytes));
	(void)snprintf(text, 17, "%016" PRIx64, end.sum);
}

/* Of a file's bytes; "-" where it cannot be read. */
static const char *
digest_file(const char *path, char text[17])
{
	struct eph_digest d = { 0 };
	char buf[4096];
	FILE *f = input_file(path);
	size_t n;

	if (f == NULL)
		return ("-");
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
		eph_digest_bytes(&d, buf, n);
		d.bytes += n;
	}
	(void)fclose(f);
	digest_text(&d, text);
	return (text);
}

/* Of each file: " plugin DIGEST". */
static void
digest_plugins(const struct opt_words *files, char text[PLUGINS_TEXT])
{
	char one[17];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < files->n; i++)
		n += (size_t)snprintf(text + n, PLUGINS_TEXT - n, " plugin %s",
		    digest_file(files->word[i], one));
}

/* Of what is played: the same for the text and the binary form. */
static void
digest_ops(struct study_input *in)
{
	const struct eph_op *op = eph_oplist_ops(in->ops);
	const size_t n = eph_oplist_count(in->ops);
	struct eph_digest d = { .bytes = n };

	for (size_t i = 0; i < n; i++) {
		eph_digest_word(&d,
		    (uint64_t)op[i].kind << 56 | (uint64_t)op[i].flags << 48 |
			(uint64_t)op[i].cpu << 32 | op[i].page);
		eph_digest_word(&d, op[i].slot);
	}
	if (in->s.warmup > 0)
		eph_digest_word(&d, ~in->s.warmup);
	if (in->s.spread != EPH_SPREAD_NONE) {
		eph_digest_word(&d, in->s.spread);
		eph_digest_word(&d, in->s.spread_seed);
	}
	digest_text(&d, in->digest);
}

/* The trace, and how it is played where that is not as it stands. */
static char *
input_name(const struct setup *s)
{
	char *name = NULL, number[NUMBER_MAX];
	size_t size;
	FILE *f = open_memstream(&name, &size);

	if (f == NULL)
		out_of_memory();
	(void)fputs(s->trace, f);
	if (s->o->rate > 0)
		(void)fprintf(
		    f, ", %s a second", number_u64(number, s->o->rate));
	if (s->spread != EPH_SPREAD_NONE)
		(void)fprintf(f, ", CPUs by %s", s->o->spread);
	if (s->warmup > 0)
		(void)fprintf(f, ", after %s", number_u64(number, s->warmup));
	if (fclose(f) != 0 || name == NULL)
		out_of_memory();
	return (name);
}

/* A trace or a workload; messages about it begin with `as'. */
static int
open_input(struct study_input *in, const char *as, const char *workload)
{
	const char *const command = in->s.command;
	int status;

	in->s.command = as;
	if (workload == NULL) {
		status = setup_open(&in->s, &in->trace);
		if (status == OPTIONS_OK)
			in->meta = *eph_trace_meta(in->trace);
	} else {
		status = setup_workload(&in->s, workload);
		if (status == OPTIONS_OK)
			status = setup_workload_meta(&in->s, &in->meta);
	}
	in->s.command = command;
	return (status);
}

static int
add_input(
    struct study *st, const char *trace, const char *workload, const char *from)
{
	struct study_input *in;
	int status;

	st->input = must_alloc(st->input, st->ninputs + 1, sizeof(*st->input));
	in = &st->input[st->ninputs++];
	memset(in, 0, sizeof(*in));
	in->first = st->ncells;
	in->s = (struct setup){ .command = "ephmap sweep",
		.lists = true,
		.sweep = true,
		.o = st->o,
		.trace = trace,
		.plugins = st->plugins };
	if (open_input(in, from != NULL ? from : in->s.command, workload) !=
	    OPTIONS_OK)
		return (OPTIONS_BAD);
	status = setup_points(&in->s, &in->meta, &in->points, &in->n);
	st->plugins = in->s.plugins;
	if (status == OPTIONS_OK && in->trace != NULL)
		in->name = input_name(&in->s);
	st->ncells += in->n;
	return (status);
}

int
study_open(struct study *st, const struct opts *o)
{
	const struct opt_words *t = &o->sweep_traces;
	const struct opt_words *w = &o->sweep_workloads;

	memset(st, 0, sizeof(*st));
	st->o = o;
	if (t->n + w->n == 0)
		return (options_refuse("ephmap sweep",
		    "expected --trace FILE or --workload W, or a SPEC that "
		    "has them"));
	for (unsigned i = 0; i < t->n; i++) {
		if (add_input(st, t->word[i], NULL, t->from[i]) != OPTIONS_OK)
			return (OPTIONS_BAD);
	}
	for (unsigned i = 0; i < w->n; i++) {
		if (add_input(st, NULL, w->word[i], w->from[i]) != OPTIONS_OK)
			return (OPTIONS_BAD);
	}
	return (OPTIONS_OK);
}

void
study_free(struct study *st)
{
	for (size_t i = 0; i < st->ninputs; i++) {
		study_forget(&st->input[i]);
		eph_trace_close(st->input[i].trace);
		free(st->input[i].name);
		setup_free(st->input[i].points, st->input[i].n);
	}
	free(st->input);
	st->input = NULL;
	st->ninputs = 0;
}

/* Does a cell need the whole future? */
static bool
needs_future(const struct study_input *in)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct eph_policy_ops *policy = in->points[i].cfg.policy;

		if (policy != NULL && policy->offline)
			return (true);
	}
	return (false);
}

int
study_decode(struct study_input *in)
{
	struct eph_digest d = { 0 };
	struct eph_err err;

	if (in->trace == NULL) {
		eph_digest_bytes(&d, in->s.workload, strlen(in->s.workload));
		d.bytes = strlen(in->s.workload);
		digest_text(&d, in->digest);
		return (OPTIONS_OK);
	}
	if (eph_oplist_read(in->trace, &in->ops, &err) != 0)
		return (options_refuse(in->s.command, "%s", err.text));
	digest_ops(in);
	if (needs_future(in) && eph_oplist_foresee(in->ops) != 0)
		return (options_refuse(
		    in->s.command, "%s: out of memory", in->s.trace));
	return (OPTIONS_OK);
}

void
study_forget(struct study_input *in)
{
	eph_oplist_free(in->ops);
	in->ops = NULL;
}

static const char *
or_none(const char *s)
{
	return (s != NULL ? s : "");
}

/* Prices that are not the machine's, as JSON text; NULL: they are. */
static char *
own_costs(const struct study_input *in, const struct point *p)
{
	char *text;
	size_t n;

	if (in->s.o->costs == NULL && p->profile == NULL)
		return (NULL);
	text = must_alloc(NULL, CELL_MAX, 1);
	n = (size_t)snprintf(text, CELL_MAX, "{");
	/* A machine that only a file knows. */
	if (p->profile != NULL)
		n += (size_t)snprintf(text + n, CELL_MAX - n,
		    "\"mhz\":%" PRIu32 ",\"levels\":%u,", p->cfg.model->mhz,
		    p->cfg.model->levels);
	for (unsigned i = 0; cost_name(i) != NULL && n < CELL_MAX; i++)
		n += (size_t)snprintf(text + n, CELL_MAX - n,
		    "%s\"%s\":%" PRIu64, i > 0 ? "," : "", cost_name(i),
		    (uint64_t)cost_value(&p->costs, i));
	if (n < CELL_MAX)
		(void)snprintf(text + n, CELL_MAX - n, "}");
	return (text);
}

/* What --time adds to a cell's name. */
static const char *
time_text(const struct opts *o, char buf[64])
{
	buf[0] = '\0';
	if (o->time)
		(void)snprintf(buf, 64, " time %s/%" PRIu64,
		    opt_choice(load, o->load), o->think_ns);
	return (buf);
}

int
study_check_time(const char *command, struct database *db, const struct opts *o)
{
	const bool begun = db_number(db,
			       "SELECT count(*) FROM sqlite_master WHERE "
			       "name = 'run'") > 0;
	const bool timed = begun &&
	    db_number(db,
		"SELECT count(*) FROM pragma_table_info('run') WHERE name = "
		"'clocks'") > 0;
	char text[64], sql[160];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM run WHERE clocks <> '%s'",
	    time_text(o, text));
	if (!begun || (timed == o->time && !timed) ||
	    (timed && o->time && db_number(db, sql) == 0))
		return (OPTIONS_OK);
	return (options_refuse(command,
	    "%s: has runs %s; a file has runs with one --time, --load and "
	    "--think, so that means are of one kind",
	    o->results, timed ? "under other clocks" : "without clocks"));
}

char *
study_cell(const struct study_input *in, const struct point *p)
{
	const struct eph_run_config *cfg = &p->cfg;
	char *cell = must_alloc(NULL, 3 * CELL_MAX, 1);
	char *costs = own_costs(in, p);
	const struct hold held = { cfg->hold_ns, cfg->hold_refs };
	char hold[HOLD_TEXT], flags[64], timed[64], plugin[PLUGINS_TEXT],
	    machine[17], nbufs[16] = "-";

	digest_plugins(&in->s.o->plugin, plugin);
	if (point_has_nbufs(p))
		(void)snprintf(nbufs, sizeof(nbufs), "%u", cfg->nbufs);
	(void)snprintf(cell, 3 * CELL_MAX,
	    "%d.%d.%d %s%s %s/%s/%s %s%s/%s/%s %u/%s %s/%s/%s "
	    "%" PRIu64 " %s%s%s",
	    EPHMAP_VERSION_MAJOR, EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH,
	    in->trace == NULL ? "w" : "", in->digest, cfg->design->name,
	    or_none(point_policy(p)), or_none(point_shootdown(p)), cfg->machine,
	    p->profile != NULL ? digest_file(cfg->machine, machine) : "",
	    point_tlb(p), opt_choice(executor, in->s.o->executor), cfg->cpus,
	    nbufs, opt_choice(touch, cfg->touch), hold_text(&held, hold),
	    flags_text(cfg->flags, flags), cfg->seed, or_none(costs), plugin,
	    time_text(in->s.o, timed));
	free(costs);
	return (cell);
}

void
study_run(const struct study_input *in, struct point *p)
{
	struct eph_oplist_cursor cursor;
	struct eph_op_source source;

	if (in->trace == NULL) {
		setup_run_workload(&in->s, p);
		return;
	}
	source = eph_oplist_source(in->ops, &cursor);
	p->res = must_alloc(NULL, 1, sizeof(*p->res));
	p->status = eph_replay_run(&p->cfg, &source, p->res, &p->err);
}

/* The violations that were kept, as a JSON array; NULL: none. */
static char *
violations_text(const struct point *p)
{
	json_t *a;
	char *text;

	if (p->status != 0 || p->res->violations == 0)
		return (NULL);
	a = json_array();
	for (unsigned i = 0; i < p->res->violations; i++)
		json_array_append_new(
		    a, json_string(p->res->violation[i].text));
	text = json_dumps(a, JSON_COMPACT);
	json_decref(a);
	return (text);
}

void
study_result(const struct study_input *in, const struct point *p,
    const char *cell, struct record *all, struct record *more,
    struct record *line)
{
	struct record flat;
	char clocks[64];

	record_init(&flat);
	result_record(all, &in->s, p);
	result_flat(&flat, all, in->s.o->time);
	record_add(more, NULL, "cell", NULL, value_text(cell));
	record_add(more, NULL, "input", NULL, value_whole((uint64_t)in->id));
	record_add(more, NULL, "ephmap", NULL,
	    record_find(all, "config", "ephmap")->value);
	record_add(more, NULL, "plugin", NULL,
	    value_text(record_own(more, plugins_files(&in->s.o->plugin))));
	record_add(more, NULL, "costs", NULL,
	    value_text(record_own(more, own_costs(in, p))));
	record_add(more, NULL, "violations", NULL,
	    value_text(record_own(more, violations_text(p))));
	if (in->s.o->time)
		record_add(more, NULL, "clocks", NULL,
		    value_text(record_own(more,
			must_copy(
			    time_text(in->s.o, clocks), sizeof(clocks)))));
	/* The input says which trace. */
	for (size_t i = 0; i < flat.n; i++) {
		if (strcmp(flat.field[i].key, "trace") != 0)
			record_add(line, NULL, flat.field[i].key, NULL,
			    flat.field[i].value);
	}
	record_free(&flat);
}
