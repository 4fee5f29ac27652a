/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A second, naive simulator, and the engine against it.
 *
 * The reference below is written from the description of the designs and
 * of the trace form, and shares nothing with the library but the type of an
 * operation: buffers in one array, free lists as arrays that are shifted,
 * look-up by linear search from the newest mapping, a flag per CPU for the
 * masks, one remembered translation per CPU and address for an infinite
 * TLB.  It plays dmap and the five sf_bufs, sleeping included, and predicts
 * every counter but `cycles` and the locks, whose number is no property of
 * a design.
 *
 * Random traces are small and mean: few buffers, few pages, so that maps
 * sleep, evict and make two mappings of one page; masks of all CPUs;
 * handles that are parked, fail, are used outside the design's class.  The
 * first trace on which the two differ is shrunk line by line and printed
 * in text form, with the counters in which they part.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/replay.h"
#include "test_main.h"

enum {
	MAX_CPUS = 65,
	MAX_BUFS = 256,
	MAX_PAGES = 256,
	MAX_VAS = 256, /* buffers, or pages of the direct map */
	MAX_HANDLES = 200,
	MAX_LINES = 3000,
	MAX_PARKED = 1024, /* lines that one sleeper holds back */
	MAX_PENDING = 2 * MAX_LINES,
	MAX_ENTRIES = 2048, /* of a TLB level */
	MAX_SETS = 256,
};

/* One line of a trace, handles by name. */
struct line {
	enum eph_op_kind kind;
	unsigned cpu;
	unsigned page;
	unsigned handle;
	unsigned flags; /* EPH_OPF_* */
	uint64_t ns;
};

struct trace {
	struct line line[MAX_LINES];
	unsigned n;
};

enum kind { DMAP, UNCACHED, HASH, LRU, CPUMASK, ACCESSED, KINDS };

static const char *const kind_names[KINDS] = { "dmap", "sf_buf.uncached",
	"sf_buf.hash", "sf_buf.lru", "sf_buf.cpumask", "sf_buf.accessed" };

struct setup {
	enum kind kind;
	unsigned ncpus;
	unsigned nbufs;
	enum eph_touch touch;
	uint64_t hold;
	unsigned flags; /* EPH_OPF_* of p lines */
	bool reuse;	/* give a handle the slot freed last */
	unsigned levels;
	const char *machine;
	const struct eph_tlb_model *tlb;
};

/*
 * The reference.
 */

struct buf {
	unsigned ref;
	int page; /* -1: none */
	bool queued;
	bool mask[MAX_CPUS];
	bool mask_high; /* bits of the 32 beyond the CPUs there are */
	bool valid;	/* the page-table entry */
	bool accessed;
	int maps;
};

/* A TLB entry, and a translation that was loaded once. */
struct entry {
	int va;
	int page;
};

struct loaded {
	int page;
	struct loaded *next;
};

struct sleeper {
	struct line map;
	struct line parked[MAX_PARKED];
	unsigned nparked;
};

struct timer {
	uint64_t at;
	unsigned cpu;
	unsigned seq;
	int buf;
};

enum handle_state { H_NONE, H_MAPPED, H_FAILED, H_PARKED };

struct handle {
	enum handle_state state;
	int buf;
	unsigned page;
	struct sleeper *sleeper;
};

struct sim {
	const struct setup *set;
	struct eph_counters c;
	struct buf buf[MAX_BUFS];
	int freelist[MAX_BUFS];
	unsigned nfree;
	int chain[MAX_BUFS]; /* newest first */
	unsigned nchain;
	struct loaded *shadow[MAX_CPUS][MAX_VAS];
	unsigned nentries[MAX_CPUS][2][MAX_SETS];
	unsigned nloaded;
	struct store *st;
	unsigned npages;
	int dense[MAX_PAGES]; /* pages in order of first sight */
	int16_t pending[MAX_CPUS][MAX_PENDING]; /* un-acked flushes, by va */
	unsigned npending[MAX_CPUS];
	struct sleeper *asleep[MAX_LINES];
	unsigned nasleep;
	struct sleeper *runnable[MAX_LINES];
	unsigned nrunnable;
	bool want;
	struct timer timers[MAX_LINES];
	unsigned ntimers;
	unsigned seq;
	uint64_t now;
	struct handle handle[MAX_HANDLES];
	unsigned bufs_now;
	unsigned bufs_peak;
	unsigned sleepers_peak;
	uint64_t leaked;
	unsigned npool;
	struct sleeper *pool;
};

/* What need not be cleared from run to run. */
struct store {
	struct sleeper pool[MAX_LINES];
	struct loaded loaded[2 * MAX_LINES];
	struct entry entry[MAX_CPUS][2][MAX_ENTRIES];
};

