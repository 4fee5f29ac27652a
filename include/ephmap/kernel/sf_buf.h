/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_SF_BUF_H
#define EPHMAP_KERNEL_SF_BUF_H

/*
 * sf_buf: a kernel mapping of one page, under the kernels' names.
 *
 * A pool is one design that hands out sf_bufs, on one machine.  The kernel
 * has one pool and keeps it in globals; here it is an argument.  The pool
 * owns the buffers.  The page is borrowed: the caller keeps it allocated,
 * by a wire of his own where that is how pages are kept, from
 * sf_buf_alloc() to the matching sf_buf_free(), and then takes back his own
 * wire and no other.  The oldest versions (sf_buf.uncached, sf_buf.lru)
 * unwire a page that was wired for them; sf_buf_alloc() does that.
 *
 * One signature serves all versions: flags that a version did not have are
 * ignored, as its callers could not pass them.  The values are FreeBSD's
 * (ephmap/sdk/design.h); DragonFly had SFB_CPUPRIVATE 1 and SFB_CATCH 4.
 *
 * All calls run on the current CPU of the machine (eph_cpu_enter(), or the
 * executor's thread).
 */

#include "ephmap/sdk/design.h"

struct sf_buf;
struct sf_buf_pool;

/*
 * Create a pool of the sf_buf design `design` (sf_buf.uncached, .hash,
 * .lru, .cpumask, .accessed, ...) with `nsfbufs` buffers, its historical
 * shootdown protocol and policy.  The machine takes one pool at a time.
 * Returns 0 and sets *poolp, or
 *	ENOENT	no design of that name hands out sf_bufs
 *	EINVAL	nsfbufs is 0 or the machine has not that much KVA
 *	ENOMEM	the host is out of memory
 */
int eph_sf_buf_pool_create(struct eph_machine *mc, const char *design,
    uint32_t nsfbufs, struct sf_buf_pool **poolp, struct eph_err *err);

/* Destroy it.  Every buffer must have been freed.  NULL is accepted. */
void eph_sf_buf_pool_destroy(struct sf_buf_pool *pool);

/*
 * Map `m` and take a reference on the mapping.  Sleeps while every buffer
 * is referenced, unless SFB_NOWAIT and the version has it.  NULL only with
 * SFB_NOWAIT, or with SFB_CATCH and a signal.  With SFB_CPUPRIVATE the
 * address is valid on the calling CPU only.
 */
struct sf_buf *eph_sf_buf_alloc(
    struct sf_buf_pool *pool, struct vm_page *m, unsigned flags);

/* Drop a reference, on any CPU.  Freeing a free sf_buf is a panic. */
void eph_sf_buf_free(struct sf_buf_pool *pool, struct sf_buf *sf);

/* Take another reference on a buffer one holds.  Syncs no TLB. */
void eph_sf_buf_ref(struct sf_buf_pool *pool, struct sf_buf *sf);

/* Address, and page, of a buffer one holds. */
eph_va_t eph_sf_buf_kva(struct sf_buf_pool *pool, struct sf_buf *sf);
struct vm_page *eph_sf_buf_page(struct sf_buf_pool *pool, struct sf_buf *sf);

/* The design behind the pool, and its state. */
const struct eph_design_ops *eph_sf_buf_pool_design(
    const struct sf_buf_pool *pool);
void *eph_sf_buf_pool_state(const struct sf_buf_pool *pool);

#endif /* !EPHMAP_KERNEL_SF_BUF_H */
