/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One page id a line: plain, and as the LIRS authors wrote it, with lines
 * "*" between (their simulator prints its stacks there; nothing is
 * referenced).  In the plain form empty lines and # comments are skipped.
 * Blanks around an id and quotes are no part of it.
 */

#include "trace/importer.h"

#include <string.h>

/* Take quotes off: "5" is 5. */
static char *
unquote(char *id)
{
	const size_t n = strlen(id);

	if (n < 3 || id[0] != '"' || id[n - 1] != '"')
		return (id);
	id[n - 1] = '\0';
	return (id + 1);
}

static int
ids_run(struct eph_import *im, bool (*ignore)(const char *line))
{
	char *line, *f[2];
	uint64_t id;
	size_t len, n;
	unsigned cpu;
	int error;

	if ((error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0)
		return (error);
	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph_import_refuse(im, "NUL byte; expected an id"));
		if (ignore(line) ||
		    (n = eph_import_fields(line, ' ', f, 2)) == 0)
			continue;
		if (n > 1)
			return (eph_import_refuse(
			    im, "expected a page id alone in its line"));
		if ((error = eph_import_number(im, unquote(f[0]), "a page id",
			 UINT64_MAX, &id)) != 0 ||
		    (error = eph_import_ref(im, cpu, id)) != 0)
			return (error);
		im->res->calls++;
	}
	return (error);
}

static bool
is_comment(const char *line)
{
	return (line[0] == '#');
}

static bool
is_mark(const char *line)
{
	return (line[0] == '*');
}

static bool
is_id(char *line)
{
	uint64_t id;
	char *f[2];

	return (eph_import_fields(line, ' ', f, 2) == 1 &&
	    eph_import_digits(unquote(f[0]), UINT64_MAX, &id));
}

static bool
ids_guess_line(char *line, size_t i)
{
	return ((i == 0 && is_comment(line)) || is_id(line));
}

static bool
lirs_guess_line(char *line, size_t i)
{
	(void)i;
	return (is_mark(line) || is_id(line));
}

static bool
ids_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, ids_guess_line));
}

static bool
lirs_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, lirs_guess_line));
}

static int
import_ids_run(struct eph_import *im)
{
	return (ids_run(im, is_comment));
}

static int
import_lirs_run(struct eph_import *im)
{
	return (ids_run(im, is_mark));
}

const struct eph_import_format eph__import_ids = {
	.abi = EPHMAP_ABI,
	.name = "ids",
	.desc = "one page id a line",
	.guess = ids_guess,
	.run = import_ids_run,
};

const struct eph_import_format eph__import_lirs = {
	.abi = EPHMAP_ABI,
	.name = "lirs",
	.desc = "traces of the LIRS authors: one block id a line, * ignored",
	.guess = lirs_guess,
	.run = import_lirs_run,
};
