/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ephmap/generate.h"
#include "ephmap/import.h"
#include "ephmap/names.h"
#include "ephmap/trace.h"
#include "cmd_trace.h"
#include "command.h"
#include "options.h"
#include "input.h"
#include "progress.h"
#include "record.h"
#include "setup.h"
#include "table.h"
#include "text.h"
#include "words.h"

int
trace_refuse(const struct eph_err *err)
{
	(void)options_refuse("ephmap", "%s", err->text);
	return (EXIT_BAD);
}

int
trace_finish(struct eph_trace_writer *w, int error, struct eph_err *err)
{
	if (error != 0)
		eph_trace_writer_abort(w);
	else
		error = eph_trace_writer_commit(w, err);
	return (error != 0 ? trace_refuse(err) : EXIT_OK);
}

void
trace_progress(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_step(p, done);
}

/* -- generate ----------------------------------------------------------- */

/* Which of a command's terms a name is, or -1 with a message printed. */
static int
term_find(const struct command *c, const char *command, const char *what,
    const char *name)
{
	enum { LIKE = 64 }; /* terms that a wrong name is held against */
	const char *names[LIKE + 1], *near;
	struct term t;
	unsigned n = 0;

	for (; command_term(c, n, &t); n++) {
		if (strcmp(t.name, name) == 0)
			return ((int)n);
		if (n < LIKE)
			names[n] = t.name;
	}
	names[n < LIKE ? n : LIKE] = NULL;
	near = eph_nearest_name(name, names);
	(void)options_refuse(command, "%s \"%s\"%s%s; --help lists them", what,
	    name, near != NULL ? ", did you mean " : "",
	    near != NULL ? near : "");
	return (-1);
}

/* An option that the kind does not look at is refused. */
static int
generate_check(
    const char *command, const struct opts *o, struct eph_generate *g)
{
	static const struct {
		enum opt_id id;
		unsigned use;
	} options[] = { { OPT_ID_alpha, EPH_GEN_USES_ALPHA },
		{ OPT_ID_gen_share, EPH_GEN_USES_SHARE },
		{ OPT_ID_gen_weight, EPH_GEN_USES_WEIGHT },
		{ OPT_ID_gen_phases, EPH_GEN_USES_PHASES },
		{ OPT_ID_gen_hold, EPH_GEN_USES_HOLD } };
	struct hold hold;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (o->given[options[i].id] &&
		    (eph_generator_uses(g->kind) & options[i].use) == 0)
			return (
			    options_refuse(command, "--%s means nothing to %s",
				opt_table[options[i].id].name,
				generate_kinds[g->kind].name));
	}
	if ((opt_given(o, gen_share) && o->gen_share <= 0) ||
	    (opt_given(o, gen_weight) && o->gen_weight <= 0))
		return (options_refuse(command,
		    "--share and --weight: expected a share above 0 (20%% or "
		    "0.2)"));
	if (o->gen_hold == NULL)
		return (OPTIONS_OK);
	if (parse_hold(o->gen_hold, &hold) != 0 || hold.ns == 0)
		return (options_refuse(command,
		    "--hold: expected a time in nanoseconds, or one with us, "
		    "ms or s, got \"%s\"",
		    o->gen_hold));
	g->hold_ns = hold.ns;
	return (OPTIONS_OK);
}

int
cmd_trace_generate(const struct opts *o, int n, char **operands)
{
	static const char command[] = "ephmap trace generate";
	struct eph_generate g = { .pages = o->gen_pages,
		.refs = o->gen_refs,
		.alpha = o->alpha,
		.cpus = (unsigned)o->gen_cpus,
		.seed = o->gen_seed,
		.rate = o->rate,
		.share = o->gen_share,
		.weight = o->gen_weight,
		.phases = o->gen_phases };
	struct eph_trace_writer *w;
	struct eph_err err;
	struct progress bar;
	int error, kind;

	(void)n;
	kind = term_find(o->command, command, "unknown kind", operands[0]);
	if (kind < 0)
		return (EXIT_BAD);
	g.kind = (enum eph_generator)kind;
	if (!opt_given(o, gen_pages) || !opt_given(o, gen_refs) ||
	    o->output == NULL)
		return (options_refuse(command, "expected %s",
		    !opt_given(o, gen_pages)	  ? "--pages N"
			: !opt_given(o, gen_refs) ? "--refs N"
						  : "-o FILE"));
	if (generate_check(command, o, &g) != OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_trace_writer_open(
		o->output, (enum eph_trace_form)o->to_form, &w, &err) != 0)
		return (trace_refuse(&err));
	progress_start(&bar, "generating", g.refs);
	g.progress = trace_progress;
	g.progress_arg = &bar;
	error = eph_trace_generate(&g, w, &err);
	progress_end(&bar);
	return (trace_finish(w, error, &err));
}

