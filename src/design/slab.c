/* SPDX-License-Identifier: BSD-2-Clause */

/* Objects by number, in chunks that stay until the slab goes. */

#include "design/slab.h"

#include <string.h>

#include "base/kassert.h"
#include "base/spin.h"

void
eph__slab_init(struct slab *sl, struct eph_machine *mc, size_t size)
{
	sl->mc = mc;
	sl->size = (size + 15) & ~(size_t)15;
	atomic_flag_clear_explicit(&sl->lock, memory_order_relaxed);
}

void
eph__slab_fini(struct slab *sl)
{
	for (uint32_t i = 0; i < sl->nitems; i += SLAB_CHUNK)
		eph_machine_free(sl->mc, sl->chunks[i >> SLAB_CHUNK_SHIFT],
		    SLAB_CHUNK * sl->size);
	eph_machine_free(sl->mc, sl->chunks, sl->room * sizeof(*sl->chunks));
}

static bool
slab_table_grow(struct slab *sl)
{
	const uint32_t n = sl->room == 0 ? 16 : sl->room * 2;
	char **chunks = eph_machine_alloc(sl->mc, n * sizeof(*chunks));

	if (chunks == NULL)
		return (false);
	if (sl->room != 0)
		memcpy(chunks, sl->chunks, sl->room * sizeof(*chunks));
	eph_machine_free(sl->mc, sl->chunks, sl->room * sizeof(*chunks));
	sl->chunks = chunks;
	sl->room = n;
	return (true);
}

/* A chunk more; its lowest object is the first to be taken. */
static bool
slab_grow(struct slab *sl)
{
	const uint32_t first = sl->nitems;
	const uint32_t chunk = first >> SLAB_CHUNK_SHIFT;

	if (chunk == sl->room && !slab_table_grow(sl))
		return (false);
	sl->chunks[chunk] = eph_machine_alloc(sl->mc, SLAB_CHUNK * sl->size);
	if (sl->chunks[chunk] == NULL)
		return (false);
	sl->nitems += SLAB_CHUNK;
	for (uint32_t i = SLAB_CHUNK; i-- > 0;) {
		struct slab_item *it = slab_at(sl, first + i);

		it->id = first + i;
		it->next = sl->free;
		sl->free = it->id + 1;
	}
	return (true);
}

void *
eph__slab_alloc(struct slab *sl)
{
	struct slab_item *it = NULL;

	spin_lock(&sl->lock);
	if (sl->free != 0 || slab_grow(sl)) {
		it = slab_at(sl, sl->free - 1);
		sl->free = it->next;
		it->next = 0;
		it->live = true;
	}
	spin_unlock(&sl->lock);
	return (it);
}

void
eph__slab_free(struct slab *sl, void *obj)
{
	struct slab_item *it = obj;
	const uint32_t id = it->id;

	KASSERT(it->live, "freeing an object that is free");
	memset(it, 0, sl->size);
	it->id = id;
	spin_lock(&sl->lock);
	it->next = sl->free;
	sl->free = id + 1;
	spin_unlock(&sl->lock);
}

void *
eph__slab_objcache_alloc(void *sl, int ocflags)
{
	(void)ocflags;
	return (eph__slab_alloc(sl));
}

void
eph__slab_objcache_free(void *obj, void *sl)
{
	eph__slab_free(sl, obj);
}
