/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_KVA_H
#define EPHMAP_KERNEL_KVA_H

/*
 * Kernel virtual address space for mappings: kmem_alloc_nofault and
 * kmem_free without their map locks.  Ranges are whole pages: of those given
 * back and long enough the last one, else the lowest never used.  Ranges
 * are not joined again.  Page-table pages under a range are made with it
 * and stay; freeing a range does not touch its entries, the caller must
 * have removed them.
 */

#include "ephmap/sdk/machine.h"

/*
 * Address of `npages` fresh pages, or 0: there are none left, or the host
 * has no memory for the page tables under them.
 */
eph_va_t eph_kva_alloc(struct eph_machine *mc, uint32_t npages);

/*
 * The same for a caller who must say why not; `what` are the things that want
 * the pages ("1024 buffers").  Returns 0 and sets *vap, or leaves it alone
 * and sets `err`:
 *	EINVAL	the machine has not that much KVA
 *	ENOMEM	the host is out of memory
 */
int eph_kva_get(struct eph_machine *mc, uint32_t npages, eph_va_t *vap,
    struct eph_err *err, const char *what, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/*
 * Give back a range got from kva_alloc(), whole or in parts.  Cannot fail:
 * the memory for the note was taken with the range.
 */
void eph_kva_free(struct eph_machine *mc, eph_va_t va, uint32_t npages);

/*
 * Reserve `npages` whose page-table pages are per CPU: one address, an
 * entry of its own on every CPU.  A machine has one such window and keeps
 * it: asking again gives the same.  Returns 0 and sets *vap, or leaves it
 * alone and sets `err`:
 *	EINVAL	the window there is is smaller, or the machine has no KVA
 *	ENOMEM	the host is out of memory
 */
int eph_kva_window(struct eph_machine *mc, uint32_t npages, eph_va_t *vap,
    struct eph_err *err);

/*
 * Make the table of page-table pages as large as it can get, so that it
 * does not move while CPUs walk it.  Returns 0 or ENOMEM.
 */
int eph_kva_fix_table(struct eph_machine *mc);

/* Has page number `page` of the mapping space ever been handed out? */
bool eph_kva_has_entry(const struct eph_machine *mc, uint32_t page);

/* Pages allocated now, and the most there ever were. */
struct eph_gauge eph_kva_usage(const struct eph_machine *mc);

#endif /* !EPHMAP_KERNEL_KVA_H */
