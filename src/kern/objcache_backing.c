/* SPDX-License-Identifier: BSD-2-Clause */

/* Where an object cache's objects come from: memory, or nowhere. */

#include "ephmap/kernel/objcache.h"

void *
objcache_malloc_alloc(void *allocator_args, int ocflags)
{
	const struct objcache_malloc_args *a = allocator_args;

	(void)ocflags;
	return (eph_machine_alloc(a->mc, a->objsize));
}

/* A machine's memory is zeroed in any case. */
void *
objcache_malloc_alloc_zero(void *allocator_args, int ocflags)
{
	return (objcache_malloc_alloc(allocator_args, ocflags));
}

void
objcache_malloc_free(void *obj, void *allocator_args)
{
	const struct objcache_malloc_args *a = allocator_args;

	eph_machine_free(a->mc, obj, a->objsize);
}

void *
objcache_nop_alloc(void *allocator_args, int ocflags)
{
	(void)ocflags;
	return (allocator_args);
}

void
objcache_nop_free(void *obj, void *allocator_args)
{
	(void)obj;
	(void)allocator_args;
}
