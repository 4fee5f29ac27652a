/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sf_buf.dynamic: no pool.  Mappings are made when they are needed; what is
 * limited is the excess, the mappings kept although they are not in use.
 *
 * What it does.  A page that is mapped is found in the index, and its
 * mapping gets a reference.  Otherwise, while fewer mappings than the limit
 * are unreferenced, a new one is made on fresh KVA; at the limit the one
 * that has been unreferenced longest is recycled.  The last free keeps the
 * mapping; if that makes one too many, the oldest unreferenced one is
 * removed everywhere and its KVA given back.
 *
 * Idea.  The number of sf_bufs was a guess that was wrong both ways: too
 * few put senders to sleep, too many tied up KVA.  In use there are as many
 * as it takes, and what a cache is worth is decided by one number alone.
 *
 * Atomics.  The reference count and the mask of CPUs in sync move by atomic
 * operations, so that a free which is not the last, and all invalidations,
 * take no lock.  A bit is set in the mask after that CPU has invalidated,
 * never before: others look at it without the lock.
 *
 * Invariants: a mapping is recycled or removed only from the idle list,
 * under the lock, with no reference; its count leaves 0 under the lock
 * only.  A CPU in the mask has invalidated since the entry was stored.
 *
 *	case					L	R	IPI
 *	hit, private, my bit set		0	0	0
 *	hit, private, my bit clear		1	0	0
 *	hit, shared, mask full			0	0	0
 *	hit, shared, mask not full		1	N-1	N-1
 *	miss, private, new or recycled		1	0	0
 *	miss, shared, new or recycled		1	N-1	N-1
 *	free, excess within the limit		0	0	0
 *	free, one too many			1	N-1	N-1
 *	KVA used up, nothing idle		0 asleep, then hit or miss
 *
 * What the proposal leaves open is as in sf_buf.cpumask, whose author is
 * the same: one invlpg for a private mapping whatever was there before, all
 * CPUs for a shared one, no look at A.  Full is the mask of all CPUs there
 * are.  After a sleep the index is looked up again, and all sleepers are
 * woken.
 *
 * Locking.  `lock` guards index, idle list and records; it is not held
 * while other CPUs are waited for.
 *
 * Matthew Dillon, DragonFly kernel list, 2009-03: a proposal, not shipped.
 */

#include <errno.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define DYN_CHUNK 64u /* records made at once */

/* A record; it stays where it is until the end. */
struct dyn_buf {
	struct vm_page *m;	      /* (l) NULL: not in the index */
	eph_va_t kva;		      /* (l) 0: the record is free */
	_Atomic(uint32_t) refcnt;     /* (p) leaves 0 under the lock */
	uint32_t id;		      /* (c) */
	uint32_t idle_next;	      /* (l) or next free record */
	uint32_t idle_prev;	      /* (l) */
	bool idle;		      /* (l) on the idle list */
	_Atomic(eph_cpuword_t) *mask; /* (p) CPUs in sync */
};

struct dyn_chunk {
	struct dyn_buf buf[DYN_CHUNK];
	_Atomic(eph_cpuword_t) masks[]; /* DYN_CHUNK sets */
};

struct dyn {
	struct eph_machine *mc;	  /* (c) */
	struct eph_mutex lock;	  /* guards all (l) */
	struct dyn_chunk **chunk; /* (l) */
	uint32_t nchunks;	  /* (l) */
	uint32_t chunk_room;	  /* (l) */
	uint32_t free;		  /* (l) free records */
	uint32_t nbufs;		  /* (l) mappings there are */
	uint32_t nidle;		  /* (l) of these, unreferenced */
	uint32_t limit;		  /* (l) on the excess */
	uint32_t idle_head;	  /* (l) unreferenced longest */
	uint32_t idle_tail;	  /* (l) */
	uint32_t want;		  /* (l) sleepers */
};

/* Records */

static struct dyn_buf *
dyn_at(const struct dyn *dy, uint32_t id)
{
	return (&dy->chunk[id / DYN_CHUNK]->buf[id % DYN_CHUNK]);
}

static size_t
dyn_chunk_bytes(const struct eph_machine *mc)
{
	return (sizeof(struct dyn_chunk) +
	    (size_t)DYN_CHUNK * mc->cpuwords * sizeof(eph_cpuword_t));
}

