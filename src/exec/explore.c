/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Explore: one host thread, and a scheduler that may switch anywhere.
 *
 * Idea.  Design code runs unchanged on fibers.  Before every operation that
 * another CPU could notice it comes here (a scheduling point), and a
 * strategy says who moves next: a thread, the interrupt of a CPU, a store
 * buffer, or a TLB that loads or forgets a translation unasked.  Everything
 * else is deterministic, so the row of choices is the whole schedule: it can
 * be replayed, shrunk and printed.
 *
 * Invariants.  A CPU runs one entity at a time; while its critical-section
 * count is above zero only the entity that ran there last may go on, but
 * for interrupts that a busy wait answers.  An interrupt handler runs on a
 * stack of its own inside a critical section, so the interrupted thread
 * waits for its end.  A waiting entity is not a choice until what it waits
 * for has happened, so that a busy wait costs one step a round.
 *
 * A schedule that fails is left where it stands: its fibers start afresh,
 * and the machine's memory is brought back by eph_machine_rewind().
 *
 * Time passes only when nothing else can happen: then the earliest timer
 * fires.
 *
 * Weak memory (total store order): relaxed and release stores go into a
 * buffer of their CPU, which drains when the scheduler says so, at the
 * latest with the CPU's next read-modify-write, sequentially consistent
 * store, unlock, interrupt sent, or acknowledgement.
 */

#include "exec/explore_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"

/* Who can move. */

static bool
ex_answers(const struct ex_entity *e)
{
	return (
	    e != NULL && (e->status == EX_SPINNING || e->status == EX_ON_ACK));
}

static bool
ex_can_resume(const struct explore *ex, const struct ex_entity *e)
{
	switch (e->status) {
	case EX_ON_MUTEX:
		/* Relaxed: one host thread. */
		return (atomic_load_explicit(
			    &e->waits_for->held, memory_order_relaxed) == 0);
	case EX_SPINNING:
		return (ex->progress - e->own != e->seen);
	case EX_ON_ACK:
		return (e->acks == 0);
	default:
		return (false);
	}
}

/* What the state of CPU `c` adds to `set` and forbids. */
static uint64_t
ex_cpu_enabled(const struct explore *ex, unsigned c, uint64_t set)
{
	const struct ex_cpu *ec = &ex->cpu[c];
	const struct eph_cpu *cpu = ex->mc->cpus[c];
	uint64_t allowed;

	if (ex->entity[EX_INTR(c)].status == EX_OFF &&
	    (ec->npending != 0 ||
		(cpu->ipiq != NULL && lwkt_ipiq_pending(ex->mc, c))))
		set |= EX_BIT(EX_INTR(c));
	if (ec->nstores != 0)
		set |= EX_BIT(EX_BUFFER(c));
	if (cpu->crit == 0)
		return (set);
	allowed = EX_BIT(ec->last->id);
	if (ex_answers(ec->last))
		allowed |= EX_BIT(EX_INTR(c));
	return (set & (~ec->mask | allowed));
}

static inline uint64_t
ex_enabled(const struct explore *ex)
{
	uint64_t set = ex->ready;

	for (uint64_t w = ex->waiting; w != 0; w &= w - 1) {
		const unsigned id = eph_cpuword_first(w);

		if (ex_can_resume(ex, &ex->entity[id]))
			set |= EX_BIT(id);
	}
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		const struct ex_cpu *ec = &ex->cpu[c];
		const struct eph_cpu *cpu = ex->mc->cpus[c];

		/* Mostly nothing waits there, and nothing is forbidden. */
		if ((ec->npending | ec->nstores | cpu->crit) != 0 ||
		    cpu->ipiq != NULL)
			set = ex_cpu_enabled(ex, c, set);
	}
	return (set);
}

uint64_t
eph__ex_enabled(const struct explore *ex)
{
	return (ex_enabled(ex));
}