/*
 * TLBs: for each set of a level a list, the entry used last first.
 */

static const struct eph_tlb_level *
level_of(const struct sim *s, unsigned level)
{
	static const struct eph_tlb_level endless = { 1, MAX_ENTRIES };

	if (s->set->tlb->infinite)
		return (level == 0 ? &endless : NULL);
	if (level == 0)
		return (&s->set->tlb->l1);
	return (s->set->tlb->l2.sets != 0 ? &s->set->tlb->l2 : NULL);
}

static struct entry *
set_of(struct sim *s, unsigned cpu, unsigned level, int va, unsigned **np)
{
	const struct eph_tlb_level *lv = level_of(s, level);
	const unsigned set = (unsigned)va % lv->sets;

	*np = &s->nentries[cpu][level][set];
	return (&s->st->entry[cpu][level][set * lv->ways]);
}

/* The page that a level has for `va`, which becomes its newest; or -1. */
static int
level_use(struct sim *s, unsigned cpu, unsigned level, int va, bool remove)
{
	unsigned *n;
	struct entry *e = set_of(s, cpu, level, va, &n), found;

	for (unsigned i = 0; i < *n; i++) {
		if (e[i].va != va)
			continue;
		found = e[i];
		if (remove) {
			memmove(e + i, e + i + 1, (*n - i - 1) * sizeof(*e));
			--*n;
		} else {
			memmove(e + 1, e, i * sizeof(*e));
			e[0] = found;
		}
		return (found.page);
	}
	return (-1);
}

static void
level_fill(struct sim *s, unsigned cpu, unsigned level, int va, int page)
{
	unsigned *n;
	struct entry *e = set_of(s, cpu, level, va, &n);

	if (*n < level_of(s, level)->ways)
		++*n;
	memmove(e + 1, e, (*n - 1) * sizeof(*e));
	e[0] = (struct entry){ va, page };
}

static int
tlb_use(struct sim *s, unsigned cpu, int va)
{
	int page = level_use(s, cpu, 0, va, false);

	if (page >= 0 || level_of(s, 1) == NULL)
		return (page);
	page = level_use(s, cpu, 1, va, false);
	if (page >= 0)
		level_fill(s, cpu, 0, va, page);
	return (page);
}

static void
tlb_load(struct sim *s, unsigned cpu, int va, int page)
{
	struct loaded *l = &s->st->loaded[s->nloaded++];

	l->page = page;
	l->next = s->shadow[cpu][va];
	s->shadow[cpu][va] = l;
	level_fill(s, cpu, 0, va, page);
	if (level_of(s, 1) != NULL)
		level_fill(s, cpu, 1, va, page);
}

static void
tlb_forget(struct sim *s, unsigned cpu, int va)
{
	s->shadow[cpu][va] = NULL;
	(void)level_use(s, cpu, 0, va, true);
	if (level_of(s, 1) != NULL)
		(void)level_use(s, cpu, 1, va, true);
}

static void
tlb_forget_all(struct sim *s, unsigned cpu)
{
	memset(s->shadow[cpu], 0, sizeof(s->shadow[cpu]));
	memset(s->nentries[cpu], 0, sizeof(s->nentries[cpu]));
}

/* Is there a translation in the shadow that is not to `page`? */
static bool
loaded_other(const struct sim *s, unsigned cpu, int va, int page)
{
	for (const struct loaded *l = s->shadow[cpu][va]; l != NULL;
	     l = l->next) {
		if (l->page != page)
			return (true);
	}
	return (false);
}

/* Has `cpu` loaded something at `va` that the page table now denies? */
static bool
outdated(const struct sim *s, unsigned cpu, int va)
{
	return (
	    loaded_other(s, cpu, va, s->buf[va].valid ? s->buf[va].maps : -1));
}

static void
deliver(struct sim *s, unsigned cpu)
{
	for (unsigned i = 0; i < s->npending[cpu]; i++) {
		if (!outdated(s, cpu, s->pending[cpu][i]))
			s->c.needless_ipi++;
		tlb_forget_all(s, cpu);
	}
	s->npending[cpu] = 0;
}

static void
invlpg_here(struct sim *s, unsigned cpu, int va)
{
	s->c.invlpg_local++;
	if (!outdated(s, cpu, va))
		s->c.needless_invlpg++;
	tlb_forget(s, cpu, va);
}

static void
invlpg_there(struct sim *s, unsigned cpu, int va)
{
	s->c.invlpg_remote++;
	s->c.ipi_sent++;
	if (!outdated(s, cpu, va)) {
		s->c.needless_invlpg++;
		s->c.needless_ipi++;
	}
	tlb_forget(s, cpu, va);
}

static void
invlpg_all(struct sim *s, unsigned me, int va)
{
	invlpg_here(s, me, va);
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (c != me)
			invlpg_there(s, c, va);
	}
}

