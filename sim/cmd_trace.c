/* SPDX-License-Identifier: BSD-2-Clause */

#include "cmd_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ephmap/generate.h"
#include "ephmap/import.h"
#include "ephmap/trace.h"
#include "options.h"
#include "progress.h"

#define STATUS_OK  0
#define STATUS_BAD 2

static int
refuse(const struct eph_err *err)
{
	(void)options_refuse("ephmap", "%s", err->text);
	return (STATUS_BAD);
}

/* --help is a success. */
static int
status_of(int parsed)
{
	return (parsed == OPTIONS_HELP ? STATUS_OK : STATUS_BAD);
}

/* What --to names, by the order of enum eph_trace_form. */
static const char *const form_choices[] = { "binary", "text", "oracleGeneral",
	NULL };
static const char *const binary_or_text[] = { "binary", "text", NULL };

/* Commit or throw away, and say what went wrong. */
static int
finish(struct eph_trace_writer *w, int error, struct eph_err *err)
{
	if (error != 0)
		eph_trace_writer_abort(w);
	else
		error = eph_trace_writer_commit(w, err);
	return (error != 0 ? refuse(err) : STATUS_OK);
}

static void
show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_step(p, done);
}

/* -- generate ----------------------------------------------------------- */

static const char generate_about[] =
    "KIND is one of\n"
    "  zipf     page k (from 0) with probability ~ 1/(k+1)^A, independently\n"
    "  scan     one pass in order, each page referenced REFS/PAGES times in "
    "a row\n"
    "  loop     all pages in order, again and again\n"
    "  uniform  every page with the same probability\n"
    "\n"
    "Every line is a p line; its CPU is drawn at random. The same options "
    "give\nthe same trace on every host.\n";

static const char *const generate_kinds[] = { "zipf", "scan", "loop", "uniform",
	NULL };

static int
generate_kind(const char *command, const char *name, enum eph_generator *kind)
{
	const char *near;

	for (unsigned i = 0; generate_kinds[i] != NULL; i++) {
		if (strcmp(generate_kinds[i], name) == 0) {
			*kind = (enum eph_generator)i;
			return (OPTIONS_OK);
		}
	}
	near = nearest_name(name, generate_kinds);
	return (options_refuse(command,
	    "unknown kind \"%s\"%s%s; expected zipf, scan, loop or uniform",
	    name, near != NULL ? ", did you mean " : "",
	    near != NULL ? near : ""));
}

static int
trace_cmd_generate(int argc, char **argv)
{
	static const char command[] = "ephmap trace generate";
	struct eph_generate g = { .alpha = 0.8, .seed = 1 };
	struct eph_trace_writer *w;
	struct eph_err err;
	const char *out = NULL;
	bool alpha = false, pages = false, refs = false;
	unsigned to = EPH_TRACE_BINARY;
	uint64_t cpus = 1;
	struct progress bar;
	int error, first, parsed;
	const struct opt table[] = {
		{ "pages", 0, OPT_U64, &g.pages, &pages, 1, EPH_FRAMES_MAX,
		    NULL, "N", "pages to choose from" },
		{ "refs", 0, OPT_U64, &g.refs, &refs, 1, EPH_GEN_REFS_MAX, NULL,
		    "N", "references to write" },
		{ "alpha", 0, OPT_REAL, &g.alpha, &alpha, 0, 10, NULL, "A",
		    "zipf: the exponent, 0 to 10 (default 0.8)" },
		{ "cpus", 0, OPT_U64, &cpus, NULL, 1, EPH_CPUS_MAX, NULL, "N",
		    "CPUs, 1 to 1024 (default 1)" },
		{ "seed", 0, OPT_U64, &g.seed, NULL, 0, UINT64_MAX, NULL, "N",
		    "seed of the random numbers (default 1)" },
		{ "to", 0, OPT_CHOICE, &to, NULL, 0, 0, binary_or_text, "FORM",
		    "binary (default) or text" },
		{ "output", 'o', OPT_STRING, &out, NULL, 0, 0, NULL, "FILE",
		    "where to; - is text to standard output" },
		{ 0 },
	};
	const struct options o = { command,
		"zipf|scan|loop|uniform --pages N --refs N [OPTION]... -o FILE",
		generate_about, table, 1, 1 };

	parsed = options_parse(&o, argc, argv, &first);
	if (parsed != OPTIONS_OK ||
	    (parsed = generate_kind(command, argv[first], &g.kind)) !=
		OPTIONS_OK)
		return (status_of(parsed));
	g.cpus = (unsigned)cpus;
	if (!pages || !refs || out == NULL)
		return (options_refuse(command, "expected %s",
		    !pages	? "--pages N"
			: !refs ? "--refs N"
				: "-o FILE"));
	if (alpha && g.kind != EPH_GEN_ZIPF)
		return (options_refuse(command, "--alpha is for zipf only"));
	if (eph_trace_writer_open(out, (enum eph_trace_form)to, &w, &err) != 0)
		return (refuse(&err));
	progress_start(&bar, "generating", g.refs);
	g.progress = show_progress;
	g.progress_arg = &bar;
	error = eph_trace_generate(&g, w, &err);
	progress_end(&bar);
	return (finish(w, error, &err));
}

