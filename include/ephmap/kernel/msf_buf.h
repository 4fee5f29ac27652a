/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MSF_BUF_H
#define EPHMAP_KERNEL_MSF_BUF_H

/*
 * msf_buf: a kernel mapping of up to MSF_PAGES pages in a row.
 *
 * A pool is the design `msf_buf` on one machine; the kernel has one, in
 * globals.  The pool owns the buffers.  The pages are borrowed: the caller
 * keeps them wired or held from msf_map_pagelist() to msf_buf_free().
 * Buffers are never shared: each map takes one of its own.
 *
 * All calls run on the current CPU of the machine.
 */

#include "ephmap/sdk/design.h"

#define MSF_PAGES 32u /* XIO_INTERNAL_PAGES: 128 KiB */

/*
 * The kernel's own flags for these calls.  Its code tests the SFB_ flags
 * instead: MSF_CATCH works because it has the value of SFB_CATCH there, but
 * MSF_CPUPRIVATE silently gives a shared mapping.  So it is here.
 */
enum {
	MSF_CATCH = SFB_CATCH,
	MSF_CPUPRIVATE = 0x8,
};

struct msf_buf;
struct msf_buf_pool;

/*
 * Create a pool of `msfbufs` buffers.  The machine takes one pool at a
 * time.  Returns 0 and sets *poolp, or
 *	EINVAL	msfbufs is 0 or the machine has not that much KVA
 *	ENOMEM	the host is out of memory
 */
int eph_msf_buf_pool_create(struct eph_machine *mc, uint32_t msfbufs,
    struct msf_buf_pool **poolp, struct eph_err *err);

/* Destroy it.  Every buffer must have been freed.  NULL is accepted. */
void eph_msf_buf_pool_destroy(struct msf_buf_pool *pool);

/*
 * Map `npages` pages, 1 to MSF_PAGES, in a row.  With SFB_CPUPRIVATE the
 * address is valid on the calling CPU only.  Sleeps while there is no free
 * buffer.  Returns 0 and sets *msfp, or ENOMEM when SFB_CATCH is set and a
 * signal came.
 */
int eph_msf_map_pagelist(struct msf_buf_pool *pool, struct msf_buf **msfp,
    struct vm_page *const *list, unsigned npages, unsigned flags);

/* Free it, on any CPU; its mapping stays.  Freeing it twice is a panic. */
void eph_msf_buf_free(struct msf_buf_pool *pool, struct msf_buf *msf);

/* Address of the first byte, bytes mapped, and the pages. */
eph_va_t eph_msf_buf_kva(const struct msf_buf *msf);
size_t eph_msf_buf_bytes(const struct msf_buf *msf);
struct vm_page *const *eph_msf_buf_pages(const struct msf_buf *msf);

/* The design's state, for its sysctls and check. */
void *eph_msf_buf_pool_state(const struct msf_buf_pool *pool);

#endif /* !EPHMAP_KERNEL_MSF_BUF_H */
