/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SEGMAP_H
#define DESIGN_SEGMAP_H

/*
 * segmap's slots, hash and free lists, for the design and for its repaired
 * form; see segmap.c.
 *
 * Key: (c) constant, (s) guarded by the slot's lock, (h) by the lock of the
 * page's chain, (q) by the lock of the queue, (p) atomic.
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/mutex.h"

struct smap {
	struct eph_mutex lock; /* sm_mtx */
	struct vm_page *m;     /* (s) sm_vp and sm_off; NULL: none */
	eph_va_t kva;	       /* (c) */
	uint32_t refcnt;       /* (s) */
	uint32_t next;	       /* (q) */
	uint32_t prev;	       /* (q) */
	uint32_t queue;	       /* (s) of its free list it was put on last */
	bool listed;	       /* (q) */
	bool claimed;	       /* (q) when set, (s) when read or cleared */
};

struct smap_queue {
	struct eph_mutex lock;
	uint32_t head; /* (q) taken next */
	uint32_t tail; /* (q) */
	char pad[64];
};

struct smap_list {
	struct smap_queue q[2];
	_Atomic(uint32_t) alloc; /* (p) index of sm_allocq, the other is
				  * sm_releq; changed with both locks */
	_Atomic(uint32_t) want;	 /* (p) sm_want; raised with both locks */
};

/* scpu_free_ndx; padded, each CPU writes its own. */
struct segmap_cpu {
	uint32_t free_ndx;
	char pad[60];
};

struct segmap {
	struct eph_machine *mc;	 /* (c) */
	struct smap *slot;	 /* (c) nslots of them */
	struct eph_mutex *chain; /* (c) */
	struct smap_list *list;	 /* (c) nlists of them */
	struct segmap_cpu *cpu;	 /* (c) by CPU */
	uint32_t nslots;	 /* (c) */
	uint32_t chain_mask;	 /* (c) chains minus one */
	uint32_t nlists;	 /* (c) a power of two */
	eph_va_t window;	 /* (c) */
	struct eph_mutex wait;	 /* of the repaired form: for going to sleep */
};

/* What eph__segmap_take() does when every free list is empty. */
enum segmap_wait { SEGMAP_SLEEP, SEGMAP_RETURN };

/* The slot of `m` with a reference more, counted as a hit; or NULL. */
struct smap *eph__segmap_use(struct segmap *sm, struct vm_page *m);

/*
 * A slot that is not in use, out of the hash, without an entry and locked;
 * with SEGMAP_RETURN NULL if there is none.  `*oldp` is the page it held.
 * `first` is the free list to look at first, see eph__segmap_first().
 */
struct smap *eph__segmap_take(struct segmap *sm, uint32_t first,
    enum segmap_wait wait, struct vm_page **oldp);

/* Where this CPU looks first, this time. */
uint32_t eph__segmap_first(struct segmap *sm);

/*
 * Hash `slot` in as the one of `m`, and unlock it; or give it back because
 * `m` has one now.  Returns the one that counts, with a reference more; NULL
 * if that other one is gone already.
 */
struct smap *eph__segmap_enter(struct segmap *sm, struct smap *slot,
    struct vm_page *m, const struct vm_page *old);

#endif /* !DESIGN_SEGMAP_H */
