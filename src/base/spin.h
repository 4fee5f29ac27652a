/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_SPIN_H
#define BASE_SPIN_H

/*
 * A lock of the host's threads, held for a few instructions.  It is no lock
 * of a simulated kernel: nothing is counted, and no scheduler chooses there.
 */

#include <stdatomic.h>

static inline void
spin_lock(atomic_flag *lock)
{
	/* Acquire pairs with the release in spin_unlock. */
	while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire))
		continue;
}

static inline void
spin_unlock(atomic_flag *lock)
{
	atomic_flag_clear_explicit(lock, memory_order_release);
}

#endif /* !BASE_SPIN_H */
