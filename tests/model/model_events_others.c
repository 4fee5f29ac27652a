/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * msf_buf, kva.qenter, emap, kmap, segmap, and the mappings of one CPU against the
 * engine: see naive_machine.h.
 */

#include <stdlib.h>
#include <string.h>

#include "naive_machine.h"
#include "test_main.h"

enum {
	SLOTS = 256,
	MSF_STRIDE = 32, /* pages of address an msf_buf owns */
	CEILING = 33,	 /* pages invalidated one by one, at most */
	DEPTH = 256,
	WINDOWS = 8,
};

enum kind {
	MSF,
	QENTER,
	EMAP,
	KMAP,
	ATOMIC24,
	ATOMIC,
	LOCAL,
	QUICK,
	WINDOW,
	SEGMAP,
	KINDS
};

/* Sleepers of segmap that found their page mapped, in all runs. */
static unsigned seg_hits_late;

/* Slots of a CPU. */
static const unsigned slots[KINDS] = { 0, 0, 0, 0, 8, 20, 15, 1, WINDOWS, 0 };

/* State of a run. */
static struct {
	enum kind kind;
	/* msf_buf, emap, kmap: by slot */
	int page[SLOTS]; /* -1: none */
	bool is_free[SLOTS];
	bool mask[SLOTS][MAX_CPUS];
	unsigned count[SLOTS]; /* kmap */
	unsigned born[SLOTS];  /* emap: generation */
	int hint[MAX_PAGES];   /* msf_buf, -1: none */
	int queue[SLOTS];      /* free slots */
	unsigned nqueue;
	unsigned cursor;
	unsigned generation;
	unsigned cpu_generation[MAX_CPUS];
	unsigned arena;
	int arena_free[SLOTS * 4];
	unsigned narena_free;
	/* per CPU: objects in use, last one last */
	int stack[MAX_CPUS][DEPTH];
	unsigned depth[MAX_CPUS];
	bool window[MAX_CPUS][WINDOWS];
	unsigned object_cpu[MAX_VAS];
	/* segmap: free lists of two queues, and where a CPU looked last */
	int list[128][2][SLOTS];
	unsigned nlist[128][2];
	unsigned taking[128]; /* queue that is taken from */
	unsigned nlists;
	unsigned rotor[MAX_CPUS];
	unsigned looked[MAX_LINES + 1]; /* where this line's map did first */
	unsigned waits[MAX_LINES + 1];	/* list that it sleeps for */
} st;

static void
init(struct sim *s, enum kind kind)
{
	memset(&st, 0, sizeof(st));
	st.kind = kind;
	memset(st.page, 0xff, sizeof(st.page));
	memset(st.hint, 0xff, sizeof(st.hint));
	st.nlists = 1;
	while (st.nlists < s->set->ncpus)
		st.nlists *= 2;
	st.generation = 1;
	for (unsigned i = 0; i < s->set->nbufs; i++) {
		st.queue[st.nqueue++] = (int)i;
		(void)va_of(s, i * (kind == MSF ? MSF_STRIDE : 1));
	}
	for (unsigned i = 0; i < MAX_CPUS; i++)
		st.cpu_generation[i] = 1;
	/* segmap: all are released, the highest first. */
	for (unsigned i = s->set->nbufs; i-- > 0;) {
		const unsigned l = i % st.nlists;

		st.list[l][1][st.nlist[l][1]++] = (int)i;
	}
}

static void
queue_remove(unsigned at)
{
	st.nqueue--;
	memmove(st.queue + at, st.queue + at + 1,
	    (st.nqueue - at) * sizeof(st.queue[0]));
}

/*
 * msf_buf
 */

static bool
msf_hint_free(unsigned page)
{
	for (unsigned i = 0; i < st.nqueue; i++) {
		if (st.queue[i] == st.hint[page]) {
			queue_remove(i);
			return (true);
		}
	}
	return (false);
}

/* pmap_qenter2() of one page. */
static void
msf_enter_private(struct sim *s, unsigned cpu, int b, int page)
{
	struct pte *p = &s->pte[b];

	if (!p->valid || p->maps != page || !p->accessed || p->dirty) {
		memset(st.mask[b], 0, sizeof(st.mask[b]));
		store(s, b, page);
		p->accessed = true;
		invlpg_here(s, cpu, b);
	} else if (!st.mask[b][cpu])
		invlpg_here(s, cpu, b);
	st.mask[b][cpu] = true;
}

