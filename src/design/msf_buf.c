/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * msf_buf: buffers of 32 pages, found again by a hint in the first page.
 *
 * What it does.  A page remembers the buffer that mapped it last as first
 * page of a list (msf_hint).  A map takes that buffer if it is free, else
 * the one that has been free longest.  Then all entries are written: for a
 * private mapping by pmap_qenter2(), which stores and invalidates only what
 * differs, for a shared one by pmap_qenter(), unconditionally.
 *
 * Idea.  Transfers repeat with the same pages.  A hint costs one pointer
 * and no look-up, and a mapping that is already there costs a comparison.
 *
 * The hint is never compared with what the buffer holds: a hit says only
 * "this free buffer once mapped that page", and the entries decide what it
 * saves.  Buffers are not shared: the reference count is 0 or 1, and a page
 * that is mapped twice at once has two.
 *
 * A and M.  pmap_qenter2() wants A set, and stores it in advance, so that
 * an entry that was only read since compares equal.  A write sets M, so the
 * next comparison fails: store, invlpg, mask emptied.  pmap_qenter() does
 * not set A: a private hit after a shared map without a touch stores.
 *
 * Invariant: free if and only if on the free list; a CPU in the mask of a
 * buffer holds no outdated translation of it.
 *
 *	case (n pages)				L	F	IPI
 *	private hit, same pages, bit set,
 *	    not written since			0	0	0
 *	private hit, same pages, bit clear,
 *	    not written since			n	0	0
 *	private hit, same pages, written since	n	0	0	n stores
 *	private hit after a shared map, read	0	0	0
 *	private hit after a shared map that
 *	    nobody touched, or was written	n	0	0	n stores
 *	private, first j pages unchanged (bit
 *	    set), the rest changed		n-j	0	0	n-j stores
 *	private, miss				<= n	0	0
 *	shared, hit or miss			n	N-1	N-1	n stores
 *	free					0	0	0
 *	exhaustion				0 asleep, then as a miss
 *
 * "Written since" is by page: a page that was not written costs its invlpg
 * only because a page before it emptied the mask.
 *
 * Flags.  MSF_CPUPRIVATE exists, but the code tests SFB_CPUPRIVATE: passing
 * the former gives a shared mapping.
 *
 * Counting.  hit_inactive is the kernel's msf_hits, whatever the buffer
 * holds; evict goes by the first page of the list mapped last.  In a replay
 * each map uses one page.
 *
 * Quirks kept.  Shared maps flush the other CPUs and do not wait, even on a
 * hit (unacked-flush).  wakeup_one(), and so the lost wakeup with
 * SFB_CATCH.  A kernel built for one CPU would use pmap_qenter2() for
 * shared maps too; this is the SMP kernel, on one CPU also.  The list of
 * pages is one array of msf->pages: no page is held, as in the original.
 *
 * Locking.  A critical section under the MP lock.
 *
 * DragonFly a5d36a1d7a, 2005-03-04, Matthew Dillon, in the form of 2008-12;
 * first d6a46bb7c4, 2004-06-05, Hiten Pandya; removed e3c80b53ec,
 * 2010-03-05.
 */

#include "ephmap/kernel/msf_buf.h"

#include <errno.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "design/policy_call.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"
#include "machine/frames.h"

/* Key: (c) constant, (l) guarded by the pool's lock, (r) its one holder's. */
struct msf_buf {
	eph_va_t ms_kva;		  /* (c) */
	uint32_t refcnt;		  /* (l) 0 or 1 */
	uint32_t npages;		  /* (r) */
	struct vm_page *pages[MSF_PAGES]; /* (r) the list mapped last */
};

struct msf_state {
	struct eph_machine *mc;	  /* (c) */
	struct msf_buf *bufs;	  /* (c) nbufs of them */
	eph_cpuword_t *masks;	  /* (r) ms_cpumask of each */
	uint32_t nbufs;		  /* (c) */
	uint32_t fresh;		  /* (l) first buffer never used */
	uint32_t count;		  /* (l) msf_buf_count: free buffers */
	uint32_t alloc_want;	  /* (l) sleepers */
	struct policy_ref policy; /* (l) the free list */
	struct eph_mutex lock;	  /* the MP lock */
	uint64_t hits;		  /* (l) */
	uint64_t misses;	  /* (l) */
	eph_va_t window;	  /* (c) */
};

/* Creation */

/* Every page may carry a hint, not only those that are mapped now. */
static void
msf_forget_hints(struct eph_machine *mc)
{
	const struct eph_frames *fr = mc->frames;

	for (uint32_t c = 0; c < fr->nchunks; c++) {
		for (uint32_t i = 0; fr->chunks[c] != NULL && i < FRAME_CHUNK;
		     i++)
			fr->chunks[c][i].hint = 0;
	}
}

