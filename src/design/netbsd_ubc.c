/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netbsd.ubc: windows of 8 KiB onto files, kept when they are released, and
 * removed on all CPUs when another part of a file wants them.
 *
 * What it does.  A window is found by the part of the file that it shows; one
 * with users gains one, one without leaves the queue.  Else the window at the
 * head of the queue is taken, and what it still maps is removed.  Its pages
 * are entered when they are touched first.  A release puts a window without
 * users at the tail, mapped as it is.
 *
 * Idea.  segmap's sibling: file data is read through a cache of mappings, in
 * pieces larger than a page.
 *
 * Invariant: an entry of a window is 0 or maps the page of the part that the
 * window shows; an entry that is 0 is in no TLB.
 *
 *	case				L	R	F	IPI	stores
 *	found, the page is entered	0	0	0	0	0
 *	found, it is not		0	0	0	0	1
 *	not found, window fresh		0	0	0	0	1
 *	not found, window mapped	2	2(N-1)	0	N-1	3
 *	release				0	0	0	0	0
 *	exhaustion			0 asleep, then as above
 *
 * The part of a page is its frame's pair: frames come in the order in which
 * pages are first seen, which is mostly that of files.  A page is entered with
 * the map that wants it, and not by a fault; neighbours are not entered with
 * it.  Counting: hit_active, hit_inactive and evict are of windows.
 *
 * Quirks kept.  There is a queue for each colour of the cache, on this
 * machine one.  With no window free the thread sleeps a tick and looks again;
 * nobody wakes it.  (Released with UBC_UNMAP a window is emptied at once: for
 * machines whose caches need it, not here.)
 *
 * Locking.  The lock of the UBC's object.
 *
 * NetBSD sys/uvm/uvm_bio.c (1998), Chuck Silvers; read in revision 1.63.
 */

#include "design/slots.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

#define UBC_WINPAGES 2u	       /* 1 << 13 bytes */
#define TICK_NS	     10000000u /* HZ 100 */

struct ubc_map;

/* A mapping: one page of a window. */
struct ubc_page {
	struct ubc_map *umap; /* (c) */
	struct vm_page *m;    /* (l) entered, or NULL */
	uint32_t refs;	      /* (l) users of this page */
};

struct ubc_map {
	struct ubc_page page[UBC_WINPAGES];
	eph_va_t kva;	   /* (c) */
	uint32_t part;	   /* (l) that it shows; EPH_NONE: none */
	uint32_t refcount; /* (l) */
	uint32_t next;	   /* (l) on the queue, plus one */
	uint32_t prev;	   /* (l) */
	uint32_t chain;	   /* (l) of the hash, plus one */
	bool cached;	   /* (l) UMAP_MAPPING_CACHED */
};

struct ubc {
	struct eph_machine *mc;
	struct eph_mutex lock;
	struct ubc_map *umap; /* (c) nwins of them */
	uint32_t *hash;	      /* (l) heads, plus one */
	uint32_t nwins;	      /* (c) */
	uint32_t head, tail;  /* (l) of the queue, plus one */
	eph_va_t window;      /* (c) */
};

static void
ubc_destroy(void *state)
{
	struct ubc *u = state;
	struct eph_machine *mc = u->mc;

	if (u->window != 0)
		kva_free(mc, u->window, u->nwins * UBC_WINPAGES);
	eph_machine_free(mc, u->umap, u->nwins * sizeof(*u->umap));
	eph_machine_free(mc, u->hash, u->nwins * sizeof(*u->hash));
	eph_machine_free(mc, u, sizeof(*u));
}

static void
ubc_queue_tail(struct ubc *u, struct ubc_map *um)
{
	const uint32_t id = (uint32_t)(um - u->umap) + 1;

	um->next = 0;
	um->prev = u->tail;
	if (u->tail != 0)
		u->umap[u->tail - 1].next = id;
	else
		u->head = id;
	u->tail = id;
}

static void
ubc_unqueue(struct ubc *u, struct ubc_map *um)
{
	if (um->prev != 0)
		u->umap[um->prev - 1].next = um->next;
	else
		u->head = um->next;
	if (um->next != 0)
		u->umap[um->next - 1].prev = um->prev;
	else
		u->tail = um->prev;
}

