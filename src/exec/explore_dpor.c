/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dpor: one schedule of each class of those that differ only in the order of
 * operations that commute; without a bound on preemptions.
 *
 * Source sets (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014) and sleep
 * sets.  A schedule is run to its end.  Each of its steps is compared with the
 * steps before it: where it depends on one of another process, and nothing
 * between forces that order, the two form a race, and the other order is to be
 * tried from the place of the first.  What has been tried at a place sleeps
 * behind it until a step that it depends on.
 *
 * Processes are entities, and the hardware of a CPU: with --fills F, F
 * operations by which a TLB loads a translation that it does not hold, or
 * forgets one that it holds.  Which F (CPU and address, with repetition) is
 * chosen before a schedule starts, and everything is tried for each choice:
 * a budget that operations take from as they come would make each of them
 * depend on all the others.  An operation comes as soon as it can, and races
 * move it back.
 *
 * What depends on what (dpor_dependent): steps of one CPU; operations on the
 * same page-table entry, atomic variable, lock or sleep queue; an interrupt
 * that is sent, and all of the CPU that it is sent to; its handling, and all
 * of the CPU that waits for it; a store buffer, and everything.  A load or an
 * eviction by a TLB depends on operations on its page-table entry, and on its
 * own CPU's uses of the address, invalidations and interrupts.  An operation
 * whose object is not known (a busy wait) depends on everything.  A step that
 * makes another process able to go on comes before that.
 *
 * A step that cannot be exchanged with the one before it, because the CPU was
 * not to be had (a critical section, an interrupt), is exchanged with the
 * last one before which it was.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "exec/explore_impl.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"

#define DPOR_FIRST EX_DPOR /* process: hardware; entities have other numbers */
#define DPOR_HARD  EX_DPOR_FILLS
#define DPOR_PAGES 64u /* addresses that TLBs act on */

#define DPOR_HARDWARE (((uint64_t)(1u << DPOR_HARD) - 1) << DPOR_FIRST)

/* An operation: of a step that was made, or of one that could be. */
struct dpor_op {
	const void *obj; /* NULL: unknown */
	uint8_t kind;	 /* enum eph_point_kind */
	uint8_t cpu;
	bool write;
	bool hardware;
	uint16_t cpus; /* that it reaches beyond its own */
};

/* A step of the schedule, and the choice there. */
struct dpor_node {
	uint64_t enabled;
	uint64_t asleep; /* tried here, or elsewhere with the same outcome */
	uint64_t wanted; /* to be tried here */
	struct dpor_op op;
	uint8_t who;	 /* process that was chosen */
	uint8_t cur;	 /* entity that ran before */
	uint32_t timers; /* that had fired before */
};

/* By process: 1 + the last step of it that comes before, or is, this one. */
struct dpor_clock {
	uint16_t of[EX_ENTITIES];
};

/* A TLB that may act, and the address. */
struct dpor_hard {
	unsigned cpu;
	uint32_t page;
	unsigned most; /* of its operations */
	unsigned left; /* in this schedule */
};

struct dpor {
	struct dpor_node *node;
	struct dpor_clock *clock;
	uint32_t n;	 /* nodes on the path */
	uint32_t at;	 /* next node of this schedule */
	uint32_t fresh;	 /* nodes from here on have no clocks yet */
	uint64_t asleep; /* at the next node */
	uint32_t page[DPOR_PAGES];
	unsigned npages;
	struct dpor_hard hard[DPOR_HARD];
	unsigned nhard;
	unsigned slot[DPOR_HARD]; /* falling: which operations hard[] is */
	unsigned nslots;	  /* 0: none, in the first round */
	bool started;
};

/* Operations */

static inline unsigned
dpor_entity_cpu(const struct explore *ex, unsigned who)
{
	return (who >= EX_BUFFER(0) ? who - EX_BUFFER(0) : ex->entity[who].cpu);
}

static const void *
dpor_slot(const struct explore *ex, const struct dpor_hard *h)
{
	return (machine_pte(ex->mc, ex->mc->cpus[h->cpu], h->page));
}

