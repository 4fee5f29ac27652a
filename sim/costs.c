/* SPDX-License-Identifier: BSD-2-Clause */

#include "costs.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "input.h"
#include "options.h"
#include "table.h"

#include "ephmap/names.h"

#define COST_FILE_MAX (1u << 20) /* nobody writes a longer one by hand */

static const struct {
	const char *name;
	size_t offset;
} cost_rows[] = {
#define COST_ROW(name, desc) { #name, offsetof(struct eph_costs, name) },
	EPH_COSTS(COST_ROW)
#undef COST_ROW
};

#define NCOSTS (sizeof(cost_rows) / sizeof(cost_rows[0]))

struct cost_file {
	bool given[NCOSTS];
	uint32_t value[NCOSTS];
};

const char *
cost_name(unsigned i)
{
	return (i < NCOSTS ? cost_rows[i].name : NULL);
}

uint32_t
cost_value(const struct eph_costs *costs, unsigned i)
{
	uint32_t v;

	memcpy(&v, (const char *)costs + cost_rows[i].offset, sizeof(v));
	return (v);
}

void
cost_set(struct eph_costs *costs, unsigned i, uint32_t cycles)
{
	memcpy((char *)costs + cost_rows[i].offset, &cycles, sizeof(cycles));
}

void
costs_apply(const struct cost_file *cf, struct eph_costs *costs)
{
	for (unsigned i = 0; i < NCOSTS; i++) {
		if (cf->given[i])
			cost_set(costs, i, cf->value[i]);
	}
}

void
costs_free(struct cost_file *cf)
{
	free(cf);
}

/* `where` is "file" or "file:line". */
static int
take_cost(struct cost_file *cf, const char *where, const char *name,
    uint64_t cycles, struct eph_err *err)
{
	const char *names[NCOSTS + 1];
	const char *near;

	for (unsigned i = 0; i < NCOSTS; i++) {
		names[i] = cost_rows[i].name;
		if (strcmp(name, cost_rows[i].name) != 0)
			continue;
		if (cf->given[i])
			return (eph_err_set(
			    err, EINVAL, "%s: %s is given twice", where, name));
		cf->given[i] = true;
		cf->value[i] = (uint32_t)cycles;
		return (0);
	}
	names[NCOSTS] = NULL;
	near = eph_nearest_name(name, names);
	return (eph_err_set(err, EINVAL, "%s: no price is called \"%.40s\"%s%s",
	    where, name, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : ""));
}

/* A whole number, as a person or a script writes it: 224, 224.0, 2.24e2. */
static bool
whole_cycles(double v, uint64_t *cycles)
{
	if (!(v >= 0 && v <= UINT32_MAX) || v != floor(v))
		return (false);
	*cycles = (uint64_t)v;
	return (true);
}

static bool
parse_cycles(const char *s, uint64_t *cycles)
{
	char *end;
	double v;

	/* No sign, hexadecimal, infinity or blank, which strtod() takes. */
	if (s[strspn(s, "0123456789.eE+-")] != '\0' ||
	    strchr("0123456789.", s[0]) == NULL || s[0] == '\0')
		return (false);
	v = strtod(s, &end);
	return (*end == '\0' && whole_cycles(v, cycles));
}

static int
read_json(struct cost_file *cf, const char *path, const char *text, size_t n,
    struct eph_err *err)
{
	json_error_t je;
	json_t *root, *value;
	const char *name;
	uint64_t cycles;
	int error = 0;

	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &je);
	if (root == NULL)
		return (eph_err_set(
		    err, EINVAL, "%s:%d: %s", path, je.line, je.text));
	json_object_foreach(root, name, value)
	{
		if (!json_is_number(value) ||
		    !whole_cycles(json_number_value(value), &cycles))
			error = eph_err_set(err, EINVAL,
			    "%s: %.40s: expected cycles, a whole number from 0 "
			    "to %u",
			    path, name, UINT32_MAX);
		else
			error = take_cost(cf, path, name, cycles, err);
		if (error != 0)
			break;
	}
	json_decref(root);
	return (error);
}

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	return (s + strspn(s, " \t"));
}

static int
read_line(
    struct cost_file *cf, const char *where, char *line, struct eph_err *err)
{
	uint64_t cycles;
	char *eq;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (*line == '\0')
		return (0);
	if ((eq = strchr(line, '=')) == NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: expected `name = cycles', got \"%.40s\"", where,
		    line));
	*eq = '\0';
	if (!parse_cycles(trim(eq + 1), &cycles))
		return (eph_err_set(err, EINVAL,
		    "%s: expected cycles, a whole number from 0 to %u, got "
		    "\"%.40s\"",
		    where, UINT32_MAX, trim(eq + 1)));
	return (take_cost(cf, where, trim(line), cycles, err));
}

static int
read_lines(
    struct cost_file *cf, const char *path, char *text, struct eph_err *err)
{
	char where[300];
	unsigned number = 1;
	int error = 0;

	while (error == 0 && text != NULL) {
		char *line = text;

		if ((text = strchr(line, '\n')) != NULL)
			*text++ = '\0';
		(void)snprintf(
		    where, sizeof(where), "%.280s:%u", path, number++);
		error = read_line(cf, where, line, err);
	}
	return (error);
}

/* The whole file, with a NUL after it; `*np` bytes.  NULL: `err` is set. */
static char *
read_file(const char *path, size_t *np, struct eph_err *err)
{
	char *text = must_alloc(NULL, COST_FILE_MAX + 1, 1);
	FILE *fp = input_file(path);

	if (fp == NULL) {
		(void)eph_err_set(err, errno, "%s: %s", path, strerror(errno));
		free(text);
		return (NULL);
	}
	*np = fread(text, 1, COST_FILE_MAX, fp);
	text[*np] = '\0';
	if (ferror(fp))
		(void)eph_err_set(err, errno, "%s: %s", path, strerror(errno));
	else if (*np == COST_FILE_MAX)
		(void)eph_err_set(err, EINVAL,
		    "%s: expected a cost profile, got over 1 MiB", path);
	else if (strlen(text) != *np)
		(void)eph_err_set(err, EINVAL, "%s: a NUL byte at byte %zu",
		    path, strlen(text));
	else {
		(void)fclose(fp);
		return (text);
	}
	(void)fclose(fp);
	free(text);
	return (NULL);
}

int
costs_read(const char *path, struct cost_file **cfp, struct eph_err *err)
{
	struct cost_file *cf;
	char *text;
	size_t n;
	int error;

	if ((text = read_file(path, &n, err)) == NULL)
		return (EINVAL);
	cf = must_alloc(NULL, 1, sizeof(*cf));
	memset(cf, 0, sizeof(*cf));
	if (text[strspn(text, " \t\r\n")] == '{')
		error = read_json(cf, path, text, n, err);
	else if (text[strspn(text, " \t\r\n")] == '\0')
		error = eph_err_set(err, EINVAL,
		    "%s: expected a cost profile, got an empty file", path);
	else
		error = read_lines(cf, path, text, err);
	free(text);
	if (error == 0)
		*cfp = cf;
	else
		costs_free(cf);
	return (error);
}
