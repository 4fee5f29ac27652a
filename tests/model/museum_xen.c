/* SPDX-License-Identifier: BSD-2-Clause */

/* Xen's mapping caches, naively: one address a slot, counted from 0. */

#include <string.h>

#include "museum.h"

enum kind { PERCPU, SHADOW, EPOCH, NOREADY, MAPHASH, MAPCACHE, GLOBAL };

enum { HASH = 8 };

static struct {
	enum kind kind;
	bool ready[OBJECTS];
	bool inuse[OBJECTS];
	bool garbage[OBJECTS];
	unsigned n;  /* slots, of a CPU or of all */
	unsigned at; /* the cursor of all */
	unsigned epoch;
	unsigned cursor[MAX_CPUS]; /* of a CPU, or where it saw the cursor */
	unsigned seen[MAX_CPUS];   /* epoch */
	/* per vcpu */
	int hash_page[MAX_CPUS][HASH];
	int hash_slot[MAX_CPUS][HASH];
	unsigned hash_refs[MAX_CPUS][HASH];
	/* the TLB clock */
	unsigned clock;
	unsigned flushed[MAX_CPUS];
	unsigned stamp;
	/* 2 MiB entries */
	int base[MAX_CPUS][512];
	unsigned users[MAX_CPUS][512];
	unsigned region[MAX_CPUS][512];
	unsigned regions;
} st;

static void
flush(struct sim *s, unsigned cpu)
{
	flush_here(s, cpu);
	st.flushed[cpu] = ++st.clock;
}

static void
init(struct sim *s, enum kind kind)
{
	const unsigned ncpus = s->set->ncpus;

	memset(&st, 0, sizeof(st));
	objects_init();
	st.kind = kind;
	st.clock = 1;
	st.n = kind == MAPHASH ? 32 * ncpus
	    : kind == MAPCACHE ? 16 * ncpus
			       : s->set->nbufs;
	if (kind == MAPHASH && st.n < 1024)
		st.n = 1024;
	for (unsigned i = 0; i < st.n * (kind == PERCPU ? ncpus : 1); i++)
		(void)va_of(s, i);
	for (unsigned c = 0; c < MAX_CPUS; c++) {
		for (unsigned i = 0; i < HASH; i++)
			st.hash_page[c][i] = st.hash_slot[c][i] = -1;
	}
}

/* Marks: a slot is free when its entry is 0. */

static void
sweep(struct sim *s, unsigned first)
{
	for (unsigned i = first; i < first + st.n; i++) {
		if (!st.ready[i])
			continue;
		st.ready[i] = false;
		store(s, (int)i, -1);
	}
}

static int
circle_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned cpu = l->cpu;
	const unsigned first = st.kind == PERCPU ? cpu * st.n : 0;
	unsigned *at = st.kind == PERCPU ? &st.cursor[cpu] : &st.at;
	int va;

	(void)resumed;
	if ((st.kind == SHADOW && *at < st.cursor[cpu]) ||
	    (st.kind > SHADOW && st.epoch != st.seen[cpu])) {
		flush(s, cpu);
		st.seen[cpu] = st.epoch;
	}
	for (unsigned tries = 0;; tries++) {
		if (tries == 2 * st.n)
			return (MAP_REFUSED);
		if (++*at == st.n) {
			*at = 0;
			sweep(s, first);
			flush(s, cpu);
			st.seen[cpu] = ++st.epoch;
		}
		if (!s->pte[first + *at].valid)
			break;
	}
	va = use(s, l, first + *at);
	store(s, va, (int)l->page);
	if (st.kind == SHADOW)
		st.cursor[cpu] = *at;
	return (va);
}

static bool
circle_unmap(struct sim *s, unsigned cpu, int va)
{
	const struct pte before = s->pte[va];

	if (st.kind == PERCPU && !own(s, cpu, va))
		return (false);
	(void)leave(s, va);
	store(s, va, -1);
	if (st.kind != NOREADY) {
		s->pte[va] = before;
		st.ready[va] = true;
	}
	return (true);
}

/* Bitmaps: a slot is free when it is not in use. */

static int
next_unused(unsigned from)
{
	for (unsigned i = from; i < st.n; i++) {
		if (!st.inuse[i])
			return ((int)i);
	}
	return (-1);
}

static void
collect(void)
{
	for (unsigned i = 0; i < st.n; i++) {
		if (st.garbage[i])
			st.inuse[i] = st.garbage[i] = false;
	}
}

static void
discard(struct sim *s, int va)
{
	store(s, va, -1);
	st.garbage[va] = true;
}

static int
last_resort(struct sim *s, unsigned cpu, unsigned page)
{
	for (unsigned k = 0; st.kind == MAPCACHE && k < HASH; k++) {
		const unsigned h = (page + k) % HASH;
		const int va = st.hash_slot[cpu][h];

		if (va < 0 || st.hash_refs[cpu][h] > 0)
			continue;
		store(s, va, -1);
		st.hash_slot[cpu][h] = st.hash_page[cpu][h] = -1;
		s->c.evict++;
		return (va);
	}
	return (-1);
}