/* What the interrupt of CPU `c` would do first. */
static void
dpor_interrupt(const struct explore *ex, unsigned c, struct dpor_op *op)
{
	const struct ex_cpu *ec = &ex->cpu[c];
	const struct ex_pending *p = &ec->pending[ec->first];

	if (ec->npending == 0 || p->ipi.kind == EPH_IPI_CALL)
		return;
	op->obj = ec->pending;
	op->kind = EPH_POINT_IPI;
	if (p->from != NULL)
		op->cpus = (uint16_t)(1u << p->from->cpu);
}

/* Whose `idle` is it?  Everything of that CPU may store to it. */
static void
dpor_idle(const struct explore *ex, struct dpor_op *op)
{
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		if (op->obj == &ex->mc->cpus[c]->idle)
			op->cpus |= (uint16_t)(1u << c);
	}
}

static struct dpor_op
dpor_op(const struct explore *ex, const struct dpor *d, unsigned who)
{
	const struct ex_entity *e = &ex->entity[who];
	struct dpor_op op = { .obj = NULL, .write = true };

	if ((EX_BIT(who) & DPOR_HARDWARE) != 0) {
		const struct dpor_hard *h = &d->hard[who - DPOR_FIRST];

		op.obj = dpor_slot(ex, h);
		op.cpu = (uint8_t)h->cpu;
		op.hardware = true;
		return (op);
	}
	op.cpu = (uint8_t)dpor_entity_cpu(ex, who);
	/* Stores that wait may be seen by this step, whatever they are to. */
	if (who >= EX_BUFFER(0) || ex->cpu[op.cpu].nstores != 0)
		return (op);
	if (ex_is_intr(e) && e->status == EX_OFF) {
		dpor_interrupt(ex, op.cpu, &op);
		return (op);
	}
	op.obj = e->op.obj;
	op.kind = e->op.kind;
	op.write = e->op.write;
	if (op.kind == EPH_POINT_IPI && e->op.cpus != 0) {
		op.obj = e;
		op.cpus = e->op.cpus;
	}
	if ((ex->mc->shootflags & EPH_SHOOT_IDLE) != 0)
		dpor_idle(ex, &op);
	return (op);
}

/* What a TLB does unasked, and a step. */
static bool
dpor_hardware_dependent(const struct dpor_op *h, const struct dpor_op *s)
{
	if (s->hardware)
		return (h->cpu == s->cpu && h->obj == s->obj);
	if (s->kind == EPH_POINT_PTE || s->kind == EPH_POINT_TLB) {
		/* An access elsewhere sets the same bits. */
		if (s->obj == h->obj)
			return (s->kind == EPH_POINT_PTE || s->cpu == h->cpu);
		return (s->obj == NULL ||
		    (s->kind == EPH_POINT_TLB && s->cpu == h->cpu));
	}
	return (
	    s->obj == NULL || (s->kind == EPH_POINT_IPI && s->cpu == h->cpu));
}

static bool
dpor_dependent(const struct dpor_op *a, const struct dpor_op *b)
{
	if (a->hardware)
		return (dpor_hardware_dependent(a, b));
	if (b->hardware)
		return (dpor_hardware_dependent(b, a));
	if (a->obj == NULL || b->obj == NULL || a->cpu == b->cpu)
		return (true);
	if (((1u << a->cpu | a->cpus) & b->cpus) != 0 ||
	    ((1u << b->cpu) & a->cpus) != 0)
		return (true);
	return (a->obj == b->obj && (a->write || b->write));
}

/* Hardware */

static struct ex_choice
dpor_hard_choice(const struct explore *ex, const struct dpor_hard *h)
{
	struct ex_choice c = { EX_FILL, (uint8_t)h->cpu, (uint16_t)h->page };

	if (!eph__explore_can_act(ex, c))
		c.kind = EX_DROP;
	return (c);
}

/* Hardware that could act now. */
static uint64_t
dpor_hard_enabled(const struct explore *ex, const struct dpor *d)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < d->nhard; i++) {
		const struct dpor_hard *h = &d->hard[i];

		if (h->left != 0 &&
		    eph__explore_can_act(ex, dpor_hard_choice(ex, h)))
			set |= EX_BIT(DPOR_FIRST + i);
	}
	return (set);
}

