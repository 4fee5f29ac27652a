/* SPDX-License-Identifier: BSD-2-Clause */

/* lwbuf_*: the kernels' names over any design that hands out lwbufs. */

#include "ephmap/kernel/lwbuf.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "design/lwbuf_core.h"
#include "ephmap/sdk/shootdown.h"

/* What an lwbuf has beyond other mappings: set_global. */
struct lwbuf_kind {
	const char *design;
	int (*set_global)(void *state, struct lwbuf *lwb);
};

struct lwbuf_pool {
	struct eph_machine *mc;		  /* (c) */
	const struct eph_design_ops *ops; /* (c) */
	const struct lwbuf_kind *kind;	  /* (c) */
	void *state;			  /* (c) */
};

/* The direct map is global. */
static int
set_global_already(void *state, struct lwbuf *lwb)
{
	(void)state;
	(void)lwb;
	return (0);
}

static int
set_global_never(void *state, struct lwbuf *lwb)
{
	(void)lwb;
	return (eph_machine_refuse(*(struct eph_machine **)state,
	    "lwbuf_set_global: each CPU has an address of its own"));
}

static const struct lwbuf_kind lwbuf_kinds[] = {
	{ "lwbuf.kvalist", eph__lwbuf_core_set_global },
	{ "lwbuf.homecpu", eph__lwbuf_core_set_global },
	{ "lwbuf.reserve", eph__lwbuf_core_set_global },
	{ "lwbuf.objcache", eph__lwbuf_core_set_global_once },
	{ "lwbuf.dmap", set_global_already },
	{ "lwbuf.pcpu", set_global_never },
	{ "lwbuf.pcpu-kva", set_global_never },
	{ NULL, NULL },
};

int
lwbuf_pool_create(struct eph_machine *mc, const char *design,
    struct lwbuf_pool **poolp, struct eph_err *err)
{
	const struct eph_design_config cfg = { .nbufs = 0 };
	const struct lwbuf_kind *kind = lwbuf_kinds;
	struct lwbuf_pool *pool;
	int error;

	while (kind->design != NULL && strcmp(kind->design, design) != 0)
		kind++;
	if (kind->design == NULL)
		return (
		    eph_err_set(err, ENOENT, "no lwbuf design '%s'", design));
	if ((pool = eph_machine_alloc(mc, sizeof(*pool))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	pool->mc = mc;
	pool->ops = eph_design_find(design);
	pool->kind = kind;
	error = eph_machine_set_shootdown(
	    mc, eph_shootdown_find(pool->ops->shootdown));
	if (error != 0)
		(void)eph_err_set(err, error, "out of memory");
	else
		error =
		    eph_design_create(pool->ops, mc, &cfg, &pool->state, err);
	if (error != 0)
		eph_machine_free(mc, pool, sizeof(*pool));
	else
		*poolp = pool;
	return (error);
}

void
lwbuf_pool_destroy(struct lwbuf_pool *pool)
{
	if (pool == NULL)
		return;
	pool->ops->destroy(pool->state);
	eph_machine_free(pool->mc, pool, sizeof(*pool));
}

struct lwbuf *
lwbuf_alloc(struct lwbuf_pool *pool, struct vm_page *m)
{
	struct eph_mapping mp;

	if (pool->ops->map(pool->state, m, SFB_DEFAULT, &mp) != 0)
		return (NULL);
	return (mp.obj);
}

void
lwbuf_free(struct lwbuf_pool *pool, struct lwbuf *lwb)
{
	if (pool->ops->unmap(pool->state, lwb) != 0)
		PANIC("lwbuf_free was refused");
}

eph_va_t
lwbuf_kva(struct lwbuf_pool *pool, struct lwbuf *lwb)
{
	return (pool->ops->kva(pool->state, lwb));
}

struct vm_page *
lwbuf_page(struct lwbuf_pool *pool, struct lwbuf *lwb)
{
	return (pool->ops->page(pool->state, lwb));
}

int
lwbuf_set_global(struct lwbuf_pool *pool, struct lwbuf *lwb)
{
	return (pool->kind->set_global(pool->state, lwb));
}

const struct eph_design_ops *
lwbuf_pool_design(const struct lwbuf_pool *pool)
{
	return (pool->ops);
}

void *
lwbuf_pool_state(const struct lwbuf_pool *pool)
{
	return (pool->state);
}
