/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.pcpu and lwbuf.pcpu-kva: a cache of mappings for each CPU.
 *
 * Idea.  A mapping that only one CPU uses never needs an interrupt to be
 * recycled.  So a CPU keeps records {page, address, references} of its own,
 * in a table by page; a mapping outlives its last reference and is found
 * again.  What the caller gets is a handle {page, mask of CPUs}, from an
 * objcache: a CPU in the mask holds a reference on its record of the page.
 *
 * Invariant: a CPU has at most one record of a page; it maps that page, on
 * that CPU, and no other CPU uses its address.  References of a record are
 * the handles with this CPU in their mask, and those being freed whose
 * message has not arrived.
 *
 *	case				stores	L	R	messages
 *	alloc or kva, record of page	0	0	0	0
 *	alloc or kva, none		1	1	0	0
 *	kva, CPU in the mask		0	0	0	0
 *	free, mask is this CPU		0	0	0	0
 *	free, k other CPUs in the mask	0	0	0	k passive
 *
 * No interrupt at all, but where a FIFO of messages is half full.
 *
 * Who is recycled: an unreferenced record, the one that was left longest
 * ago, those never used before any other; if there is none, 32 more
 * addresses, up to a limit for each CPU (1024); then the caller sleeps
 * until a record is left here.  kva() cannot sleep with the handle in its
 * hands, as those who would wake it may be waiting for it: it refuses.
 *
 * Counted as hits and misses are the records that maps find; a record that
 * kva() makes is in neither, though its store and its invlpg are counted.
 *
 * The two forms.  lwbuf.pcpu takes a record's address from the kernel's
 * space, so that N CPUs take N times as much.  lwbuf.pcpu-kva takes it from
 * a window in which every CPU has page tables of its own: record n has the
 * same address everywhere, and maps another page on each CPU.
 *
 * Ours.  The proposal left open when addresses are made (32 at a time), the
 * limit, and what an alloc does at it.  The table is looked up again after
 * a sleep.  There is no set_global: no address is valid on two CPUs.
 *
 * Locking.  (p) by the CPU, in a critical section, by message handlers
 * too.  A handle's mask and count are atomic.
 *
 * Proposed by Samuel Greear, DragonFly, 2009-03; not committed.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "design/lwbuf_core.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/objcache.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"
#include "machine/access.h"

#define PCPU_GROW  32u	 /* records at a time */
#define PCPU_LIMIT 1024u /* records of one CPU: 4 MiB */

/* lwbuf_pcpu: one mapping of one CPU.  Indices are plus one, 0: none. */
struct pcpu_record {
	struct vm_page *m;  /* (p) NULL: never used */
	eph_va_t kva;	    /* (c) */
	uint32_t refcnt;    /* (p) */
	uint32_t hash_next; /* (p) in its chain */
	uint32_t lru_prev;  /* (p) left later than this one */
	uint32_t lru_next;  /* (p) left earlier */
};

/* A CPU's records, on cache lines of their own. */
struct pcpu_table {
	_Alignas(64) struct pcpu_record *records; /* (p) */
	uint32_t *hash;				  /* (p) chains */
	uint32_t nrecords;			  /* (p) */
	uint32_t room;				  /* (p) in records[] */
	uint32_t hash_shift;			  /* (p) 32 - log2 of chains */
	uint32_t lru_first;			  /* (p) left last */
	uint32_t lru_last;			  /* (p) next to be recycled */
	uint32_t waiting;			  /* (p) sleepers */
};

struct lwbuf_pcpu {
	struct eph_machine *mc;	 /* (c) first, see eph__lwkt_get_ipiq_count() */
	unsigned words;		 /* (c) in a handle's mask */
	struct slab slab;	 /* handles */
	struct objcache *cache;	 /* (c) of them */
	struct pcpu_table *cpus; /* (c) */
	eph_va_t window;	 /* (c) pcpu-kva, else 0 */
	_Atomic(uint32_t) limit; /* (a) records for each CPU */
};

/* What the caller gets. */
struct lwbuf_handle {
	struct slab_item item;
	struct lwbuf_pcpu *lp;	     /* (c) for message handlers */
	struct vm_page *m;	     /* page, NULL while free */
	_Atomic(uint32_t) drops;     /* (a) CPUs that still have to let go */
	_Atomic(uint64_t) cpumask[]; /* (a) CPUs that hold a record */
};

