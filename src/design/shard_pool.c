/* SPDX-License-Identifier: BSD-2-Clause */

/* See shard_pool.h. */

#include "design/shard_pool.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"

#define SHARD_CHAINS_MAX 4096u

/* Life */

int
eph__shard_init(struct shard_pool *sp, struct eph_machine *mc, uint32_t nslots,
    uint32_t nlists, struct eph_err *err)
{
	uint32_t nchains = 1;
	int error;

	sp->mc = mc;
	sp->nslots = nslots;
	sp->nlists = nlists;
	mutex_init(&sp->wait, "free slot");
	if (nslots == 0)
		return (eph_err_set(
		    err, EINVAL, "0 slots: a pool needs at least 1"));
	error = eph_kva_get(mc, nslots, &sp->window, err, "%u slots", nslots);
	if (error != 0)
		return (error);
	while (nchains < nslots && nchains < SHARD_CHAINS_MAX)
		nchains *= 2;
	sp->chain_mask = nchains - 1;
	sp->slot = eph_machine_alloc(mc, nslots * sizeof(*sp->slot));
	sp->chain = eph_machine_alloc(mc, nchains * sizeof(*sp->chain));
	sp->list = eph_machine_alloc(mc, nlists * sizeof(*sp->list));
	if (sp->slot == NULL || sp->chain == NULL || sp->list == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u slots", nslots));
	for (uint32_t i = 0; i < nchains; i++)
		mutex_init(&sp->chain[i], "hash chain");
	for (uint32_t i = 0; i < nlists; i++) {
		mutex_init(&sp->list[i].lock, "free list");
		sp->list[i].head = sp->list[i].tail = EPH_NONE;
	}
	for (uint32_t i = 0; i < nslots; i++)
		sp->slot[i].kva = sp->window + eph_ptoa(i);
	return (0);
}

void
eph__shard_fini(struct shard_pool *sp)
{
	struct eph_machine *mc = sp->mc;

	for (uint32_t i = 0; sp->slot != NULL && i < sp->nslots; i++) {
		if (sp->slot[i].m != NULL)
			sp->slot[i].m->hint = 0;
	}
	if (sp->window != 0)
		kva_free(mc, sp->window, sp->nslots);
	eph_machine_free(mc, sp->list, sp->nlists * sizeof(*sp->list));
	eph_machine_free(
	    mc, sp->chain, (sp->chain_mask + (size_t)1) * sizeof(*sp->chain));
	eph_machine_free(mc, sp->slot, sp->nslots * sizeof(*sp->slot));
}

/* Free lists */

static void
list_append(
    struct shard_pool *sp, struct shard_list *l, struct shard_slot *slot)
{
	const uint32_t i = shard_index(sp, slot);

	slot->free_next = EPH_NONE;
	slot->free_prev = l->tail;
	if (l->tail != EPH_NONE)
		sp->slot[l->tail].free_next = i;
	else
		l->head = i;
	l->tail = i;
	slot->listed = true;
	/* Relaxed, here and below: a hint for who steals. */
	(void)eph_fetchadd_32(sp->mc, &l->count, 1, memory_order_relaxed);
}

static void
list_remove(
    struct shard_pool *sp, struct shard_list *l, struct shard_slot *slot)
{
	if (slot->free_prev != EPH_NONE)
		sp->slot[slot->free_prev].free_next = slot->free_next;
	else
		l->head = slot->free_next;
	if (slot->free_next != EPH_NONE)
		sp->slot[slot->free_next].free_prev = slot->free_prev;
	else
		l->tail = slot->free_prev;
	slot->listed = false;
	(void)eph_fetchadd_32(
	    sp->mc, &l->count, (uint32_t)-1, memory_order_relaxed);
}

/*
 * Put it on the list and wake a sleeper.  No wakeup is lost: a sleeper
 * counts itself in `want` before it looks at the lists for the last time,
 * so either it sees the slot, or we see it, because both take the list's
 * lock.
 */
static void
shard_append(struct shard_pool *sp, struct shard_slot *slot, uint32_t list)
{
	struct shard_list *l = &sp->list[list];

	mutex_enter(sp->mc, &l->lock);
	slot->list = list;
	list_append(sp, l, slot);
	mutex_exit(sp->mc, &l->lock);
}

static void
shard_wakeup(struct shard_pool *sp)
{
	/* Relaxed: ordered by the list's lock, see above. */
	if (eph_likely(
		eph_load_32(sp->mc, &sp->want, memory_order_relaxed) == 0))
		return;
	mutex_enter(sp->mc, &sp->wait);
	wakeup_one(sp->mc, &sp->want);
	mutex_exit(sp->mc, &sp->wait);
}

/* Index */

static struct eph_mutex *
shard_chain(struct shard_pool *sp, const struct vm_page *m)
{
	return (&sp->chain[m->frame & sp->chain_mask]);
}

void
eph__shard_exit(struct shard_pool *sp, const struct vm_page *m)
{
	mutex_exit(sp->mc, shard_chain(sp, m));
}

/* The gauges: `used` slots are referenced. */
static void
shard_used(struct shard_pool *sp, bool more)
{
	struct eph_machine *mc = sp->mc;
	uint64_t now, peak;

	/* Relaxed: statistics. */
	if (!more) {
		(void)eph_fetchadd_64(
		    mc, &sp->used, (uint64_t)-1, memory_order_relaxed);
		eph_bufs_dec(mc);
		return;
	}
	now = eph_fetchadd_64(mc, &sp->used, 1, memory_order_relaxed) + 1;
	eph_bufs_inc(mc);
	do {
		peak = eph_load_64(mc, &sp->peak, memory_order_relaxed);
	} while (now > peak &&
	    !eph_cas_64(mc, &sp->peak, peak, now, memory_order_relaxed));
}

/* A hit, the chain locked: off the free list if it was there. */
static void
shard_hold(struct shard_pool *sp, struct shard_slot *slot)
{
	struct shard_list *l = &sp->list[slot->list];
	struct eph_cpu *cpu = eph_curcpu(sp->mc);

	cpu->c.map_calls++;
	if (slot->refcnt++ != 0) {
		cpu->c.hit_active++;
		return;
	}
	cpu->c.hit_inactive++;
	mutex_enter(sp->mc, &l->lock);
	if (slot->listed)
		list_remove(sp, l, slot);
	mutex_exit(sp->mc, &l->lock);
	shard_used(sp, true);
}

static struct shard_slot *
shard_find(struct shard_pool *sp, const struct vm_page *m)
{
	return (m->hint != 0 ? &sp->slot[m->hint - 1] : NULL);
}

struct shard_slot *
eph__shard_lookup(struct shard_pool *sp, struct vm_page *m)
{
	struct shard_slot *slot;

	mutex_enter(sp->mc, shard_chain(sp, m));
	if ((slot = shard_find(sp, m)) == NULL)
		eph__shard_exit(sp, m);
	else
		shard_hold(sp, slot);
	return (slot);
}

struct shard_slot *
eph__shard_enter(struct shard_pool *sp, struct shard_slot *slot,
    struct vm_page *m, bool *missed)
{
	struct shard_slot *other;
	struct eph_cpu *cpu;

	mutex_enter(sp->mc, shard_chain(sp, m));
	if ((other = shard_find(sp, m)) != NULL) {
		*missed = false;
		shard_hold(sp, other);
		slot->m = NULL;
		shard_append(sp, slot, slot->list);
		shard_wakeup(sp);
		return (other);
	}
	*missed = true;
	if (slot->m != NULL && slot->m != m)
		EPH_COUNT(sp->mc, evict);
	slot->m = m;
	slot->refcnt = 1;
	m->hint = shard_index(sp, slot) + 1;
	cpu = eph_curcpu(sp->mc);
	cpu->c.map_calls++;
	cpu->c.miss++;
	shard_used(sp, true);
	return (slot);
}

void
eph__shard_ref(struct shard_pool *sp, struct shard_slot *slot)
{
	struct vm_page *m = slot->m;

	mutex_enter(sp->mc, shard_chain(sp, m));
	if (slot->refcnt == 0)
		PANIC("a reference to a slot without one");
	slot->refcnt++;
	eph__shard_exit(sp, m);
}

void
eph__shard_release(
    struct shard_pool *sp, struct shard_slot *slot, uint32_t list)
{
	struct vm_page *m = slot->m;
	bool free = false;

	if (m == NULL)
		PANIC("releasing a free slot");
	mutex_enter(sp->mc, shard_chain(sp, m));
	if (slot->refcnt == 0)
		PANIC("releasing a free slot");
	EPH_COUNT(sp->mc, unmap_calls);
	if (--slot->refcnt == 0) {
		shard_used(sp, false);
		/* Claimed: it is already spoken for. */
		if ((free = !slot->claimed))
			shard_append(sp, slot, list);
	}
	eph__shard_exit(sp, m);
	if (free)
		shard_wakeup(sp);
}

/* Taking a slot */

/* The head of the list, claimed, or NULL. */
static struct shard_slot *
shard_claim_from(struct shard_pool *sp, struct shard_list *l)
{
	struct shard_slot *slot = NULL;

	/* Relaxed: a peek; going to sleep looks again under the lock. */
	if (eph_load_32(sp->mc, &l->count, memory_order_relaxed) == 0)
		return (NULL);
	mutex_enter(sp->mc, &l->lock);
	if (l->head != EPH_NONE) {
		slot = &sp->slot[l->head];
		list_remove(sp, l, slot);
		slot->claimed = true;
	}
	mutex_exit(sp->mc, &l->lock);
	return (slot);
}

/* Out of the index; false if a hit came first. */
static bool
shard_unhash(struct shard_pool *sp, struct shard_slot *slot)
{
	struct vm_page *old = slot->m;
	bool ours;

	if (old == NULL) {
		slot->claimed = false;
		return (true);
	}
	mutex_enter(sp->mc, shard_chain(sp, old));
	slot->claimed = false;
	if ((ours = slot->refcnt == 0)) {
		KASSERT(shard_find(sp, old) == slot, "not in its chain");
		old->hint = 0;
	}
	eph__shard_exit(sp, old);
	return (ours);
}

/* A slot never used, or NULL. */
static struct shard_slot *
shard_take_fresh(struct shard_pool *sp)
{
	uint32_t i;

	/* Relaxed: the thread that gets the number has the slot alone. */
	if (eph_load_32(sp->mc, &sp->fresh, memory_order_relaxed) >= sp->nslots)
		return (NULL);
	i = eph_fetchadd_32(sp->mc, &sp->fresh, 1, memory_order_relaxed);
	return (i < sp->nslots ? &sp->slot[i] : NULL);
}

static struct shard_slot *
shard_try_take(struct shard_pool *sp, uint32_t first)
{
	struct shard_slot *fresh = shard_take_fresh(sp);

	if (fresh != NULL)
		return (fresh);
	for (uint32_t k = 0; k < sp->nlists; k++) {
		struct shard_list *l = &sp->list[(first + k) % sp->nlists];
		struct shard_slot *slot;

		while ((slot = shard_claim_from(sp, l)) != NULL) {
			if (shard_unhash(sp, slot))
				return (slot);
		}
	}
	return (NULL);
}

static bool
shard_all_empty(struct shard_pool *sp)
{
	for (uint32_t k = 0; k < sp->nlists; k++) {
		struct shard_list *l = &sp->list[k];
		bool empty;

		mutex_enter(sp->mc, &l->lock);
		empty = l->head == EPH_NONE;
		mutex_exit(sp->mc, &l->lock);
		if (!empty)
			return (false);
	}
	return (true);
}

/* Sleep unless a slot has turned up.  Returns 0, EAGAIN or EINTR. */
static int
shard_sleep(struct shard_pool *sp, unsigned flags)
{
	struct eph_machine *mc = sp->mc;
	int error = 0;

	if ((flags & SFB_NOWAIT) != 0)
		return (EAGAIN);
	mutex_enter(mc, &sp->wait);
	/* Relaxed: ordered by the lists' locks, see shard_append(). */
	(void)eph_fetchadd_32(mc, &sp->want, 1, memory_order_relaxed);
	if (shard_all_empty(sp)) {
		(void)eph_fetchadd_64(mc, &sp->sleeps, 1, memory_order_relaxed);
		error = msleep(mc, &sp->want, &sp->wait,
		    (flags & SFB_CATCH) != 0 ? PCATCH : 0, "slot", 0);
		/* The wakeup that may have been meant for us goes on. */
		if (error != 0)
			wakeup_one(mc, &sp->want);
	}
	(void)eph_fetchadd_32(
	    mc, &sp->want, (uint32_t)-1, memory_order_relaxed);
	mutex_exit(mc, &sp->wait);
	return (error);
}

struct shard_slot *
eph__shard_take(
    struct shard_pool *sp, uint32_t first, unsigned flags, int *error)
{
	struct shard_slot *slot;
	struct eph_cpu *cpu;
	bool slept = false;

	while ((slot = shard_try_take(sp, first)) == NULL) {
		if ((*error = shard_sleep(sp, flags)) != 0) {
			cpu = eph_curcpu(sp->mc);
			cpu->c.map_calls++;
			cpu->c.map_fail++;
			return (NULL);
		}
		slept = true;
	}
	if (slept)
		msleep_done(sp->mc);
	return (slot);
}

/* eph_design_ops */

eph_va_t
eph__shard_kva(void *state, void *obj)
{
	EPH_COUNT(((const struct shard_pool *)state)->mc, kva_calls);
	return (((const struct shard_slot *)obj)->kva);
}

struct vm_page *
eph__shard_page(void *state, void *obj)
{
	(void)state;
	return (((const struct shard_slot *)obj)->m);
}

static void
shard_check_slot(struct shard_pool *sp, const struct shard_slot *slot)
{
	if (slot->claimed)
		PANIC("a slot is claimed and nothing runs");
	if (slot->listed && slot->refcnt != 0)
		PANIC("a referenced slot is on a free list");
	if (slot->m != NULL && shard_find(sp, slot->m) != slot)
		PANIC("a slot is not the one its page names");
	if (slot->refcnt != 0 &&
	    (slot->m == NULL ||
		pmap_kextract(sp->mc, slot->kva) != slot->m->frame))
		PANIC("a referenced slot does not map its page");
}

static uint64_t
shard_check_list(struct shard_pool *sp, uint32_t list)
{
	const struct shard_list *l = &sp->list[list];
	uint32_t prev = EPH_NONE, n = 0;

	for (uint32_t i = l->head; i != EPH_NONE; i = sp->slot[i].free_next) {
		const struct shard_slot *slot = &sp->slot[i];

		if (!slot->listed || slot->free_prev != prev ||
		    slot->list != list || n++ > sp->nslots)
			PANIC("a free list is broken");
		prev = i;
	}
	/* Relaxed: nothing runs. */
	if (l->tail != prev ||
	    atomic_load_explicit(&l->count, memory_order_relaxed) != n)
		PANIC("a free list's tail or count is wrong");
	return (n);
}

void
eph__shard_check(struct shard_pool *sp, uint64_t held)
{
	uint64_t refs = 0, used = 0, listed = 0, on_lists = 0;

	for (uint32_t i = 0; i < sp->nslots; i++) {
		shard_check_slot(sp, &sp->slot[i]);
		refs += sp->slot[i].refcnt;
		used += sp->slot[i].refcnt != 0;
		listed += sp->slot[i].listed;
		if (sp->slot[i].refcnt == 0 && sp->slot[i].m != NULL &&
		    !sp->slot[i].listed)
			PANIC("an unreferenced slot is on no free list");
	}
	for (uint32_t k = 0; k < sp->nlists; k++)
		on_lists += shard_check_list(sp, k);
	if (refs != held)
		PANIC("references held and references counted differ");
	if (listed != on_lists)
		PANIC("slots listed and slots on lists differ");
	/* Relaxed: nothing runs. */
	if (atomic_load_explicit(&sp->used, memory_order_relaxed) != used)
		PANIC("the gauge of slots in use is wrong");
}
