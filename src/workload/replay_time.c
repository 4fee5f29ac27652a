/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The order of execution under clocks: the CPU that is furthest behind plays
 * its next line; of CPUs that are equally far, the one with the lowest
 * number.
 *
 * The trace is read as far as needed: until the next line of the CPU that
 * is furthest behind is known, or there is none.  Lines that were read and
 * not played are in memory, a queue for each CPU.  A line with a handle
 * waits until the lines before it that have the handle's slot were played,
 * and begins no earlier than they ended.  The first line of the trace that
 * was not played is always ready, so that no line waits for ever.
 *
 * A heap holds the CPUs by the time at which their next line may begin; if
 * that is not known, by their clock.  Interrupts only move clocks forward, so
 * an entry may be too early, never too late: it is looked at again when it
 * comes to the top.
 *
 *	closed load	the next line begins when the last has ended, and the
 *			time to think; d lines are left out
 *	open load	a line begins at the trace's time, or when the CPU is
 *			through with the last
 */

#include "workload/replay_time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "exec/clock_state.h"
#include "exec/lockstep.h"
#include "workload/replay_ref.h"

#define NONE  UINT32_MAX
#define PIECE 256u /* lines that are read at a time */

struct timed_op {
	struct eph_op op;
	uint32_t number;       /* where it is kept */
	struct timed_op *next; /* of the same CPU */
	uint64_t line;	       /* its number in the trace */
};

/* What lines with handles have, and all of an open load. */
struct timed_more {
	uint64_t at;   /* arrival in cycles; open */
	uint64_t name; /* of its handle */
	uint32_t turn; /* lines with its slot before it */
};

#define CHUNK_SHIFT 12
#define CHUNK_OPS   (1u << CHUNK_SHIFT)

/* Lines by number; they never move. */
struct timed_chunk {
	struct timed_more *more; /* CHUNK_OPS; NULL: none has it */
	struct timed_op op[CHUNK_OPS];
};

struct timed_slot {
	uint32_t played; /* lines with it */
	uint32_t lines;	 /* read */
	uint32_t waiter; /* a CPU that waits for its turn; NONE: none */
	uint64_t ended;	 /* when the last one played did */
};

struct timed_cpu {
	struct timed_op *next; /* its next line; NULL: not known */
	struct timed_op *last;
	uint32_t waits; /* the next CPU that waits for the same slot */
	uint64_t ready; /* closed: not before that, to think */
};

struct timed_entry {
	uint64_t at;
	uint32_t cpu;
};

struct timed {
	struct eph_machine *mc;
	struct eph_op_source *src;
	struct timed_chunk **chunks; /* lines read and not played, and free */
	uint32_t nchunks;
	uint32_t room;		    /* for pointers to chunks */
	uint32_t nops;		    /* lines that were ever used */
	struct timed_op *free;	    /* lines to use again */
	const struct eph_op *block; /* of the source */
	size_t nblock;
	size_t at;	    /* next of it */
	uint64_t line_base; /* number of its first line, 0: they have gaps */
	uint64_t ns;	    /* the trace's time there */
	bool ended;	    /* the trace */
	bool open;	    /* the load */
	uint64_t think;	    /* cycles; closed */
	struct timed_slot *slots;
	uint32_t nslots;
	struct timed_cpu *cpus;
	struct timed_entry *heap;
	uint32_t nheap;
	struct timed_op *now; /* the line delivered last; NULL: none */
};

static inline struct timed_more *
timed_more_of(const struct timed *t, const struct timed_op *o)
{
	return (&t->chunks[o->number >> CHUNK_SHIFT]
		     ->more[o->number & (CHUNK_OPS - 1)]);
}

/* The heap */

static inline bool
entry_before(const struct timed_entry *a, const struct timed_entry *b)
{
	return (a->at != b->at ? a->at < b->at : a->cpu < b->cpu);
}

