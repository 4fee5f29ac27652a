/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_GENERATE_H
#define EPHMAP_GENERATE_H

/*
 * Synthetic traces of p lines.  The same parameters give the same trace on
 * every host, for ever.
 */

#include "ephmap/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eph_generator {
	/* Page k (from 0) with a probability proportional to 1/(k+1)^alpha,
	 * independently of all before. */
	EPH_GEN_ZIPF,
	/* One pass over the pages in order, each referenced refs/pages
	 * times in a row. */
	EPH_GEN_SCAN,
	/* All pages in order, again and again. */
	EPH_GEN_LOOP,
	/* Every page with the same probability: zipf with alpha 0. */
	EPH_GEN_UNIFORM,
};

#define EPH_GEN_REFS_MAX ((uint64_t)1 << 35)

struct eph_generate {
	enum eph_generator kind;
	uint64_t pages; /* 1 to EPH_FRAMES_MAX */
	uint64_t refs;	/* up to EPH_GEN_REFS_MAX */
	double alpha;	/* ZIPF: 0 to 10 */
	unsigned cpus;	/* each reference on one of these, at random */
	uint64_t seed;
	uint64_t rate; /* references a second, up to 10^9: d lines stand
			* between them; 0: no time */

	/* Told now and then how much is written; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
};

/*
 * Write the trace to `w`.  Returns 0, or an errno value with `err` set:
 * EINVAL for parameters out of range.
 */
int eph_trace_generate(const struct eph_generate *g, struct eph_trace_writer *w,
    struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_GENERATE_H */