static struct pcpu_table *
pcpu_mine(struct lwbuf_pcpu *lp)
{
	return (&lp->cpus[eph_curcpu(lp->mc)->id]);
}

/* A CPU's table; everything here runs on it, in a critical section. */

static uint32_t *
pcpu_chain(struct pcpu_table *t, const struct vm_page *m)
{
	/* Fibonacci hashing: pages of one file are neighbours. */
	return (&t->hash[(m->frame * 2654435769u) >> t->hash_shift]);
}

static struct pcpu_record *
pcpu_lookup(struct pcpu_table *t, const struct vm_page *m)
{
	for (uint32_t i = *pcpu_chain(t, m); i != 0;
	     i = t->records[i - 1].hash_next) {
		if (t->records[i - 1].m == m)
			return (&t->records[i - 1]);
	}
	return (NULL);
}

static uint32_t
pcpu_id(const struct pcpu_table *t, const struct pcpu_record *r)
{
	return ((uint32_t)(r - t->records) + 1);
}

static void
pcpu_hash_insert(struct pcpu_table *t, struct pcpu_record *r)
{
	uint32_t *chain = pcpu_chain(t, r->m);

	r->hash_next = *chain;
	*chain = pcpu_id(t, r);
}

static void
pcpu_hash_remove(struct pcpu_table *t, struct pcpu_record *r)
{
	uint32_t *linkp = pcpu_chain(t, r->m);

	while (*linkp != pcpu_id(t, r)) {
		KASSERT(*linkp != 0, "a record is not in its chain");
		linkp = &t->records[*linkp - 1].hash_next;
	}
	*linkp = r->hash_next;
}

static void
pcpu_lru_insert_head(struct pcpu_table *t, struct pcpu_record *r)
{
	r->lru_prev = 0;
	r->lru_next = t->lru_first;
	if (t->lru_first != 0)
		t->records[t->lru_first - 1].lru_prev = pcpu_id(t, r);
	else
		t->lru_last = pcpu_id(t, r);
	t->lru_first = pcpu_id(t, r);
}

static void
pcpu_lru_remove(struct pcpu_table *t, struct pcpu_record *r)
{
	if (r->lru_prev != 0)
		t->records[r->lru_prev - 1].lru_next = r->lru_next;
	else
		t->lru_first = r->lru_next;
	if (r->lru_next != 0)
		t->records[r->lru_next - 1].lru_prev = r->lru_prev;
	else
		t->lru_last = r->lru_prev;
}

/* A record and, behind all records, two chains. */
#define PCPU_EACH (sizeof(struct pcpu_record) + 2 * sizeof(uint32_t))

static bool
pcpu_table_resize(struct lwbuf_pcpu *lp, struct pcpu_table *t, uint32_t n)
{
	struct pcpu_table new = *t;

	if (n <= t->room)
		return (true);
	new.hash_shift = 31;
	for (new.room = 1; new.room < n; new.room *= 2)
		new.hash_shift--;
	new.records = eph_machine_alloc(lp->mc, PCPU_EACH * new.room);
	if (new.records == NULL)
		return (false);
	new.hash = (uint32_t *)(void *)(new.records + new.room);
	for (uint32_t i = 0; i < t->nrecords; i++) {
		new.records[i] = t->records[i];
		if (new.records[i].m != NULL)
			pcpu_hash_insert(&new, &new.records[i]);
	}
	eph_machine_free(lp->mc, t->records, PCPU_EACH * t->room);
	*t = new;
	return (true);
}

/*
 * 32 addresses more, if the limit and the machine have them.  Only called
 * when nothing is unreferenced, so that these are recycled before others.
 */
static bool
pcpu_grow(struct lwbuf_pcpu *lp, struct pcpu_table *t)
{
	/* Relaxed: a tunable. */
	const uint32_t limit =
	    eph_load_32(lp->mc, &lp->limit, memory_order_relaxed);
	uint32_t n = PCPU_GROW;
	eph_va_t va;

	if (t->nrecords >= limit)
		return (false);
	if (n > limit - t->nrecords)
		n = limit - t->nrecords;
	if (!pcpu_table_resize(lp, t, t->nrecords + n))
		return (false);
	va = lp->window != 0 ? lp->window + eph_ptoa(t->nrecords)
			     : kva_alloc(lp->mc, n);
	if (va == 0)
		return (false);
	for (uint32_t i = 0; i < n; i++) {
		struct pcpu_record *r = &t->records[t->nrecords++];

		memset(r, 0, sizeof(*r));
		r->kva = va + eph_ptoa(i);
		pcpu_lru_insert_head(t, r);
	}
	return (true);
}

