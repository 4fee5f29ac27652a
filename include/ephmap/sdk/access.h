/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_ACCESS_H
#define EPHMAP_SDK_ACCESS_H

/*
 * Loads and stores through mappings, by the current CPU, and which CPU that
 * is.
 */

#include "ephmap/types.h"

struct eph_machine;
struct vm_page;

/*
 * One load or store at `va` by the current CPU, which means to reach `m`.
 * Counts, sets A and M, and reports a stale or possibly stale use.  Sets
 * *reached to the frame the access really went to (EPH_NONE: no valid
 * entry).  Returns 0, or ENOTSUP for a store through a read-only entry
 * (machine's `refusal` says so).
 */
int eph_machine_access(struct eph_machine *mc, eph_va_t va,
    enum eph_touch touch, const struct vm_page *m, uint32_t *reached);

/*
 * Move `n` bytes between `buf` and va + offset, through the translation
 * that the current CPU uses; one access.  Needs `full` frames, and the
 * range within one page.  Returns as eph_machine_access.
 */
int eph_machine_copyout(struct eph_machine *mc, eph_va_t va, size_t offset,
    void *buf, size_t n, const struct vm_page *m);
int eph_machine_copyin(struct eph_machine *mc, eph_va_t va, size_t offset,
    const void *buf, size_t n, const struct vm_page *m);

/*
 * In lockstep and by tests: go on as CPU `cpu`.  What is pending for it is
 * delivered first.
 */
void eph_cpu_enter(struct eph_machine *mc, unsigned cpu);

#endif /* !EPHMAP_SDK_ACCESS_H */
