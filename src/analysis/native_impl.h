/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_NATIVE_IMPL_H
#define ANALYSIS_NATIVE_IMPL_H

/*
 * A plan as it is played, and what it takes of the host: two files of
 * frames, a window of addresses, CPUs, and a priority.
 */

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "analysis/native_witness.h"
#include "ephmap/native.h"

#define NATIVE_THREADS_MAX WITNESS_CPUS

struct native {
	const struct eph_native_plan *plan;
	char *base; /* guard page, window, guard page */
	char *window;
	size_t page;
	int fd[2];
	bool *present;
	unsigned nthreads;
	unsigned host_cpu[NATIVE_THREADS_MAX];
	int priority; /* 0: none could be had */

	_Atomic(long) turn;	   /* step to make; TURN_* */
	_Atomic(unsigned) running; /* threads that spin or play */
	_Atomic(unsigned) epoch;   /* of rests */
	_Atomic(unsigned) ready;   /* threads that have their counter */
	_Atomic(bool) failed;
	int error;
	sem_t ended;	   /* posted when the first thread has ended */
	bool others_sleep; /* threads but the first do not spin */

	struct witness witness;
	uint64_t row; /* in slices so far */
	uint64_t row_at;
	_Atomic(uint64_t) sent;		  /* by the tracepoint */
	_Atomic(unsigned long) preempted; /* of the threads that spin */
	uint64_t slice_at;
	uint64_t loads, wrong;
	uint64_t shots, shot_ns, quiets, quiet_ns;
};

/* Frames' files and the window of `n->plan`; close() takes half of them. */
int eph__native_files(struct native *n, struct eph_err *err);
int eph__native_window(struct native *n, struct eph_err *err);
void eph__native_close(struct native *n);

/* Host CPUs that this process may use, as many as there are threads. */
int eph__native_cpus(struct native *n, struct eph_err *err);

/* The real-time priority that threads can have; 0: none. */
int eph__native_priority(void);

#endif /* !ANALYSIS_NATIVE_IMPL_H */