enum pcpu_found {
	PCPU_ACTIVE,   /* a record of the page, referenced */
	PCPU_INACTIVE, /* a record of the page, unreferenced */
	PCPU_FRESH,    /* none: one never used was taken */
	PCPU_EVICTED,  /* none: another page's was taken */
	PCPU_NONE,     /* none, and all are referenced */
};

/* Hold this CPU's record of `m`, making it if need be. */
static enum pcpu_found
pcpu_hold(struct lwbuf_pcpu *lp, struct pcpu_table *t, struct vm_page *m,
    struct pcpu_record **rp)
{
	struct pcpu_record *r = t->nrecords != 0 ? pcpu_lookup(t, m) : NULL;
	enum pcpu_found found = PCPU_FRESH;

	*rp = r;
	if (r != NULL) {
		if (r->refcnt++ != 0)
			return (PCPU_ACTIVE);
		pcpu_lru_remove(t, r);
		return (PCPU_INACTIVE);
	}
	if (t->lru_last == 0 && !pcpu_grow(lp, t))
		return (PCPU_NONE);
	r = &t->records[t->lru_last - 1];
	pcpu_lru_remove(t, r);
	if (r->m != NULL) {
		pcpu_hash_remove(t, r);
		found = PCPU_EVICTED;
	}
	r->m = m;
	r->refcnt = 1;
	pcpu_hash_insert(t, r);
	pmap_kenter_quick(lp->mc, r->kva, vm_page_to_phys(m));
	*rp = r;
	return (found);
}

/* Drop a reference on this CPU's record of `m`. */
static void
pcpu_drop(struct lwbuf_pcpu *lp, const struct vm_page *m)
{
	struct pcpu_table *t = pcpu_mine(lp);
	struct pcpu_record *r = pcpu_lookup(t, m);

	if (r == NULL || r->refcnt == 0)
		PANIC("dropping a mapping that is not held on this CPU");
	if (--r->refcnt != 0)
		return;
	pcpu_lru_insert_head(t, r);
	if (t->waiting != 0)
		wakeup_one(lp->mc, t);
}

/* Handles */

static bool
pcpu_handle_ctor(void *obj, void *privdata, int ocflags)
{
	(void)ocflags;
	((struct lwbuf_handle *)obj)->lp = privdata;
	return (true);
}

/* This CPU lets go of a handle that was freed; the last one puts it back. */
static void
pcpu_handle_drop(struct lwbuf_handle *h)
{
	struct lwbuf_pcpu *lp = h->lp;

	pcpu_drop(lp, h->m);
	/* Acquire and release: all looks at the handle come before its end. */
	if (eph_fetchadd_32(
		lp->mc, &h->drops, UINT32_MAX, memory_order_acq_rel) != 1)
		return;
	h->m = NULL;
	for (unsigned w = 0; w < lp->words; w++)
		/* Relaxed: ours alone. */
		eph_store_64(lp->mc, &h->cpumask[w], 0, memory_order_relaxed);
	objcache_put(lp->cache, h);
}

static void
pcpu_drop_message(struct eph_machine *mc, void *arg)
{
	(void)mc;
	pcpu_handle_drop(arg);
}

/* Sleep until this CPU has a record for `m`, and hold it. */
static enum pcpu_found
pcpu_hold_wait(
    struct lwbuf_pcpu *lp, struct vm_page *m, struct pcpu_record **rp)
{
	struct pcpu_table *t = pcpu_mine(lp);
	enum pcpu_found found;
	bool slept = false;

	while ((found = pcpu_hold(lp, t, m, rp)) == PCPU_NONE) {
		t->waiting++;
		(void)ssleep(lp->mc, t, NULL, 0, "lwbuf", 0);
		t->waiting--;
		slept = true;
	}
	if (slept) {
		msleep_done(lp->mc);
		/* Who woke us may have meant a record that we left. */
		if (t->waiting != 0 && t->lru_last != 0)
			wakeup_one(lp->mc, t);
	}
	return (found);
}