static int
msf_map(struct sim *s, const struct line *l, bool resumed)
{
	int b;

	if (!resumed && msf_hint_free(l->page)) {
		b = st.hint[l->page];
		s->c.hit_inactive++;
	} else if (st.nqueue == 0)
		return (MAP_SLEEPS);
	else {
		b = st.queue[0];
		queue_remove(0);
		s->c.miss++;
		if (st.page[b] >= 0 && st.page[b] != (int)l->page)
			s->c.evict++;
		st.hint[l->page] = b;
	}
	st.page[b] = (int)l->page;
	referenced(s);
	if ((l->flags & EPH_OPF_PRIVATE) != 0)
		msf_enter_private(s, l->cpu, b, (int)l->page);
	else {
		store(s, b, (int)l->page);
		invlpg_here(s, l->cpu, b);
		flush_others(s, l->cpu, b);
		memset(st.mask[b], 1, sizeof(st.mask[b]));
	}
	return (b);
}

static bool
msf_unmap(struct sim *s, unsigned cpu, int b)
{
	(void)cpu;
	unreferenced(s);
	st.queue[st.nqueue++] = b;
	wake_first(s);
	return (true);
}

/*
 * kva.qenter
 */

static int
qenter_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	va = va_of(s,
	    st.narena_free > 0 ? (unsigned)st.arena_free[--st.narena_free]
			       : st.arena++);
	s->c.miss++;
	referenced(s);
	store(s, va, (int)l->page);
	invlpg_here(s, l->cpu, va);
	flush_others(s, l->cpu, va);
	return (va);
}

static bool
qenter_unmap(struct sim *s, unsigned cpu, int va)
{
	unreferenced(s);
	store(s, va, -1);
	invlpg_here(s, cpu, va);
	flush_others(s, cpu, va);
	st.arena_free[st.narena_free++] = (int)s->vpage[va];
	return (true);
}

/*
 * emap: KVA given back last comes first.
 */

static int
emap_map(struct sim *s, const struct line *l, bool resumed)
{
	int va;

	(void)resumed;
	if (st.nqueue == 0)
		return (MAP_SLEEPS);
	va = st.queue[0];
	queue_remove(0);
	s->c.miss++;
	referenced(s);
	store(s, va, (int)l->page);
	st.born[va] = ++st.generation;
	return (va);
}

static bool
emap_kva(struct sim *s, unsigned cpu, int va)
{
	if (st.cpu_generation[cpu] >= st.born[va])
		return (true);
	flush_here(s, cpu);
	st.cpu_generation[cpu] = st.generation;
	return (true);
}

static bool
emap_unmap(struct sim *s, unsigned cpu, int va)
{
	(void)cpu;
	unreferenced(s);
	store(s, va, -1);
	memmove(st.queue + 1, st.queue, st.nqueue * sizeof(st.queue[0]));
	st.queue[0] = va;
	st.nqueue++;
	wake_all(s);
	return (true);
}

static bool
emap_may_touch(struct sim *s, unsigned cpu, int va, bool write)
{
	(void)s, (void)cpu, (void)va;
	return (!write);
}

/*
 * kmap
 */

static void
kmap_invalidate(struct sim *s, unsigned me, const bool *cleared)
{
	const unsigned n = s->set->nbufs;
	bool needed;

	for (unsigned c = 0; c < s->set->ncpus; c++) {
		needed = false;
		for (unsigned i = 0; i < n; i++)
			needed |= outdated(s, c, (int)i) && cleared[i];
		if (c != me) {
			s->c.ipi_sent++;
			s->c.needless_ipi += !needed;
		}
		if (n > CEILING && c == me)
			flush_here(s, c);
		else if (n > CEILING)
			flush_there(s, c);
		for (unsigned i = 0; n <= CEILING && i < n; i++) {
			if (c == me)
				invlpg_here(s, c, (int)i);
			else
				range_there(s, c, (int)i);
		}
	}
}

static void
kmap_flush_zero(struct sim *s, unsigned cpu)
{
	bool cleared[SLOTS] = { false };
	bool any = false;

	for (unsigned i = 0; i < s->set->nbufs; i++) {
		if (st.count[i] != 1)
			continue;
		st.count[i] = 0;
		st.page[i] = -1;
		store(s, (int)i, -1);
		cleared[i] = any = true;
	}
	if (any)
		kmap_invalidate(s, cpu, cleared);
}

