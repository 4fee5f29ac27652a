/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Curves of many policies at many sizes.
 *
 * The work is cut into runs that share nothing but the stream: one for
 * each policy, size and sample, except that policies with a stack have all
 * sizes in one, where that is less work.  Runs are started in order on all
 * CPUs.
 *
 * All policies are played on the same samples.  So the bound, which misses
 * least on each of them, is below every policy in what comes out.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/miniature.h"
#include "analysis/opt_sizes.h"
#include "analysis/parallel.h"
#include "analysis/together.h"
#include "ephmap/mrc.h"
#include "ephmap/run.h"
#include "ephmap/sdk/policy.h"
#include "policy/policies.h"

#define SAMPLES 8u

struct mrc_job {
	uint32_t policy;
	uint32_t size; /* EPH_NONE: all of them */
	uint32_t sample;
};

/* What is played for one of the policies asked for. */
struct mrc_plays {
	const struct eph_policy_ops *policy;
	const char *params;
	uint32_t as; /* the first that is the same */
};

struct mrc {
	const struct eph_mrc_config *cfg;
	const struct eph_refs *refs;
	struct mrc_plays *plays; /* by policy */
	struct miniature mini;
	unsigned samples; /* 0: exact */
	struct mrc_job *jobs;
	size_t njobs;
	struct miniature_found *found; /* by point and sample */
	struct eph_mrc_point *points;
};

/*
 * Policies that are played at several sizes at once, exact streams only, and
 * up to how many pages that is less work.  LFU's heaps look at pages all over
 * its table: where that is in no cache, a replay at each size is faster.
 */
static const struct mrc_together {
	const struct eph_policy_ops *policy;
	together_fn *play;
	uint32_t pages;
} mrc_togethers[] = {
	{ &eph_policy_fifo, eph__together_fifo, UINT32_MAX },
	{ &eph_policy_clock, eph__together_clock, UINT32_MAX },
	{ &eph_policy_clock2, eph__together_clock2, UINT32_MAX },
	{ &eph_policy_sieve, eph__together_sieve, UINT32_MAX },
	{ &eph_policy_mru, eph__together_mru, UINT32_MAX },
	{ &eph_policy_lfu, eph__together_lfu, (uint32_t)1 << 18 },
};

static const struct mrc_together *
mrc_together_of(const struct mrc *m, uint32_t policy)
{
	for (size_t i = 0; i < sizeof(mrc_togethers) / sizeof(*mrc_togethers);
	     i++) {
		const struct mrc_together *t = &mrc_togethers[i];

		if (t->policy == m->plays[policy].policy && m->samples == 0 &&
		    m->cfg->nsizes > 1 && m->refs->npages <= t->pages)
			return (t);
	}
	return (NULL);
}

/*
 * Policies that are another one where nothing is held and a page has no
 * price: the row that they are then, and their parameters mean nothing.
 */
static const struct {
	const struct eph_policy_ops *policy, *as;
} mrc_same[] = {
	{ &eph_policy_lazy, &eph_policy_fifo },
	{ &eph_policy_price_aware, &eph_policy_lru },
	{ &eph_policy_price_sieve, &eph_policy_sieve },
};

static bool
mrc_params_equal(const char *a, const char *b)
{
	return (strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0);
}

/* Fill in what is played for policy `p`; those before it are. */
static int
mrc_choose(struct mrc *m, uint32_t p, struct eph_err *err)
{
	const struct eph_policy_ops *ops = m->cfg->policies[p];
	struct mrc_plays *plays = &m->plays[p];
	double values[EPH_POLICY_PARAMS];
	int error;

	plays->policy = ops;
	plays->params = m->cfg->params == NULL ? NULL : m->cfg->params[p];
	for (size_t i = 0; i < sizeof(mrc_same) / sizeof(*mrc_same); i++) {
		if (mrc_same[i].policy != ops)
			continue;
		error = eph_policy_params(ops, plays->params, values, err);
		if (error != 0)
			return (error);
		plays->policy = mrc_same[i].as;
		plays->params = NULL;
	}
	for (plays->as = 0; plays->as < p; plays->as++) {
		const struct mrc_plays *o = &m->plays[plays->as];

		if (o->policy == plays->policy &&
		    mrc_params_equal(o->params, plays->params))
			break;
	}
	return (0);
}

