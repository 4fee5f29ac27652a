/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef IO_MBUF_REFMAP_H
#define IO_MBUF_REFMAP_H

/*
 * Counters of clusters in one array, indexed by the cluster's number: the
 * mclrefcnt and cl_refcntmap of FreeBSD before 2004.  Sixteen share a cache
 * line.  Grows by blocks, which never move, so that a counter is found
 * without a lock by the holder of its cluster.
 */

#include "io/mbuf_impl.h"

#define REFMAP_LINE  16u	/* counters on a cache line */
#define REFMAP_BLOCK 1024u	/* counters in a block */
#define REFMAP_MAX   (1u << 12) /* blocks: 4 million clusters */

struct mb_refblock {
	_Atomic(uint32_t) count[REFMAP_BLOCK];
	struct mb_line line[REFMAP_BLOCK / REFMAP_LINE];
};

struct mb_refmap {
	struct mb_refblock *block[REFMAP_MAX];
};

/* Have counters 0 to n - 1.  False: no memory, or too many. */
bool eph__mb_refmap_grow(
    struct mbuf_pool *mp, struct mb_refmap *map, uint32_t n);
void eph__mb_refmap_destroy(struct mbuf_pool *mp, struct mb_refmap *map);

static inline _Atomic(uint32_t) *
mb_refmap_count(struct mb_refmap *map, uint32_t id, struct mb_line **linep)
{
	struct mb_refblock *b = map->block[id / REFMAP_BLOCK];
	const uint32_t i = id % REFMAP_BLOCK;

	*linep = &b->line[i / REFMAP_LINE];
	return (&b->count[i]);
}

#endif /* !IO_MBUF_REFMAP_H */
