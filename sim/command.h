/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

/*
 * The commands of the program, by table: commands.def.  Each takes its
 * options and operands, and returns the exit status.
 */

#include "options.h"

enum {
	EXIT_OK = 0,
	EXIT_FOUND = 1, /* a violation was found */
	EXIT_BAD = 2,	/* bad usage or input, or the result was not written */
};

typedef int command_fn(const struct opts *o, int n, char **operands);

#define COMMAND(id, function, ...) command_fn function;
#include "commands.def"
#undef COMMAND

#endif /* !SIM_COMMAND_H */