static bool
mrc_resolves(const struct mrc *m, uint32_t policy, uint32_t nbufs)
{
	if (m->samples == 0)
		return (m->refs->n > 0);
	return (!m->plays[policy].policy->whole &&
	    eph__miniature_resolves(&m->mini, nbufs));
}

/* The streams of a job, and what buffers they have for `nbufs`. */
static const struct eph_refs *
mrc_part(const struct mrc *m, const struct mrc_job *job, unsigned part)
{
	return (m->samples == 0 ? m->refs : &m->mini.part[job->sample][part]);
}

static uint32_t
mrc_size(const struct mrc *m, unsigned part, uint32_t nbufs)
{
	return (m->samples == 0 ? nbufs
				: eph__miniature_size(&m->mini, part, nbufs));
}

/*
 * Policies with a way of their own, and from how many sizes on it is less
 * work than a replay at each.  It sets hits[c] for each size that is wanted
 * of this part; the others are 0.
 */
struct mrc_stack {
	const struct eph_policy_ops *policy;
	int (*curve)(const struct mrc *m, const struct eph_refs *r,
	    unsigned part, unsigned threads, uint64_t *hits,
	    struct eph_err *err);
	uint32_t sizes;
};

static int
mrc_lru(const struct mrc *m, const struct eph_refs *r, unsigned part,
    unsigned threads, uint64_t *hits, struct eph_err *err)
{
	(void)m;
	(void)part;
	return (eph_mrc_lru_on(r, threads, hits, err));
}

/* Sizes from which on all of OPT's are less work than those; with the pages. */
#define OPT_SIZES      32u
#define OPT_PAGES_MORE (1u << 15) /* twice as many sizes from here on */

static int
mrc_compare_sizes(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return ((x > y) - (x < y));
}

/* In order, and each once; returns how many there are. */
static size_t
mrc_sort_sizes(uint32_t *sizes, size_t n)
{
	size_t to = 0;

	qsort(sizes, n, sizeof(*sizes), mrc_compare_sizes);
	for (size_t i = 0; i < n; i++) {
		if (to == 0 || sizes[i] != sizes[to - 1])
			sizes[to++] = sizes[i];
	}
	return (to);
}

static int
mrc_opt_some(const struct mrc *m, const struct eph_refs *r, unsigned part,
    uint64_t *hits, struct eph_err *err)
{
	const size_t n = m->cfg->nsizes;
	uint32_t *sizes = calloc(n + 1, sizeof(*sizes));
	uint64_t *found = calloc(n + 1, sizeof(*found));
	size_t some = 0;
	int error = ENOMEM;

	for (size_t i = 0; sizes != NULL && i < n; i++) {
		const uint32_t c = mrc_size(m, part, m->cfg->sizes[i]);

		sizes[some] = c < r->npages ? c : r->npages;
		some += sizes[some] > 0;
	}
	if (sizes != NULL && found != NULL) {
		some = mrc_sort_sizes(sizes, some);
		error = eph__opt_sizes(r, sizes, some, found, err);
	}
	for (size_t i = 0; i < some && error == 0; i++)
		hits[sizes[i]] = found[i];
	free(sizes);
	free(found);
	return (error);
}

/* OPT's list changes at every reference as a whole: one thread. */
static int
mrc_opt(const struct mrc *m, const struct eph_refs *r, unsigned part,
    unsigned threads, uint64_t *hits, struct eph_err *err)
{
	uint64_t all = OPT_SIZES;

	(void)threads;
	for (uint64_t p = OPT_PAGES_MORE; p < r->npages; p *= 2)
		all *= 2;
	if (m->cfg->nsizes >= all)
		return (eph_mrc_opt(r, hits, err));
	return (mrc_opt_some(m, r, part, hits, err));
}

