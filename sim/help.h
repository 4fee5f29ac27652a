/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_HELP_H
#define SIM_HELP_H

/*
 * Help, from the tables of options.h.
 */

#include <stdio.h>

#include "options.h"

/* What the program is and which commands it has. */
void help_program(FILE *out);

/* The commands whose names begin with a word: those of `trace'. */
void help_family(FILE *out, const char *word);

/* One command. */
void help_command(FILE *out, const struct command *c);

#endif /* !SIM_HELP_H */
