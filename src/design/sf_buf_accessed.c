/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.accessed: a mask of CPUs in sync that survives recycling when the
 * old mapping was never used.
 *
 * Idea.  The hardware sets A in the entry when a translation enters a TLB.
 * An entry with A clear is in no TLB, so storing another page there leaves
 * nothing to invalidate, and what the mask says of the address stays true:
 * cpumask is "CPUs that have invalidated this address since it was last
 * accessed through any mapping".  A buffer that was mapped, handed to a
 * network card by physical address and touched by no CPU is recycled for
 * nothing.  Otherwise a shared mapping interrupts just the CPUs missing
 * from the mask, and waits for them.
 *
 * Invariant: a CPU in the mask holds no translation of the address to any
 * other page.
 *
 *	case					L	R = IPI
 *	hit, private, my bit set		0	0
 *	hit, private, my bit clear		1	0
 *	hit, shared, k others missing		0 or 1	k
 *	miss, never-used buffer, private	1	0
 *	miss, never-used buffer, shared		1	N-1
 *	evict, old entry A, private		1	0
 *	evict, old entry A, shared		1	N-1
 *	evict, old entry not A, private		0 or 1	0
 *	evict, old entry not A, shared		0 or 1	k
 *	free, ref				0	0
 *	exhaustion, SFB_NOWAIT			0	0, no mapping
 *	exhaustion				0 asleep, then as an evict
 *
 * "0 or 1" is 1 where this CPU's bit was clear.  The mask of a never-used
 * buffer is empty, so it pays in full although no TLB can hold anything.
 *
 * Quirks kept.  The entry is read, and then stored, in two steps: a fill by
 * speculation between them sets A unseen and the mask is kept (hole).  The
 * sleep is on wakeup_one() as in 2007: the lost wakeup.  No second look at
 * the index after a sleep.
 *
 * Locking.  sf_buf_lock, held through the wait for the acknowledgements.
 *
 * FreeBSD i386 vm_machdep.c 1.269, 2006; the A test is of 2005, Alan Cox.
 * Elmeleegy, Chanda, Cox, Zwaenepoel, USENIX ATC 2005.
 */

#include "design/sf_pool.h"
#include "ephmap/version.h"
#include "machine/access.h"

static void
sf_buf_accessed_destroy(void *state)
{
	struct sf_pool *sp = state;
	struct eph_machine *mc = sp->mc;

	eph__sf_pool_fini(sp);
	eph_machine_free(mc, sp, sizeof(*sp));
}

/*
 * What recycling would cost: the CPUs that may hold the old translation.
 * Nothing if the entry was never accessed; see policy.h.
 */
static uint32_t
sf_buf_accessed_price(void *arg, uint32_t slot)
{
	struct sf_pool *sp = arg;
	const eph_pte_t pte = pmap_pte_load(sp->mc, sp->bufs[slot].kva);

	if ((pte & (EPH_PTE_V | EPH_PTE_A)) == (EPH_PTE_V | EPH_PTE_A))
		return (sp->mc->ncpus);
	return (sp->mc->ncpus -
	    eph_cpuset_count(sf_pool_mask(sp, slot), sp->words));
}

static int
sf_buf_accessed_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	struct sf_pool *sp = eph_machine_alloc(mc, sizeof(*sp));
	struct eph_design_config priced = *cfg;
	int error;

	if (sp == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	priced.policy_env.price = sf_buf_accessed_price;
	priced.policy_env.price_arg = sp;
	error = eph__sf_pool_init(
	    sp, mc, &priced, &eph_policy_lru, mc->cpuwords, err);
	if (error != 0)
		sf_buf_accessed_destroy(sp);
	else
		*statep = sp;
	return (error);
}

/* Interrupt the CPUs that are not in sync, and wait for them. */
static void
sf_buf_accessed_others(
    struct sf_pool *sp, struct sf_buf *sf, eph_cpuword_t *mask)
{
	struct eph_machine *mc = sp->mc;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	if (!eph_cpuset_andnot(others, mc->allcpus, mask, sp->words))
		return;
	eph_cpuset_or(mask, others, sp->words);
	smp_masked_invlpg(mc, others, sf->kva);
}

