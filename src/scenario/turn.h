/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Turns: threads of a scenario that take steps in an order.  The word is part
 * of what the scenario allocated with eph_machine_alloc(), so that a search
 * over states sees it.
 */

#ifndef EPHMAP_SCENARIO_TURN_H
#define EPHMAP_SCENARIO_TURN_H

#include <stdint.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"

/* Spin until it is turn `n`; by a thread of the scenario. */
static inline void
turn_wait(struct eph_xp *x, _Atomic(uint32_t) *turn, uint32_t n)
{
	/* Acquire pairs with the release in turn_pass. */
	while (eph_load_32(x->mc, turn, memory_order_acquire) != n)
		x->mc->exec->spin(x->mc);
}

/* It is turn `n` from now on. */
static inline void
turn_pass(struct eph_xp *x, _Atomic(uint32_t) *turn, uint32_t n)
{
	eph_store_32(x->mc, turn, n, memory_order_release);
}

#endif
