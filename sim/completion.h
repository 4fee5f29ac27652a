/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_COMPLETION_H
#define SIM_COMPLETION_H

/* Completion for shells, from the tables of options.h; the build runs it. */

#include <stdio.h>

void completion_bash(FILE *f);
void completion_zsh(FILE *f);
void completion_fish(FILE *f);

#endif /* !SIM_COMPLETION_H */
