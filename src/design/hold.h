/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_HOLD_H
#define DESIGN_HOLD_H

/*
 * A lock that is taken by map and released by unmap, so that one mapping at a
 * time is all there is.
 *
 * With `spin` the section is critical too.  Without, another thread of the
 * same CPU may run and wait for the lock.  A replay plays one line after the
 * other, so that in lockstep no CPU can be waited for: a second mapping is
 * refused there, and where it would be the same thread's everywhere.
 */

#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/names.h"
#include "ephmap/sdk/design.h"

struct hold {
	struct eph_mutex lock;
	const char *what;	 /* (c) one mapping, in words */
	bool spin;		 /* (c) */
	_Atomic(uint64_t) owner; /* thread; 0: none */
	uint32_t cpu;		 /* (l) */
};

void eph__hold_init(struct hold *h, const char *what, bool spin);

/* 0, or ENOTSUP: refused. */
int eph__hold_enter(struct eph_machine *mc, struct hold *h);

/* May this CPU release it?  0, or ENOTSUP: refused. */
int eph__hold_mine(struct eph_machine *mc, const struct hold *h);
void eph__hold_exit(struct eph_machine *mc, struct hold *h);

/* Does the current thread hold it?  For switch hooks. */
bool eph__hold_is_mine(struct eph_machine *mc, struct hold *h);

#endif /* !DESIGN_HOLD_H */
