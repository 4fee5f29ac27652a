/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The order of execution under clocks: the CPU that is furthest behind plays
 * its next line; of CPUs that are equally far, the one with the lowest
 * number.
 *
 * The whole trace is in memory, a queue for each CPU.  A line with a handle
 * waits until the lines before it that have the handle's slot were played,
 * and begins no earlier than they ended.  The first line of the trace that
 * was not played is always ready, so that nobody waits for ever.
 *
 * A heap holds the CPUs by the time at which their next line may begin.
 * Interrupts only move clocks forward, so an entry may be too early, never
 * too late: it is looked at again when it comes to the top.
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

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/sdk/machine.h"
#include "exec/clock.h"
#include "exec/lockstep.h"

#define NONE UINT32_MAX

struct timed_op {
	struct eph_op op;
	uint32_t next; /* of the same CPU */
	uint32_t turn; /* lines with its slot before it */
	uint64_t at;   /* arrival in cycles; open */
	uint64_t line; /* its number in the trace */
	uint64_t name; /* of its handle */
};

struct timed_slot {
	uint32_t played; /* lines with it */
	uint32_t lines;	 /* read */
	uint32_t waiter; /* a CPU that waits for its turn; NONE: none */
	uint64_t ended;	 /* when the last one played did */
};

struct timed_cpu {
	uint32_t next; /* its next line */
	uint32_t last;
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
	const struct eph_time_config *cfg;
	struct timed_op *ops;
	uint32_t nops;
	uint32_t room;
	struct timed_slot *slots;
	uint32_t nslots;
	struct timed_cpu *cpus;
	struct timed_entry *heap;
	uint32_t nheap;
	uint32_t now; /* the line delivered last; NONE: none */
};

/* The heap */

static bool
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

/* Put `e` in the place of the first entry. */
static void
heap_replace(struct timed *t, struct timed_entry e)
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

static void
heap_drop(struct timed *t)
{
	t->nheap--;
	if (t->nheap > 0)
		heap_replace(t, t->heap[t->nheap]);
}

/*
 * When the CPU's next line may begin; too early where its turn has not come:
 * its slot may still be another handle's.
 */