static int
cache_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned cpu = l->cpu, h = (unsigned)s->dense[l->page] % HASH;
	int va;

	(void)resumed;
	if (st.hash_page[cpu][h] == (int)l->page) {
		st.hash_refs[cpu][h]++;
		use_again(s, l, st.hash_slot[cpu][h]);
		return (st.hash_slot[cpu][h]);
	}
	if (st.seen[cpu] != st.epoch) {
		st.seen[cpu] = st.epoch;
		if (st.flushed[cpu] <= st.stamp)
			flush(s, cpu);
	}
	if ((va = next_unused(st.at)) < 0) {
		collect();
		if ((va = next_unused(0)) < 0)
			va = last_resort(s, cpu, (unsigned)s->dense[l->page]);
		if (va < 0)
			return (MAP_REFUSED);
		flush(s, cpu);
		st.seen[cpu] = ++st.epoch;
		st.stamp = st.clock;
	}
	st.inuse[va] = true;
	st.at = (unsigned)va + 1;
	(void)use(s, l, (unsigned)va);
	store(s, va, (int)l->page);
	return (va);
}

static bool
cache_unmap(struct sim *s, unsigned cpu, int va)
{
	const unsigned h = (unsigned)s->dense[objects[va].page] % HASH;

	if (!own(s, cpu, va))
		return (false);
	(void)leave(s, va);
	if (st.hash_slot[cpu][h] == va) {
		st.hash_refs[cpu][h]--;
	} else if (st.hash_refs[cpu][h] == 0) {
		if (st.hash_slot[cpu][h] >= 0)
			discard(s, st.hash_slot[cpu][h]);
		st.hash_slot[cpu][h] = va;
		st.hash_page[cpu][h] = objects[va].page;
	} else
		discard(s, va);
	return (true);
}

static int
global_map(struct sim *s, const struct line *l, bool resumed)
{
	int va = next_unused(st.at);

	(void)resumed;
	if (va < 0) {
		collect();
		flush_everywhere(s, l->cpu, 0, st.n);
		va = next_unused(0);
	}
	if (va < 0)
		return (MAP_FAILS);
	st.inuse[va] = true;
	st.at = (unsigned)va + 1;
	(void)use(s, l, (unsigned)va);
	store(s, va, (int)l->page);
	return (va);
}

static bool
global_unmap(struct sim *s, unsigned cpu, int va)
{
	(void)cpu;
	(void)leave(s, va);
	discard(s, va);
	return (true);
}

/*
 * 2 MiB entries; a trace has fewer than 512 pages, so that each CPU uses one
 * or, with more than 15 users, more of its own.  An object is 512 addresses
 * from `region` on; several mappings of one page are one object.
 */

static int
arm32_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned cpu = l->cpu;
	const unsigned frame = (unsigned)s->dense[l->page];
	const int base = (int)frame / 512;
	unsigned e = (unsigned)base;
	bool taken;
	int va;

	(void)resumed;
	while (st.users[cpu][e] == 15 ||
	    (st.users[cpu][e] > 0 && st.base[cpu][e] != base))
		e++;
	if (st.region[cpu][e] == 0)
		st.region[cpu][e] = ++st.regions;
	st.base[cpu][e] = base;
	taken = st.users[cpu][e]++ == 0;
	va = va_of(s, (st.region[cpu][e] - 1) * 512 + frame % 512);
	if (taken || !s->pte[va].valid) {
		store(s, va, (int)l->page);
		s->c.pte_store -= !taken;
	}
	objects[va].cpu = cpu;
	objects[va].refs++;
	s->c.miss++;
	referenced(s);
	invlpg_here(s, cpu, va);
	return (va);
}

static bool
arm32_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va))
		return (false);
	for (unsigned e = 0; e < 512; e++) {
		if (st.region[cpu][e] == s->vpage[va] / 512 + 1)
			st.users[cpu][e]--;
	}
	objects[va].refs--;
	unreferenced(s);
	return (true);
}

#define XEN(label, kind, map, unmap, kva, touch)                               \
	static void init_##kind(struct sim *s)                                 \
	{                                                                      \
		init(s, kind);                                                 \
	}                                                                      \
	static const struct naive_design design_##kind = { label, init_##kind, \
		map, unmap, kva, touch, naive_va, naive_no_message, false,     \
		false }

enum { ARM32 = GLOBAL + 1 };

XEN("xen.percpu", PERCPU, circle_map, circle_unmap, own, own_touch);
XEN("xen.shadow", SHADOW, circle_map, circle_unmap, own, own_touch);
XEN("xen.epoch", EPOCH, circle_map, circle_unmap, own, own_touch);
XEN("xen.noready", NOREADY, circle_map, circle_unmap, own, own_touch);
XEN("xen.maphash", MAPHASH, cache_map, cache_unmap, own, own_touch);
XEN("xen.mapcache", MAPCACHE, cache_map, cache_unmap, own, own_touch);
XEN("xen.global", GLOBAL, global_map, global_unmap, naive_always,
    naive_may_touch);

static void
init_ARM32(struct sim *s)
{
	(void)s;
	memset(&st, 0, sizeof(st));
	objects_init();
}

static const struct naive_design design_ARM32 = { "xen.arm32", init_ARM32,
	arm32_map, arm32_unmap, own, own_touch, naive_va, naive_no_message,
	false, false };

const struct exhibit exhibits_xen[] = {
	{ &design_PERCPU, 3, true, false, X_ANY },
	{ &design_SHADOW, 3, true, false, X_ANY },
	{ &design_EPOCH, 3, true, false, X_ANY },
	{ &design_NOREADY, 3, true, false, X_ANY },
	{ &design_MAPHASH, 20, true, false, X_ANY },
	{ &design_MAPCACHE, 16, true, false, X_ANY },
	{ &design_GLOBAL, 0, true, false, X_ANY },
	{ &design_ARM32, 20, true, false, X_ANY },
	{ NULL, 0, false, false, X_ANY },
};
