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
 * lock covers the pool: one per slot, per hash chain, and two per free list.
 *
 * Invariant: a slot that is not in the hash has no entry, and no CPU a
 * translation of it.
 *
 *	case				L	R	F	IPI
 *	hit, referenced or not		0	0	0	0
 *	map, slot that holds no page	0	0	0	0
 *	map, slot reused		1	N-1	0	N-1	(2 stores)
 *	unmap				0	0	0	0
 *	exhaustion			0 asleep, then hit or map
 *
 * Free lists.  As many as CPUs, rounded up to a power of two; slot i belongs
 * to list i modulo their number, for good.  At the start each list holds its
 * slots from the highest to the lowest.  Every CPU has a rotor that starts
 * at 0 and is moved on by one before each use; its list is looked at first,
 * then those after it.  So a list that others drained gives out what was
 * released to it, while the next one may have slots that were never used.
 *
 * Queues.  A list has two, one to take from and one to release to, turned
 * over when the first is empty; so that the two do not meet at one lock.
 * The order is that of release.
 *
 * Sleeping.  Who finds all lists empty sleeps for the one it looked at last,
 * the one before its first.  A release wakes one of the list's sleepers, and
 * only if the queue it puts the slot on was empty.
 *
 * Quirks kept.  A sleeper goes on sleeping while slots of other lists are
 * free, or of its own if they came one after the other and the one sleeper
 * that was woken found enough elsewhere; the last release of all may leave
 * it so (hole).  With fewer slots than lists a sleeper may wait for a list
 * that has none.
 *
 * Simplified.  A slot maps MAXBSIZE (8 KiB) of a file there, and one page
 * here.  The entry is stored before the slot is unlocked; there a CPU
 * that finds none stores it, and the second does so in vain.  A slot whose lock
 * is held is passed over there (mutex_tryenter); here it is taken off the
 * list first, and let go if a hit was faster.
 *
 * Counting.  A sleeper that finds its page mapped when it has got a slot
 * ends as a hit and gives the slot back, unloaded.
 *
 * Locking.  Slot, then chain or queue; to take: queue, and when that has
 * been left, slot.  The queue that is taken from is locked before the one
 * that is released to.
 *
 * OpenSolaris (2006) and illumos usr/src/uts/common/vm/seg_map.c, without
 * segkpm; SunOS 4 on.  The x86 hat_unload() is that of 2006, which calls all
 * CPUs; later ones leave an entry out that was never accessed.
 */

#include "design/segmap.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define SMAP_HASHAVELEN 4u /* slots in a chain */

static uint32_t
smap_index(const struct segmap *sm, const struct smap *slot)
{
	return ((uint32_t)(slot - sm->slot));
}

static struct smap_list *
smap_list(const struct segmap *sm, const struct smap *slot)
{
	return (&sm->list[smap_index(sm, slot) & (sm->nlists - 1)]);
}

/* Queues */

static void
queue_append(struct segmap *sm, struct smap_queue *q, struct smap *slot)
{
	const uint32_t i = smap_index(sm, slot);

	slot->next = EPH_NONE;
	slot->prev = q->tail;
	if (q->tail != EPH_NONE)
		sm->slot[q->tail].next = i;
	else
		q->head = i;
	q->tail = i;
	slot->listed = true;
}

static void
queue_remove(struct segmap *sm, struct smap_queue *q, struct smap *slot)
{
	if (slot->prev != EPH_NONE)
		sm->slot[slot->prev].next = slot->next;
	else
		q->head = slot->next;
	if (slot->next != EPH_NONE)
		sm->slot[slot->next].prev = slot->prev;
	else
		q->tail = slot->prev;
	slot->listed = false;
}

/* Life */