/* Make the mapping valid where `flags` asks for it. */
static inline void
sf_buf_accessed_shootdown(struct sf_pool *sp, struct sf_buf *sf, unsigned flags)
{
	struct eph_machine *mc = sp->mc;
	eph_cpuword_t *mask = sf_pool_mask(sp, sf_pool_index(sp, sf));
	const unsigned me = eph_curcpu(mc)->id;

	if (!eph_cpuset_isset(mask, me)) {
		eph_cpuset_set(mask, me);
		pmap_invlpg(mc, sf->kva);
	}
	if ((flags & SFB_CPUPRIVATE) == 0 &&
	    !eph_cpuset_isequal(mask, mc->allcpus, sp->words))
		sf_buf_accessed_others(sp, sf, mask);
}

/* A miss: store the entry, keep the mask if the old one was never used. */
static void
sf_buf_accessed_enter(struct sf_pool *sp, struct sf_buf *sf)
{
	struct eph_machine *mc = sp->mc;
	const eph_pte_t old = pmap_pte_load(mc, sf->kva);

	pmap_pte_store(mc, sf->kva,
	    vm_page_to_phys(sf->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	if ((old & (EPH_PTE_V | EPH_PTE_A)) == (EPH_PTE_V | EPH_PTE_A)) {
		eph_cpuset_zero(
		    sf_pool_mask(sp, sf_pool_index(sp, sf)), sp->words);
	} else if ((old & EPH_PTE_V) != 0) {
		EPH_NOTE(mc, "old entry was never accessed: mask kept");
	}
}

static int
sf_buf_accessed_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf;
	int error = 0;

	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, sf);
	} else {
		sf = sf_pool_take(sp, m, (flags & SFB_NOWAIT) != 0,
		    (flags & SFB_CATCH) != 0, &error);
		if (sf == NULL) {
			error = sf_pool_failed(sp, error);
			mutex_exit(sp->mc, &sp->lock);
			return (error);
		}
		sf_pool_link(sp, sf, m);
		sf_pool_missed(sp, sf);
		sf_buf_accessed_enter(sp, sf);
	}
	sf_buf_accessed_shootdown(sp, sf, flags);
	mutex_exit(sp->mc, &sp->lock);
	*mp = (struct eph_mapping){ sf, sf->kva };
	return (0);
}

static int
sf_buf_accessed_unmap(void *state, void *obj)
{
	struct sf_pool *sp = state;

	mutex_enter(sp->mc, &sp->lock);
	if (sf_pool_drop(sp, obj))
		sf_pool_wakeup_one(sp);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

/*
 * No CPU in a buffer's mask holds another page's translation.  With real
 * threads and under explore the hole above may have broken that; a protocol
 * that puts off, or does not wait, leaves CPUs behind until they go on.
 */
static void
sf_buf_accessed_check(void *state, uint64_t held)
{
	struct sf_pool *sp = state;
	struct eph_machine *mc = sp->mc;

	eph__sf_pool_check(sp, held);
	if (!eph_serial(mc) || mc->shootflags != 0)
		return;
	for (uint32_t i = 0; i < sp->nbufs; i++) {
		const uint32_t at = machine_va_index(mc, sp->bufs[i].kva);

		EPH_CPUSET_FOREACH(c, sf_pool_mask(sp, i), sp->words)
		{
			if (!cpu_is_behind(mc->cpus[c]) &&
			    cpu_holds_outdated(mc->cpus[c], at))
				PANIC("a CPU in a mask holds another page");
		}
	}
}

static const struct eph_sysctl sf_buf_accessed_sysctls[] = {
	SF_POOL_SYSCTL_NSFBUFS,
	SF_POOL_SYSCTL_NSFBUFSUSED,
	SF_POOL_SYSCTL_NSFBUFSPEAK,
	SF_POOL_SYSCTL_ALLOCWAIT,
	SF_POOL_SYSCTL_ALLOCFAIL,
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__sf_buf_accessed_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.accessed",
	.summary = "mask of CPUs in sync kept while A is clear, masked IPIs",
	.origin = "FreeBSD i386 vm_machdep.c 1.269 (2006), Cox",
	.date = "2005",
	.from = "sf_buf.cpumask",
	.costs = "CPUs not in sync, none if never used",
	.holes = "A is read before the entry is stored; lost wakeup "
		 "(wakeup_one with an interruptible sleeper)",
	.shootdown = "acked-invlpg",
	.policy = "lru",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_PRIVATE | EPH_DESIGN_NOWAIT |
	    EPH_DESIGN_CACHE | EPH_DESIGN_POLICY | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = sf_buf_accessed_create,
	.destroy = sf_buf_accessed_destroy,
	.map = sf_buf_accessed_map,
	.unmap = sf_buf_accessed_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = sf_buf_accessed_check,
	.sysctls = sf_buf_accessed_sysctls,
};