static const struct mrc_stack mrc_stacks[] = {
	{ &eph_policy_lru, mrc_lru, 4 },
	{ &eph_policy_opt, mrc_opt, 1 },
};

static const struct mrc_stack *
mrc_stack_of(const struct mrc *m, uint32_t policy)
{
	for (size_t i = 0; i < sizeof(mrc_stacks) / sizeof(*mrc_stacks); i++) {
		const struct mrc_stack *s = &mrc_stacks[i];

		if (s->policy == m->plays[policy].policy)
			return (m->cfg->nsizes >= s->sizes ? s : NULL);
	}
	return (NULL);
}

/* Note what part `part` of the job's sample did with size `size`. */
static void
mrc_note(struct mrc *m, const struct mrc_job *job, uint32_t size, unsigned part,
    const struct eph_policy_counts *counts)
{
	const struct eph_refs *r = mrc_part(m, job, part);
	const size_t at = job->policy * m->cfg->nsizes + size;
	const double n = (double)(r->n - m->cfg->warmup);
	const double missed = n - (double)counts->hits;
	struct miniature_found *f =
	    &m->found[at * (m->samples > 0 ? m->samples : 1) + job->sample];

	if (m->samples == 0) {
		f->missed = missed / n;
		f->promotions = (double)counts->promotions / n;
	} else if (part == MINIATURE_ALL) {
		f->missed = eph__miniature_share(&m->mini, missed);
		f->promotions =
		    eph__miniature_share(&m->mini, (double)counts->promotions);
	} else {
		f->halved += eph__miniature_share(&m->mini, missed);
	}
}

/*
 * Take from a curve what its first references did: those alone, the future
 * known, are what a cache of any size did first.
 */
static int
mrc_take_warmup(const struct mrc *m, const struct mrc_stack *stack,
    const struct eph_refs *r, unsigned part, uint64_t *hits,
    struct eph_err *err)
{
	struct eph_refs first = *r;
	uint64_t *before;
	int error;