static void
pcpu_count(struct eph_machine *mc, enum pcpu_found found)
{
	struct eph_cpu *cpu = eph_curcpu(mc);

	cpu->c.map_calls++;
	cpu->c.hit_active += found == PCPU_ACTIVE;
	cpu->c.hit_inactive += found == PCPU_INACTIVE;
	cpu->c.miss += found == PCPU_FRESH || found == PCPU_EVICTED;
	cpu->c.evict += found == PCPU_EVICTED;
}

static int
lwbuf_pcpu_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct lwbuf_pcpu *lp = state;
	struct lwbuf_handle *h = objcache_get(lp->cache, M_WAITOK);
	struct pcpu_record *r;
	unsigned me;

	(void)flags;
	if (h == NULL)
		return (ENOMEM);
	h->m = m;
	crit_enter(lp->mc);
	pcpu_count(lp->mc, pcpu_hold_wait(lp, m, &r));
	me = eph_curcpu(lp->mc)->id;
	/* Relaxed: no other CPU knows this handle yet. */
	eph_store_64(lp->mc, &h->cpumask[me >> 6], eph_cpuset_bit(me),
	    memory_order_relaxed);
	*mp = (struct eph_mapping){ h, r->kva };
	crit_exit(lp->mc);
	eph_bufs_inc(lp->mc);
	return (0);
}

static int
lwbuf_pcpu_unmap(void *state, void *obj)
{
	struct lwbuf_pcpu *lp = state;
	struct eph_machine *mc = lp->mc;
	struct lwbuf_handle *h = obj;
	eph_cpuword_t mask[EPH_CPUSET_WORDS_MAX];

	/* Relaxed, as below: the last use synchronized with this free. */
	if (h->m == NULL ||
	    eph_load_32(mc, &h->drops, memory_order_relaxed) != 0)
		PANIC("lwbuf_free: freeing a free lwbuf");
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	for (unsigned w = 0; w < lp->words; w++)
		mask[w] = eph_load_64(mc, &h->cpumask[w], memory_order_relaxed);
	eph_store_32(mc, &h->drops, eph_cpuset_count(mask, lp->words),
	    memory_order_relaxed);
	crit_enter(mc);
	EPH_CPUSET_FOREACH(c, mask, lp->words)
	{
		if (c == eph_curcpu(mc)->id)
			pcpu_handle_drop(h);
		else
			(void)lwkt_send_ipiq_passive(
			    mc, c, pcpu_drop_message, h);
	}
	crit_exit(mc);
	return (0);
}

static eph_va_t
lwbuf_pcpu_kva(void *state, void *obj)
{
	struct lwbuf_pcpu *lp = state;
	struct eph_machine *mc = lp->mc;
	struct lwbuf_handle *h = obj;
	struct pcpu_record *r;
	unsigned me;

	EPH_COUNT(mc, kva_calls);
	crit_enter(mc);
	me = eph_curcpu(mc)->id;
	/* Relaxed: our bit is set by us. */
	if ((eph_load_64(mc, &h->cpumask[me >> 6], memory_order_relaxed) &
		eph_cpuset_bit(me)) != 0) {
		r = pcpu_lookup(pcpu_mine(lp), h->m);
	} else if (pcpu_hold(lp, pcpu_mine(lp), h->m, &r) != PCPU_NONE) {
		/* Relaxed: only the free looks, after the last use. */
		(void)eph_fetchor_64(mc, &h->cpumask[me >> 6],
		    eph_cpuset_bit(me), memory_order_relaxed);
	} else {
		crit_exit(mc);
		(void)eph_machine_refuse(mc,
		    "lwbuf_kva: all %" PRIu32 " mappings of CPU %u are held, "
		    "and a caller that holds one may not wait for another",
		    lp->cpus[me].nrecords, me);
		return (0);
	}
	crit_exit(mc);
	return (r->kva);
}

static struct vm_page *
lwbuf_pcpu_page(void *state, void *obj)
{
	(void)state;
	return (((const struct lwbuf_handle *)obj)->m);
}

/* Life */

