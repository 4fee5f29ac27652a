/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_REFS_H
#define ANALYSIS_REFS_H

/* Choosing a share of the pages; one choice for a page in all streams. */

#include <stdint.h>

#include "ephmap/mrc.h"

/* Uniform in [0, 2^32). */
static inline uint32_t
refs_hash(uint32_t page, uint64_t seed)
{
	uint64_t x = (page + (uint64_t)1) * 0x9e3779b97f4a7c15u +
	    seed * 0xd1342543de82ef95u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return ((uint32_t)(x >> 32));
}

/* Pages with a smaller hash are chosen. */
static inline uint64_t
refs_threshold(double rate)
{
	return ((uint64_t)(rate * 4294967296.0 + 0.5));
}

/*
 * The references to pages whose hash is in [from, to), ids dense again.
 * Returns 0 or ENOMEM.
 */
int eph__refs_choose(const struct eph_refs *r, uint64_t from, uint64_t to,
    uint64_t seed, struct eph_refs *out, struct eph_err *err);

#endif /* !ANALYSIS_REFS_H */