static int
kmap_find(const struct sim *s, unsigned page)
{
	for (unsigned i = 0; i < s->set->nbufs; i++) {
		if (st.page[i] == (int)page)
			return ((int)i);
	}
	return (-1);
}

static int
kmap_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned n = s->set->nbufs;
	int b = kmap_find(s, l->page);
	unsigned left = n;

	(void)resumed;
	if (b >= 0) {
		if (st.count[b]++ == 1) {
			s->c.hit_inactive++;
			referenced(s);
		} else
			s->c.hit_active++;
		return (b);
	}
	for (;;) {
		st.cursor = (st.cursor + 1) % n;
		if (st.cursor == 0) {
			kmap_flush_zero(s, l->cpu);
			left = n;
		}
		if (st.count[st.cursor] == 0)
			break;
		if (--left == 0)
			return (MAP_SLEEPS);
	}
	b = (int)st.cursor;
	s->c.miss++;
	referenced(s);
	store(s, b, (int)l->page);
	st.page[b] = (int)l->page;
	st.count[b] = 2;
	return (b);
}

static bool
kmap_unmap(struct sim *s, unsigned cpu, int b)
{
	(void)cpu;
	if (--st.count[b] == 1) {
		unreferenced(s);
		wake_all(s);
	}
	return (true);
}

/*
 * segmap
 */

/* Release a slot; its list's first sleeper hears of it if it is the only one. */
static void
seg_release(struct sim *s, int b)
{
	const unsigned l = (unsigned)b % st.nlists, q = 1 - st.taking[l];

	st.list[l][q][st.nlist[l][q]++] = b;
	if (st.nlist[l][q] == 1)
		wake_first_of(s, st.waits, l);
}

static void
seg_remove(int b)
{
	const unsigned l = (unsigned)b % st.nlists;

	for (unsigned q = 0; q < 2; q++) {
		unsigned out = 0;

		for (unsigned i = 0; i < st.nlist[l][q]; i++) {
			if (st.list[l][q][i] != b)
				st.list[l][q][out++] = st.list[l][q][i];
		}
		st.nlist[l][q] = out;
	}
}

/* A slot that nobody uses, or -1 and what to wait for. */
static int
seg_take(unsigned first, unsigned *waits)
{
	unsigned l = 0;
	int b;

	for (unsigned i = 0; i < st.nlists; i++) {
		l = (first + i) % st.nlists;
		if (st.nlist[l][st.taking[l]] == 0)
			st.taking[l] = 1 - st.taking[l];
		if (st.nlist[l][st.taking[l]] > 0) {
			b = st.list[l][st.taking[l]][0];
			seg_remove(b);
			return (b);
		}
		/* Both are empty: nothing was turned over. */
		st.taking[l] = 1 - st.taking[l];
	}
	*waits = l;
	return (-1);
}

static int
seg_hit(struct sim *s, int b)
{
	if (st.count[b]++ > 0) {
		s->c.hit_active++;
		return (b);
	}
	s->c.hit_inactive++;
	referenced(s);
	seg_remove(b);
	return (b);
}

static int
seg_map(struct sim *s, const struct line *l, bool resumed)
{
	int b, other, old;

	if (!resumed) {
		if ((b = kmap_find(s, l->page)) >= 0)
			return (seg_hit(s, b));
		st.looked[l->at] = ++st.rotor[l->cpu] % st.nlists;
	}
	if ((b = seg_take(st.looked[l->at], &st.waits[l->at])) < 0)
		return (MAP_SLEEPS);
	old = st.page[b];
	if (old >= 0) {
		st.page[b] = -1;
		store(s, b, -1);
		invlpg_all(s, l->cpu, b);
	}
	if ((other = kmap_find(s, l->page)) >= 0) {
		seg_hits_late++;
		seg_release(s, b);
		return (seg_hit(s, other));
	}
	s->c.miss++;
	s->c.evict += old >= 0 && old != (int)l->page;
	referenced(s);
	store(s, b, (int)l->page);
	st.page[b] = (int)l->page;
	st.count[b] = 1;
	return (b);
}

static bool
seg_unmap(struct sim *s, unsigned cpu, int b)
{
	(void)cpu;
	if (--st.count[b] == 0) {
		unreferenced(s);
		seg_release(s, b);
	}
	return (true);
}

/*
 * Mappings of one CPU.
 */

/* The object on top of a CPU's stack, at its own address `slot`. */
static int
push(struct sim *s, unsigned cpu, unsigned slot)
{
	const int va = va_of(s, slot);

	st.object_cpu[va] = cpu;
	st.stack[cpu][st.depth[cpu]++] = va;
	s->c.miss++;
	referenced(s);
	return (va);
}

