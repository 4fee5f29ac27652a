/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Names of the library's tables are asked of the program when they are
 * wanted, so that a plug-in or a newer library is completed too.
 */

#include "completion.h"

#include <string.h>

#include "options.h"

/* Says which names stand in a list of the library. */
#define NAMES                                                                  \
	"ephmap list %s --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"

static bool
is_list(const struct command *c, const struct opt *p)
{
	return ((p->lists >> (c - command_table) & 1u) != 0);
}

static bool
takes_file(const struct opt *p)
{
	return (p->arg != NULL && strncmp(p->arg, "FILE", 4) == 0);
}

/* Words after the name of a command: its options. */
static void
print_words(FILE *f, const struct command *c)
{
	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			(void)fprintf(f, " --%s", opt_table[i].name);
	}
	(void)fprintf(f, " --help");
}

/* -- bash --------------------------------------------------------------- */

static void
bash_option(FILE *f, const struct command *c, const struct opt *p)
{
	if (p->kind == OPT_FLAG)
		return;
	(void)fprintf(f, "\t'%s --%s')", c->name, p->name);
	if (p->choices != NULL) {
		(void)fprintf(f, " words='");
		for (unsigned i = 0; p->choices[i] != NULL; i++)
			(void)fprintf(
			    f, "%s%s", i > 0 ? " " : "", p->choices[i]);
		(void)fprintf(f, "'");
	} else if (p->from != NULL) {
		(void)fprintf(f, " words=$(" NAMES ")", p->from);
	} else if (takes_file(p)) {
		(void)fprintf(f, " files=1");
	}
	(void)fprintf(f, "%s ;;\n", is_list(c, p) ? " list=1" : "");
}

static void
bash_command(FILE *f, const struct command *c)
{
	struct term t;

	(void)fprintf(f, "\t'%s')\n\t\twords='", c->name);
	print_words(f, c);
	for (unsigned i = 0; command_term(c, i, &t); i++)
		(void)fprintf(f, " %s", t.name);
	(void)fprintf(f, "'\n\t\tfiles=1\n\t\t;;\n");
}

void
completion_bash(FILE *f)
{
	(void)fprintf(f,
	    "# bash completion for ephmap; made by the build.\n\n"
	    "_ephmap() {\n"
	    "\tlocal cur prev command words= files= list= w\n"
	    "\tCOMPREPLY=()\n"
	    "\tcur=${COMP_WORDS[COMP_CWORD]}\n"
	    "\tprev=${COMP_WORDS[COMP_CWORD-1]}\n"
	    "\tcommand=${COMP_WORDS[1]}\n"
	    "\tcase \"$command ${COMP_WORDS[2]}\" in\n");
	for (unsigned i = 0; i < COMMANDS; i++) {
		const char *name = command_table[i].name;

		if (strchr(name, ' ') != NULL)
			(void)fprintf(
			    f, "\t'%s') command='%s' ;;\n", name, name);
	}
	(void)fprintf(f,
	    "\tesac\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	    "\t\twords='help");
	for (unsigned i = 0; i < COMMANDS; i++)
		(void)fprintf(f, " %.*s",
		    (int)strcspn(command_table[i].name, " "),
		    command_table[i].name);
	(void)fprintf(f,
	    " --help --version'\n"
	    "\telse\n\tcase \"$command $prev\" in\n");
	for (unsigned i = 0; i < COMMANDS; i++) {
		for (unsigned k = 0; k < OPT_IDS; k++) {
			if (opt_applies(&opt_table[k], &command_table[i]))
				bash_option(
				    f, &command_table[i], &opt_table[k]);
		}
	}
	(void)fprintf(f, "\t*)\n\tcase $command in\n");
	for (unsigned i = 0; i < COMMANDS; i++) {
		const char *name = command_table[i].name;
		const char *second = strchr(name, ' ');

		bash_command(f, &command_table[i]);
		if (second != NULL)
			(void)fprintf(f, "\t%.*s) words=\"$words%s\" ;;&\n",
			    (int)(second - name), name, second);
	}
	(void)fprintf(f,
	    "\tesac\n\t\t;;\n\tesac\n\tfi\n"
	    "\tif [ -n \"$list\" ]; then\n"
	    "\t\tw=${cur%%\"${cur##*,}\"}\n"
	    "\t\tCOMPREPLY=($(compgen -P \"$w\" -W \"$words\" -- "
	    "\"${cur##*,}\"))\n"
	    "\telse\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\tfi\n"
	    "\t[ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
	    "}\n"
	    "complete -o filenames -F _ephmap ephmap\n");
}

/* -- zsh ---------------------------------------------------------------- */

/* Text between single quotes, and between brackets of _arguments. */
static void
zsh_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			(void)fputs("'\\''", f);
		else if (strchr("[]:\\", *s) != NULL)
			(void)fprintf(f, "\\%c", *s);
		else
			(void)fputc(*s, f);
	}
}

static void
zsh_option(FILE *f, const struct command *c, const struct opt *p)
{
	(void)fprintf(f, " \\\n\t\t'%s--%s%s[", p->kind == OPT_WORDS ? "*" : "",
	    p->name, p->kind == OPT_FLAG ? "" : "=");
	zsh_text(f, p->help);
	(void)fprintf(f, "]");
	if (p->kind != OPT_FLAG) {
		(void)fprintf(f, ":");
		zsh_text(f, p->arg);
		(void)fprintf(f, ":");
	}
	if (p->choices != NULL) {
		(void)fprintf(f, "(");
		for (unsigned i = 0; p->choices[i] != NULL; i++)
			(void)fprintf(
			    f, "%s%s", i > 0 ? " " : "", p->choices[i]);
		(void)fprintf(f, ")");
	} else if (p->from != NULL) {
		(void)fprintf(f, "%s _ephmap_names %s",
		    is_list(c, p) ? "_sequence" : "", p->from);
	} else if (takes_file(p)) {
		(void)fprintf(f, "_files");
	}
	(void)fprintf(f, "'");
}

