/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * getopt_long finds the options and permutes the operands; this file turns
 * the rows of a command into its arguments and checks what it does not:
 * twice, ranges, junk, names.
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

#include "help.h"
#include "text.h"

#include "ephmap/names.h"
#include "ephmap/types.h"

#define FIRST_CODE  0x100
#define COMMAND_MAX 64 /* of "ephmap trace generate" */
#define NAME_MAX_   64 /* longer names have no near ones */

int
options_refuse(const char *command, const char *fmt, ...)
{
	char text[2048], quoted[sizeof(text)], line[sizeof(text) + COMMAND_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* It quotes what was typed, and is one line all the same. */
	eph_text_escape(quoted, sizeof(quoted), text);
	(void)snprintf(line, sizeof(line), "%s: %s", command, quoted);
	text_say(line);
	return (OPTIONS_BAD);
}

/* Digits, and a unit; *endp is what stands behind them. */
static int
take_number(const char *s, uint64_t *out, const char **endp)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t v = 0;
	unsigned shift = 0;

	if (!isdigit((unsigned char)*s))
		return (EINVAL);
	for (; isdigit((unsigned char)*s); s++) {
		const unsigned digit = (unsigned)(*s - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return (ERANGE);
		v = v * 10 + digit;
	}
	if (*s != '\0' && (unit = strchr(units, *s)) != NULL) {
		shift = 10 * ((unsigned)(unit - units) + 1);
		s++;
	}
	if (v > UINT64_MAX >> shift)
		return (ERANGE);
	*out = v << shift;
	*endp = s;
	return (0);
}

int
parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;
	const char *end;
	int error;

	if ((error = take_number(s, &v, &end)) != 0) {
		/* Junk is junk, however large the number before it. */
		return (s[strspn(s, "0123456789")] != '\0' ? EINVAL : error);
	}
	if (*end != '\0')
		return (EINVAL);
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
	if (s[strspn(s, "0123456789.eE+-%")] != '\0')
		return (EINVAL);
	v = strtod(s, &end);
	if (end != s && strcmp(end, "%") == 0) {
		v /= 100;
		end++;
	}
	if (end == s || *end != '\0' || !isfinite(v))
		return (EINVAL);
	if (v < min || v > max)
		return (ERANGE);
	*out = v;
	return (0);
}

int
parse_share(const char *s, uint64_t pages, uint64_t max, uint64_t *out)
{
	double share, n;
	int error;

	if (strpbrk(s, ".%") == NULL)
		return (parse_u64(s, max, out));
	if (strpbrk(s, "eE+-") != NULL)
		return (EINVAL);
	if ((error = parse_real(s, 0, 1, &share)) != 0)
		return (error);
	n = nearbyint(share * (double)pages);
	if (share <= 0 || n > (double)max)
		return (ERANGE);
	*out = n < 1 ? 1 : (uint64_t)n;
	return (0);
}

int
parse_doublings(const char *s, uint64_t pages, uint64_t max, uint64_t *firstp,
    uint64_t *lastp)
{
	const char *dots = strstr(s, ".."), *last = dots;
	char first[NAME_MAX_];

	if (dots == NULL)
		dots = s + strlen(s);
	if ((size_t)(dots - s) >= sizeof(first))
		return (EINVAL);
	(void)snprintf(first, sizeof(first), "%.*s", (int)(dots - s), s);
	last = last != NULL ? last + 2 : first;
	if (pages == 0 && (strpbrk(first, ".%") || strpbrk(last, ".%")))
		return (EINVAL);
	if (parse_share(first, pages, max, firstp) != 0 ||
	    parse_share(last, pages, max, lastp) != 0)
		return (EINVAL);
	return (*firstp > 0 && *firstp <= *lastp ? 0 : EINVAL);
}

int
parse_hold(const char *s, struct hold *out)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 }, { "r", 0 } };
	const char *unit;
	uint64_t v;
	unsigned i = 0;
	const int error = take_number(s, &v, &unit);

	if (error != 0)
		return (error);
	while (i < 6 && strcmp(unit, units[i].name) != 0)
		i++;
	if (i == 6)
		return (EINVAL);
	if (v > INT64_MAX / (units[i].ns != 0 ? units[i].ns : 1))
		return (ERANGE);
	*out = (struct hold){ .ns = v * units[i].ns,
		.refs = units[i].ns == 0 ? v : 0 };
	return (0);
}

