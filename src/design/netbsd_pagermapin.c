/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netbsd.pagermapin, openbsd.pseg: addresses for I/O, removed on all CPUs at
 * each end, with sleepers when there are none.
 *
 * netbsd.pagermapin.  A map of nbufs pages (16 MiB are 4,096); the lowest free
 * range is taken, the pages entered, and afterwards removed and forgotten on
 * all CPUs.  With no room the thread sleeps, and all sleepers are woken when
 * anything is given back.
 *
 * openbsd.pseg.  Sixteen segments of sixteen ranges of 64 KiB, each with a
 * bitmap; the first two exist from the beginning, another is made when those
 * before it are full, and it is given up when it is empty.  The first range of
 * the first two is the pagedaemon's.
 *
 * Idea.  I/O to pages that are not mapped, for drivers that want an address.
 *
 * Invariant: a range that is free has no entry and is in no TLB.
 *
 *	case			L	R	F	IPI	stores	on N CPUs
 *	in			0	0	0	0	1
 *	out			1	N-1	0	N-1	1
 *	exhaustion		0 asleep, then as in
 *
 * A mapping here is of one page; a pseg has a whole range for it.
 *
 * Quirks kept.  Nobody here is the pagedaemon: its emergency address of
 * NetBSD, and the two ranges of OpenBSD, stay unused.
 *
 * Locking.  A mutex for the bitmap.
 *
 * NetBSD sys/uvm/uvm_pager.c (uvm_pagermapin, 1998, Chuck Cranor), read in
 * later revisions; OpenBSD sys/uvm/uvm_pager.c (uvm_pseg_get, 2009, Ariane van
 * der Steldt).
 */

#include "design/slots.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

#define PSEG_NUMSEGS   16u
#define MAX_PAGER_SEGS 16u
#define MAXBSIZE_PAGES 16u /* 64 KiB */

struct pager {
	struct slots sl; /* a slot is a range */
	struct eph_mutex lock;
	uint32_t waiting; /* (l) */
	uint32_t nfree;	  /* (l) ranges that may be had */
	uint32_t lowest;  /* (l) none below it is free */
	bool pseg;	  /* (c) */
};

static void
pager_destroy(void *state)
{
	struct pager *pg = state;
	struct eph_machine *mc = pg->sl.mc;

	eph__slots_fini(&pg->sl);
	eph_machine_free(mc, pg, sizeof(*pg));
}

static int
pager_create(struct eph_machine *mc, uint32_t n, bool pseg, const char *what,
    void **statep, struct eph_err *err)
{
	struct pager *pg = eph_machine_alloc(mc, sizeof(*pg));
	int error;

	if (pg == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	pg->pseg = pseg;
	mutex_init(&pg->lock, what);
	error = eph__slots_init(&pg->sl, mc, n, what, err);
	pg->nfree = pseg ? n - 2 : n;
	if (error != 0)
		pager_destroy(pg);
	else
		*statep = pg;
	return (error);
}

static int
pagermapin_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (
	    pager_create(mc, cfg->nbufs, false, "pager_map page", statep, err));
}

/*
 * All segments have their addresses from the beginning here, a page for each
 * range: that some do not exist is not seen by who maps, as the lowest goes
 * first and the addresses that a new one gets are as good as others.
 */
static int
pseg_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg;
	return (pager_create(mc, PSEG_NUMSEGS * MAX_PAGER_SEGS, true,
	    "pager segment", statep, err));
}

/* With the lock: take the lowest that is free and may be used, or NULL. */
static struct slot *
pager_free(struct pager *pg)
{
	for (uint32_t i = pg->lowest; pg->nfree != 0 && i < pg->sl.n; i++) {
		if (pg->pseg && (i == 0 || i == MAX_PAGER_SEGS))
			continue;
		if (pg->sl.slot[i].refs == 0) {
			pg->lowest = i + 1;
			pg->nfree--;
			return (&pg->sl.slot[i]);
		}
	}
	return (NULL);
}

static bool
pager_ready(void *arg)
{
	const struct pager *pg = arg;

	return (pg->nfree != 0);
}

static int
pager_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct pager *pg = state;
	struct eph_machine *mc = pg->sl.mc;
	struct slot *slot;
	bool slept = false;

	(void)flags;
	mutex_enter(mc, &pg->lock);
	while ((slot = pager_free(pg)) == NULL) {
		pg->waiting++;
		msleep_until(mc, &pg->waiting, &pg->lock,
		    pg->pseg ? "pagerseg" : "pager_map", pager_ready, pg);
		pg->waiting--;
		slept = true;
	}
	if (slept)
		msleep_done(mc);
	eph__slots_use(&pg->sl, slot, m);
	mutex_exit(mc, &pg->lock);
	pmap_pte_store(mc, slot->kva, eph__slots_pte(&pg->sl, m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
pager_unmap(void *state, void *obj)
{
	struct pager *pg = state;
	struct eph_machine *mc = pg->sl.mc;
	struct slot *slot = obj;

	pmap_kremove(mc, slot->kva);
	mutex_enter(mc, &pg->lock);
	(void)eph__slots_leave(&pg->sl, slot);
	pg->nfree++;
	if (eph__slots_index(&pg->sl, slot) < pg->lowest)
		pg->lowest = eph__slots_index(&pg->sl, slot);
	if (pg->waiting > 0)
		wakeup(mc, &pg->waiting);
	mutex_exit(mc, &pg->lock);
	return (0);
}

/* clang-format off */
#define PAGER								\
	.abi = EPHMAP_ABI,						\
	.holes = "",							\
	.shootdown = "acked-invlpg",					\
	.policy = "",							\
	.validity = EPH_VALID_ALL,					\
	.destroy = pager_destroy,					\
	.map = pager_map,						\
	.unmap = pager_unmap,						\
	.kva = eph__slots_kva,						\
	.page = eph__slots_page,					\
	.check = eph__slots_check
/* clang-format on */

const struct eph_design_ops eph__netbsd_pagermapin_ops = {
	PAGER,
	.name = "netbsd.pagermapin",
	.summary = "a map for I/O, removed on all CPUs at each end",
	.origin = "NetBSD sys/uvm/uvm_pager.c, Cranor",
	.date = "1998",
	.costs = "everybody, an unmap",
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = pagermapin_create,
};

const struct eph_design_ops eph__openbsd_pseg_ops = {
	PAGER,
	.name = "openbsd.pseg",
	.summary = "the same in segments of sixteen ranges of 64 KiB",
	.origin = "OpenBSD sys/uvm/uvm_pager.c, van der Steldt",
	.date = "2009",
	.from = "netbsd.pagermapin",
	.costs = "everybody, an unmap",
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_SLEEPS,
	.create = pseg_create,
};
