/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What an import says of itself: one line that states what the log was taken
 * for, what was counted and what was left out and why; and lines of warning.
 *
 * Nothing is said while lines are read: importers note, and the statement is
 * written when all is known.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/importer.h"

/* Append to text[size]; what does not fit is cut. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
add(char *text, size_t size, const char *fmt, ...)
{
	const size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text + n, size - n, fmt, ap);
	va_end(ap);
}

/* A number with a comma between thousands. */
static const char *
told_number(char buf[32], uint64_t v)
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
add_count(
    char *text, size_t size, uint64_t n, const char *one, const char *many)
{
	char buf[32];

	add(text, size, "%s %s", told_number(buf, n), n == 1 ? one : many);
}

/* So many of a unit, which is plural and ends in s: "1 request". */
static void
add_unit(char *text, size_t size, uint64_t n, const char *unit)
{
	const size_t len = strlen(unit);
	char buf[32];

	add(text, size, "%s %.*s", told_number(buf, n),
	    (int)(n == 1 && len > 0 ? len - 1 : len), unit);
}

void
eph_import_found(struct eph_import *im, const char *fmt, ...)
{
	char text[sizeof(im->own->told.found)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(im->own->told.found, sizeof(im->own->told.found), "%s%s",
	    im->own->told.found[0] != '\0' ? "; " : "", text);
}

void
eph_import_warn(struct eph_import *im, const char *fmt, ...)
{
	char raw[512], text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	eph_text_escape(text, sizeof(text), raw);
	add(im->own->told.warnings, sizeof(im->own->told.warnings), "%s\n",
	    text);
}

void
eph_import_left_out(struct eph_import *im, const char *why, uint64_t n)
{
	struct import_told *t = &im->own->told;
	unsigned i = 0;

	if (n == 0)
		return;
	while (i < t->nleft && strcmp(t->left[i].why, why) != 0)
		i++;
	if (i == IMPORT_REASONS) /* more reasons than a line can hold */
		i--;
	if (i == t->nleft) {
		t->left[i].why = why;
		t->left[i].first_line = eph__input_lineno(im->own->in);
		t->left[i].n = 0;
		t->nleft++;
	}
	t->left[i].n += n;
}

void
eph_import_skip(struct eph_import *im)
{
	if (im->res->skipped++ == 0)
		im->res->first_skipped = eph__input_lineno(im->own->in);
}

/* "; left out: 3 malformed lines (first: line 7), 12 with status 404" */
static void
add_left_out(const struct eph_import *im, char *text, size_t size)
{
	const struct import_told *t = &im->own->told;
	const struct eph_import_result *res = im->res;
	const char *between = "; left out: ";
	char buf[32];

	if (res->skipped > 0) {
		add(text, size, "%s", between);
		add_count(text, size, res->skipped, "malformed line",
		    "malformed lines");
		if (res->first_skipped > 0)
			add(text, size, " (first: line %s)",
			    told_number(buf, res->first_skipped));
		between = ", ";
	}
	if (res->unfinished > 0) {
		add(text, size, "%s", between);
		add_count(text, size, res->unfinished, "call", "calls");
		add(text, size, " without a result");
		between = ", ";
	}
	if (res->again > 0) {
		add(text, size, "%s%s EAGAIN", between,
		    told_number(buf, res->again));
		between = ", ";
	}
	for (unsigned i = 0; i < t->nleft; i++) {
		add(text, size, "%s%s %s", between,
		    told_number(buf, t->left[i].n), t->left[i].why);
		if (t->left[i].first_line > 0)
			add(text, size, " (first: line %s)",
			    told_number(buf, t->left[i].first_line));
		between = ", ";
	}
}

/* What was counted, before what was left out. */
static void
add_counted(const struct eph_import *im, char *text, size_t size)
{
	const struct eph_import_result *res = im->res;
	const char *unit = im->unit;
	char buf[32];

	add(text, size, "%s%s: ", res->format,
	    res->guessed ? " (guessed)" : "");
	if (unit != NULL) {
		add_unit(text, size, res->calls, unit);
		add(text, size, ", ");
	}
	add_count(text, size, res->references, "reference", "references");
	add(text, size, " to ");
	add_count(text, size, res->unique_pages, "page", "pages");
	add(text, size, " by ");
	add_count(text, size, res->cpus, "CPU", "CPUs");
	if (im->own->told.found[0] != '\0')
		add(text, size, "; %s", im->own->told.found);
	if (res->partial > 0)
		add(text, size, "; %s partial", told_number(buf, res->partial));
	if (res->failed > 0)
		add(text, size, "; %s failed", told_number(buf, res->failed));
}

int
eph__import_tell(struct eph_import *im)
{
	struct eph_import_result *res = im->res;
	char raw[1024] = "", text[1024], path[256];

	eph_text_escape(path, sizeof(path), eph__input_path(im->own->in));
	if (res->references == 0) {
		add(raw, sizeof(raw), "%s%s", res->format,
		    res->guessed ? " (guessed)" : "");
		if (im->own->told.found[0] != '\0')
			add(raw, sizeof(raw), "; %s", im->own->told.found);
		if (im->unit != NULL) {
			char buf[32];

			add(raw, sizeof(raw), "; ");
			add_unit(raw, sizeof(raw), res->calls, im->unit);
			if (res->failed > 0)
				add(raw, sizeof(raw), ", %s failed",
				    told_number(buf, res->failed));
		}
		add_left_out(im, raw, sizeof(raw));
		return (eph_err_set(im->err, EINVAL,
		    "%s: no page reference in this log: %s", path, raw));
	}
	add_counted(im, raw, sizeof(raw));
	add_left_out(im, raw, sizeof(raw));
	eph_text_escape(text, sizeof(text), raw);
	res->told[0] = '\0';
	add(res->told, sizeof(res->told), "%s: %s\n", path, text);
	for (char *p = im->own->told.warnings, *end; *p != '\0'; p = end + 1) {
		if ((end = strchr(p, '\n')) == NULL)
			break; /* the last one was cut */
		add(res->told, sizeof(res->told), "%s: %.*s\n", path,
		    (int)(end - p), p);
	}
	return (0);
}