/* -- import ------------------------------------------------------------- */

/* robin:N, hash:N or random:N[:SEED]; false: none of these. */
static bool
import_spread_rule(const char *text, struct eph_import_options *io)
{
	static const char *const names[] = { "robin:", "hash:", "random:" };
	char word[32];
	uint64_t cpus;
	char *seed;
	unsigned i = 0;

	while (i < 3 && strncmp(text, names[i], strlen(names[i])) != 0)
		i++;
	if (i == 3 || strlen(text) >= sizeof(word))
		return (false);
	(void)snprintf(word, sizeof(word), "%s", text + strlen(names[i]));
	io->cpu_of = (enum eph_import_cpu)(EPH_CPU_ROBIN + i);
	io->seed = 1;
	if ((seed = strchr(word, ':')) != NULL) {
		*seed++ = '\0';
		if (io->cpu_of != EPH_CPU_RANDOM ||
		    parse_u64(seed, INT64_MAX, &io->seed) != 0)
			return (false);
	}
	if (parse_u64(word, EPH_CPUS_MAX, &cpus) != 0 || cpus == 0)
		return (false);
	io->cpu = (unsigned)cpus;
	return (true);
}

static int
import_cpu_rule(
    const char *command, const char *text, struct eph_import_options *io)
{
	uint64_t cpu;

	if (strcmp(text, "pid") == 0) {
		io->cpu_of = EPH_CPU_PID;
	} else if (strcmp(text, "thread") == 0) {
		io->cpu_of = EPH_CPU_THREAD;
	} else if (strcmp(text, "column") == 0) {
		io->cpu_of = EPH_CPU_COLUMN;
	} else if (import_spread_rule(text, io)) {
		return (OPTIONS_OK);
	} else if (parse_u64(text, EPH_CPUS_MAX - 1, &cpu) == 0) {
		io->cpu_of = EPH_CPU_FIXED;
		io->cpu = (unsigned)cpu;
	} else {
		return (options_refuse(command,
		    "--cpu-of: expected pid, thread, column or a CPU from " EPH_CPUS_TEXT
		    ", or robin:N, hash:N or random:N[:SEED], got \"%s\"",
		    text));
	}
	return (OPTIONS_OK);
}

/* One character, or its name. */
static int
import_delimiter(const char *command, const char *text, char *out)
{
	static const struct {
		const char *name;
		char c;
	} names[] = { { "tab", '\t' }, { "\\t", '\t' }, { "blank", ' ' },
		{ "space", ' ' } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i].name) == 0) {
			*out = names[i].c;
			return (OPTIONS_OK);
		}
	}
	if (strlen(text) != 1 || strchr("\"\r\n", text[0]) != NULL)
		return (options_refuse(command,
		    "--delimiter: expected a character, tab or blank, got "
		    "\"%s\"",
		    text));
	*out = text[0];
	return (OPTIONS_OK);
}

static const struct {
	const char *name;
	unsigned calls;
} call_words[] = {
	{ "sendfile", EPH_CALLS_SENDFILE },
	{ "read", EPH_CALLS_READ | EPH_CALLS_PREAD },
	{ "pread", EPH_CALLS_PREAD },
	{ "splice", EPH_CALLS_SPLICE },
	{ "copy_file_range", EPH_CALLS_COPY },
	{ "mmap", EPH_CALLS_MMAP },
	{ "all",
	    EPH_CALLS_SENDFILE | EPH_CALLS_READ | EPH_CALLS_PREAD |
		EPH_CALLS_SPLICE | EPH_CALLS_COPY | EPH_CALLS_MMAP },
	{ "pipe", EPH_CALLS_PIPE },
};

#define NCALL_WORDS (sizeof(call_words) / sizeof(call_words[0]))

