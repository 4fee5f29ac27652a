/* SPDX-License-Identifier: BSD-2-Clause */

/* The naive machine, replay and comparison: see naive_machine.h. */

#include "ephmap/sdk/design.h"
#include "naive_machine.h"
#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What need not be cleared from run to run. */
struct store {
	struct sleeper pool[MAX_LINES];
	struct loaded loaded[4 * MAX_LINES];
	struct entry entry[MAX_CPUS][2][MAX_ENTRIES];
	int va[MAX_VPAGES];
	/* Cleared for the CPUs there are. */
	struct loaded *shadow[MAX_CPUS][MAX_VAS];
	unsigned nentries[MAX_CPUS][2][MAX_SETS];
	struct fifo fifo[MAX_CPUS][MAX_CPUS];
	int16_t pending[MAX_CPUS][MAX_PENDING];
};

int
va_of(struct sim *s, unsigned vpage)
{
	int *va = &s->st->va[vpage];

	if (*va < 0) {
		if (s->nvas == MAX_VAS)
			abort();
		*va = (int)s->nvas;
		for (unsigned c = 0; c < s->set->ncpus; c++)
			s->shadow[c][s->nvas] = NULL;
		s->vpage[s->nvas++] = vpage;
	}
	return (*va);
}

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
	const unsigned set = s->vpage[va] % lv->sets;

	*np = &s->nentries[cpu][level][set];
	return (&s->st->entry[cpu][level][set * lv->ways]);
}

/* The entry of a level for `va`, which becomes its newest; or NULL. */
static struct entry *
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
			return (NULL);
		}
		memmove(e + 1, e, i * sizeof(*e));
		e[0] = found;
		return (e);
	}
	return (NULL);
}

static void
level_fill(struct sim *s, unsigned cpu, unsigned level, struct entry new)
{
	unsigned *n;
	struct entry *e = set_of(s, cpu, level, new.va, &n);

	if (*n < level_of(s, level)->ways)
		++*n;
	memmove(e + 1, e, (*n - 1) * sizeof(*e));
	e[0] = new;
}

static struct entry *
tlb_use(struct sim *s, unsigned cpu, int va)
{
	struct entry *e = level_use(s, cpu, 0, va, false);

	if (e != NULL || level_of(s, 1) == NULL)
		return (e);
	e = level_use(s, cpu, 1, va, false);
	if (e == NULL)
		return (NULL);
	level_fill(s, cpu, 0, *e);
	return (level_use(s, cpu, 0, va, false));
}

