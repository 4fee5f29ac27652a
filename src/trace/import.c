/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The table of importers, and the checks of options that are the same for
 * all.
 *
 * Guessing goes through the table in order and takes the first format that
 * the first bytes fit; the order is from the most telling to the least.
 *
 * The table has one line for each row that an import_*.c defines.
 */

#include "ephmap/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/plugin.h"
#include "ephmap/names.h"
#include "trace/importer.h"
#include "trace/trace_binary.h"
#include "trace/trace_text.h"

#define GUESS_BYTES 16384u

/* clang-format off */
#define FORMATS(X)							\
	X(eph__import_nasa_tsv)						\
	X(eph__import_sendfile_tsv)					\
	X(eph__import_hold_tsv)						\
	X(eph__import_fio_iolog)					\
	X(eph__import_blkparse)						\
	X(eph__import_msr)						\
	X(eph__import_twitter)						\
	X(eph__import_alibaba_block)					\
	X(eph__import_meta_kv)						\
	X(eph__import_meta_cdn)						\
	X(eph__import_wiki_cdn)						\
	X(eph__import_umass_spc)					\
	X(eph__import_tencent_block)					\
	X(eph__import_csv)						\
	X(eph__import_lcs)						\
	X(eph__import_vscsi)						\
	X(eph__import_oracle_general)					\
	X(eph__import_oracle_general_op)				\
	X(eph__import_weblog_json)					\
	X(eph__import_w3c)						\
	X(eph__import_squid)						\
	X(eph__import_haproxy)						\
	X(eph__import_clf)						\
	X(eph__import_filemap)						\
	X(eph__import_perf_trace)					\
	X(eph__import_truss)						\
	X(eph__import_kdump)						\
	X(eph__import_strace)						\
	X(eph__import_arc)						\
	X(eph__import_webcachesim)					\
	X(eph__import_ids)						\
	X(eph__import_lirs)						\
	X(eph__import_binary)

#define FORMAT_ROW(row)	    extern const struct eph_import_format row;
#define FORMAT_POINTER(row) &row,

FORMATS(FORMAT_ROW)

static const struct eph_import_format *const formats[] = {
	FORMATS(FORMAT_POINTER)
};
/* clang-format on */

#define NFORMATS (sizeof(formats) / sizeof(formats[0]))

const char *
eph_trace_import_format(unsigned i)
{
	return (i < NFORMATS ? formats[i]->name : NULL);
}

const char *
eph_trace_import_format_desc(unsigned i)
{
	return (i < NFORMATS ? formats[i]->desc : NULL);
}

/* The first slot that every importer must set and this does not, or NULL. */
static const char *
format_missing(const void *row)
{
	const struct eph_import_format *f = row;

	return (f->name == NULL	  ? "name"
		: f->desc == NULL ? "desc"
		: f->run == NULL  ? "run"
				  : NULL);
}

int
eph_import_load(const char *path, const struct eph_import_format **formatp,
    struct eph_err *err)
{
	static const struct plugin_row importer = { .symbol = "ephmap_import",
		.type = "struct eph_import_format",
		.noun = "importer",
		.missing = format_missing };
	const void *row;
	const int error = eph__plugin_load(&importer, path, &row, err);

	if (error == 0)
		*formatp = row;
	return (error);
}

/* -- one import --------------------------------------------------------- */

static int
import_find(
    const char *name, const struct eph_import_format **fp, struct eph_err *err)
{
	for (size_t i = 0; i < NFORMATS; i++) {
		if (strcmp(formats[i]->name, name) == 0) {
			*fp = formats[i];
			return (0);
		}
	}
	return (eph_err_unknown(err, "format", name,
	    eph_nearest_row(name, eph_trace_import_format),
	    "`ephmap trace import --help` lists them"));
}

/*
 * What the options of a form say of it where --from does not: a record is
 * binary, columns are a table's, or members of objects.  NULL: nothing.
 */
