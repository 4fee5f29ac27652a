/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dmap and the five sf_bufs, naive, against the engine: see
 * naive_machine.h.
 *
 * Buffers in one array, free lists as arrays that are shifted, look-up by
 * linear search from the newest mapping, a flag per CPU for the masks.  An
 * object is a buffer, which is its address; in the direct map a page.
 *
 * Random traces are small and mean: few buffers, few pages, so that maps
 * sleep, evict and make two mappings of one page; masks of all CPUs;
 * handles that are parked, fail, are used outside the design's class.
 */

#include <stdlib.h>
#include <string.h>

#include "naive_machine.h"
#include "test_main.h"

enum { MAX_BUFS = 256 };

enum kind { DMAP, UNCACHED, HASH, LRU, CPUMASK, ACCESSED, KINDS };

struct buf {
	unsigned ref;
	int page; /* -1: none */
	bool queued;
	bool mask[MAX_CPUS];
	bool mask_high; /* bits of the 32 beyond the CPUs there are */
};

/* State of a run. */
static struct {
	enum kind kind;
	struct buf buf[MAX_BUFS];
	int freelist[MAX_BUFS];
	unsigned nfree;
	int chain[MAX_BUFS]; /* newest first */
	unsigned nchain;
} st;

static void
free_head(int b)
{
	memmove(st.freelist + 1, st.freelist, st.nfree * sizeof(int));
	st.freelist[0] = b;
	st.nfree++;
}

static void
free_tail(int b)
{
	st.freelist[st.nfree++] = b;
}

static void
free_remove(int b)
{
	unsigned out = 0;

	for (unsigned i = 0; i < st.nfree; i++) {
		if (st.freelist[i] != b)
			st.freelist[out++] = st.freelist[i];
	}
	st.nfree = out;
}

static void
chain_remove(int b)
{
	unsigned out = 0;

	for (unsigned i = 0; i < st.nchain; i++) {
		if (st.chain[i] != b)
			st.chain[out++] = st.chain[i];
	}
	st.nchain = out;
}

static void
chain_insert(int b)
{
	memmove(st.chain + 1, st.chain, st.nchain * sizeof(int));
	st.chain[0] = b;
	st.nchain++;
}

static int
find(int page)
{
	for (unsigned i = 0; i < st.nchain; i++) {
		if (st.buf[st.chain[i]].page == page)
			return (st.chain[i]);
	}
	return (-1);
}

static bool
mask_full(const struct sim *s, const struct buf *b)
{
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (!b->mask[c])
			return (false);
	}
	return (s->set->ncpus >= 32 || b->mask_high);
}

static void
mask_fill(struct sim *s, struct buf *b, bool with)
{
	for (unsigned c = 0; c < s->set->ncpus; c++)
		b->mask[c] = with;
	b->mask_high = with;
}

/* S3's last step. */
static void
s3_shootdown(struct sim *s, int b, unsigned cpu, bool private)
{
	struct buf *buf = &st.buf[b];

	if (!buf->mask[cpu]) {
		buf->mask[cpu] = true;
		invlpg_here(s, cpu, b);
	}
	if (private)
		return;
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (c == cpu || buf->mask[c])
			continue;
		buf->mask[c] = true;
		invlpg_there(s, c, b);
	}
}

static void
hit(struct sim *s, int b, unsigned cpu, bool private)
{
	struct buf *buf = &st.buf[b];

	if (buf->ref++ > 0) {
		s->c.hit_active++;
		if (st.kind == LRU)
			s->leaked++;
	} else {
		s->c.hit_inactive++;
		referenced(s);
		if (st.kind != CPUMASK)
			free_remove(b);
	}
	if (st.kind == CPUMASK) {
		if (private) {
			if (!buf->mask[cpu])
				invlpg_here(s, cpu, b);
			buf->mask[cpu] = true;
		} else if (!mask_full(s, buf)) {
			invlpg_all(s, cpu, b);
			mask_fill(s, buf, true);
		}
	} else if (st.kind == ACCESSED)
		s3_shootdown(s, b, cpu, private);
}

/* Take a buffer off the free list, or -1. */
static int
take(void)
{
	int b;

	while (st.nfree > 0) {
		b = st.freelist[0];
		free_remove(b);
		st.buf[b].queued = false;
		if (st.buf[b].ref == 0)
			return (b);
	}
	return (-1);
}

static void
fill(struct sim *s, int b, unsigned cpu, int page, bool private)
{
	struct buf *buf = &st.buf[b];
	bool was_accessed;

	s->c.miss++;
	referenced(s);
	if (buf->page >= 0 && buf->page != page)
		s->c.evict++;
	chain_remove(b);
	if (st.kind != UNCACHED)
		chain_insert(b);
	buf->ref = 1;
	buf->page = page;
	was_accessed = s->pte[b].valid && s->pte[b].accessed;
	store(s, b, page);
	switch (st.kind) {
	case UNCACHED:
	case LRU:
		invlpg_here(s, cpu, b);
		flush_others(s, cpu, b);
		break;
	case HASH:
		invlpg_all(s, cpu, b);
		break;
	case CPUMASK:
		mask_fill(s, buf, !private);
		buf->mask[cpu] = true;
		if (private)
			invlpg_here(s, cpu, b);
		else
			invlpg_all(s, cpu, b);
		break;
	case ACCESSED:
		if (was_accessed)
			mask_fill(s, buf, false);
		s3_shootdown(s, b, cpu, private);
		break;
	default:
		abort();
	}
}