/* Addresses whose entries were stored in this schedule. */
static void
dpor_pages(const struct explore *ex, struct dpor *d)
{
	for (unsigned i = 0; i < ex->npages; i++) {
		unsigned k = 0;

		while (k < d->npages && d->page[k] != ex->page[i])
			k++;
		if (k == d->npages && k < DPOR_PAGES)
			d->page[d->npages++] = ex->page[i];
	}
}

/* hard[] is what slot[] says. */
static void
dpor_hard_set(const struct explore *ex, struct dpor *d)
{
	d->nhard = 0;
	for (unsigned i = 0; i < d->nslots; i++) {
		struct dpor_hard *h = &d->hard[d->nhard];

		if (i > 0 && d->slot[i] == d->slot[i - 1]) {
			h[-1].most++;
			continue;
		}
		*h = (struct dpor_hard){ d->slot[i] % ex->mc->ncpus,
			d->page[d->slot[i] / ex->mc->ncpus], 1, 0 };
		d->nhard++;
	}
}

/* The next choice of operations of hardware; false: there is none. */
static bool
dpor_hard_next(const struct explore *ex, struct dpor *d)
{
	const unsigned nslots = d->npages * ex->mc->ncpus;
	unsigned i;

	if (!ex->adversary || ex->fills == 0 || nslots == 0)
		return (false);
	if (d->nslots == 0) {
		d->nslots = ex->fills;
		memset(d->slot, 0, sizeof(d->slot));
	} else {
		/* Those that leave out addresses met later come first. */
		for (i = d->nslots - 1; i > 0 && d->slot[i] == d->slot[i - 1];)
			i--;
		if (i == 0 && d->slot[0] + 1 == nslots)
			return (false);
		d->slot[i]++;
		while (++i < d->nslots)
			d->slot[i] = 0;
	}
	dpor_hard_set(ex, d);
	return (true);
}

/* Races */

static inline bool
dpor_before(const struct dpor *d, uint32_t i, const struct dpor_clock *c)
{
	return (c->of[d->node[i].who] > i);
}

static void
dpor_join(struct dpor_clock *to, const struct dpor_clock *from)
{
	for (unsigned p = 0; p < EX_ENTITIES; p++) {
		if (from->of[p] > to->of[p])
			to->of[p] = from->of[p];
	}
}

/* Step `i` by itself comes before step `k`, which has no clock yet. */
static bool
dpor_direct(const struct dpor *d, uint32_t i, uint32_t k)
{
	const struct dpor_node *nd = &d->node[k];

	return (dpor_dependent(&d->node[i].op, &nd->op) ||
	    ((d->node[i].enabled & EX_BIT(nd->who)) == 0 &&
		(d->node[i + 1].enabled & EX_BIT(nd->who)) != 0) ||
	    d->node[i].timers != nd->timers);
}

/*
 * With step `i` taken out, and what must come behind it: who of the steps from
 * `i` to `k`, the last one included, could be first?
 */
static uint64_t
dpor_initials(
    const struct dpor *d, uint32_t i, uint32_t k, const struct dpor_clock *past)
{
	const unsigned p = d->node[i].who, last = d->node[k].who;
	struct dpor_clock c = *past; /* of step k, without i */
	uint16_t step[EX_ENTITIES];  /* 1 + the first one of each process */
	uint64_t first = 0, seen = 0;

	for (uint32_t j = i + 1; j < k; j++) {
		const unsigned q = d->node[j].who;
		uint64_t w = seen;

		if (d->clock[j].of[p] > i)
			continue; /* behind i */
		if (dpor_direct(d, j, k))
			dpor_join(&c, &d->clock[j]);
		if ((seen & EX_BIT(q)) != 0)
			continue;
		while (w != 0 &&
		    d->clock[j].of[eph_cpuword_first(w)] <
			step[eph_cpuword_first(w)])
			w &= w - 1;
		if (w == 0)
			first |= EX_BIT(q);
		seen |= EX_BIT(q);
		step[q] = (uint16_t)(j + 1);
	}
	if ((seen & EX_BIT(last)) != 0)
		return (first);
	for (uint64_t w = seen; w != 0; w &= w - 1) {
		const unsigned q = eph_cpuword_first(w);

		if (c.of[q] >= step[q])
			return (first);
	}
	return (first | EX_BIT(last));
}

