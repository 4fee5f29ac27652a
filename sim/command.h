/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

/*
 * The commands of the program.  Each takes its own name as argv[0] and
 * returns the exit status.
 */

enum {
	EXIT_OK = 0,
	EXIT_FOUND = 1, /* a violation was found */
	EXIT_BAD = 2,	/* bad usage or input, or the result was not written */
};

int cmd_claims(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_mrc(int argc, char **argv);
int cmd_run(int argc, char **argv);

#endif /* !SIM_COMMAND_H */
