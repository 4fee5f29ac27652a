/* SPDX-License-Identifier: BSD-2-Clause */

/* See hold.h. */

#include "design/hold.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/atomic.h"

#define HOLD_NOBODY ((uint64_t)0)

void
eph__hold_init(struct hold *h, const char *what, bool spin)
{
	mutex_init(&h->lock, what);
	h->what = what;
	h->spin = spin;
	atomic_init(&h->owner, HOLD_NOBODY);
}

/* Who runs, never 0: a thread, or outside threads the CPU. */
static uint64_t
hold_me(struct eph_machine *mc)
{
	const struct eph_thread *td =
	    eph_serial(mc) ? NULL : mc->exec->curthread(mc);

	return (td != NULL ? (uint64_t)(uintptr_t)td
			   : (uint64_t)eph_curcpu(mc)->id + 1);
}

int
eph__hold_enter(struct eph_machine *mc, struct hold *h)
{
	const uint64_t me = hold_me(mc);
	/*
	 * Relaxed: the only answers that matter are our own store, and in
	 * lockstep there is one host thread.
	 */
	const uint64_t owner = eph_load_64(mc, &h->owner, memory_order_relaxed);

	if (owner == me)
		return (eph_machine_refuse(mc,
		    "CPU %u has a %s already: they do not nest",
		    eph_curcpu(mc)->id, h->what));
	if (owner != HOLD_NOBODY && eph_serial(mc))
		return (eph_machine_refuse(mc,
		    "CPU %u would wait for the %s, which CPU %u holds",
		    eph_curcpu(mc)->id, h->what, h->cpu));
	if (h->spin)
		spin_enter(mc, &h->lock);
	else
		mutex_enter(mc, &h->lock);
	eph_store_64(mc, &h->owner, me, memory_order_relaxed);
	h->cpu = eph_curcpu(mc)->id;
	return (0);
}

int
eph__hold_mine(struct eph_machine *mc, const struct hold *h)
{
	const unsigned me = eph_curcpu(mc)->id;

	if (h->cpu == me)
		return (0);
	return (eph_machine_refuse(mc,
	    "the %s of CPU %u cannot be used or unmapped on CPU %u", h->what,
	    h->cpu, me));
}

void
eph__hold_exit(struct eph_machine *mc, struct hold *h)
{
	eph_store_64(mc, &h->owner, HOLD_NOBODY, memory_order_relaxed);
	if (h->spin)
		spin_exit(mc, &h->lock);
	else
		mutex_exit(mc, &h->lock);
}

bool
eph__hold_is_mine(struct eph_machine *mc, struct hold *h)
{
	/* Relaxed: ours, if it is us. */
	return (atomic_load_explicit(&h->owner, memory_order_relaxed) ==
	    hold_me(mc));
}
