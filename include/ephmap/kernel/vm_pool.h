/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_VM_POOL_H
#define EPHMAP_KERNEL_VM_POOL_H

/*
 * Free pages: vm_page_alloc and vm_page_free over a run of frames.
 *
 * A page that is freed while it is wired or held is under I/O: it goes
 * back when the last wiring and hold are gone, and no caller gets it before.
 * The frames and their contents are made with the pool, so that CPUs may
 * allocate at once.
 */

#include "ephmap/sdk/machine.h"

struct vm_pool;

/*
 * A pool of `npages` frames from frame number `first`.  Returns 0 and sets
 * *poolp, or ENOMEM.
 */
int eph_vm_pool_create(struct eph_machine *mc, uint32_t first, uint32_t npages,
    struct vm_pool **poolp);

/* Destroy it.  NULL is accepted. */
void eph_vm_pool_destroy(struct vm_pool *pool);

/* A page with undefined contents, or NULL when there is none. */
struct vm_page *eph_vm_pool_alloc(struct vm_pool *pool);
void eph_vm_pool_free(struct vm_pool *pool, struct vm_page *m);

/* Pages that are not free: handed out, or freed and still under I/O. */
uint32_t eph_vm_pool_used(struct vm_pool *pool);

/* Sum of wirings, and of holds, of the pool's pages. */
uint64_t eph_vm_pool_wired(const struct vm_pool *pool);
uint64_t eph_vm_pool_held(const struct vm_pool *pool);

struct eph_machine *eph_vm_pool_machine(const struct vm_pool *pool);

#endif /* !EPHMAP_KERNEL_VM_POOL_H */