static void
lwbuf_pcpu_destroy(void *state)
{
	struct lwbuf_pcpu *lp = state;
	struct eph_machine *mc = lp->mc;

	for (unsigned c = 0; lp->cpus != NULL && c < mc->ncpus; c++) {
		struct pcpu_table *t = &lp->cpus[c];

		for (uint32_t i = 0; lp->window == 0 && i < t->nrecords; i++)
			kva_free(mc, t->records[i].kva, 1);
		eph_machine_free(mc, t->records, PCPU_EACH * t->room);
	}
	eph_machine_free(mc, lp->cpus, mc->ncpus * sizeof(*lp->cpus));
	objcache_destroy(lp->cache);
	eph__slab_fini(&lp->slab);
	eph_machine_free(mc, lp, sizeof(*lp));
}

static int
lwbuf_pcpu_init(struct lwbuf_pcpu *lp, struct eph_machine *mc)
{
	lp->mc = mc;
	lp->words = mc->cpuwords;
	atomic_init(&lp->limit, PCPU_LIMIT);
	eph__slab_init(&lp->slab, mc,
	    sizeof(struct lwbuf_handle) +
		lp->words * sizeof(_Atomic(uint64_t)));
	lp->cache = objcache_create(mc, "lwbuf", OBJCACHE_UNLIMITED, 0,
	    pcpu_handle_ctor, NULL, lp, eph__slab_objcache_alloc,
	    eph__slab_objcache_free, &lp->slab);
	lp->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*lp->cpus));
	return (
	    lp->cache != NULL && lp->cpus != NULL ? ipiq_attach(mc) : ENOMEM);
}

static int
lwbuf_pcpu_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct lwbuf_pcpu *lp = eph_machine_alloc(mc, sizeof(*lp));

	(void)cfg;
	if (lp == NULL || lwbuf_pcpu_init(lp, mc) != 0) {
		if (lp != NULL)
			lwbuf_pcpu_destroy(lp);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = lp;
	return (0);
}

static int
lwbuf_pcpu_kva_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	struct lwbuf_pcpu *lp;
	int error;

	if ((error = lwbuf_pcpu_create(mc, cfg, statep, err)) != 0)
		return (error);
	lp = *statep;
	if ((error = kva_window(mc, PCPU_LIMIT, &lp->window, err)) != 0)
		lwbuf_pcpu_destroy(lp);
	return (error);
}

/* Invariants */

static void
pcpu_check_record(
    const struct lwbuf_pcpu *lp, unsigned cpu, struct pcpu_record *r)
{
	const struct eph_machine *mc = lp->mc;
	const uint32_t i = machine_va_index(mc, r->kva);
	const eph_pte_t pte = machine_pte_get(mc, mc->cpus[cpu], i);

	if (r->m == NULL)
		return;
	if (pcpu_lookup(&lp->cpus[cpu], r->m) != r)
		PANIC("a record is not found by its page, or not alone");
	if ((pte & EPH_PTE_V) == 0 || EPH_PTE_FRAME(pte) != r->m->frame)
		PANIC("a record does not map its page");
	if (cpu_holds_outdated(mc->cpus[cpu], i))
		PANIC("a CPU is not in sync with its own record");
}

/* Returns the references of the CPU's records. */
static uint64_t
pcpu_check_table(const struct lwbuf_pcpu *lp, unsigned cpu)
{
	const struct pcpu_table *t = &lp->cpus[cpu];
	uint32_t unreferenced = 0, listed = 0, prev = 0;
	uint64_t refs = 0;

	for (uint32_t i = 0; i < t->nrecords; i++) {
		pcpu_check_record(lp, cpu, &t->records[i]);
		refs += t->records[i].refcnt;
		unreferenced += t->records[i].refcnt == 0;
	}
	for (uint32_t i = t->lru_first; i != 0;) {
		const struct pcpu_record *r = &t->records[i - 1];

		if (listed++ > t->nrecords)
			PANIC("the LRU queue has a ring");
		if (r->refcnt != 0 || r->lru_prev != prev)
			PANIC("a referenced record is on the LRU queue");
		prev = i;
		i = r->lru_next;
	}
	if (listed != unreferenced || t->lru_last != prev)
		PANIC("an unreferenced record is not on the LRU queue");
	return (refs);
}

