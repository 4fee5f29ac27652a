/* SPDX-License-Identifier: BSD-2-Clause */

/* The BSDs' windows, Sun, NT, Plan 9, Haiku, SerenityOS and Linux, naively. */

#include <string.h>

#include "museum.h"

enum kind {
	CMAP,
	SWITCHIN,
	SYSMAPS,
	CADDR,
	ARMLOCAL,
	PPMAPIN,
	PPLOCK,
	HYPERSPACE,
	P9_386,
	P9_AMD64,
	UBC,
	PAGER,
	PSEG,
	COHERENT,
	HAIKU_GET,
	HAIKU_CPU,
	HAIKU_TMAP,
	VMAP,
	AREAS,
	XTENSA,
	TEMPMM,
	QUICKMAP,
	EPHMAP,
	MERMAP,
	KINDS
};

enum { FULL = 1 << 11 }; /* addresses that a list may hold */

static struct {
	enum kind kind;
	unsigned n;		   /* slots */
	unsigned cursor[MAX_CPUS]; /* or of a colour */
	int page[FULL];		   /* that a slot shows, -1: none */
	unsigned users[FULL];	   /* of a slot */
	bool saw[FULL][MAX_CPUS];  /* haiku.tmap */
	int last[MAX_CPUS];	   /* serenity.quickmap */
	int stack[MAX_CPUS][64];   /* haiku.cpu, haiku.get: free, or */
	unsigned depth[MAX_CPUS];  /* a stack's slots in use */
	int list[FULL];		   /* haiku.get: free */
	unsigned nlist;
	unsigned fresh;
	int holder;	 /* CPU with the lock, -1: none */
	int queue[FULL]; /* netbsd.ubc: free windows */
	unsigned nqueue;
	bool entered[FULL];
	bool cached[FULL];
	unsigned left;		       /* nt.hyperspace */
	unsigned waits[MAX_LINES + 1]; /* xtensa.kmap: for a colour, plus one */
	/* linux.vm_map_ram: blocks of 1,024 addresses by number */
	unsigned block_cpu[16], given[16];
	unsigned nblocks;
} st;

static void
init(struct sim *s, enum kind kind)
{
	memset(&st, 0, sizeof(st));
	memset(st.page, 0xff, sizeof(st.page));
	objects_init();
	st.kind = kind;
	st.holder = -1;
	st.left = 255;
	st.n = s->set->nbufs * (kind == XTENSA ? 4 : 1);
	for (unsigned c = 0; c < MAX_CPUS; c++)
		st.last[c] = -1;
	for (unsigned c = 0; kind == HAIKU_CPU && c < s->set->ncpus; c++) {
		for (unsigned i = 0; i < 16; i++)
			st.stack[c][st.depth[c]++] = (int)(c * 16 + i);
	}
	for (unsigned i = 0; kind == UBC && i < st.n; i++)
		st.queue[st.nqueue++] = (int)i;
	for (unsigned i = 0; (kind == UBC || kind == XTENSA) &&
	     i < st.n * (kind == UBC ? 2 : 1);
	     i++)
		(void)va_of(s, i);
	for (unsigned i = 0; kind == HYPERSPACE && i < 256; i++)
		(void)va_of(s, i);
}

static unsigned
frame_of(const struct sim *s, unsigned page)
{
	return ((unsigned)s->dense[page]);
}

/* Remove an address everywhere. */
static void
remove_all(struct sim *s, unsigned cpu, int va)
{
	store(s, va, -1);
	invlpg_all(s, cpu, va);
}

/* A stack of windows for each CPU. */

static unsigned
windows(void)
{
	return (st.kind == ARMLOCAL ? 15 : 2);
}

static int
window_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned *depth = &st.depth[l->cpu];
	int va;

	(void)resumed;
	if (*depth == windows())
		return (MAP_REFUSED);
	va = use(s, l, l->cpu * windows() + *depth);
	st.stack[l->cpu][(*depth)++] = va;
	store(s, va, (int)l->page);
	if (st.kind == CMAP || st.kind == SYSMAPS)
		s->pte[va].accessed = s->pte[va].dirty = true;
	invlpg_here(s, l->cpu, va);
	return (va);
}

static bool
window_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va) || st.stack[cpu][st.depth[cpu] - 1] != va)
		return (false);
	st.depth[cpu]--;
	(void)leave(s, va);
	if (st.kind != CADDR)
		store(s, va, -1);
	if (st.kind == ARMLOCAL)
		invlpg_here(s, cpu, va);
	return (true);
}