static const char *
import_implied(const struct eph_import_options *o, char first)
{
	if (o->from != NULL)
		return (o->from);
	if (o->record != NULL)
		return ("binary");
	if (o->columns == NULL && o->delimiter == '\0' && !o->no_header)
		return (NULL);
	return (first == '{' ? "weblog-json" : "csv");
}

static bool
is_trace(const char *p, size_t n)
{
	return (
	    (n >= TRACE_BINARY_MAGIC_BYTES &&
		memcmp(p, TRACE_BINARY_MAGIC, TRACE_BINARY_MAGIC_BYTES) == 0) ||
	    (n >= strlen(TRACE_TEXT_MAGIC) &&
		memcmp(p, TRACE_TEXT_MAGIC, strlen(TRACE_TEXT_MAGIC)) == 0));
}

static bool
guess_bytes(const char *p, size_t n, const struct eph_import_format **fp)
{
	for (size_t i = 0; i < NFORMATS && n > 0; i++) {
		if (formats[i]->guess != NULL && formats[i]->guess(p, n)) {
			*fp = formats[i];
			return (true);
		}
	}
	return (false);
}

/* Set *fp, unless it is known already; an empty log is refused anyway. */
static int
import_guess(
    struct input *in, const struct eph_import_format **fp, struct eph_err *err)
{
	const char *p;
	size_t n;
	int error;