static void
lwbuf_pcpu_check(void *state, uint64_t held)
{
	const struct lwbuf_pcpu *lp = state;
	uint64_t handles = 0, due = 0, refs = 0;

	objcache_check(lp->cache);
	for (uint32_t i = 0; i < lp->slab.nitems; i++) {
		struct lwbuf_handle *h = slab_at(&lp->slab, i);
		/* Relaxed, both: nothing runs. */
		const uint32_t drops =
		    atomic_load_explicit(&h->drops, memory_order_relaxed);

		if (!h->item.live || h->m == NULL)
			continue;
		due += drops;
		if (drops != 0)
			continue;
		handles++;
		for (unsigned c = 0; c < lp->mc->ncpus; c++)
			due += (atomic_load_explicit(&h->cpumask[c >> 6],
				    memory_order_relaxed) >>
				   (c & 63)) &
			    1;
	}
	for (unsigned c = 0; c < lp->mc->ncpus; c++)
		refs += pcpu_check_table(lp, c);
	if (handles != held)
		PANIC("handles held and handles counted differ");
	if (refs != due)
		PANIC("references of records and bits in masks differ");
	lwbuf_core_check_gauge(lp->mc, held);
}

/* sysctls */

static uint64_t
lwbuf_pcpu_get_limit(void *state)
{
	/* Relaxed: a tunable. */
	return (atomic_load_explicit(
	    &((struct lwbuf_pcpu *)state)->limit, memory_order_relaxed));
}

static int
lwbuf_pcpu_set_limit(void *state, uint64_t value)
{
	if (value == 0 || value > PCPU_LIMIT)
		return (EINVAL);
	/* Relaxed: a tunable. */
	atomic_store_explicit(&((struct lwbuf_pcpu *)state)->limit,
	    (uint32_t)value, memory_order_relaxed);
	return (0);
}

static uint64_t
lwbuf_pcpu_get_count(void *state)
{
	const struct lwbuf_pcpu *lp = state;
	uint64_t n = 0;

	for (unsigned c = 0; c < lp->mc->ncpus; c++)
		n += lp->cpus[c].nrecords;
	return (n);
}

static uint64_t
lwbuf_pcpu_get_kva_bytes(void *state)
{
	const struct lwbuf_pcpu *lp = state;

	return (eph_ptoa(
	    lp->window != 0 ? PCPU_LIMIT : lwbuf_pcpu_get_count(state)));
}

static const struct eph_sysctl lwbuf_pcpu_sysctls[] = {
	{ "kern.ipc.lwbuf_limit", "most mappings of one CPU, 1 to 1024",
	    lwbuf_pcpu_get_limit, lwbuf_pcpu_set_limit, NULL },
	{ "kern.ipc.lwbuf_count", "mappings of all CPUs, held or not",
	    lwbuf_pcpu_get_count, eph__lwbuf_set_denied, NULL },
	{ "kern.ipc.lwbuf_kva_bytes", "address space of all mappings",
	    lwbuf_pcpu_get_kva_bytes, eph__lwbuf_set_denied, NULL },
	LWKT_IPIQ_SYSCTLS,
	{ NULL, NULL, NULL, NULL, NULL },
};

/* clang-format off */
#define LWBUF_PCPU_ROW							\
	.abi = EPHMAP_ABI,						\
	.origin = "DragonFly, proposed by Greear", .date = "2009-03",	\
	.holes = "", .policy = "",					\
	.costs = "L 1 a miss of the CPU",				\
	.shootdown = "rendezvous",					\
	.validity = EPH_VALID_ASKED,					\
	.flags = EPH_DESIGN_SLEEPS | EPH_DESIGN_CACHE,			\
	.destroy = lwbuf_pcpu_destroy,					\
	.map = lwbuf_pcpu_map,						\
	.unmap = lwbuf_pcpu_unmap,					\
	.kva = lwbuf_pcpu_kva,						\
	.page = lwbuf_pcpu_page,					\
	.check = lwbuf_pcpu_check,					\
	.sysctls = lwbuf_pcpu_sysctls
/* clang-format on */

const struct eph_design_ops eph__lwbuf_pcpu_ops = {
	LWBUF_PCPU_ROW,
	.name = "lwbuf.pcpu",
	.from = "lwbuf.objcache",
	.summary = "a cache of mappings by page for each CPU",
	.create = lwbuf_pcpu_create,
};

const struct eph_design_ops eph__lwbuf_pcpu_kva_ops = {
	LWBUF_PCPU_ROW,
	.name = "lwbuf.pcpu-kva",
	.from = "lwbuf.pcpu",
	.summary = "the same, one address mapped differently on each CPU",
	.create = lwbuf_pcpu_kva_create,
};