static int
map(struct sim *s, const struct line *l, bool resumed)
{
	const bool api = st.kind == CPUMASK || st.kind == ACCESSED;
	const bool private = api && (l->flags & EPH_OPF_PRIVATE) != 0;
	int b;

	if (st.kind == DMAP) {
		s->c.miss++;
		referenced(s);
		return (s->dense[l->page]);
	}
	b = resumed || st.kind == UNCACHED ? -1 : find((int)l->page);
	if (b >= 0)
		hit(s, b, l->cpu, private);
	else if ((b = take()) >= 0)
		fill(s, b, l->cpu, (int)l->page, private);
	else if (st.kind == ACCESSED && (l->flags & EPH_OPF_NOWAIT) != 0)
		return (MAP_FAILS);
	else
		return (MAP_SLEEPS);
	return (b);
}

static bool
unmap(struct sim *s, unsigned cpu, int b)
{
	struct buf *buf = &st.buf[b];

	if (st.kind == DMAP) {
		unreferenced(s);
		return (true);
	}
	if (--buf->ref > 0)
		return (true);
	unreferenced(s);
	switch (st.kind) {
	case UNCACHED:
		store(s, b, -1);
		invlpg_here(s, cpu, b);
		flush_others(s, cpu, b);
		buf->page = -1;
		free_head(b);
		wake_all(s);
		break;
	case HASH:
		store(s, b, -1);
		invlpg_all(s, cpu, b);
		chain_remove(b);
		buf->page = -1;
		free_head(b);
		wake_first(s);
		break;
	case LRU:
	case ACCESSED:
		free_tail(b);
		wake_first(s);
		break;
	case CPUMASK:
		if (!buf->queued) {
			free_tail(b);
			buf->queued = true;
			wake_first(s);
		}
		break;
	default:
		abort();
	}
	return (true);
}

/* The direct map has page n, in order of first sight, at address n. */
static int
address(struct sim *s, int obj, unsigned page)
{
	int va;

	if (st.kind != DMAP)
		return (obj);
	va = va_of(s, (unsigned)obj);
	s->pte[va].valid = true;
	s->pte[va].maps = (int)page;
	return (va);
}

static void
init(struct sim *s, enum kind kind)
{
	memset(&st, 0, sizeof(st));
	st.kind = kind;
	for (unsigned b = 0; kind != DMAP && b < s->set->nbufs; b++) {
		(void)va_of(s, b);
		st.buf[b].page = -1;
		st.buf[b].queued = true;
		if (kind == UNCACHED || kind == HASH)
			free_head((int)b);
		else
			free_tail((int)b);
	}
}

#define DESIGN(label, kind)                                                    \
	static void init_##kind(struct sim *s)                                 \
	{                                                                      \
		init(s, kind);                                                 \
	}                                                                      \
	static const struct naive_design design_##kind = { label, init_##kind, \
		map, unmap, naive_always, naive_may_touch, address,            \
		naive_no_message, false, kind == CPUMASK }

DESIGN("dmap", DMAP);
DESIGN("sf_buf.uncached", UNCACHED);
DESIGN("sf_buf.hash", HASH);
DESIGN("sf_buf.lru", LRU);
DESIGN("sf_buf.cpumask", CPUMASK);
DESIGN("sf_buf.accessed", ACCESSED);

static const struct naive_design *const designs[KINDS] = { &design_DMAP,
	&design_UNCACHED, &design_HASH, &design_LRU, &design_CPUMASK,
	&design_ACCESSED };

static void
generate(uint64_t seed, struct setup *set, struct trace *t)
{
	struct gen g = { .t = t };
	unsigned lines;

	t->n = 0;
	eph__prng_init(&g.r, seed, 1);
	set->design = designs[seed % KINDS];
	some_setup(&g, set, seed / KINDS % 4 == 3, &lines);
	while (lines-- > 0 && t->n < MAX_LINES - 2 * MAX_HANDLES)
		emit_some(&g);
}

static void
engine_equals_the_reference(void)
{
	struct eph_counters sum = { 0 };

	CU_ASSERT_EQUAL(
	    compare_seeds(test_long ? 200000 : 1500, generate, &sum), 0);
	/* What never happened has not been compared. */
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		if (!comparable(i) || eph_counter_value(&sum, i) != 0 ||
		    strcmp(eph_counter_name(i), "flush_local") == 0 ||
		    strcmp(eph_counter_name(i), "ipiq_passive") == 0 ||
		    strcmp(eph_counter_name(i), "ipiq_avoided") == 0)
			continue;
		(void)printf("never seen: %s\n", eph_counter_name(i));
		CU_FAIL("a counter stayed 0 in every trace");
	}
}

static CU_TestInfo tests[] = {
	TEST(engine_equals_the_reference),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_events", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
