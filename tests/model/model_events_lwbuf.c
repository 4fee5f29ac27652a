/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The lwbufs, and sf_buf over them, against the engine: see
 * naive_machine.h.
 *
 * Objects are addresses.  Address space comes page by page from an arena
 * that gives out what came back last, else the lowest never used.
 */

#include <stdlib.h>
#include <string.h>

#include "naive_machine.h"
#include "test_main.h"

enum {
	BOOT = 256, /* pages a CPU starts with, and the most v2 keeps */
	GROW = 32,
	LIST = 4096,
	CAPACITY = 64, /* of a magazine */
	EMPTY = 2,     /* magazines in the depot at the start */
	DEPOT = 64,
};

enum kind { KVALIST, HOMECPU, RESERVE, OBJCACHE, LWDMAP, SFBUF, KINDS };

struct list {
	int obj[LIST];
	unsigned n;
};

struct magazine {
	int obj[CAPACITY];
	unsigned n;
};

/* State of a run; addresses are page numbers here. */
static struct {
	enum kind kind;
	unsigned arena;
	struct list arena_free;
	struct list list[MAX_CPUS];
	struct magazine loaded[MAX_CPUS];
	struct magazine previous[MAX_CPUS];
	struct magazine full[DEPOT];
	unsigned nfull;
	unsigned nempty;
	unsigned char home[MAX_VPAGES];
	bool ephemeral[MAX_VPAGES];
	bool mask[MAX_VAS][MAX_CPUS];
} st;

/* What happened in any run: what never did has not been compared. */
static struct {
	unsigned grown[KINDS];
	unsigned destroyed[KINDS];
	unsigned from_depot;
	unsigned to_depot;
	unsigned ephemeral_home;
} seen;

static void
list_push(struct list *l, int obj)
{
	if (l->n == LIST)
		abort();
	l->obj[l->n++] = obj;
}

static int
arena_take(void)
{
	if (st.arena_free.n > 0)
		return (st.arena_free.obj[--st.arena_free.n]);
	return ((int)st.arena++);
}

/* Highest address first. */
static void
grow(unsigned cpu, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		st.home[st.arena] = (unsigned char)cpu;
		list_push(&st.list[cpu], (int)st.arena++);
	}
}

static void
init(struct sim *s, enum kind kind)
{
	memset(&st, 0, sizeof(st));
	st.kind = kind;
	st.nempty = EMPTY;
	if (kind == KVALIST || kind == SFBUF)
		grow(0, BOOT);
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (kind == HOMECPU || kind == RESERVE)
			grow(c, BOOT);
	}
}

/* kmem_free() of an address with a valid entry. */
static void
destroy(struct sim *s, unsigned cpu, int obj)
{
	const int va = va_of(s, (unsigned)obj);

	seen.destroyed[st.kind]++;
	store(s, va, -1);
	invlpg_all(s, cpu, va);
	list_push(&st.arena_free, obj);
}

static int
cache_get(unsigned cpu)
{
	struct magazine *loaded = &st.loaded[cpu];
	struct magazine *previous = &st.previous[cpu], swap;
	int obj;

	if (loaded->n == 0 && previous->n > 0) {
		swap = *loaded;
		*loaded = *previous;
		*previous = swap;
	} else if (loaded->n == 0 && st.nfull > 0) {
		*previous = *loaded;
		*loaded = st.full[--st.nfull];
		st.nempty++;
		seen.from_depot++;
	}
	if (loaded->n > 0)
		return (loaded->obj[--loaded->n]);
	obj = arena_take();
	st.home[obj] = (unsigned char)cpu;
	st.ephemeral[obj] = true;
	return (obj);
}

static void
cache_put(struct sim *s, unsigned cpu, int obj)
{
	struct magazine *loaded = &st.loaded[cpu];
	struct magazine *previous = &st.previous[cpu], swap;

	if (loaded->n == CAPACITY && previous->n < CAPACITY) {
		swap = *loaded;
		*loaded = *previous;
		*previous = swap;
	} else if (loaded->n == CAPACITY && st.nempty > 0) {
		st.nempty--;
		seen.to_depot++;
		st.full[st.nfull++] = *previous;
		*previous = *loaded;
		loaded->n = 0;
	}
	if (loaded->n < CAPACITY)
		loaded->obj[loaded->n++] = obj;
	else
		destroy(s, cpu, obj);
}

static int
take(unsigned cpu)
{
	struct list *l = &st.list[cpu];

	if (st.kind == OBJCACHE || (st.kind == RESERVE && l->n == 0))
		return (cache_get(cpu));
	if (l->n == 0) {
		seen.grown[st.kind]++;
		grow(cpu, GROW);
	}
	return (l->obj[--l->n]);
}

static int
map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	s->c.miss++;
	referenced(s);
	if (st.kind == LWDMAP)
		return (s->dense[l->page]);
	va = va_of(s, (unsigned)take(l->cpu));
	store(s, va, (int)l->page);
	invlpg_here(s, l->cpu, va);
	memset(st.mask[va], 0, sizeof(st.mask[va]));
	st.mask[va][l->cpu] = true;
	if (st.kind == SFBUF)
		invlpg_all(s, l->cpu, va);
	return (va);
}