/* Room in the table of chunks; false when out of memory. */
static bool
dyn_grow_table(struct dyn *dy)
{
	const uint32_t n = dy->chunk_room == 0 ? 16 : dy->chunk_room * 2;
	struct dyn_chunk **table;

	if (dy->nchunks < dy->chunk_room)
		return (true);
	table = eph_mem_grow(dy->mc->mem, dy->chunk,
	    dy->chunk_room * sizeof(*table), n * sizeof(*table));
	if (table == NULL)
		return (false);
	dy->chunk = table;
	dy->chunk_room = n;
	return (true);
}

static bool
dyn_grow(struct dyn *dy)
{
	struct eph_machine *mc = dy->mc;
	struct dyn_chunk *c;

	if (!dyn_grow_table(dy) ||
	    (c = eph_machine_alloc(mc, dyn_chunk_bytes(mc))) == NULL)
		return (false);
	dy->chunk[dy->nchunks] = c;
	for (uint32_t i = DYN_CHUNK; i-- > 0;) {
		c->buf[i].id = dy->nchunks * DYN_CHUNK + i;
		c->buf[i].mask = &c->masks[(size_t)i * mc->cpuwords];
		c->buf[i].idle_next = dy->free;
		dy->free = c->buf[i].id;
	}
	dy->nchunks++;
	return (true);
}

static void
dyn_destroy(void *state)
{
	struct dyn *dy = state;
	struct eph_machine *mc = dy->mc;

	for (uint32_t i = 0; i < dy->nchunks * DYN_CHUNK; i++) {
		struct dyn_buf *sf = dyn_at(dy, i);

		if (sf->m != NULL)
			sf->m->hint = 0;
		if (sf->kva != 0)
			kva_free(mc, sf->kva, 1);
	}
	for (uint32_t i = 0; i < dy->nchunks; i++)
		eph_machine_free(mc, dy->chunk[i], dyn_chunk_bytes(mc));
	eph_machine_free(mc, dy->chunk, dy->chunk_room * sizeof(*dy->chunk));
	eph_machine_free(mc, dy, sizeof(*dy));
}

