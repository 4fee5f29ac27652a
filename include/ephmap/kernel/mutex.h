/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MUTEX_H
#define EPHMAP_KERNEL_MUTEX_H

/*
 * Mutexes and spin locks of the simulated kernel.
 *
 * A mutex may be held across msleep(), which releases it; a spin lock is a
 * mutex taken inside a critical section, never across a sleep.  The "MP
 * lock" of the DragonFly designs is a mutex.  Not recursive: taking a lock
 * one holds is a panic.
 */

#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/exec.h"

struct eph_mutex {
	const char *name;	  /* (c) for timelines */
	struct eph_thread *owner; /* (x) under explore; NULL: free */
	_Atomic(uint32_t) held;	  /* (x) not 0 while held */
	unsigned last;		  /* (x) clocks: 1 + the CPU that had it */
	uint64_t free_at;	  /* (x) clocks: when it became free */
};

static inline void
eph_mutex_init(struct eph_mutex *mtx, const char *name)
{
	mtx->name = name;
	mtx->owner = NULL;
	mtx->last = 0;
	mtx->free_at = 0;
	atomic_init(&mtx->held, 0);
}

static inline bool
eph_mutex_owned(struct eph_mutex *mtx)
{
	/* Relaxed: only the owner may ask, and it reads its own store. */
	return (atomic_load_explicit(&mtx->held, memory_order_relaxed) != 0);
}

static inline void
eph_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	EPH_COUNT(mc, lock_acquire);
	/* Relaxed: in lockstep one host thread does everything. */
	if (eph_likely(mc->plain) &&
	    eph_likely(
		atomic_load_explicit(&mtx->held, memory_order_relaxed) == 0)) {
		atomic_store_explicit(&mtx->held, 1, memory_order_relaxed);
		return;
	}
	mc->exec->lock(mc, mtx);
}

static inline void
eph_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	/* Relaxed: as in mutex_enter. */
	if (eph_likely(mc->plain)) {
		atomic_store_explicit(&mtx->held, 0, memory_order_relaxed);
		return;
	}
	mc->exec->unlock(mc, mtx);
}

static inline void
eph_spin_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	eph_crit_enter(mc);
	eph_mutex_enter(mc, mtx);
}

static inline void
eph_spin_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	eph_mutex_exit(mc, mtx);
	eph_crit_exit(mc);
}

#endif /* !EPHMAP_KERNEL_MUTEX_H */