static void
segmap_destroy(void *state)
{
	struct segmap *sm = state;
	struct eph_machine *mc = sm->mc;

	for (uint32_t i = 0; sm->slot != NULL && i < sm->nslots; i++) {
		if (sm->slot[i].m != NULL)
			sm->slot[i].m->hint = 0;
	}
	if (sm->window != 0)
		kva_free(mc, sm->window, sm->nslots);
	eph_machine_free(mc, sm->cpu, mc->ncpus * sizeof(*sm->cpu));
	eph_machine_free(mc, sm->list, sm->nlists * sizeof(*sm->list));
	eph_machine_free(
	    mc, sm->chain, (sm->chain_mask + (size_t)1) * sizeof(*sm->chain));
	eph_machine_free(mc, sm->slot, sm->nslots * sizeof(*sm->slot));
	eph_machine_free(mc, sm, sizeof(*sm));
}

static int
segmap_memory(struct segmap *sm, struct eph_err *err)
{
	struct eph_machine *mc = sm->mc;
	int error;

	if (sm->nslots == 0)
		return (eph_err_set(
		    err, EINVAL, "0 slots: a pool needs at least 1"));
	error = eph_kva_get(
	    mc, sm->nslots, &sm->window, err, "%u slots", sm->nslots);
	if (error != 0)
		return (error);
	sm->slot = eph_machine_alloc(mc, sm->nslots * sizeof(*sm->slot));
	sm->chain = eph_machine_alloc(
	    mc, (sm->chain_mask + (size_t)1) * sizeof(*sm->chain));
	sm->list = eph_machine_alloc(mc, sm->nlists * sizeof(*sm->list));
	sm->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*sm->cpu));
	if (sm->slot == NULL || sm->chain == NULL || sm->list == NULL ||
	    sm->cpu == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u slots", sm->nslots));
	return (0);
}

/* All slots on their lists, which are to be released to at first. */
static void
segmap_init(struct segmap *sm)
{
	for (uint32_t i = 0; i <= sm->chain_mask; i++)
		mutex_init(&sm->chain[i], "hash chain");
	for (uint32_t i = 0; i < sm->nlists; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct smap_queue *q = &sm->list[i].q[k];

			mutex_init(&q->lock, "free list");
			q->head = q->tail = EPH_NONE;
		}
	}
	for (uint32_t i = sm->nslots; i-- > 0;) {
		struct smap *slot = &sm->slot[i];

		mutex_init(&slot->lock, "slot");
		slot->kva = sm->window + eph_ptoa(i);
		slot->queue = 1;
		queue_append(sm, &smap_list(sm, slot)->q[1], slot);
	}
}

static int
segmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct segmap *sm = eph_machine_alloc(mc, sizeof(*sm));
	uint32_t nchains = 1;
	int error;

	if (sm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	sm->mc = mc;
	sm->nslots = cfg->nbufs;
	while (nchains * 2 <= cfg->nbufs / SMAP_HASHAVELEN)
		nchains *= 2;
	sm->chain_mask = nchains - 1;
	sm->nlists = 1;
	while (sm->nlists < mc->ncpus)
		sm->nlists *= 2;
	mutex_init(&sm->wait, "free slot");
	if ((error = segmap_memory(sm, err)) != 0) {
		segmap_destroy(sm);
		return (error);
	}
	segmap_init(sm);
	*statep = sm;
	return (0);
}

/* Free lists */

/*
 * segmap_smapadd(): at the end of the queue to release to, the slot locked.
 * The queues may be turned over before we have the lock; then it comes at
 * the end of the one to take from.
 */
static void
segmap_put(struct segmap *sm, struct smap *slot)
{
	struct eph_machine *mc = sm->mc;
	struct smap_list *l = smap_list(sm, slot);
	struct smap_queue *q;
	bool wake;

	/* Relaxed, here and below: the locks order what matters. */
	slot->queue = 1 - eph_load_32(mc, &l->alloc, memory_order_relaxed);
	q = &l->q[slot->queue];
	mutex_enter(mc, &q->lock);
	wake = q->head == EPH_NONE &&
	    eph_load_32(mc, &l->want, memory_order_relaxed) != 0;
	queue_append(sm, q, slot);
	mutex_exit(mc, &q->lock);
	if (eph_likely(!wake))
		return;
	mutex_enter(mc, &l->q[0].lock);
	if (eph_load_32(mc, &l->want, memory_order_relaxed) != 0)
		wakeup_one(mc, l);
	mutex_exit(mc, &l->q[0].lock);
}