static void
flush_others(struct sim *s, unsigned me, int va)
{
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (c == me)
			continue;
		s->c.flush_remote++;
		s->c.ipi_sent++;
		s->pending[c][s->npending[c]++] = (int16_t)va;
	}
}

/* Store an entry; page -1: zero. */
static void
store(struct sim *s, int va, int page)
{
	s->c.pte_store++;
	s->buf[va].valid = page >= 0;
	s->buf[va].maps = page;
	s->buf[va].accessed = false;
}

static void
free_head(struct sim *s, int b)
{
	memmove(s->freelist + 1, s->freelist, s->nfree * sizeof(int));
	s->freelist[0] = b;
	s->nfree++;
}

static void
free_tail(struct sim *s, int b)
{
	s->freelist[s->nfree++] = b;
}

static void
free_remove(struct sim *s, int b)
{
	unsigned out = 0;

	for (unsigned i = 0; i < s->nfree; i++) {
		if (s->freelist[i] != b)
			s->freelist[out++] = s->freelist[i];
	}
	s->nfree = out;
}

static void
chain_remove(struct sim *s, int b)
{
	unsigned out = 0;

	for (unsigned i = 0; i < s->nchain; i++) {
		if (s->chain[i] != b)
			s->chain[out++] = s->chain[i];
	}
	s->nchain = out;
}

static void
chain_insert(struct sim *s, int b)
{
	memmove(s->chain + 1, s->chain, s->nchain * sizeof(int));
	s->chain[0] = b;
	s->nchain++;
}

static int
find(const struct sim *s, int page)
{
	for (unsigned i = 0; i < s->nchain; i++) {
		if (s->buf[s->chain[i]].page == page)
			return (s->chain[i]);
	}
	return (-1);
}

static void
referenced(struct sim *s)
{
	if (++s->bufs_now > s->bufs_peak)
		s->bufs_peak = s->bufs_now;
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
	struct buf *buf = &s->buf[b];

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
	struct buf *buf = &s->buf[b];

	if (buf->ref++ > 0) {
		s->c.hit_active++;
		if (s->set->kind == LRU)
			s->leaked++;
	} else {
		s->c.hit_inactive++;
		referenced(s);
		if (s->set->kind != CPUMASK)
			free_remove(s, b);
	}
	if (s->set->kind == CPUMASK) {
		if (private) {
			if (!buf->mask[cpu])
				invlpg_here(s, cpu, b);
			buf->mask[cpu] = true;
		} else if (!mask_full(s, buf)) {
			invlpg_all(s, cpu, b);
			mask_fill(s, buf, true);
		}
	} else if (s->set->kind == ACCESSED)
		s3_shootdown(s, b, cpu, private);
}

/* Take a buffer off the free list, or -1. */
static int
take(struct sim *s)
{
	int b;

	while (s->nfree > 0) {
		b = s->freelist[0];
		free_remove(s, b);
		s->buf[b].queued = false;
		if (s->buf[b].ref == 0)
			return (b);
	}
	return (-1);
}