static bool
kva(struct sim *s, unsigned cpu, int va)
{
	if (st.kind == SFBUF || st.kind == LWDMAP)
		return (true);
	if (!st.mask[va][cpu])
		invlpg_here(s, cpu, va);
	st.mask[va][cpu] = true;
	return (true);
}

static void
give_back(struct sim *s, unsigned cpu, int va)
{
	const int obj = (int)s->vpage[va];

	switch (st.kind) {
	case KVALIST:
	case SFBUF:
		list_push(&st.list[cpu], obj);
		return;
	case OBJCACHE:
		cache_put(s, cpu, obj);
		return;
	default:
		break;
	}
	if (st.home[obj] != cpu) {
		seen.ephemeral_home += st.ephemeral[obj];
		send_passive(s, cpu, st.home[obj], va);
	} else if (st.ephemeral[obj])
		cache_put(s, cpu, obj);
	else if (st.kind == HOMECPU && st.list[cpu].n > BOOT)
		destroy(s, cpu, obj);
	else
		list_push(&st.list[cpu], obj);
}

static bool
unmap(struct sim *s, unsigned cpu, int va)
{
	unreferenced(s);
	if (st.kind != LWDMAP)
		give_back(s, cpu, va);
	return (true);
}

/* The direct map has page n, in order of first sight, at address n. */
static int
address(struct sim *s, int obj, unsigned page)
{
	int va;

	if (st.kind != LWDMAP)
		return (obj);
	va = va_of(s, (unsigned)s->dense[page]);
	s->pte[va].valid = true;
	s->pte[va].maps = (int)page;
	return (va);
}

#define DESIGN(label, kind)                                                    \
	static void init_##kind(struct sim *s)                                 \
	{                                                                      \
		init(s, kind);                                                 \
	}                                                                      \
	static const struct naive_design design_##kind = { label, init_##kind, \
		map, unmap, kva, naive_may_touch, address, give_back, false,   \
		true }

DESIGN("lwbuf.kvalist", KVALIST);
DESIGN("lwbuf.homecpu", HOMECPU);
DESIGN("lwbuf.reserve", RESERVE);
DESIGN("lwbuf.objcache", OBJCACHE);
DESIGN("lwbuf.dmap", LWDMAP);
DESIGN("sf_buf.lwbuf", SFBUF);

static const struct naive_design *const designs[KINDS] = { &design_KVALIST,
	&design_HOMECPU, &design_RESERVE, &design_OBJCACHE, &design_LWDMAP,
	&design_SFBUF };

/*
 * Runs of maps and runs of unmaps on one CPU or on all: how lists run
 * empty, magazines full and FIFOs over.
 */
static void
emit_burst(struct gen *g)
{
	const unsigned n = prng_below(&g->r, 3) == 0
	    ? g->nhandles
	    : 1 + prng_below(&g->r, g->nhandles);
	const bool maps = prng_below(&g->r, 2) == 0;
	const bool spread = prng_below(&g->r, 4) == 0;
	const unsigned cpu = some_cpu(g);
	unsigned handle = prng_below(&g->r, g->nhandles), at;

	for (unsigned i = 0; i < n; i++, handle = (handle + 1) % g->nhandles) {
		at = spread ? some_cpu(g) : cpu;
		if (maps && !g->open[handle])
			emit_map(
			    g, at, prng_below(&g->r, g->npages), handle, 0);
		else if (!maps && g->open[handle])
			emit_unmap(g, at, handle);
	}
}

static void
generate(uint64_t seed, struct setup *set, struct trace *t)
{
	struct gen g = { .t = t };
	unsigned lines;
	bool large;

	t->n = 0;
	eph__prng_init(&g.r, seed, 2);
	set->design = designs[seed % KINDS];
	some_setup(&g, set, seed / KINDS % 4 == 3, &lines);
	large = seed / KINDS % 8 >= 6;
	if (large)
		g.nhandles = 280 + prng_below(&g.r, 320);
	while (lines-- > 0 && t->n < MAX_LINES - 2 * MAX_HANDLES) {
		if (prng_below(&g.r, large ? 10 : 25) == 0)
			emit_burst(&g);
		else
			emit_some(&g);
	}
}

static void
engine_equals_the_reference(void)
{
	struct eph_counters sum = { 0 };

	CU_ASSERT_EQUAL(
	    compare_seeds(test_long ? 60000 : 700, generate, &sum), 0);
	CU_ASSERT(seen.grown[KVALIST] > 0);
	CU_ASSERT(seen.grown[HOMECPU] > 0);
	CU_ASSERT(seen.grown[SFBUF] > 0);
	CU_ASSERT(seen.destroyed[HOMECPU] > 0);
	CU_ASSERT(seen.destroyed[RESERVE] > 0);
	CU_ASSERT(seen.destroyed[OBJCACHE] > 0);
	CU_ASSERT(seen.from_depot > 0);
	CU_ASSERT(seen.to_depot > 0);
	CU_ASSERT(seen.ephemeral_home > 0);
	CU_ASSERT(sum.ipiq_passive > 0);
	CU_ASSERT(sum.needless_ipi > 0);
	CU_ASSERT(sum.stale_use > 0);
	CU_ASSERT(sum.stale_possible > 0);
}

static CU_TestInfo tests[] = {
	TEST(engine_equals_the_reference),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_events_lwbuf", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
