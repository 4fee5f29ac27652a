/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_FREELIST_H
#define DESIGN_FREELIST_H

/*
 * The kernels' own free lists as replacement policies: a TAILQ of slots
 * with 32-bit links, the head is recycled first.
 *
 * lru, after DragonFly dfbcf5a390 (2003-12-10) and FreeBSD 1.220.  A slot
 * is on the list while it is unreferenced; release puts it at the tail.
 * Invariant: on the list if and only if not pinned.
 *
 * lazy, after DragonFly 24712b9068 (2004-04-01).  A reference leaves the
 * slot where it is; victim() drops the pinned slots that it meets, and
 * their next release puts them back at the tail.  Invariant: a slot that is
 * not pinned is on the list.  The converse does not hold, and the order is
 * that of the last insertion, not of the last use.
 *
 * Inline, because every hit and every unmap comes here; designs call
 * through policy_call.h, which knows these two by address.
 */

#include "base/kassert.h"
#include "ephmap/sdk/policy.h"

struct freelist_link {
	uint32_t next;
	uint32_t prev;
};

struct freelist {
	struct eph_mem *mem; /* (c) */
	uint32_t nslots;     /* (c) */
	uint32_t head;	     /* recycled next */
	uint32_t tail;
	uint32_t count;		    /* slots on the list */
	uint64_t moves;		    /* off the list, to come back later */
	struct freelist_link *link; /* by slot */
	uint8_t *state;		    /* FREELIST_*, by slot */
};

enum {
	FREELIST_HOLDS = 0x1,  /* the slot holds a page */
	FREELIST_PINNED = 0x2, /* lazy only: it is referenced */
	FREELIST_LISTED = 0x4, /* it is on the list */
};

static inline void
freelist_append(struct freelist *fl, uint32_t slot)
{
	struct freelist_link *l = &fl->link[slot];

	l->next = EPH_NONE;
	l->prev = fl->tail;
	if (fl->tail != EPH_NONE)
		fl->link[fl->tail].next = slot;
	else
		fl->head = slot;
	fl->tail = slot;
	fl->state[slot] |= FREELIST_LISTED;
	fl->count++;
}

static inline void
freelist_unlink(struct freelist *fl, uint32_t slot)
{
	const struct freelist_link l = fl->link[slot];

	if (l.prev != EPH_NONE)
		fl->link[l.prev].next = l.next;
	else
		fl->head = l.next;
	if (l.next != EPH_NONE)
		fl->link[l.next].prev = l.prev;
	else
		fl->tail = l.prev;
	fl->state[slot] &= (uint8_t)~FREELIST_LISTED;
	fl->count--;
}

static inline void
freelist_lru_pin(struct freelist *fl, uint32_t slot)
{
	KASSERT(fl->state[slot] & FREELIST_LISTED, "pinned slot not listed");
	freelist_unlink(fl, slot);
	fl->moves++;
}

static inline void
freelist_lru_release(struct freelist *fl, uint32_t slot)
{
	KASSERT(!(fl->state[slot] & FREELIST_LISTED), "released slot listed");
	freelist_append(fl, slot);
}

static inline uint32_t
freelist_lru_victim(struct freelist *fl)
{
	const uint32_t slot = fl->head;

	if (slot != EPH_NONE)
		freelist_unlink(fl, slot);
	return (slot);
}

static inline void
freelist_lazy_pin(struct freelist *fl, uint32_t slot)
{
	fl->state[slot] |= FREELIST_PINNED;
}

static inline void
freelist_lazy_release(struct freelist *fl, uint32_t slot)
{
	fl->state[slot] &= (uint8_t)~FREELIST_PINNED;
	if (!(fl->state[slot] & FREELIST_LISTED))
		freelist_append(fl, slot);
}

static inline uint32_t
freelist_lazy_victim(struct freelist *fl)
{
	uint32_t slot;

	while ((slot = fl->head) != EPH_NONE) {
		freelist_unlink(fl, slot);
		if (!(fl->state[slot] & FREELIST_PINNED))
			break;
		/* Referenced while listed; its release lists it again. */
		fl->moves++;
	}
	return (slot);
}

#endif /* !DESIGN_FREELIST_H */