static void
fill(struct sim *s, int b, unsigned cpu, int page, bool private)
{
	struct buf *buf = &s->buf[b];
	bool was_accessed;

	s->c.miss++;
	referenced(s);
	if (buf->page >= 0)
		s->c.evict++;
	chain_remove(s, b);
	if (s->set->kind != UNCACHED)
		chain_insert(s, b);
	buf->ref = 1;
	buf->page = page;
	was_accessed = buf->valid && buf->accessed;
	store(s, b, page);
	switch (s->set->kind) {
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

static void
wake_first(struct sim *s)
{
	if (s->nasleep == 0)
		return;
	s->c.wakeup++;
	s->runnable[s->nrunnable++] = s->asleep[0];
	s->nasleep--;
	memmove(s->asleep, s->asleep + 1, s->nasleep * sizeof(s->asleep[0]));
}

static void
release(struct sim *s, int b, unsigned cpu)
{
	struct buf *buf = &s->buf[b];

	s->c.unmap_calls++;
	if (s->set->kind == DMAP) {
		s->bufs_now--;
		return;
	}
	if (--buf->ref > 0)
		return;
	s->bufs_now--;
	switch (s->set->kind) {
	case UNCACHED:
		store(s, b, -1);
		invlpg_here(s, cpu, b);
		flush_others(s, cpu, b);
		buf->page = -1;
		free_head(s, b);
		if (s->want) {
			s->want = false;
			while (s->nasleep > 0)
				wake_first(s);
		}
		break;
	case HASH:
		store(s, b, -1);
		invlpg_all(s, cpu, b);
		chain_remove(s, b);
		buf->page = -1;
		free_head(s, b);
		wake_first(s);
		break;
	case LRU:
	case ACCESSED:
		free_tail(s, b);
		wake_first(s);
		break;
	case CPUMASK:
		if (!buf->queued) {
			free_tail(s, b);
			buf->queued = true;
			wake_first(s);
		}
		break;
	default:
		abort();
	}
}

static void
touch(struct sim *s, unsigned cpu, int va, int page)
{
	int reached = tlb_use(s, cpu, va);

	if (reached >= 0)
		s->c.tlb_hit++;
	else {
		s->c.tlb_miss++;
		s->c.walk_step += s->set->levels;
		s->buf[va].accessed = true;
		reached = s->buf[va].maps;
		tlb_load(s, cpu, va, reached);
	}
	if (reached != page)
		s->c.stale_use++;
	else if (loaded_other(s, cpu, va, page))
		s->c.stale_possible++;
}

/* The direct map has page n, in order of first sight, at address n. */
static void
touch_handle(struct sim *s, unsigned cpu, int b, unsigned page)
{
	if (s->set->kind == DMAP) {
		b = s->dense[page];
		s->buf[b].valid = true;
		s->buf[b].maps = (int)page;
	}
	touch(s, cpu, b, (int)page);
}

static void play(struct sim *s, const struct line *l);

/* A map returned with buffer `b` (-1: without). */
static void
mapped(struct sim *s, const struct line *l, int b)
{
	struct handle *h = &s->handle[l->handle];

	s->c.map_calls++;
	if (b < 0)
		s->c.map_fail++;
	if (l->kind == EPH_OP_MAP) {
		h->state = b < 0 ? H_FAILED : H_MAPPED;
		h->buf = b;
		h->page = l->page;
		return;
	}
	if (b < 0)
		return;
	if (s->set->touch != EPH_TOUCH_NONE)
		touch_handle(s, l->cpu, b, l->page);
	if (s->set->hold == 0)
		release(s, b, l->cpu);
	else {
		s->timers[s->ntimers++] = (struct timer){ s->now + s->set->hold,
			l->cpu, s->seq++, b };
	}
}

static void
sleep_on(struct sim *s, struct sleeper *sl)
{
	s->c.sleep++;
	s->want = true;
	s->asleep[s->nasleep++] = sl;
	if (s->nasleep > s->sleepers_peak)
		s->sleepers_peak = s->nasleep;
	if (sl->map.kind == EPH_OP_MAP) {
		s->handle[sl->map.handle].state = H_PARKED;
		s->handle[sl->map.handle].sleeper = sl;
	}
}

static void
map(struct sim *s, const struct line *l)
{
	const bool api = s->set->kind == CPUMASK || s->set->kind == ACCESSED;
	const bool private = api && (l->flags & EPH_OPF_PRIVATE) != 0;
	struct sleeper *sl;
	int b;

	if (s->set->kind == DMAP) {
		s->c.miss++;
		referenced(s);
		mapped(s, l, 0);
		return;
	}
	b = s->set->kind == UNCACHED ? -1 : find(s, (int)l->page);
	if (b >= 0) {
		hit(s, b, l->cpu, private);
		mapped(s, l, b);
		return;
	}
	if ((b = take(s)) >= 0) {
		fill(s, b, l->cpu, (int)l->page, private);
		mapped(s, l, b);
		return;
	}
	if (s->set->kind == ACCESSED && (l->flags & EPH_OPF_NOWAIT) != 0) {
		mapped(s, l, -1);
		return;
	}
	sl = &s->pool[s->npool++];
	sl->map = *l;
	sl->nparked = 0;
	sleep_on(s, sl);
}

static void
resume(struct sim *s, struct sleeper *sl)
{
	const bool api = s->set->kind == CPUMASK || s->set->kind == ACCESSED;
	const bool private = api && (sl->map.flags & EPH_OPF_PRIVATE) != 0;
	struct sleeper *again;
	int b;

	deliver(s, sl->map.cpu);
	if ((b = take(s)) < 0) {
		s->c.wakeup_spurious++;
		sleep_on(s, sl);
		return;
	}
	fill(s, b, sl->map.cpu, (int)sl->map.page, private);
	mapped(s, &sl->map, b);
	for (unsigned i = 0; i < sl->nparked; i++) {
		play(s, &sl->parked[i]);
		if (s->handle[sl->map.handle].state != H_PARKED)
			continue;
		again = s->handle[sl->map.handle].sleeper;
		for (i++; i < sl->nparked; i++)
			again->parked[again->nparked++] = sl->parked[i];
	}
}

static bool
before(const struct timer *a, const struct timer *b)
{
	if (a->at != b->at)
		return (a->at < b->at);
	if (a->cpu != b->cpu)
		return (a->cpu < b->cpu);
	return (a->seq < b->seq);
}

static void
delay(struct sim *s, uint64_t ns)
{
	struct timer t;
	unsigned first;

	s->now += ns;
	for (;;) {
		first = s->ntimers;
		for (unsigned i = 0; i < s->ntimers; i++) {
			if (s->timers[i].at <= s->now &&
			    (first == s->ntimers ||
				before(&s->timers[i], &s->timers[first])))
				first = i;
		}
		if (first == s->ntimers)
			return;
		t = s->timers[first];
		s->timers[first] = s->timers[--s->ntimers];
		deliver(s, t.cpu);
		release(s, t.buf, t.cpu);
	}
}

/* Play a line that is not to be parked. */
static void
play(struct sim *s, const struct line *l)
{
	struct handle *h = &s->handle[l->handle];

	if (l->kind == EPH_OP_DELAY) {
		delay(s, l->ns);
		return;
	}
	if (l->kind != EPH_OP_MAP && l->kind != EPH_OP_REF &&
	    h->state == H_FAILED) {
		if (l->kind == EPH_OP_UNMAP)
			h->state = H_NONE;
		return;
	}
	deliver(s, l->cpu);
	switch (l->kind) {
	case EPH_OP_MAP:
	case EPH_OP_REF:
		map(s, l);
		break;
	case EPH_OP_KVA:
		s->c.kva_calls++;
		break;
	case EPH_OP_READ:
	case EPH_OP_WRITE:
		touch_handle(s, l->cpu, h->buf, h->page);
		break;
	case EPH_OP_UNMAP:
		h->state = H_NONE;
		release(s, h->buf, l->cpu);
		break;
	default:
		abort();
	}
}

static void
run_sleepers(struct sim *s)
{
	struct sleeper *sl;

	while (s->nrunnable > 0) {
		sl = s->runnable[0];
		s->nrunnable--;
		memmove(s->runnable, s->runnable + 1,
		    s->nrunnable * sizeof(s->runnable[0]));
		resume(s, sl);
	}
}

static void
top_line(struct sim *s, const struct line *l)
{
	struct line copy = *l;
	struct sleeper *sl;

	if ((copy.kind == EPH_OP_MAP || copy.kind == EPH_OP_REF) &&
	    s->dense[copy.page] < 0)
		s->dense[copy.page] = (int)s->npages++;
	if (copy.kind == EPH_OP_REF)
		copy.flags = s->set->flags;
	if (copy.kind != EPH_OP_DELAY && copy.kind != EPH_OP_REF &&
	    s->handle[copy.handle].state == H_PARKED) {
		sl = s->handle[copy.handle].sleeper;
		sl->parked[sl->nparked++] = copy;
	} else
		play(s, &copy);
	run_sleepers(s);
}

/* A `p` line is not over before its unmap. */
static void
finish_holds(struct sim *s)
{
	uint64_t first;

	while (s->ntimers > 0) {
		first = s->timers[0].at;
		for (unsigned i = 1; i < s->ntimers; i++) {
			if (s->timers[i].at < first)
				first = s->timers[i].at;
		}
		delay(s, first - s->now);
		run_sleepers(s);
	}
}

static void
reference(struct sim *s, const struct setup *set, const struct trace *t)
{
	static struct store st;

	memset(s, 0, sizeof(*s));
	s->set = set;
	s->st = &st;
	s->pool = st.pool;
	memset(s->dense, 0xff, sizeof(s->dense));
	for (unsigned b = 0; b < set->nbufs; b++) {
		s->buf[b].page = -1;
		s->buf[b].queued = true;
		if (set->kind == UNCACHED || set->kind == HASH)
			free_head(s, (int)b);
		else
			free_tail(s, (int)b);
	}
	for (unsigned i = 0; i < t->n; i++)
		top_line(s, &t->line[i]);
	finish_holds(s);
	for (unsigned c = 0; c < set->ncpus; c++)
		deliver(s, c);
	/* A rendezvous sends one message to each CPU that it interrupts. */
	if (set->kind == CPUMASK)
		s->c.ipiq_msg = s->c.ipi_sent;
}

/*
 * The engine, fed from memory as a reader of files would feed it.
 */

struct feed {
	struct eph_op op[MAX_LINES];
	uint64_t name[MAX_LINES];
	unsigned n;
	bool done;
};

static int
feed_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct feed *f = arg;

	(void)err;
	*opsp = f->op;
	*np = f->done ? 0 : f->n;
	f->done = true;
	return (0);
}

static void
feed_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)arg;
	(void)snprintf(buf, size, "line %zu", i + 2);
}