	if ((error = eph__input_peek(in, GUESS_BYTES, &p, &n, err)) != 0)
		return (error);
	if (n == 0)
		return (eph_err_set(err, EINVAL,
		    "%s: the file is empty; expected a log",
		    eph__input_path(in)));
	if (*fp != NULL)
		return (0);
	if (n >= 2 &&
	    (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
		return (eph_err_set(err, EINVAL,
		    "%s: is text in UTF-16; type iconv -f UTF-16 -t UTF-8",
		    eph__input_path(in)));
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3; /* a byte order mark */
		n -= 3;
	}
	if (guess_bytes(p, n, fp))
		return (0);
	/* Empty lines may stand before a text. */
	for (size_t blank; n > 0; p += blank + 1, n -= blank + 1) {
		blank = 0;
		while (blank < n &&
		    (p[blank] == ' ' || p[blank] == '\t' || p[blank] == '\r'))
			blank++;
		if (blank == n || p[blank] != '\n')
			break;
	}
	if (guess_bytes(p, n, fp))
		return (0);
	if (n > 262 && memcmp(p + 257, "ustar", 5) == 0)
		return (eph_err_set(err, EINVAL,
		    "%s: is a tar archive; expected the log in it, as "
		    "`tar -xOf' prints it",
		    eph__input_path(in)));
	if (is_trace(p, n))
		return (eph_err_set(err, EINVAL,
		    "%s: is a trace of ephmap already and needs no import; "
		    "`ephmap trace convert' changes its form",
		    eph__input_path(in)));
	return (eph_err_set(err, EINVAL,
	    "%s: looks like no log that can be imported; give the format with "
	    "--from",
	    eph__input_path(in)));
}

int
eph_trace_import_guess(
    const char *path, const char **formatp, struct eph_err *err)
{
	const struct eph_import_format *f = NULL;
	struct input *in;
	int error;

	if ((error = eph__input_open(path, &in, err)) != 0)
		return (error);
	if ((error = import_guess(in, &f, err)) == 0)
		*formatp = f->name;
	eph__input_close(in);
	return (error);
}

static enum eph_spread
import_spread(const struct eph_import_options *o)
{
	switch (o->cpu_of) {
	case EPH_CPU_ROBIN:
		return (EPH_SPREAD_ROBIN);
	case EPH_CPU_HASH:
		return (EPH_SPREAD_HASH);
	case EPH_CPU_RANDOM:
		return (EPH_SPREAD_RANDOM);
	default:
		return (EPH_SPREAD_NONE);
	}
}

static bool
import_spreads(const struct eph_import_options *o)
{
	return (import_spread(o) != EPH_SPREAD_NONE);
}

/* Are there options that this format cannot obey? */
static int
import_check(const struct eph_import_format *f,
    const struct eph_import_options *o, struct eph_err *err)
{
	const char *why = NULL;

	if (o->calls != 0 && !(f->options & EPH_IMPORT_CALLS))
		why = "has no calls to choose from (--calls)";
	else if (o->cpu_of == EPH_CPU_PID && !(f->options & EPH_IMPORT_PID))
		why = "has no process ids (--cpu-of pid)";
	else if (o->cpu_of == EPH_CPU_THREAD &&
	    !(f->options & EPH_IMPORT_THREAD))
		why = "has no thread ids (--cpu-of thread)";
	else if (o->fold != 0 && !(f->options & EPH_IMPORT_PID))
		why = "has no process ids to fold (--fold)";
	else if (o->fold != 0 && o->fold_by == EPH_FOLD_LOAD &&
	    !(f->options & EPH_IMPORT_THREAD))
		why = "cannot be folded by load (--fold-by)";
	else if ((o->calls & EPH_CALLS_PIPE) != 0 && o->calls != EPH_CALLS_PIPE)
		why = "names pages of pipes by address: --calls pipe is alone";
	else if (o->cpu_of == EPH_CPU_COLUMN &&
	    !(f->options & EPH_IMPORT_COLUMN))
		why = "has no CPU column (--cpu-of column)";
	else if (import_spreads(o) &&
	    (f->options & (EPH_IMPORT_CALLS | EPH_IMPORT_HOLDS)) != 0)
		why = "has calls or holds, which stay whole: references cannot "
		      "be spread (--cpu-of)";
	else if (import_spreads(o) && o->fold != 0)
		why = "has references spread already: --fold is for processes";
	else if (o->no_holds && !(f->options & EPH_IMPORT_HOLDS))
		why = "has no recorded holds (--no-holds)";
	else if (o->block_bytes != 0 && !(f->options & EPH_IMPORT_BLOCK))
		why = "has no blocks (--block)";
	else if (o->split && !(f->options & EPH_IMPORT_SPLIT))
		why = "has no objects to cut (--split)";
	else if (o->columns != NULL &&
	    !(f->options &
		(EPH_IMPORT_TABLE | EPH_IMPORT_FIELDS | EPH_IMPORT_RECORD)))
		why = "has columns of its own (--columns)";
	else if ((o->delimiter != '\0' || o->no_header) &&
	    !(f->options & EPH_IMPORT_TABLE))
		why = "has a form of its own (--delimiter, --no-header)";
	else if (o->time_unit != EPH_UNIT_DEFAULT &&
	    !(f->options & EPH_IMPORT_UNIT))
		why = "has a unit of time of its own (--time-unit)";
	else if ((o->header_auto || o->header_bytes != 0) &&
	    !(f->options & EPH_IMPORT_HEADER))
		why = "has no bytes of headers (--header)";
	else if (o->record != NULL && !(f->options & EPH_IMPORT_RECORD))
		why = "has records of its own (--record)";
	else if (o->block_bytes != 0 && !o->split &&
	    f->options & EPH_IMPORT_SPLIT)
		why = "takes --block together with --split only";
	if (why != NULL)
		return (eph_err_set(err, EINVAL, "format %s %s", f->name, why));
	if (o->fold > EPH_CPUS_MAX)
		return (eph_err_set(err, EINVAL, "--fold %u; expected 1 to %u",
		    o->fold, EPH_CPUS_MAX));
	if (import_spreads(o) && (o->cpu < 1 || o->cpu > EPH_CPUS_MAX))
		return (eph_err_set(err, EINVAL,
		    "references spread over %u CPUs; expected 1 to %u", o->cpu,
		    EPH_CPUS_MAX));
	if (o->cpu_of == EPH_CPU_FIXED && o->cpu >= EPH_CPUS_MAX)
		return (eph_err_set(
		    err, EINVAL, "CPU %u; expected " EPH_CPUS_TEXT, o->cpu));
	return (0);
}

/* What the format's own rule for CPUs is. */
static struct eph_import_options
import_defaults(
    const struct eph_import_format *f, const struct eph_import_options *o)
{
	struct eph_import_options eff = *o;

	if (eff.cpu_of == EPH_CPU_DEFAULT) {
		eff.cpu_of = EPH_CPU_FIXED;
		eff.cpu = 0;
		if ((f->options & EPH_IMPORT_COLUMN) != 0)
			eff.cpu_of = EPH_CPU_COLUMN;
		else if ((f->options & EPH_IMPORT_PID) != 0)
			eff.cpu_of = EPH_CPU_PID;
	}
	if (eff.calls == 0)
		eff.calls = EPH_CALLS_SENDFILE;
	if (eff.fold != 0 && eff.cpu_of == EPH_CPU_COLUMN &&
	    o->cpu_of == EPH_CPU_DEFAULT)
		eff.cpu_of = EPH_CPU_PID;
	if (eff.block_bytes == 0)
		eff.block_bytes = EPH_PAGE_SIZE;
	return (eff);
}

static int
import_run(struct eph_import *im, const struct eph_import_format *f)
{
	struct eph_trace_meta origin = { 0 };
	int error;

	if (import_spreads(im->o))
		spread_init(&im->own->spread, import_spread(im->o), im->o->cpu,
		    im->o->seed);
	if (eph__idmap_init(&im->own->pids) != 0 ||
	    eph__names_init(&im->own->files) != 0)
		error = eph_err_set(im->err, ENOMEM, "out of memory");
	else
		error = f->run(im);
	eph__idmap_destroy(&im->own->pids);
	eph__names_destroy(&im->own->files);
	origin.imported = 1;
	origin.calls = im->res->calls;
	origin.partial = im->res->partial;
	origin.failed = im->res->failed;
	(void)snprintf(origin.source, sizeof(origin.source), "%s", f->name);
	eph_trace_writer_origin(im->w, &origin);
	if (error != 0)
		return (error);
	eph_trace_writer_so_far(im->w, &origin);
	im->res->references = origin.references;
	im->res->unique_pages = origin.unique_pages;
	im->res->cpus = origin.cpus;
	eph__import_clock_tell(im);
	return (eph__import_tell(im));
}

int
eph_trace_import(const char *path, const struct eph_import_options *o,
    struct eph_trace_writer *w, struct eph_import_result *res,
    struct eph_err *err)
{
	const struct eph_import_format *f = o->format;
	struct eph_import_options eff;
	struct eph_import_own own = { 0 };
	struct eph_import im = { .w = w, .res = res, .err = err, .own = &own };
	const char *p, *from;
	size_t n;
	int error;

	memset(res, 0, sizeof(*res));
	if ((error = eph__input_open(path, &own.in, err)) != 0)
		return (error);
	if ((error = eph__input_peek(own.in, 1, &p, &n, err)) == 0 &&
	    f == NULL && (from = import_implied(o, n > 0 ? *p : '\0')) != NULL)
		error = import_find(from, &f, err);
	if (error == 0)
		error = import_guess(own.in, &f, err);
	if (error == 0)
		error = eph__abi_check("the importer", f->abi, err);
	if (error == 0)
		error = import_check(f, o, err);
	if (error == 0) {
		eff = import_defaults(f, o);
		im.o = &eff;
		im.block_bytes = eff.block_bytes;
		im.block_given = o->block_bytes != 0;
		im.unit = f->unit;
		res->format = f->name;
		res->guessed = o->from == NULL && o->format == NULL;
		error = import_run(&im, f);
	}
	eph__input_close(own.in);
	return (error);
}