/* --calls: a list by comma. */
static int
import_calls(const char *command, const char *text, unsigned *callsp)
{
	struct words w = { 0 };
	int status = words_cut(command, "calls", text, &w);

	for (size_t i = 0; status == OPTIONS_OK && i < w.n; i++) {
		size_t k = 0;

		while (k < NCALL_WORDS &&
		    strcmp(call_words[k].name, w.word[i]) != 0)
			k++;
		if (k == NCALL_WORDS)
			status = options_refuse(command,
			    "--calls: expected sendfile, read, pread, splice, "
			    "copy_file_range, mmap, all or pipe, got \"%s\"",
			    w.word[i]);
		else
			*callsp |= call_words[k].calls;
	}
	words_free(&w);
	return (status);
}

/* --from help: the formats, short. */
static int
import_help(const struct command *c)
{
	struct term t;

	for (unsigned i = 0; command_term(c, i, &t); i++) {
		const unsigned at = (unsigned)printf("%-18s ", t.name);

		text_wrap(stdout, at, 19, t.text);
	}
	return (EXIT_OK);
}

/* What was counted and left out, and why: always said. */
static void
import_remarks(const struct eph_import_result *res)
{
	const char *end;

	for (const char *p = res->told; (end = strchr(p, '\n')) != NULL;
	     p = end + 1)
		text_note("ephmap: %.*s", (int)(end - p), p);
}

static int
import_log(const char *log, const char *out, enum eph_trace_form form,
    struct eph_import_options *io)
{
	struct eph_import_result res;
	struct eph_trace_writer *w;
	struct progress bar;
	struct eph_err err;
	int error, status;

	if (eph_trace_writer_open(out, form, &w, &err) != 0)
		return (trace_refuse(&err));
	progress_start(&bar, "importing", 0);
	io->progress = trace_progress;
	io->progress_arg = &bar;
	error = eph_trace_import(log, io, w, &res, &err);
	progress_end(&bar);
	status = trace_finish(w, error, &err);
	if (status == EXIT_OK)
		import_remarks(&res);
	return (status);
}

int
cmd_trace_import(const struct opts *o, int n, char **operands)
{
	static const char command[] = "ephmap trace import";
	struct eph_import_options io = { .from = o->import_from,
		.fold = (unsigned)o->fold,
		.fold_by = (enum eph_import_fold)o->fold_by,
		.no_holds = o->no_holds,
		.block_bytes = o->block,
		.split = o->split,
		.columns = o->columns,
		.no_header = o->no_header,
		.time_unit = (enum eph_import_unit)o->time_unit,
		.record = o->record };

	if (io.from != NULL && strcmp(io.from, "help") == 0)
		return (import_help(o->command));
	if (n == 0)
		return (options_refuse(command, "expected a LOG"));
	if (io.from != NULL &&
	    term_find(o->command, command, "--from: unknown format", io.from) <
		0)
		return (EXIT_BAD);
	if (o->import_plugin != NULL && io.from != NULL)
		return (options_refuse(
		    command, "--plugin is the format; leave out --from"));
	if (o->import_plugin != NULL &&
	    load_importer(command, o->import_plugin, &io.format) != OPTIONS_OK)
		return (EXIT_BAD);
	if (o->cpu_of != NULL &&
	    import_cpu_rule(command, o->cpu_of, &io) != OPTIONS_OK)
		return (EXIT_BAD);
	if (o->header != NULL) {
		io.header_auto = strcmp(o->header, "auto") == 0;
		if (!io.header_auto &&
		    parse_u64(o->header, INT64_MAX, &io.header_bytes) != 0)
			return (options_refuse(command,
			    "--header: expected bytes or auto, got \"%s\"",
			    o->header));
	}
	if (o->delimiter != NULL &&
	    import_delimiter(command, o->delimiter, &io.delimiter) !=
		OPTIONS_OK)
		return (EXIT_BAD);
	if (o->calls != NULL &&
	    import_calls(command, o->calls, &io.calls) != OPTIONS_OK)
		return (EXIT_BAD);
	if (opt_given(o, fold_by) && !opt_given(o, fold))
		return (options_refuse(
		    command, "--fold-by is of --fold N, which is not given"));
	if (o->output == NULL)
		return (options_refuse(command, "expected -o FILE"));
	return (import_log(
	    operands[0], o->output, (enum eph_trace_form)o->to_form, &io));
}

/* -- info --------------------------------------------------------------- */

/*
 * Read everything once, so that an error in the middle of a binary trace
 * is found here and not in a run.
 */