static void
tlb_load(struct sim *s, unsigned cpu, struct entry new)
{
	struct loaded *l = &s->st->loaded[s->nloaded++];

	l->page = new.page;
	l->next = s->shadow[cpu][new.va];
	s->shadow[cpu][new.va] = l;
	level_fill(s, cpu, 0, new);
	if (level_of(s, 1) != NULL)
		level_fill(s, cpu, 1, new);
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
	memset(s->shadow[cpu], 0, s->nvas * sizeof(s->shadow[cpu][0]));
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
bool
outdated(const struct sim *s, unsigned cpu, int va)
{
	return (
	    loaded_other(s, cpu, va, s->pte[va].valid ? s->pte[va].maps : -1));
}

bool
naive_always(struct sim *s, unsigned cpu, int obj)
{
	(void)s, (void)cpu, (void)obj;
	return (true);
}

bool
naive_may_touch(struct sim *s, unsigned cpu, int obj, bool write)
{
	(void)s, (void)cpu, (void)obj, (void)write;
	return (true);
}

int
naive_va(struct sim *s, int obj, unsigned page)
{
	(void)s, (void)page;
	return (obj);
}

void
naive_no_message(struct sim *s, unsigned cpu, int obj)
{
	(void)s, (void)cpu, (void)obj;
	abort();
}

/* Run the messages for `cpu`, unless it is about to. */
static void
poll(struct sim *s, unsigned cpu)
{
	struct fifo *f;
	int obj;

	if (s->polling[cpu])
		return;
	s->polling[cpu] = true;
	for (unsigned from = 0; from < s->set->ncpus; from++) {
		f = &s->fifo[from][cpu];
		while (f->n > 0) {
			obj = f->obj[0];
			memmove(f->obj, f->obj + 1, --f->n * sizeof(obj));
			s->set->design->message(s, cpu, obj);
		}
	}
	s->polling[cpu] = false;
}

/* A message behind more than half a FIFO makes room first. */
static void
kick_full(struct sim *s, unsigned from, unsigned to)
{
	if (s->fifo[from][to].n <= FIFO / 2)
		return;
	s->kicks++;
	s->c.ipi_sent++;
	poll(s, to);
}

void
send_passive(struct sim *s, unsigned from, unsigned to, int obj)
{
	struct fifo *f = &s->fifo[from][to];

	s->c.ipiq_msg++;
	s->c.ipiq_passive++;
	kick_full(s, from, to);
	f->obj[f->n++] = obj;
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
	poll(s, cpu);
}

void
invlpg_here(struct sim *s, unsigned cpu, int va)
{
	s->c.invlpg_local++;
	if (!outdated(s, cpu, va))
		s->c.needless_invlpg++;
	tlb_forget(s, cpu, va);
}

void
range_there(struct sim *s, unsigned cpu, int va)
{
	s->c.invlpg_remote++;
	if (!outdated(s, cpu, va))
		s->c.needless_invlpg++;
	tlb_forget(s, cpu, va);
}

/*
 * An interrupt that is waited for finds the messages that are there, as
 * both arrive in the same queue.
 */
void
invlpg_there(struct sim *s, unsigned cpu, int va)
{
	s->c.ipi_sent++;
	deliver(s, cpu);
	if (s->set->design->rendezvous)
		s->c.ipiq_msg++;
	if (!outdated(s, cpu, va))
		s->c.needless_ipi++;
	range_there(s, cpu, va);
}

void
invlpg_all(struct sim *s, unsigned me, int va)
{
	for (unsigned c = 0; s->set->design->rendezvous && c < s->set->ncpus;
	     c++)
		kick_full(s, me, c);
	invlpg_here(s, me, va);
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		if (c != me)
			invlpg_there(s, c, va);
	}
}

/* n addresses from `first`, one by one, here and by an interrupt elsewhere. */
void
shoot_range(struct sim *s, unsigned me, int first, unsigned n)
{
	for (unsigned c = 0; c < s->set->ncpus; c++) {
		bool needed = false;

		for (unsigned i = 0; i < n; i++)
			needed |= outdated(s, c, first + (int)i);
		if (c != me) {
			s->c.ipi_sent++;
			s->c.needless_ipi += !needed;
		}
		for (unsigned i = 0; i < n; i++) {
			if (c == me)
				invlpg_here(s, c, first + (int)i);
			else
				range_there(s, c, first + (int)i);
		}
	}
}

/* An entry that software wrote; the page table does not know it. */
void
tlb_write(struct sim *s, unsigned cpu, int va, int page)
{
	const struct entry new = { va, page, true };

	s->c.pte_store++;
	tlb_load(s, cpu, new);
}

void
tlb_drop(struct sim *s, unsigned cpu, int va)
{
	tlb_forget(s, cpu, va);
}

void
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

void
flush_here(struct sim *s, unsigned cpu)
{
	s->c.flush_local++;
	tlb_forget_all(s, cpu);
}

void
flush_there(struct sim *s, unsigned cpu)
{
	s->c.flush_remote++;
	tlb_forget_all(s, cpu);
}

void
store(struct sim *s, int va, int page)
{
	s->c.pte_store++;
	s->pte[va] = (struct pte){ .valid = page >= 0, .maps = page };
}

void
referenced(struct sim *s)
{
	if (++s->bufs_now > s->bufs_peak)
		s->bufs_peak = s->bufs_now;
}

void
unreferenced(struct sim *s)
{
	s->bufs_now--;
}

static void
wake_at(struct sim *s, unsigned i)
{
	s->c.wakeup++;
	s->runnable[s->nrunnable++] = s->asleep[i];
	s->nasleep--;
	memmove(s->asleep + i, s->asleep + i + 1,
	    (s->nasleep - i) * sizeof(s->asleep[0]));
}

void
wake_first(struct sim *s)
{
	if (s->nasleep > 0)
		wake_at(s, 0);
}

void
wake_first_of(struct sim *s, const unsigned *waits, unsigned what)
{
	for (unsigned i = 0; i < s->nasleep; i++) {
		if (waits[s->asleep[i]->map.at] == what) {
			wake_at(s, i);
			return;
		}
	}
}

