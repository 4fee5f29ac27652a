/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SF_POOL_H
#define DESIGN_SF_POOL_H

/*
 * What the sf_buf designs with a fixed pool have in common: the buffers and
 * their window of addresses, the index by page, who is handed out next, and
 * the wait for one.
 *
 * The index.  The kernels hash (m - vm_page_array) into nsfbufs chains.
 * Here a page carries the head of its own chain, which is their table with
 * one chain for each page: the same buffer is found, and where a page has
 * several (two threads missed on it and slept) the newest is found first,
 * as with LIST_INSERT_HEAD.
 *
 * Who is next.  Buffers never used go first, lowest first, as the kernels
 * put them on the free list at boot; then the policy chooses.
 *
 * Key: (c) constant, (l) guarded by the pool's lock.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/policy_call.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"

struct sf_buf {
	struct vm_page *m;  /* (l) mapped page, NULL if it holds none */
	eph_va_t kva;	    /* (c) where it is mapped */
	uint32_t refcnt;    /* (l) references held by callers */
	uint32_t page_next; /* (l) next buffer of the same page */
};

struct sf_pool {
	struct eph_machine *mc;	  /* (c) */
	struct sf_buf *bufs;	  /* (c) nbufs of them */
	uint32_t nbufs;		  /* (c) */
	uint32_t fresh;		  /* (l) first buffer never used */
	uint32_t words;		  /* (c) in a cpumask; 0: the design has none */
	uint32_t alloc_want;	  /* (l) sleepers, sf_buf_alloc_want */
	struct policy_ref policy; /* (l) */
	eph_cpuword_t *masks;	  /* (l) cpumask of each buffer */
	struct eph_mutex lock;	  /* guards all (l) */
	uint64_t allocwait;	  /* (l) sleeps for a buffer */
	struct eph_gauge used;	  /* (l) buffers referenced */
	eph_va_t window;	  /* (c) */
};

/*
 * Make a pool in `sp`, its masks with `words` words.  Returns 0, or ENOMEM
 * or EINVAL with `err` set.
 */
int eph__sf_pool_init(struct sf_pool *sp, struct eph_machine *mc,
    const struct eph_design_config *cfg, const struct eph_policy_ops *policy,
    unsigned words, struct eph_err *err);

/* Release what eph__sf_pool_init() took; also after it failed. */
void eph__sf_pool_fini(struct sf_pool *sp);

/*
 * Sleep until a buffer can be recycled for page `m`, and take it out of
 * the index.  Returns its number; EPH_NONE if nothing is free and `flags`
 * has SFB_NOWAIT (*error EAGAIN) or a signal came and `catch` (EINTR).
 * Called, and returns, with the lock held.
 */
uint32_t eph__sf_pool_take_slow(struct sf_pool *sp, const struct vm_page *m,
    bool nowait, bool catch, int *error);

/* Shared invariants; see eph_design_ops. */
void eph__sf_pool_check(struct sf_pool *sp, uint64_t held);

struct vm_page *eph__sf_pool_page(void *state, void *obj);
eph_va_t eph__sf_pool_kva(void *state, void *obj);
int eph__sf_pool_ref(void *state, void *obj);

/* Rows for a design's table of sysctls; `state` begins with the pool. */
uint64_t eph__sf_pool_get_nsfbufs(void *state);
uint64_t eph__sf_pool_get_used(void *state);
uint64_t eph__sf_pool_get_peak(void *state);
uint64_t eph__sf_pool_get_nsffree(void *state);
uint64_t eph__sf_pool_get_allocwait(void *state);
uint64_t eph__sf_pool_get_allocfail(void *state);
int eph__sf_pool_set_denied(void *state, uint64_t value); /* EPERM */

/* clang-format off */
#define SF_POOL_SYSCTL_NSFBUFS						       \
	{ "kern.ipc.nsfbufs", "buffers in the pool", eph__sf_pool_get_nsfbufs,      \
	    eph__sf_pool_set_denied, NULL }
#define SF_POOL_SYSCTL_NSFBUFSUSED					       \
	{ "kern.ipc.nsfbufsused", "buffers referenced", eph__sf_pool_get_used,      \
	    eph__sf_pool_set_denied, NULL }
#define SF_POOL_SYSCTL_NSFBUFSPEAK					       \
	{ "kern.ipc.nsfbufspeak", "most buffers ever referenced",	       \
	    eph__sf_pool_get_peak, eph__sf_pool_set_denied, NULL }
#define SF_POOL_SYSCTL_NSFFREE						       \
	{ "kern.ipc.nsffree", "buffers on the free list",		       \
	    eph__sf_pool_get_nsffree, eph__sf_pool_set_denied,			       \
	    "counts referenced buffers that a hit left on the list; "	       \
	    "free are nsfbufs - nsfbufsused" }
#define SF_POOL_SYSCTL_ALLOCWAIT					       \
	{ "kern.ipc.sfstat.sf_allocwait", "sleeps for a buffer",	       \
	    eph__sf_pool_get_allocwait, eph__sf_pool_set_denied, NULL }
#define SF_POOL_SYSCTL_ALLOCFAIL					       \
	{ "kern.ipc.sfstat.sf_allocfail", "allocations that returned none",    \
	    eph__sf_pool_get_allocfail, eph__sf_pool_set_denied, NULL }
/* clang-format on */

extern const struct eph_sysctl eph__sf_pool_sysctls[]; /* nsfbufs */