static int
info_verify(struct eph_trace *t, struct eph_err *err)
{
	const struct eph_op *ops;
	struct progress bar;
	uint64_t done = 0;
	size_t n;
	int error;

	progress_start(&bar, "reading", eph_trace_meta(t)->ops);
	while ((error = eph_trace_next(t, &ops, &n, err)) == 0 && n > 0)
		progress_step(&bar, done += n);
	progress_end(&bar);
	return (error);
}

static const struct {
	const char *key;
	const char *word;
} kind_words[EPH_OP_KINDS] = {
	{ "map", "m" },
	{ "kva", "k" },
	{ "read", "r" },
	{ "write", "w" },
	{ "unmap", "u" },
	{ "delay", "d" },
	{ "reference", "p" },
};

static json_t *
info_number(uint64_t v)
{
	return (json_integer((json_int_t)v));
}

/* Not every log has calls; a trace that was not imported has none. */
static bool
info_has_calls(const struct eph_trace_meta *m)
{
	return (m->imported != 0 && (m->calls > 0 || m->references == 0));
}

static json_t *
info_calls(const struct eph_trace_meta *m, uint64_t v)
{
	return (info_has_calls(m) ? info_number(v) : json_null());
}

static json_t *
info_object(const char *path, const struct eph_trace_meta *m)
{
	json_t *ops = json_object(), *o = json_object();

	for (int i = 0; i < EPH_OP_KINDS; i++)
		(void)json_object_set_new(
		    ops, kind_words[i].key, info_number(m->ops_of[i]));
	(void)json_object_set_new(o, "trace", json_string(path));
	(void)json_object_set_new(o, "references", info_number(m->references));
	(void)json_object_set_new(
	    o, "unique_pages", info_number(m->unique_pages));
	(void)json_object_set_new(o, "cpus", info_number(m->cpus));
	(void)json_object_set_new(o, "held_mean", json_real(m->held_mean));
	(void)json_object_set_new(o, "held_max", info_number(m->held_max));
	(void)json_object_set_new(
	    o, "held_at_end", info_number(m->held_at_end));
	(void)json_object_set_new(o, "calls", info_calls(m, m->calls));
	(void)json_object_set_new(o, "partial", info_calls(m, m->partial));
	(void)json_object_set_new(o, "failed", info_calls(m, m->failed));
	(void)json_object_set_new(o, "source",
	    m->imported != 0 ? json_string(m->source) : json_null());
	(void)json_object_set_new(
	    o, "duration_ns", info_number(m->duration_ns));
	(void)json_object_set_new(o, "slots", info_number(m->slots));
	(void)json_object_set_new(o, "operations", info_number(m->ops));
	(void)json_object_set_new(o, "operations_by_kind", ops);
	return (o);
}

static void
info_csv(const char *path, const struct eph_trace_meta *m)
{
	(void)printf("trace,references,unique_pages,cpus,held_mean,held_max,"
		     "held_at_end,calls,partial,failed,source,duration_ns,"
		     "slots,operations\n");
	(void)printf("\"");
	for (const char *p = path; *p != '\0'; p++)
		(void)printf(*p == '"' ? "\"\"" : "%c", *p);
	(void)printf("\",%" PRIu64 ",%" PRIu64 ",%u,%.12g,%" PRIu64 ",%" PRIu64
		     ",",
	    m->references, m->unique_pages, m->cpus, m->held_mean, m->held_max,
	    m->held_at_end);
	if (info_has_calls(m))
		(void)printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64, m->calls,
		    m->partial, m->failed);
	else
		(void)printf(",,");
	(void)printf(",%s,%" PRIu64 ",%" PRIu32 ",%" PRIu64 "\n", m->source,
	    m->duration_ns, m->slots, m->ops);
}

static void
info_row(const char *what, uint64_t v)
{
	char buf[NUMBER_MAX];

	(void)printf("%-16s %16s\n", what, number_u64(buf, v));
}