void
wake_all(struct sim *s)
{
	while (s->nasleep > 0)
		wake_first(s);
}

/*
 * Replay.
 */

static void
refuse(struct sim *s)
{
	if (s->refused == 0)
		s->refused = s->at;
}

/*
 * A store through a clean translation sets M in the entry as it is now; if
 * that is another page the CPU walks to it.  Returns the page, -1: none.
 */
static int
mark_dirty(struct sim *s, unsigned cpu, int va, int page)
{
	struct entry *e;
	unsigned *n;

	if (!s->pte[va].valid || s->pte[va].maps != page) {
		tlb_forget(s, cpu, va);
		if (!s->pte[va].valid)
			return (-1);
		page = s->pte[va].maps;
		tlb_load(s, cpu, (struct entry){ va, page, true });
	}
	for (unsigned level = 0; level < 2; level++) {
		if (level_of(s, level) == NULL)
			continue;
		e = set_of(s, cpu, level, va, &n);
		for (unsigned i = 0; i < *n; i++)
			e[i].dirty |= e[i].va == va;
	}
	s->pte[va].accessed = true;
	s->pte[va].dirty = true;
	return (page);
}

static void
touch(struct sim *s, unsigned cpu, int va, int page, bool write)
{
	struct entry *e = tlb_use(s, cpu, va), new;
	struct pte *pte = &s->pte[va];
	int reached;

	if (e != NULL) {
		s->c.tlb_hit++;
		reached = e->page;
		if (write && !e->dirty)
			reached = mark_dirty(s, cpu, va, reached);
	} else {
		s->c.tlb_miss++;
		s->c.walk_step += s->set->levels;
		pte->accessed = true;
		pte->dirty |= write;
		reached = pte->maps;
		new = (struct entry){ va, reached, pte->dirty };
		tlb_load(s, cpu, new);
	}
	if (reached != page)
		s->c.stale_use++;
	else if (loaded_other(s, cpu, va, page))
		s->c.stale_possible++;
}

static void
touch_object(struct sim *s, unsigned cpu, int obj, unsigned page, bool write)
{
	const struct naive_design *d = s->set->design;

	if (!d->may_touch(s, cpu, obj, write)) {
		refuse(s);
		return;
	}
	touch(s, cpu, d->va(s, obj, page), (int)page, write);
}

static void
release(struct sim *s, int obj, unsigned cpu)
{
	if (s->set->design->unmap(s, cpu, obj))
		s->c.unmap_calls++;
	else
		refuse(s);
}

static void
ask(struct sim *s, int obj, unsigned cpu)
{
	s->c.kva_calls++;
	if (!s->set->design->kva(s, cpu, obj))
		refuse(s);
}

static void play(struct sim *s, const struct line *l);

/* A map returned with an object, or MAP_FAILS. */
static void
mapped(struct sim *s, const struct line *l, int obj)
{
	struct handle *h = &s->handle[l->handle];

	s->c.map_calls++;
	if (obj < 0)
		s->c.map_fail++;
	if (l->kind == EPH_OP_MAP) {
		h->state = obj < 0 ? H_FAILED : H_MAPPED;
		h->obj = obj;
		h->page = l->page;
		h->cpu = l->cpu;
		return;
	}
	if (obj < 0)
		return;
	if (s->set->touch != EPH_TOUCH_NONE) {
		if (s->set->design->kva_first)
			ask(s, obj, l->cpu);
		touch_object(
		    s, l->cpu, obj, l->page, s->set->touch == EPH_TOUCH_WRITE);
	}
	if (s->set->hold == 0)
		release(s, obj, l->cpu);
	else {
		s->timers[s->ntimers++] = (struct timer){ s->now + s->set->hold,
			l->cpu, s->seq++, obj };
	}
}

static void
sleep_on(struct sim *s, struct sleeper *sl)
{
	s->c.sleep++;
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
	const int obj = s->set->design->map(s, l, false);
	struct sleeper *sl;

	if (obj == MAP_REFUSED)
		refuse(s);
	else if (obj != MAP_SLEEPS)
		mapped(s, l, obj);
	else {
		sl = &s->pool[s->npool++];
		sl->map = *l;
		sl->nparked = 0;
		sleep_on(s, sl);
	}
}