/* Could step `k`, which `i` does not lead to by itself, be made before it? */
static bool
dpor_reversible(const struct dpor *d, uint32_t i, uint32_t k)
{
	const uint64_t bit = EX_BIT(d->node[k].who);
	uint32_t j = k;

	/* A lock is not to be had before it is given back. */
	if (d->node[i].op.kind == EPH_POINT_UNLOCK &&
	    d->node[k].op.kind == EPH_POINT_LOCK &&
	    d->node[i].op.obj == d->node[k].op.obj)
		return (false);
	if ((d->node[i].enabled & bit) != 0)
		return (true);
	/* Then not before step j-1 has let it go on. */
	while ((d->node[j - 1].enabled & bit) != 0)
		j--;
	return (j - 1 != i && d->clock[j - 1].of[d->node[i].who] <= i);
}

/* Steps `i` and `k` race: is the other order tried?  False: it cannot be. */
static bool
dpor_reverse(
    struct dpor *d, uint32_t i, uint32_t k, const struct dpor_clock *past)
{
	struct dpor_node *nd = &d->node[i];
	uint64_t first;

	if (!dpor_reversible(d, i, k))
		return (false);
	first = dpor_initials(d, i, k, past) & nd->enabled;
	if (first == 0)
		return (false);
	if ((first & (nd->wanted | nd->asleep)) == 0)
		nd->wanted |= (first & EX_BIT(d->node[k].who)) != 0
		    ? EX_BIT(d->node[k].who)
		    : first & -first;
	return (true);
}

/* Step `k` is chosen: its clock, and its races with earlier ones. */
static void
dpor_step(struct dpor *d, uint32_t k)
{
	const unsigned who = d->node[k].who;
	struct dpor_clock past = { { 0 } }, forced, *c = &d->clock[k];
	uint32_t i;

	for (i = k; i > 0 && d->node[i - 1].who != who;)
		i--;
	if (i > 0)
		past = d->clock[i - 1];
	*c = forced = past;
	for (i = k; i-- > 0;) {
		if (!dpor_direct(d, i, k))
			continue;
		if (!dpor_before(d, i, &forced) && dpor_reverse(d, i, k, &past))
			dpor_join(&forced, &d->clock[i]);
		dpor_join(c, &d->clock[i]);
	}
	c->of[who] = (uint16_t)(k + 1);
}

/* The strategy */

static int
dpor_create(struct explore *ex)
{
	struct dpor *d = ex->strategy_state;

	d->node = malloc(EX_STEPS_MAX * sizeof(*d->node));
	d->clock = malloc(EX_STEPS_MAX * sizeof(*d->clock));
	return (d->node != NULL && d->clock != NULL ? 0 : ENOMEM);
}

static void
dpor_destroy(struct explore *ex)
{
	struct dpor *d = ex->strategy_state;

	free(d->node);
	free(d->clock);
}

static void
dpor_begin(struct explore *ex)
{
	struct dpor *d = ex->strategy_state;

	d->at = 0;
	d->asleep = 0;
	for (unsigned i = 0; i < d->nhard; i++)
		d->hard[i].left = d->hard[i].most;
}

/* Hardware at once; then who ran, so that there are few switches. */
static unsigned
dpor_first(uint64_t awake, unsigned cur)
{
	if ((awake & DPOR_HARDWARE) != 0)
		awake &= DPOR_HARDWARE;
	return (eph__explore_default(awake, cur));
}