static size_t
msf_mask_bytes(const struct msf_state *ms)
{
	return ((size_t)ms->nbufs * ms->mc->cpuwords * sizeof(*ms->masks));
}

static void
msf_destroy(void *state)
{
	struct msf_state *ms = state;
	struct eph_machine *mc = ms->mc;

	if (ms->policy.ps != NULL)
		ms->policy.ops->destroy(ms->policy.ps);
	msf_forget_hints(mc);
	if (ms->window != 0)
		kva_free(mc, ms->window, ms->nbufs * MSF_PAGES);
	eph_machine_free(mc, ms->masks, msf_mask_bytes(ms));
	eph_machine_free(mc, ms->bufs, ms->nbufs * sizeof(*ms->bufs));
	eph_machine_free(mc, ms, sizeof(*ms));
}

static int
msf_init(struct msf_state *ms, const struct eph_design_config *cfg,
    struct eph_err *err)
{
	struct eph_machine *mc = ms->mc;
	struct eph_policy_env env = cfg->policy_env;
	int error;

	if (ms->nbufs == 0)
		return (eph_err_set(
		    err, EINVAL, "0 buffers: a pool needs at least 1"));
	error = eph_kva_get(mc,
	    ms->nbufs <= mc->kva_pages / MSF_PAGES ? ms->nbufs * MSF_PAGES : 0,
	    &ms->window, err, "%u buffers of %u pages", ms->nbufs, MSF_PAGES);
	if (error != 0)
		return (error);
	ms->bufs = eph_machine_alloc(mc, ms->nbufs * sizeof(*ms->bufs));
	ms->masks = eph_machine_alloc(mc, msf_mask_bytes(ms));
	if (ms->bufs == NULL || ms->masks == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u buffers", ms->nbufs));
	for (uint32_t i = 0; i < ms->nbufs; i++)
		ms->bufs[i].ms_kva = ms->window + eph_ptoa(i * MSF_PAGES);
	ms->policy.ops = cfg->policy != NULL ? cfg->policy : &eph_policy_lru;
	env.mem = mc->mem;
	env.nslots = ms->nbufs;
	env.npages_hint = cfg->npages_hint;
	return (ms->policy.ops->create(&env, &ms->policy.ps, err));
}

static int
msf_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct msf_state *ms = eph_machine_alloc(mc, sizeof(*ms));
	int error;

	if (ms == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	ms->mc = mc;
	ms->nbufs = ms->count = cfg->nbufs;
	mutex_init(&ms->lock, "msf_buf lock");
	if ((error = msf_init(ms, cfg, err)) != 0)
		msf_destroy(ms);
	else
		*statep = ms;
	return (error);
}

/* Buffers */

static uint32_t
msf_index(const struct msf_state *ms, const struct msf_buf *msf)
{
	return ((uint32_t)(msf - ms->bufs));
}

/* The free buffer that mapped `m` last, or NULL. */
static struct msf_buf *
msf_take_hinted(struct msf_state *ms, struct vm_page *m)
{
	struct msf_buf *msf = m->hint != 0 ? &ms->bufs[m->hint - 1] : NULL;
	struct eph_cpu *cpu = eph_curcpu(ms->mc);
	uint32_t slot;

	if (msf == NULL || msf->refcnt != 0)
		return (NULL);
	slot = msf_index(ms, msf);
	cpu->c.map_calls++;
	cpu->c.hit_inactive++;
	ms->hits++;
	if (msf->pages[0] == m) {
		policy_hit(&ms->policy, slot);
		policy_pin(&ms->policy, slot);
	} else {
		/* For a policy the slot changes hands. */
		ms->policy.ops->forget(ms->policy.ps, slot);
		ms->policy.ops->insert(ms->policy.ps, slot, m->frame);
	}
	EPH_NOTE(ms->mc, "hint: buffer %u, %s", slot,
	    msf->pages[0] == m ? "which maps the page"
			       : "which maps another page now");
	return (msf);
}

/* The buffer that has been free longest, sleeping if there is none. */
static struct msf_buf *
msf_take_oldest(struct msf_state *ms, struct vm_page *m, bool catch, int *error)
{
	struct eph_cpu *cpu;
	uint32_t slot;
	bool slept = false;

	for (;;) {
		slot = ms->fresh < ms->nbufs
		    ? ms->fresh++
		    : policy_victim(&ms->policy, m->frame);
		if (slot != EPH_NONE)
			break;
		ms->alloc_want++;
		*error = msleep(ms->mc, &ms->alloc_want, &ms->lock,
		    catch ? PCATCH : 0, "msfbuf", 0);
		ms->alloc_want--;
		cpu = eph_curcpu(ms->mc);
		if (*error != 0) {
			cpu->c.map_calls++;
			cpu->c.map_fail++;
			return (NULL);
		}
		slept = true;
	}
	if (slept)
		msleep_done(ms->mc);
	cpu = eph_curcpu(ms->mc);
	cpu->c.map_calls++;
	cpu->c.miss++;
	ms->misses++;
	if (ms->bufs[slot].npages != 0 && ms->bufs[slot].pages[0] != m)
		cpu->c.evict++;
	m->hint = slot + 1;
	ms->policy.ops->insert(ms->policy.ps, slot, m->frame);
	EPH_NOTE(ms->mc, "no hint: buffer %u", slot);
	return (&ms->bufs[slot]);
}

static struct msf_buf *
msf_buf_alloc(
    struct msf_state *ms, struct vm_page *first, bool catch, int *error)
{
	struct msf_buf *msf;

