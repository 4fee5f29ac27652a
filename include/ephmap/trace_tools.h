/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TRACE_TOOLS_H
#define EPHMAP_TRACE_TOOLS_H

/*
 * Traces from traces: a part of one, and several in one.
 *
 * An m line is kept or left out with all lines of its handle; a handle whose
 * u line lies behind the part stays mapped.  Times between lines that are
 * kept stay, those before the first and behind the last go.
 */

#include "ephmap/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names of pages, both included. */
struct eph_page_range {
	uint64_t first;
	uint64_t last;
};

/* Which references (m and p lines) are kept: those that pass everything. */
struct eph_trace_cut {
	uint64_t skip;	   /* not the first so many */
	uint64_t refs;	   /* of the others at most so many */
	uint64_t after_ns; /* times of the trace: from here on ... */
	uint64_t until_ns; /* ... and before that */

	/* Pages by a hash of their name and `seed': that share; 1: all. */
	double share;
	uint64_t seed;

	const bool *cpus; /* by CPU, EPH_CPUS_MAX; NULL: all */
	const struct eph_page_range *pages; /* any of these */
	size_t npages;			    /* 0: all */

	/* Told now and then how much is read; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
};

struct eph_trace_cut_result {
	uint64_t references; /* kept */
	uint64_t dropped;    /* lines of handles mapped before the part */
	uint64_t held;	     /* handles whose u line lies behind it */
};

/*
 * Write what is kept of `t', which was not read yet, to `w'.  Returns 0 and
 * sets *res, or an errno value with `err` set: EINVAL where nothing is kept.
 */
int eph_trace_cut(struct eph_trace *t, const struct eph_trace_cut *c,
    struct eph_trace_writer *w, struct eph_trace_cut_result *res,
    struct eph_err *err);

#define EPH_MERGE_MAX 64

/* How traces are put together. */
struct eph_trace_merge {
	bool pages_apart; /* pages of two traces are never one */
	bool cpus_apart;  /* each trace has CPUs of its own */
};

/*
 * Write the lines of `n' traces to `w' by time, those of the first trace
 * first at one time.  Where none has d lines they are mixed so that all end
 * together.  Handles get new names; apart, page P of trace I, from 0, is
 * named I * 2^56 + P.  Returns 0, or an errno value with `err` set: EINVAL
 * where only some have times, names are too large or CPUs too many.
 */
int eph_trace_merge(struct eph_trace *const *t, unsigned n,
    const struct eph_trace_merge *m, struct eph_trace_writer *w,
    struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TRACE_TOOLS_H */
