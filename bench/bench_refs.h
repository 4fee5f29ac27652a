/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BENCH_REFS_H
#define BENCH_REFS_H

/*
 * What the benchmarks of policies and curves share: a Zipf stream, dense by
 * first sight as a trace is, and rates as minimum, median and maximum.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_support.h"
#include "ephmap/generate.h"
#include "ephmap/mrc.h"
#include "ephmap/trace.h"

static inline void
bench_fail(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(2);
}

/* `n` references to at most `pages` pages, Zipf with exponent `alpha`. */
static inline void
bench_refs_zipf(struct eph_refs *r, uint32_t pages, size_t n, double alpha)
{
	uint32_t *ids = bench_zipf(pages, n, alpha, 1), seen = 0;
	uint32_t *dense = malloc(pages * sizeof(*dense));

	eph_refs_init(r);
	if (dense == NULL)
		bench_fail("out of memory");
	for (uint32_t i = 0; i < pages; i++)
		dense[i] = EPH_NONE;
	for (size_t i = 0; i < n; i++) {
		if (dense[ids[i]] == EPH_NONE)
			dense[ids[i]] = seen++;
		ids[i] = dense[ids[i]];
	}
	if (eph_refs_append(r, ids, n, NULL) != 0)
		bench_fail("out of memory");
	free(dense);
	free(ids);
}

/* A file of references to a Zipf stream, dealt to CPUs; for unlink(). */
static inline void
bench_zipf_file(const char *path, enum eph_trace_form form, uint64_t pages,
    uint64_t refs, double alpha, unsigned cpus)
{
	const struct eph_generate g = { .kind = EPH_GEN_ZIPF,
		.pages = pages,
		.refs = refs,
		.alpha = alpha,
		.cpus = cpus,
		.seed = 1 };
	struct eph_trace_writer *w;
	struct eph_err err;

	if (eph_trace_writer_open(path, form, &w, &err) != 0 ||
	    eph_trace_generate(&g, w, &err) != 0 ||
	    eph_trace_writer_commit(w, &err) != 0)
		bench_fail(err.text);
}

struct bench_rate {
	double min, median, max; /* million a second */
};

/* Time fn(arg) `runs` times, `work` items each. */
static inline struct bench_rate
bench_measure(void (*fn)(void *arg), void *arg, double work, unsigned runs)
{
	struct bench_times t = { .n = 0 };

	for (unsigned i = 0; i < runs; i++) {
		const double start = bench_now();

		fn(arg);
		bench_add(&t, bench_now() - start);
	}
	return ((struct bench_rate){ work / bench_max(&t) / 1e6,
	    work / bench_median(&t) / 1e6, work / bench_min(&t) / 1e6 });
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