static inline uint32_t
sf_pool_index(const struct sf_pool *sp, const struct sf_buf *sf)
{
	return ((uint32_t)(sf - sp->bufs));
}

/* The mapping that `m` has, or NULL.  (hint is the index plus one.) */
static inline struct sf_buf *
sf_pool_lookup(const struct sf_pool *sp, const struct vm_page *m)
{
	return (m->hint != 0 ? &sp->bufs[m->hint - 1] : NULL);
}

static inline eph_cpuword_t *
sf_pool_mask(const struct sf_pool *sp, uint32_t slot)
{
	return (&sp->masks[(size_t)slot * sp->words]);
}

/* Take the buffer out of its page's chain; it must be in it. */
void eph__sf_pool_unchain(struct sf_pool *sp, struct sf_buf *sf);

/* The same, because `m` takes the buffer; counted if it is another page. */
void eph__sf_pool_evict(
    struct sf_pool *sp, struct sf_buf *sf, const struct vm_page *m);

/* Index `sf` under `m`, first of its buffers, with one reference. */
static inline void
sf_pool_link(struct sf_pool *sp, struct sf_buf *sf, struct vm_page *m)
{
	sf->m = m;
	sf->page_next = m->hint;
	m->hint = sf_pool_index(sp, sf) + 1;
	sf->refcnt = 1;
}

static inline void
sf_pool_used_inc(struct sf_pool *sp)
{
	if (++sp->used.now > sp->used.peak)
		sp->used.peak = sp->used.now;
	eph_bufs_inc(sp->mc);
}

static inline void
sf_pool_used_dec(struct sf_pool *sp)
{
	sp->used.now--;
	eph_bufs_dec(sp->mc);
}

/*
 * A hit: take a reference.  Counts; the lock is held.  True if the buffer
 * was unreferenced.
 */
static inline bool
sf_pool_hit(struct sf_pool *sp, struct sf_buf *sf)
{
	const uint32_t slot = sf_pool_index(sp, sf);
	struct eph_cpu *cpu = eph_curcpu(sp->mc);

	cpu->c.map_calls++;
	policy_hit(&sp->policy, slot);
	if (sf->refcnt++ != 0) {
		cpu->c.hit_active++;
		EPH_NOTE(sp->mc, "hit: buffer %u has the page, refcnt %u -> %u",
		    slot, sf->refcnt - 1, sf->refcnt);
		return (false);
	}
	cpu->c.hit_inactive++;
	policy_pin(&sp->policy, slot);
	sf_pool_used_inc(sp);
	EPH_NOTE(
	    sp->mc, "hit: unreferenced buffer %u still has the page", slot);
	return (true);
}

/*
 * A miss: a buffer for `m`, out of the index, sleeping if need be.  NULL
 * with *error set.  The caller links it and writes its entry.
 */
static inline struct sf_buf *
sf_pool_take(struct sf_pool *sp, const struct vm_page *m, bool nowait,
    bool catch, int *error)
{
	uint32_t slot;

	if (eph_unlikely(sp->fresh < sp->nbufs)) {
		EPH_NOTE(
		    sp->mc, "miss: buffer %u, never used before", sp->fresh);
		return (&sp->bufs[sp->fresh++]);
	}
	slot = policy_victim(&sp->policy, m->frame);
	if (eph_unlikely(slot == EPH_NONE)) {
		slot = eph__sf_pool_take_slow(sp, m, nowait, catch, error);
		if (slot == EPH_NONE)
			return (NULL);
	}
	eph__sf_pool_evict(sp, &sp->bufs[slot], m);
	return (&sp->bufs[slot]);
}

/* A miss got its buffer and page: count it. */
static inline void
sf_pool_missed(struct sf_pool *sp, struct sf_buf *sf)
{
	struct eph_cpu *cpu = eph_curcpu(sp->mc);
	const uint32_t slot = sf_pool_index(sp, sf);

	cpu->c.map_calls++;
	cpu->c.miss++;
	sp->policy.ops->insert(sp->policy.ps, slot, sf->m->frame);
	sf_pool_used_inc(sp);
}

static inline int
sf_pool_failed(struct sf_pool *sp, int error)
{
	struct eph_cpu *cpu = eph_curcpu(sp->mc);

	cpu->c.map_calls++;
	cpu->c.map_fail++;
	return (error);
}

/* Drop a reference; true if it was the last, which the policy was told. */
static inline bool
sf_pool_drop(struct sf_pool *sp, struct sf_buf *sf)
{
	const uint32_t slot = sf_pool_index(sp, sf);

	if (eph_unlikely(sf->refcnt == 0))
		PANIC("sf_buf_free: freeing a free sf_buf");
	eph_curcpu(sp->mc)->c.unmap_calls++;
	if (--sf->refcnt != 0)
		return (false);
	policy_release(&sp->policy, slot);
	sf_pool_used_dec(sp);
	EPH_NOTE(
	    sp->mc, "last reference to buffer %u dropped, mapping kept", slot);
	return (true);
}

/* wakeup_one for a sleeper in eph__sf_pool_take_slow(). */
static inline void
sf_pool_wakeup_one(struct sf_pool *sp)
{
	if (eph_unlikely(sp->alloc_want > 0))
		wakeup_one(sp->mc, &sp->alloc_want);
}

#endif /* !DESIGN_SF_POOL_H */
