/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ephmap_manual bash|zsh|fish FILE: write the completion of a shell.
 * ephmap_manual TEMPLATE FILE: write a manual page in mdoc(7), from a
 * template in which
 *	.\" @synopsis
 *	.\" @options COMMAND
 *	.\" @terms COMMAND
 *	.\" @rest
 * stand for what options.def and commands.def say; the last for all of each
 * command that the template has no section ".Ss ephmap COMMAND" of.  The build runs it; it
 * is not installed.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "completion.h"
#include "options.h"

#define MARK	   ".\\\" @"
#define TEXT_WIDTH 78

/* Running text: words are put on lines, macros on lines of their own. */
struct mdoc {
	unsigned column; /* 0: at the start of a line */
};

static void
mdoc_newline(struct mdoc *m)
{
	if (m->column > 0)
		(void)putchar('\n');
	m->column = 0;
}

/* n bytes that must not be read as markup. */
static unsigned
mdoc_escape(const char *s, size_t n, unsigned column)
{
	unsigned width = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			width += (unsigned)printf("\\e");
		else if (column + width == 0 && (s[i] == '.' || s[i] == '\''))
			width += (unsigned)printf("\\&%c", s[i]);
		else
			width += (unsigned)printf("%c", s[i]);
	}
	return (width);
}

static void
mdoc_word(struct mdoc *m, const char *s, size_t n)
{
	if (m->column > 0 && m->column + 1 + n > TEXT_WIDTH)
		mdoc_newline(m);
	if (m->column > 0)
		m->column += (unsigned)printf(" ");
	m->column += mdoc_escape(s, n, m->column);
	/* A sentence begins a line. */
	if (n > 1 && s[n - 1] == '.' && s[n - 2] != '.')
		mdoc_newline(m);
}

/* The punctuation at the end of n bytes. */
static size_t
punctuation(const char *s, size_t n)
{
	size_t k = 0;

	while (k < n && strchr(".,;:)", s[n - 1 - k]) != NULL)
		k++;
	return (k);
}

/* ".Macro word ; )": a macro, and the punctuation behind it. */
static void
mdoc_macro(struct mdoc *m, const char *macro, const char *s, size_t n,
    const char *punct, size_t npunct)
{
	mdoc_newline(m);
	(void)printf(".%s ", macro);
	(void)mdoc_escape(s, n, 1);
	for (size_t i = 0; i < npunct; i++)
		(void)printf(" %c", punct[i]);
	(void)putchar('\n');
}

/* `words' are literal; returns what is behind them. */
static const char *
mdoc_literal(struct mdoc *m, const char *s)
{
	const char *end = strchr(s + 1, '\'');
	size_t behind;

	if (end == NULL)
		end = s + strlen(s) - 1;
	behind = strcspn(end + 1, " ");
	mdoc_macro(m, "Ql", s + 1, (size_t)(end - s - 1), end + 1, behind);
	return (end + 1 + behind);
}

static void
mdoc_text(struct mdoc *m, const char *s)
{
	while (*(s += strspn(s, " \n")) != '\0') {
		const size_t n = strcspn(s, " \n");
		const size_t p = punctuation(s, n);
		const char *section = memchr(s, '(', n);

		if (*s == '`') {
			s = mdoc_literal(m, s);
			continue;
		}
		if (n > 3 && strncmp(s, "--", 2) == 0)
			mdoc_macro(m, "Fl", s + 1, n - 1 - p, s + n - p, p);
		else if (section != NULL && section > s &&
		    isdigit((unsigned char)section[1]) && section[2] == ')') {
			char xr[64];

			(void)snprintf(xr, sizeof(xr), "%.*s %c",
			    (int)(section - s), s, section[1]);
			mdoc_macro(m, "Xr", xr, strlen(xr), section + 3,
			    n - (size_t)(section + 3 - s));
		} else
			mdoc_word(m, s, n);
		s += n;
	}
}

/* A phrase of a table as a sentence. */
static void
mdoc_sentence(struct mdoc *m, const char *s)
{
	const size_t first = strcspn(s, " ");
	char text[600];

	(void)snprintf(
	    text, sizeof(text), "%s%s", s, s[strlen(s) - 1] == '.' ? "" : ".");
	if (first > 0 && s[first - 1] != ':')
		text[0] = (char)toupper((unsigned char)text[0]);
	mdoc_text(m, text);
	mdoc_newline(m);
}

static void
print_option(const struct command *c, const struct opt *p)
{
	const bool list = (p->lists >> (c - command_table) & 1u) != 0;
	struct mdoc m = { 0 };

	(void)printf(".It ");
	if (p->letter != '\0')
		(void)printf("Fl %c , ", p->letter);
	(void)printf("Fl -%s", p->name);
	if (p->kind == OPT_CHOICE) {
		for (unsigned i = 0; p->choices[i] != NULL; i++)
			(void)printf(
			    "%s %s", i == 0 ? " Cm" : " |", p->choices[i]);
	} else if (p->kind != OPT_FLAG) {
		(void)printf(" Ar %s%s", p->arg, list ? ",..." : "");
	}
	(void)putchar('\n');
	mdoc_sentence(&m, p->help);
	if (p->more != NULL)
		mdoc_text(&m, p->more);
	mdoc_newline(&m);
	if (p->def != NULL)
		(void)printf("Default:\n.Cm %s .\n", p->def);
}

