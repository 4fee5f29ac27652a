/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Curves of many policies at many sizes.
 *
 * The work is cut into runs that share nothing but the stream: one for
 * each policy, size and sample, except that LRU has all sizes in one (by
 * stack distance, or by SHARDS).  Runs are started in order on all CPUs.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/parallel.h"
#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

#define SAMPLES 4u

struct mrc_job {
	uint32_t policy;
	uint32_t size; /* EPH_NONE: all of them */
	uint32_t sample;
};

struct mrc {
	const struct eph_mrc_config *cfg;
	const struct eph_refs *refs;
	struct eph_refs *sample;
	unsigned samples; /* 0: exact */
	struct mrc_job *jobs;
	size_t njobs;
	double *found; /* miss ratio by point and sample */
	double *moved; /* promotions per 1,000 references, the same way */
	struct eph_mrc_point *points;
};

static struct eph_mrc_point *
mrc_points(const struct mrc *m, const struct mrc_job *job)
{
	return (&m->points[job->policy * m->cfg->nsizes]);
}

static int
mrc_job_lru(struct mrc *m, const struct mrc_job *job, struct eph_err *err)
{
	const struct eph_refs *r = m->refs;
	struct eph_mrc_point *points = mrc_points(m, job);
	uint64_t *hits;
	int error;

	hits = malloc(((size_t)r->npages + 1) * sizeof(*hits));
	if (hits == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for the LRU curve"));
	if ((error = eph_mrc_lru(r, hits, err)) == 0) {
		for (size_t i = 0; i < m->cfg->nsizes; i++) {
			const uint32_t c = points[i].nbufs < r->npages
			    ? points[i].nbufs
			    : r->npages;

			points[i].miss_ratio =
			    r->n == 0 ? 0 : 1 - (double)hits[c] / (double)r->n;
		}
	}
	free(hits);
	return (error);
}

static int
mrc_by_size(const void *a, const void *b)
{
	const struct eph_mrc_point *x = a, *y = b;

	return ((x->nbufs > y->nbufs) - (x->nbufs < y->nbufs));
}

/* SHARDS wants ascending sizes; the points have the user's order. */
static int
mrc_job_shards(struct mrc *m, const struct mrc_job *job, struct eph_err *err)
{
	const size_t n = m->cfg->nsizes;
	struct eph_mrc_point *points = mrc_points(m, job);
	struct eph_mrc_point *sorted = malloc(n * sizeof(*sorted));
	int error;

	if (sorted == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for SHARDS"));
	memcpy(sorted, points, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), mrc_by_size);
	error =
	    eph_mrc_shards(m->refs, m->cfg->rate, m->cfg->seed, sorted, n, err);
	for (size_t i = 0; i < n && error == 0; i++)
		points[i] = *(struct eph_mrc_point *)bsearch(
		    &points[i], sorted, n, sizeof(*sorted), mrc_by_size);
	free(sorted);
	return (error);
}

static int
mrc_job_policy(struct mrc *m, const struct mrc_job *job, struct eph_err *err)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const char *params =
	    cfg->params == NULL ? NULL : cfg->params[job->policy];
	const struct eph_refs *r = m->refs;
	uint32_t nslots = cfg->sizes[job->size];
	double refs = (double)r->n, missed;
	struct eph_policy_counts counts;
	size_t at;
	int error;

	if (m->samples > 0) {
		/* As SHARDS-adj: against the references expected. */
		r = &m->sample[job->sample];
		refs *= cfg->rate;
		nslots = (uint32_t)(nslots * cfg->rate + 0.5);
		nslots += nslots == 0;
	}
	error = eph_mrc_replay(r, cfg->policies[job->policy], params, nslots,
	    cfg->seed, &counts, err);
	if (error != 0)
		return (error);
	missed = refs > 0 ? fmin((double)(r->n - counts.hits) / refs, 1) : 0;
	at = (job->policy * cfg->nsizes + job->size) *
		(m->samples > 0 ? m->samples : 1) +
	    job->sample;
	m->found[at] = missed;
	m->moved[at] = refs > 0 ? 1000 * (double)counts.promotions / refs : 0;
	return (0);
}

static int
mrc_job(void *arg, size_t i, struct eph_err *err)
{
	struct mrc *m = arg;
	const struct mrc_job *job = &m->jobs[i];

	if (job->size != EPH_NONE)
		return (mrc_job_policy(m, job, err));
	return (m->samples > 0 ? mrc_job_shards(m, job, err)
			       : mrc_job_lru(m, job, err));
}

/* Whether the policy, without holding, is LRU by its name. */
static bool
mrc_is_lru(const struct eph_mrc_config *cfg, uint32_t policy)
{
	return (cfg->policies[policy] == &eph_policy_lru);
}