/*
 * The slot that was released first, claimed; or NULL and both queues of the
 * list, which are empty, locked.
 */
static struct smap *
segmap_claim(struct segmap *sm, struct smap_list *l)
{
	struct eph_machine *mc = sm->mc;

	for (;;) {
		const uint32_t a =
		    eph_load_32(mc, &l->alloc, memory_order_relaxed);
		struct smap_queue *alloc = &l->q[a], *rel = &l->q[1 - a];

		mutex_enter(mc, &alloc->lock);
		if (alloc->head != EPH_NONE) {
			struct smap *slot = &sm->slot[alloc->head];

			queue_remove(sm, alloc, slot);
			slot->claimed = true;
			mutex_exit(mc, &alloc->lock);
			return (slot);
		}
		if (eph_load_32(mc, &l->alloc, memory_order_relaxed) == a) {
			mutex_enter(mc, &rel->lock);
			if (rel->head == EPH_NONE)
				return (NULL);
			eph_store_32(
			    mc, &l->alloc, 1 - a, memory_order_relaxed);
			mutex_exit(mc, &rel->lock);
		}
		mutex_exit(mc, &alloc->lock);
	}
}

/* Sleep until a slot of the list is released; see segmap_claim(). */
static void
segmap_sleep(struct segmap *sm, struct smap_list *l)
{
	struct eph_machine *mc = sm->mc;

	(void)eph_fetchadd_32(mc, &l->want, 1, memory_order_relaxed);
	mutex_exit(mc, &l->q[1].lock);
	(void)msleep(mc, l, &l->q[0].lock, 0, "smap", 0);
	(void)eph_fetchadd_32(mc, &l->want, (uint32_t)-1, memory_order_relaxed);
	mutex_exit(mc, &l->q[0].lock);
}

/* get_free_smp()'s way round the lists. */
static struct smap *
segmap_claim_any(struct segmap *sm, uint32_t first, enum segmap_wait wait)
{
	struct eph_machine *mc = sm->mc;
	bool slept = false;
	uint32_t i = first;
	struct smap *slot;

	for (;;) {
		struct smap_list *l = &sm->list[i];

		if ((slot = segmap_claim(sm, l)) != NULL)
			break;
		i = (i + 1) & (sm->nlists - 1);
		if (i == first && wait == SEGMAP_SLEEP) {
			segmap_sleep(sm, l);
			slept = true;
			continue;
		}
		mutex_exit(mc, &l->q[1].lock);
		mutex_exit(mc, &l->q[0].lock);
		if (i == first)
			break;
	}
	if (slept)
		msleep_done(mc);
	return (slot);
}

/* grab_smp(): out of the hash, and its entry out of all TLBs. */
static struct vm_page *
segmap_unload(struct segmap *sm, struct smap *slot)
{
	struct eph_machine *mc = sm->mc;
	struct vm_page *old = slot->m;
	struct eph_mutex *chain;

	if (old == NULL)
		return (NULL);
	chain = &sm->chain[old->frame & sm->chain_mask];
	mutex_enter(mc, chain);
	KASSERT(old->hint == smap_index(sm, slot) + 1, "not in its chain");
	old->hint = 0;
	mutex_exit(mc, chain);
	slot->m = NULL;
	EPH_NOTE(mc, "slot %u is reused: unload frame %u everywhere",
	    smap_index(sm, slot), old->frame);
	pmap_kremove(mc, slot->kva);
	return (old);
}

uint32_t
eph__segmap_first(struct segmap *sm)
{
	return (++sm->cpu[eph_curcpu(sm->mc)->id].free_ndx & (sm->nlists - 1));
}

struct smap *
eph__segmap_take(struct segmap *sm, uint32_t first, enum segmap_wait wait,
    struct vm_page **oldp)
{
	struct smap *slot;