static void
print_options(const struct command *c)
{
	(void)printf(".Bl -tag -width Ds\n");
	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			print_option(c, &opt_table[i]);
	}
	(void)printf(".El\n");
}

static void
print_terms(const struct command *c)
{
	struct term t;

	(void)printf(".Bl -tag -width Ds\n");
	for (unsigned i = 0; command_term(c, i, &t); i++) {
		struct mdoc m = { 0 };

		(void)printf(".It Cm %s\n", t.name);
		mdoc_sentence(&m, t.text);
	}
	(void)printf(".El\n");
}

static void
print_synopsis(void)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		(void)printf(".Nm\n.Cm %s\n.Ar ", command_table[i].name);
		(void)mdoc_escape(command_table[i].synopsis,
		    strlen(command_table[i].synopsis), 1);
		/* A bracket at the end is no punctuation. */
		(void)printf("\\&\n");
	}
}

static const struct command *
find_command(const char *name)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(command_table[i].name, name) == 0)
			return (&command_table[i]);
	}
	(void)fprintf(stderr, "ephmap_manual: no command \"%s\"\n", name);
	exit(EXIT_BAD);
}

/* All of a command, as --help has it. */
static void
print_command(const struct command *c)
{
	struct mdoc m = { 0 };
	struct term t;

	(void)printf(".Ss ephmap %s\n", c->name);
	mdoc_sentence(&m, c->summary);
	(void)printf(".Pp\n.D1 Nm Cm %s Ar ", c->name);
	(void)mdoc_escape(c->synopsis, strlen(c->synopsis), 1);
	(void)printf("\\&\n");
	if (command_term(c, 0, &t))
		print_terms(c);
	print_options(c);
	for (const char *p = c->about; p != NULL && *p != '\0';) {
		const size_t n = strcspn(p, "\n");
		char *text = strndup(p, n);

		if (text == NULL)
			exit(EXIT_BAD);
		if (n > 0)
			(void)printf(".Pp\n");
		mdoc_text(&m, text);
		mdoc_newline(&m);
		free(text);
		p += n + (p[n] == '\n');
	}
}

static bool
has_section(const char *template, const char *name)
{
	char heading[128];

	(void)snprintf(heading, sizeof(heading), "\n.Ss ephmap %s\n", name);
	return (strstr(template, heading) != NULL);
}

static void
print_rest(const char *template)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (!has_section(template, command_table[i].name))
			print_command(&command_table[i]);
	}
}

/* A line of the template. */
static void
print_line(const char *template, const char *line, size_t n)
{
	char word[128];

	if (n < sizeof(MARK) || strncmp(line, MARK, sizeof(MARK) - 1) != 0) {
		(void)printf("%.*s\n", (int)n, line);
		return;
	}
	(void)snprintf(word, sizeof(word), "%.*s",
	    (int)(n - (sizeof(MARK) - 1)), line + sizeof(MARK) - 1);
	if (strcmp(word, "synopsis") == 0)
		print_synopsis();
	else if (strcmp(word, "rest") == 0)
		print_rest(template);
	else if (strncmp(word, "options ", 8) == 0)
		print_options(find_command(word + 8));
	else if (strncmp(word, "terms ", 6) == 0)
		print_terms(find_command(word + 6));
	else {
		(void)fprintf(
		    stderr, "ephmap_manual: no such mark: %s\n", word);
		exit(EXIT_BAD);
	}
}

static int
print_page(const char *path)
{
	static char template[1 << 20];
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		perror("ephmap_manual");
		return (EXIT_BAD);
	}
	template[fread(template, 1, sizeof(template) - 1, f)] = '\0';
	(void)fclose(f);
	for (const char *p = template; *p != '\0';) {
		const size_t n = strcspn(p, "\n");

		print_line(template, p, n);
		p += n + (p[n] == '\n');
	}
	return (EXIT_OK);
}

int
main(int argc, char **argv)
{
	int status = EXIT_OK;

	if (argc != 3 || freopen(argv[2], "w", stdout) == NULL) {
		(void)fprintf(stderr,
		    "usage: ephmap_manual TEMPLATE|bash|zsh|fish FILE\n");
		return (EXIT_BAD);
	}
	if (strcmp(argv[1], "bash") == 0)
		completion_bash(stdout);
	else if (strcmp(argv[1], "zsh") == 0)
		completion_zsh(stdout);
	else if (strcmp(argv[1], "fish") == 0)
		completion_fish(stdout);
	else
		status = print_page(argv[1]);
	return (fflush(stdout) == 0 ? status : EXIT_BAD);
}
