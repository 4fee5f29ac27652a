/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Curves: references a second, from memory.
 *
 *	bench_mrc [--smoke] [--refs N] [--runs N] [--scaling]
 *
 * The curves of LRU and OPT at all sizes in one pass, SHARDS, and 32 configurations (16
 * sizes of two policies) on one CPU of the host and on all.  The baseline
 * of the same run is one LRU replay at one size.  Memory is what the
 * process had at its peak beyond the stream itself.  --scaling goes from
 * 10^4 to 10^8 references and from 10^3 to 10^7 pages.
 */

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "bench_refs.h"
#include "ephmap/sdk/policy.h"

#define SIZES 16u

struct job {
	struct eph_refs *refs;
	uint64_t *hits;
	uint32_t nslots;
	unsigned threads;
};

static void
run_replay(void *arg)
{
	struct eph_policy_counts counts;
	struct job *j = arg;
	struct eph_err err;

	if (eph_mrc_replay(j->refs, &eph_policy_lru, NULL, j->nslots, 1,
		&counts, &err) != 0)
		bench_fail(err.text);
	*j->hits = counts.hits;
}

static void
run_lru(void *arg)
{
	struct job *j = arg;
	struct eph_err err;

	if (eph_mrc_lru_on(j->refs, j->threads, j->hits, &err) != 0)
		bench_fail(err.text);
}

static void
run_opt(void *arg)
{
	struct job *j = arg;
	struct eph_err err;

	if (eph_mrc_opt(j->refs, j->hits, &err) != 0)
		bench_fail(err.text);
}

/* What the curve of OPT spares: a replay at each of 32 sizes. */
static void
run_opt_replays(void *arg)
{
	const struct eph_policy_ops *opt = eph_policy_find("opt");
	struct job *j = arg;
	struct eph_policy_counts counts;
	struct eph_err err;

	for (uint32_t i = 1; i <= 32; i++) {
		if (eph_mrc_replay(j->refs, opt, NULL,
			1 + j->refs->npages / 33 * i, 1, &counts, &err) != 0)
			bench_fail(err.text);
	}
}

static void
run_shards(void *arg)
{
	struct job *j = arg;
	struct eph_mrc_point p[SIZES];
	struct eph_err err;

	for (uint32_t i = 0; i < SIZES; i++)
		p[i] = (struct eph_mrc_point){ .nbufs = (i + 1) * j->nslots };
	if (eph_mrc_shards(j->refs, 0.01, 1, p, SIZES, &err) != 0)
		bench_fail(err.text);
}

/* Neither policy has a curve of its own, so each point is a run. */
static void
run_sweep(void *arg)
{
	struct job *j = arg;
	const struct eph_policy_ops *policies[] = { eph_policy_find("clock"),
		eph_policy_find("sieve") };
	struct eph_mrc_point points[2 * SIZES];
	uint32_t sizes[SIZES];
	struct eph_mrc_config cfg = { .policies = policies,
		.npolicies = 2,
		.sizes = sizes,
		.nsizes = SIZES,
		.rate = 1,
		.threads = j->threads };
	struct eph_err err;

	for (uint32_t i = 0; i < SIZES; i++)
		sizes[i] = 1 + (i + 1) * j->nslots / SIZES;
	if (eph_mrc_run(j->refs, &cfg, points, &err) != 0)
		bench_fail(err.text);
}

/* What the host's other CPUs are worth: threads that only count. */
static void *
count(void *arg)
{
	volatile uint64_t *n = arg;

	for (*n = 0; *n < 100000000; (*n)++)
		continue;
	return (NULL);
}

static double
two_threads_worth(void)
{
	uint64_t mine, other;
	double start = bench_now(), one;
	pthread_t t;

	(void)count(&mine);
	one = bench_now() - start;
	start = bench_now();
	if (pthread_create(&t, NULL, count, &other) != 0)
		return (1);
	(void)count(&mine);
	(void)pthread_join(t, NULL);
	return (2 * one / (bench_now() - start));
}

static double
peak_mib(void)
{
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return ((double)ru.ru_maxrss / 1024);
}

