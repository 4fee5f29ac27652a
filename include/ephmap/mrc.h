/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_MRC_H
#define EPHMAP_MRC_H

/*
 * Curves: what a policy misses, and what a design's events cost, at each
 * number of buffers.
 *
 * A stream is the pages of a trace's references (m and p operations), in
 * order, by dense id; holds are ignored.  It is read once and then shared
 * by all runs, on all CPUs of the host.
 */

#include "ephmap/counters.h"
#include "ephmap/types.h"

struct eph_policy_ops;

#ifdef __cplusplus
extern "C" {
#endif

struct eph_op;
struct eph_op_source;

/* References a stream can have; positions are 32 bits. */
#define EPH_REFS_MAX (UINT32_MAX - 1u)

struct eph_refs {
	uint32_t *page; /* n of them */
	uint32_t *next; /* position of the page's next use, EPH_NONE: none;
			 * NULL until eph_refs_future() */
	size_t n;
	uint32_t npages; /* ids are below it */
	size_t room;	 /* references there is memory for */
};

/* Start an empty stream; eph_refs_free() gives back what it holds. */
void eph_refs_init(struct eph_refs *r);
void eph_refs_free(struct eph_refs *r);

/*
 * Append `n` references.  Returns 0, ENOMEM, or EFBIG beyond EPH_REFS_MAX;
 * `err` says so.
 */
int eph_refs_append(
    struct eph_refs *r, const uint32_t *pages, size_t n, struct eph_err *err);

/* Read the references of `src` to its end.  Returns as the source does. */
int eph_refs_read(
    struct eph_refs *r, struct eph_op_source *src, struct eph_err *err);

/* Find every next use, in one pass from the end.  0 or ENOMEM. */
int eph_refs_future(struct eph_refs *r, struct eph_err *err);

/*
 * The references to a share `rate` of the pages, chosen by a hash of the
 * page and `seed`; ids are dense again.  Returns 0 or ENOMEM.
 */
int eph_refs_sample(const struct eph_refs *r, double rate, uint64_t seed,
    struct eph_refs *out, struct eph_err *err);

/* Whether that choice has `page`. */
bool eph_refs_sampled(uint32_t page, double rate, uint64_t seed);

/* What one policy did with one number of buffers. */
struct eph_policy_counts {
	uint64_t hits;
	uint64_t promotions; /* cached pages that changed their place in the
			      * policy's order (sdk/policy.h) */
};

/*
 * Play `r` with `nslots` buffers, every reference released at once.
 * `params` may be NULL.  Returns 0 and sets *counts, or as the policy's
 * create().  An offline policy needs eph_refs_future().
 */
int eph_mrc_replay(const struct eph_refs *r,
    const struct eph_policy_ops *policy, const char *params, uint32_t nslots,
    uint64_t seed, struct eph_policy_counts *counts, struct eph_err *err);

/*
 * The same in parts: part i ends before reference ends[i]; they ascend, the
 * last is r->n.  counts[i] is of part i alone.
 */
int eph_mrc_replay_parts(const struct eph_refs *r,
    const struct eph_policy_ops *policy, const char *params, uint32_t nslots,
    uint64_t seed, const size_t *ends, size_t nparts,
    struct eph_policy_counts *counts, struct eph_err *err);

/*
 * The same while `src` is read, by another thread: memory does not grow with
 * the stream.  Its npages_hint is exact, and the policy not offline.
 * Sets *refsp to the references; returns as well what the source does.
 */
int eph_mrc_replay_source(struct eph_op_source *src,
    const struct eph_policy_ops *policy, const char *params, uint32_t nslots,
    uint64_t seed, uint64_t *refsp, struct eph_policy_counts *counts,
    struct eph_err *err);

/*
 * LRU hits at every size in one pass: hits[c] for 0 <= c <= npages, which
 * the caller has room for.  Returns 0 or ENOMEM.
 */
int eph_mrc_lru(const struct eph_refs *r, uint64_t *hits, struct eph_err *err);

/*
 * The same on `threads` CPUs, 0: all of the host.  Fewer where the stream
 * is short for its pages.  Memory is that of one times the threads.
 */
int eph_mrc_lru_on(const struct eph_refs *r, unsigned threads, uint64_t *hits,
    struct eph_err *err);

/*
 * The same for OPT, which is a stack algorithm too; needs
 * eph_refs_future().  Its time grows with how deep references are found.
 */
int eph_mrc_opt(const struct eph_refs *r, uint64_t *hits, struct eph_err *err);

/* One point of a curve. */
struct eph_mrc_point {
	uint32_t nbufs;
	double miss_ratio; /* NAN: not known, the sample cannot tell */
	double promotions; /* per 1,000 references */
	double error;	   /* of miss_ratio, within which the exact value is
			    * in 95 of 100 draws; 0: exact */
};

/*
 * SHARDS: the LRU curve from a sample of the pages.  Fills the miss ratios
 * and errors of `n` points, whose sizes are set and ascend.
 *
 * The error, two standard errors, has two parts: which pages were chosen
 * (their misses are summed, so the variance is estimated from the sample
 * itself) and how exact a distance scaled up from the sample is (the
 * curve's rise over the sizes that two standard errors of a distance
 * reach).  Returns 0 or ENOMEM.
 */
int eph_mrc_shards(const struct eph_refs *r, double rate, uint64_t seed,
    struct eph_mrc_point *points, size_t n, struct eph_err *err);

/*
 * The same with at most `pages_max` pages in memory; the rate falls as
 * pages are seen.  *ratep, if not NULL, is the rate at the end.
 */
int eph_mrc_shards_fixed(const struct eph_refs *r, uint32_t pages_max,
    uint64_t seed, struct eph_mrc_point *points, size_t n, double *ratep,
    struct eph_err *err);

struct eph_mrc_config {
	const struct eph_policy_ops *const *policies;
	const char *const *params; /* one for each, or NULL */
	size_t npolicies;
	const uint32_t *sizes; /* each at least 1 */
	size_t nsizes;
	uint64_t seed;
	unsigned threads; /* 0: one for each CPU of the host */

	/* References at the start that are played and not counted: fewer
	 * than there are, and with a rate of 1 only. */
	uint64_t warmup;

	/*
	 * 1: exact.  Below: miniature simulation, the buffers scaled with
	 * the pages; `samples` of them with different pages, each played
	 * once more as two halves.  The error is made of the samples' spread
	 * (95 %, by Student), of what the halves changed for each doubling
	 * from the sample to the whole, and of the grain of few buffers.
	 */
	double rate;
	unsigned samples; /* below 2: 8 */

	/* Called with the runs done so far, one call at a time; or NULL. */
	void (*progress)(void *arg, size_t done, size_t all);
	void *progress_arg;
};

/*
 * Run every policy at every size; point[p * nsizes + s].  Nothing is known
 * (NAN) of a stream without references.  With a rate below 1 a point is not
 * known either where fewer than 16 buffers or 64 pages stand for it, and for
 * policies that cannot be scaled (`whole').  All policies see the same
 * samples, so no point of `opt' is above another policy's.  Returns 0, or
 * ENOMEM, or as a policy's create() with `err` set.
 */
int eph_mrc_run(struct eph_refs *r, const struct eph_mrc_config *cfg,
    struct eph_mrc_point *points, struct eph_err *err);

/*
 * Read `src` to its end into `r`, which is empty, and run.  Where one run is
 * all, it goes on while the source is read, and `r` has numbers only: n and
 * npages, and no pages.  Returns as well what the source does.
 */
int eph_mrc_run_source(struct eph_op_source *src, struct eph_refs *r,
    const struct eph_mrc_config *cfg, struct eph_mrc_point *points,
    struct eph_err *err);

/*
 * Every policy at the first of the sizes, in parts as eph_mrc_replay_parts():
 * counts[p * nparts + i].  Rate, samples and warm-up mean nothing.  Returns
 * as eph_mrc_run().
 */
int eph_mrc_run_parts(struct eph_refs *r, const struct eph_mrc_config *cfg,
    const size_t *ends, size_t nparts, struct eph_policy_counts *counts,
    struct eph_err *err);

/* Event curves. */

/* One run of a design: what eph_replay_run() would do with `nbufs` buffers. */
struct eph_mrc_design {
	int (*run)(void *arg, struct eph_op_source *src, uint32_t nbufs,
	    struct eph_counters *out, struct eph_err *err);
	void *arg;
	bool offline;	 /* its policy needs the future */
	uint64_t warmup; /* references that run() does not count; with a rate
			  * of 1 only */
};

struct eph_event_point {
	uint32_t nbufs;
	uint64_t references;
	double miss_rate;   /* each per reference */
	double invlpg_rate; /* local and remote */
	double ipi_rate;
	double error_miss, error_invlpg, error_ipi; /* 0: exact */
};

/*
 * The operations of a trace; names for messages come from `names`, whose
 * other members are not used.
 */
struct eph_mrc_ops {
	const struct eph_op *ops;
	size_t n;
	const struct eph_op_source *names;
};

/*
 * Run `d` at every size, on all CPUs of the host.  With rate 1 every point
 * is exact.  Below it each point is a miniature simulation of the pages
 * chosen; exact runs at the first, middle and last size measure its error,
 * and every point carries the largest found.  Returns 0, ENOMEM, or what a
 * run returned.
 */
int eph_mrc_events(const struct eph_mrc_ops *ops,
    const struct eph_mrc_design *d, const uint32_t *sizes, size_t nsizes,
    double rate, uint64_t seed, unsigned threads,
    struct eph_event_point *points, struct eph_err *err);

/*
 * OPT for events: a bound below which no choice of victims, knowing the
 * future, brings the reuses of a buffer that have a price: its page was
 * touched since it was mapped, so that other CPUs may hold it.  Exact where
 * every reference touches.  For shared mappings on `nbufs` buffers, at least
 * 1; holds are ignored, which only lowers it.  `refs_touch`: p lines do.
 * Sets *reuses; returns 0 or ENOMEM.
 */
int eph_mrc_reuse_bound(const struct eph_mrc_ops *ops, uint32_t nbufs,
    bool refs_touch, uint64_t *reuses, struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_MRC_H */
