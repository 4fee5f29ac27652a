/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_FROMPHYS_H
#define EPHMAP_KERNEL_FROMPHYS_H

/*
 * uiomove_fromphys() and its callers, ptrace and procfs: one page at a
 * time, mapped privately by a thread that stays on its CPU, unmapped when
 * the copy faults too (76099f4cb8: kernels forgot).
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/kernel/uio.h"
#include "ephmap/kernel/uspace.h"

/*
 * Move up to `n` bytes from offset `off` of the pages on, as the uio says.
 * Returns 0, or as eph_mapper_map() and eph_mapper_read(); the uio tells how far it
 * came.
 */
int eph_uiomove_fromphys(struct eph_mapper *mp, struct vm_page *const *pages,
    size_t off, size_t n, struct eph_uio *uio);

/*
 * Read or write another process's memory, faulting it in and holding each
 * page, between its `uva` and `own` memory of the caller.  Returns 0,
 * EFAULT on either side, ENOMEM, or as eph_mapper_map(); sets *donep.
 */
int eph_proc_rwmem(struct eph_mapper *mp, struct uspace *target, eph_uva_t uva,
    struct uspace *us, eph_uva_t own, size_t n, bool write, size_t *donep);

#endif /* !EPHMAP_KERNEL_FROMPHYS_H */
