/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

/* Strings to dense 32-bit ids, in order of first sight. */

#include "ephmap/types.h"

struct names {
	uint32_t *slots;  /* ids, or EPH_NONE */
	uint64_t *hashes; /* by id */
	char **strings;	  /* by id */
	uint32_t n;
	uint32_t cap;
	uint32_t mask;
};

/* Returns 0 or ENOMEM. */
int eph__names_init(struct names *t);
void eph__names_destroy(struct names *t);

/* The id of the string of `len` bytes; EPH_NONE when out of memory. */
uint32_t eph__names_get(struct names *t, const char *s, size_t len);

/* FNV-1a, 64 bits. */
uint64_t eph__names_hash(const char *s, size_t len);

#endif /* !TRACE_NAMES_H */
