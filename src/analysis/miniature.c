/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/miniature.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/refs.h"

/*
 * Fewer buffers than this resolve nothing: one more or less is a step of
 * the curve, and queues that are a tenth of them are empty.
 */
#define BUFFERS_MIN 16u
#define PAGES_MIN   64u

/*
 * What a small cache does otherwise than a large one although its halves do
 * not show it, times m (1 - m) over the square root of its buffers.
 * Measured (tests/golden/test_shards.c), the largest belongs to SIEVE: 1.5
 * left 94 of 100 inside on OLTP, at 50 buffers.
 */
#define GRAIN 2.0

/* Pages that are used; ids may have gaps. */
static int
miniature_count(struct miniature *m, struct eph_err *err)
{
	const struct eph_refs *r = m->whole;
	bool *seen = calloc((size_t)r->npages + 1, sizeof(*seen));

	if (seen == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for samples"));
	for (size_t i = 0; i < r->n; i++) {
		m->pages += !seen[r->page[i]];
		seen[r->page[i]] = true;
	}
	free(seen);
	return (0);
}

int
eph__miniature_init(struct miniature *m, const struct eph_refs *whole,
    double rate, unsigned samples, uint64_t seed, bool future,
    struct eph_err *err)
{
	const uint64_t half = refs_threshold(0.5), all = refs_threshold(1);
	int error = 0;

	*m = (struct miniature){ .whole = whole, .rate = rate };
	if ((error = miniature_count(m, err)) != 0)
		return (error);
	m->part = calloc(samples, sizeof(*m->part));
	if (m->part == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory for samples"));
	m->samples = samples;
	for (unsigned i = 0; i < samples && error == 0; i++) {
		struct eph_refs *part = m->part[i];
		const uint64_t draw = seed * samples + i;

		error = eph_refs_sample(
		    whole, rate, draw, &part[MINIATURE_ALL], err);
		if (error == 0)
			error = eph__refs_choose(&part[MINIATURE_ALL], 0, half,
			    ~draw, &part[MINIATURE_LEFT], err);
		if (error == 0)
			error = eph__refs_choose(&part[MINIATURE_ALL], half,
			    all, ~draw, &part[MINIATURE_RIGHT], err);
		for (unsigned k = 0; k < MINIATURE_PARTS; k++) {
			if (future && error == 0)
				error = eph_refs_future(&part[k], err);
		}
	}
	return (error);
}

void
eph__miniature_fini(struct miniature *m)
{
	for (unsigned i = 0; i < m->samples; i++) {
		for (unsigned k = 0; k < MINIATURE_PARTS; k++)
			eph_refs_free(&m->part[i][k]);
	}
	free(m->part);
}

uint32_t
eph__miniature_size(const struct miniature *m, unsigned part, uint32_t nbufs)
{
	const double share = part == MINIATURE_ALL ? m->rate : m->rate / 2;
	const uint32_t n = (uint32_t)(nbufs * share + 0.5);

	return (n == 0 ? 1 : n);
}

bool
eph__miniature_resolves(const struct miniature *m, uint32_t nbufs)
{
	for (unsigned i = 0; i < m->samples; i++) {
		if (m->part[i][MINIATURE_ALL].npages < PAGES_MIN)
			return (false);
	}
	return (nbufs * m->rate >= BUFFERS_MIN);
}

double
eph__miniature_share(const struct miniature *m, double n)
{
	return (n / ((double)m->whole->n * m->rate));
}

/* 0.975 quantile of Student's t, within 1 % (Fisher and Cornish 1937). */
static double
student(unsigned freedom)
{
	static const double few[] = { 12.706, 4.303, 3.182, 2.776 };
	const double z = 1.959964, n = freedom;

	if (freedom <= sizeof(few) / sizeof(few[0]))
		return (few[freedom - 1]);
	return (z + (pow(z, 3) + z) / (4 * n) +
	    (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n));
}

/*
 * The error: of the mean, by Student; what doubling the scale changed, for
 * each doubling that is left; and the grain.
 */
static double
miniature_error(
    const struct miniature *m, const struct miniature_found *found, double mean)
{
	const double n = m->samples;
	double square = 0, drift = 0;

	for (unsigned i = 0; i < m->samples; i++) {
		square += pow(found[i].missed - mean, 2);
		drift += (found[i].halved - found[i].missed) / n;
	}
	return (student(m->samples - 1) * sqrt(square / (n - 1) / n) +
	    fabs(drift) * fmax(log2(1 / m->rate), 2));
}

void
eph__miniature_conclude(const struct miniature *m,
    const struct miniature_found *found, struct eph_mrc_point *p)
{
	const double cold = (double)m->pages / (double)m->whole->n;
	double mean = 0, moved = 0, grain;

	for (unsigned i = 0; i < m->samples; i++) {
		mean += found[i].missed / m->samples;
		moved += found[i].promotions / m->samples;
	}
	p->promotions = 1000 * moved;
	p->error = miniature_error(m, found, mean);
	/* Every page is missed once, and no reference twice. */
	p->miss_ratio = fmin(fmax(mean, cold), 1);
	grain = p->miss_ratio * (1 - p->miss_ratio);
	p->error = fmin(p->error + GRAIN * grain / sqrt(p->nbufs * m->rate), 1);
}