/* One at a time, under a lock. */

static bool
locked(const struct line *l)
{
	if (st.holder >= 0)
		return (false);
	st.holder = (int)l->cpu;
	return (true);
}

static bool
unlocked(unsigned cpu)
{
	if (st.holder != (int)cpu)
		return (false);
	st.holder = -1;
	return (true);
}

static int
switchin_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (!locked(l))
		return (MAP_REFUSED);
	va = use(s, l, 0);
	store(s, va, (int)l->page);
	s->pte[va].accessed = s->pte[va].dirty = true;
	invlpg_here(s, l->cpu, va);
	return (va);
}

static bool
switchin_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!unlocked(cpu))
		return (false);
	(void)leave(s, va);
	store(s, va, -1);
	return (true);
}

static int
hyperspace_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (!locked(l))
		return (MAP_REFUSED);
	if (st.left == 0) {
		st.left = 255;
		flush_everywhere(s, l->cpu, 0, 256);
	}
	va = use(s, l, st.left--);
	store(s, va, (int)l->page);
	return (va);
}

static int
tempmm_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (!locked(l))
		return (MAP_REFUSED);
	va = use(s, l, 0);
	store(s, va, (int)l->page);
	flush_here(s, l->cpu);
	return (va);
}

static bool
tempmm_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!switchin_unmap(s, cpu, va))
		return (false);
	flush_here(s, cpu);
	flush_here(s, cpu);
	return (true);
}

static int
tmap_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned i;
	int va;

	(void)resumed;
	if (!locked(l))
		return (MAP_REFUSED);
	for (i = 0; i < 4 && st.page[i] != (int)l->page; i++)
		continue;
	if (i < 4) {
		va = va_of(s, i);
		use_again(s, l, va);
		if (!st.saw[i][l->cpu])
			invlpg_here(s, l->cpu, va);
	} else {
		i = st.cursor[0];
		s->c.evict += st.page[i] >= 0;
		st.page[i] = (int)l->page;
		va = use(s, l, i);
		store(s, va, (int)l->page);
		invlpg_here(s, l->cpu, va);
		memset(st.saw[i], 0, sizeof(st.saw[i]));
	}
	st.saw[i][l->cpu] = true;
	st.cursor[0] = (i + 1) % 4;
	return (va);
}

static int
quickmap_map(struct sim *s, const struct line *l, bool resumed)
{
	int va = 0;

	(void)resumed;
	if (!locked(l))
		return (MAP_REFUSED);
	if (st.page[0] == (int)l->page) {
		use_again(s, l, va);
		if (st.last[l->cpu] != (int)l->page)
			invlpg_here(s, l->cpu, va);
	} else {
		s->c.evict += st.page[0] >= 0;
		va = use(s, l, 0);
		st.page[0] = (int)l->page;
		store(s, va, (int)l->page);
		invlpg_here(s, l->cpu, va);
	}
	st.last[l->cpu] = (int)l->page;
	return (va);
}

static bool
kept_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!unlocked(cpu))
		return (false);
	(void)leave(s, va);
	return (true);
}

/* Sun. */

static int
ppmapin_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned first = frame_of(s, l->page) % 2 * 32;
	unsigned i;
	int va;

	(void)resumed;
	for (i = 0; i < 64 && st.users[(first + i) % 64] > 0; i++)
		continue;
	/* The heap gives the address given back last. */
	i = i < 64	   ? (first + i) % 64
	    : st.nlist > 0 ? (unsigned)st.list[--st.nlist]
			   : 64 + st.fresh++;
	st.users[i] = 1;
	va = use(s, l, i);
	store(s, va, (int)l->page);
	return (va);
}

static bool
ppmapin_unmap(struct sim *s, unsigned cpu, int va)
{
	const unsigned i = s->vpage[va];

	remove_all(s, cpu, va);
	(void)leave(s, va);
	st.users[i] = 0;
	if (i >= 64)
		st.list[st.nlist++] = (int)i;
	return (true);
}

static int
pplock_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned i;
	int va;

	(void)resumed;
	for (i = 0; i < 4 && st.users[l->cpu * 4 + i] > 0; i++)
		continue;
	if (i == 4)
		return (MAP_REFUSED);
	i += l->cpu * 4;
	st.users[i] = 1;
	va = use(s, l, i);
	tlb_write(s, l->cpu, va, (int)l->page);
	return (va);
}

static bool
pplock_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	invlpg_here(s, cpu, va);
	st.users[s->vpage[va]] = 0;
	(void)leave(s, va);
	return (true);
}

