/* SPDX-License-Identifier: BSD-2-Clause */

/* Counters of clusters in one array; see the header. */

#include "io/mbuf_refmap.h"

bool
eph__mb_refmap_grow(struct mbuf_pool *mp, struct mb_refmap *map, uint32_t n)
{
	for (uint32_t b = 0; b * REFMAP_BLOCK < n; b++) {
		if (b == REFMAP_MAX)
			return (false);
		if (map->block[b] != NULL)
			continue;
		map->block[b] =
		    eph_machine_alloc(mp->mc, sizeof(*map->block[b]));
		if (map->block[b] == NULL)
			return (false);
		for (uint32_t i = 0; i < REFMAP_BLOCK / REFMAP_LINE; i++)
			mb_line_init(&map->block[b]->line[i]);
	}
	return (true);
}

void
eph__mb_refmap_destroy(struct mbuf_pool *mp, struct mb_refmap *map)
{
	for (uint32_t b = 0; b < REFMAP_MAX && map->block[b] != NULL; b++)
		eph_machine_free(mp->mc, map->block[b], sizeof(*map->block[b]));
}