static int
dyn_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct dyn *dy;

	if (cfg->nbufs == 0)
		return (eph_err_set(
		    err, EINVAL, "an excess of 0: at least 1 mapping is kept"));
	if ((dy = eph_machine_alloc(mc, sizeof(*dy))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	dy->mc = mc;
	dy->limit = cfg->nbufs;
	dy->free = dy->idle_head = dy->idle_tail = EPH_NONE;
	mutex_init(&dy->lock, "sf_buf index");
	*statep = dy;
	return (0);
}

/* The idle list; the lock is held. */

static void
dyn_idle_append(struct dyn *dy, struct dyn_buf *sf)
{
	sf->idle_next = EPH_NONE;
	sf->idle_prev = dy->idle_tail;
	if (dy->idle_tail != EPH_NONE)
		dyn_at(dy, dy->idle_tail)->idle_next = sf->id;
	else
		dy->idle_head = sf->id;
	dy->idle_tail = sf->id;
	sf->idle = true;
	dy->nidle++;
}

static void
dyn_idle_remove(struct dyn *dy, struct dyn_buf *sf)
{
	if (sf->idle_prev != EPH_NONE)
		dyn_at(dy, sf->idle_prev)->idle_next = sf->idle_next;
	else
		dy->idle_head = sf->idle_next;
	if (sf->idle_next != EPH_NONE)
		dyn_at(dy, sf->idle_next)->idle_prev = sf->idle_prev;
	else
		dy->idle_tail = sf->idle_prev;
	sf->idle = false;
	dy->nidle--;
}

/* The oldest idle mapping, out of list and index; there is one. */
static struct dyn_buf *
dyn_oldest(struct dyn *dy)
{
	struct dyn_buf *sf = dyn_at(dy, dy->idle_head);

	dyn_idle_remove(dy, sf);
	sf->m->hint = 0;
	sf->m = NULL;
	return (sf);
}

/* A record on fresh KVA, or NULL. */
static struct dyn_buf *
dyn_fresh(struct dyn *dy)
{
	struct dyn_buf *sf;
	eph_va_t va;

	if (dy->free == EPH_NONE || (va = kva_alloc(dy->mc, 1)) == 0)
		return (NULL);
	sf = dyn_at(dy, dy->free);
	dy->free = sf->idle_next;
	sf->kva = va;
	dy->nbufs++;
	return (sf);
}

/* A mapping for a page that has none, or NULL: then sleep. */
static struct dyn_buf *
dyn_take(struct dyn *dy)
{
	struct dyn_buf *sf;

	if (dy->nidle < dy->limit && (sf = dyn_fresh(dy)) != NULL) {
		EPH_NOTE(dy->mc, "miss: a new mapping, number %u", dy->nbufs);
		return (sf);
	}
	if (dy->nidle == 0)
		return (NULL);
	EPH_NOTE(dy->mc, "miss: the oldest of %u idle mappings", dy->nidle);
	EPH_COUNT(dy->mc, evict);
	return (dyn_oldest(dy));
}

/* The mask */

static bool
dyn_mask_isset(struct dyn *dy, struct dyn_buf *sf, unsigned cpu)
{
	/* Acquire: pairs with dyn_mask_or(). */
	const eph_cpuword_t word =
	    eph_load_64(dy->mc, &sf->mask[cpu >> 6], memory_order_acquire);

	return ((word & eph_cpuset_bit(cpu)) != 0);
}

static bool
dyn_mask_isfull(struct dyn *dy, struct dyn_buf *sf)
{
	for (unsigned w = 0; w < dy->mc->cpuwords; w++) {
		/* Acquire: pairs with dyn_mask_or(). */
		if (eph_load_64(dy->mc, &sf->mask[w], memory_order_acquire) !=
		    dy->mc->allcpus[w])
			return (false);
	}
	return (true);
}

/* Release: the bits are seen after what those CPUs did. */
static void
dyn_mask_or(struct dyn *dy, struct dyn_buf *sf, unsigned w, eph_cpuword_t bits)
{
	(void)eph_fetchor_64(dy->mc, &sf->mask[w], bits, memory_order_release);
}

/* Make the mapping, which one holds, valid where `flags` asks for it. */
static void
dyn_sync(struct dyn *dy, struct dyn_buf *sf, unsigned flags)
{
	struct eph_machine *mc = dy->mc;
	unsigned me;

	if ((flags & SFB_CPUPRIVATE) == 0) {
		if (dyn_mask_isfull(dy, sf))
			return;
		pmap_kenter_sync(mc, sf->kva);
		for (unsigned w = 0; w < mc->cpuwords; w++)
			dyn_mask_or(dy, sf, w, mc->allcpus[w]);
		return;
	}
	crit_enter(mc);
	me = eph_curcpu(mc)->id;
	if (!dyn_mask_isset(dy, sf, me)) {
		pmap_kenter_sync_quick(mc, sf->kva);
		dyn_mask_or(dy, sf, me >> 6, eph_cpuset_bit(me));
	}
	crit_exit(mc);
}

/* Map and unmap */

/* A hit, the lock held. */
static void
dyn_hold(struct dyn *dy, struct dyn_buf *sf)
{
	struct eph_cpu *cpu = eph_curcpu(dy->mc);

	cpu->c.map_calls++;
	/* Acquire: what the last holder did comes before what we do. */
	if (eph_fetchadd_32(dy->mc, &sf->refcnt, 1, memory_order_acquire) !=
	    0) {
		cpu->c.hit_active++;
		return;
	}
	cpu->c.hit_inactive++;
	if (sf->idle)
		dyn_idle_remove(dy, sf);
	eph_bufs_inc(dy->mc);
}

/*
 * A miss, the lock held: the entry is stored, and the mask emptied, before
 * anybody can find the mapping.
 */
static void
dyn_enter(struct dyn *dy, struct dyn_buf *sf, struct vm_page *m)
{
	struct eph_machine *mc = dy->mc;
	struct eph_cpu *cpu = eph_curcpu(mc);

	/* Relaxed, both: the lock publishes them. */
	for (unsigned w = 0; w < mc->cpuwords; w++)
		eph_store_64(mc, &sf->mask[w], 0, memory_order_relaxed);
	eph_store_32(mc, &sf->refcnt, 1, memory_order_relaxed);
	pmap_pte_store(mc, sf->kva,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	sf->m = m;
	m->hint = sf->id + 1;
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(mc);
}

/* The mapping of `m`, held; NULL with *error: EINTR, or ENOMEM. */
static struct dyn_buf *
dyn_get(struct dyn *dy, struct vm_page *m, bool catch, int *error)
{
	struct eph_machine *mc = dy->mc;
	struct dyn_buf *sf;
	bool slept = false;

	for (;;) {
		if (m->hint != 0) {
			sf = dyn_at(dy, m->hint - 1);
			dyn_hold(dy, sf);
			break;
		}
		if (dy->free == EPH_NONE && !dyn_grow(dy) && dy->nidle == 0) {
			*error = ENOMEM;
			return (NULL);
		}
		if ((sf = dyn_take(dy)) != NULL) {
			dyn_enter(dy, sf, m);
			break;
		}
		dy->want++;
		*error = msleep(
		    mc, &dy->want, &dy->lock, catch ? PCATCH : 0, "sfbufa", 0);
		dy->want--;
		if (*error != 0) {
			EPH_COUNT(mc, map_calls);
			EPH_COUNT(mc, map_fail);
			return (NULL);
		}
		slept = true;
	}
	if (slept)
		msleep_done(mc);
	return (sf);
}

static int
dyn_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct dyn *dy = state;
	struct dyn_buf *sf;
	int error = 0;

	mutex_enter(dy->mc, &dy->lock);
	sf = dyn_get(dy, m, (flags & SFB_CATCH) != 0, &error);
	mutex_exit(dy->mc, &dy->lock);
	if (sf == NULL)
		return (error);
	dyn_sync(dy, sf, flags);
	*mp = (struct eph_mapping){ sf, sf->kva };
	return (0);
}

/* Remove what is beyond the limit; the lock is held, and let go meanwhile. */
static void
dyn_trim(struct dyn *dy)
{
	struct eph_machine *mc = dy->mc;

	while (dy->nidle > dy->limit) {
		struct dyn_buf *sf = dyn_oldest(dy);

		EPH_NOTE(mc, "excess above %u: one removed", dy->limit);
		mutex_exit(mc, &dy->lock);
		pmap_kremove(mc, sf->kva);
		kva_free(mc, sf->kva, 1);
		mutex_enter(mc, &dy->lock);
		sf->kva = 0;
		sf->idle_next = dy->free;
		dy->free = sf->id;
		dy->nbufs--;
	}
}

/*
 * The count reached 0 before we had the lock.  Since then it may have been
 * taken again, or found idle by another last free, or removed.
 */
static void
dyn_retire(struct dyn *dy, struct dyn_buf *sf)
{
	struct eph_machine *mc = dy->mc;

	mutex_enter(mc, &dy->lock);
	/* Relaxed: it leaves 0 under the lock only. */
	if (eph_load_32(mc, &sf->refcnt, memory_order_relaxed) == 0 &&
	    sf->m != NULL && !sf->idle) {
		dyn_idle_append(dy, sf);
		dyn_trim(dy);
		if (eph_unlikely(dy->want > 0))
			wakeup(mc, &dy->want);
	}
	mutex_exit(mc, &dy->lock);
}

static int
dyn_unmap(void *state, void *obj)
{
	struct dyn *dy = state;
	struct dyn_buf *sf = obj;
	/* Acq_rel: our use ends before, the next life begins after. */
	const uint32_t old = eph_fetchadd_32(
	    dy->mc, &sf->refcnt, (uint32_t)-1, memory_order_acq_rel);

	if (old == 0)
		PANIC("sf_buf_free: freeing a free sf_buf");
	EPH_COUNT(dy->mc, unmap_calls);
	if (old == 1) {
		eph_bufs_dec(dy->mc);
		dyn_retire(dy, sf);
	}
	return (0);
}

static eph_va_t
dyn_kva(void *state, void *obj)
{
	EPH_COUNT(((const struct dyn *)state)->mc, kva_calls);
	return (((const struct dyn_buf *)obj)->kva);
}

static int
dyn_ref(void *state, void *obj)
{
	struct dyn_buf *sf = obj;

	/* Relaxed: the caller holds one. */
	if (eph_fetchadd_32(((const struct dyn *)state)->mc, &sf->refcnt, 1,
		memory_order_relaxed) == 0)
		PANIC("sf_buf_ref: referencing a free sf_buf");
	return (0);
}

static struct vm_page *
dyn_page(void *state, void *obj)
{
	(void)state;
	return (((const struct dyn_buf *)obj)->m);
}

/* Invariants */

static uint32_t
dyn_check_buf(struct dyn *dy, const struct dyn_buf *sf)
{
	/* Relaxed: nothing runs. */
	const uint32_t refs =
	    atomic_load_explicit(&sf->refcnt, memory_order_relaxed);

	if ((sf->kva != 0) != (sf->m != NULL))
		PANIC("a mapping has no page, or a free record has one");
	if (sf->m == NULL && (refs != 0 || sf->idle))
		PANIC("a free record is referenced or idle");
	if (sf->m == NULL)
		return (0);
	if (sf->m->hint != sf->id + 1)
		PANIC("a mapping is not the one its page names");
	if (sf->idle != (refs == 0))
		PANIC("unreferenced and idle are not the same");
	if (pmap_kextract(dy->mc, sf->kva) != sf->m->frame)
		PANIC("a mapping does not map its page");
	return (refs);
}

static void
dyn_check(void *state, uint64_t held)
{
	struct dyn *dy = state;
	uint32_t prev = EPH_NONE, nidle = 0, nbufs = 0;
	uint64_t refs = 0;

	for (uint32_t i = 0; i < dy->nchunks * DYN_CHUNK; i++) {
		refs += dyn_check_buf(dy, dyn_at(dy, i));
		nbufs += dyn_at(dy, i)->kva != 0;
	}
	for (uint32_t i = dy->idle_head; i != EPH_NONE;
	     i = dyn_at(dy, i)->idle_next) {
		if (!dyn_at(dy, i)->idle || dyn_at(dy, i)->idle_prev != prev ||
		    nidle++ > nbufs)
			PANIC("the idle list is broken");
		prev = i;
	}
	if (refs != held)
		PANIC("references held and references counted differ");
	if (dy->nbufs != nbufs || dy->nidle != nidle || dy->idle_tail != prev)
		PANIC("the number of mappings is wrong");
	if (nidle > dy->limit)
		PANIC("more excess than the limit");
}

/* sysctls */

static uint64_t
dyn_get_nbufs(void *state)
{
	return (((const struct dyn *)state)->nbufs);
}

static uint64_t
dyn_get_nidle(void *state)
{
	return (((const struct dyn *)state)->nidle);
}

static uint64_t
dyn_get_limit(void *state)
{
	return (((const struct dyn *)state)->limit);
}

static int
dyn_set_limit(void *state, uint64_t value)
{
	struct dyn *dy = state;

	if (value == 0 || value > UINT32_MAX)
		return (EINVAL);
	mutex_enter(dy->mc, &dy->lock);
	dy->limit = (uint32_t)value;
	dyn_trim(dy);
	mutex_exit(dy->mc, &dy->lock);
	return (0);
}

static int
dyn_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}

static const struct eph_sysctl dyn_sysctls[] = {
	{ "kern.ipc.nsfbufs", "mappings there are", dyn_get_nbufs,
	    dyn_set_denied, "no pool: it moves with the load" },
	{ "kern.ipc.nsffree", "unreferenced mappings", dyn_get_nidle,
	    dyn_set_denied, NULL },
	{ "kern.ipc.sfbuf_excess", "unreferenced mappings that are kept",
	    dyn_get_limit, dyn_set_limit, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__sf_buf_dynamic_ops = {
	.abi = EPHMAP_ABI,
	.name = "sf_buf.dynamic",
	.summary = "mappings on demand, a limit on the unreferenced ones",
	.origin = "DragonFly kernel list, Dillon; a proposal",
	.date = "2009-03",
	.from = "sf_buf.cpumask",
	.costs = "CPUs not in sync",
	.holes = "",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_PRIVATE | EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = dyn_create,
	.destroy = dyn_destroy,
	.map = dyn_map,
	.unmap = dyn_unmap,
	.kva = dyn_kva,
	.ref = dyn_ref,
	.page = dyn_page,
	.check = dyn_check,
	.sysctls = dyn_sysctls,
};