	if (m->cfg->warmup == 0)
		return (0);
	if ((before = calloc((size_t)r->npages + 1, sizeof(*before))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for a curve"));
	first.n = (size_t)m->cfg->warmup;
	error = stack->curve(m, &first, part, 1, before, err);
	for (uint32_t c = 0; c <= r->npages && error == 0; c++)
		hits[c] -= before[c];
	free(before);
	return (error);
}

/* A stack moves a page to its top at each hit. */
static int
mrc_play_stack(struct mrc *m, const struct mrc_job *job, unsigned part,
    const struct mrc_stack *stack, struct eph_err *err)
{
	const struct eph_refs *r = mrc_part(m, job, part);
	uint64_t *hits = calloc((size_t)r->npages + 1, sizeof(*hits));
	int error;

	if (hits == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for a curve"));
	/* A job alone has all CPUs. */
	error = stack->curve(
	    m, r, part, m->njobs > 1 ? 1 : m->cfg->threads, hits, err);
	if (error == 0)
		error = mrc_take_warmup(m, stack, r, part, hits, err);
	for (uint32_t i = 0; i < m->cfg->nsizes && error == 0; i++) {
		const uint32_t c = mrc_size(m, part, m->cfg->sizes[i]);
		const uint64_t h = hits[c < r->npages ? c : r->npages];
		const struct eph_policy_counts counts = { h, h };

		mrc_note(m, job, i, part, &counts);
	}
	free(hits);
	return (error);
}

static int
mrc_play_policy(struct mrc *m, const struct mrc_job *job, unsigned part,
    struct eph_err *err)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const struct eph_refs *r = mrc_part(m, job, part);
	const size_t ends[] = { (size_t)cfg->warmup, r->n };
	struct eph_policy_counts counts[2];
	const int error = eph_mrc_replay_parts(r, m->plays[job->policy].policy,
	    m->plays[job->policy].params,
	    mrc_size(m, part, cfg->sizes[job->size]), cfg->seed, ends, 2,
	    counts, err);

	if (error == 0)
		mrc_note(m, job, job->size, part, &counts[1]);
	return (error);
}

/* Sizes from the job's on, as many as go together. */
static uint32_t
mrc_together_sizes(const struct mrc *m, const struct mrc_job *job)
{
	const uint32_t left = (uint32_t)m->cfg->nsizes - job->size;

	return (left < TOGETHER_MAX ? left : TOGETHER_MAX);
}

static int
mrc_play_together(struct mrc *m, const struct mrc_job *job, struct eph_err *err)
{
	const struct mrc_together *t = mrc_together_of(m, job->policy);
	const uint32_t n = mrc_together_sizes(m, job);
	struct eph_policy_counts counts[TOGETHER_MAX];
	double values[EPH_POLICY_PARAMS];
	int error;

	error = eph_policy_params(
	    t->policy, m->plays[job->policy].params, values, err);
	if (error == 0)
		error = t->play(m->refs, &m->cfg->sizes[job->size], n,
		    (size_t)m->cfg->warmup, counts, err);
	for (uint32_t i = 0; i < n && error == 0; i++)
		mrc_note(m, job, job->size + i, 0, &counts[i]);
	return (error);
}

static int
mrc_job(void *arg, size_t i, struct eph_err *err)
{
	struct mrc *m = arg;
	const struct mrc_job *job = &m->jobs[i];
	const unsigned parts = m->samples > 0 ? MINIATURE_PARTS : 1;
	int error = 0;

	if (mrc_together_of(m, job->policy) != NULL)
		return (mrc_play_together(m, job, err));
	for (unsigned part = 0; part < parts && error == 0; part++) {
		if (job->size == EPH_NONE)
			error = mrc_play_stack(
			    m, job, part, mrc_stack_of(m, job->policy), err);
		else
			error = mrc_play_policy(m, job, part, err);
	}
	return (error);
}

static void
mrc_plan(struct mrc *m)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const uint32_t samples = m->samples > 0 ? m->samples : 1;

	for (uint32_t p = 0; p < cfg->npolicies; p++) {
		const bool all = mrc_stack_of(m, p) != NULL;
		const uint32_t step =
		    mrc_together_of(m, p) != NULL ? TOGETHER_MAX : 1;

		if (m->plays[p].as != p)
			continue;

		for (uint32_t s = 0; s < (all ? 1 : cfg->nsizes); s += step) {
			if (!all && !mrc_resolves(m, p, cfg->sizes[s]))
				continue;
			for (uint32_t k = 0; k < samples; k++)
				m->jobs[m->njobs++] = (struct mrc_job){ p,
					all ? EPH_NONE : s, k };
		}
	}
}

static void
mrc_conclude(struct mrc *m, uint32_t policy, size_t size)
{
	const size_t at = m->plays[policy].as * m->cfg->nsizes + size;
	struct eph_mrc_point *p = &m->points[policy * m->cfg->nsizes + size];

	if (!mrc_resolves(m, policy, p->nbufs)) {
		p->miss_ratio = p->error = p->promotions = NAN;
	} else if (m->samples > 0) {
		eph__miniature_conclude(
		    &m->mini, &m->found[at * m->samples], p);
	} else {
		p->miss_ratio = m->found[at].missed;
		p->promotions = 1000 * m->found[at].promotions;
	}
}

static int
mrc_prepare(struct mrc *m, struct eph_refs *r, struct eph_err *err)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const size_t points = cfg->npolicies * cfg->nsizes;
	const size_t runs = points * (m->samples > 0 ? m->samples : 1);
	bool future = false;
	int error;