static void
zsh_command(FILE *f, const struct command *c)
{
	struct term t;

	(void)fprintf(f, "\t'%s')\n\t\t_arguments -s", c->name);
	for (unsigned i = 0; i < OPT_IDS; i++) {
		if (opt_applies(&opt_table[i], c))
			zsh_option(f, c, &opt_table[i]);
	}
	(void)fprintf(f, " \\\n\t\t'--help[print help]'");
	if (command_term(c, 0, &t)) {
		(void)fprintf(f, " \\\n\t\t'1:word:(");
		for (unsigned i = 0; command_term(c, i, &t); i++)
			(void)fprintf(f, "%s ", t.name);
		(void)fprintf(f, ")'");
	}
	(void)fprintf(f, " \\\n\t\t'*:file:_files'\n\t\t;;\n");
}

void
completion_zsh(FILE *f)
{
	(void)fprintf(f,
	    "#compdef ephmap\n# zsh completion for ephmap; made by the "
	    "build.\n\n_ephmap_names() {\n"
	    "\tcompadd \"$@[1,-2]\" -- ${(f)\"$(ephmap list $@[-1] --format "
	    "csv 2>/dev/null | tail -n +2 | cut -d, -f1)\"}\n}\n\n"
	    "_ephmap() {\n\tlocal command=$words[2]\n"
	    "\tif (( CURRENT == 2 )); then\n\t\tcompadd help");
	for (unsigned i = 0; i < COMMANDS; i++)
		(void)fprintf(f, " %.*s",
		    (int)strcspn(command_table[i].name, " "),
		    command_table[i].name);
	(void)fprintf(f,
	    "\n\t\treturn\n\tfi\n\tcase \"$words[2] $words[3]\" "
	    "in\n");
	for (unsigned i = 0; i < COMMANDS; i++) {
		const char *name = command_table[i].name;

		if (strchr(name, ' ') != NULL)
			(void)fprintf(f,
			    "\t'%s') command='%s'; shift words; (( CURRENT-- "
			    ")) ;;\n",
			    name, name);
	}
	(void)fprintf(f,
	    "\tesac\n\tshift words\n\t(( CURRENT-- ))\n"
	    "\tcase $command in\n");
	for (unsigned i = 0; i < COMMANDS; i++)
		zsh_command(f, &command_table[i]);
	for (unsigned i = 0; i < COMMANDS; i++) {
		const char *name = command_table[i].name;
		const char *second = strchr(name, ' ');

		if (second != NULL)
			(void)fprintf(f, "\t%.*s) compadd %s ;|\n",
			    (int)(second - name), name, second + 1);
	}
	(void)fprintf(f, "\tesac\n}\n\n_ephmap \"$@\"\n");
}

/* -- fish --------------------------------------------------------------- */

static void
fish_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			(void)fputc('\\', f);
		(void)fputc(*s, f);
	}
}

static void
fish_condition(FILE *f, const struct command *c)
{
	const char *second = strchr(c->name, ' ');

	(void)fprintf(f,
	    "complete -c ephmap -n '__fish_seen_subcommand_from "
	    "%.*s",
	    (int)strcspn(c->name, " "), c->name);
	if (second != NULL)
		(void)fprintf(f, "; and __fish_seen_subcommand_from%s", second);
	(void)fprintf(f, "'");
}

static void
fish_option(FILE *f, const struct command *c, const struct opt *p)
{
	fish_condition(f, c);
	if (p->letter != '\0')
		(void)fprintf(f, " -s %c", p->letter);
	(void)fprintf(f, " -l %s", p->name);
	if (p->kind != OPT_FLAG)
		(void)fprintf(f, takes_file(p) ? " -r" : " -x");
	if (p->choices != NULL) {
		(void)fprintf(f, " -a '");
		for (unsigned i = 0; p->choices[i] != NULL; i++)
			(void)fprintf(
			    f, "%s%s", i > 0 ? " " : "", p->choices[i]);
		(void)fprintf(f, "'");
	} else if (p->from != NULL) {
		(void)fprintf(f, " -a '(" NAMES ")'", p->from);
	}
	(void)fprintf(f, " -d '");
	fish_text(f, p->help);
	(void)fprintf(f, "'\n");
}

void
completion_fish(FILE *f)
{
	struct term t;

	(void)fprintf(f, "# fish completion for ephmap; made by the build.\n");
	for (unsigned i = 0; i < COMMANDS; i++) {
		const struct command *c = &command_table[i];
		const char *second = strchr(c->name, ' ');

		if (second == NULL)
			(void)fprintf(f,
			    "complete -c ephmap -n __fish_use_subcommand -f "
			    "-a %s -d '",
			    c->name);
		else
			(void)fprintf(f,
			    "complete -c ephmap -n __fish_use_subcommand -f "
			    "-a %.*s\n"
			    "complete -c ephmap -n "
			    "'__fish_seen_subcommand_from %.*s' -a %s -d '",
			    (int)(second - c->name), c->name,
			    (int)(second - c->name), c->name, second + 1);
		fish_text(f, c->summary);
		(void)fprintf(f, "'\n");
		for (unsigned k = 0; command_term(c, k, &t); k++) {
			fish_condition(f, c);
			(void)fprintf(f, " -a %s\n", t.name);
		}
		for (unsigned k = 0; k < OPT_IDS; k++) {
			if (opt_applies(&opt_table[k], c))
				fish_option(f, c, &opt_table[k]);
		}
	}
}
