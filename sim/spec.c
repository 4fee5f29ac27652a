/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A line gives an option its value as `--option=value' would: one syntax, one
 * set of messages, which begin with the line here.
 */

#include "spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#include "ephmap/names.h"

#define LINE_MAX_ 4096
#define COMMAND	  "ephmap sweep"
#define AS_MAX	  300

static const char *
keep(struct spec *spec, const char *text)
{
	spec->text = must_alloc(spec->text, spec->n + 1, sizeof(*spec->text));
	return (spec->text[spec->n++] = must_copy(text, strlen(text)));
}

/* Blanks at both ends, and around commas, are no part of a value. */
static void
squeeze(char *s)
{
	char *to = s;

	for (const char *p = s + strspn(s, " \t\r\n"); *p != '\0'; p++) {
		const size_t blanks = strspn(p, " \t\r\n");
		const char next = p[blanks];

		if (blanks > 0 && (next == ',' || next == '\0')) {
			p += blanks - 1;
			continue;
		}
		*to++ = *p;
		if (*p == ',')
			p += strspn(p + 1, " \t\r\n");
	}
	*to = '\0';
}

/* The row that has that name in this command. */
static const struct opt *
find_option(const struct command *c, const char *name, size_t n)
{
	for (unsigned i = 0; i < OPT_IDS; i++) {
		const struct opt *p = &opt_table[i];

		if (opt_applies(p, c) && strlen(p->name) == n &&
		    strncmp(p->name, name, n) == 0)
			return (p);
	}
	return (NULL);
}

static int
refuse_name(const char *path, unsigned lineno, const struct command *c,
    const char *name)
{
	const char *names[OPT_IDS + 1], *near;
	size_t n = 0;

	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			names[n++] = opt_table[i].name;
	}
	names[n] = NULL;
	near = eph_nearest_name(name, names);
	return (options_refuse(COMMAND,
	    "%s:%u: unknown option %s%s%s; `%s --help' lists them", path,
	    lineno, name, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : "", COMMAND));
}

/* An option that may be given again: each word has a line of its own. */
static int
take_word(const struct opt *p, struct opts *o, const char *as, const char *text)
{
	struct opt_words *words = (void *)((char *)o + p->offset);
	const int status = option_set(as, p, o, text);

	if (status == OPTIONS_OK)
		words->from[words->n - 1] = as;
	return (status);
}

static int
take_line(const char *path, unsigned lineno, char *line,
    const struct opts *typed, struct opts *o, struct spec *spec)
{
	const struct opt *p;
	char as[AS_MAX], *value;

	line[strcspn(line, "#")] = '\0';
	squeeze(line);
	if (*line == '\0')
		return (OPTIONS_OK);
	value = line + strcspn(line, "=");
	if (*value != '=')
		return (options_refuse(COMMAND,
		    "%s:%u: expected a line `option = value', got \"%s\"", path,
		    lineno, line));
	*value++ = '\0';
	squeeze(line);
	squeeze(value);
	if ((p = find_option(typed->command, line, strlen(line))) == NULL)
		return (refuse_name(path, lineno, typed->command, line));
	if (typed->given[p - opt_table])
		return (OPTIONS_OK);
	if (p->kind == OPT_FLAG && strcmp(value, "yes") != 0)
		return (options_refuse(COMMAND,
		    "%s:%u: %s: expected yes, or no such line", path, lineno,
		    line));
	(void)snprintf(as, sizeof(as), "%s: %s:%u", COMMAND, path, lineno);
	if (p->kind == OPT_WORDS)
		return (take_word(p, o, keep(spec, as), keep(spec, value)));
	o->from[p - opt_table] = keep(spec, as);
	return (option_set(o->from[p - opt_table], p, o, keep(spec, value)));
}

/* What was typed stays, the lines of the file come to it. */
static void
merge_options(const struct opts *typed, struct opts *o)
{
	for (unsigned i = 0; i < OPT_IDS; i++) {
		static const size_t size[] = { [OPT_FLAG] = sizeof(bool),
			[OPT_TEXT] = sizeof(const char *),
			[OPT_COUNT] = sizeof(uint64_t),
			[OPT_REAL] = sizeof(double),
			[OPT_CHOICE] = sizeof(unsigned),
			[OPT_WORDS] = sizeof(struct opt_words) };
		const struct opt *p = &opt_table[i];

		if (!typed->given[i])
			continue;
		o->given[i] = true;
		memcpy((char *)o + p->offset, (const char *)typed + p->offset,
		    size[p->kind]);
	}
}

int
spec_read(const char *path, const struct opts *typed, struct opts *o,
    struct spec *spec)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int status = OPTIONS_OK;
	char line[LINE_MAX_];
	unsigned lineno = 0;

	memset(spec, 0, sizeof(*spec));
	if (f == NULL)
		return (
		    options_refuse(COMMAND, "%s: %s", path, strerror(errno)));
	options_defaults(typed->command, o);
	while (status == OPTIONS_OK && fgets(line, sizeof(line), f) != NULL) {
		lineno++;
		if (strlen(line) == sizeof(line) - 1)
			status = options_refuse(COMMAND,
			    "%s:%u: a line of more than %d bytes", path, lineno,
			    LINE_MAX_ - 2);
		else
			status = take_line(path, lineno, line, typed, o, spec);
	}
	if (status == OPTIONS_OK && ferror(f))
		status =
		    options_refuse(COMMAND, "%s: %s", path, strerror(errno));
	if (f != stdin)
		(void)fclose(f);
	if (status == OPTIONS_OK)
		merge_options(typed, o);
	return (status);
}

void
spec_free(struct spec *spec)
{
	for (size_t i = 0; i < spec->n; i++)
		free(spec->text[i]);
	free(spec->text);
}