const char *
hold_text(const struct hold *h, char buf[HOLD_TEXT])
{
	(void)snprintf(buf, HOLD_TEXT, "%" PRIu64 "%s",
	    h->refs != 0 ? h->refs : h->ns, h->refs != 0 ? "r" : "");
	return (buf);
}

/* What the messages about a command begin with. */
static const char *
command_name(const struct command *c, char buf[COMMAND_MAX])
{
	(void)snprintf(buf, COMMAND_MAX, "ephmap %s", c->name);
	return (buf);
}

/* As options_refuse, in the name of a row of the table. */
#define refuse(c, ...)                                                         \
	options_refuse(command_name((c), (char[COMMAND_MAX]){ 0 }), __VA_ARGS__)

static int
refuse_option(const struct command *c, const char *arg)
{
	const char *names[OPT_IDS + 2], *near;
	char name[NAME_MAX_ + 1];
	size_t n = 0;

	if (arg[0] != '-' || arg[1] != '-')
		return (refuse(c, "unknown option %s; --help lists them", arg));
	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			names[n++] = opt_table[i].name;
	}
	names[n++] = "help";
	names[n] = NULL;
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	near = eph_nearest_name(name, names);
	return (refuse(c, "unknown option --%s%s%s%s", name,
	    near != NULL ? "; did you mean --" : "", near != NULL ? near : "",
	    near != NULL ? "?" : ""));
}

