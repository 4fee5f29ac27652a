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

/* Address of `npages` fresh pages, or 0 when there are none left. */
eph_va_t eph_kva_alloc(struct eph_machine *mc, uint32_t npages);

/* Give back a range got from kva_alloc(), whole or in parts. */
void eph_kva_free(struct eph_machine *mc, eph_va_t va, uint32_t npages);

/*
 * Reserve `npages` whose page-table pages are per CPU: one address, an
 * entry of its own on every CPU.  A machine has one such window and keeps
 * it: asking again gives the same, 0 when it is too small or there is none.
 */
eph_va_t eph_kva_window(struct eph_machine *mc, uint32_t npages);

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