static void
mrc_plan(struct mrc *m)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const uint32_t samples = m->samples > 0 ? m->samples : 1;

	for (uint32_t p = 0; p < cfg->npolicies; p++) {
		if (mrc_is_lru(cfg, p)) {
			m->jobs[m->njobs++] =
			    (struct mrc_job){ p, EPH_NONE, 0 };
			continue;
		}
		for (uint32_t s = 0; s < cfg->nsizes; s++) {
			for (uint32_t k = 0; k < samples; k++)
				m->jobs[m->njobs++] =
				    (struct mrc_job){ p, s, k };
		}
	}
}

/*
 * Is anything known at that size?  Not where a sample has no page, and not
 * where less than one buffer stands for all of them.
 */
static bool
mrc_known(const struct mrc *m, uint32_t policy, size_t size)
{
	const unsigned samples =
	    mrc_is_lru(m->cfg, policy) && m->samples > 0 ? 1 : m->samples;

	for (unsigned i = 0; i < samples; i++) {
		if (m->sample[i].n == 0)
			return (false);
	}
	return (m->samples == 0 || m->cfg->sizes[size] * m->cfg->rate >= 1);
}

/* Mean of the samples, and two standard errors of it. */
static void
mrc_conclude(struct mrc *m, uint32_t policy, size_t size)
{
	const size_t at = policy * m->cfg->nsizes + size;
	const unsigned k = m->samples > 0 ? m->samples : 1;
	double sum = 0, square = 0, moved = 0;

	for (unsigned i = 0; i < k; i++) {
		sum += m->found[at * k + i];
		moved += m->moved[at * k + i];
	}
	m->points[at].miss_ratio = sum / k;
	m->points[at].promotions = moved / k;
	for (unsigned i = 0; i < k; i++)
		square += pow(m->found[at * k + i] - sum / k, 2);
	if (k > 1)
		m->points[at].error = 2 * sqrt(square / (k - 1) / k);
}

/* LRU's curve has no runs: what hits moves to the head of the list. */
static void
mrc_conclude_lru(struct mrc *m, uint32_t policy, size_t size)
{
	struct eph_mrc_point *p = &m->points[policy * m->cfg->nsizes + size];

	p->promotions = m->refs->n == 0 ? 0 : 1000 * (1 - p->miss_ratio);
}

static void
mrc_forget(struct eph_mrc_point *p)
{
	p->miss_ratio = p->error = p->promotions = NAN;
}

static int
mrc_make_samples(struct mrc *m, bool future, struct eph_err *err)
{
	int error = 0;

	if (m->samples == 0)
		return (0);
	m->sample = calloc(m->samples, sizeof(*m->sample));
	if (m->sample == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for samples"));
	for (unsigned i = 0; i < m->samples && error == 0; i++) {
		error = eph_refs_sample(m->refs, m->cfg->rate, m->cfg->seed + i,
		    &m->sample[i], err);
		if (error == 0 && future)
			error = eph_refs_future(&m->sample[i], err);
	}
	return (error);
}

static int
mrc_prepare(struct mrc *m, struct eph_refs *r, struct eph_err *err)
{
	const struct eph_mrc_config *cfg = m->cfg;
	const size_t points = cfg->npolicies * cfg->nsizes;
	const size_t runs = points * (m->samples > 0 ? m->samples : 1);
	bool future = false;
	int error;

	for (uint32_t p = 0; p < cfg->npolicies; p++)
		future |= cfg->policies[p]->offline;
	if (future && m->samples == 0 && (error = eph_refs_future(r, err)) != 0)
		return (error);
	m->jobs = calloc(runs + 1, sizeof(*m->jobs));
	m->found = calloc(runs + 1, sizeof(*m->found));
	m->moved = calloc(runs + 1, sizeof(*m->moved));
	if (m->jobs == NULL || m->found == NULL || m->moved == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for the runs"));
	for (size_t i = 0; i < points; i++) {
		m->points[i] =
		    (struct eph_mrc_point){ .nbufs =
						cfg->sizes[i % cfg->nsizes] };
	}
	return (mrc_make_samples(m, future, err));
}

static void
mrc_fini(struct mrc *m)
{
	for (unsigned i = 0; m->sample != NULL && i < m->samples; i++)
		eph_refs_free(&m->sample[i]);
	free(m->sample);
	free(m->jobs);
	free(m->found);
	free(m->moved);
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

	if (cfg->rate > 0 && cfg->rate < 1)
		m.samples = cfg->samples > 0 ? cfg->samples : SAMPLES;
	if ((error = mrc_prepare(&m, r, err)) == 0) {
		mrc_plan(&m);
		work.jobs = m.njobs;
		error = eph__parallel_run(&work, err);
	}
	for (uint32_t p = 0; p < cfg->npolicies && error == 0; p++) {
		for (size_t s = 0; s < cfg->nsizes; s++) {
			if (mrc_is_lru(cfg, p))
				mrc_conclude_lru(&m, p, s);
			else
				mrc_conclude(&m, p, s);
			if (!mrc_known(&m, p, s))
				mrc_forget(&points[p * cfg->nsizes + s]);
		}
	}
	mrc_fini(&m);
	return (error);
}
