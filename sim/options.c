/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * getopt_long finds the options and permutes the operands; this file turns
 * a table of rows into its arguments and checks what it does not: twice,
 * ranges, junk, names.
 *
 * Codes handed to getopt_long are FIRST_CODE + row, so that they never meet
 * a letter.
 */

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/types.h"

#define FIRST_CODE 0x100
#define HELP_CODE  0xff
#define ROWS_MAX   64
#define NAME_MAX_  64 /* longer names have no near ones */

const char *const format_choices[] = { "table", "csv", "json", NULL };

int
options_refuse(const char *command, const char *fmt, ...)
{
	char text[2048], line[sizeof(text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* It quotes what was typed, and is one line all the same. */
	eph_text_escape(line, sizeof(line), text);
	(void)fprintf(stderr, "%s: %s\n", command, line);
	return (OPTIONS_BAD);
}

int
parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return (EINVAL);
	for (const char *p = s; *p != '\0'; p++) {
		if (!isdigit((unsigned char)*p))
			return (EINVAL);
	}
	for (; *s != '\0'; s++) {
		const unsigned digit = (unsigned)(*s - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return (ERANGE);
		v = v * 10 + digit;
	}
	if (v > max)
		return (ERANGE);
	*out = v;
	return (0);
}

int
parse_real(const char *s, double min, double max, double *out)
{
	char *end;
	double v;

	/* strtod also takes blanks, signs, "inf" and hexadecimal. */
	if (!isdigit((unsigned char)*s) && *s != '.')
		return (EINVAL);
	if (s[strspn(s, "0123456789.eE+-")] != '\0')
		return (EINVAL);
	v = strtod(s, &end);
	if (end == s || *end != '\0' || !isfinite(v))
		return (EINVAL);
	if (v < min || v > max)
		return (ERANGE);
	*out = v;
	return (0);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return (ab < c ? ab : c);
}

/* Edits (insert, delete, change, swap neighbours) between two names. */
static unsigned
name_distance(const char *a, const char *b)
{
	const size_t na = strlen(a), nb = strlen(b);
	unsigned row[3][NAME_MAX_ + 1]; /* i - 2, i - 1 and i, in turn */

	if (na > NAME_MAX_ || nb > NAME_MAX_)
		return (UINT32_MAX);
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3];
		const unsigned *up = row[(i + 2) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(up[j] + 1, now[j - 1] + 1,
			    up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < now[j])
				now[j] = up2[j - 2] + 1;
		}
	}
	return (row[na % 3][nb]);
}

const char *
nearest_name(const char *name, const char *const *names)
{
	/* Up to a third of the letters wrong, and never all of them. */
	const unsigned limit = (unsigned)(strlen(name) + 2) / 3;
	const char *best = NULL;
	unsigned best_distance = limit + 1;

	for (; *names != NULL; names++) {
		unsigned d = name_distance(name, *names);

		/* A part of a name is a good hint too: "accessed". */
		if (d > limit && strlen(name) >= 3 &&
		    strstr(*names, name) != NULL)
			d = limit;
		if (d < best_distance) {
			best_distance = d;
			best = *names;
		}
	}
	return (best);
}

static int
refuse_name(const char *command, const char *what, const char *dashes,
    const char *name, const char *const *names)
{
	const char *near = nearest_name(name, names);

	if (near != NULL)
		return (options_refuse(command,
		    "unknown %s %s%s; did you mean %s%s?", what, dashes, name,
		    dashes, near));
	return (options_refuse(command, "unknown %s %s%s", what, dashes, name));
}

static int
refuse_option(const struct options *o, const char *arg)
{
	const char *names[ROWS_MAX + 2];
	char name[NAME_MAX_ + 1];
	size_t n = 0;

	if (arg[0] != '-' || arg[1] != '-')
		return (options_refuse(
		    o->command, "unknown option %s; --help lists them", arg));
	for (const struct opt *p = o->table; p->name != NULL; p++)
		names[n++] = p->name;
	names[n++] = "help";
	names[n] = NULL;
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	return (refuse_name(o->command, "option", "--", name, names));
}

static int
set_choice(const struct options *o, const struct opt *p, const char *text)
{
	char names[200] = "";
	size_t n;

	for (unsigned i = 0; p->choices[i] != NULL; i++) {
		if (strcmp(p->choices[i], text) == 0) {
			*(unsigned *)p->value = i;
			return (OPTIONS_OK);
		}
	}
	for (unsigned i = 0; p->choices[i] != NULL; i++) {
		n = strlen(names);
		(void)snprintf(names + n, sizeof(names) - n, "%s%s",
		    i > 0 ? ", " : "", p->choices[i]);
	}
	return (options_refuse(o->command,
	    "--%s: unknown name %s; expected one of %s", p->name, text, names));
}

static int
add_word(const struct options *o, const struct opt *p, const char *text)
{
	struct opt_words *words = p->value;

	if (*text == '\0')
		return (options_refuse(o->command,
		    "--%s: expected %s, got nothing", p->name, p->arg));
	if (words->n == OPT_WORDS_MAX)
		return (options_refuse(o->command,
		    "--%s: given more than %d times", p->name, OPT_WORDS_MAX));
	words->word[words->n++] = text;
	return (OPTIONS_OK);
}

