/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SLAB_H
#define DESIGN_SLAB_H

/*
 * Objects of one size that a design makes as it goes: kmalloc for what is
 * called lwbuf in a kernel.  An object keeps its number for as long as the
 * slab lives, so that lists need 32 bits, check() can look at every object
 * there is, and destroying a design gives back what callers still hold.
 *
 * Locking: `lock`, a leaf, with threads only.
 */

#include "ephmap/sdk/machine.h"

/* Begins every object. */
struct slab_item {
	uint32_t id;   /* (c) number of the object */
	uint32_t next; /* free list, by number plus one */
	bool live;     /* handed out by eph__slab_alloc() */
};

#define SLAB_CHUNK_SHIFT 6
#define SLAB_CHUNK	 (1u << SLAB_CHUNK_SHIFT) /* objects made at once */
#define SLAB_CHUNK_MASK	 (SLAB_CHUNK - 1u)

struct slab {
	struct eph_machine *mc; /* (c) */
	size_t size;		/* (c) of an object, item included */
	atomic_flag lock;	/* guards all below */
	char **chunks;
	uint32_t room;	 /* in chunks[] */
	uint32_t nitems; /* objects made */
	uint32_t free;	 /* first free object, plus one */
};

void eph__slab_init(struct slab *sl, struct eph_machine *mc, size_t size);
void eph__slab_fini(struct slab *sl);

/* An object, zeroed but for its item; NULL when out of memory. */
void *eph__slab_alloc(struct slab *sl);
void eph__slab_free(struct slab *sl, void *obj);

/* The same for objcache_create(); the arguments are the slab. */
void *eph__slab_objcache_alloc(void *sl, int ocflags);
void eph__slab_objcache_free(void *obj, void *sl);

/* Object number `id`, which must have been made. */
static inline void *
slab_at(const struct slab *sl, uint32_t id)
{
	return (sl->chunks[id >> SLAB_CHUNK_SHIFT] +
	    (id & SLAB_CHUNK_MASK) * sl->size);
}

#endif /* !DESIGN_SLAB_H */