static uint64_t
feed_line(void *arg, size_t i)
{
	(void)arg;
	return (i + 2);
}

static uint64_t
feed_page(void *arg, uint32_t page)
{
	(void)arg;
	return (page);
}

static uint64_t
feed_handle(void *arg, size_t i)
{
	return (((struct feed *)arg)->name[i]);
}

static void
feed_fill(struct feed *f, const struct trace *t, bool reuse)
{
	uint32_t slot_of[MAX_HANDLES], frees[MAX_LINES], dense[MAX_PAGES];
	uint32_t nfree = 0, nslots = 0, npages = 0;

	memset(f, 0, sizeof(*f));
	memset(slot_of, 0, sizeof(slot_of));
	memset(dense, 0xff, sizeof(dense));
	f->n = t->n;
	for (unsigned i = 0; i < t->n; i++) {
		const struct line *l = &t->line[i];
		struct eph_op *op = &f->op[i];

		op->kind = (uint8_t)l->kind;
		op->flags = (uint8_t)l->flags;
		op->cpu = (uint16_t)l->cpu;
		f->name[i] = l->handle;
		if (l->kind == EPH_OP_DELAY) {
			op->page = (uint32_t)l->ns;
			op->slot = (uint32_t)(l->ns >> 32);
			continue;
		}
		if (l->kind == EPH_OP_MAP || l->kind == EPH_OP_REF) {
			if (dense[l->page] == EPH_NONE)
				dense[l->page] = npages++;
			op->page = dense[l->page];
		}
		if (l->kind == EPH_OP_MAP)
			slot_of[l->handle] =
			    reuse && nfree > 0 ? frees[--nfree] : nslots++;
		if (l->kind != EPH_OP_REF)
			op->slot = slot_of[l->handle];
		if (l->kind == EPH_OP_UNMAP)
			frees[nfree++] = op->slot;
	}
}

