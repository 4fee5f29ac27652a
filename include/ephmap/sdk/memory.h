/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_MEMORY_H
#define EPHMAP_SDK_MEMORY_H

/*
 * Memory of a machine, and faults on purpose.  Any CPU may call these.
 */

#include "ephmap/sdk/event.h"
#include "ephmap/types.h"

struct eph_machine;

/* Bytes that are allocated from the machine now, its own included. */
size_t eph_machine_memory_bytes(const struct eph_machine *mc);

/* Allocate from the machine; sizes are in bytes.  NULL when out of memory. */
void *eph_machine_alloc(struct eph_machine *mc, size_t bytes); /* zeroed */
void eph_machine_free(struct eph_machine *mc, void *p, size_t bytes);

/* Make the next `n`th allocation fail, once; 0: none.  For tests. */
void eph_machine_fail_alloc(struct eph_machine *mc, uint64_t n);

/*
 * Make the `n`th opportunity from now for a fault of that kind fail, once;
 * 0: none.  Count the opportunities so far.
 */
void eph_machine_fail(struct eph_machine *mc, enum eph_fault kind, uint64_t n);
uint64_t eph_machine_fault_seen(
    const struct eph_machine *mc, enum eph_fault kind);

/* An opportunity: true if it must fail.  Called where kernels can fail. */
bool eph_machine_fails(struct eph_machine *mc, enum eph_fault kind);

#endif /* !EPHMAP_SDK_MEMORY_H */
