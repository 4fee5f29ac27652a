/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_PARALLEL_H
#define ANALYSIS_PARALLEL_H

/* Independent runs on all CPUs of the host. */

#include "ephmap/types.h"

struct parallel {
	/* Do job `i`.  Returns 0, or an errno value with `err` set. */
	int (*job)(void *arg, size_t i, struct eph_err *err);
	void *arg;
	size_t jobs;
	unsigned threads; /* 0: one for each CPU */

	/* One call at a time; or NULL. */
	void (*progress)(void *arg, size_t done, size_t all);
	void *progress_arg;
};

/*
 * Do all jobs, each once, started in order.  After the first failure no
 * more are started; returns its value.
 */
int eph__parallel_run(const struct parallel *p, struct eph_err *err);

/* Threads that `wanted` means: itself, or for 0 one for each CPU. */
unsigned eph__parallel_threads(unsigned wanted);

#endif /* !ANALYSIS_PARALLEL_H */