static int
engine(const struct setup *set, const struct trace *t,
    struct eph_run_result *res, struct eph_err *err)
{
	static struct feed f;
	struct eph_op_source src = { feed_next, feed_where, feed_line,
		feed_page, feed_handle, NULL, &f, 0, false };
	struct eph_run_config cfg = { 0 };

	feed_fill(&f, t, set->reuse);
	for (unsigned i = 0; i < t->n; i++)
		src.has_time |= t->line[i].kind == EPH_OP_DELAY;
	cfg.design = eph_design_find(kind_names[set->kind]);
	cfg.machine = set->machine;
	cfg.tlb = set->tlb->name;
	cfg.cpus = set->ncpus;
	cfg.nbufs = set->nbufs;
	cfg.touch = set->touch;
	cfg.hold_ns = set->hold;
	cfg.flags =
	    ((set->flags & EPH_OPF_PRIVATE) != 0 ? SFB_CPUPRIVATE : 0u) |
	    ((set->flags & EPH_OPF_NOWAIT) != 0 ? SFB_NOWAIT : 0u);
	return (replay_run(&cfg, &src, res, err));
}

/*
 * Comparison.
 */

static bool
comparable(unsigned i)
{
	const char *name = eph_counter_name(i);

	return (strcmp(name, "cycles") != 0 && strncmp(name, "lock_", 5) != 0);
}

static uint64_t
asleep_maps(const struct sim *s)
{
	return (s->nasleep);
}

/* True if they agree; with `out`, say where they do not. */
static bool
agree(const struct setup *set, const struct trace *t, FILE *out,
    struct eph_counters *sum)
{
	static struct sim s;
	struct eph_run_result res;
	struct eph_err err = { "" };
	bool same = true;
	int error;

	memset(&res, 0, sizeof(res));
	reference(&s, set, t);
	if (sum != NULL)
		eph_counters_add(sum, &s.c);
	if ((error = engine(set, t, &res, &err)) != 0) {
		if (out != NULL)
			(void)fprintf(
			    out, "engine: error %d, %s\n", error, err.text);
		return (false);
	}
#define CHECK(what, want, got)                                                 \
	do {                                                                   \
		if ((uint64_t)(want) != (uint64_t)(got)) {                     \
			same = false;                                          \
			if (out != NULL)                                       \
				(void)fprintf(out,                             \
				    "%s: reference %" PRIu64                   \
				    ", engine %" PRIu64 "\n",                  \
				    what, (uint64_t)(want), (uint64_t)(got));  \
		}                                                              \
	} while (0)
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++) {
		if (comparable(i))
			CHECK(eph_counter_name(i), eph_counter_value(&s.c, i),
			    eph_counter_value(&res.counters, i));
	}
	CHECK("asleep", asleep_maps(&s), res.asleep);
	CHECK("buffers_peak", s.bufs_peak, res.buffers_peak);
	CHECK("sleepers_peak", s.sleepers_peak, res.sleepers_peak);
	CHECK("wires_leaked", s.leaked, res.wires_leaked);
	CHECK("violations", s.c.stale_use + s.c.stale_possible,
	    res.violations_total);
	CHECK("lines", t->n, res.lines);
