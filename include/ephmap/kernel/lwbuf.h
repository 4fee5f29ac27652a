/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_LWBUF_H
#define EPHMAP_KERNEL_LWBUF_H

/*
 * lwbuf: a lightweight mapping of one page, under the kernels' names.
 *
 * A pool is one lwbuf design on one machine, as in ephmap/kernel/sf_buf.h.  An
 * lwbuf is not shared and not counted: who shares one keeps a count of his
 * own.  The page is borrowed until lwbuf_free().
 *
 * All calls run on the current CPU of the machine (eph_cpu_enter(), or the
 * executor's thread).
 */

#include "ephmap/sdk/design.h"

struct lwbuf;
struct lwbuf_pool;

/*
 * Create a pool of the design `design` (lwbuf.kvalist, .homecpu, .reserve,
 * .objcache, .dmap, .pcpu, .pcpu-kva) with its historical shootdown
 * protocol.  The machine takes one pool at a time.  Returns 0 and sets
 * *poolp, or
 *	ENOENT	no design of that name hands out lwbufs
 *	EINVAL	the machine has not the KVA it needs
 *	ENOMEM	the host is out of memory
 */
int eph_lwbuf_pool_create(struct eph_machine *mc, const char *design,
    struct lwbuf_pool **poolp, struct eph_err *err);

/* Destroy it.  Every lwbuf must have been freed.  NULL is accepted. */
void eph_lwbuf_pool_destroy(struct lwbuf_pool *pool);

/*
 * Map `m`.  The address is valid on the calling CPU.  Sleeps while there is
 * no address space.  NULL if the host is out of memory, or the design
 * cannot do it (the machine's `refusal` says why).
 */
struct lwbuf *eph_lwbuf_alloc(struct lwbuf_pool *pool, struct vm_page *m);

/* Free it, once, on any CPU, after the last use on every CPU. */
void eph_lwbuf_free(struct lwbuf_pool *pool, struct lwbuf *lwb);

/*
 * The address, made valid on the calling CPU: each CPU that uses it calls
 * this first.  0: the design cannot do it here.
 */
eph_va_t eph_lwbuf_kva(struct lwbuf_pool *pool, struct lwbuf *lwb);

struct vm_page *eph_lwbuf_page(struct lwbuf_pool *pool, struct lwbuf *lwb);

/*
 * Make the address valid on every CPU.  Returns 0, or ENOTSUP where a CPU
 * has an address of its own (lwbuf.pcpu, lwbuf.pcpu-kva).
 */
int eph_lwbuf_set_global(struct lwbuf_pool *pool, struct lwbuf *lwb);

/* The design behind the pool, and its state. */
const struct eph_design_ops *eph_lwbuf_pool_design(
    const struct lwbuf_pool *pool);
void *eph_lwbuf_pool_state(const struct lwbuf_pool *pool);

#endif /* !EPHMAP_KERNEL_LWBUF_H */
