/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the importers share: lines, fields and numbers of a log, and what it
 * becomes.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/importer.h"

#define GUESS_LINES    20
#define PROGRESS_LINES 4096u

int
eph_import_line(struct eph_import *im, char **linep, size_t *lenp)
{
	if (im->o->progress != NULL &&
	    eph__input_lineno(im->own->in) % PROGRESS_LINES == 0)
		im->o->progress(im->o->progress_arg,
		    eph__input_done(im->own->in),
		    eph__input_total(im->own->in));
	const bool first = eph__input_lineno(im->own->in) == 0;
	const int error = eph__input_line(im->own->in, linep, lenp, im->err);

	/* A byte order mark is no part of the first line. */
	if (first && error == 0 && *linep != NULL &&
	    strncmp(*linep, "\xef\xbb\xbf", 3) == 0) {
		*linep += 3;
		*lenp -= 3;
	}
	return (error);
}

uint64_t
eph_import_lineno(const struct eph_import *im)
{
	return (eph__input_lineno(im->own->in));
}

int
eph_import_peek(struct eph_import *im, size_t want, const char **pp, size_t *np)
{
	return (eph__input_peek(im->own->in, want, pp, np, im->err));
}

void
eph_import_take(struct eph_import *im, size_t n)
{
	eph__input_take(im->own->in, n);
	if (im->o->progress != NULL)
		im->o->progress(im->o->progress_arg,
		    eph__input_done(im->own->in),
		    eph__input_total(im->own->in));
}

int
eph_import_rewind(struct eph_import *im)
{
	return (eph__input_rewind(im->own->in, im->err));
}

int
eph_import_refuse(struct eph_import *im, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (eph__input_lineno(im->own->in) == 0) /* binary records */
		return (eph_err_set(im->err, EINVAL, "%s: byte %" PRIu64 ": %s",
		    eph__input_path(im->own->in),
		    eph__input_offset(im->own->in), text));
	return (eph_err_set(im->err, EINVAL, "%s:%" PRIu64 ": %s",
	    eph__input_path(im->own->in), eph__input_lineno(im->own->in),
	    text));
}

int
eph_import_at(struct eph_import *im, uint64_t ns)
{
	const uint64_t before = im->now_ns;

	if (im->started && ns <= before)
		return (0);
	im->now_ns = ns;
	if (!im->started) {
		im->started = true;
		return (0);
	}
	return (eph_trace_write(
	    im->w, EPH_OP_DELAY, 0, 0, 0, 0, ns - before, im->err));
}

int
eph_import_clock(struct eph_import *im, uint64_t ns)
{
	if (im->started && ns < im->now_ns) {
		if (im->own->back++ == 0)
			im->own->back_line = eph__input_lineno(im->own->in);
		if (im->now_ns - ns > im->own->back_ns)
			im->own->back_ns = im->now_ns - ns;
		return (0);
	}
	return (eph_import_at(im, ns));
}

void
eph__import_clock_tell(struct eph_import *im)
{
	if (im->own->back == 0)
		return;
	eph_import_warn(im,
	    "the clock runs backwards %" PRIu64 " time%s (first: %s %" PRIu64
	    "), by %.9g s at most; no time passes there",
	    im->own->back, im->own->back == 1 ? "" : "s",
	    im->own->back_line > 0 ? "line" : "record",
	    im->own->back_line > 0 ? im->own->back_line : im->res->calls,
	    (double)im->own->back_ns / 1e9);
}

int
eph_import_cpu_of(
    struct eph_import *im, uint64_t pid, uint64_t column, unsigned *cpup)
{
	uint32_t cpu;

	switch (im->o->cpu_of) {
	case EPH_CPU_ROBIN:
	case EPH_CPU_HASH:
	case EPH_CPU_RANDOM:
		*cpup = 0; /* eph_import_ref() knows better */
		return (0);
	case EPH_CPU_FIXED:
		*cpup = im->o->cpu;
		return (0);
	case EPH_CPU_COLUMN:
		if (column >= EPH_CPUS_MAX)
			return (eph_import_refuse(im,
			    "expected a CPU from " EPH_CPUS_TEXT
			    ", got %" PRIu64,
			    column));
		*cpup = (unsigned)column;
		return (0);
	default:
		break;
	}
	if ((cpu = eph__idmap_get(&im->own->pids, pid)) == EPH_NONE)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	if (im->o->fold != 0 && im->o->fold_by == EPH_FOLD_ROBIN)
		cpu = im->own->turn++;
	if (im->o->fold != 0)
		cpu %= im->o->fold;
	if (cpu >= EPH_CPUS_MAX)
		return (eph_import_refuse(im,
		    "more than 1024 processes; expected fewer, or --fold N"));
	*cpup = cpu;
	return (0);
}