#undef CHECK
	return (same);
}

static void
print_trace(const struct setup *set, const struct trace *t)
{
	static const char letter[] = { 'm', 'k', 'r', 'w', 'u', 'd', 'p' };

	(void)printf(
	    "\n# %s --machine %s --tlb %s --cpus %u --nbufs %u --touch %d "
	    "--hold %" PRIu64 " --flags %u reuse %d\n"
	    "ephmap-trace 1\n",
	    kind_names[set->kind], set->machine, set->tlb->name, set->ncpus,
	    set->nbufs, (int)set->touch, set->hold, set->flags, set->reuse);
	for (unsigned i = 0; i < t->n; i++) {
		const struct line *l = &t->line[i];

		(void)printf("%c", letter[l->kind]);
		if (l->kind == EPH_OP_DELAY) {
			(void)printf(" %" PRIu64 "\n", l->ns);
			continue;
		}
		(void)printf(" %u", l->cpu);
		if (l->kind == EPH_OP_MAP || l->kind == EPH_OP_REF)
			(void)printf(" %u", l->page);
		if (l->kind != EPH_OP_REF)
			(void)printf(" %u", l->handle);
		if (l->kind == EPH_OP_MAP)
			(void)printf("%s%s%s",
			    l->flags & EPH_OPF_PRIVATE ? " private" : "",
			    l->flags & EPH_OPF_NOWAIT ? " nowait" : "",
			    l->flags & EPH_OPF_CATCH ? " catch" : "");
		(void)printf("\n");
	}
}

/* Drop line `drop` and whatever makes no sense without it. */
static void
without(const struct trace *t, unsigned drop, struct trace *out)
{
	bool open[MAX_HANDLES] = { false };

	out->n = 0;
	for (unsigned i = 0; i < t->n; i++) {
		const struct line *l = &t->line[i];

		if (i == drop)
			continue;
		if (l->kind == EPH_OP_MAP) {
			if (open[l->handle])
				continue;
			open[l->handle] = true;
		} else if (l->kind != EPH_OP_DELAY && l->kind != EPH_OP_REF) {
			if (!open[l->handle])
				continue;
			if (l->kind == EPH_OP_UNMAP)
				open[l->handle] = false;
		}
		out->line[out->n++] = *l;
	}
}

static void
shrink(const struct setup *set, struct trace *t)
{
	static struct trace smaller;
	bool progress;

	do {
		progress = false;
		for (unsigned i = t->n; i-- > 0;) {
			if (i >= t->n)
				continue;
			without(t, i, &smaller);
			if (!agree(set, &smaller, NULL, NULL)) {
				*t = smaller;
				progress = true;
			}
		}
	} while (progress);
}

/*
 * Traces.
 */

struct gen {
	struct prng r;
	struct trace *t;
	bool open[MAX_HANDLES];
	unsigned ncpus;
	unsigned npages;
	unsigned nhandles;
};

static struct line *
emit(struct gen *g, enum eph_op_kind kind, unsigned cpu)
{
	struct line *l = &g->t->line[g->t->n++];

	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->cpu = cpu;
	return (l);
}

static void
emit_map(
    struct gen *g, unsigned cpu, unsigned page, unsigned handle, unsigned flags)
{
	struct line *l = emit(g, EPH_OP_MAP, cpu);

	l->page = page;
	l->handle = handle;
	l->flags = flags;
	g->open[handle] = true;
}

static unsigned
some_cpu(struct gen *g)
{
	/* Mostly a few of them, so that they meet. */
	if (prng_below(&g->r, 4) != 0 && g->ncpus > 3)
		return (prng_below(&g->r, 3));
	return (prng_below(&g->r, g->ncpus));
}

static unsigned
some_flags(struct gen *g)
{
	unsigned flags = prng_below(&g->r, 2) ? EPH_OPF_PRIVATE : 0;

	switch (prng_below(&g->r, 5)) {
	case 0:
		return (flags | EPH_OPF_NOWAIT);
	case 1:
		return (flags | EPH_OPF_CATCH);
	default:
		return (flags);
	}
}

/* Map and unmap one page privately on many CPUs: how a mask fills. */
static void
emit_sweep(struct gen *g)
{
	const unsigned page = prng_below(&g->r, g->npages);
	const unsigned skip =
	    prng_below(&g->r, 3) == 0 ? g->ncpus / 2 : g->ncpus;
	unsigned handle;

	for (handle = 0; handle < g->nhandles && g->open[handle]; handle++)
		continue;
	if (handle == g->nhandles)
		return;
	for (unsigned c = 0; c < g->ncpus; c++) {
		if (c == skip)
			continue;
		emit_map(g, c, page, handle, EPH_OPF_PRIVATE);
		emit(g, EPH_OP_UNMAP, c)->handle = handle;
	}
	g->open[handle] = false;
}