unsigned
eph__explore_default(uint64_t enabled, unsigned cur)
{
	if ((enabled & EX_BIT(cur)) != 0)
		return (cur);
	return (eph_cpuword_first(enabled));
}

bool
eph__explore_independent(const struct ex_entity *a, const struct ex_entity *b)
{
	if (a->cpu == b->cpu || a->op.obj == NULL || b->op.obj == NULL)
		return (false);
	return (a->op.obj != b->op.obj || (!a->op.write && !b->op.write));
}

/* What happens without an entity. */

bool
eph__explore_can_act(const struct explore *ex, struct ex_choice c)
{
	const struct eph_cpu *cpu;
	const struct eph_shadow *sh;
	bool held;

	/* A schedule that was typed may name what is not there. */
	if (c.who >= ex->mc->ncpus || !kva_has_entry(ex->mc, c.page))
		return (false);
	cpu = ex->mc->cpus[c.who];
	sh = shadow_cell(cpu, c.page);
	held = shadow_live(cpu, sh) && (sh->key & EPH_SHADOW_GONE) == 0;
	if (c.kind == EX_DROP)
		return (held);
	return (
	    !held && (machine_pte_get(ex->mc, cpu, c.page) & EPH_PTE_V) != 0);
}

bool
eph__explore_can_fill(const struct explore *ex, unsigned cpu, unsigned i)
{
	return (eph__explore_can_act(ex,
	    (struct ex_choice){
		EX_FILL, (uint8_t)cpu, (uint16_t)ex->page[i] }));
}

void
eph__ex_tlb_acts(struct explore *ex, struct ex_choice choice)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *was = mc->cur;
	struct eph_cpu *cpu;

	if (!eph__explore_can_act(ex, choice))
		return;
	cpu = mc->cpus[choice.who];
	if (choice.kind == EX_FILL)
		(void)eph__cpu_speculate(cpu, choice.page);
	else
		(void)eph__cpu_evict(cpu, choice.page);
	if (!mc->has_observer)
		return;
	mc->cur = cpu;
	eph_machine_note(mc, "TLB %s address %u%s",
	    choice.kind == EX_FILL ? "loads" : "forgets", choice.page,
	    choice.kind == EX_FILL ? " by speculation" : "");
	mc->cur = was;
}

/* Nothing can move: let time pass to the earliest timer. */
static bool
ex_timer_fire(struct explore *ex)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *was = mc->cur;
	struct ex_timer t;
	unsigned first = 0;

	if (ex->ntimers == 0)
		return (false);
	for (unsigned i = 1; i < ex->ntimers; i++) {
		if (ex->timer[i].at_ns < ex->timer[first].at_ns)
			first = i;
	}
	t = ex->timer[first];
	memmove(&ex->timer[first], &ex->timer[first + 1],
	    (--ex->ntimers - first) * sizeof(t));
	if (t.at_ns > mc->clock_ns)
		mc->clock_ns = t.at_ns;
	mc->cur = mc->cpus[t.cpu];
	ex->fired++;
	ex_set_quiet(ex, true);
	t.fn(mc, t.arg);
	ex_set_quiet(ex, false);
	mc->cur = was;
	return (true);
}

/* Switching. */

static void
ex_record(struct explore *ex, struct ex_choice choice)
{
	if (ex->nchoices >= EX_STEPS_MAX || ex->nchoices >= ex->steps_max)
		eph__explore_stop(ex, EX_LIVELOCK);
	ex->choices[ex->nchoices++] = choice;
}

/* Let time pass until an entity can move; false: none ever will. */
bool
eph__ex_settle(struct explore *ex)
{
	while (ex_enabled(ex) == 0) {
		if (!ex_timer_fire(ex))
			return (false);
	}
	return (true);
}