static int
coherent_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (st.depth[l->cpu] > 0)
		return (MAP_REFUSED);
	st.depth[l->cpu] = 1;
	va = use(s, l, l->cpu * 4 + frame_of(s, l->page) % 4);
	tlb_write(s, l->cpu, va, (int)l->page);
	return (va);
}

static bool
coherent_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	tlb_drop(s, cpu, va);
	st.depth[cpu] = 0;
	(void)leave(s, va);
	return (true);
}

/* Plan 9. */

static int
plan9_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned *at = &st.cursor[l->cpu];
	const unsigned tries = st.kind == P9_386 ? st.n : 1;
	int va;

	(void)resumed;
	for (unsigned k = 0; k < tries; k++) {
		const unsigned i = l->cpu * st.n + *at;

		*at = (*at + 1) % st.n;
		if (s->pte[va_of(s, i)].valid)
			continue;
		va = use(s, l, i);
		store(s, va, (int)l->page);
		if (st.kind == P9_AMD64)
			invlpg_here(s, l->cpu, va);
		return (va);
	}
	return (MAP_REFUSED);
}

static bool
plan9_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	(void)leave(s, va);
	store(s, va, -1);
	if (st.kind == P9_386)
		invlpg_here(s, cpu, va);
	return (true);
}

/* NetBSD and OpenBSD.  An object of the UBC is the address of a page. */

static void
unqueue(int w)
{
	for (unsigned i = 0; i < st.nqueue; i++) {
		if (st.queue[i] != w)
			continue;
		st.nqueue--;
		memmove(st.queue + i, st.queue + i + 1,
		    (st.nqueue - i) * sizeof(st.queue[0]));
		return;
	}
}

static int
ubc_map(struct sim *s, const struct line *l, bool resumed)
{
	const int part = (int)frame_of(s, l->page) / 2;
	const unsigned k = frame_of(s, l->page) % 2;
	int w, va;

	(void)resumed;
	for (w = 0; w < (int)st.n && st.page[w] != part; w++)
		continue;
	if (w < (int)st.n) {
		if (st.users[w] > 0)
			s->c.hit_active++;
		else
			s->c.hit_inactive++;
	} else {
		if (st.nqueue == 0)
			return (MAP_SLEEPS);
		w = st.queue[0];
		s->c.miss++;
		s->c.evict += st.page[w] >= 0;
		st.page[w] = part;
		if (st.cached[w]) {
			st.cached[w] = false;
			for (int i = 0; i < 2; i++) {
				store(s, w * 2 + i, -1);
				st.entered[w * 2 + i] = false;
			}
			shoot_range(s, l->cpu, w * 2, 2);
		}
	}
	if (st.users[w]++ == 0) {
		unqueue(w);
		referenced(s);
	}
	va = w * 2 + (int)k;
	if (!st.entered[va]) {
		st.entered[va] = true;
		store(s, va, (int)l->page);
	}
	return (va);
}

static bool
ubc_unmap(struct sim *s, unsigned cpu, int va)
{
	const int w = va / 2;

	(void)cpu;
	if (--st.users[w] == 0) {
		st.cached[w] = true;
		st.queue[st.nqueue++] = w;
		unreferenced(s);
	}
	return (true);
}

static int
pager_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned n = st.kind == PSEG ? 256 : st.n;
	unsigned i;
	int va;

	(void)resumed;
	for (i = 0; i < n &&
	     (st.users[i] > 0 || (st.kind == PSEG && (i == 0 || i == 16)));
	     i++)
		continue;
	if (i == n)
		return (MAP_SLEEPS);
	st.users[i] = 1;
	va = use(s, l, i);
	store(s, va, (int)l->page);
	return (va);
}

static bool
pager_unmap(struct sim *s, unsigned cpu, int va)
{
	remove_all(s, cpu, va);
	st.users[s->vpage[va]] = 0;
	(void)leave(s, va);
	wake_all(s);
	return (true);
}

/* Haiku. */

static int
get_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	va = use(
	    s, l, st.nlist > 0 ? (unsigned)st.list[--st.nlist] : st.fresh++);
	store(s, va, (int)l->page);
	invlpg_all(s, l->cpu, va);
	return (va);
}

static bool
get_unmap(struct sim *s, unsigned cpu, int va)
{
	(void)cpu;
	(void)leave(s, va);
	st.list[st.nlist++] = (int)s->vpage[va];
	return (true);
}

