/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_PERCPU_SLOTS_H
#define DESIGN_PERCPU_SLOTS_H

/*
 * Fixed addresses that belong to a CPU each: a few pages of KVA per CPU,
 * taken and given back as a stack.
 *
 * The addresses stand in the one page table of the kernel, so that another
 * CPU could follow them, but no CPU ever invalidates them anywhere else:
 * they are used on their own CPU only, and use elsewhere is refused.
 *
 * Locking.  None: a CPU's slots and depth are that CPU's, and callers are
 * in a critical section while they change them.
 */

#include "ephmap/sdk/design.h"

struct percpu_slot {
	struct vm_page *m; /* NULL: free */
	eph_va_t kva;	   /* (c) */
	uint32_t cpu;	   /* (c) whose it is */
	uint32_t level;	   /* (c) its place in the stack */
};

/* What one CPU holds; padded, because CPUs write theirs all the time. */
struct percpu_depth {
	uint32_t now;
	char pad[60];
};

struct percpu_slots {
	struct eph_machine *mc;	    /* (c) */
	const char *what;	    /* (c) one slot, in words */
	uint32_t nslots;	    /* (c) of each CPU */
	eph_va_t window;	    /* (c) */
	struct percpu_slot *slot;   /* by CPU, then level */
	struct percpu_depth *depth; /* by CPU */
};

/* Returns 0, or ENOMEM or EINVAL with `err` set. */
int eph__percpu_slots_init(struct percpu_slots *ps, struct eph_machine *mc,
    uint32_t nslots, const char *what, struct eph_err *err);

/* Release what eph__percpu_slots_init() took; also after it failed. */
void eph__percpu_slots_fini(struct percpu_slots *ps);

/*
 * Take the next slot of this CPU for `m` and count the map, a miss.  NULL
 * when all are in use: refused.  The caller writes the entry.
 */
struct percpu_slot *eph__percpu_slots_push(
    struct percpu_slots *ps, struct vm_page *m);

/*
 * May `slot` be given back here and now?  0, or ENOTSUP: refused, because
 * it is another CPU's or not the last one taken.
 */
int eph__percpu_slots_may_pop(
    struct percpu_slots *ps, const struct percpu_slot *s);

/* Give back the slot taken last, and count the unmap. */
void eph__percpu_slots_pop(struct percpu_slots *ps, struct percpu_slot *slot);

/*
 * Panics unless `held` slots are in use, from the bottom, and map their
 * pages.  With `cleared` those not in use must have no entry.
 */
void eph__percpu_slots_check(
    struct percpu_slots *ps, uint64_t held, bool cleared);

/*
 * The same for a design whose state is a percpu_slots and nothing else: its
 * create() and destroy().
 */
int eph__percpu_slots_create(struct eph_machine *mc, uint32_t nslots,
    const char *what, void **statep, struct eph_err *err);
void eph__percpu_slots_destroy(void *state);

/* Slots of an eph_design_ops whose state begins with percpu_slots. */
eph_va_t eph__percpu_slots_kva(void *state, void *obj);
struct vm_page *eph__percpu_slots_page(void *state, void *obj);

static inline struct percpu_slot *
percpu_slots_at(struct percpu_slots *ps, unsigned cpu, uint32_t level)
{
	return (&ps->slot[(size_t)cpu * ps->nslots + level]);
}

#endif /* !DESIGN_PERCPU_SLOTS_H */
