/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_LE_H
#define BASE_LE_H

/* Little-endian numbers of 0 to 8 bytes, at any address. */

#include <stdint.h>

static inline void
put_le(void *to, uint64_t v, unsigned width)
{
	unsigned char *p = to;

	for (unsigned i = 0; i < width; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t
get_le(const void *from, unsigned width)
{
	const unsigned char *p = from;
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return (v);
}

#endif /* !BASE_LE_H */
