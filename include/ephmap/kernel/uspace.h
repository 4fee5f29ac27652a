/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_USPACE_H
#define EPHMAP_KERNEL_USPACE_H

/*
 * A minimal user address space: virtual page to page and protection, and a
 * fault handler.  It is what page lists are made from and what kernel
 * copies to and from; its TLB is not modelled, because a user mapping is
 * never ephemeral.
 *
 * Copy on write: a page that uspace_cow() marked stays where it is while it
 * is wired or held, that is, under I/O.  The writer is not stalled, it gets
 * a new frame; with the I/O over it gets the page itself back.
 *
 * Every call may be made on any CPU.  Addresses and lengths need not be
 * aligned unless said so.
 */

#include "ephmap/kernel/vm_pool.h"

typedef uint64_t eph_uva_t; /* user virtual address */

enum {
	UPROT_NONE = 0x0,
	UPROT_READ = 0x1,
	UPROT_WRITE = 0x2,
};

#define EPH_UVA_BASE ((eph_uva_t)0x400000) /* below: nothing is ever mapped */

struct uspace;

/*
 * Called, with no lock held, for a page that is not there or does not
 * allow `prot`.  Returns 0 when it has mended that, else the access gets
 * EFAULT.
 */
typedef int uspace_fault_fn(
    void *arg, struct uspace *us, eph_uva_t uva, unsigned prot);

/*
 * An address space of `npages` from EPH_UVA_BASE, empty, that takes pages
 * from `pool`.  Returns 0 and sets *usp, or ENOMEM.
 */
int eph_uspace_create(
    struct vm_pool *pool, uint32_t npages, struct uspace **usp);

/* Destroy it and free the pages it owns.  NULL is accepted. */
void eph_uspace_destroy(struct uspace *us);

void eph_uspace_set_fault(struct uspace *us, uspace_fault_fn *fn, void *arg);

/*
 * Put zeroed pages of its own under [uva, uva + n), whole pages.  Returns
 * 0, or ENOMEM (what was there before stays), or EINVAL for a range that is
 * not page aligned or not inside the space.
 */
int eph_uspace_map(struct uspace *us, eph_uva_t uva, size_t n, unsigned prot);

/* Put another owner's page at a page-aligned `uva`; or EINVAL. */
int eph_uspace_enter(
    struct uspace *us, eph_uva_t uva, struct vm_page *m, unsigned prot);

/* Take away [uva, uva + n); own pages are freed. */
void eph_uspace_unmap(struct uspace *us, eph_uva_t uva, size_t n);

/*
 * The page under `uva` goes away into the caller's hands, who frees it to
 * the pool; NULL if it is not the space's own.
 */
struct vm_page *eph_uspace_steal(struct uspace *us, eph_uva_t uva);

/*
 * Give the space a page of the pool for its own, in place of what was under
 * `uva`, which is freed.
 */
int eph_uspace_give(
    struct uspace *us, eph_uva_t uva, struct vm_page *m, unsigned prot);

void eph_uspace_protect(
    struct uspace *us, eph_uva_t uva, size_t n, unsigned prot);

/* The next write to each page of [uva, uva + n) is a copy-on-write fault. */
void eph_uspace_cow(struct uspace *us, eph_uva_t uva, size_t n);

/*
 * The page under `uva`, faulted in for `prot` and held (vm_page_unhold()).
 * Returns 0 and sets *mp, or EFAULT, or ENOMEM when a copy was due and
 * there was no page for it.
 */
int eph_uspace_hold(
    struct uspace *us, eph_uva_t uva, unsigned prot, struct vm_page **mp);

/* The page under `uva` as it is, NULL if there is none.  No fault. */
struct vm_page *eph_uspace_page(struct uspace *us, eph_uva_t uva);

/* Write faults that found the page under I/O and took a new frame. */
uint64_t eph_uspace_cow_copies(const struct uspace *us);

/*
 * Move `n` bytes between the kernel's `kbuf` and user memory; frames with
 * stamps move a stamp instead.  Returns 0, or EFAULT or ENOMEM with some of
 * them moved.
 */
int eph_copyin(struct uspace *us, eph_uva_t uva, void *kbuf, size_t n);
int eph_copyout(struct uspace *us, const void *kbuf, eph_uva_t uva, size_t n);

struct eph_machine *eph_uspace_machine(const struct uspace *us);

#endif /* !EPHMAP_KERNEL_USPACE_H */
