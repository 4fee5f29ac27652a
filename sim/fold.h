/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_FOLD_H
#define SIM_FOLD_H

#include <stdio.h>

/*
 * Print lines of text; lines that repeat, alone or as a group, are printed
 * once, with how often they came.
 */
void text_fold(FILE *out, const char *text);

#endif /* !SIM_FOLD_H */
