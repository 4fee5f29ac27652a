/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MD_H
#define EPHMAP_KERNEL_MD_H

/*
 * A memory disk backed by pages, as md(4)'s swap type: a page at a time is
 * mapped privately, copied to or from the request's buffer, and unmapped.
 * A page that was never written reads as zeros and takes no memory.
 *
 * Requests are made on the CPU of the disk's worker, one at a time.
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/kernel/vm_pool.h"

#define MD_SECTOR 512u

struct md_disk;

/* A disk of `npages`.  Returns 0 and sets *mdp, or ENOMEM. */
int eph_md_create(struct eph_mapper *mp, struct vm_pool *pool, uint32_t npages,
    struct md_disk **mdp);

/* Destroy it and free its pages.  NULL is accepted. */
void eph_md_destroy(struct md_disk *md);

/*
 * Move `n` bytes at offset `off` between the disk and the kernel's `buf`.
 * Returns 0, EINVAL (not whole sectors inside the disk), ENOSPC (no page),
 * or as eph_mapper_map(); part of it may have been moved then.
 */
int eph_md_strategy(
    struct md_disk *md, bool write, uint64_t off, void *buf, size_t n);

#endif /* !EPHMAP_KERNEL_MD_H */
