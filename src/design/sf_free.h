/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SF_FREE_H
#define DESIGN_SF_FREE_H

/*
 * What the two sf_buf designs have in common that unmap at the last free: a
 * pool whose free buffers are a stack, used last in, first out.  How one
 * sleeps for a buffer, and who is woken, each has for itself.
 *
 * Key: (l) guarded by the pool's lock.
 */

#include "design/sf_pool.h"

/* The stack is the chain of `page_next`, from free_head. */
struct sf_free {
	struct sf_pool sp;
	uint32_t free_head; /* (l) index plus one, 0: empty */
	bool want;	    /* (l) a thread sleeps; sf_buf.uncached only */
};

/* The create() and destroy() of both. */
int eph__sf_free_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err);
void eph__sf_free_destroy(void *state);

/* Buffers on the stack; panics if one is referenced or there is a ring. */
uint32_t eph__sf_free_count(const struct sf_free *sf);

/* The buffer on top, of a stack that is not empty. */
static inline struct sf_buf *
sf_free_pop(struct sf_free *sf)
{
	struct sf_buf *buf = &sf->sp.bufs[sf->free_head - 1];

	sf->free_head = buf->page_next;
	return (buf);
}

static inline void
sf_free_push(struct sf_free *sf, struct sf_buf *buf)
{
	buf->page_next = sf->free_head;
	sf->free_head = sf_pool_index(&sf->sp, buf) + 1;
}

#endif /* !DESIGN_SF_FREE_H */