int
option_choice(
    const char *as, const struct opt *p, const char *text, unsigned *value)
{
	const char *near = eph_nearest_name(text, p->choices);
	char names[200] = "";
	size_t n;

	for (unsigned i = 0; p->choices[i] != NULL; i++) {
		if (strcmp(p->choices[i], text) == 0) {
			*value = i;
			return (OPTIONS_OK);
		}
	}
	for (unsigned i = 0; p->choices[i] != NULL; i++) {
		n = strlen(names);
		(void)snprintf(names + n, sizeof(names) - n, "%s%s",
		    i > 0 ? ", " : "", p->choices[i]);
	}
	return (options_refuse(as,
	    "--%s: unknown name %s; %s%s%sexpected one of %s", p->name, text,
	    near != NULL ? "did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "? " : "", names));
}

static int
add_word(const char *as, const struct opt *p, struct opt_words *words,
    const char *text)
{
	if (words->n == OPT_WORDS_MAX)
		return (options_refuse(as, "--%s: given more than %d times",
		    p->name, OPT_WORDS_MAX));
	words->word[words->n++] = text;
	return (OPTIONS_OK);
}

static int
set_count(
    const char *as, const struct opt *p, uint64_t *value, const char *text)
{
	uint64_t v;

	if (parse_u64(text, p->max, &v) == 0 && v >= p->min) {
		*value = v;
		return (OPTIONS_OK);
	}
	return (options_refuse(as,
	    "--%s: expected a number from %" PRIu64 " to %" PRIu64
	    ", got \"%s\"",
	    p->name, p->min, p->max, text));
}

static int
set_value(const char *as, const struct opt *p, struct opts *o, const char *text)
{
	void *value = (char *)o + p->offset;

	if (p->kind == OPT_FLAG) {
		*(bool *)value = true;
		return (OPTIONS_OK);
	}
	if (*text == '\0' && (p->kind == OPT_TEXT || p->kind == OPT_WORDS))
		return (options_refuse(
		    as, "--%s: expected %s, got nothing", p->name, p->arg));
	switch (p->kind) {
	case OPT_COUNT:
		return (set_count(as, p, value, text));
	case OPT_CHOICE:
		return (option_choice(as, p, text, value));
	case OPT_WORDS:
		return (add_word(as, p, value, text));
	case OPT_REAL:
		if (parse_real(text, (double)p->min, (double)p->max, value) !=
		    0)
			return (options_refuse(as,
			    "--%s: expected a number from %" PRIu64
			    " to %" PRIu64 ", got \"%s\"",
			    p->name, p->min, p->max, text));
		return (OPTIONS_OK);
	default:
		*(const char **)value = text;
		return (OPTIONS_OK);
	}
}

int
option_set(
    const char *as, const struct opt *p, struct opts *o, const char *text)
{
	const unsigned row = (unsigned)(p - opt_table);

	if (o->given[row] && p->kind != OPT_WORDS)
		return (options_refuse(as, "--%s is given twice", p->name));
	o->given[row] = true;
	return (set_value(as, p, o, text));
}

/* The command's rows as getopt_long wants them. */
static void
build_getopt(const struct command *c, struct option *longs, char *letters)
{
	unsigned n = 0;

	*letters++ = ':'; /* tell a missing value from an unknown option */
	*letters++ = 'h';
	for (unsigned i = 0; i < OPT_IDS; i++) {
		const struct opt *p = &opt_table[i];
		const int has_arg =
		    p->kind == OPT_FLAG ? no_argument : required_argument;

		if (!opt_applies(p, c))
			continue;
		longs[n++] = (struct option){ p->name, has_arg, NULL,
			FIRST_CODE + (int)i };
		if (p->letter != '\0') {
			*letters++ = p->letter;
			if (p->kind != OPT_FLAG)
				*letters++ = ':';
		}
	}
	*letters = '\0';
	longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	memset(&longs[n], 0, sizeof(longs[0]));
}

/* The row behind what getopt_long returned. */
static unsigned
row_of(const struct command *c, int code)
{
	unsigned row = 0;

	if (code >= FIRST_CODE)
		return ((unsigned)(code - FIRST_CODE));
	while (
	    opt_table[row].letter != code || !opt_applies(&opt_table[row], c))
		row++;
	return (row);
}

static int
take_option(const struct command *c, struct opts *o, int code, char **argv)
{
	const struct opt *p;
	unsigned row;

	/* argv[optind - 1] is the word it stopped at. */
	if (code == '?' || code == ':') {
		if (code == '?' && strchr(argv[optind - 1], '=') != NULL &&
		    (optopt >= FIRST_CODE || optopt == 'h'))
			return (refuse(c, "--%s takes no value",
			    optopt == 'h'
				? "help"
				: opt_table[optopt - FIRST_CODE].name));
		if (code == '?')
			return (refuse_option(c, argv[optind - 1]));
		p = &opt_table[row_of(c, optopt)];
		return (refuse(c, "--%s: expected %s", p->name, p->arg));
	}
	row = row_of(c, code);
	p = &opt_table[row];
	return (option_set(
	    command_name(c, (char[COMMAND_MAX]){ 0 }), p, o, optarg));
}

static int
check_operands(const struct command *c, int n, char **operands)
{
	if (n < c->operands_min)
		return (
		    refuse(c, "an operand is missing; expected: ephmap %s %s",
			c->name, c->synopsis));
	if (n > c->operands_max)
		return (refuse(
		    c, "unexpected operand \"%s\"", operands[c->operands_max]));
	return (OPTIONS_OK);
}

/* A text's default is for people; the code that reads it has its own. */
void
options_defaults(const struct command *c, struct opts *o)
{
	memset(o, 0, sizeof(*o));
	o->command = c;
	for (unsigned i = 0; i < OPT_IDS; i++) {
		const struct opt *p = &opt_table[i];

		if (p->def != NULL && p->kind != OPT_TEXT && opt_applies(p, c))
			(void)set_value(c->name, p, o, p->def);
	}
}

int
options_parse(
    const struct command *c, struct opts *o, int argc, char **argv, int *firstp)
{
	struct option longs[OPT_IDS + 2];
	char letters[2 * OPT_IDS + 3];
	int code, status;

	build_getopt(c, longs, letters);
	options_defaults(c, o);
	opterr = 0;
	optind = 1;
#ifdef __GLIBC__
	optind = 0; /* start anew: argv may be another one */
#endif
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == 'h') {
			help_command(stdout, c);
			return (OPTIONS_HELP);
		}
		if ((status = take_option(c, o, code, argv)) != OPTIONS_OK)
			return (status);
	}
	*firstp = optind;
	return (check_operands(c, argc - optind, argv + optind));
}
