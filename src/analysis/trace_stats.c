/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a stream of references is like: one pass with tables by page, the
 * LRU curve for reuse distances, and the sorted counts for popularity.
 */

#include "ephmap/trace_stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/latency.h"
#include "ephmap/run.h"

#define CPU_TABLE_BITS ((uint64_t)1 << 33)
#define ALPHA_MAX      10.0
#define BISECTIONS     40

struct stats {
	const struct eph_mrc_ops *ops;
	struct eph_trace_stats *s;
	uint64_t every;
	struct eph_refs refs;
	uint32_t *count;   /* references by page */
	uint64_t *last;	   /* by page: number of the last reference, 0 */
	uint64_t *last_ns; /* by page */
	uint64_t *seen;	   /* bits by page and CPU; NULL: too many */
	uint64_t now;	   /* references so far */
	uint64_t ns;
	struct eph__latency *time, *times;
	uint64_t run[EPH_CPUS_MAX];    /* by CPU: references in a row */
	uint64_t before[EPH_CPUS_MAX]; /* by CPU: the page referenced last */
};

/* Scans */

static void
scan_end(struct stats *x, unsigned cpu)
{
	const uint64_t n = x->run[cpu];

	if (n >= EPH_STATS_SCAN) {
		x->s->scans++;
		x->s->scan_references += n;
		if (n > x->s->scan_longest)
			x->s->scan_longest = n;
	}
}

static void
scan_take(struct stats *x, const struct eph_op *op)
{
	const struct eph_op_source *names = x->ops->names;
	const uint64_t page = names->page_name(names->arg, op->page);
	const unsigned cpu = op->cpu;

	if (x->run[cpu] == 0 || page != x->before[cpu] + 1) {
		scan_end(x, cpu);
		x->run[cpu] = 0;
	}
	x->run[cpu]++;
	x->before[cpu] = page;
}

/* One reference */

static void
window_take(struct stats *x, uint32_t page)
{
	struct eph_trace_stats *s = x->s;
	struct eph_stats_window *w;
	const uint64_t last = x->last[page];

	if (x->now % x->every == 0)
		s->window[s->nwindows++] =
		    (struct eph_stats_window){ .first = x->now + 1,
			    .ns = x->ns };
	w = &s->window[s->nwindows - 1];
	w->references++;
	w->pages += last < w->first;
	w->fresh += last == 0;
}

static int
stats_take(struct stats *x, const struct eph_op *op, struct eph_err *err)
{
	const uint32_t page = op->page;
	const uint64_t bit = (uint64_t)page * x->s->ncpus + op->cpu;

	window_take(x, page);
	scan_take(x, op);
	x->now++;
	if (x->last[page] != 0) {
		eph__latency_add(x->time, x->now - x->last[page]);
		eph__latency_add(x->times, x->ns - x->last_ns[page]);
	}
	x->last[page] = x->now;
	x->last_ns[page] = x->ns;
	if (x->count[page] < UINT32_MAX)
		x->count[page]++;
	if (x->seen != NULL) {
		x->seen[bit / 64] |= (uint64_t)1 << bit % 64;
		x->s->cpu[op->cpu].references++;
	}
	return (eph_refs_append(&x->refs, &page, 1, err));
}

static int
stats_pass(struct stats *x, struct eph_err *err)
{
	int error = 0;

	for (size_t i = 0; i < x->ops->n && error == 0; i++) {
		const struct eph_op *op = &x->ops->ops[i];

		if (op->kind == EPH_OP_DELAY)
			x->ns += eph_op_delay_ns(op);
		else if (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF)
			error = stats_take(x, op, err);
	}
	for (unsigned c = 0; c < EPH_CPUS_MAX; c++)
		scan_end(x, c);
	return (error);
}

/* Popularity */

static int
more_first(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return ((x < y) - (x > y));
}

/* Mean of log(rank) of a Zipf distribution; it falls as alpha grows. */
static double
zipf_mean(const double *log_rank, uint64_t pages, double alpha)
{
	double sum = 0, weights = 0;

	for (uint64_t k = 0; k < pages; k++) {
		const double w = exp(-alpha * log_rank[k]);

		sum += w * log_rank[k];
		weights += w;
	}
	return (sum / weights);
}

static double
zipf_distance(const struct stats *x, const double *log_rank, double alpha)
{
	const uint64_t pages = x->s->pages;
	double total = 0, fitted = 0, found = 0, most = 0;

	for (uint64_t k = 0; k < pages; k++)
		total += exp(-alpha * log_rank[k]);
	for (uint64_t k = 0; k < pages; k++) {
		fitted += exp(-alpha * log_rank[k]) / total;
		found += (double)x->count[k] / (double)x->s->references;
		most = fmax(most, fabs(fitted - found));
	}
	return (most);
}

/* The likeliest alpha has the mean of log(rank) that was found. */
static int
zipf_fit(struct stats *x)
{
	const uint64_t pages = x->s->pages;
	double *log_rank, mean = 0, low = 0, high = ALPHA_MAX;

	x->s->zipf_alpha = x->s->zipf_off = NAN;
	if (pages < 2)
		return (0);
	if ((log_rank = malloc(pages * sizeof(*log_rank))) == NULL)
		return (ENOMEM);
	for (uint64_t k = 0; k < pages; k++) {
		log_rank[k] = log((double)k + 1);
		mean += log_rank[k] * (double)x->count[k];
	}
	mean /= (double)x->s->references;
	for (int i = 0; i < BISECTIONS; i++) {
		const double alpha = (low + high) / 2;

		if (zipf_mean(log_rank, pages, alpha) > mean)
			low = alpha;
		else
			high = alpha;
	}
	x->s->zipf_alpha = (low + high) / 2;
	x->s->zipf_off = zipf_distance(x, log_rank, x->s->zipf_alpha);
	free(log_rank);
	return (0);
}

