/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_WINDOWS_H
#define DESIGN_WINDOWS_H

/*
 * Windows of a CPU that differ in little: percpu_slots, and when the entry is
 * stored, cleared and invalidated.  A row's create() names its kind.
 *
 * Locking.  A critical section from map to unmap.
 */

#include "design/percpu_slots.h"
#include "ephmap/kernel/names.h"
#include "ephmap/version.h"

enum {
	WINDOWS_PRESET = 0x1, /* entries have A and M when they are stored */
	WINDOWS_CLEAR = 0x2,  /* unmapping stores 0 */
};

struct windows_kind {
	const char *what; /* one window, in words */
	uint32_t nslots;
	unsigned flags; /* WINDOWS_* */
};

int eph__windows_create(struct eph_machine *mc, const struct windows_kind *kind,
    void **statep, struct eph_err *err);
void eph__windows_destroy(void *state);

/* Store the entry and invalidate it here. */
int eph__windows_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp);
int eph__windows_unmap(void *state, void *obj);
void eph__windows_check(void *state, uint64_t held);

#endif /* !DESIGN_WINDOWS_H */