/* The entity that goes on; NULL: none ever will. */
struct ex_entity *
eph__ex_choose(struct explore *ex)
{
	if (ex->strategy->stop != NULL)
		return (ex->strategy->stop(ex) ? ex->cur : NULL);
	for (;;) {
		const uint64_t enabled = ex_enabled(ex);
		struct ex_choice c;

		if (enabled == 0) {
			if (ex_timer_fire(ex))
				continue;
			return (NULL);
		}
		c = ex->strategy->pick(ex, enabled, ex->cur->id);
		ex_record(ex, c);
		if (c.kind != EX_RUN)
			eph__ex_tlb_acts(ex, c);
		else if (c.who >= EX_BUFFER(0))
			eph__ex_buffer_drain_one(ex, c.who - EX_BUFFER(0));
		else
			return (&ex->entity[c.who]);
	}
}

_Noreturn void
eph__explore_stop(struct explore *ex, enum ex_verdict v)
{
	ex->verdict = v;
	eph__fiber_switch(ex->running, ex->host);
	PANIC("a schedule that was given up went on");
}

/* No entity can move: why? */
enum ex_verdict
eph__ex_quiet_verdict(const struct explore *ex)
{
	/* Relaxed: one host thread. */
	if (atomic_load_explicit(&ex->mc->nviolations, memory_order_relaxed) !=
	    0)
		return (EX_VIOLATION);
	if (ex->live == 0)
		return (EX_PASS);
	return (ex->waiting != 0 ? EX_DEADLOCK : EX_SLEEPERS);
}

void
eph__ex_set_status(
    struct explore *ex, struct ex_entity *e, enum ex_status status)
{
	const uint64_t bit = EX_BIT(e->id);

	e->status = status;
	ex->ready &= ~bit;
	ex->waiting &= ~bit;
	if (status == EX_READY)
		ex->ready |= bit;
	else if (status != EX_OFF && status != EX_ASLEEP)
		ex->waiting |= bit;
	if ((ex->mc->shootflags & EPH_SHOOT_IDLE) != 0 &&
	    ((ex->ready | ex->waiting) & ex->cpu[e->cpu].mask) == 0)
		/* Relaxed: one host thread. */
		atomic_store_explicit(
		    &ex->mc->cpus[e->cpu]->idle, 1, memory_order_relaxed);
}

/* `next` is who runs from now on. */
void
eph__ex_enter(struct explore *ex, struct ex_entity *next)
{
	struct ex_cpu *ec = &ex->cpu[next->cpu];

	if (next->status != EX_READY) {
		/* An interrupt begins; whose critical section is it in? */
		if (next->status == EX_OFF)
			ec->interrupted = ex->mc->cpus[next->cpu]->crit != 0
			    ? ec->last
			    : NULL;
		eph__ex_set_status(ex, next, EX_READY);
	}
	ec->last = next;
	ex->cur = next;
	ex->mc->cur = ex->mc->cpus[next->cpu];
}

/* Go on as `next`; returns when another goes on as the caller. */
void
eph__ex_switch(struct explore *ex, struct fiber *self, struct ex_entity *next)
{
	eph__ex_enter(ex, next);
	if (next->fiber == self)
		return;
	ex->running = next->fiber;
	eph__fiber_switch(self, next->fiber);
}

/* Must what a shootdown protocol has put off be done before `e` goes on? */
static bool
ex_must_catch_up(const struct explore *ex, const struct ex_entity *e)
{
	const struct ex_cpu *ec = &ex->cpu[e->cpu];
	const struct eph_machine *mc = ex->mc;

	if (eph_likely(mc->shootflags == 0) || ec->switching)
		return (false);
	/* Relaxed: one host thread. */
	if ((mc->shootflags & EPH_SHOOT_IDLE) != 0 &&
	    atomic_load_explicit(
		&mc->cpus[e->cpu]->idle, memory_order_relaxed) != 0)
		return (true);
	return ((mc->shootflags & EPH_SHOOT_TICK) != 0 && !ex_is_intr(e) &&
	    ec->thread != e);
}

