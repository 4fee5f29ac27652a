/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The table of importers, and the checks of options that are the same for
 * all.
 *
 * Guessing goes through the table in order and takes the first format that
 * the first bytes fit; the order is from the most telling to the least.
 */

#include "ephmap/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/names.h"
#include "trace/importer.h"
#include "trace/trace_binary.h"
#include "trace/trace_text.h"

#define GUESS_BYTES 16384u

static const struct import_format *const formats[] = {
	&eph__import_nasa_tsv,
	&eph__import_sendfile_tsv,
	&eph__import_hold_tsv,
	&eph__import_fio_iolog,
	&eph__import_blkparse,
	&eph__import_msr,
	&eph__import_twitter,
	&eph__import_alibaba_block,
	&eph__import_meta_kv,
	&eph__import_meta_cdn,
	&eph__import_wiki_cdn,
	&eph__import_umass_spc,
	&eph__import_tencent_block,
	&eph__import_csv,
	&eph__import_lcs,
	&eph__import_vscsi,
	&eph__import_oracle_general,
	&eph__import_oracle_general_op,
	&eph__import_weblog_json,
	&eph__import_w3c,
	&eph__import_squid,
	&eph__import_haproxy,
	&eph__import_clf,
	&eph__import_filemap,
	&eph__import_perf_trace,
	&eph__import_truss,
	&eph__import_kdump,
	&eph__import_strace,
	&eph__import_arc,
	&eph__import_webcachesim,
	&eph__import_ids,
	&eph__import_lirs,
	&eph__import_binary,
};

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

/* -- one import --------------------------------------------------------- */

static int
import_find(
    const char *name, const struct import_format **fp, struct eph_err *err)
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
guess_bytes(const char *p, size_t n, const struct import_format **fp)
{
	for (size_t i = 0; i < NFORMATS && n > 0; i++) {
		if (formats[i]->guess(p, n)) {
			*fp = formats[i];
			return (true);
		}
	}
	return (false);
}

/* Set *fp, unless it is known already; an empty log is refused anyway. */
static int
import_guess(
    struct input *in, const struct import_format **fp, struct eph_err *err)
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
	const struct import_format *f = NULL;
	struct input *in;
	int error;

	if ((error = eph__input_open(path, &in, err)) != 0)
		return (error);
	if ((error = import_guess(in, &f, err)) == 0)
		*formatp = f->name;
	eph__input_close(in);
	return (error);
}

static bool
import_spreads(const struct eph_import_options *o)
{
	return (o->cpu_of == EPH_CPU_ROBIN || o->cpu_of == EPH_CPU_HASH ||
	    o->cpu_of == EPH_CPU_RANDOM);
}

/* Are there options that this format cannot obey? */
static int
import_check(const struct import_format *f, const struct eph_import_options *o,
    struct eph_err *err)
{
	const char *why = NULL;

	if (o->calls != 0 && !(f->options & IMPORT_CALLS))
		why = "has no calls to choose from (--calls)";
	else if (o->cpu_of == EPH_CPU_PID && !(f->options & IMPORT_PID))
		why = "has no process ids (--cpu-of pid)";
	else if (o->cpu_of == EPH_CPU_THREAD && !(f->options & IMPORT_THREAD))
		why = "has no thread ids (--cpu-of thread)";
	else if (o->fold != 0 && !(f->options & IMPORT_PID))
		why = "has no process ids to fold (--fold)";
	else if (o->fold != 0 && o->fold_by == EPH_FOLD_LOAD &&
	    !(f->options & IMPORT_THREAD))
		why = "cannot be folded by load (--fold-by)";
	else if ((o->calls & EPH_CALLS_PIPE) != 0 && o->calls != EPH_CALLS_PIPE)
		why = "names pages of pipes by address: --calls pipe is alone";
	else if (o->cpu_of == EPH_CPU_COLUMN && !(f->options & IMPORT_COLUMN))
		why = "has no CPU column (--cpu-of column)";
	else if (import_spreads(o) &&
	    (f->options & (IMPORT_CALLS | IMPORT_HOLDS)) != 0)
		why = "has calls or holds, which stay whole: references cannot "
		      "be spread (--cpu-of)";
	else if (import_spreads(o) && o->fold != 0)
		why = "has references spread already: --fold is for processes";
	else if (o->no_holds && !(f->options & IMPORT_HOLDS))
		why = "has no recorded holds (--no-holds)";
	else if (o->block_bytes != 0 && !(f->options & IMPORT_BLOCK))
		why = "has no blocks (--block)";
	else if (o->split && !(f->options & IMPORT_SPLIT))
		why = "has no objects to cut (--split)";
	else if (o->columns != NULL &&
	    !(f->options & (IMPORT_TABLE | IMPORT_FIELDS | IMPORT_RECORD)))
		why = "has columns of its own (--columns)";
	else if ((o->delimiter != '\0' || o->no_header) &&
	    !(f->options & IMPORT_TABLE))
		why = "has a form of its own (--delimiter, --no-header)";
	else if (o->time_unit != EPH_UNIT_DEFAULT &&
	    !(f->options & IMPORT_UNIT))
		why = "has a unit of time of its own (--time-unit)";
	else if ((o->header_auto || o->header_bytes != 0) &&
	    !(f->options & IMPORT_HEADER))
		why = "has no bytes of headers (--header)";
	else if (o->record != NULL && !(f->options & IMPORT_RECORD))
		why = "has records of its own (--record)";
	else if (o->block_bytes != 0 && !o->split && f->options & IMPORT_SPLIT)
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
    const struct import_format *f, const struct eph_import_options *o)
{
	struct eph_import_options eff = *o;

	if (eff.cpu_of == EPH_CPU_DEFAULT) {
		eff.cpu_of = EPH_CPU_FIXED;
		eff.cpu = 0;
		if ((f->options & IMPORT_COLUMN) != 0)
			eff.cpu_of = EPH_CPU_COLUMN;
		else if ((f->options & IMPORT_PID) != 0)
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
import_run(struct import *im, const struct import_format *f)
{
	struct eph_trace_meta origin = { 0 };
	int error;

	eph__prng_init(&im->rng, im->o->seed, 0);
	if (eph__idmap_init(&im->pids) != 0 || eph__names_init(&im->files) != 0)
		error = eph_err_set(im->err, ENOMEM, "out of memory");
	else
		error = f->run(im);
	eph__idmap_destroy(&im->pids);
	eph__names_destroy(&im->files);
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
	const struct import_format *f = NULL;
	struct eph_import_options eff;
	struct import im = { .w = w, .res = res, .err = err };
	const char *p, *from;
	size_t n;
	int error;

	memset(res, 0, sizeof(*res));
	if ((error = eph__input_open(path, &im.in, err)) != 0)
		return (error);
	if ((error = eph__input_peek(im.in, 1, &p, &n, err)) == 0 &&
	    (from = import_implied(o, n > 0 ? *p : '\0')) != NULL)
		error = import_find(from, &f, err);
	if (error == 0)
		error = import_guess(im.in, &f, err);
	if (error == 0)
		error = import_check(f, o, err);
	if (error == 0) {
		eff = import_defaults(f, o);
		im.o = &eff;
		im.block_bytes = eff.block_bytes;
		im.block_given = o->block_bytes != 0;
		im.told.unit = f->unit;
		res->format = f->name;
		res->guessed = o->from == NULL;
		error = import_run(&im, f);
	}
	eph__input_close(im.in);
	return (error);
}
