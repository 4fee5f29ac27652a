/* SPDX-License-Identifier: BSD-2-Clause */

#include "help.h"

#include <string.h>

#include "text.h"

#define LEFT_WIDTH 26 /* of the column of options */

/* "  LEFT    text", the text in its own column. */
static void
print_pair(FILE *out, const char *left, const char *text)
{
	unsigned at = (unsigned)fprintf(out, "  %-*s ", LEFT_WIDTH - 3, left);

	if (at > LEFT_WIDTH) {
		(void)fputc('\n', out);
		at = (unsigned)fprintf(out, "%*s", LEFT_WIDTH, "");
	}
	text_wrap(out, at, LEFT_WIDTH, text);
}

static void
print_option(FILE *out, const struct command *c, const struct opt *p)
{
	char left[80], text[600];
	int n = 0;

	if (p->letter != '\0')
		n = snprintf(left, sizeof(left), "-%c, ", p->letter);
	n += snprintf(left + n, sizeof(left) - (size_t)n, "--%s", p->name);
	if (p->kind != OPT_FLAG)
		(void)snprintf(left + n, sizeof(left) - (size_t)n, " %s%s",
		    p->arg,
		    (p->lists >> (c - command_table) & 1u) != 0 ? ",..." : "");
	(void)snprintf(text, sizeof(text), "%s%s%s", p->help,
	    p->def != NULL ? "; default: " : "", p->def != NULL ? p->def : "");
	print_pair(out, left, text);
}

void
help_command(FILE *out, const struct command *c)
{
	const unsigned at =
	    (unsigned)fprintf(out, "usage: ephmap %s ", c->name);
	struct term t;
	unsigned n;

	text_wrap(out, at, 14, c->synopsis);
	(void)fputc('\n', out);
	for (n = 0; command_term(c, n, &t); n++)
		print_pair(out, t.name, t.text);
	if (n > 0)
		(void)fputc('\n', out);
	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			print_option(out, c, &opt_table[i]);
	}
	print_pair(out, "-h, --help", "print this text");
	if (c->about != NULL) {
		(void)fputc('\n', out);
		text_wrap(out, 0, 0, c->about);
	}
}

/* A first word that several commands share is shown once. */
void
help_program(FILE *out)
{
	(void)fputs("usage: ephmap COMMAND [OPTION]... [FILE]\n\n", out);
	for (unsigned i = 0; i < COMMANDS; i++)
		print_pair(
		    out, command_table[i].name, command_table[i].summary);
	(void)fputc('\n', out);
	text_wrap(out, 0, 0,
	    "`ephmap help COMMAND` explains a command, `ephmap -V` prints the "
	    "version.  Numbers are decimal; K, M, G and T behind one multiply "
	    "it by 1,024 and its powers.  A FILE that is - is standard "
	    "input.\n"
	    "Exit status: 0, or 1 when a run found a violation, or 2 for bad "
	    "usage or input.\n");
}

void
help_family(FILE *out, const char *word)
{
	const size_t n = strlen(word);

	(void)fprintf(out, "usage: ephmap %s COMMAND ...\n\n", word);
	for (unsigned i = 0; i < COMMANDS; i++) {
		const struct command *c = &command_table[i];

		if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ')
			print_pair(out, c->name + n + 1, c->summary);
	}
	(void)fputc('\n', out);
	text_wrap(out, 0, 0,
	    "Each has --help.  The forms of a trace are described in "
	    "ephmap-trace(5).\n");
}
