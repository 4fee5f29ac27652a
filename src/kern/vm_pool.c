/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A stack of free frames, and a second one of frames that were freed under
 * I/O, which is looked through when the first is empty.
 */

#include "ephmap/kernel/vm_pool.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/mutex.h"

struct vm_pool {
	struct eph_machine *mc;
	struct eph_mutex mtx;
	uint32_t first;	 /* (c) */
	uint32_t npages; /* (c) */
	uint32_t nfree;	 /* (l) */
	uint32_t nlimbo; /* (l) freed, still wired or held */
	uint32_t *free;	 /* (l) frames; the next one last */
	uint32_t *limbo; /* (l) */
};

static struct vm_page *
vm_pool_page(const struct vm_pool *pool, uint32_t i)
{
	return (vm_page_get(pool->mc, pool->first + i));
}

int
vm_pool_create(struct eph_machine *mc, uint32_t first, uint32_t npages,
    struct vm_pool **poolp)
{
	struct vm_pool *pool = eph_machine_alloc(mc, sizeof(*pool));

	if (pool == NULL)
		return (ENOMEM);
	pool->mc = mc;
	pool->first = first;
	pool->npages = npages;
	mutex_init(&pool->mtx, "vm_pool");
	pool->free = eph_machine_alloc(mc, npages * sizeof(*pool->free));
	pool->limbo = eph_machine_alloc(mc, npages * sizeof(*pool->limbo));
	if (pool->free == NULL || pool->limbo == NULL) {
		vm_pool_destroy(pool);
		return (ENOMEM);
	}
	for (uint32_t i = npages; i-- > 0;) {
		struct vm_page *m = vm_page_get(mc, first + i);

		if (m == NULL) {
			vm_pool_destroy(pool);
			return (ENOMEM);
		}
		(void)vm_page_contents(mc, m);
		m->owned = 1;
		pool->free[pool->nfree++] = first + i;
	}
	*poolp = pool;
	return (0);
}

void
vm_pool_destroy(struct vm_pool *pool)
{
	if (pool == NULL)
		return;
	eph_machine_free(pool->mc, pool->free, pool->npages * sizeof(uint32_t));
	eph_machine_free(
	    pool->mc, pool->limbo, pool->npages * sizeof(uint32_t));
	eph_machine_free(pool->mc, pool, sizeof(*pool));
}

static bool
vm_page_busy(const struct vm_page *m)
{
	return (m->wire_count != 0 || m->hold_count != 0);
}

/* What has come out of I/O becomes free. */
static void
vm_pool_sweep(struct vm_pool *pool)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < pool->nlimbo; i++) {
		const uint32_t frame = pool->limbo[i];

		if (vm_page_busy(vm_page_get(pool->mc, frame)))
			pool->limbo[kept++] = frame;
		else
			pool->free[pool->nfree++] = frame;
	}
	pool->nlimbo = kept;
}

struct vm_page *
vm_pool_alloc(struct vm_pool *pool)
{
	struct vm_page *m = NULL;

	if (eph_machine_fails(pool->mc, EPH_FAULT_ALLOC))
		return (NULL);
	mutex_enter(pool->mc, &pool->mtx);
	if (pool->nfree == 0)
		vm_pool_sweep(pool);
	if (pool->nfree > 0)
		m = vm_page_get(pool->mc, pool->free[--pool->nfree]);
	mutex_exit(pool->mc, &pool->mtx);
	if (m != NULL)
		m->dirty = 0;
	return (m);
}

void
vm_pool_free(struct vm_pool *pool, struct vm_page *m)
{
	KASSERT(m->frame - pool->first < pool->npages, "a page of the pool");
	mutex_enter(pool->mc, &pool->mtx);
	if (vm_page_busy(m))
		pool->limbo[pool->nlimbo++] = m->frame;
	else
		pool->free[pool->nfree++] = m->frame;
	mutex_exit(pool->mc, &pool->mtx);
}

uint32_t
vm_pool_used(struct vm_pool *pool)
{
	uint32_t used;

	mutex_enter(pool->mc, &pool->mtx);
	vm_pool_sweep(pool);
	used = pool->npages - pool->nfree;
	mutex_exit(pool->mc, &pool->mtx);
	return (used);
}

uint64_t
vm_pool_wired(const struct vm_pool *pool)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < pool->npages; i++)
		n += vm_pool_page(pool, i)->wire_count;
	return (n);
}

uint64_t
vm_pool_held(const struct vm_pool *pool)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < pool->npages; i++)
		n += vm_pool_page(pool, i)->hold_count;
	return (n);
}

struct eph_machine *
vm_pool_machine(const struct vm_pool *pool)
{
	return (pool->mc);
}