static bool
own(struct sim *s, unsigned cpu, int va)
{
	(void)s;
	return (st.object_cpu[va] == cpu);
}

static bool
own_touch(struct sim *s, unsigned cpu, int va, bool write)
{
	(void)write;
	return (own(s, cpu, va));
}

static bool
pop(struct sim *s, unsigned cpu, int va)
{
	if (!own(s, cpu, va) || st.stack[cpu][st.depth[cpu] - 1] != va)
		return (false);
	st.depth[cpu]--;
	unreferenced(s);
	return (true);
}

static int
stack_map(struct sim *s, const struct line *l, bool resumed)
{
	const unsigned cpu = l->cpu;
	int va;

	(void)resumed;
	if (st.depth[cpu] == slots[st.kind])
		return (MAP_REFUSED);
	va = push(s, cpu, cpu * DEPTH + st.depth[cpu]);
	store(s, va, (int)l->page);
	if (st.kind == ATOMIC24)
		invlpg_here(s, cpu, va);
	return (va);
}

static bool
stack_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!pop(s, cpu, va))
		return (false);
	if (st.kind != ATOMIC24) {
		store(s, va, -1);
		invlpg_here(s, cpu, va);
	}
	return (true);
}

static int
window_map(struct sim *s, const struct line *l, bool resumed)
{
	unsigned w;
	int va;

	(void)resumed;
	for (w = 0; w < WINDOWS && st.window[l->cpu][w]; w++)
		continue;
	if (w == WINDOWS)
		return (MAP_REFUSED);
	st.window[l->cpu][w] = true;
	va = push(s, l->cpu, l->cpu * WINDOWS + w);
	store(s, va, (int)l->page);
	invlpg_here(s, l->cpu, va);
	return (va);
}

static bool
window_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!pop(s, cpu, va))
		return (false);
	st.window[cpu][s->vpage[va] % WINDOWS] = false;
	store(s, va, -1);
	return (true);
}

/* One address for all CPUs, or one for each? */
static bool
quick_global(const struct setup *set)
{
	return (strncmp(set->machine, "i386", 4) != 0);
}

static int
quick_map(struct sim *s, const struct line *l, bool resumed)
{
	const bool global = quick_global(s->set);
	int va;

	(void)resumed;
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (st.depth[c] > 0 && (global || c == l->cpu))
			return (MAP_REFUSED);
	}
	va = push(s, l->cpu, global ? 0 : l->cpu);
	store(s, va, (int)l->page);
	if (!global) {
		s->pte[va].accessed = s->pte[va].dirty = true;
		invlpg_here(s, l->cpu, va);
	}
	return (va);
}

static bool
quick_unmap(struct sim *s, unsigned cpu, int va)
{
	if (!pop(s, cpu, va))
		return (false);
	store(s, va, -1);
	if (quick_global(s->set))
		invlpg_here(s, cpu, va);
	return (true);
}

#define DESIGN(label, kind, map, unmap, kva, touch)                            \
	static void init_##kind(struct sim *s)                                 \
	{                                                                      \
		init(s, kind);                                                 \
	}                                                                      \
	static const struct naive_design design_##kind = { label, init_##kind, \
		map, unmap, kva, touch, naive_va, naive_no_message,            \
		kind == EMAP, false }

DESIGN("msf_buf", MSF, msf_map, msf_unmap, naive_always, naive_may_touch);
DESIGN("kva.qenter", QENTER, qenter_map, qenter_unmap, naive_always,
    naive_may_touch);
DESIGN("emap", EMAP, emap_map, emap_unmap, emap_kva, emap_may_touch);
DESIGN("kmap", KMAP, kmap_map, kmap_unmap, naive_always, naive_may_touch);
DESIGN("kmap_atomic.24", ATOMIC24, stack_map, stack_unmap, own, own_touch);
DESIGN("kmap_atomic", ATOMIC, stack_map, stack_unmap, own, own_touch);
DESIGN("kmap_local", LOCAL, stack_map, stack_unmap, own, own_touch);
DESIGN("pmap_quick", QUICK, quick_map, quick_unmap, own, own_touch);
DESIGN("mapwindow", WINDOW, window_map, window_unmap, own, own_touch);
DESIGN("segmap", SEGMAP, seg_map, seg_unmap, naive_always, naive_may_touch);