/* Touch everything that is mapped on one CPU: how a TLB forgets. */
static void
emit_read_all(struct gen *g)
{
	const unsigned cpu = some_cpu(g);

	for (unsigned h = 0; h < g->nhandles; h++) {
		if (g->open[h])
			emit(g, EPH_OP_READ, cpu)->handle = h;
	}
}

static void
emit_some(struct gen *g)
{
	const unsigned what = prng_below(&g->r, 100);
	const unsigned handle = prng_below(&g->r, g->nhandles);
	const unsigned cpu = some_cpu(g);
	struct line *l;

	if (what < 6) {
		l = emit(g, EPH_OP_DELAY, 0);
		l->ns = prng_below(&g->r, 30);
	} else if (what < 16) {
		l = emit(g, EPH_OP_REF, cpu);
		l->page = prng_below(&g->r, g->npages);
	} else if (what < 17)
		emit_sweep(g);
	else if (what < 18)
		emit_read_all(g);
	else if (!g->open[handle])
		emit_map(g, cpu, prng_below(&g->r, g->npages), handle,
		    some_flags(g));
	else if (what < 45) {
		emit(g, EPH_OP_UNMAP, cpu)->handle = handle;
		g->open[handle] = false;
	} else if (what < 52)
		emit(g, EPH_OP_KVA, cpu)->handle = handle;
	else if (what < 80)
		emit(g, EPH_OP_READ, cpu)->handle = handle;
	else
		emit(g, EPH_OP_WRITE, cpu)->handle = handle;
}

/* Many buffers on few CPUs with a finite TLB, so that it forgets. */
static void
generate_wide(struct gen *g, struct setup *set, unsigned *lines)
{
	static const char *const names[] = { "pentium4", "opteron", "skylake",
		"zen", "cortex-a72" };

	set->tlb = eph_tlb_model_find(names[prng_below(&g->r, 5)]);
	set->ncpus = g->ncpus = 1 + prng_below(&g->r, 3);
	set->nbufs = 64 + prng_below(&g->r, MAX_BUFS - 63);
	g->npages = 1 + prng_below(&g->r, MAX_PAGES);
	g->nhandles = 1 + prng_below(&g->r, MAX_HANDLES);
	*lines = 100 + prng_below(&g->r, 1500);
}

static void
generate(uint64_t seed, struct setup *set, struct trace *t)
{
	static const unsigned cpus[] = { 1, 2, 3, 8, 31, 32, 33, 64, 65 };
	static const char *const machines[] = { "amd64-skylake", "i386-p4",
		"amd64-zen" };
	struct gen g = { .t = t };
	unsigned lines;

	prng_init(&g.r, seed, 1);
	set->kind = (enum kind)(seed % KINDS);
	set->ncpus = cpus[prng_below(&g.r, 9)];
	set->nbufs = 1 + prng_below(&g.r, prng_below(&g.r, 2) ? 3 : 8);
	set->touch = (enum eph_touch)prng_below(&g.r, 3);
	set->hold = prng_below(&g.r, 2) ? 0 : prng_below(&g.r, 40);
	set->flags = prng_below(&g.r, 3) == 0 ? EPH_OPF_PRIVATE : 0;
	if (prng_below(&g.r, 4) == 0)
		set->flags |= EPH_OPF_NOWAIT;
	set->reuse = prng_below(&g.r, 2) == 0;
	set->machine = machines[prng_below(&g.r, 3)];
	set->levels = eph_machine_model_find(set->machine)->levels;
	g.ncpus = set->ncpus;
	g.npages = 1 + prng_below(&g.r, 12);
	g.nhandles = 1 + prng_below(&g.r, 24);
	lines = 4 + prng_below(&g.r, 120);
	set->tlb = eph_tlb_model_find("infinite");
	if (seed / KINDS % 4 == 3)
		generate_wide(&g, set, &lines);
	t->n = 0;
	while (lines-- > 0 && t->n < MAX_LINES - 2 * MAX_HANDLES)
		emit_some(&g);
}

static void
engine_equals_the_reference(void)
{
	static struct trace t;
	const unsigned runs = test_long ? 200000 : 3000;
	struct setup set;
	struct eph_counters sum = { 0 };
	unsigned failed = 0;

	for (unsigned seed = 0; seed < runs && failed < 3; seed++) {
		generate(seed, &set, &t);
		if (agree(&set, &t, NULL, &sum))
			continue;
		failed++;
		shrink(&set, &t);
		print_trace(&set, &t);
		(void)printf("# seed %u\n", seed);
		(void)agree(&set, &t, stdout, NULL);
	}
	CU_ASSERT_EQUAL(failed, 0);
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