	mutex_enter(ms->mc, &ms->lock);
	if ((msf = msf_take_hinted(ms, first)) == NULL)
		msf = msf_take_oldest(ms, first, catch, error);
	if (msf != NULL) {
		msf->refcnt = 1;
		ms->count--;
		eph_bufs_inc(ms->mc);
	}
	mutex_exit(ms->mc, &ms->lock);
	return (msf);
}

/* Outside the lock: the buffer is its holder's. */
static void
msf_enter(struct msf_state *ms, struct msf_buf *msf, bool private)
{
	struct eph_machine *mc = ms->mc;
	eph_cpuword_t *mask =
	    &ms->masks[(size_t)msf_index(ms, msf) * mc->cpuwords];

	if (private) {
		pmap_qenter2(mc, msf->ms_kva, msf->pages, msf->npages, mask);
	} else {
		pmap_qenter(mc, msf->ms_kva, msf->pages, msf->npages);
		eph_cpuset_copy(mask, mc->allcpus, mc->cpuwords);
	}
}

/* NULL with *error set when a signal came. */
static struct msf_buf *
msf_map_pages(struct msf_state *ms, struct vm_page *const *list,
    unsigned npages, unsigned flags, int *error)
{
	struct msf_buf *msf =
	    msf_buf_alloc(ms, list[0], (flags & SFB_CATCH) != 0, error);

	if (msf == NULL)
		return (NULL);
	for (unsigned k = 0; k < npages; k++)
		msf->pages[k] = list[k];
	msf->npages = npages;
	msf_enter(ms, msf, (flags & SFB_CPUPRIVATE) != 0);
	return (msf);
}

/* eph_design_ops */

static int
msf_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	int error = 0;
	struct msf_buf *msf = msf_map_pages(state, &m, 1, flags, &error);

	if (msf != NULL)
		*mp = (struct eph_mapping){ msf, msf->ms_kva };
	return (error);
}

static int
msf_unmap(void *state, void *obj)
{
	struct msf_state *ms = state;
	struct msf_buf *msf = obj;

	mutex_enter(ms->mc, &ms->lock);
	if (msf->refcnt == 0)
		PANIC("msf_buf_free: freeing a free msf_buf");
	msf->refcnt = 0;
	ms->count++;
	policy_release(&ms->policy, msf_index(ms, msf));
	EPH_COUNT(ms->mc, unmap_calls);
	eph_bufs_dec(ms->mc);
	if (eph_unlikely(ms->alloc_want > 0))
		wakeup_one(ms->mc, &ms->alloc_want);
	mutex_exit(ms->mc, &ms->lock);
	return (0);
}

static eph_va_t
msf_kva(void *state, void *obj)
{
	EPH_COUNT(((const struct msf_state *)state)->mc, kva_calls);
	return (((const struct msf_buf *)obj)->ms_kva);
}

static struct vm_page *
msf_page(void *state, void *obj)
{
	(void)state;
	return (((const struct msf_buf *)obj)->pages[0]);
}

static void
msf_buf_check(const struct msf_state *ms, const struct msf_buf *msf)
{
	if (msf->refcnt > 1)
		PANIC("an msf_buf has more than one reference");
	if (msf->refcnt == 1 && msf_index(ms, msf) >= ms->fresh)
		PANIC("a referenced msf_buf was never used");
	for (uint32_t k = 0; msf->refcnt == 1 && k < msf->npages; k++) {
		if (pmap_kextract(ms->mc, msf->ms_kva + eph_ptoa(k)) !=
		    msf->pages[k]->frame)
			PANIC("a referenced msf_buf does not map its pages");
	}
}

static void
msf_check(void *state, uint64_t held)
{
	struct msf_state *ms = state;
	uint64_t refs = 0;

	for (uint32_t i = 0; i < ms->nbufs; i++) {
		msf_buf_check(ms, &ms->bufs[i]);
		refs += ms->bufs[i].refcnt;
	}
	if (refs != held)
		PANIC("references held and references counted differ");
	if (ms->count != ms->nbufs - refs)
		PANIC("msf_buf_count is wrong");
	ms->policy.ops->check(ms->policy.ps);
}