static void
resume(struct sim *s, struct sleeper *sl)
{
	struct sleeper *again;
	int obj;

	s->at = sl->map.at;
	deliver(s, sl->map.cpu);
	obj = s->set->design->map(s, &sl->map, true);
	if (obj == MAP_SLEEPS) {
		s->c.wakeup_spurious++;
		sleep_on(s, sl);
		return;
	}
	mapped(s, &sl->map, obj);
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
	for (unsigned c = 0; c < s->set->ncpus; c++)
		poll(s, c);
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
		release(s, t.obj, t.cpu);
	}
}

/* Play a line that is not to be parked. */
static void
play(struct sim *s, const struct line *l)
{
	struct handle *h = &s->handle[l->handle];

	s->at = l->at;
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
		ask(s, h->obj, l->cpu);
		break;
	case EPH_OP_READ:
	case EPH_OP_WRITE:
		touch_object(
		    s, l->cpu, h->obj, h->page, l->kind == EPH_OP_WRITE);
		break;
	case EPH_OP_UNMAP:
		h->state = H_NONE;
		release(s, h->obj, l->cpu);
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

	copy.at = ++s->lines;
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

void
reference(struct sim *s, const struct setup *set, const struct trace *t)
{
	static struct store st;

	memset(s, 0, sizeof(*s));
	memset(st.va, 0xff, sizeof(st.va));
	s->set = set;
	s->st = &st;
	s->pool = st.pool;
	s->shadow = st.shadow;
	s->nentries = st.nentries;
	s->fifo = st.fifo;
	s->pending = st.pending;
	memset(st.nentries, 0, set->ncpus * sizeof(st.nentries[0]));
	memset(st.fifo, 0, set->ncpus * sizeof(st.fifo[0]));
	memset(s->dense, 0xff, sizeof(s->dense));
	set->design->init(s);
	for (unsigned i = 0; i < t->n && s->refused == 0; i++)
		top_line(s, &t->line[i]);
	if (s->refused != 0)
		return;
	finish_holds(s);
	for (unsigned c = 0; c < set->ncpus; c++)
		deliver(s, c);
}

/*
 * The engine, fed from memory as a reader of files would feed it.
 */

struct feed {
	struct eph_op op[MAX_LINES];
	uint64_t name[MAX_LINES];
};

static void
feed_fill(struct feed *f, const struct trace *t, bool reuse)
{
	uint32_t slot_of[MAX_HANDLES], frees[MAX_LINES], dense[MAX_PAGES];
	uint32_t nfree = 0, nslots = 0, npages = 0;

	memset(f, 0, sizeof(*f));
	memset(slot_of, 0, sizeof(slot_of));
	memset(dense, 0xff, sizeof(dense));
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
	struct rig_lines rl = { { .op = f.op, .n = t->n }, f.name, 2 };
	struct eph_op_source src = rig_lines_source(&rl);
	struct eph_run_config cfg = { 0 };

	feed_fill(&f, t, set->reuse);
	for (unsigned i = 0; i < t->n; i++)
		src.has_time |= t->line[i].kind == EPH_OP_DELAY;
	cfg.design = eph_design_find(set->design->name);
	cfg.machine = set->machine;
	cfg.tlb = set->tlb->name;
	cfg.cpus = set->ncpus;
	cfg.nbufs = set->nbufs;
	cfg.touch = set->touch;
	cfg.hold_ns = set->hold;
	cfg.flags =
	    ((set->flags & EPH_OPF_PRIVATE) != 0 ? SFB_CPUPRIVATE : 0u) |
	    ((set->flags & EPH_OPF_NOWAIT) != 0 ? SFB_NOWAIT : 0u);
	return (eph_replay_run(&cfg, &src, res, err));
}

/*
 * Comparison.
 */

bool
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
bool
agree(const struct setup *set, const struct trace *t, FILE *out,
    struct eph_counters *sum)
{
	static struct sim s;
	struct eph_run_result res;
	struct eph_err err = { "" };
	char at[32];
	bool same = true;
	int error;

	memset(&res, 0, sizeof(res));
	reference(&s, set, t);
	if (sum != NULL && s.refused == 0)
		eph_counters_add(sum, &s.c);
	error = engine(set, t, &res, &err);
	if (s.refused != 0) {
		(void)snprintf(at, sizeof(at), "line %u", s.refused + 1);
		same = error == ENOTSUP &&
		    strncmp(err.text, at, strlen(at)) == 0 &&
		    strchr(":,", err.text[strlen(at)]) != NULL;
		if (!same && out != NULL)
			(void)fprintf(out,
			    "reference: refused %s engine: error %d, %s\n", at,
			    error, err.text);
		return (same);
	}
	if (error != 0) {
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
	CHECK("ipiq_kick", s.kicks, res.ipiq_kick);
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
	    set->design->name, set->machine, set->tlb->name, set->ncpus,
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

struct line *
emit(struct gen *g, enum eph_op_kind kind, unsigned cpu)
{
	struct line *l = &g->t->line[g->t->n++];

	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->cpu = cpu;
	return (l);
}

void
emit_map(
    struct gen *g, unsigned cpu, unsigned page, unsigned handle, unsigned flags)
{
	struct line *l = emit(g, EPH_OP_MAP, cpu);

	l->page = page;
	l->handle = handle;
	l->flags = flags;
	g->open[handle] = true;
	g->mapper[handle] = cpu;
}

void
emit_unmap(struct gen *g, unsigned cpu, unsigned handle)
{
	emit(g, EPH_OP_UNMAP, cpu)->handle = handle;
	g->open[handle] = false;
}

unsigned
some_cpu(struct gen *g)
{
	/* Mostly a few of them, so that they meet. */
	if (prng_below(&g->r, 4) != 0 && g->ncpus > 3)
		return (prng_below(&g->r, 3));
	return (prng_below(&g->r, g->ncpus));
}

unsigned
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

void
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

/* Many mappings on few CPUs with a finite TLB, so that it forgets. */
static void
wide_setup(struct gen *g, struct setup *set, unsigned *lines)
{
	static const char *const names[] = { "pentium4", "opteron", "skylake",
		"zen", "cortex-a72" };

	set->tlb = eph_tlb_model_find(names[prng_below(&g->r, 5)]);
	set->ncpus = g->ncpus = 1 + prng_below(&g->r, 3);
	set->nbufs = 64 + prng_below(&g->r, 193);
	g->npages = 1 + prng_below(&g->r, 256);
	g->nhandles = 1 + prng_below(&g->r, 200);
	*lines = 100 + prng_below(&g->r, 1500);
}

void
some_setup(struct gen *g, struct setup *set, bool wide, unsigned *lines)
{
	static const unsigned cpus[] = { 1, 2, 3, 8, 31, 32, 33, 64, 65 };
	static const char *const machines[] = { "amd64-skylake", "i386-p4",
		"amd64-zen" };

	set->ncpus = cpus[prng_below(&g->r, 9)];
	set->nbufs = 1 + prng_below(&g->r, prng_below(&g->r, 2) ? 3 : 8);
	set->touch = (enum eph_touch)prng_below(&g->r, 3);
	set->hold = prng_below(&g->r, 2) ? 0 : prng_below(&g->r, 40);
	set->flags = prng_below(&g->r, 3) == 0 ? EPH_OPF_PRIVATE : 0;
	if (prng_below(&g->r, 4) == 0)
		set->flags |= EPH_OPF_NOWAIT;
	set->reuse = prng_below(&g->r, 2) == 0;
	set->machine = machines[prng_below(&g->r, 3)];
	set->levels = eph_machine_model_find(set->machine)->levels;
	g->ncpus = set->ncpus;
	g->npages = 1 + prng_below(&g->r, 12);
	g->nhandles = 1 + prng_below(&g->r, 24);
	*lines = 4 + prng_below(&g->r, 120);
	set->tlb = eph_tlb_model_find("infinite");
	if (wide)
		wide_setup(g, set, lines);
}

unsigned
compare_seeds(unsigned runs,
    void (*generate)(uint64_t seed, struct setup *set, struct trace *t),
    struct eph_counters *sum)
{
	static struct trace t;
	struct setup set;
	unsigned failed = 0;

	for (unsigned seed = 0; seed < runs && failed < 3; seed++) {
		generate(seed, &set, &t);
		if (agree(&set, &t, NULL, sum))
			continue;
		failed++;
		shrink(&set, &t);
		print_trace(&set, &t);
		(void)printf("# seed %u\n", seed);
		(void)agree(&set, &t, stdout, NULL);
	}
	return (failed);
}