static void
info_table(const char *path, const struct eph_trace_meta *m)
{
	char buf[NUMBER_MAX];

	(void)printf("%s\n", path);
	info_row("references", m->references);
	info_row("unique pages", m->unique_pages);
	(void)printf("%-16s %14s KiB\n", "footprint",
	    number_u64(buf, m->unique_pages * (EPH_PAGE_SIZE / 1024)));
	info_row("CPUs", m->cpus);
	(void)printf("%-16s %16.1f\n", "held, mean", m->held_mean);
	info_row("held, most", m->held_max);
	info_row("held at the end", m->held_at_end);
	if (m->duration_ns > 0)
		(void)printf("%-16s %16.6f s\n", "duration",
		    (double)m->duration_ns / 1e9);
	if (m->imported != 0)
		(void)printf("%-16s %16s\n", "imported from", m->source);
	if (info_has_calls(m)) {
		info_row("calls", m->calls);
		info_row("  partial", m->partial);
		info_row("  failed", m->failed);
	}
	info_row("operations", m->ops);
	for (int i = 0; i < EPH_OP_KINDS; i++) {
		if (m->ops_of[i] > 0)
			(void)printf("  %s %-12s %16s\n", kind_words[i].word,
			    kind_words[i].key, number_u64(buf, m->ops_of[i]));
	}
}

int
cmd_trace_info(const struct opts *o, int n, char **operands)
{
	const char *path = n == 1 ? operands[0] : o->trace;
	struct eph_trace *t;
	struct eph_err err;
	int status = EXIT_OK;

	if ((o->trace != NULL) == (n == 1))
		return (
		    options_refuse("ephmap trace info", "expected one FILE"));
	if (input_settle("ephmap trace info", path) != OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_trace_open(path, &t, &err) != 0)
		return (trace_refuse(&err));
	if (info_verify(t, &err) != 0)
		status = trace_refuse(&err);
	else if (o->format == FORMAT_JSON)
		json_print(info_object(path, eph_trace_meta(t)), stdout);
	else if (o->format == FORMAT_CSV)
		info_csv(path, eph_trace_meta(t));
	else
		info_table(path, eph_trace_meta(t));
	eph_trace_close(t);
	return (status);
}

/* -- convert ------------------------------------------------------------ */

/* Write operation `i` of the block. */
static int
convert_op(const struct eph_trace *t, const struct eph_op *op, size_t i,
    struct eph_trace_writer *w, struct eph_err *err)
{
	uint64_t page = 0, handle = 0, ns = 0;

	if (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF)
		page = eph_trace_page_name(t, op->page);
	if (op->kind <= EPH_OP_UNMAP)
		handle = eph_trace_handle_name(t, i);
	if (op->kind == EPH_OP_DELAY)
		ns = eph_op_delay_ns(op);
	return (eph_trace_write(w, (enum eph_op_kind)op->kind, op->flags,
	    op->cpu, page, handle, ns, err));
}

static int
convert_all(
    struct eph_trace *t, struct eph_trace_writer *w, struct eph_err *err)
{
	const struct eph_op *ops;
	struct progress bar;
	uint64_t done = 0;
	size_t n = 0;
	int error;

	progress_start(&bar, "converting", eph_trace_meta(t)->ops);
	while ((error = eph_trace_next(t, &ops, &n, err)) == 0 && n > 0) {
		for (size_t i = 0; error == 0 && i < n; i++)
			error = convert_op(t, &ops[i], i, w, err);
		if (error != 0)
			break;
		progress_step(&bar, done += n);
	}
	progress_end(&bar);
	if (eph_trace_meta(t)->imported != 0)
		eph_trace_writer_origin(w, eph_trace_meta(t));
	return (error);
}

int
cmd_trace_convert(const struct opts *o, int n, char **operands)
{
	struct eph_trace_writer *w;
	struct eph_trace *t;
	struct eph_err err;
	enum eph_trace_form to = (enum eph_trace_form)o->convert_to;
	int status;

	(void)n;
	if (o->output == NULL)
		return (
		    options_refuse("ephmap trace convert", "expected -o FILE"));
	if (input_settle("ephmap trace convert", operands[0]) != OPTIONS_OK)
		return (EXIT_BAD);
	if (eph_trace_open(operands[0], &t, &err) != 0)
		return (trace_refuse(&err));
	if (o->rate > 0 && eph_trace_rate(t, o->rate, &err) != 0) {
		eph_trace_close(t);
		return (options_refuse("ephmap trace convert", "--rate: %s: %s",
		    operands[0], err.text));
	}
	if (!opt_given(o, convert_to))
		to = eph_trace_is_text(t) ? EPH_TRACE_BINARY : EPH_TRACE_TEXT;
	if (eph_trace_writer_open(o->output, to, &w, &err) != 0)
		status = trace_refuse(&err);
	else
		status = trace_finish(w, convert_all(t, w, &err), &err);
	eph_trace_close(t);
	return (status);
}
