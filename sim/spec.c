/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Each line becomes a word `--option=value', and all of them are parsed as
 * a command line is: one syntax, one set of messages.
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

static void
add_word(struct spec *spec, const char *word)
{
	spec->argv =
	    must_alloc(spec->argv, (size_t)spec->argc + 2, sizeof(*spec->argv));
	spec->argv[spec->argc++] = must_copy(word, strlen(word));
	spec->argv[spec->argc] = NULL;
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

static int
take_line(const char *path, unsigned lineno, char *line,
    const struct opts *typed, struct spec *spec)
{
	const struct opt *p;
	char word[LINE_MAX_ + 8], *value;

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
	(void)snprintf(word, sizeof(word), "--%s%s%s", line,
	    p->kind == OPT_FLAG ? "" : "=", p->kind == OPT_FLAG ? "" : value);
	add_word(spec, word);
	return (OPTIONS_OK);
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
	int first, status = OPTIONS_OK;
	char line[LINE_MAX_];
	unsigned lineno = 0;

	memset(spec, 0, sizeof(*spec));
	if (f == NULL)
		return (
		    options_refuse(COMMAND, "%s: %s", path, strerror(errno)));
	add_word(spec, "sweep");
	while (status == OPTIONS_OK && fgets(line, sizeof(line), f) != NULL) {
		lineno++;
		if (strlen(line) == sizeof(line) - 1)
			status = options_refuse(COMMAND,
			    "%s:%u: a line of more than %d bytes", path, lineno,
			    LINE_MAX_ - 2);
		else
			status = take_line(path, lineno, line, typed, spec);
	}
	if (status == OPTIONS_OK && ferror(f))
		status =
		    options_refuse(COMMAND, "%s: %s", path, strerror(errno));
	if (f != stdin)
		(void)fclose(f);
	if (status == OPTIONS_OK)
		status = options_parse(
		    typed->command, o, spec->argc, spec->argv, &first);
	if (status == OPTIONS_OK)
		merge_options(typed, o);
	return (status);
}

void
spec_free(struct spec *spec)
{
	for (int i = 0; i < spec->argc; i++)
		free(spec->argv[i]);
	free(spec->argv);
}