static void
heap_push(struct timed *t, struct timed_entry e)
{
	uint32_t i = t->nheap++;

	for (; i > 0 && entry_before(&e, &t->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = e;
}

static void
heap_sink(struct timed *t, struct timed_entry e)
{
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= t->nheap)
			break;
		if (child + 1 < t->nheap &&
		    entry_before(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (!entry_before(&t->heap[child], &e))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	t->heap[i] = e;
}

/* Put `e` in the place of the first entry, where it mostly stays. */
static inline void
heap_replace(struct timed *t, struct timed_entry e)
{
	if ((t->nheap < 2 || entry_before(&e, &t->heap[1])) &&
	    (t->nheap < 3 || entry_before(&e, &t->heap[2])))
		t->heap[0] = e;
	else
		heap_sink(t, e);
}

static void
heap_drop(struct timed *t)
{
	t->nheap--;
	if (t->nheap > 0)
		heap_replace(t, t->heap[t->nheap]);
}

/* Not before it arrived, and its handle is there. */
static uint64_t
timed_begin_more(const struct timed *t, const struct timed_op *o, uint64_t at)
{
	if (t->open)
		at = timed_more_of(t, o)->at;
	if (o->op.kind != EPH_OP_REF && o->op.kind != EPH_OP_MAP &&
	    t->slots[o->op.slot].played == timed_more_of(t, o)->turn &&
	    t->slots[o->op.slot].ended > at)
		at = t->slots[o->op.slot].ended;
	return (at);
}

/*
 * When the CPU's next line may begin; too early where its turn has not come:
 * its slot may still be another handle's.
 */
static inline uint64_t
timed_begin(const struct timed *t, unsigned cpu)
{
	const struct timed_cpu *tc = &t->cpus[cpu];
	const uint64_t clock = t->mc->clock->now[cpu];
	uint64_t at = tc->ready;

	if (tc->next != NULL && (tc->next->op.kind != EPH_OP_REF || t->open))
		at = timed_begin_more(t, tc->next, at);
	return (clock > at ? clock : at);
}

/* Reading */

static int
timed_grow(struct timed *t, void *pp, uint32_t *np, uint32_t want, size_t size)
{
	uint32_t n = *np == 0 ? 1024 : *np;
	void *old, *new;

	if (want < *np)
		return (0);
	while (n <= want)
		n *= 2;
	memcpy(&old, pp, sizeof(old));
	new = eph_mem_grow(t->mc->mem, old, *np * size, n * size);
	if (new == NULL)
		return (ENOMEM);
	memcpy(pp, &new, sizeof(new));
	*np = n;
	return (0);
}

static int
timed_slot(struct timed *t, uint32_t slot, uint32_t *turnp)
{
	const uint32_t old = t->nslots;

	if (timed_grow(t, &t->slots, &t->nslots, slot, sizeof(*t->slots)) != 0)
		return (ENOMEM);
	for (uint32_t i = old; i < t->nslots; i++)
		t->slots[i].waiter = NONE;
	*turnp = t->slots[slot].lines++;
	return (0);
}

static bool
timed_chunk_make(struct timed *t)
{
	struct timed_chunk *c;

	if (timed_grow(t, &t->chunks, &t->room, t->nchunks,
		sizeof(struct timed_chunk *)) != 0 ||
	    (c = eph_machine_alloc(t->mc, sizeof(*c))) == NULL)
		return (false);
	t->chunks[t->nchunks++] = c;
	return (true);
}

/* Room for a line that was never used; NULL when out of memory. */
static struct timed_op *
timed_room(struct timed *t)
{
	struct timed_op *o;

	if (t->nops == NONE - 1 ||
	    (t->nops >> CHUNK_SHIFT == t->nchunks && !timed_chunk_make(t)))
		return (NULL);
	o = &t->chunks[t->nops >> CHUNK_SHIFT]->op[t->nops & (CHUNK_OPS - 1)];
	o->number = t->nops++;
	return (o);
}

/* What the line, which was just read, has more. */
static int
timed_take_more(struct timed *t, const struct eph_op *op, struct timed_op *o)
{
	struct timed_chunk *c = t->chunks[o->number >> CHUNK_SHIFT];
	struct timed_more *m;

	if (c->more == NULL)
		c->more =
		    eph_machine_alloc(t->mc, CHUNK_OPS * sizeof(*c->more));
	if (c->more == NULL)
		return (ENOMEM);
	m = timed_more_of(t, o);
	*m = (struct timed_more){ .at = eph__clock_cycles(t->mc, t->ns) };
	if (op->kind == EPH_OP_REF)
		return (0);
	if (t->src->handle_name != NULL)
		m->name = t->src->handle_name(t->src->arg, t->at);
	return (timed_slot(t, op->slot, &m->turn));
}

static inline int
timed_take(struct timed *t, const struct eph_op *op)
{
	struct timed_op *o = t->free;
	struct timed_cpu *tc = &t->cpus[op->cpu];

	if (eph_likely(o != NULL))
		t->free = o->next;
	else if ((o = timed_room(t)) == NULL)
		return (ENOMEM);
	o->op = *op;
	o->next = NULL;
	o->line = t->line_base != 0 ? t->line_base + t->at
				    : t->src->line(t->src->arg, t->at);
	if ((op->kind != EPH_OP_REF || t->open) &&
	    timed_take_more(t, op, o) != 0)
		return (ENOMEM);
	if (tc->next == NULL)
		tc->next = o;
	else
		tc->last->next = o;
	tc->last = o;
	return (0);
}

static int
timed_refuse_cpu(const struct timed *t, const struct eph_op *op, size_t i,
    struct eph_err *err)
{
	char where[400];

	t->src->where(t->src->arg, i, where, sizeof(where));
	return (eph_err_set(err, EINVAL,
	    "%s: CPU %u, but the machine has %u CPUs (0 to %u)", where, op->cpu,
	    t->mc->ncpus, t->mc->ncpus - 1));
}

/* The source's next block. */
static int
timed_block(struct timed *t, struct eph_err *err)
{
	struct eph_op_source *src = t->src;
	int error;

	t->at = t->nblock = 0;
	error = src->next(src->arg, &t->block, &t->nblock, err);
	if (error != 0 || t->nblock == 0) {
		t->nblock = 0;
		t->ended = true;
		return (error);
	}
	t->line_base = src->line(src->arg, 0);
	if (src->line(src->arg, t->nblock - 1) - t->line_base != t->nblock - 1)
		t->line_base = 0;
	return (0);
}

/* Read some lines more. */
static int
timed_read(struct timed *t, struct eph_err *err)
{
	const struct eph_op *op;
	size_t end;
	int error;

	if (t->at == t->nblock && (error = timed_block(t, err)) != 0)
		return (error);
	end = t->nblock - t->at > PIECE ? t->at + PIECE : t->nblock;
	for (; t->at < end; t->at++) {
		op = &t->block[t->at];
		if (op->kind == EPH_OP_DELAY) {
			t->ns += eph_op_delay_ns(op);
			continue;
		}
		if (op->cpu >= t->mc->ncpus)
			return (timed_refuse_cpu(t, op, t->at, err));
		if (timed_take(t, op) != 0)
			return (eph_err_set(err, ENOMEM,
			    "out of memory for lines that wait for their CPU"));
	}
	return (0);
}

/* Delivering */

/* A line with a handle has ended; who waited for its turn may go on. */
static void
timed_slot_ended(struct timed *t, const struct timed_op *o, uint64_t end)
{
	struct timed_slot *s = &t->slots[o->op.slot];

	s->played++;
	s->ended = end;
	for (uint32_t c = s->waiter; c != NONE; c = t->cpus[c].waits)
		heap_push(t, (struct timed_entry){ timed_begin(t, c), c });
	s->waiter = NONE;
}

/*
 * The line played last has ended.  Its CPU is still the first of the heap.
 */
static inline void
timed_ended(struct timed *t)
{
	struct timed_op *o = t->now;
	struct timed_cpu *tc;
	uint64_t end;

	if (o == NULL)
		return;
	t->now = NULL;
	tc = &t->cpus[o->op.cpu];
	clock_settle(t->mc, t->mc->clock, t->mc->cur);
	end = t->mc->clock->now[o->op.cpu];
	if (!t->open)
		tc->ready = end + t->think;
	if (tc->next != NULL || !t->ended)
		heap_replace(t,
		    (struct timed_entry){
			timed_begin(t, o->op.cpu), o->op.cpu });
	else
		heap_drop(t);
	o->next = t->free;
	t->free = o;
	if (eph_unlikely(o->op.kind != EPH_OP_REF))
		timed_slot_ended(t, o, end);
}

/* Its turn comes when other CPUs have played what stands before it. */
static bool
timed_waits(struct timed *t, unsigned cpu)
{
	const struct timed_op *o = t->cpus[cpu].next;
	struct timed_slot *s = &t->slots[o->op.slot];

	if (s->played == timed_more_of(t, o)->turn)
		return (false);
	t->cpus[cpu].waits = s->waiter;
	s->waiter = cpu;
	return (true);
}

/* The CPU that plays next is the first of the heap, if that has any. */
static inline int
timed_choose(struct timed *t, struct eph_err *err)
{
	int error;

	while (t->nheap > 0) {
		const struct timed_entry e = t->heap[0];
		const struct timed_op *o = t->cpus[e.cpu].next;
		const uint64_t at = timed_begin(t, e.cpu);

		if (at != e.at) {
			heap_replace(t, (struct timed_entry){ at, e.cpu });
		} else if (eph_likely(o != NULL)) {
			if (o->op.kind == EPH_OP_REF || !timed_waits(t, e.cpu))
				return (0);
			heap_drop(t);
		} else if (t->ended) {
			heap_drop(t);
		} else if ((error = timed_read(t, err)) != 0) {
			return (error);
		}
	}
	return (0);
}

/* The CPU that was chosen plays its next line: time passes until then. */
static inline const struct timed_op *
timed_deliver(struct timed *t)
{
	const uint32_t cpu = t->heap[0].cpu;
	const uint64_t at = t->heap[0].at;

	/* Timers that are due before may move clocks, by waking a thread. */
	eph__lockstep_advance(t->mc, clock_ns(t->mc, at));
	clock_until(t->mc->clock, cpu, at, EPH_CYCLES_idle);
	t->now = t->cpus[cpu].next;
	t->cpus[cpu].next = t->now->next;
	eph_prefetch(t->now->next);
	return (t->now);
}

static int
timed_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct timed *t = arg;
	int error;

	timed_ended(t);
	if ((error = timed_choose(t, err)) != 0 || t->nheap == 0)
		return (error);
	*opsp = &timed_deliver(t)->op;
	*np = 1;
	return (0);
}

#define BURST 4096u /* lines without a look at anything else */

/* A line that is not played here is chosen again there, and is the same. */
bool
eph__timed_refs(struct replay *rp, uint64_t epoch)
{
	struct eph_machine *mc = rp->mc;
	struct timed *t = rp->timed;
	struct eph_mapping mp;
	const struct timed_op *o;

	for (unsigned k = 0; k < BURST && rp->res->references < rp->mark; k++) {
		timed_ended(t);
		if ((rp->error = timed_choose(t, rp->err)) != 0)
			return (false);
		if (t->nheap == 0 ||
		    t->cpus[t->heap[0].cpu].next->op.kind != EPH_OP_REF)
			return (true);
		o = timed_deliver(t);
		mc->step = o->line;
		mc->op = rp->res->lines++;
		if (eph_unlikely(
			replay_ref(rp, &o->op, REPLAY_TIMED, &mp) != 0))
			return (false);
		if (eph_unlikely(mc->attention || rp->epoch != epoch))
			return (false);
	}
	return (true);
}

static void
timed_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct timed *t = arg;

	(void)i;
	(void)snprintf(buf, size, "line %llu",
	    t->now == NULL ? 0ull : (unsigned long long)t->now->line);
}

static uint64_t
timed_line(void *arg, size_t i)
{
	const struct timed *t = arg;

	(void)i;
	return (t->now == NULL ? 0 : t->now->line);
}

static uint64_t
timed_page_name(void *arg, uint32_t page)
{
	const struct timed *t = arg;

	return (t->src->page_name(t->src->arg, page));
}

static uint64_t
timed_handle_name(void *arg, size_t i)
{
	const struct timed *t = arg;

	(void)i;
	return (timed_more_of(t, t->now)->name);
}

int
eph__timed_create(struct eph_machine *mc, struct eph_op_source *src,
    const struct eph_time_config *cfg, struct timed **tp,
    struct eph_op_source *out, struct eph_err *err)
{
	struct timed *t = eph_machine_alloc(mc, sizeof(*t));

	*tp = t;
	if (t == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	t->mc = mc;
	t->src = src;
	t->open = cfg->load == EPH_LOAD_OPEN;
	t->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*t->cpus));
	t->heap = eph_machine_alloc(mc, mc->ncpus * sizeof(*t->heap));
	if (t->cpus == NULL || t->heap == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	t->think = eph__clock_cycles(mc, cfg->think_ns);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		/* Whoever the trace does not have needs no line of it. */
		if (src->cpus == 0 || c < src->cpus)
			heap_push(t, (struct timed_entry){ 0, c });
	}
	*out = *src;
	out->next = timed_next;
	out->where = timed_where;
	out->line = timed_line;
	out->page_name = timed_page_name;
	out->handle_name = timed_handle_name;
	out->next_use = NULL; /* nobody knows the order before */
	out->arg = t;
	return (0);
}

void
eph__timed_free(struct timed *t)
{
	struct eph_machine *mc;

	if (t == NULL)
		return;
	mc = t->mc;
	for (uint32_t i = 0; i < t->nchunks; i++) {
		eph_machine_free(mc, t->chunks[i]->more,
		    CHUNK_OPS * sizeof(struct timed_more));
		eph_machine_free(mc, t->chunks[i], sizeof(*t->chunks[i]));
	}
	eph_machine_free(mc, t->chunks, t->room * sizeof(struct timed_chunk *));
	eph_machine_free(mc, t->slots, t->nslots * sizeof(*t->slots));
	if (t->cpus != NULL)
		eph_machine_free(mc, t->cpus, mc->ncpus * sizeof(*t->cpus));
	if (t->heap != NULL)
		eph_machine_free(mc, t->heap, mc->ncpus * sizeof(*t->heap));
	eph_machine_free(mc, t, sizeof(*t));
}
