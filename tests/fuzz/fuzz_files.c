/* SPDX-License-Identifier: BSD-2-Clause */

/* Files that the library reads: traces, logs, records of tracepoints. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/import.h"
#include "ephmap/tlb_record.h"
#include "ephmap/trace.h"

#include "fuzz.h"

/* -- traces ------------------------------------------------------------- */

static void
run_trace(const uint8_t *data, size_t n)
{
	struct eph_trace *t;
	struct eph_err err;
	const struct eph_op *ops;
	size_t got;

	if (eph_trace_open(fuzz_file(data, n), &t, &err) != 0)
		return;
	for (int pass = 0; pass < 2; pass++) {
		while (eph_trace_next(t, &ops, &got, &err) == 0 && got > 0)
			continue;
		if (eph_trace_rewind(t, &err) != 0)
			break;
	}
	eph_trace_close(t);
}

/* -- logs --------------------------------------------------------------- */

static void
import(const uint8_t *data, size_t n, const struct eph_import_options *o)
{
	static char out[64];
	struct eph_import_result res;
	struct eph_trace_writer *w;
	struct eph_err err;

	if (out[0] == '\0')
		(void)snprintf(
		    out, sizeof(out), "/dev/shm/fuzz.%p", (const void *)out);
	if (eph_trace_writer_open(out, EPH_TRACE_TEXT, &w, &err) != 0)
		abort();
	(void)eph_trace_import(fuzz_file(data, n), o, w, &res, &err);
	eph_trace_writer_abort(w);
}

static bool
is_calls(const char *from)
{
	static const char *const forms[] = { "strace", "perf-trace", "truss",
		"kdump", "filemap" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i], from) == 0)
			return (true);
	}
	return (false);
}

static bool
is_web(const char *from)
{
	return (strcmp(from, "clf") == 0 || strcmp(from, "squid") == 0 ||
	    strcmp(from, "haproxy") == 0 || strcmp(from, "w3c") == 0 ||
	    strcmp(from, "weblog-json") == 0);
}

/* Without options, and with others by the size of the input. */
static void
import_as(const char *from, const uint8_t *data, size_t n)
{
	struct eph_import_options o = { .from = from };

	switch (from != NULL ? n % 4 : 0) {
	case 1:
		if (is_calls(from))
			o.calls = (1u << 6) - 1; /* all but pipe */
		else if (is_web(from))
			o.header_auto = true;
		else if (strcmp(from, "csv") == 0)
			o.split = true;
		break;
	case 2:
		if (is_calls(from)) {
			o.fold = 2;
			o.fold_by = EPH_FOLD_ROBIN;
		} else if (strcmp(from, "csv") == 0) {
			o.split = true;
			o.block_bytes = 512;
		}
		break;
	case 3:
		if (strcmp(from, "strace") == 0)
			o.calls = EPH_CALLS_PIPE;
		else if (strcmp(from, "truss") == 0 ||
		    strcmp(from, "kdump") == 0)
			o.cpu_of = EPH_CPU_THREAD;
		break;
	default:
		break;
	}
	import(data, n, &o);
}

static void
run_guess(const uint8_t *data, size_t n)
{
	import_as(NULL, data, n);
}

/* "COLUMNS DELIMITER UNIT HEADER", then a table. */
static void
run_columns(const uint8_t *data, size_t n)
{
	struct eph_import_options o = { .from = "csv" };
	char *line, *word, *more;

	data = fuzz_line(data, &n, &line);
	if ((word = strtok_r(line, " ", &more)) != NULL)
		o.columns = word;
	if (o.columns != NULL && (word = strtok_r(NULL, " ", &more)) != NULL)
		o.delimiter = word[0] == 'b' ? ' ' : word[0];
	if (o.delimiter != 0 && (word = strtok_r(NULL, " ", &more)) != NULL) {
		o.time_unit = (enum eph_import_unit)(
		    strspn(word, "u") % (EPH_UNIT_NS + 1));
		o.no_header = strtok_r(NULL, " ", &more) != NULL;
	}
	import(data, n, &o);
	free(line);
}

/* "RECORD COLUMNS", then records. */
static void
run_record(const uint8_t *data, size_t n)
{
	struct eph_import_options o = { .from = "binary" };
	char *line, *more;

	data = fuzz_line(data, &n, &line);
	o.record = strtok_r(line, " ", &more);
	if (o.record != NULL)
		o.columns = strtok_r(NULL, " ", &more);
	import(data, n, &o);
	free(line);
}

/* "NAMES", then JSON lines. */
static void
run_members(const uint8_t *data, size_t n)
{
	struct eph_import_options o = { .from = "weblog-json" };
	char *line;

	data = fuzz_line(data, &n, &line);
	o.columns = line;
	import(data, n, &o);
	free(line);
}

static void
run_tlb(const uint8_t *data, size_t n)
{
	struct eph_tlb_record rec;
	struct eph_err err;

	(void)eph_tlb_record_read(fuzz_file(data, n), &rec, &err);
}

#define FORMS                                                                  \
	FORM(nasa_tsv, "nasa-tsv")                                             \
	FORM(sendfile_tsv, "sendfile-tsv")                                     \
	FORM(hold_tsv, "hold-tsv")                                             \
	FORM(fio_iolog, "fio-iolog")                                           \
	FORM(blkparse, "blkparse")                                             \
	FORM(msr, "msr")                                                       \
	FORM(twitter, "twitter")                                               \
	FORM(alibaba_block, "alibaba-block")                                   \
	FORM(meta_kv, "meta-kv")                                               \
	FORM(meta_cdn, "meta-cdn")                                             \
	FORM(wiki_cdn, "wiki-cdn")                                             \
	FORM(umass_spc, "umass-spc")                                           \
	FORM(tencent_block, "tencent-block")                                   \
	FORM(csv, "csv")                                                       \
	FORM(lcs, "lcs")                                                       \
	FORM(vscsi, "vscsi")                                                   \
	FORM(oracle, "oracleGeneral")                                          \
	FORM(oracle_op, "oracleGeneralOpNS")                                   \
	FORM(weblog_json, "weblog-json")                                       \
	FORM(w3c, "w3c")                                                       \
	FORM(squid, "squid")                                                   \
	FORM(haproxy, "haproxy")                                               \
	FORM(clf, "clf")                                                       \
	FORM(filemap, "filemap")                                               \
	FORM(perf_trace, "perf-trace")                                         \
	FORM(truss, "truss")                                                   \
	FORM(kdump, "kdump")                                                   \
	FORM(strace, "strace")                                                 \
	FORM(arc, "arc")                                                       \
	FORM(webcachesim, "webcachesim")                                       \
	FORM(ids, "ids")                                                       \
	FORM(lirs, "lirs")

#define FORM(id, name)                                                         \
	static void run_##id(const uint8_t *data, size_t n)                    \
	{                                                                      \
		import_as(name, data, n);                                      \
	}
FORMS
#undef FORM

const struct fuzz_target fuzz_files[] = {
	{ "trace", "traces: text, binary, compressed", run_trace },
	{ "guess", "any log, guessed, compressed or not", run_guess },
	{ "columns", "a table by --columns and other options", run_columns },
	{ "record", "records by --record and --columns", run_record },
	{ "members", "JSON logs by --columns", run_members },
	{ "tlb", "tlb_flush tracepoints", run_tlb },
#define FORM(id, name) { name, "a log, as " name, run_##id },
	FORMS
#undef FORM
	{ NULL, NULL, NULL },
};
