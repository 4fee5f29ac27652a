/* SPDX-License-Identifier: BSD-2-Clause */

/* sf_buf_*: the kernels' names over any design that hands out sf_bufs. */

#include "ephmap/kernel/sf_buf.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/shootdown.h"

struct sf_buf_pool {
	struct eph_machine *mc;		  /* (c) */
	const struct eph_design_ops *ops; /* (c) */
	void *state;			  /* (c) */
};

int
sf_buf_pool_create(struct eph_machine *mc, const char *design, uint32_t nsfbufs,
    struct sf_buf_pool **poolp, struct eph_err *err)
{
	const struct eph_design_config cfg = { .nbufs = nsfbufs };
	const struct eph_design_ops *ops = eph_design_find(design);
	struct sf_buf_pool *pool;
	int error;

	if (ops == NULL || strncmp(design, "sf_buf.", 7) != 0)
		return (
		    eph_err_set(err, ENOENT, "no sf_buf design '%s'", design));
	error =
	    eph_machine_set_shootdown(mc, eph_shootdown_find(ops->shootdown));
	pool = eph_machine_alloc(mc, sizeof(*pool));
	if (error != 0 || pool == NULL) {
		eph_machine_free(mc, pool, sizeof(*pool));
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	pool->mc = mc;
	pool->ops = ops;
	if ((error = eph_design_create(ops, mc, &cfg, &pool->state, err)) !=
	    0) {
		eph_machine_free(mc, pool, sizeof(*pool));
		return (error);
	}
	*poolp = pool;
	return (0);
}

void
sf_buf_pool_destroy(struct sf_buf_pool *pool)
{
	if (pool == NULL)
		return;
	pool->ops->destroy(pool->state);
	eph_machine_free(pool->mc, pool, sizeof(*pool));
}

struct sf_buf *
sf_buf_alloc(struct sf_buf_pool *pool, struct vm_page *m, unsigned flags)
{
	struct eph_mapping mp;

	KASSERT(
	    (flags & ~(unsigned)(SFB_CATCH | SFB_CPUPRIVATE | SFB_NOWAIT)) == 0,
	    "unknown flag");
	if (eph_design_map(pool->ops, pool->mc, pool->state, m, flags, &mp) !=
	    0)
		return (NULL);
	return (mp.obj);
}

void
sf_buf_free(struct sf_buf_pool *pool, struct sf_buf *sf)
{
	if (pool->ops->unmap(pool->state, sf) != 0)
		PANIC("sf_buf_free was refused");
}

void
sf_buf_ref(struct sf_buf_pool *pool, struct sf_buf *sf)
{
	if (eph_design_ref(pool->ops, pool->state, sf) != 0)
		PANIC("this version has no sf_buf_ref");
}

eph_va_t
sf_buf_kva(struct sf_buf_pool *pool, struct sf_buf *sf)
{
	return (pool->ops->kva(pool->state, sf));
}

struct vm_page *
sf_buf_page(struct sf_buf_pool *pool, struct sf_buf *sf)
{
	return (pool->ops->page(pool->state, sf));
}

const struct eph_design_ops *
sf_buf_pool_design(const struct sf_buf_pool *pool)
{
	return (pool->ops);
}

void *
sf_buf_pool_state(const struct sf_buf_pool *pool)
{
	return (pool->state);
}
