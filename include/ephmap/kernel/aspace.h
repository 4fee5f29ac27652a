/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_ASPACE_H
#define EPHMAP_KERNEL_ASPACE_H

/*
 * Address spaces: a region of kernel addresses whose entries are not the same
 * in all of them.
 *
 * A machine has one such region, or a window of each CPU's own (kva_window),
 * or neither; who has none pays nothing.  All CPUs begin in address space 0.
 * None of these sleeps.
 */

#include "ephmap/sdk/machine.h"

/*
 * A region of `npages` in each of `n` address spaces; asking again for no more
 * gives the same.  Returns 0 and sets *vap, or sets `err`:
 *	EINVAL	there is a smaller one, or a window, or the machine has no KVA
 *	ENOMEM	the host is out of memory
 */
int eph_aspace_region(struct eph_machine *mc, uint32_t npages, unsigned n,
    eph_va_t *vap, struct eph_err *err);

/*
 * Load address space `k` on the current CPU: CR3, so that what is not global
 * is flushed, counted as a local flush.  In a critical section.
 */
void eph_aspace_switch(struct eph_machine *mc, unsigned k);

/* The address space that CPU `cpu` is in. */
unsigned eph_aspace_of(const struct eph_machine *mc, unsigned cpu);

/* pmap_pte_store() in address space `k`.  In a critical section. */
void eph_aspace_pte_store(
    struct eph_machine *mc, unsigned k, eph_va_t va, eph_pte_t pte);

#endif /* !EPHMAP_KERNEL_ASPACE_H */
