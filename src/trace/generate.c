/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Generators.
 *
 * Zipf numbers come from the inverse of the distribution function, as a
 * table of 53-bit integers, entered through a guide table with as many
 * entries as pages (Chen and Asau, 1974): one look at each on average.
 *
 * The same seed must give the same trace everywhere, and pow() of two C
 * libraries differs in the last bit.  So the weights are computed here,
 * with additions, multiplications and divisions of IEEE doubles only, each
 * in a statement of its own so that no compiler may fuse them.
 */

#include "ephmap/generate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/prng.h"
#include "trace/trace_rate.h"

#define CDF_BITS  53
#define LN2	  0x1.62e42fefa39efp-1
#define ALPHA_MAX 10.0

enum { STREAM_PAGES, STREAM_CPUS };

#define TELL_EVERY 65536 /* references */

struct zipf {
	uint32_t pages;
	uint64_t *cdf;	 /* cdf[k]: below it, page k or one before */
	uint32_t *guide; /* first page to look at */
};

/* Natural logarithm of k >= 1: atanh series on the mantissa. */
static double
plain_log(double k)
{
	double sum = 0, term, square, m;
	int e;

	m = frexp(k, &e); /* exact */
	term = m - 1.0;
	m = m + 1.0;
	term = term / m;
	square = term * term;
	for (int i = 1; i < 40; i += 2) {
		const double part = term / i;

		sum = sum + part;
		term = term * square;
	}
	sum = 2.0 * sum;
	m = e * LN2;
	return (sum + m);
}

/* e to the power of -x, x >= 0: Taylor series on the fraction. */
static double
plain_exp_minus(double x)
{
	double n = x / LN2, sum = 1.0, term = 1.0, r;

	n = floor(n);
	r = n * LN2;
	r = x - r;
	for (int i = 1; i < 24; i++) {
		const double factor = r / i;

		term = term * factor;
		term = -term;
		sum = sum + term;
	}
	return (ldexp(sum, -(int)n));
}

static double
zipf_weight(uint64_t rank, double alpha)
{
	const double power = alpha * plain_log((double)rank);

	return (plain_exp_minus(power));
}

static void
zipf_free(struct zipf *z)
{
	free(z->cdf);
	free(z->guide);
}

static int
zipf_init(struct zipf *z, uint32_t pages, double alpha)
{
	double total = 0, sum = 0, share;
	uint32_t page = 0;

	z->pages = pages;
	z->cdf = malloc(pages * sizeof(z->cdf[0]));
	z->guide = malloc(pages * sizeof(z->guide[0]));
	if (z->cdf == NULL || z->guide == NULL) {
		zipf_free(z);
		return (ENOMEM);
	}
	for (uint32_t k = 0; k < pages; k++)
		total = total + zipf_weight(k + 1u, alpha);
	for (uint32_t k = 0; k < pages; k++) {
		sum = sum + zipf_weight(k + 1u, alpha);
		share = sum / total;
		z->cdf[k] = (uint64_t)ldexp(share, CDF_BITS);
	}
	z->cdf[pages - 1] = (uint64_t)1 << CDF_BITS;
	for (uint32_t i = 0; i < pages; i++) {
		/* The smallest draw that comes here: ceil(2^53 i / pages). */
		const double low = ldexp((double)i, CDF_BITS) / pages;

		while (z->cdf[page] <= (uint64_t)low)
			page++;
		z->guide[i] = page;
	}
	return (0);
}

static uint32_t
zipf_draw(const struct zipf *z, struct prng *r)
{
	const uint64_t u = prng_next(r) >> (64 - CDF_BITS);
	uint32_t page = z->guide[(u >> (CDF_BITS - 32)) * z->pages >> 32];

	while (z->cdf[page] <= u)
		page++;
	return (page);
}

/* Page of reference `i` for the kinds that are not random. */
static uint64_t
page_in_order(const struct eph_generate *g, uint64_t i)
{
	/* At most 2^28 pages and 2^35 references: the product fits. */
	if (g->kind == EPH_GEN_SCAN && g->refs > g->pages)
		return (i * g->pages / g->refs);
	return (i % g->pages);
}

static int
generate_refs(const struct eph_generate *g, const struct zipf *z,
    struct eph_trace_writer *w, struct eph_err *err)
{
	struct prng pages, cpus;
	int error = 0;

	eph__prng_init(&pages, g->seed, STREAM_PAGES);
	eph__prng_init(&cpus, g->seed, STREAM_CPUS);
	for (uint64_t i = 0; error == 0 && i < g->refs; i++) {
		const uint64_t page =
		    z != NULL ? zipf_draw(z, &pages) : page_in_order(g, i);

		if (g->rate > 0 && i > 0)
			error = eph_trace_write(w, EPH_OP_DELAY, 0, 0, 0, 0,
			    rate_ns(i, g->rate) - rate_ns(i - 1, g->rate), err);
		if (error == 0)
			error = eph_trace_write(w, EPH_OP_REF, 0,
			    prng_below(&cpus, g->cpus), page, 0, 0, err);
		if (g->progress != NULL && i % TELL_EVERY == 0)
			g->progress(g->progress_arg, i, g->refs);
	}
	return (error);
}

int
eph_trace_generate(const struct eph_generate *g, struct eph_trace_writer *w,
    struct eph_err *err)
{
	struct zipf z;
	int error;

	if (g->pages < 1 || g->pages > EPH_FRAMES_MAX ||
	    g->refs > EPH_GEN_REFS_MAX || g->cpus < 1 ||
	    g->cpus > EPH_CPUS_MAX || !(g->alpha >= 0) || g->alpha > ALPHA_MAX)
		return (eph_err_set(err, EINVAL,
		    "generate: expected 1 to %u pages, up to %llu references, "
		    "1 to %u CPUs and an alpha from 0 to %g",
		    EPH_FRAMES_MAX, (unsigned long long)EPH_GEN_REFS_MAX,
		    EPH_CPUS_MAX, ALPHA_MAX));
	if (g->rate > RATE_MAX ||
	    (g->rate > 0 && g->refs / g->rate > RATE_SECONDS))
		return (eph_err_set(err, EINVAL,
		    "generate: expected up to %u references a second, and no "
		    "more than %u seconds",
		    RATE_MAX, RATE_SECONDS));
	if (g->kind == EPH_GEN_SCAN || g->kind == EPH_GEN_LOOP)
		return (generate_refs(g, NULL, w, err));
	error = zipf_init(
	    &z, (uint32_t)g->pages, g->kind == EPH_GEN_ZIPF ? g->alpha : 0.0);
	if (error != 0)
		return (eph_err_set(err, error,
		    "generate: out of memory for %u pages",
		    (unsigned)g->pages));
	error = generate_refs(g, &z, w, err);
	zipf_free(&z);
	return (error);
}