static int
cpu_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (st.depth[l->cpu] == 0)
		return (MAP_SLEEPS);
	va = use(s, l, (unsigned)st.stack[l->cpu][--st.depth[l->cpu]]);
	store(s, va, (int)l->page);
	invlpg_here(s, l->cpu, va);
	return (va);
}

static bool
cpu_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	(void)leave(s, va);
	st.stack[cpu][st.depth[cpu]++] = (int)s->vpage[va];
	return (true);
}

/* Linux. */

static int
ephmap_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (st.users[l->cpu] > 0)
		return (MAP_FAILS);
	st.users[l->cpu] = 1;
	va = use(s, l, l->cpu);
	store(s, va, (int)l->page);
	return (va);
}

static bool
ephmap_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	st.users[cpu] = 0;
	store(s, va, -1);
	invlpg_here(s, cpu, va);
	(void)leave(s, va);
	return (true);
}

static int
mermap_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned part = st.n < 2 ? 2 : st.n;
	const unsigned first = l->cpu * part;
	unsigned *next = &st.cursor[l->cpu];
	unsigned used = 0, n = 0;
	int va;

	(void)resumed;
	for (unsigned i = 0; i < part; i++) {
		if (st.users[first + i] == 0)
			continue;
		used = i + 1;
		n++;
	}
	if (*next == part - 1) {
		if (used == part - 1)
			return (MAP_FAILS);
		flush_here(s, l->cpu);
		*next = used;
	}
	if (n == 4)
		return (MAP_FAILS);
	va = use(s, l, first + *next);
	st.users[first + (*next)++] = 1;
	store(s, va, (int)l->page);
	return (va);
}

static bool
mermap_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	st.users[s->vpage[va]] = 0;
	store(s, va, -1);
	(void)leave(s, va);
	return (true);
}

/* Too few maps for a flush: blocks are only ever used up. */
static int
vmap_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned b;
	int va;

	(void)resumed;
	for (b = 0; b < st.nblocks &&
	     (st.block_cpu[b] != l->cpu || st.given[b] == 1024);
	     b++)
		continue;
	if (b == st.nblocks)
		st.block_cpu[st.nblocks++] = l->cpu;
	va = use(s, l, b * 1024 + st.given[b]++);
	store(s, va, (int)l->page);
	return (va);
}

static bool
vmap_unmap(struct sim *s, unsigned cpu, int va)
{
	(void)cpu;
	store(s, va, -1);
	(void)leave(s, va);
	return (true);
}

/* Too few for a flush here too: areas of two pages are only ever used up. */
static int
areas_map(struct sim *s, const struct line *l, bool resumed)
{
	const int va = use(s, l, st.fresh);

	(void)resumed;
	st.fresh += 2;
	store(s, va, (int)l->page);
	return (va);
}

static void
xtensa_sweep(struct sim *s, unsigned cpu)
{
	bool any = false;

	for (unsigned i = 0; i < st.n; i++) {
		if (st.users[i] != 1)
			continue;
		st.users[i] = 0;
		st.page[i] = -1;
		store(s, (int)i, -1);
		any = true;
	}
	if (any && st.n > 33)
		flush_everywhere(s, cpu, 0, st.n);
	else if (any)
		shoot_range(s, cpu, 0, st.n);
}

static int
xtensa_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned colour = frame_of(s, l->page) % 4;
	unsigned left = st.n / 4, *at = &st.cursor[colour];
	unsigned i;

	(void)resumed;
	for (i = 0; i < st.n && st.page[i] != (int)l->page; i++)
		continue;
	if (i < st.n) {
		use_again(s, l, (int)i);
		st.users[i]++;
		return ((int)i);
	}
	for (;;) {
		*at = (*at + 4) % st.n;
		if (*at == 0) {
			xtensa_sweep(s, l->cpu);
			left = st.n / 4;
		}
		i = *at + colour;
		if (st.users[i] == 0)
			break;
		if (--left == 0) {
			st.waits[l->at] = colour + 1;
			return (MAP_SLEEPS);
		}
	}
	(void)use(s, l, i);
	store(s, (int)i, (int)l->page);
	st.page[i] = (int)l->page;
	st.users[i] = 2;
	return ((int)i);
}

static bool
xtensa_unmap(struct sim *s, unsigned cpu, int va)
{
	const unsigned colour = frame_of(s, (unsigned)st.page[va]) % 4;
	unsigned n;

	(void)cpu;
	st.users[va]--;
	if (!leave(s, va))
		return (true);
	do {
		n = s->nasleep;
		wake_first_of(s, st.waits, colour + 1);
	} while (s->nasleep < n);
	return (true);
}

