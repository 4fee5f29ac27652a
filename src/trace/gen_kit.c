/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Ranks by Zipf's law.
 *
 * They come from the inverse of the distribution function, as a
 * table of 53-bit integers, entered through a guide table with as many
 * entries as pages (Chen and Asau, 1974): one look at each on average.
 *
 * The same seed must give the same trace everywhere, and pow() of two C
 * libraries differs in the last bit.  So the weights are computed here,
 * with additions, multiplications and divisions of IEEE doubles only, each
 * in a statement of its own so that no compiler may fuse them.
 */

#include "trace/gen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "trace/trace_rate.h"

#define LN2 0x1.62e42fefa39efp-1

#define TELL_EVERY 65536 /* references */

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

void
eph__zipf_free(struct zipf *z)
{
	free(z->cdf);
	free(z->guide);
}

int
eph__zipf_init(struct zipf *z, uint32_t pages, double alpha)
{
	double total = 0, sum = 0, share;
	uint32_t page = 0;

	z->pages = pages;
	z->cdf = malloc(pages * sizeof(z->cdf[0]));
	z->guide = malloc(pages * sizeof(z->guide[0]));
	if (z->cdf == NULL || z->guide == NULL) {
		eph__zipf_free(z);
		return (ENOMEM);
	}
	for (uint32_t k = 0; k < pages; k++)
		total = total + zipf_weight(k + 1u, alpha);
	for (uint32_t k = 0; k < pages; k++) {
		sum = sum + zipf_weight(k + 1u, alpha);
		share = sum / total;
		z->cdf[k] = (uint64_t)ldexp(share, ZIPF_CDF_BITS);
	}
	z->cdf[pages - 1] = (uint64_t)1 << ZIPF_CDF_BITS;
	for (uint32_t i = 0; i < pages; i++) {
		/* The smallest draw that comes here: ceil(2^53 i / pages). */
		const double low = ldexp((double)i, ZIPF_CDF_BITS) / pages;

		while (z->cdf[page] <= (uint64_t)low)
			page++;
		z->guide[i] = page;
	}
	return (0);
}

int
eph__gen_ref(struct gen *x, uint64_t page)
{
	const struct eph_generate *g = x->g;
	const uint64_t i = x->done++;
	int error;

	if (g->rate > 0 && i > 0 &&
	    (error = eph_trace_write(x->w, EPH_OP_DELAY, 0, 0, 0, 0,
		 rate_ns(i, g->rate) - rate_ns(i - 1, g->rate), x->err)) != 0)
		return (error);
	if (g->progress != NULL && i % TELL_EVERY == 0)
		g->progress(g->progress_arg, i, g->refs);
	return (eph_trace_write(x->w, EPH_OP_REF, 0,
	    prng_below(&x->cpus, g->cpus), page, 0, 0, x->err));
}

int
eph__gen_no_memory(struct gen *x)
{
	return (eph_err_set(x->err, ENOMEM,
	    "generate: out of memory for %u pages", (unsigned)x->g->pages));
}