/* -- import ------------------------------------------------------------- */

static const char import_about[] =
    "Reads a log, plain or compressed with zstd or gzip, and writes one page\n"
    "reference (p line) for each 4 KiB page of each call or request, with d\n"
    "lines between them where the log has times. hold-tsv gives m and u "
    "lines.\n"
    "\n"
    "FORMAT, guessed from the first lines when not given:\n"
    "  strace         strace -f -ttt -T -yy: sendfile calls, or with --calls "
    "pipe\n"
    "                 writes to pipes (-e raw=read,write: buffer addresses); "
    "the\n"
    "                 pages are then the writer's buffer, pid and address\n"
    "  sendfile-tsv   t_ns cpu pid op file offset returned asked call_ns "
    "client\n"
    "  hold-tsv       t_ns cpu file page hold_ns\n"
    "  nasa-tsv       host logname time method url response bytes\n"
    "  clf            Common or Combined Log Format\n"
    "  ids            one page id a line\n"
    "  oracleGeneral  libCacheSim's binary form\n"
    "  vscsi          VMware vscsi traces, version 1 or 2\n"
    "  csv            libCacheSim's CSV: a header with time, size and an id\n"
    "  arc            the ARC paper's .lis: start count - sequence\n"
    "  lirs           the LIRS authors' traces: one id a line, * ignored\n"
    "\n"
    "A page of a file is named FILE * 1000000000 + PAGE, files being numbered\n"
    "in order of first sight where the log has paths or URLs. From web logs,\n"
    "GET requests with status 200 or 206 and bytes above zero count, over the\n"
    "first pages of the file.\n"
    "\n"
    "CPU of a reference: the log's CPU column where it has one (sendfile-tsv,\n"
    "hold-tsv); in a strace log, processes are numbered from 0 by their first\n"
    "call that maps a page, so that two pinned workers are CPUs 0 and 1 and\n"
    "their master is none; else 0. --cpu-of chooses another rule: pid,\n"
    "column, or a number for a fixed CPU.\n"
    "\n"
    "Calls that return EAGAIN are not calls; other errors count as failed;\n"
    "both map nothing. In oracleGeneral, vscsi and csv the object is the page\n"
    "unless --split: then an object of SIZE bytes is SIZE/4096 pages of its\n"
    "own, or with --block BYTES its id is the number of a block of a disk and\n"
    "the pages are the disk's.\n";

static const char *const calls_choices[] = { "sendfile", "pipe", NULL };

static int
import_format_name(const char *command, const char *name)
{
	const char *names[32];
	const char *near;
	unsigned n = 0;

	while (n < 31 && (names[n] = eph_trace_import_format(n)) != NULL)
		n++;
	names[n] = NULL;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (OPTIONS_OK);
	}
	near = nearest_name(name, names);
	return (options_refuse(command,
	    "--from: unknown format \"%s\"%s%s; "
	    "--help lists them",
	    name, near != NULL ? ", did you mean " : "",
	    near != NULL ? near : ""));
}

static int
import_cpu_rule(
    const char *command, const char *text, struct eph_import_options *io)
{
	uint64_t cpu;

	if (strcmp(text, "pid") == 0) {
		io->cpu_of = EPH_CPU_PID;
	} else if (strcmp(text, "column") == 0) {
		io->cpu_of = EPH_CPU_COLUMN;
	} else if (parse_u64(text, EPH_CPUS_MAX - 1, &cpu) == 0) {
		io->cpu_of = EPH_CPU_FIXED;
		io->cpu = (unsigned)cpu;
	} else {
		return (options_refuse(command,
		    "--cpu-of: expected pid, column or a CPU from 0 to 1023, "
		    "got \"%s\"",
		    text));
	}
	return (OPTIONS_OK);
}

