/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BENCH_REFS_H
#define BENCH_REFS_H

/*
 * What the benchmarks of policies and curves share: a Zipf stream, dense by
 * first sight as a trace is, and rates as minimum, median and maximum.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/prng.h"
#include "ephmap/mrc.h"

static inline double
bench_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec);
}

static inline void
bench_fail(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(2);
}

/* `n` references to at most `pages` pages, Zipf with exponent `alpha`. */
static inline void
bench_zipf(struct eph_refs *r, uint32_t pages, size_t n, double alpha)
{
	double *cdf = malloc(pages * sizeof(*cdf)), sum = 0;
	uint32_t *dense = malloc(pages * sizeof(*dense));
	uint32_t seen = 0;
	struct prng rng;

	eph_refs_init(r);
	eph__prng_init(&rng, 1, 0);
	if (cdf == NULL || dense == NULL)
		bench_fail("out of memory");
	for (uint32_t i = 0; i < pages; i++) {
		cdf[i] = sum += pow(i + 1, -alpha);
		dense[i] = EPH_NONE;
	}
	for (size_t i = 0; i < n; i++) {
		const double u = prng_unit(&rng) * sum;
		uint32_t lo = 0, hi = pages - 1;

		while (lo < hi) {
			const uint32_t mid = lo + (hi - lo) / 2;

			if (cdf[mid] < u)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (dense[lo] == EPH_NONE)
			dense[lo] = seen++;
		if (eph_refs_append(r, &dense[lo], 1, NULL) != 0)
			bench_fail("out of memory");
	}
	free(cdf);
	free(dense);
}

#define BENCH_RUNS_MAX 32

static inline int
bench_compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

struct bench_rate {
	double min, median, max; /* million a second */
};

/* Time fn(arg) `runs` times, `work` items each. */
static inline struct bench_rate
bench_measure(void (*fn)(void *arg), void *arg, double work, unsigned runs)
{
	double rate[BENCH_RUNS_MAX];
	struct bench_rate r;

	if (runs > BENCH_RUNS_MAX)
		runs = BENCH_RUNS_MAX;
	for (unsigned i = 0; i < runs; i++) {
		const double start = bench_now();

		fn(arg);
		rate[i] = work / (bench_now() - start) / 1e6;
	}
	qsort(rate, runs, sizeof(*rate), bench_compare);
	r.min = rate[0];
	r.median = rate[runs / 2];
	r.max = rate[runs - 1];
	return (r);
}

/* Benchmarks on a stream of references: --refs N, --runs N, --scaling. */
struct bench_stream_options {
	size_t refs;
	unsigned runs;
	bool smoke;
	bool scaling;
	bool all; /* --all, where there is one; also with --smoke */
};

/* Ends the program at an option that there is not. */
static inline struct bench_stream_options
bench_stream_options(int argc, char **argv, const char *program, bool has_all)
{
	struct bench_stream_options o = { .refs = 10000000, .runs = 5 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--smoke") == 0)
			o.smoke = o.all = true;
		else if (has_all && strcmp(argv[i], "--all") == 0)
			o.all = true;
		else if (strcmp(argv[i], "--scaling") == 0)
			o.scaling = true;
		else if (strcmp(argv[i], "--refs") == 0 && i + 1 < argc)
			o.refs = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			o.runs = (unsigned)strtoul(argv[++i], NULL, 10);
		else
			o.runs = 0;
	}
	if (o.refs == 0 || o.runs == 0) {
		(void)fprintf(stderr,
		    "usage: %s [--smoke] [--refs N] [--runs N]%s [--scaling], "
		    "N from 1\n",
		    program, has_all ? " [--all]" : "");
		exit(2);
	}
	return (o);
}

#endif /* !BENCH_REFS_H */
