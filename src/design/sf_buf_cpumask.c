/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.cpumask: sf_buf.lru with a mask of the CPUs in sync, CPU-private
 * mappings, and a lazy free list.
 *
 * Idea.  Most callers map, copy and unmap on one CPU.  They say so
 * (SFB_CPUPRIVATE), and get a mapping that is valid on their CPU only, for
 * one invlpg and no interrupt.  The mask remembers which CPUs have
 * invalidated since the entry was stored, so that each pays once.
 *
 * Lazy free list.  A hit leaves the buffer where it is on the free list; a
 * miss that meets a referenced one drops it, and its next last free lists
 * it again.  Invariant: refcnt == 0 implies on the list.  The converse does
 * not hold.  So the order of recycling is that of the last insertion: a
 * page that is hit a million times while it stays on the list goes when its
 * buffer reaches the head.
 *
 * All-ones test.  The original mask has 32 bits and "global" means all of
 * them: a mask that grew privately to every online CPU still pays a full
 * shared sync once, unless there are 32 CPUs.  As shipped up to 32 CPUs;
 * above, the mask has a bit for each CPU and is full when every bit is set.
 *
 *	case					L	R	IPI
 *	hit, private, my bit set		0	0	0
 *	hit, private, my bit clear		1	0	0
 *	hit, shared, mask full			0	0	0
 *	hit, shared, mask not full		1	N-1	N-1
 *	miss, private				1	0	0
 *	miss, shared				1	N-1	N-1
 *	free					0	0	0
 *	exhaustion				0 asleep, then as a miss
 *	debug.sfbuf_quick = 0			a private request is shared
 *
 * A hit is the same whether the buffer was referenced or not, a miss
 * whether it was used before or not.
 *
 * Quirks kept.  A shared sync invalidates on all CPUs, those in the mask
 * too.  kva() syncs nothing: a private mapping used on a CPU outside the
 * mask reads what that CPU's TLB still holds.  Only SFB_CATCH makes the
 * sleep interruptible; there is no SFB_NOWAIT.  wakeup_one(), and so the
 * lost wakeup.  No second look at the index after a sleep.
 *
 * Locking.  crit_enter() under the MP lock; the mask is not atomic.  The
 * commit itself had no critical section in free (added by 1d5af02594).
 *
 * DragonFly 24712b9068, 2004-04-01, Matthew Dillon.
 */

#include "design/sf_pool.h"
#include "ephmap/version.h"

struct sf_cpumask {
	struct sf_pool sp;
	uint64_t quick;	      /* (l) debug.sfbuf_quick */
	eph_cpuword_t full[]; /* (c) the mask that means "all" */
};

static size_t
sf_buf_cpumask_bytes(const struct eph_machine *mc)
{
	return (
	    sizeof(struct sf_cpumask) + mc->cpuwords * sizeof(eph_cpuword_t));
}

static void
sf_buf_cpumask_destroy(void *state)
{
	struct sf_cpumask *sc = state;
	struct eph_machine *mc = sc->sp.mc;

	eph__sf_pool_fini(&sc->sp);
	eph_machine_free(mc, sc, sf_buf_cpumask_bytes(mc));
}

static int
sf_buf_cpumask_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	struct sf_cpumask *sc = eph_machine_alloc(mc, sf_buf_cpumask_bytes(mc));
	int error;

	if (sc == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	sc->quick = 1;
	if (mc->ncpus <= 32)
		sc->full[0] = UINT32_MAX;
	else
		eph_cpuset_copy(sc->full, mc->allcpus, mc->cpuwords);
	error = eph__sf_pool_init(
	    &sc->sp, mc, cfg, &eph_policy_lazy, mc->cpuwords, err);
	if (error != 0)
		sf_buf_cpumask_destroy(sc);
	else
		*statep = sc;
	return (error);
}

/* A hit: make the mapping valid where `private` asks for it. */
static inline void
sf_buf_cpumask_sync(struct sf_cpumask *sc, struct sf_buf *sf, bool private)
{
	struct sf_pool *sp = &sc->sp;
	struct eph_machine *mc = sp->mc;
	eph_cpuword_t *mask = sf_pool_mask(sp, sf_pool_index(sp, sf));
	const unsigned me = eph_curcpu(mc)->id;

	if (private) {
		if (eph_cpuset_isset(mask, me))
			return;
		pmap_kenter_sync_quick(mc, sf->kva);
		eph_cpuset_set(mask, me);
		return;
	}
	if (eph_cpuset_isequal(mask, sc->full, sp->words))
		return;
	EPH_NOTE(mc, "the mask is not all-ones: sync every CPU");
	pmap_kenter_sync(mc, sf->kva);
	eph_cpuset_copy(mask, sc->full, sp->words);
}

