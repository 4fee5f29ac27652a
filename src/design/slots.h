/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SLOTS_H
#define DESIGN_SLOTS_H

/*
 * An array of addresses that are handed out one by one: what the mapping
 * caches of Xen, Linux, Haiku, NT, Plan 9 and Sun have in common.  Which one
 * is next, and when a TLB hears of it, is the design's.
 *
 * Key: (c) constant, (u) the user's of the slot, or the design's lock.
 */

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/design.h"
#include "ephmap/version.h"

struct slot {
	struct vm_page *m; /* (u) the page; NULL: the slot is free */
	eph_va_t kva;	   /* (c) */
	uint32_t refs;	   /* (u) users */
	uint32_t cpu;	   /* (u) that mapped it last */
};

struct slots {
	struct eph_machine *mc; /* (c) */
	const char *what;	/* (c) one slot, in words */
	uint32_t n;		/* (c) */
	eph_va_t window;	/* (c) 0: the design's own */
	struct slot *slot;	/* (c) n of them */
	void *percpu;		/* (c) of eph__slots_create(): by CPU */
	size_t percpu_bytes;	/* (c) of all CPUs */
	size_t bytes;		/* (c) of the whole state */
};

/* A cursor of one CPU; padded, because CPUs write theirs all the time. */
struct slots_cpu {
	uint32_t cursor;
	uint32_t epoch;
	char pad[56];
};

/*
 * Make `n` slots with consecutive addresses of KVA.  Returns 0, or ENOMEM or
 * EINVAL with `err` set; eph__slots_fini() also after it failed.
 */
int eph__slots_init(struct slots *sl, struct eph_machine *mc, uint64_t n,
    const char *what, struct eph_err *err);
void eph__slots_fini(struct slots *sl);

/*
 * create() and destroy() of a design whose state, of `bytes`, begins with
 * slots and has for each CPU `each` bytes more at `percpu` (0: nothing); all
 * of it is zeroed.  Returns 0 and sets *statep, or as eph__slots_init().
 */
int eph__slots_create(struct eph_machine *mc, size_t bytes, uint64_t n,
    const char *what, size_t each, void **statep, struct eph_err *err);
void eph__slots_destroy(void *state);

/*
 * Hand out `slot`, which is free, for `m`, and count a miss.  Give it
 * back: true if that was its last user, and it is free now.
 */
void eph__slots_use(struct slots *sl, struct slot *slot, struct vm_page *m);
bool eph__slots_leave(struct slots *sl, struct slot *slot);

/* A slot that still has its page is used again: count a hit. */
void eph__slots_hit(struct slots *sl, struct slot *slot, struct vm_page *m);

/* 0, or ENOTSUP: refused, as the slot was mapped on another CPU. */
int eph__slots_mine(struct slots *sl, const struct slot *slot);

/*
 * Nothing is free, and the original goes round until another CPU has unmapped
 * something: wait a moment.  False: in lockstep no CPU will.
 */
bool eph__slots_spin(struct slots *sl);

/* ENOTSUP: all slots of one kind are in use. */
int eph__slots_full(struct slots *sl, uint32_t n);

/* The entry of `m` with the machine's pgeflag. */
static inline eph_pte_t
eph__slots_pte(const struct slots *sl, const struct vm_page *m)
{
	return (vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | sl->mc->pgeflag);
}

static inline uint32_t
eph__slots_index(const struct slots *sl, const struct slot *slot)
{
	return ((uint32_t)(slot - sl->slot));
}

/* Slots of an eph_design_ops whose state begins with slots. */
eph_va_t eph__slots_kva(void *state, void *obj);
eph_va_t eph__slots_kva_mine(void *state, void *obj); /* refused elsewhere */
struct vm_page *eph__slots_page(void *state, void *obj);
void eph__slots_check(void *state, uint64_t held);

#endif /* !DESIGN_SLOTS_H */