static uint64_t
timed_begin(const struct timed *t, unsigned cpu)
{
	const struct timed_cpu *tc = &t->cpus[cpu];
	const struct timed_op *o = &t->ops[tc->next];
	const uint64_t clock = eph__clock_of(t->mc, cpu);
	uint64_t at = t->cfg->load == EPH_LOAD_OPEN ? o->at : tc->ready;

	if (o->op.kind != EPH_OP_REF && o->op.kind != EPH_OP_MAP &&
	    t->slots[o->op.slot].played == o->turn &&
	    t->slots[o->op.slot].ended > at)
		at = t->slots[o->op.slot].ended;
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
timed_slot(struct timed *t, struct timed_op *o)
{
	const uint32_t old = t->nslots;

	if (timed_grow(
		t, &t->slots, &t->nslots, o->op.slot, sizeof(*t->slots)) != 0)
		return (ENOMEM);
	for (uint32_t i = old; i < t->nslots; i++)
		t->slots[i].waiter = NONE;
	o->turn = t->slots[o->op.slot].lines++;
	return (0);
}

static int
timed_take(struct timed *t, const struct eph_op *op, size_t i, uint64_t ns)
{
	struct timed_cpu *tc;
	struct timed_op *o;

	if (timed_grow(t, &t->ops, &t->room, t->nops, sizeof(*t->ops)) != 0)
		return (ENOMEM);
	o = &t->ops[t->nops];
	*o = (struct timed_op){ .op = *op,
		.next = NONE,
		.at = eph__clock_cycles(t->mc, ns),
		.line = t->src->line(t->src->arg, i) };
	tc = &t->cpus[o->op.cpu];
	if (op->kind != EPH_OP_REF) {
		if (timed_slot(t, o) != 0)
			return (ENOMEM);
		if (t->src->handle_name != NULL)
			o->name = t->src->handle_name(t->src->arg, i);
	}
	if (tc->next == NONE)
		tc->next = t->nops;
	else
		t->ops[tc->last].next = t->nops;
	tc->last = t->nops++;
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

static int
timed_read(struct timed *t, struct eph_err *err)
{
	const struct eph_op *ops;
	uint64_t ns = 0;
	size_t n;
	int error;

	for (;;) {
		n = 0;
		error = t->src->next(t->src->arg, &ops, &n, err);
		if (error != 0 || n == 0)
			return (error);
		for (size_t i = 0; i < n; i++) {
			if (ops[i].kind == EPH_OP_DELAY) {
				ns += eph_op_delay_ns(&ops[i]);
				continue;
			}
			if (ops[i].cpu >= t->mc->ncpus)
				return (timed_refuse_cpu(t, &ops[i], i, err));
			if (t->nops == NONE - 1)
				return (eph_err_set(err, EINVAL,
				    "a trace under clocks has at most 4 G "
				    "lines"));
			if (timed_take(t, &ops[i], i, ns) != 0)
				return (eph_err_set(err, ENOMEM,
				    "out of memory: under clocks the whole "
				    "trace is kept"));
		}
	}
}

/* Delivering */

/* The line played last has ended. */
static void
timed_ended(struct timed *t)
{
	struct timed_op *o;
	struct timed_slot *s;
	uint64_t end;
	unsigned cpu;

	if (t->now == NONE)
		return;
	o = &t->ops[t->now];
	cpu = o->op.cpu;
	eph__clock_settle(t->mc);
	end = eph__clock_of(t->mc, cpu);
	t->cpus[cpu].ready = end + eph__clock_cycles(t->mc, t->cfg->think_ns);
	if (t->cpus[cpu].next != NONE)
		heap_push(t, (struct timed_entry){ timed_begin(t, cpu), cpu });
	if (o->op.kind == EPH_OP_REF)
		return;
	s = &t->slots[o->op.slot];
	s->played++;
	s->ended = end;
	for (uint32_t c = s->waiter; c != NONE; c = t->cpus[c].waits)
		heap_push(t, (struct timed_entry){ timed_begin(t, c), c });
	s->waiter = NONE;
}

/* Its turn comes when other CPUs have played what stands before it. */
static bool
timed_waits(struct timed *t, unsigned cpu)
{
	const struct timed_op *o = &t->ops[t->cpus[cpu].next];
	struct timed_slot *s;

	if (o->op.kind == EPH_OP_REF)
		return (false);
	s = &t->slots[o->op.slot];
	if (s->played == o->turn)
		return (false);
	t->cpus[cpu].waits = s->waiter;
	s->waiter = cpu;
	return (true);
}

/* The CPU that plays next; NONE: all have ended. */
static uint32_t
timed_choose(struct timed *t, uint64_t *atp)
{
	while (t->nheap > 0) {
		const struct timed_entry e = t->heap[0];
		const uint64_t at = timed_begin(t, e.cpu);

		if (at != e.at) {
			heap_replace(t, (struct timed_entry){ at, e.cpu });
		} else {
			heap_drop(t);
			if (!timed_waits(t, e.cpu)) {
				*atp = at;
				return (e.cpu);
			}
		}
	}
	return (NONE);
}

static int
timed_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct timed *t = arg;
	uint64_t at = 0;
	uint32_t cpu;

	(void)err;
	timed_ended(t);
	t->now = NONE;
	cpu = timed_choose(t, &at);
	if (cpu == NONE)
		return (0);
	/* Timers that are due before may move clocks, by waking somebody. */
	eph__lockstep_advance(t->mc, eph__clock_ns(t->mc, at));
	eph__clock_until(t->mc, cpu, at, EPH_CYCLES_idle);
	t->now = t->cpus[cpu].next;
	t->cpus[cpu].next = t->ops[t->now].next;
	*opsp = &t->ops[t->now].op;
	*np = 1;
	return (0);
}

static void
timed_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct timed *t = arg;

	(void)i;
	(void)snprintf(buf, size, "line %llu",
	    t->now == NONE ? 0ull : (unsigned long long)t->ops[t->now].line);
}

static uint64_t
timed_line(void *arg, size_t i)
{
	const struct timed *t = arg;

	(void)i;
	return (t->now == NONE ? 0 : t->ops[t->now].line);
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
	return (t->ops[t->now].name);
}

int
eph__timed_create(struct eph_machine *mc, struct eph_op_source *src,
    const struct eph_time_config *cfg, struct timed **tp,
    struct eph_op_source *out, struct eph_err *err)
{
	struct timed *t = eph_machine_alloc(mc, sizeof(*t));
	int error;

	*tp = t;
	if (t == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	t->mc = mc;
	t->src = src;
	t->cfg = cfg;
	t->now = NONE;
	t->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*t->cpus));
	t->heap = eph_machine_alloc(mc, mc->ncpus * sizeof(*t->heap));
	if (t->cpus == NULL || t->heap == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	for (unsigned c = 0; c < mc->ncpus; c++)
		t->cpus[c].next = NONE;
	if ((error = timed_read(t, err)) != 0)
		return (error);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (t->cpus[c].next != NONE)
			heap_push(
			    t, (struct timed_entry){ timed_begin(t, c), c });
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
	eph_machine_free(mc, t->ops, t->room * sizeof(*t->ops));
	eph_machine_free(mc, t->slots, t->nslots * sizeof(*t->slots));
	if (t->cpus != NULL)
		eph_machine_free(mc, t->cpus, mc->ncpus * sizeof(*t->cpus));
	if (t->heap != NULL)
		eph_machine_free(mc, t->heap, mc->ncpus * sizeof(*t->heap));
	eph_machine_free(mc, t, sizeof(*t));
}
