/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_IDMAP_H
#define TRACE_IDMAP_H

/*
 * 64-bit names to dense 32-bit ids, in order of first sight.
 *
 * Open addressing over 32-bit ids; the names stand in an array by id, which
 * is also the way back.  16 bytes a name at most, and 4 to 8 of them are
 * the hash.
 */

#include "ephmap/types.h"

struct idmap {
	uint32_t *slots; /* ids, or EPH_NONE */
	uint64_t *names; /* by id */
	uint32_t n;
	uint32_t cap;  /* of names */
	uint64_t mask; /* slots - 1 */
};

/* Returns 0 or ENOMEM. */
int eph__idmap_init(struct idmap *m);
void eph__idmap_destroy(struct idmap *m);

/*
 * The id of `name`, a new one if it was never seen; EPH_NONE when out of
 * memory or of ids.
 */
uint32_t eph__idmap_get(struct idmap *m, uint64_t name);

/* The id of `name`, or EPH_NONE if it was never seen. */
uint32_t eph__idmap_find(const struct idmap *m, uint64_t name);

/* The slot where the search for `name` starts. */
static inline uint64_t
idmap_home(const struct idmap *m, uint64_t name)
{
	uint64_t h = (name ^ name >> 32) * 0x9e3779b97f4a7c15u;

	return ((h ^ h >> 29) & m->mask);
}

/* Ask for the memory that eph__idmap_get() will touch soon. */
EPH_PREFETCHER void
idmap_prefetch(const struct idmap *m, uint64_t name)
{
	eph_prefetch(&m->slots[idmap_home(m, name)]);
}

#endif /* !TRACE_IDMAP_H */