/*
 * The entity goes on where its CPU was idle, or another thread ran.  That it
 * was chosen is the scheduling point before the store to `idle`.
 */
void
eph__ex_catch_up(struct explore *ex, struct ex_entity *e)
{
	struct ex_cpu *ec = &ex->cpu[e->cpu];
	struct eph_cpu *me = ex->mc->cpus[e->cpu];

	if (!ex_must_catch_up(ex, e))
		return;
	eph__ex_buffer_drain(ex, e->cpu);
	atomic_store_explicit(&me->idle, 0, memory_order_relaxed);
	ec->switching = true;
	me->crit++;
	eph_shoot_catch_up(ex->mc);
	me->crit--;
	ec->switching = false;
}

/* The thread's context is loaded on its CPU: the design's switch hooks. */
void
eph__ex_load_context(struct explore *ex, struct ex_entity *e)
{
	struct ex_cpu *ec = &ex->cpu[e->cpu];

	if (ec->thread == e || ec->switching || ex_is_intr(e))
		return;
	if (ex->switch_in == NULL) {
		ec->thread = e;
		return;
	}
	ec->switching = true;
	ex->mc->cur->crit++;
	if (ec->thread != NULL && ex->switch_out != NULL)
		ex->switch_out(ex->switch_arg);
	ec->thread = e;
	ex->switch_in(ex->switch_arg);
	ex->mc->cur->crit--;
	ec->switching = false;
}

void
eph__ex_unload_context(struct explore *ex, struct ex_entity *e)
{
	struct ex_cpu *ec = &ex->cpu[e->cpu];

	if (ec->thread != e)
		return;
	if (ex->switch_out != NULL) {
		ec->switching = true;
		ex->mc->cur->crit++;
		ex->switch_out(ex->switch_arg);
		ex->mc->cur->crit--;
		ec->switching = false;
	}
	ec->thread = NULL;
}

/* Let another entity go on, or the caller itself. */
void
eph__ex_yield(struct explore *ex, struct ex_entity *e)
{
	struct ex_entity *next = eph__ex_choose(ex);

	if (next == NULL)
		eph__explore_stop(ex, eph__ex_quiet_verdict(ex));
	if (next != e || e->status != EX_READY)
		eph__ex_switch(ex, e->fiber, next);
	eph__ex_catch_up(ex, e);
	eph__ex_load_context(ex, e);
}

/* The current entity has a status that stops it; wait to be chosen. */
void
eph__ex_wait(struct explore *ex, struct ex_entity *e, enum ex_status status)
{
	eph__ex_set_status(ex, e, status);
	eph__ex_yield(ex, e);
}

static void
ex_point_op(struct explore *ex, struct ex_op op)
{
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		return;
	/* Relaxed: one host thread. */
	if (eph_unlikely(atomic_load_explicit(
			     &ex->mc->nviolations, memory_order_relaxed) != 0))
		eph__explore_stop(ex, EX_VIOLATION);
	/* Behind the hooks of a switch comes what the thread was about to do. */
	if (ex->cpu[e->cpu].switching)
		op.obj = NULL;
	e->op = op;
	ex->mc->step = ex->nchoices;
	eph__ex_yield(ex, e);
}

void
eph__ex_point(
    struct explore *ex, enum eph_point_kind kind, const void *obj, bool write)
{
	ex_point_op(ex, (struct ex_op){ obj, (uint8_t)kind, write, 0, false });
}

void
eph__ex_point_access(struct explore *ex, const void *slot, bool store)
{
	ex_point_op(ex, (struct ex_op){ slot, EPH_POINT_TLB, true, 0, store });
}

void
eph__ex_point_ipi(struct explore *ex, uint16_t cpus)
{
	ex_point_op(
	    ex, (struct ex_op){ NULL, EPH_POINT_IPI, true, cpus, false });
}