	while ((slot = segmap_claim_any(sm, first, wait)) != NULL) {
		mutex_enter(sm->mc, &slot->lock);
		slot->claimed = false;
		if (slot->refcnt == 0) {
			*oldp = segmap_unload(sm, slot);
			return (slot);
		}
		/* A hit was faster. */
		mutex_exit(sm->mc, &slot->lock);
	}
	return (NULL);
}

/* Hash */

/* A reference to the slot, which is locked; unlocks it. */
static void
segmap_hold(struct segmap *sm, struct smap *slot)
{
	struct eph_machine *mc = sm->mc;
	struct eph_cpu *cpu = eph_curcpu(mc);

	cpu->c.map_calls++;
	if (slot->refcnt++ != 0) {
		cpu->c.hit_active++;
	} else {
		struct smap_queue *q = &smap_list(sm, slot)->q[slot->queue];

		cpu->c.hit_inactive++;
		eph_bufs_inc(mc);
		mutex_enter(mc, &q->lock);
		if (slot->listed)
			queue_remove(sm, q, slot);
		mutex_exit(mc, &q->lock);
	}
	mutex_exit(mc, &slot->lock);
}

struct smap *
eph__segmap_use(struct segmap *sm, struct vm_page *m)
{
	struct eph_machine *mc = sm->mc;
	struct eph_mutex *chain = &sm->chain[m->frame & sm->chain_mask];

	for (;;) {
		struct smap *slot = NULL;

		mutex_enter(mc, chain);
		if (m->hint != 0)
			slot = &sm->slot[m->hint - 1];
		mutex_exit(mc, chain);
		if (slot == NULL)
			return (NULL);
		mutex_enter(mc, &slot->lock);
		if (eph_likely(slot->m == m)) {
			segmap_hold(sm, slot);
			return (slot);
		}
		/* It was taken for another page meanwhile. */
		mutex_exit(mc, &slot->lock);
	}
}

/* segmap_hashin(): false if the page has a slot. */
static bool
segmap_hashin(struct segmap *sm, struct smap *slot, struct vm_page *m)
{
	struct eph_mutex *chain = &sm->chain[m->frame & sm->chain_mask];
	bool ours;

	mutex_enter(sm->mc, chain);
	if ((ours = m->hint == 0))
		m->hint = smap_index(sm, slot) + 1;
	mutex_exit(sm->mc, chain);
	return (ours);
}

