/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PROGRESS_H
#define SIM_PROGRESS_H

/*
 * A progress bar on standard error, only when that is a terminal, and
 * drawn at most ten times a second.
 */

#include <stdint.h>

struct progress {
	const char *what; /* NULL: not a terminal, draw nothing */
	uint64_t total;	  /* 0: unknown */
	uint64_t drawn_ns;
	uint64_t started_ns;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_step(struct progress *p, uint64_t done);

/* A step, with the time left and a few words behind the bar. */
void progress_note(struct progress *p, uint64_t done, const char *note);

/* Erase the bar. */
void progress_end(struct progress *p);

#endif /* !SIM_PROGRESS_H */
