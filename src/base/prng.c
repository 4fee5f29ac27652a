/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/prng.h"

static uint64_t
splitmix64(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31));
}

void
eph__prng_init(struct prng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed;

	/* Two rounds, so that neighbouring streams share nothing. */
	x = splitmix64(&x) ^ (stream * 0xd1342543de82ef95u);
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&x);
}
