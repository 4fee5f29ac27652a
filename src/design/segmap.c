/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * segmap: a file cache's window of slots, unloaded when a slot is used for
 * something else.
 *
 * What it does.  A page that has a slot gets it again, from the free list
 * too: the mapping survives its release.  Otherwise a slot comes from the
 * free lists; if it holds another page it leaves the hash, and hat_unload()
 * takes its entry out on all CPUs.  Then the hash is looked up again, and
 * only if the page still has no slot is the new one entered.
 *
 * Idea.  The cross-call is paid when a slot changes hands and at no other
 * time; filling an empty entry costs nothing, as no TLB can hold it.  No
 * lock covers the pool: one per hash chain, one per free list.
 *
 * Invariant: a slot that is in no chain has no entry, and no CPU a
 * translation of it.
 *
 *	case				L	R	F	IPI
 *	hit, referenced or not		0	0	0	0
 *	map, slot never used		0	0	0	0
 *	map, slot reused		1	N-1	0	N-1	(2 stores)
 *	unmap				0	0	0	0
 *	exhaustion			0 asleep, then hit or map
 *
 * Free lists.  Each slot belongs to one list; there are as many as CPUs,
 * rounded up to a power of two.  Every CPU has its own place where it looks
 * first, and moves it on by one each time, so that they start apart and
 * still use the whole pool.
 *
 * Simplified.  A slot maps MAXBSIZE (8 KiB) of a file there, and one page
 * here.  A free list has two queues there, for taking and for releasing,
 * turned over when the first is empty, to keep the two from one lock; the
 * order is that of release either way.  Who sleeps waits for its free list
 * there, and for any here.
 *
 * Counting.  A sleeper that finds its page mapped when it has got a slot
 * ends as a hit and gives the slot back, unloaded.
 *
 * Locking.  See shard_pool.h.
 *
 * OpenSolaris and illumos usr/src/uts/common/vm/seg_map.c; SunOS 4 on.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/shard_pool.h"
#include "ephmap/pmap.h"
#include "ephmap/version.h"

/* scpu_free_ndx; padded, each CPU writes its own. */
struct segmap_cpu {
	uint32_t free_ndx;
	char pad[60];
};

struct segmap {
	struct shard_pool sp;
	struct segmap_cpu *cpu; /* by CPU */
};

static void
segmap_destroy(void *state)
{
	struct segmap *sm = state;
	struct eph_machine *mc = sm->sp.mc;

	machine_free(mc, sm->cpu, mc->ncpus * sizeof(*sm->cpu));
	shard_fini(&sm->sp);
	machine_free(mc, sm, sizeof(*sm));
}

static uint32_t
segmap_nlists(const struct eph_machine *mc, uint32_t nslots)
{
	uint32_t n = 1;

	while (n < mc->ncpus && n * 2 <= nslots)
		n *= 2;
	return (n);
}

static int
segmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct segmap *sm = machine_alloc(mc, sizeof(*sm));
	int error;

	if (sm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	mc->pgeflag = EPH_PTE_G;
	error = shard_init(
	    &sm->sp, mc, cfg->nbufs, segmap_nlists(mc, cfg->nbufs), err);
	sm->cpu = machine_alloc(mc, mc->ncpus * sizeof(*sm->cpu));
	if (error == 0 && sm->cpu == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0) {
		segmap_destroy(sm);
		return (error);
	}
	for (unsigned c = 0; c < mc->ncpus; c++)
		sm->cpu[c].free_ndx = c & (sm->sp.nlists - 1);
	*statep = sm;
	return (0);
}

/* get_free_smp() and grab_smp(): a slot with no entry. */
static struct shard_slot *
segmap_grab(struct segmap *sm)
{
	struct eph_machine *mc = sm->sp.mc;
	struct segmap_cpu *sc = &sm->cpu[eph_curcpu(mc)->id];
	struct shard_slot *slot;
	uint32_t first;
	int error;

	first = sc->free_ndx;
	sc->free_ndx = (first + 1) & (sm->sp.nlists - 1);
	slot = shard_take(&sm->sp, first, 0, &error);
	KASSERT(slot != NULL, "an uninterruptible sleep has failed");
	if (slot->m != NULL) {
		EPH_NOTE(mc, "slot %u is reused: unload frame %u everywhere",
		    shard_index(&sm->sp, slot), slot->m->frame);
		pmap_kremove(mc, slot->kva);
	}
	return (slot);
}

static int
segmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct segmap *sm = state;
	struct eph_machine *mc = sm->sp.mc;
	struct shard_slot *slot = shard_lookup(&sm->sp, m);
	bool missed = false;

	(void)flags;
	if (slot == NULL)
		slot = shard_enter(&sm->sp, segmap_grab(sm), m, &missed);
	if (missed)
		pmap_pte_store(mc, slot->kva,
		    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	shard_exit(&sm->sp, m);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
segmap_unmap(void *state, void *obj)
{
	struct segmap *sm = state;
	struct shard_slot *slot = obj;

	shard_release(
	    &sm->sp, slot, shard_index(&sm->sp, slot) & (sm->sp.nlists - 1));
	return (0);
}

static int
segmap_ref(void *state, void *obj)
{
	shard_ref(state, obj);
	return (0);
}

static void
segmap_check(void *state, uint64_t held)
{
	struct segmap *sm = state;

	shard_check(&sm->sp, held);
	for (uint32_t i = 0; i < sm->sp.nslots; i++) {
		const struct shard_slot *slot = &sm->sp.slot[i];

		if (slot->m == NULL && pmap_pte_load(sm->sp.mc, slot->kva) != 0)
			PANIC("a slot that is in no chain has an entry");
	}
}

const struct eph_design_ops segmap_ops = {
	.name = "segmap",
	.summary = "slots unloaded everywhere when reused, a lock per chain",
	.origin = "illumos seg_map.c, Sun",
	.date = "1988; locks as of 2001",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.abi = EPHMAP_ABI,
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = segmap_create,
	.destroy = segmap_destroy,
	.map = segmap_map,
	.unmap = segmap_unmap,
	.kva = shard_kva,
	.ref = segmap_ref,
	.page = shard_page,
	.switch_out = eph_design_no_switch,
	.switch_in = eph_design_no_switch,
	.check = segmap_check,
	.sysctls = eph_design_no_sysctls,
};