static const struct naive_design *const designs[KINDS] = { &design_MSF,
	&design_QENTER, &design_EMAP, &design_KMAP, &design_ATOMIC24,
	&design_ATOMIC, &design_LOCAL, &design_QUICK, &design_WINDOW,
	&design_SEGMAP };

/* A line that a stack of mappings on one CPU can do. */
static void
emit_nested(struct gen *g, unsigned (*stack)[DEPTH], unsigned *depth,
    unsigned most, bool alone)
{
	const unsigned cpu = some_cpu(g), what = prng_below(&g->r, 12);
	const unsigned handle = prng_below(&g->r, g->nhandles);
	unsigned others = 0;
	struct line *l;

	for (unsigned c = 0; c < g->ncpus; c++)
		others += depth[c];
	if (what < 2 && depth[cpu] < most && !(alone && others > 0)) {
		emit(g, EPH_OP_REF, cpu)->page = prng_below(&g->r, g->npages);
	} else if (what < 5 && depth[cpu] < most && !g->open[handle] &&
	    !(alone && others > 0)) {
		emit_map(g, cpu, prng_below(&g->r, g->npages), handle,
		    some_flags(g));
		stack[cpu][depth[cpu]++] = handle;
	} else if (depth[cpu] == 0) {
		emit(g, EPH_OP_DELAY, 0)->ns = what;
	} else if (what < 7) {
		emit_unmap(g, cpu, stack[cpu][--depth[cpu]]);
	} else {
		l = emit(g,
		    what == 7		? EPH_OP_KVA
			: what % 2 == 0 ? EPH_OP_READ
					: EPH_OP_WRITE,
		    cpu);
		l->handle = stack[cpu][prng_below(&g->r, depth[cpu])];
	}
}

static void
generate(uint64_t seed, struct setup *set, struct trace *t)
{
	static const unsigned most[KINDS] = { 0, 0, 0, 0, 8, 20, 15, 1, WINDOWS,
		0 };
	unsigned stack[MAX_CPUS][DEPTH], depth[MAX_CPUS] = { 0 };
	struct gen g = { .t = t };
	unsigned lines, nbufs = 1;
	const enum kind kind = (enum kind)(seed % KINDS);
	bool nested;

	t->n = 0;
	eph__prng_init(&g.r, seed, 3);
	set->design = designs[kind];
	some_setup(&g, set, seed / KINDS % 4 == 3, &lines);
	if (set->nbufs > SLOTS)
		set->nbufs = SLOTS;
	while (kind == KMAP && nbufs * 2 <= set->nbufs)
		nbufs *= 2;
	if (kind == KMAP)
		set->nbufs = nbufs << prng_below(&g.r, nbufs < 32 ? 4 : 1);
	if (kind == EMAP && prng_below(&g.r, 4) != 0 &&
	    set->touch == EPH_TOUCH_WRITE)
		set->touch = EPH_TOUCH_READ;
	nested = slots[kind] != 0 && prng_below(&g.r, 5) != 0;
	if (nested)
		set->hold = 0;
	while (lines-- > 0 && t->n < MAX_LINES - 2 * MAX_HANDLES) {
		if (nested)
			emit_nested(&g, stack, depth, most[kind],
			    kind == QUICK && quick_global(set));
		else
			emit_some(&g);
		if (kind == EMAP && t->n > 0 &&
		    t->line[t->n - 1].kind == EPH_OP_WRITE &&
		    prng_below(&g.r, 100) != 0)
			t->line[t->n - 1].kind = EPH_OP_READ;
	}
}

static void
engine_equals_the_reference(void)
{
	struct eph_counters sum = { 0 };

	CU_ASSERT_EQUAL(
	    compare_seeds(test_long ? 100000 : 1200, generate, &sum), 0);
	CU_ASSERT(seg_hits_late > 0);
	CU_ASSERT(sum.hit_active > 0);
	CU_ASSERT(sum.hit_inactive > 0);
	CU_ASSERT(sum.evict > 0);
	CU_ASSERT(sum.flush_local > 0);
	CU_ASSERT(sum.flush_remote > 0);
	CU_ASSERT(sum.invlpg_remote > 0);
	CU_ASSERT(sum.wakeup_spurious > 0);
	CU_ASSERT(sum.needless_ipi > 0);
	CU_ASSERT(sum.stale_use > 0);
}

static CU_TestInfo tests[] = {
	TEST(engine_equals_the_reference),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_events_others", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
