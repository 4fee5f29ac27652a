/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_MINIATURE_H
#define ANALYSIS_MINIATURE_H

/*
 * Miniature simulation (Waldspurger, Saemundsson, Ahmad, Park, ATC 2017):
 * a share R of the pages, chosen by hash, in R C buffers, stands for all of
 * them in C.  Misses count against the references expected in the sample,
 * not against those found (SHARDS-adj), so that a popular page in or out of
 * it matters as little as it is missed.
 *
 * Several samples with different pages say how much depends on the choice.
 * What depends on the scale they cannot say, as they share it; so each
 * sample is played once more as two halves of its pages in half of the
 * buffers: the same pages, one doubling farther away.
 */

#include <stddef.h>

#include "ephmap/mrc.h"

/* Streams of a sample: all its pages, and the halves of them. */
enum { MINIATURE_ALL, MINIATURE_LEFT, MINIATURE_RIGHT, MINIATURE_PARTS };

struct miniature {
	const struct eph_refs *whole;
	uint32_t pages; /* different ones in it */
	double rate;
	unsigned samples;
	struct eph_refs (*part)[MINIATURE_PARTS]; /* by sample */
};

/* What one sample found at one size, per reference expected in it. */
struct miniature_found {
	double missed;
	double halved; /* the same in two halves */
	double promotions;
};

/*
 * Draw `samples` of them; with next uses where `future` is set.  0 or
 * ENOMEM; eph__miniature_fini() in both cases.
 */
int eph__miniature_init(struct miniature *m, const struct eph_refs *whole,
    double rate, unsigned samples, uint64_t seed, bool future,
    struct eph_err *err);
void eph__miniature_fini(struct miniature *m);

/* Buffers that stand for `nbufs` in such a part. */
uint32_t eph__miniature_size(
    const struct miniature *m, unsigned part, uint32_t nbufs);

/* Whether `nbufs` buffers and the samples are enough to say anything. */
bool eph__miniature_resolves(const struct miniature *m, uint32_t nbufs);

/* `n` of a sample's references, per reference expected. */
double eph__miniature_share(const struct miniature *m, double n);

/* Set the ratio, promotions and error of `p` from what each sample found. */
void eph__miniature_conclude(const struct miniature *m,
    const struct miniature_found *found, struct eph_mrc_point *p);

#endif /* !ANALYSIS_MINIATURE_H */