/* What a person should know of what was left out. */
static void
import_remarks(const char *log, const struct eph_import_result *res)
{
	if (res->skipped > 0)
		(void)fprintf(stderr,
		    "ephmap: %s: %" PRIu64 " malformed lines skipped, the "
		    "first in line %" PRIu64 "\n",
		    log, res->skipped, res->first_skipped);
	if (res->unfinished > 0)
		(void)fprintf(stderr,
		    "ephmap: %s: %" PRIu64 " calls without a result left out\n",
		    log, res->unfinished);
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
		return (refuse(&err));
	progress_start(&bar, "importing", 0);
	io->progress = show_progress;
	io->progress_arg = &bar;
	error = eph_trace_import(log, io, w, &res, &err);
	progress_end(&bar);
	status = finish(w, error, &err);
	if (status == STATUS_OK)
		import_remarks(log, &res);
	return (status);
}

static int
trace_cmd_import(int argc, char **argv)
{
	static const char command[] = "ephmap trace import";
	struct eph_import_options io = { 0 };
	const char *out = NULL, *cpu_of = NULL;
	unsigned calls = EPH_CALLS_SENDFILE, to = EPH_TRACE_BINARY;
	int first, parsed;
	const struct opt table[] = {
		{ "from", 0, OPT_STRING, &io.from, NULL, 0, 0, NULL, "FORMAT",
		    "format of the log (default: guess)" },
		{ "calls", 0, OPT_CHOICE, &calls, NULL, 0, 0, calls_choices,
		    "CALLS", "strace: sendfile (default) or pipe" },
		{ "cpu-of", 0, OPT_STRING, &cpu_of, NULL, 0, 0, NULL, "RULE",
		    "pid, column, or a CPU number" },
		{ "no-holds", 0, OPT_FLAG, &io.no_holds, NULL, 0, 0, NULL, NULL,
		    "hold-tsv: p lines, without the recorded holds" },
		{ "block", 0, OPT_U64, &io.block_bytes, NULL, 1, 1u << 30, NULL,
		    "BYTES", "size of a block of the log (default 4096)" },
		{ "split", 0, OPT_FLAG, &io.split, NULL, 0, 0, NULL, NULL,
		    "oracleGeneral, vscsi, csv: cut objects into pages" },
		{ "to", 0, OPT_CHOICE, &to, NULL, 0, 0, binary_or_text, "FORM",
		    "binary (default) or text" },
		{ "output", 'o', OPT_STRING, &out, NULL, 0, 0, NULL, "FILE",
		    "where to; - is text to standard output" },
		{ 0 },
	};
	const struct options o = { command, "[OPTION]... LOG -o FILE",
		import_about, table, 1, 1 };

	parsed = options_parse(&o, argc, argv, &first);
	if (parsed == OPTIONS_OK && io.from != NULL)
		parsed = import_format_name(command, io.from);
	if (parsed == OPTIONS_OK && cpu_of != NULL)
		parsed = import_cpu_rule(command, cpu_of, &io);
	if (parsed != OPTIONS_OK)
		return (status_of(parsed));
	if (out == NULL)
		return (options_refuse(command, "expected -o FILE"));
	io.calls = (enum eph_import_calls)calls;
	return (import_log(argv[first], out, (enum eph_trace_form)to, &io));
}

/* -- info --------------------------------------------------------------- */

static const char info_about[] =
    "references are m and p lines; held is the number of handles mapped at\n"
    "once, its mean over time if the trace has d lines, else over lines.\n"
    "calls, partial and failed are those of the log the trace was imported\n"
    "from.\n";

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

static int
info_json(const char *path, const struct eph_trace_meta *m)
{
	json_t *o = info_object(path, m);
	char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(o);
	return (text != NULL ? STATUS_OK : STATUS_BAD);
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

/* 1234567 as 1,234,567. */
static const char *
grouped(uint64_t v, char buf[32])
{
	char digits[24];
	const int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);
	char *to = buf;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return (buf);
}

static void
info_row(const char *what, uint64_t v)
{
	char buf[32];

	(void)printf("%-16s %16s\n", what, grouped(v, buf));
}

static void
info_table(const char *path, const struct eph_trace_meta *m)
{
	char buf[32];

	(void)printf("%s\n", path);
	info_row("references", m->references);
	info_row("unique pages", m->unique_pages);
	(void)printf("%-16s %14s KiB\n", "footprint",
	    grouped(m->unique_pages * (EPH_PAGE_SIZE / 1024), buf));
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
			    kind_words[i].key, grouped(m->ops_of[i], buf));
	}
}