static int
ubc_init(struct ubc *u, struct eph_err *err)
{
	struct eph_machine *mc = u->mc;
	const uint64_t pages = (uint64_t)u->nwins * UBC_WINPAGES;
	int error;

	if (u->nwins == 0)
		return (eph_err_set(
		    err, EINVAL, "0 windows: the UBC needs at least 1"));
	error = eph_kva_get(mc,
	    pages > mc->kva_pages ? mc->kva_pages + 1 : (uint32_t)pages,
	    &u->window, err, "%u windows of 2 pages", u->nwins);
	if (error != 0)
		return (error);
	u->umap = eph_machine_alloc(mc, u->nwins * sizeof(*u->umap));
	u->hash = eph_machine_alloc(mc, u->nwins * sizeof(*u->hash));
	if (u->umap == NULL || u->hash == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u windows", u->nwins));
	for (uint32_t i = 0; i < u->nwins; i++) {
		struct ubc_map *um = &u->umap[i];

		um->kva = u->window + eph_ptoa((uint64_t)i * UBC_WINPAGES);
		um->part = EPH_NONE;
		for (uint32_t k = 0; k < UBC_WINPAGES; k++)
			um->page[k].umap = um;
		ubc_queue_tail(u, um);
	}
	return (0);
}

static int
ubc_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct ubc *u = eph_machine_alloc(mc, sizeof(*u));
	int error;

	if (u == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	u->mc = mc;
	u->nwins = cfg->nbufs;
	mutex_init(&u->lock, "ubc_object");
	if ((error = ubc_init(u, err)) != 0)
		ubc_destroy(u);
	else
		*statep = u;
	return (error);
}

static uint32_t *
ubc_chain(struct ubc *u, uint32_t part)
{
	return (&u->hash[part % u->nwins]);
}

static struct ubc_map *
ubc_find(struct ubc *u, uint32_t part)
{
	for (uint32_t i = *ubc_chain(u, part); i != 0;
	     i = u->umap[i - 1].chain) {
		if (u->umap[i - 1].part == part)
			return (&u->umap[i - 1]);
	}
	return (NULL);
}

static void
ubc_unhash(struct ubc *u, struct ubc_map *um)
{
	const uint32_t id = (uint32_t)(um - u->umap) + 1;
	uint32_t *ip = ubc_chain(u, um->part);

	while (*ip != id)
		ip = &u->umap[*ip - 1].chain;
	*ip = um->chain;
}

/* The window at the head shows another part from now on.  With the lock. */
static struct ubc_map *
ubc_recycle(struct ubc *u, uint32_t part)
{
	struct ubc_map *um = &u->umap[u->head - 1];
	uint32_t *ip = ubc_chain(u, part);

	if (um->part != EPH_NONE) {
		ubc_unhash(u, um);
		EPH_COUNT(u->mc, evict);
	}
	um->part = part;
	um->chain = *ip;
	*ip = (uint32_t)(um - u->umap) + 1;
	if (um->cached) {
		um->cached = false;
		pmap_qremove(u->mc, um->kva, UBC_WINPAGES);
		for (uint32_t k = 0; k < UBC_WINPAGES; k++)
			um->page[k].m = NULL;
	}
	return (um);
}

/* The window of the part, taken off the queue; counted.  With the lock. */
static struct ubc_map *
ubc_alloc(struct ubc *u, uint32_t part)
{
	struct eph_machine *mc = u->mc;
	struct ubc_map *um;
	bool slept = false, found;

	while ((um = ubc_find(u, part)) == NULL && u->head == 0) {
		(void)msleep(mc, &u->head, &u->lock, 0, "ubc_alloc", TICK_NS);
		slept = true;
	}
	if (slept)
		msleep_done(mc);
	EPH_COUNT(mc, map_calls);
	found = um != NULL;
	if (!found) {
		um = ubc_recycle(u, part);
		EPH_COUNT(mc, miss);
	} else if (um->refcount != 0) {
		EPH_COUNT(mc, hit_active);
	} else {
		EPH_COUNT(mc, hit_inactive);
	}
	EPH_NOTE(
	    mc, "window %u, %u users", (unsigned)(um - u->umap), um->refcount);
	if (um->refcount++ == 0) {
		ubc_unqueue(u, um);
		eph_bufs_inc(mc);
	}
	return (um);
}

static int
ubc_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct ubc *u = state;
	struct eph_machine *mc = u->mc;
	const uint32_t k = m->frame % UBC_WINPAGES;
	struct ubc_page *up;
	struct ubc_map *um;

	(void)flags;
	mutex_enter(mc, &u->lock);
	um = ubc_alloc(u, m->frame / UBC_WINPAGES);
	up = &um->page[k];
	up->refs++;
	mp->obj = up;
	mp->va = um->kva + eph_ptoa(k);
	if (up->m == NULL) {
		up->m = m;
		pmap_pte_store(mc, mp->va,
		    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	}
	mutex_exit(mc, &u->lock);
	return (0);
}

static int
ubc_unmap(void *state, void *obj)
{
	struct ubc *u = state;
	struct eph_machine *mc = u->mc;
	struct ubc_page *up = obj;
	struct ubc_map *um = up->umap;

	mutex_enter(mc, &u->lock);
	if (up->refs == 0)
		PANIC("releasing a window that nobody uses");
	EPH_COUNT(mc, unmap_calls);
	up->refs--;
	if (--um->refcount == 0) {
		um->cached = true;
		ubc_queue_tail(u, um);
		eph_bufs_dec(mc);
	}
	mutex_exit(mc, &u->lock);
	return (0);
}

static eph_va_t
ubc_kva(void *state, void *obj)
{
	const struct ubc_page *up = obj;

	EPH_COUNT(((struct ubc *)state)->mc, kva_calls);
	return (up->umap->kva + eph_ptoa((uint64_t)(up - up->umap->page)));
}

static struct vm_page *
ubc_page(void *state, void *obj)
{
	(void)state;
	return (((const struct ubc_page *)obj)->m);
}

static void
ubc_check_window(struct ubc *u, const struct ubc_map *um)
{
	uint32_t refs = 0;

	for (uint32_t k = 0; k < UBC_WINPAGES; k++) {
		const struct ubc_page *up = &um->page[k];

		refs += up->refs;
		if (pmap_kextract(u->mc, um->kva + eph_ptoa(k)) !=
		    (up->m != NULL ? up->m->frame : EPH_NONE))
			PANIC("a window does not map its page");
		if (up->m != NULL && up->m->frame / UBC_WINPAGES != um->part)
			PANIC("a window maps a page of another part");
	}
	if (refs != um->refcount)
		PANIC("users of a window and of its pages differ");
}

static void
ubc_check(void *state, uint64_t held)
{
	struct ubc *u = state;
	uint64_t users = 0;
	uint32_t queued = 0, used = 0;

	for (uint32_t i = 0; i < u->nwins; i++) {
		ubc_check_window(u, &u->umap[i]);
		users += u->umap[i].refcount;
		used += u->umap[i].refcount != 0;
	}
	for (uint32_t i = u->head; i != 0; i = u->umap[i - 1].next) {
		if (u->umap[i - 1].refcount != 0 || queued++ > u->nwins)
			PANIC("the queue holds a window in use, or a ring");
	}
	if (users != held || queued + used != u->nwins)
		PANIC("windows held, used and queued do not add up");
}

const struct eph_design_ops eph__netbsd_ubc_ops = {
	.abi = EPHMAP_ABI,
	.name = "netbsd.ubc",
	.summary = "windows of 8 KiB onto files, removed when reused",
	.origin = "NetBSD sys/uvm/uvm_bio.c, Silvers",
	.date = "1998",
	.from = "segmap",
	.costs = "everybody, a reuse",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = ubc_create,
	.destroy = ubc_destroy,
	.map = ubc_map,
	.unmap = ubc_unmap,
	.kva = ubc_kva,
	.page = ubc_page,
	.check = ubc_check,
};
