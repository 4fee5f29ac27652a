/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_HELP_H
#define SIM_HELP_H

/*
 * Help, from the tables of options.h, and running text within the width of
 * the terminal.
 */

#include <stdio.h>

#include "options.h"

/* Columns to print in: COLUMNS where it is a number, else 80. */
unsigned text_columns(void);

/*
 * Print `text' from column `at' on, broken between words before the last
 * column, with later lines indented by `indent'.  A newline in it begins a
 * paragraph.  Ends with a newline.
 */
void text_wrap(FILE *out, unsigned at, unsigned indent, const char *text);

/* What the program is and which commands it has. */
void help_program(FILE *out);

/* The commands whose names begin with a word: those of `trace'. */
void help_family(FILE *out, const char *word);

/* One command. */
void help_command(FILE *out, const struct command *c);

#endif /* !SIM_HELP_H */
