/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_INPUT_H
#define SIM_INPUT_H

/*
 * Traces as commands take them: an ephmap trace, text or binary, or a log
 * that one can be made of; "-" is standard input.
 */

#include <stdio.h>

#include "ephmap/trace.h"

/*
 * Open `path'.  A log is imported into a temporary trace, with the format
 * guessed, and what was done is said on standard error.  Returns
 * OPTIONS_OK, or OPTIONS_BAD with a message printed.
 */
int input_open(const char *command, const char *path, struct eph_trace **tp);

/*
 * Make standard input a file that can be read again, where it is none:
 * what reads "-" may open it more than once.  Returns as input_open().
 */
int input_settle(const char *command, const char *path);

/*
 * What is written goes to `to', what is read is `path', both of which may be
 * NULL: not one file, which would be lost.  OPTIONS_OK, or OPTIONS_BAD with a
 * message printed.
 */
int input_spare(const char *command, const char *path, const char *to);

/*
 * Open any other file for reading, standard input again and again where it is
 * "-".  NULL, with errno set.
 */
FILE *input_file(const char *path);

#endif /* !SIM_INPUT_H */
