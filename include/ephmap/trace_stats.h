/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TRACE_STATS_H
#define EPHMAP_TRACE_STATS_H

/* What a stream of references is like. */

#include "ephmap/mrc.h"
#include "ephmap/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/* References of one CPU. */
struct eph_stats_cpu {
	uint64_t references;
	uint64_t pages;	 /* that it referenced */
	uint64_t shared; /* of these, that another CPU did too */
};

/* A part of the references, as long as the others but for the last. */
struct eph_stats_window {
	uint64_t first; /* number of its first reference, from 1 */
	uint64_t ns;	/* when that came */
	uint64_t references;
	uint64_t pages; /* its working set */
	uint64_t fresh; /* of these, never referenced before */
};

/* References in a row, each to the page id behind the one before. */
#define EPH_STATS_SCAN 16u

struct eph_trace_stats {
	uint64_t references;
	uint64_t pages;

	/* Popularity. */
	uint64_t once;	    /* pages with one reference */
	double top1, top10; /* share of the references to the 1 %, 10 % of
			     * the pages that have most; at least one page */
	double zipf_alpha;  /* of the ranks, by maximum likelihood; NAN:
			     * fewer than two pages */
	double zipf_off;    /* largest difference between the two
			     * distributions of ranks (Kolmogorov, Smirnov) */

	/* From one reference of a page to its next. */
	struct eph_latency time;     /* references, 1: the next one */
	struct eph_latency ns;	     /* of the trace; n 0: it has no time */
	struct eph_latency distance; /* different pages, itself included:
				      * from so many buffers on LRU hits */

	/* Scans: EPH_STATS_SCAN or more in a row by one CPU. */
	uint64_t scans;
	uint64_t scan_references;
	uint64_t scan_longest;

	/* By CPU; NULL: too many pages and CPUs for a table of both. */
	unsigned ncpus;
	struct eph_stats_cpu *cpu;
	uint64_t shared; /* pages that several CPUs referenced */

	size_t nwindows;
	struct eph_stats_window *window;
};

/*
 * Read the operations once more and more; `ops.names' is needed.  A window
 * has `every' references, at least 1.  Returns 0 and fills *s, which
 * eph_trace_stats_free() gives back, or ENOMEM or EFBIG with `err` set.
 */
int eph_trace_stats(const struct eph_mrc_ops *ops, uint64_t every,
    struct eph_trace_stats *s, struct eph_err *err);
void eph_trace_stats_free(struct eph_trace_stats *s);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TRACE_STATS_H */
