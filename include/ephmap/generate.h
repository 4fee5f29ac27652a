/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_GENERATE_H
#define EPHMAP_GENERATE_H

/*
 * Synthetic traces.  The same parameters give the same trace on
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
	/* `weight' of the references, 0.8, to the first `share' of the
	 * pages, 0.2. */
	EPH_GEN_HOTSPOT,
	/* `phases' sets of pages, 10, one after another, ZIPF in each; half
	 * of a set is in the next. */
	EPH_GEN_PHASES,
	/* ZIPF to half of the pages; `share' of the references, 0.25, to the
	 * others in order, 256 in a row. */
	EPH_GEN_ZIPF_SCAN,
	/* The same, one at a time. */
	EPH_GEN_ZIPF_LOOP,
	/* New pages with `share' of the references, 0.05; ZIPF over the age
	 * of those there are. */
	EPH_GEN_LATEST,
	/* Files by ZIPF, mapped whole (m and u lines) and unmapped page by
	 * page when acknowledged: after hold_ns, 1 ms, and the time on a
	 * link of 1 Gbit/s; rate 0 is 50,000 pages a second. */
	EPH_GEN_SENDFILE,
	EPH_GENERATORS
};

/* What a kind looks at. */
enum {
	EPH_GEN_USES_ALPHA = 0x1,
	EPH_GEN_USES_SHARE = 0x2,
	EPH_GEN_USES_WEIGHT = 0x4,
	EPH_GEN_USES_PHASES = 0x8,
	EPH_GEN_USES_HOLD = 0x10,
};

unsigned eph_generator_uses(enum eph_generator kind);

#define EPH_GEN_REFS_MAX ((uint64_t)1 << 35)

struct eph_generate {
	enum eph_generator kind;
	uint64_t pages; /* 1 to EPH_FRAMES_MAX */
	uint64_t refs;	/* up to EPH_GEN_REFS_MAX */
	double alpha;	/* of ZIPF: 0 to 10 */
	unsigned cpus;	/* each reference on one of these, at random */
	uint64_t seed;
	uint64_t rate; /* references a second, up to 10^9: d lines stand
			* between them; 0: no time */

	/* 0: the kind's own. */
	double share, weight; /* up to 1 */
	uint64_t phases;
	uint64_t hold_ns;

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
