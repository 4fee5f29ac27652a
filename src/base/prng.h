/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_PRNG_H
#define BASE_PRNG_H

/*
 * Seeded random numbers: splitmix64 to spread seeds, xoshiro256** for the
 * stream (Blackman and Vigna, 2018).  The same seed gives the same numbers
 * on every host, for ever: golden files depend on it.
 */

#include <stdint.h>

struct prng {
	uint64_t s[4];
};

/* Streams of one seed are independent of one another. */
void eph__prng_init(struct prng *r, uint64_t seed, uint64_t stream);

static inline uint64_t
prng_rotl(uint64_t x, int k)
{
	return (x << k | x >> (64 - k));
}

static inline uint64_t
prng_next(struct prng *r)
{
	uint64_t *s = r->s;
	const uint64_t result = prng_rotl(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = prng_rotl(s[3], 45);
	return (result);
}

/* Uniform in [0, n), without modulo bias worth speaking of; n > 0. */
static inline uint32_t
prng_below(struct prng *r, uint32_t n)
{
	return ((uint32_t)((prng_next(r) >> 32) * n >> 32));
}

/* Uniform in [0, 1). */
static inline double
prng_unit(struct prng *r)
{
	return ((double)(prng_next(r) >> 11) * 0x1.0p-53);
}

#endif /* !BASE_PRNG_H */