#define OTHER(label, kind, map, unmap, kva, touch)                             \
	static void init_##kind(struct sim *s)                                 \
	{                                                                      \
		init(s, kind);                                                 \
	}                                                                      \
	static const struct naive_design design_##kind = { label, init_##kind, \
		map, unmap, kva, touch, naive_va, naive_no_message, false,     \
		false }

#define LOCAL(label, kind, map, unmap)                                         \
	OTHER(label, kind, map, unmap, own, own_touch)
#define SHARED(label, kind, map, unmap)                                        \
	OTHER(label, kind, map, unmap, naive_always, naive_may_touch)

LOCAL("bsd.cmap", CMAP, window_map, window_unmap);
LOCAL("freebsd.cmap.switchin", SWITCHIN, switchin_map, switchin_unmap);
LOCAL("freebsd.cmap.sysmaps", SYSMAPS, window_map, window_unmap);
LOCAL("solaris.caddr", CADDR, window_map, window_unmap);
LOCAL("arm.kmap_local", ARMLOCAL, window_map, window_unmap);
SHARED("sun4.ppmapin", PPMAPIN, ppmapin_map, ppmapin_unmap);
LOCAL("sun4.pplock", PPLOCK, pplock_map, pplock_unmap);
LOCAL("nt.hyperspace", HYPERSPACE, hyperspace_map, switchin_unmap);
LOCAL("plan9.kmap.386", P9_386, plan9_map, plan9_unmap);
LOCAL("plan9.kmap.amd64", P9_AMD64, plan9_map, plan9_unmap);
SHARED("netbsd.ubc", UBC, ubc_map, ubc_unmap);
SHARED("netbsd.pagermapin", PAGER, pager_map, pager_unmap);
SHARED("openbsd.pseg", PSEG, pager_map, pager_unmap);
LOCAL("mips.kmap_coherent", COHERENT, coherent_map, coherent_unmap);
SHARED("haiku.get", HAIKU_GET, get_map, get_unmap);
LOCAL("haiku.cpu", HAIKU_CPU, cpu_map, cpu_unmap);
LOCAL("haiku.tmap", HAIKU_TMAP, tmap_map, kept_unmap);
SHARED("linux.vm_map_ram", VMAP, vmap_map, vmap_unmap);
SHARED("linux.vmap", AREAS, areas_map, vmap_unmap);
SHARED("xtensa.kmap", XTENSA, xtensa_map, xtensa_unmap);
LOCAL("linux.tempmm", TEMPMM, tempmm_map, tempmm_unmap);
LOCAL("serenity.quickmap", QUICKMAP, quickmap_map, kept_unmap);
LOCAL("linux.ephmap", EPHMAP, ephmap_map, ephmap_unmap);
LOCAL("linux.mermap", MERMAP, mermap_map, mermap_unmap);

const struct exhibit exhibits_others[] = {
	{ &design_CMAP, 2, false, false, X_ANY },
	{ &design_SWITCHIN, 1, true, true, X_ANY },
	{ &design_SYSMAPS, 2, false, false, X_ANY },
	{ &design_CADDR, 2, false, false, X_ANY },
	{ &design_ARMLOCAL, 15, false, false, X_ANY },
	{ &design_PPMAPIN, 0, true, false, X_ANY },
	{ &design_PPLOCK, 4, true, false, X_INFINITE },
	{ &design_HYPERSPACE, 1, true, true, X_ANY },
	{ &design_P9_386, 3, true, false, X_ANY },
	{ &design_P9_AMD64, 1, true, false, X_ANY },
	{ &design_UBC, 0, true, false, X_ROOMY },
	{ &design_PAGER, 0, true, false, X_ANY },
	{ &design_PSEG, 0, true, false, X_ANY },
	{ &design_COHERENT, 1, true, false, X_INFINITE },
	{ &design_HAIKU_GET, 0, true, false, X_ANY },
	{ &design_HAIKU_CPU, 16, true, false, X_LOCAL },
	{ &design_HAIKU_TMAP, 1, true, true, X_ANY },
	{ &design_VMAP, 0, true, false, X_FEW },
	{ &design_AREAS, 0, true, false, X_FEW },
	{ &design_XTENSA, 0, true, false, X_POWER },
	{ &design_TEMPMM, 1, true, true, X_ANY },
	{ &design_QUICKMAP, 1, true, true, X_ANY },
	{ &design_EPHMAP, 1, true, false, X_ANY },
	{ &design_MERMAP, 4, true, false, X_ANY },
	{ NULL, 0, false, false, X_ANY },
};