static uint64_t
msf_get_msfbufs(void *state)
{
	return (((const struct msf_state *)state)->nbufs);
}

static uint64_t
msf_get_count(void *state)
{
	return (((const struct msf_state *)state)->count);
}

static uint64_t
msf_get_hits(void *state)
{
	return (((const struct msf_state *)state)->hits);
}

static uint64_t
msf_get_misses(void *state)
{
	return (((const struct msf_state *)state)->misses);
}

static int
msf_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}

static const struct eph_sysctl msf_sysctls[] = {
	{ "kern.ipc.msfbufs", "buffers in the pool", msf_get_msfbufs,
	    msf_set_denied, NULL },
	{ "kern.ipc.msf_bufs", "buffers in the pool", msf_get_count,
	    msf_set_denied,
	    "described as the number of buffers, it is the number of free "
	    "ones: the kernel counts in the variable that it exports" },
	{ "kern.ipc.msf_hits", "maps whose hint named a free buffer",
	    msf_get_hits, msf_set_denied,
	    "says nothing of what that buffer maps" },
	{ "kern.ipc.msf_misses", "maps that took the oldest free buffer",
	    msf_get_misses, msf_set_denied, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__msf_buf_ops = {
	.abi = EPHMAP_ABI,
	.name = "msf_buf",
	.summary =
	    "32-page buffers, a hint in the first page, entries compared",
	.origin = "DragonFly a5d36a1d7a, Dillon; as of 2008-12",
	.date = "2005-03-04",
	.from = "sf_buf.cpumask",
	.costs = "everybody, a miss of 32 pages",
	.holes = "un-acked flush (shared); lost wakeup (wakeup_one with an "
		 "interruptible sleeper)",
	.shootdown = "unacked-flush",
	.policy = "lru",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_PRIVATE | EPH_DESIGN_CACHE | EPH_DESIGN_POLICY |
	    EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = msf_create,
	.destroy = msf_destroy,
	.map = msf_map,
	.unmap = msf_unmap,
	.kva = msf_kva,
	.page = msf_page,
	.check = msf_check,
	.sysctls = msf_sysctls,
};

/* The kernel's names */

struct msf_buf_pool {
	struct eph_machine *mc;
	struct msf_state *ms;
};

int
msf_buf_pool_create(struct eph_machine *mc, uint32_t msfbufs,
    struct msf_buf_pool **poolp, struct eph_err *err)
{
	const struct eph_design_config cfg = { .nbufs = msfbufs };
	struct msf_buf_pool *pool = eph_machine_alloc(mc, sizeof(*pool));
	void *state;
	int error;

	if (pool == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph_machine_set_shootdown(
	    mc, eph_shootdown_find(eph__msf_buf_ops.shootdown));
	if (error != 0)
		error = eph_err_set(err, ENOMEM, "out of memory");
	else
		error = msf_create(mc, &cfg, &state, err);
	if (error != 0) {
		eph_machine_free(mc, pool, sizeof(*pool));
		return (error);
	}
	*pool = (struct msf_buf_pool){ mc, state };
	*poolp = pool;
	return (0);
}

void
msf_buf_pool_destroy(struct msf_buf_pool *pool)
{
	if (pool == NULL)
		return;
	msf_destroy(pool->ms);
	eph_machine_free(pool->mc, pool, sizeof(*pool));
}

int
msf_map_pagelist(struct msf_buf_pool *pool, struct msf_buf **msfp,
    struct vm_page *const *list, unsigned npages, unsigned flags)
{
	struct msf_buf *msf;
	int error = 0;

	KASSERT(npages != 0 && npages <= MSF_PAGES, "a list of 1 to 32 pages");
	msf = msf_map_pages(pool->ms, list, npages, flags, &error);
	if (msf == NULL)
		return (ENOMEM);
	*msfp = msf;
	return (0);
}

void
msf_buf_free(struct msf_buf_pool *pool, struct msf_buf *msf)
{
	(void)msf_unmap(pool->ms, msf);
}

eph_va_t
msf_buf_kva(const struct msf_buf *msf)
{
	return (msf->ms_kva);
}

size_t
msf_buf_bytes(const struct msf_buf *msf)
{
	return ((size_t)msf->npages << EPH_PAGE_SHIFT);
}

struct vm_page *const *
msf_buf_pages(const struct msf_buf *msf)
{
	return (msf->pages);
}

void *
msf_buf_pool_state(const struct msf_buf_pool *pool)
{
	return (pool->ms);
}