static int
trace_cmd_info(int argc, char **argv)
{
	unsigned format = FORMAT_TABLE;
	struct eph_trace *t;
	struct eph_err err;
	int first, parsed, status = STATUS_OK;
	const char *path = NULL;
	const struct opt table[] = {
		{ "trace", 0, OPT_STRING, &path, NULL, 0, 0, NULL, "FILE",
		    "the trace; the same as FILE" },
		{ "format", 0, OPT_CHOICE, &format, NULL, 0, 0, format_choices,
		    "FORMAT", "table (default), csv or json" },
		{ 0 },
	};
	const struct options o = { "ephmap trace info", "[OPTION]... FILE",
		info_about, table, 0, 1 };

	if ((parsed = options_parse(&o, argc, argv, &first)) != OPTIONS_OK)
		return (status_of(parsed));
	if ((path != NULL) == (first < argc))
		return (options_refuse(o.command, "expected one FILE"));
	if (path == NULL)
		path = argv[first];
	if (eph_trace_open(path, &t, &err) != 0)
		return (refuse(&err));
	if (info_verify(t, &err) != 0)
		status = refuse(&err);
	else if (format == FORMAT_JSON)
		status = info_json(path, eph_trace_meta(t));
	else if (format == FORMAT_CSV)
		info_csv(path, eph_trace_meta(t));
	else
		info_table(path, eph_trace_meta(t));
	eph_trace_close(t);
	return (status);
}

/* -- convert ------------------------------------------------------------ */

static const char convert_about[] =
    "Without --to, text becomes binary and binary becomes text.\n"
    "oracleGeneral is libCacheSim's form: one record for each m and p line,\n"
    "the page as the object, size 4096, time in seconds, and the request\n"
    "number (from 1) of the next use or -1; holds and CPUs are not kept.\n";

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

static int
trace_cmd_convert(int argc, char **argv)
{
	const char *out = NULL;
	struct eph_trace_writer *w;
	struct eph_trace *t;
	struct eph_err err;
	unsigned to = 0;
	bool to_given = false;
	int first, parsed, status;
	const struct opt table[] = {
		{ "to", 0, OPT_CHOICE, &to, &to_given, 0, 0, form_choices,
		    "FORM", "text, binary or oracleGeneral" },
		{ "output", 'o', OPT_STRING, &out, NULL, 0, 0, NULL, "FILE",
		    "where to; - is text to standard output" },
		{ 0 },
	};
	const struct options o = { "ephmap trace convert",
		"[OPTION]... FILE -o FILE", convert_about, table, 1, 1 };

	if ((parsed = options_parse(&o, argc, argv, &first)) != OPTIONS_OK)
		return (status_of(parsed));
	if (out == NULL)
		return (options_refuse(o.command, "expected -o FILE"));
	if (eph_trace_open(argv[first], &t, &err) != 0)
		return (refuse(&err));
	if (!to_given)
		to = eph_trace_is_text(t) ? EPH_TRACE_BINARY : EPH_TRACE_TEXT;
	if (eph_trace_writer_open(out, (enum eph_trace_form)to, &w, &err) != 0)
		status = refuse(&err);
	else
		status = finish(w, convert_all(t, w, &err), &err);
	eph_trace_close(t);
	return (status);
}

/* -- dispatch ----------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "generate", trace_cmd_generate },
	{ "import", trace_cmd_import },
	{ "info", trace_cmd_info },
	{ "convert", trace_cmd_convert },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
trace_help(void)
{
	(void)printf(
	    "usage: ephmap trace COMMAND ...\n\n"
	    "  generate zipf|scan|loop|uniform --pages N --refs N -o FILE\n"
	    "  import   [--from FORMAT] LOG -o FILE\n"
	    "  info     FILE\n"
	    "  convert  FILE -o FILE [--to text|binary|oracleGeneral]\n\n"
	    "Each has --help. The forms of a trace are described in "
	    "ephmap-trace(5).\n");
	return (STATUS_OK);
}

int
cmd_trace(int argc, char **argv)
{
	const char *names[NCOMMANDS + 1] = { NULL };
	const char *near;

	/* A file size limit is an error to report, not a signal to die of. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (argc < 2)
		return (options_refuse("ephmap trace",
		    "expected generate, import, info or convert"));
	if (strcmp(argv[1], "--help") == 0)
		return (trace_help());
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) == 0)
			return (commands[i].run(argc - 1, argv + 1));
		names[i] = commands[i].name;
	}
	near = nearest_name(argv[1], names);
	return (options_refuse("ephmap trace",
	    "unknown command %s%s%s; expected generate, import, info or "
	    "convert",
	    argv[1], near != NULL ? ", did you mean " : "",
	    near != NULL ? near : ""));
}