static void
dpor_new(struct explore *ex, struct dpor *d, uint64_t enabled, unsigned cur)
{
	struct dpor_node *nd = &d->node[d->n];

	if (d->n >= UINT16_MAX - 1)
		eph__explore_stop(ex, EX_LIVELOCK);
	*nd = (struct dpor_node){
		.enabled = enabled,
		.asleep = d->asleep,
		.cur = (uint8_t)cur,
		.timers = ex->fired,
	};
	if ((enabled & ~nd->asleep) == 0)
		eph__explore_stop(ex, EX_PRUNED);
	nd->who = (uint8_t)dpor_first(enabled & ~nd->asleep, cur);
	nd->wanted = EX_BIT(nd->who);
	d->n++;
}

/* Who sleeps on behind a node. */
static uint64_t
dpor_asleep_after(
    const struct explore *ex, const struct dpor *d, const struct dpor_node *nd)
{
	uint64_t after = 0;

	for (uint64_t w = nd->asleep & ~EX_BIT(nd->who); w != 0; w &= w - 1) {
		const unsigned q = eph_cpuword_first(w);
		const struct dpor_op op = dpor_op(ex, d, q);

		if (!dpor_dependent(&op, &nd->op))
			after |= EX_BIT(q);
	}
	return (after);
}

/*
 * Who could move, and do something: not who would find a lock taken.  Where
 * that is all that is left, it is a deadlock, and they shall run into it.
 */
static uint64_t
dpor_enabled(const struct explore *ex, const struct dpor *d, uint64_t enabled)
{
	uint64_t set = enabled;

	for (uint64_t w = enabled & ex->ready; w != 0; w &= w - 1) {
		const struct ex_entity *e = &ex->entity[eph_cpuword_first(w)];
		const struct eph_mutex *mtx = e->op.obj;

		/* A point of the KVA's is no lock that anybody holds. */
		if (e->op.kind != EPH_POINT_LOCK || mtx == NULL ||
		    e->op.obj == (const void *)ex->mc->kva)
			continue;
		/* Relaxed: one host thread. */
		if (atomic_load_explicit(&mtx->held, memory_order_relaxed) !=
			0 &&
		    mtx->owner != &e->td)
			set &= ~EX_BIT(e->id);
	}
	return ((set != 0 ? set : enabled) | dpor_hard_enabled(ex, d));
}

static struct ex_choice
dpor_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct dpor *d = ex->strategy_state;
	const uint32_t k = d->at++;
	struct dpor_node *nd = &d->node[k];

	enabled = dpor_enabled(ex, d, enabled);
	if (k == d->n)
		dpor_new(ex, d, enabled, cur);
	else if (nd->enabled != enabled)
		PANIC("dpor: a step that was made again is another one");
	if (k >= d->fresh) {
		nd->op = dpor_op(ex, d, nd->who);
		dpor_step(d, k);
		d->fresh = k + 1;
	}
	if (k + 1 == d->n)
		d->asleep = dpor_asleep_after(ex, d, nd);
	if ((EX_BIT(nd->who) & DPOR_HARDWARE) != 0) {
		struct dpor_hard *h = &d->hard[nd->who - DPOR_FIRST];

		h->left--;
		return (dpor_hard_choice(ex, h));
	}
	return (ex_run(nd->who));
}

/* The schedule ended: to the last node where something is to be tried. */
static bool
dpor_next(struct explore *ex, enum ex_verdict v)
{
	struct dpor *d = ex->strategy_state;

	(void)v;
	dpor_pages(ex, d);
	ex->bounded = ex->adversary && (d->npages > 0 || ex->pages_full);
	for (; d->n > 0; d->n--) {
		struct dpor_node *nd = &d->node[d->n - 1];
		uint64_t left;

		nd->asleep |= EX_BIT(nd->who);
		left = nd->wanted & ~nd->asleep;
		if (left == 0)
			continue;
		nd->who = (uint8_t)dpor_first(left, nd->cur);
		d->fresh = d->n - 1;
		return (true);
	}
	d->fresh = 0;
	return (dpor_hard_next(ex, d));
}

const struct ex_strategy eph__ex_dpor = {
	.name = "dpor",
	.state = sizeof(struct dpor),
	.create = dpor_create,
	.destroy = dpor_destroy,
	.begin = dpor_begin,
	.pick = dpor_pick,
	.next = dpor_next,
};
