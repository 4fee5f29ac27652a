/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_VNODE_PAGER_H
#define EPHMAP_KERNEL_VNODE_PAGER_H

/*
 * Paging in from a file: a page is mapped, shared because the driver may
 * fill it on another CPU, kept across the disk I/O, and what lies past the
 * end of the file is zeroed through a private mapping of its own.
 */

#include "ephmap/sdk/mapper.h"

/*
 * The device: put block `block` of `bsize` bytes at offset `off` of the
 * mapped page, on whatever CPU it works.  May sleep.  0 or an errno.
 */
typedef int vnode_pager_read(void *arg, const struct eph_mapped *mapped,
    uint64_t block, size_t off, size_t bsize);

/*
 * A small-block file system: page `m` is page number `pindex` of a file of
 * `size` bytes, in blocks of `bsize`; all blocks by one mapping.  Returns
 * 0, or what the device or eph_mapper_map() returned, nothing mapped.
 */
int eph_vnode_pager_input_smlfs(struct eph_mapper *mp, struct vm_page *m,
    uint64_t pindex, uint64_t size, size_t bsize, vnode_pager_read *fn,
    void *arg);

/* Zero from `off` to the end of the page. */
int eph_vnode_pager_zero_tail(
    struct eph_mapper *mp, struct vm_page *m, size_t off);

#endif /* !EPHMAP_KERNEL_VNODE_PAGER_H */