int
eph_import_name(struct eph_import *im, const char *s, size_t len, uint32_t *idp)
{
	*idp = eph__names_get(&im->own->files, s, len);
	return (*idp != EPH_NONE
		? 0
		: eph_err_set(im->err, ENOMEM, "out of memory"));
}

int
eph_import_ref(struct eph_import *im, unsigned cpu, uint64_t page)
{
	if (im->own->spread.rule != EPH_SPREAD_NONE)
		cpu = spread_cpu(&im->own->spread, page);
	return (
	    eph_trace_write(im->w, EPH_OP_REF, 0, cpu, page, 0, 0, im->err));
}

/* Pages [first, last] of what starts at page name `base`. */
static int
import_pages(struct eph_import *im, unsigned cpu, uint64_t base, uint64_t first,
    uint64_t last)
{
	int error = 0;

	for (uint64_t page = first; error == 0 && page <= last; page++)
		error = eph_import_ref(im, cpu, base + page);
	return (error);
}

int
eph_import_file_range(struct eph_import *im, unsigned cpu, uint64_t file,
    uint64_t offset, uint64_t bytes)
{
	if (bytes == 0)
		return (0);
	if (file >= EPH_IMPORT_FILES_MAX)
		return (eph_import_refuse(
		    im, "expected a file id below 2^32, got %" PRIu64, file));
	if (offset > UINT64_MAX - bytes ||
	    (offset + bytes - 1) / EPH_PAGE_SIZE >= EPH_IMPORT_FILE_PAGES)
		return (eph_import_refuse(im,
		    "bytes %" PRIu64 " to %" PRIu64 "+%" PRIu64
		    " are beyond 4 TB, the largest file that is read",
		    offset, offset, bytes));
	return (import_pages(im, cpu, file * EPH_IMPORT_FILE_PAGES,
	    offset / EPH_PAGE_SIZE, (offset + bytes - 1) / EPH_PAGE_SIZE));
}

int
eph_import_range(
    struct eph_import *im, unsigned cpu, uint64_t offset, uint64_t bytes)
{
	if (bytes == 0)
		return (0);
	return (import_pages(im, cpu, 0, offset / EPH_PAGE_SIZE,
	    (offset + (bytes - 1)) / EPH_PAGE_SIZE));
}

void
eph_import_count(struct eph_import *im, uint64_t got, uint64_t asked)
{
	im->res->calls++;
	if (got > 0 && got < asked)
		im->res->partial++;
}

size_t
eph_import_fields(char *line, char separator, char **fields, size_t max)
{
	const char blanks[] = { separator, separator == ' ' ? '\t' : '\0',
		'\0' };
	size_t n = 0;

	if (separator == ' ')
		line += strspn(line, blanks);
	while (n < max) {
		if (separator == ' ' && *line == '\0')
			break;
		fields[n++] = line;
		line += strcspn(line, blanks);
		if (*line == '\0' || n == max)
			break;
		*line++ = '\0';
		if (separator == ' ')
			line += strspn(line, blanks);
	}
	return (n);
}

bool
eph_import_digits(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return (false);
	for (; *s != '\0'; s++) {
		const unsigned digit = (unsigned)(unsigned char)*s - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return (false);
		v = v * 10 + digit;
	}
	if (v > max)
		return (false);
	*out = v;
	return (true);
}

int
eph_import_number(struct eph_import *im, const char *field, const char *what,
    uint64_t max, uint64_t *out)
{
	if (eph_import_digits(field, max, out))
		return (0);
	return (eph_import_refuse(im,
	    "expected %s, a decimal number up to %" PRIu64 ", got \"%.40s\"",
	    what, max, field));
}

bool
eph_import_all_lines(
    const char *p, size_t n, bool (*line)(char *line, size_t i))
{
	char copy[1024];
	size_t i = 0;

	while (i < GUESS_LINES && n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl != NULL ? (size_t)(nl - p) : n;
		const size_t whole = nl != NULL ? len + 1 : len;

		/* A line cut by the end of what we look at tells nothing. */
		if (nl == NULL && i > 0)
			break;
		if (len >= sizeof(copy))
			len = sizeof(copy) - 1;
		memcpy(copy, p, len);
		if (len > 0 && copy[len - 1] == '\r')
			len--;
		copy[len] = '\0';
		if (strlen(copy) != len || !line(copy, i))
			return (false);
		p += whole;
		n -= whole;
		i++;
	}
	return (i > 0);
}
