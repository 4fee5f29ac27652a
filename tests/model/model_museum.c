/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Random traces of the designs beyond the BSDs: every counter of the engine
 * equals the naive model's.  See museum.h.
 */

#include "museum.h"

#include <string.h>

#include "test_main.h"

enum { DEPTH = 64 };

struct object objects[OBJECTS];

void
objects_init(void)
{
	memset(objects, 0, sizeof(objects));
}

int
use(struct sim *s, const struct line *l, unsigned vpage)
{
	const int va = va_of(s, vpage);

	objects[va] = (struct object){ l->cpu, 1, (int)l->page };
	s->c.miss++;
	referenced(s);
	return (va);
}

void
use_again(struct sim *s, const struct line *l, int va)
{
	if (objects[va].refs++ > 0) {
		s->c.hit_active++;
		return;
	}
	s->c.hit_inactive++;
	objects[va].cpu = l->cpu;
	objects[va].page = (int)l->page;
	referenced(s);
}

bool
leave(struct sim *s, int va)
{
	if (--objects[va].refs > 0)
		return (false);
	unreferenced(s);
	return (true);
}

bool
own(struct sim *s, unsigned cpu, int va)
{
	(void)s;
	return (objects[va].cpu == cpu);
}

bool
own_touch(struct sim *s, unsigned cpu, int va, bool write)
{
	(void)write;
	return (own(s, cpu, va));
}

void
flush_everywhere(struct sim *s, unsigned me, int first, unsigned n)
{
	flush_here(s, me);
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		bool needed = false;

		if (c == me)
			continue;
		for (unsigned i = 0; i < n; i++)
			needed |= outdated(s, c, first + (int)i);
		s->c.ipi_sent++;
		s->c.needless_ipi += !needed;
		flush_there(s, c);
	}
}

/* Open handles of a CPU. */
static struct {
	unsigned handle[MAX_CPUS][DEPTH];
	unsigned n[MAX_CPUS];
	unsigned total;
} held;

static void
emit_local_unmap(struct gen *g, unsigned cpu, bool any_order)
{
	const unsigned at =
	    any_order ? prng_below(&g->r, held.n[cpu]) : held.n[cpu] - 1;

	emit_unmap(g, cpu, held.handle[cpu][at]);
	held.handle[cpu][at] = held.handle[cpu][--held.n[cpu]];
	held.total--;
}

/* A line that mappings of one CPU can do. */
static void
emit_local(struct gen *g, const struct exhibit *x)
{
	const unsigned cpu = some_cpu(g), what = prng_below(&g->r, 12);
	const unsigned handle = prng_below(&g->r, g->nhandles);
	const bool room = held.n[cpu] < x->most && held.n[cpu] < DEPTH &&
	    !(x->alone && held.total > 0);
	struct line *l;

	if (what < 2 && room) {
		emit(g, EPH_OP_REF, cpu)->page = prng_below(&g->r, g->npages);
	} else if (what < 5 && room && !g->open[handle]) {
		emit_map(g, cpu, prng_below(&g->r, g->npages), handle,
		    some_flags(g));
		held.handle[cpu][held.n[cpu]++] = handle;
		held.total++;
	} else if (held.n[cpu] == 0) {
		emit(g, EPH_OP_DELAY, 0)->ns = what;
	} else if (what < 7) {
		emit_local_unmap(g, cpu, x->any_order);
	} else {
		l = emit(g,
		    what == 7		? EPH_OP_KVA
			: what % 2 == 0 ? EPH_OP_READ
					: EPH_OP_WRITE,
		    cpu);
		l->handle = held.handle[cpu][prng_below(&g->r, held.n[cpu])];
	}
}

static const struct exhibit *const families[] = { exhibits_xen,
	exhibits_others };

static const struct exhibit *
exhibit(unsigned n)
{
	unsigned total = 0;

	for (;;) {
		for (unsigned f = 0; f < sizeof(families) / sizeof(*families);
		     f++) {
			for (const struct exhibit *x = families[f];
			     x->design != NULL; x++) {
				if (total++ == n)
					return (x);
			}
		}
		n %= total;
		total = 0;
	}
}

static unsigned
nexhibits(void)
{
	unsigned total = 0;

	for (unsigned f = 0; f < sizeof(families) / sizeof(*families); f++) {
		for (const struct exhibit *x = families[f]; x->design != NULL;
		     x++)
			total++;
	}
	return (total);
}

/* What the naive model cannot follow. */
static void
constrain(const struct exhibit *x, struct gen *g, struct setup *set)
{
	unsigned n = 1;

	if (x->traces == X_INFINITE)
		set->tlb = eph_tlb_model_find("infinite");
	if (x->traces == X_FEW)
		set->ncpus = g->ncpus = 1 + set->ncpus % 3;
	if (x->traces == X_ROOMY) {
		set->hold = 0;
		set->nbufs += set->nbufs < 2;
		if (g->nhandles > set->nbufs - 1)
			g->nhandles = set->nbufs - 1;
	}
	while (x->traces == X_POWER && n * 2 <= set->nbufs)
		n *= 2;
	if (x->traces == X_POWER)
		set->nbufs = n;
}

static void
generate(uint64_t seed, struct setup *set, struct trace *t)
{
	const unsigned n = nexhibits();
	const struct exhibit *x = exhibit((unsigned)(seed % n));
	struct gen g = { .t = t };
	unsigned lines;
	bool local;

	t->n = 0;
	memset(&held, 0, sizeof(held));
	eph__prng_init(&g.r, seed, 3);
	set->design = x->design;
	some_setup(&g, set, x->traces != X_FEW && seed / n % 4 == 3, &lines);
	constrain(x, &g, set);
	local =
	    x->traces == X_LOCAL || (x->most != 0 && prng_below(&g.r, 5) != 0);
	if (local)
		set->hold = 0;
	while (lines-- > 0 && t->n < MAX_LINES - 2 * MAX_HANDLES) {
		if (local)
			emit_local(&g, x);
		else
			emit_some(&g);
	}
}

static void
engine_equals_the_reference(void)
{
	struct eph_counters sum = { 0 };

	CU_ASSERT_EQUAL(compare_seeds(test_long ? 100000 : 40 * nexhibits(),
			    generate, &sum),
	    0);
	CU_ASSERT(sum.hit_active > 0);
	CU_ASSERT(sum.hit_inactive > 0);
	CU_ASSERT(sum.evict > 0);
	CU_ASSERT(sum.flush_local > 0);
	CU_ASSERT(sum.flush_remote > 0);
	CU_ASSERT(sum.map_fail > 0);
	CU_ASSERT(sum.needless_ipi > 0);
	CU_ASSERT(sum.stale_use > 0);
}

static CU_TestInfo tests[] = {
	TEST(engine_equals_the_reference),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_museum", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