/* The slot is ours and locked: enter the page, and unlock it. */
static void
segmap_fill(struct segmap *sm, struct smap *slot, struct vm_page *m,
    const struct vm_page *old)
{
	struct eph_machine *mc = sm->mc;
	struct eph_cpu *cpu = eph_curcpu(mc);

	slot->m = m;
	slot->refcnt = 1;
	pmap_pte_store(mc, slot->kva,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	cpu->c.map_calls++;
	cpu->c.miss++;
	cpu->c.evict += old != NULL && old != m;
	eph_bufs_inc(mc);
	mutex_exit(mc, &slot->lock);
}

struct smap *
eph__segmap_enter(struct segmap *sm, struct smap *slot, struct vm_page *m,
    const struct vm_page *old)
{
	if (segmap_hashin(sm, slot, m)) {
		segmap_fill(sm, slot, m, old);
		return (slot);
	}
	segmap_put(sm, slot);
	mutex_exit(sm->mc, &slot->lock);
	return (eph__segmap_use(sm, m));
}

/* eph_design_ops */

static int
segmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct segmap *sm = state;
	struct smap *slot = eph__segmap_use(sm, m);
	struct vm_page *old = NULL;

	(void)flags;
	while (slot == NULL) {
		slot = eph__segmap_take(
		    sm, eph__segmap_first(sm), SEGMAP_SLEEP, &old);
		slot = eph__segmap_enter(sm, slot, m, old);
	}
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
segmap_unmap(void *state, void *obj)
{
	struct segmap *sm = state;
	struct smap *slot = obj;

	mutex_enter(sm->mc, &slot->lock);
	if (slot->refcnt == 0)
		PANIC("releasing a free slot");
	EPH_COUNT(sm->mc, unmap_calls);
	if (--slot->refcnt == 0) {
		eph_bufs_dec(sm->mc);
		/* Claimed: it is already spoken for. */
		if (eph_likely(!slot->claimed))
			segmap_put(sm, slot);
	}
	mutex_exit(sm->mc, &slot->lock);
	return (0);
}

static eph_va_t
segmap_kva(void *state, void *obj)
{
	EPH_COUNT(((const struct segmap *)state)->mc, kva_calls);
	return (((const struct smap *)obj)->kva);
}

static int
segmap_ref(void *state, void *obj)
{
	struct segmap *sm = state;
	struct smap *slot = obj;

	mutex_enter(sm->mc, &slot->lock);
	if (slot->refcnt == 0)
		PANIC("a reference to a slot without one");
	slot->refcnt++;
	mutex_exit(sm->mc, &slot->lock);
	return (0);
}

static struct vm_page *
segmap_page(void *state, void *obj)
{
	(void)state;
	return (((const struct smap *)obj)->m);
}

static void
segmap_check_slot(struct segmap *sm, const struct smap *slot)
{
	if (slot->claimed)
		PANIC("a slot is claimed and nothing runs");
	if (slot->listed != (slot->refcnt == 0))
		PANIC("a slot is on a free list and referenced, or neither");
	if (slot->m == NULL &&
	    (slot->refcnt != 0 || pmap_pte_load(sm->mc, slot->kva) != 0))
		PANIC("a slot that holds no page is in use");
	if (slot->m == NULL)
		return;
	if (slot->m->hint != smap_index(sm, slot) + 1)
		PANIC("a slot is not the one its page names");
	if (pmap_kextract(sm->mc, slot->kva) != slot->m->frame)
		PANIC("a slot does not map its page");
}

static uint32_t
segmap_check_queue(struct segmap *sm, uint32_t list, uint32_t queue)
{
	const struct smap_queue *q = &sm->list[list].q[queue];
	uint32_t prev = EPH_NONE, n = 0;

	for (uint32_t i = q->head; i != EPH_NONE; i = sm->slot[i].next) {
		const struct smap *slot = &sm->slot[i];

		if (!slot->listed || slot->prev != prev ||
		    slot->queue != queue ||
		    smap_list(sm, slot) != &sm->list[list] || n++ > sm->nslots)
			PANIC("a free list is broken");
		prev = i;
	}
	if (q->tail != prev)
		PANIC("a free list's tail is wrong");
	return (n);
}

static void
segmap_check(void *state, uint64_t held)
{
	struct segmap *sm = state;
	uint64_t refs = 0, listed = 0, on_lists = 0;

	for (uint32_t i = 0; i < sm->nslots; i++) {
		segmap_check_slot(sm, &sm->slot[i]);
		refs += sm->slot[i].refcnt;
		listed += sm->slot[i].listed;
	}
	for (uint32_t i = 0; i < sm->nlists; i++)
		on_lists +=
		    segmap_check_queue(sm, i, 0) + segmap_check_queue(sm, i, 1);
	if (refs != held)
		PANIC("references held and references counted differ");
	if (listed != on_lists)
		PANIC("slots listed and slots on lists differ");
}

const struct eph_design_ops eph__segmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "segmap",
	.summary = "slots unloaded everywhere when reused, a lock per chain",
	.origin = "illumos seg_map.c, Sun",
	.date = "1988; locks as of 2001",
	.costs = "everybody, a reuse",
	.holes = "lost wakeup (a release signals its own free list, and only "
		 "when that was empty)",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = segmap_create,
	.destroy = segmap_destroy,
	.map = segmap_map,
	.unmap = segmap_unmap,
	.kva = segmap_kva,
	.ref = segmap_ref,
	.page = segmap_page,
	.check = segmap_check,
};