static void
print_rate(
    const char *name, const struct bench_rate *r, double base, double bar)
{
	(void)printf("%-26s %8.1f %8.1f %8.1f %7.2f", name, r->min, r->median,
	    r->max, r->median / base);
	if (bar > 0)
		(void)printf(
		    " %6.0f %s", bar, r->median >= bar ? "met" : "missed");
	(void)putchar('\n');
}

static void
bench_curves(struct job *j, unsigned runs, bool bars)
{
	const double n = (double)j->refs->n;
	struct bench_rate base, r;

	(void)printf("\n%u pages, %u buffers, %zu references\n",
	    j->refs->npages, j->nslots, j->refs->n);
	(void)printf("%-26s %8s %8s %8s %7s %6s\n", "", "min", "median", "max",
	    "ratio", "bar");
	base = bench_measure(run_replay, j, n, runs);
	print_rate("one LRU replay", &base, base.median, 0);
	j->threads = 1;
	r = bench_measure(run_lru, j, n, runs);
	print_rate("LRU curve, every size", &r, base.median, bars ? 20 : 0);
	j->threads = 0;
	r = bench_measure(run_lru, j, n, runs);
	print_rate("LRU curve, all CPUs", &r, base.median, 0);
	if (eph_refs_future(j->refs, NULL) != 0)
		bench_fail("out of memory");
	r = bench_measure(run_opt, j, n, runs);
	print_rate("OPT curve, every size", &r, base.median, bars ? 5 : 0);
	r = bench_measure(run_opt_replays, j, n, runs);
	print_rate("OPT replays, 32 sizes", &r, base.median, 0);
	r = bench_measure(run_shards, j, n, runs);
	print_rate("SHARDS 1 %, 16 sizes", &r, base.median, 0);
}

static void
bench_sweep(struct job *j, unsigned runs, bool bars)
{
	const double n = 2.0 * SIZES * (double)j->refs->n;
	const double stream =
	    (double)(j->refs->room * sizeof(uint32_t)) / (1 << 20);
	struct bench_rate one, all;

	j->threads = 1;
	one = bench_measure(run_sweep, j, n, runs);
	print_rate("32 runs, one CPU", &one, one.median, 0);
	j->threads = 0;
	all = bench_measure(run_sweep, j, n, runs);
	print_rate("32 runs, all CPUs", &all, one.median, bars ? 120 : 0);
	(void)printf("all CPUs are %.2f times one; bar 1.8 for two; two "
		     "threads that only count are %.2f times one now\n",
	    all.median / one.median, two_threads_worth());
	if (bars)
		(void)printf("peak memory %.0f MiB, stream %.0f MiB with its "
			     "room; bar: 32 more\n",
		    peak_mib(), stream);
}

static void
bench_stream(
    uint32_t pages, uint32_t nslots, size_t n, unsigned runs, bool bars)
{
	struct eph_refs refs;
	struct job j = { .refs = &refs, .nslots = nslots };

	bench_refs_zipf(&refs, pages, n, 1.0);
	j.hits = calloc((size_t)refs.npages + 1, sizeof(*j.hits));
	if (j.hits == NULL)
		bench_fail("out of memory");
	bench_curves(&j, runs, bars);
	if (bars)
		bench_sweep(&j, runs, bars);
	free(j.hits);
	eph_refs_free(&refs);
}

static void
bench_scaling(unsigned runs)
{
	for (size_t n = 10000; n <= 100000000; n *= 10)
		bench_stream(16384, 1024, n, runs, false);
	for (uint32_t pages = 1000; pages <= 10000000; pages *= 10)
		bench_stream(pages, pages / 10, 10000000, runs, false);
}

int
main(int argc, char **argv)
{
	const struct bench_stream_options o =
	    bench_stream_options(argc, argv, "bench_mrc", false);

	(void)printf("million references a second\n");
	if (o.smoke) {
		bench_stream(1000, 64, 10000, 1, true);
	} else if (o.scaling) {
		bench_scaling(o.runs);
	} else {
		bench_stream(16384, 1024, o.refs, o.runs, true);
		bench_stream(1000000, 76000, o.refs, o.runs, false);
	}
	return (0);
}