static int
set_value(const struct options *o, const struct opt *p, const char *text)
{
	int error = 0;

	switch (p->kind) {
	case OPT_FLAG:
		*(bool *)p->value = true;
		break;
	case OPT_STRING:
		if (*text == '\0')
			return (options_refuse(o->command,
			    "--%s: expected %s, got nothing", p->name, p->arg));
		*(const char **)p->value = text;
		break;
	case OPT_U64:
		error = parse_u64(text, p->max, p->value);
		if (error == 0 && *(uint64_t *)p->value < p->min)
			error = ERANGE;
		break;
	case OPT_REAL:
		error =
		    parse_real(text, (double)p->min, (double)p->max, p->value);
		break;
	case OPT_CHOICE:
		return (set_choice(o, p, text));
	case OPT_WORDS:
		return (add_word(o, p, text));
	}
	if (error != 0)
		return (options_refuse(o->command,
		    "--%s: expected a number from %" PRIu64 " to %" PRIu64
		    ", got \"%s\"",
		    p->name, p->min, p->max, text));
	return (OPTIONS_OK);
}

static void
print_help(const struct options *o)
{
	char left[80];

	(void)printf("usage: %s %s\n\n", o->command, o->synopsis);
	for (const struct opt *p = o->table; p->name != NULL; p++) {
		int n = 0;

		if (p->letter != '\0')
			n = snprintf(left, sizeof(left), "-%c, ", p->letter);
		n += snprintf(
		    left + n, sizeof(left) - (size_t)n, "--%s", p->name);
		if (p->kind != OPT_FLAG)
			(void)snprintf(
			    left + n, sizeof(left) - (size_t)n, " %s", p->arg);
		(void)printf("  %-24s %s\n", left, p->help);
	}
	(void)printf("  %-24s %s\n", "--help", "print this text");
	if (o->about != NULL)
		(void)printf("\n%s", o->about);
}

/* The table as getopt_long wants it; returns the number of rows. */
static int
build_getopt(const struct options *o, struct option *longs, char *letters)
{
	int n = 0;

	*letters++ = ':'; /* tell a missing value from an unknown option */
	for (const struct opt *p = o->table; p->name != NULL; p++, n++) {
		longs[n].name = p->name;
		longs[n].has_arg =
		    p->kind == OPT_FLAG ? no_argument : required_argument;
		longs[n].flag = NULL;
		longs[n].val = FIRST_CODE + n;
		if (p->letter != '\0') {
			*letters++ = p->letter;
			if (p->kind != OPT_FLAG)
				*letters++ = ':';
		}
	}
	*letters = '\0';
	longs[n].name = "help";
	longs[n].has_arg = no_argument;
	longs[n].flag = NULL;
	longs[n].val = HELP_CODE;
	memset(&longs[n + 1], 0, sizeof(longs[0]));
	return (n);
}

/* The row behind what getopt_long returned. */
static int
row_of(const struct options *o, int code)
{
	int row = 0;

	if (code >= FIRST_CODE)
		return (code - FIRST_CODE);
	while (o->table[row].letter != code)
		row++;
	return (row);
}

static int
take_option(const struct options *o, int code, bool *seen, char **argv)
{
	const struct opt *p;
	int row;

	/* argv[optind - 1] is the word it stopped at. */
	if (code == '?' || code == ':') {
		if (code == '?' && strchr(argv[optind - 1], '=') != NULL &&
		    optopt >= FIRST_CODE)
			return (
			    options_refuse(o->command, "--%s takes no value",
				o->table[optopt - FIRST_CODE].name));
		if (code == '?')
			return (refuse_option(o, argv[optind - 1]));
		p = &o->table[row_of(o, optopt)];
		return (options_refuse(
		    o->command, "--%s: expected %s", p->name, p->arg));
	}
	row = row_of(o, code);
	p = &o->table[row];
	if (seen[row] && p->kind != OPT_WORDS)
		return (
		    options_refuse(o->command, "--%s is given twice", p->name));
	seen[row] = true;
	if (p->given != NULL)
		*p->given = true;
	return (set_value(o, p, optarg));
}

static int
check_operands(const struct options *o, int n, char **operands)
{
	if (n < o->operands_min)
		return (options_refuse(o->command,
		    "an operand is missing; expected: %s %s", o->command,
		    o->synopsis));
	if (n > o->operands_max)
		return (options_refuse(o->command, "unexpected operand \"%s\"",
		    operands[o->operands_max]));
	return (OPTIONS_OK);
}

int
options_parse(const struct options *o, int argc, char **argv, int *firstp)
{
	struct option longs[ROWS_MAX + 2];
	char letters[2 * ROWS_MAX + 2];
	bool seen[ROWS_MAX] = { false };
	int code, status;

	(void)build_getopt(o, longs, letters);
	opterr = 0;
	optind = 1;
#ifdef __GLIBC__
	optind = 0; /* start anew: argv may be another one */
#endif
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == HELP_CODE) {
			print_help(o);
			return (OPTIONS_HELP);
		}
		if ((status = take_option(o, code, seen, argv)) != OPTIONS_OK)
			return (status);
	}
	*firstp = optind;
	return (check_operands(o, argc - optind, argv + optind));
}