	m->plays = calloc(cfg->npolicies + 1, sizeof(*m->plays));
	if (m->plays == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for the runs"));
	for (uint32_t p = 0; p < cfg->npolicies; p++) {
		if ((error = mrc_choose(m, p, err)) != 0)
			return (error);
		future |= cfg->policies[p]->offline;
	}
	if (future && m->samples == 0 && (error = eph_refs_future(r, err)) != 0)
		return (error);
	m->jobs = calloc(runs + 1, sizeof(*m->jobs));
	m->found = calloc(runs + 1, sizeof(*m->found));
	if (m->jobs == NULL || m->found == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for the runs"));
	for (size_t i = 0; i < points; i++) {
		m->points[i] =
		    (struct eph_mrc_point){ .nbufs =
						cfg->sizes[i % cfg->nsizes] };
	}
	if (m->samples == 0)
		return (0);
	return (eph__miniature_init(
	    &m->mini, r, cfg->rate, m->samples, cfg->seed, future, err));
}

static void
mrc_fini(struct mrc *m)
{
	eph__miniature_fini(&m->mini);
	free(m->jobs);
	free(m->found);
	free(m->plays);
}

int
eph_mrc_run(struct eph_refs *r, const struct eph_mrc_config *cfg,
    struct eph_mrc_point *points, struct eph_err *err)
{
	struct mrc m = { .cfg = cfg, .refs = r, .points = points };
	struct parallel work = { .job = mrc_job,
		.arg = &m,
		.threads = cfg->threads,
		.progress = cfg->progress,
		.progress_arg = cfg->progress_arg };
	int error;

	if (cfg->warmup != 0 &&
	    ((cfg->rate > 0 && cfg->rate < 1) || cfg->warmup >= r->n))
		return (eph_err_set(err, EINVAL,
		    "a warm-up is of the whole stream, and shorter"));
	if (cfg->rate > 0 && cfg->rate < 1)
		m.samples = cfg->samples > 1 ? cfg->samples : SAMPLES;
	if ((error = mrc_prepare(&m, r, err)) == 0) {
		mrc_plan(&m);
		work.jobs = m.njobs;
		error = eph__parallel_run(&work, err);
	}
	for (uint32_t p = 0; p < cfg->npolicies && error == 0; p++) {
		for (size_t s = 0; s < cfg->nsizes; s++)
			mrc_conclude(&m, p, s);
	}
	mrc_fini(&m);
	return (error);
}

/* One run, of the whole stream, by a policy that needs no future? */
static bool
mrc_is_one_run(
    const struct eph_op_source *src, const struct eph_mrc_config *cfg)
{
	return (cfg->npolicies == 1 && cfg->nsizes == 1 && cfg->warmup == 0 &&
	    !(cfg->rate > 0 && cfg->rate < 1) && !cfg->policies[0]->offline &&
	    src->npages_hint > 0);
}

int
eph_mrc_run_source(struct eph_op_source *src, struct eph_refs *r,
    const struct eph_mrc_config *cfg, struct eph_mrc_point *points,
    struct eph_err *err)
{
	struct eph_policy_counts counts = { 0, 0 };
	uint64_t n;
	int error;

	if (!mrc_is_one_run(src, cfg)) {
		if ((error = eph_refs_read(r, src, err)) != 0)
			return (error);
		return (eph_mrc_run(r, cfg, points, err));
	}
	error = eph_mrc_replay_source(src, cfg->policies[0],
	    cfg->params == NULL ? NULL : cfg->params[0], cfg->sizes[0],
	    cfg->seed, &n, &counts, err);
	if (error != 0)
		return (error);
	r->n = (size_t)n;
	r->npages = src->npages_hint;
	points[0] = (struct eph_mrc_point){ .nbufs = cfg->sizes[0],
		.miss_ratio =
		    n == 0 ? NAN : (double)(n - counts.hits) / (double)n,
		.promotions = n == 0
		    ? NAN
		    : 1000 * (double)counts.promotions / (double)n };
	return (0);
}