/* A miss: store the entry. */
static void
sf_buf_cpumask_enter(struct sf_cpumask *sc, struct sf_buf *sf, bool private)
{
	struct sf_pool *sp = &sc->sp;
	struct eph_machine *mc = sp->mc;
	eph_cpuword_t *mask = sf_pool_mask(sp, sf_pool_index(sp, sf));

	if (private) {
		pmap_kenter_quick(mc, sf->kva, vm_page_to_phys(sf->m));
		eph_cpuset_zero(mask, sp->words);
		eph_cpuset_set(mask, eph_curcpu(mc)->id);
	} else {
		pmap_kenter(mc, sf->kva, vm_page_to_phys(sf->m));
		eph_cpuset_copy(mask, sc->full, sp->words);
	}
}

static int
sf_buf_cpumask_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_cpumask *sc = state;
	struct sf_pool *sp = &sc->sp;
	struct sf_buf *sf;
	bool private;
	int error = 0;

	mutex_enter(sp->mc, &sp->lock);
	private = (flags & SFB_CPUPRIVATE) != 0 && sc->quick != 0;
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, sf);
		sf_buf_cpumask_sync(sc, sf, private);
	} else if ((sf = sf_pool_take(sp, m, false, (flags & SFB_CATCH) != 0,
			&error)) != NULL) {
		sf_pool_link(sp, sf, m);
		sf_pool_missed(sp, sf);
		sf_buf_cpumask_enter(sc, sf, private);
	} else {
		error = sf_pool_failed(sp, error);
	}
	mutex_exit(sp->mc, &sp->lock);
	if (sf != NULL)
		*mp = (struct eph_mapping){ sf, sf->kva };
	return (error);
}

/*
 * Is the buffer on the free list although it is referenced (SFBA_ONFREEQ)?
 * Never with another policy than the design's own.
 */
static inline bool
sf_buf_cpumask_listed(const struct sf_pool *sp, const struct sf_buf *sf)
{
	const struct freelist *fl = sp->policy.ps;

	return (sp->policy.ops == &eph_policy_lazy &&
	    (fl->state[sf_pool_index(sp, sf)] & FREELIST_LISTED) != 0);
}

/*
 * A buffer that never left the list is not inserted, and as it shipped only
 * an insertion wakes a sleeper.
 */
static int
sf_buf_cpumask_unmap(void *state, void *obj)
{
	struct sf_cpumask *sc = state;
	bool listed;

	mutex_enter(sc->sp.mc, &sc->sp.lock);
	listed = sf_buf_cpumask_listed(&sc->sp, obj);
	if (sf_pool_drop(&sc->sp, obj) && !listed)
		sf_pool_wakeup_one(&sc->sp);
	mutex_exit(sc->sp.mc, &sc->sp.lock);
	return (0);
}

static void
sf_buf_cpumask_check(void *state, uint64_t held)
{
	eph__sf_pool_check(state, held);
}

static uint64_t
sfbuf_quick_get(void *state)
{
	return (((const struct sf_cpumask *)state)->quick);
}

static int
sfbuf_quick_set(void *state, uint64_t value)
{
	((struct sf_cpumask *)state)->quick = value;
	return (0);
}

static const struct eph_sysctl sf_buf_cpumask_sysctls[] = {
	SF_POOL_SYSCTL_NSFBUFS,
	SF_POOL_SYSCTL_NSFFREE,
	{ "debug.sfbuf_quick", "0: treat private requests as shared",
	    sfbuf_quick_get, sfbuf_quick_set, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__sf_buf_cpumask_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.cpumask",
	.summary = "mask of CPUs in sync, private mappings, lazy free list",
	.origin = "DragonFly 24712b9068, Dillon",
	.date = "2004-04-01",
	.from = "sf_buf.lru",
	.costs = "CPUs not in sync",
	.holes = "lost wakeup (wakeup_one with an interruptible sleeper)",
	.shootdown = "rendezvous",
	.policy = "lazy",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_PRIVATE | EPH_DESIGN_CACHE | EPH_DESIGN_POLICY |
	    EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = sf_buf_cpumask_create,
	.destroy = sf_buf_cpumask_destroy,
	.map = sf_buf_cpumask_map,
	.unmap = sf_buf_cpumask_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_cpumask_check,
	.sysctls = sf_buf_cpumask_sysctls,
};