/* `count' is sorted. */
static double
top_share(const struct stats *x, uint64_t of)
{
	const uint64_t n = x->s->pages < of ? 1 : x->s->pages / of;
	double sum = 0;

	for (uint64_t k = 0; k < n && k < x->s->pages; k++)
		sum += x->count[k];
	return (x->s->references == 0 ? NAN : sum / (double)x->s->references);
}

static int
stats_popularity(struct stats *x, struct eph_err *err)
{
	struct eph_trace_stats *s = x->s;

	qsort(x->count, s->pages, sizeof(*x->count), more_first);
	for (uint64_t k = 0; k < s->pages; k++)
		s->once += x->count[k] == 1;
	s->top1 = top_share(x, 100);
	s->top10 = top_share(x, 10);
	if (zipf_fit(x) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory for ranks"));
	return (0);
}

/* CPUs */

static void
stats_cpus(struct stats *x)
{
	struct eph_trace_stats *s = x->s;

	for (uint64_t p = 0; x->seen != NULL && p < s->pages; p++) {
		unsigned users = 0;

		for (unsigned pass = 0; pass < 2; pass++) {
			for (unsigned c = 0; c < s->ncpus; c++) {
				const uint64_t bit = p * s->ncpus + c;

				if ((x->seen[bit / 64] >> bit % 64 & 1) == 0)
					continue;
				if (pass == 0)
					users++;
				else
					s->cpu[c].pages++;
				s->cpu[c].shared += pass == 1 && users > 1;
			}
		}
		s->shared += users > 1;
	}
}

/* Distances: LRU hits by number of buffers are their distribution. */

static uint64_t
distance_at(const uint64_t *hits, uint64_t pages, double share)
{
	const double want = share * (double)hits[pages];
	uint64_t low = 0, high = pages;

	while (low < high) {
		const uint64_t middle = (low + high) / 2;

		if ((double)hits[middle] >= want)
			high = middle;
		else
			low = middle + 1;
	}
	return (low);
}

static int
stats_distance(struct stats *x, struct eph_err *err)
{
	const uint64_t pages = x->s->pages;
	uint64_t *hits = malloc((pages + 1) * sizeof(*hits));
	int error;

	if (hits == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for a curve"));
	error = eph_mrc_lru_on(&x->refs, 0, hits, err);
	if (error == 0 && hits[pages] > 0)
		x->s->distance = (struct eph_latency){ .n = hits[pages],
			.p50 = distance_at(hits, pages, 0.5),
			.p90 = distance_at(hits, pages, 0.9),
			.p99 = distance_at(hits, pages, 0.99),
			.p999 = distance_at(hits, pages, 0.999),
			.max = distance_at(hits, pages, 1) };
	free(hits);
	return (error);
}

static void
stats_measure(struct stats *x)
{
	struct eph_trace_stats *s = x->s;

	s->ncpus = 1;
	for (size_t i = 0; i < x->ops->n; i++) {
		const struct eph_op *op = &x->ops->ops[i];

		if (op->kind != EPH_OP_MAP && op->kind != EPH_OP_REF)
			continue;
		s->references++;
		if (op->page >= s->pages)
			s->pages = (uint64_t)op->page + 1;
		if (op->cpu >= s->ncpus)
			s->ncpus = op->cpu + 1u;
	}
}

static int
stats_alloc(struct stats *x)
{
	struct eph_trace_stats *s = x->s;
	const uint64_t bits = s->pages * s->ncpus;

	x->count = calloc(s->pages + 1, sizeof(*x->count));
	x->last = calloc(s->pages + 1, sizeof(*x->last));
	x->last_ns = calloc(s->pages + 1, sizeof(*x->last_ns));
	x->time = calloc(2, sizeof(*x->time));
	s->window = calloc(s->references / x->every + 1, sizeof(*s->window));
	if (x->count == NULL || x->last == NULL || x->last_ns == NULL ||
	    x->time == NULL || s->window == NULL)
		return (ENOMEM);
	x->times = x->time + 1;
	if (bits > CPU_TABLE_BITS)
		return (0);
	x->seen = calloc(bits / 64 + 1, sizeof(*x->seen));
	s->cpu = calloc(s->ncpus, sizeof(*s->cpu));
	return (x->seen != NULL && s->cpu != NULL ? 0 : ENOMEM);
}

int
eph_trace_stats(const struct eph_mrc_ops *ops, uint64_t every,
    struct eph_trace_stats *s, struct eph_err *err)
{
	struct stats *x = calloc(1, sizeof(*x));
	int error = 0;

	memset(s, 0, sizeof(*s));
	if (x == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	x->ops = ops;
	x->s = s;
	x->every = every;
	eph_refs_init(&x->refs);
	stats_measure(x);
	if (stats_alloc(x) != 0)
		error = eph_err_set(err, ENOMEM, "out of memory for the pages");
	if (error == 0)
		error = stats_pass(x, err);
	if (error == 0)
		error = stats_distance(x, err);
	if (error == 0)
		error = stats_popularity(x, err);
	if (error == 0) {
		stats_cpus(x);
		eph__latency_get(x->time, &s->time);
		if (x->ns > 0)
			eph__latency_get(x->times, &s->ns);
	} else {
		eph_trace_stats_free(s);
	}
	eph_refs_free(&x->refs);
	free(x->count);
	free(x->last);
	free(x->last_ns);
	free(x->seen);
	free(x->time);
	free(x);
	return (error);
}

void
eph_trace_stats_free(struct eph_trace_stats *s)
{
	free(s->cpu);
	free(s->window);
	s->cpu = NULL;
	s->window = NULL;
}
