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

#include "exec/explore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "base/kassert.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/access.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EX_STACK ((size_t)256 << 10)
#else
#define EX_STACK ((size_t)64 << 10)
#endif

static struct explore *
explore_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

static bool
ex_is_intr(const struct ex_entity *e)
{
	return (e->id >= EX_INTR(0));
}

static void
ex_set_quiet(struct explore *ex, bool quiet)
{
	ex->quiet = quiet;
	ex->mc->at_once = quiet;
}

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

static uint64_t
ex_enabled(const struct explore *ex)
{
	uint64_t set = ex->ready;

	for (uint64_t w = ex->waiting; w != 0; w &= w - 1) {
		const unsigned id = eph_cpuword_first(w);

		if (ex_can_resume(ex, &ex->entity[id]))
			set |= EX_BIT(id);
	}
	for (unsigned c = 0; c < ex->mc->ncpus; c++)
		set = ex_cpu_enabled(ex, c, set);
	return (set);
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
eph__explore_can_fill(struct explore *ex, unsigned cpu, unsigned i)
{
	const struct eph_cpu *c = ex->mc->cpus[cpu];
	const struct eph_shadow *sh = shadow_cell(c, ex->page[i]);
	const eph_pte_t pte = machine_pte_get(ex->mc, c, ex->page[i]);

	return ((pte & EPH_PTE_V) != 0 &&
	    (!shadow_live(c, sh) || (sh->flags & EPH_SHADOW_GONE) != 0));
}

static void
ex_tlb_acts(struct explore *ex, struct ex_choice choice)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *was = mc->cur;
	struct eph_cpu *cpu;
	bool done;

	/* A schedule that was typed may name what is not there. */
	if (choice.who >= mc->ncpus || !kva_has_entry(mc, choice.page))
		return;
	cpu = mc->cpus[choice.who];
	done = choice.kind == EX_FILL ? eph__cpu_speculate(cpu, choice.page)
				      : eph__cpu_evict(cpu, choice.page);
	if (!done || !mc->has_observer)
		return;
	mc->cur = cpu;
	eph_machine_note(mc, "TLB %s page %u%s",
	    choice.kind == EX_FILL ? "loads" : "forgets", choice.page,
	    choice.kind == EX_FILL ? " by speculation" : "");
	mc->cur = was;
}

static uint64_t
ex_read(const void *obj, size_t size)
{
	/* Relaxed: one host thread. */
	if (size == 4)
		return (atomic_load_explicit(
		    (const _Atomic(uint32_t) *)obj, memory_order_relaxed));
	return (atomic_load_explicit(
	    (const _Atomic(uint64_t) *)obj, memory_order_relaxed));
}

static void
ex_write(void *obj, size_t size, uint64_t value)
{
	if (size == 4)
		atomic_store_explicit((_Atomic(uint32_t) *)obj, (uint32_t)value,
		    memory_order_relaxed);
	else
		atomic_store_explicit(
		    (_Atomic(uint64_t) *)obj, value, memory_order_relaxed);
}

/* The oldest store of CPU `c` becomes visible. */
static void
ex_buffer_drain_one(struct explore *ex, unsigned c)
{
	struct ex_cpu *ec = &ex->cpu[c];

	if (ec->nstores == 0)
		return;
	ex_write(ec->stores[0].obj, ec->stores[0].size, ec->stores[0].value);
	ec->nstores--;
	memmove(ec->stores, ec->stores + 1, ec->nstores * sizeof(*ec->stores));
	ex->progress++;
}

static void
ex_buffer_drain(struct explore *ex, unsigned c)
{
	while (ex->cpu[c].nstores > 0)
		ex_buffer_drain_one(ex, c);
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

/* Who goes on; NULL: nobody ever will. */
static struct ex_entity *
ex_choose(struct explore *ex)
{
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
			ex_tlb_acts(ex, c);
		else if (c.who >= EX_BUFFER(0))
			ex_buffer_drain_one(ex, c.who - EX_BUFFER(0));
		else
			return (&ex->entity[c.who]);
	}
}

_Noreturn void
eph__explore_stop(struct explore *ex, enum ex_verdict v)
{
	ex->verdict = v;
	eph__fiber_switch(ex->running, ex->host);
	abort();
}

/* Nobody can move: say why. */
static _Noreturn void
ex_quiescent(struct explore *ex)
{
	if (atomic_load_explicit(&ex->mc->nviolations, memory_order_relaxed) !=
	    0)
		eph__explore_stop(ex, EX_VIOLATION);
	if (ex->live == 0)
		eph__explore_stop(ex, EX_PASS);
	eph__explore_stop(ex, ex->waiting != 0 ? EX_DEADLOCK : EX_SLEEPERS);
}

static void
ex_set_status(struct explore *ex, struct ex_entity *e, enum ex_status status)
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

/* Go on as `next`; returns when somebody goes on as the caller. */
static void
ex_switch(struct explore *ex, struct fiber *self, struct ex_entity *next)
{
	struct ex_cpu *ec = &ex->cpu[next->cpu];

	if (next->status != EX_READY) {
		if (next->status == EX_OFF) /* an interrupt begins */
			ec->interrupted = ec->last;
		ex_set_status(ex, next, EX_READY);
	}
	ec->last = next;
	ex->cur = next;
	ex->mc->cur = ex->mc->cpus[next->cpu];
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
static void
ex_catch_up(struct explore *ex, struct ex_entity *e)
{
	struct ex_cpu *ec = &ex->cpu[e->cpu];
	struct eph_cpu *me = ex->mc->cpus[e->cpu];

	if (!ex_must_catch_up(ex, e))
		return;
	ex_buffer_drain(ex, e->cpu);
	atomic_store_explicit(&me->idle, 0, memory_order_relaxed);
	ec->switching = true;
	me->crit++;
	ex->mc->shootdown->catch_up(ex->mc);
	me->crit--;
	ec->switching = false;
}

/* The thread's context is loaded on its CPU: the design's switch hooks. */
static void
ex_load_context(struct explore *ex, struct ex_entity *e)
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
	if (ec->thread != NULL)
		ex->switch_out(ex->switch_arg);
	ec->thread = e;
	ex->switch_in(ex->switch_arg);
	ex->mc->cur->crit--;
	ec->switching = false;
}

static void
ex_unload_context(struct explore *ex, struct ex_entity *e)
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

/* Let somebody else go on, or the caller itself. */
static void
ex_yield(struct explore *ex, struct ex_entity *e)
{
	struct ex_entity *next = ex_choose(ex);

	if (next == NULL)
		ex_quiescent(ex);
	if (next != e || e->status != EX_READY)
		ex_switch(ex, e->fiber, next);
	ex_catch_up(ex, e);
	ex_load_context(ex, e);
}

/* The current entity has a status that stops it; wait to be chosen. */
static void
ex_wait(struct explore *ex, struct ex_entity *e, enum ex_status status)
{
	ex_set_status(ex, e, status);
	ex_yield(ex, e);
}

static void
ex_point(
    struct explore *ex, enum eph_point_kind kind, const void *obj, bool write)
{
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		return;
	/* Relaxed: one host thread. */
	if (eph_unlikely(atomic_load_explicit(
			     &ex->mc->nviolations, memory_order_relaxed) != 0))
		eph__explore_stop(ex, EX_VIOLATION);
	e->op = (struct ex_op){ obj, (uint8_t)kind, write };
	ex->mc->step = ex->nchoices;
	ex_yield(ex, e);
}

/* The current entity changed something that a busy wait may look at. */
static void
ex_progress(struct explore *ex)
{
	ex->progress++;
	ex->cur->own++;
}

/* Remember whose entry was stored, for the adversary. */
static void
ex_note_page(struct explore *ex, const void *slot)
{
	const struct eph_machine *mc = ex->mc;

	for (unsigned i = 0; i < ex->npages; i++) {
		if (ex->slot[i] == slot)
			return;
	}
	if (ex->npages == EX_PAGES)
		return;
	for (uint32_t p = 0; kva_has_entry(mc, p << EPH_PTP_SHIFT); p++) {
		const uintptr_t at = (uintptr_t)slot;
		uintptr_t first;

		first = (uintptr_t)&mc->ptp[p]->pte[0];
		if (at < first || at >= (uintptr_t)&mc->ptp[p]->origin[0])
			continue;
		ex->slot[ex->npages] = slot;
		ex->page[ex->npages++] = (p << EPH_PTP_SHIFT) +
		    (uint32_t)((at - first) / sizeof(mc->ptp[p]->pte[0]));
		return;
	}
}

static void
explore_point(struct eph_machine *mc, enum eph_point_kind kind, const void *obj,
    const char *what)
{
	struct explore *ex = explore_of(mc);

	if (kind == EPH_POINT_PTE && ex->adversary && !ex->quiet)
		ex_note_page(ex, obj);
	if (ex->quiet)
		return;
	ex_point(ex, kind, obj, true);
	ex_progress(ex);
	if (kind == EPH_POINT_PLAIN && mc->has_observer)
		eph_machine_note(mc, "%s", what);
}

/* A load or store: its walk may set A, which others read. */
static void
explore_before_access(struct eph_machine *mc, eph_va_t va, enum eph_touch touch)
{
	(void)touch;
	ex_point(explore_of(mc), EPH_POINT_TLB,
	    machine_pte(mc, mc->cur, machine_va_index(mc, va)), true);
}

/* Atomics */

static uint64_t
ex_apply(enum eph_atomic_op op, uint64_t old, uint64_t value, uint64_t expected)
{
	switch (op) {
	case EPH_ATOMIC_LOAD:
		return (old);
	case EPH_ATOMIC_STORE:
	case EPH_ATOMIC_SWAP:
		return (value);
	case EPH_ATOMIC_ADD:
		return (old + value);
	case EPH_ATOMIC_OR:
		return (old | value);
	case EPH_ATOMIC_AND:
		return (old & value);
	case EPH_ATOMIC_CAS:
		return (old == expected ? value : old);
	}
	return (old);
}

/* Old value as the CPU sees it, through its own store buffer. */
static uint64_t
ex_load_forwarded(struct ex_cpu *ec, const void *obj, size_t size)
{
	for (unsigned i = ec->nstores; i-- > 0;) {
		if (ec->stores[i].obj == obj)
			return (ec->stores[i].value);
	}
	return (ex_read(obj, size));
}

static void
ex_buffer_store(
    struct explore *ex, unsigned c, void *obj, size_t size, uint64_t value)
{
	struct ex_cpu *ec = &ex->cpu[c];

	if (ec->nstores == EX_STORES)
		ex_buffer_drain_one(ex, c);
	ec->stores[ec->nstores++] = (struct ex_store){ obj, size, value };
}

static uint64_t
explore_atomic_weak(struct explore *ex, enum eph_atomic_op op, void *obj,
    size_t size, uint64_t value, uint64_t expected, memory_order order)
{
	const unsigned c = ex->cur->cpu;
	uint64_t old;

	if (op == EPH_ATOMIC_LOAD)
		return (ex_load_forwarded(&ex->cpu[c], obj, size));
	if (op == EPH_ATOMIC_STORE && order != memory_order_seq_cst) {
		old = ex_load_forwarded(&ex->cpu[c], obj, size);
		ex_buffer_store(ex, c, obj, size, value);
		return (old);
	}
	ex_buffer_drain(ex, c);
	old = ex_read(obj, size);
	ex_write(obj, size, ex_apply(op, old, value, expected));
	return (old);
}

/* "&rv->gathered" is called gathered, "&in->from[me->id]" from. */
static int
ex_variable_name(const char *what, const char **name)
{
	const size_t end = strcspn(what, "[");

	*name = what;
	for (const char *p = what; p < what + end; p++) {
		if (p[0] == '.' || p[0] == '&' || (p[0] == '-' && p[1] == '>'))
			*name = p[0] == '-' ? p + 2 : p + 1;
	}
	return ((int)(what + end - *name));
}

static void
ex_atomic_event(struct explore *ex, enum eph_atomic_op op, const char *what,
    uint64_t old, uint64_t new_value, uint64_t value, size_t size)
{
	static const char *const verbs[] = {
		[EPH_ATOMIC_LOAD] = "load",
		[EPH_ATOMIC_STORE] = "store",
		[EPH_ATOMIC_ADD] = "add",
		[EPH_ATOMIC_OR] = "or",
		[EPH_ATOMIC_AND] = "and",
		[EPH_ATOMIC_SWAP] = "swap",
		[EPH_ATOMIC_CAS] = "cmpset",
	};
	const uint64_t minus = size == 4 ? UINT32_MAX : UINT64_MAX;
	const char *verb = verbs[op];
	const char *name;
	const int len = ex_variable_name(what, &name);
	char text[96];

	if (op == EPH_ATOMIC_ADD && (value == 1 || value == minus))
		verb = value == 1 ? "inc" : "dec";
	(void)snprintf(text, sizeof(text), "%s %.*s%s", verb, len, name,
	    op == EPH_ATOMIC_CAS && old == new_value ? " fails" : "");
	eph__machine_event(
	    ex->mc, EPH_EV_ATOMIC, ex->cur->cpu, 0, old, new_value, text);
}

static uint64_t
explore_atomic(struct eph_machine *mc, enum eph_atomic_op op, void *obj,
    size_t size, uint64_t value, uint64_t expected, memory_order order,
    const char *what)
{
	struct explore *ex = explore_of(mc);
	uint64_t old, after;

	ex_point(ex, EPH_POINT_ATOMIC, obj, op != EPH_ATOMIC_LOAD);
	if (eph_unlikely(ex->weak) && !ex->quiet) {
		old = explore_atomic_weak(
		    ex, op, obj, size, value, expected, order);
	} else {
		old = ex_read(obj, size);
		if (op != EPH_ATOMIC_LOAD)
			ex_write(obj, size, ex_apply(op, old, value, expected));
	}
	after = ex_apply(op, old, value, expected);
	if (size == 4)
		after = (uint32_t)after;
	if (ex->quiet)
		return (old);
	/* A store that changes nothing ends no busy wait. */
	if (after != old)
		ex_progress(ex);
	if (eph_unlikely(mc->has_observer))
		ex_atomic_event(ex, op, what, old, after, value, size);
	return (old);
}

/* Locks */

static void
explore_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		return;
	ex_point(ex, EPH_POINT_LOCK, mtx, true);
	if (mutex_owned(mtx)) {
		if (mtx->owner == &e->td)
			PANIC("a lock is taken by the thread that holds it");
		mc->cur->c.lock_contended++;
		e->waits_for = mtx;
		while (mutex_owned(mtx))
			ex_wait(ex, e, EX_ON_MUTEX);
	}
	/* Relaxed: one host thread. */
	atomic_store_explicit(&mtx->held, 1, memory_order_relaxed);
	mtx->owner = &e->td;
	ex_progress(ex);
	EPH_EVENT(mc, EPH_EV_LOCK, e->cpu, 0, 0, 1, mtx->name);
}

static void
explore_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct explore *ex = explore_of(mc);

	if (ex->quiet)
		return;
	ex_point(ex, EPH_POINT_UNLOCK, mtx, true);
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	ex_buffer_drain(ex, ex->cur->cpu);
	atomic_store_explicit(&mtx->held, 0, memory_order_relaxed);
	mtx->owner = NULL;
	ex_progress(ex);
	EPH_EVENT(mc, EPH_EV_LOCK, ex->cur->cpu, 0, 1, 0, mtx->name);
}

/* Sleeping */

static void
explore_sleepq_enter(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	if (ex->quiet)
		return;
	ex_point(ex, EPH_POINT_SLEEP, mc->sleepq, true);
	ex_progress(ex);
}

static void
explore_sleepq_exit(struct eph_machine *mc)
{
	(void)mc;
}

static void
explore_block(struct eph_machine *mc, struct eph_thread *td)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = td->exec;

	td->cpu = e->cpu;
	ex_unload_context(ex, e);
	/* What follows a sleep is this thread's own business. */
	e->op = (struct ex_op){ &ex->cpu[e->cpu], EPH_POINT_SLEEP, true };
	if (e->wakened)
		ex_yield(ex, e);
	else
		ex_wait(ex, e, EX_ASLEEP);
	e->wakened = false;
	ex_load_context(ex, e);
}

static void
explore_unblock(struct eph_machine *mc, struct eph_thread *td)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = td->exec;

	ex->progress++;
	if (e->status == EX_ASLEEP)
		ex_set_status(ex, e, EX_READY);
	else
		e->wakened = true;
}

static struct eph_thread *
explore_curthread(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	struct ex_cpu *ec;

	if (ex->cur == NULL)
		return (NULL);
	ec = &ex->cpu[ex->cur->cpu];
	return (ec->thread != NULL ? &ec->thread->td : &ex->cur->td);
}

/* Interrupts */

static void
ex_post(struct explore *ex, unsigned target, const struct eph_ipi *ipi,
    struct ex_entity *from)
{
	struct ex_cpu *ec = &ex->cpu[target];

	if (ec->npending == EX_PENDING)
		PANIC("more interrupts pending than a CPU can take");
	ec->pending[(ec->first + ec->npending++) % EX_PENDING] =
	    (struct ex_pending){ *ipi, from };
}

/* One interrupt on the current CPU. */
static void
ex_handle(struct explore *ex, const struct eph_ipi *ipi)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *me = mc->cur;

	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		for (unsigned k = 0; k < ipi->npages; k++) {
			me->c.invlpg_remote++;
			(void)eph__cpu_invlpg(me, ipi->va + eph_ptoa(k));
			EPH_EVENT(mc, EPH_EV_INVLPG, me->id,
			    ipi->va + eph_ptoa(k), 0, 0, NULL);
		}
		break;
	case EPH_IPI_FLUSH:
		me->c.flush_remote++;
		eph__cpu_flush(me, ipi->all);
		EPH_EVENT(mc, EPH_EV_FLUSH, me->id, ipi->va, 0, ipi->all, NULL);
		break;
	case EPH_IPI_CALL:
		ipi->fn(mc, ipi->arg);
		break;
	}
}

/* While nothing runs: all at once. */
static void
ex_ipi_now(
    struct explore *ex, const eph_cpuword_t *targets, const struct eph_ipi *ipi)
{
	struct eph_machine *mc = ex->mc;
	struct eph_cpu *was = mc->cur;

	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		was->c.ipi_sent++;
		mc->cur = mc->cpus[t];
		ex_handle(ex, ipi);
	}
	mc->cur = was;
}

static void
explore_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet) {
		ex_ipi_now(ex, targets, ipi);
		return;
	}
	ex_point(ex, EPH_POINT_IPI, NULL, true);
	ex_buffer_drain(ex, e->cpu);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		mc->cur->c.ipi_sent++;
		EPH_EVENT(mc, EPH_EV_IPI, t, ipi->va, 0, ipi->kind, NULL);
		ex_post(ex, t, ipi, wait ? e : NULL);
		e->acks += wait;
	}
	ex_progress(ex);
	if (e->acks > 0)
		ex_wait(ex, e, EX_ON_ACK);
}

static void
ex_intr_main(void *arg)
{
	struct ex_entity *e = arg;
	struct eph_machine *mc = e->td.mc;
	struct explore *ex = explore_of(mc);
	struct ex_cpu *ec = &ex->cpu[e->cpu];

	for (;;) {
		struct ex_entity *interrupted = ec->interrupted;

		ex_catch_up(ex, e);
		mc->cur->crit++;
		if (ec->npending > 0) {
			const struct ex_pending p = ec->pending[ec->first];

			ec->first = (ec->first + 1) % EX_PENDING;
			ec->npending--;
			ex_handle(ex, &p.ipi);
			ex_buffer_drain(ex, e->cpu);
			if (p.from != NULL)
				p.from->acks--;
		} else {
			lwkt_process_ipiq(mc);
		}
		mc->cur->crit--;
		ex->progress++;
		e->op.obj = NULL;
		if (interrupted != NULL)
			ec->last = interrupted;
		ex_wait(ex, e, EX_OFF);
	}
}

static void
explore_poll(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	const struct ex_cpu *ec;

	if (ex->cur == NULL || ex->quiet)
		return;
	ec = &ex->cpu[ex->cur->cpu];
	if (ec->npending > 0 || ec->nthreads > 1 || mc->cur->ipiq != NULL)
		ex_point(ex, EPH_POINT_CRIT, ec, true);
}

static void
explore_spin(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		PANIC("a busy wait where nothing else runs");
	if (atomic_load_explicit(&mc->nviolations, memory_order_relaxed) != 0)
		eph__explore_stop(ex, EX_VIOLATION);
	e->op.obj = NULL;
	/* What changed since the last round may be what is waited for. */
	if (ex->progress - e->own != e->seen) {
		e->seen = ex->progress - e->own;
		ex_yield(ex, e);
	} else {
		ex_wait(ex, e, EX_SPINNING);
	}
}

static int
explore_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);

	if (ex->ntimers == EX_TIMERS)
		return (ENOMEM);
	ex->timer[ex->ntimers++] = (struct ex_timer){ at_ns, cpu, fn, arg };
	return (0);
}

static void
explore_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);

	for (unsigned i = 0; i < ex->ntimers; i++) {
		if (ex->timer[i].fn != fn || ex->timer[i].arg != arg)
			continue;
		memmove(&ex->timer[i], &ex->timer[i + 1],
		    (--ex->ntimers - i) * sizeof(ex->timer[i]));
		return;
	}
}

/* Threads */

static void
ex_thread_main(void *arg)
{
	struct ex_entity *e = arg;
	struct explore *ex = explore_of(e->td.mc);

	ex_catch_up(ex, e);
	ex_load_context(ex, e);
	e->td.fn(e->td.arg);
	ex_unload_context(ex, e);
	ex->live--;
	ex->progress++;
	if (ex->mc->cur->crit != 0)
		PANIC("a thread ended in a critical section");
	ex_wait(ex, e, EX_OFF);
	PANIC("a thread that ended runs");
}

static int
ex_entity_init(struct explore *ex, unsigned id, unsigned cpu)
{
	struct ex_entity *e = &ex->entity[id];

	if (e->fiber == NULL)
		e->fiber = eph__fiber_create(EX_STACK, ex_intr_main, e);
	if (e->fiber == NULL)
		return (ENOMEM);
	e->id = id;
	e->cpu = cpu;
	ex->cpu[cpu].mask |= EX_BIT(id);
	return (0);
}

static struct eph_thread *
explore_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = &ex->entity[ex->nthreads];

	KASSERT(ex->cur == NULL, "threads are created before they run");
	if (ex->nthreads == EX_THREADS ||
	    ex_entity_init(ex, ex->nthreads, cpu) != 0)
		return (NULL);
	e->td.mc = mc;
	e->td.cpu = cpu;
	e->td.fn = fn;
	e->td.arg = arg;
	e->td.exec = e;
	ex->cpu[cpu].nthreads++;
	ex->nthreads++;
	return (&e->td);
}

/* One schedule. */

static void
ex_reset_entity(struct explore *ex, struct ex_entity *e)
{
	void (*fn)(void *arg) = e->td.fn;
	void *arg = e->td.arg;

	memset(&e->td, 0, sizeof(e->td));
	e->td.mc = ex->mc;
	e->td.cpu = e->cpu;
	e->td.exec = e;
	e->td.fn = fn;
	e->td.arg = arg;
	e->acks = 0;
	e->seen = e->own = 0;
	e->wakened = false;
	e->waits_for = NULL;
	e->op = (struct ex_op){ ex_is_intr(e) ? NULL : (void *)&ex->cpu[e->cpu],
		EPH_POINT_CRIT, true };
	eph__fiber_reset(
	    e->fiber, ex_is_intr(e) ? ex_intr_main : ex_thread_main, e);
	ex_set_status(ex, e, ex_is_intr(e) ? EX_OFF : EX_READY);
}

static void
ex_reset(struct explore *ex)
{
	ex->ready = ex->waiting = 0;
	ex->progress = 1;
	ex->steps = ex->nchoices = 0;
	ex->npages = 0;
	ex->ntimers = 0;
	ex_set_quiet(ex, false);
	ex->why[0] = '\0';
	ex->live = ex->nthreads;
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		struct ex_cpu *ec = &ex->cpu[c];

		ec->npending = ec->first = ec->nstores = 0;
		ec->thread = NULL;
		ec->switching = false;
		ec->interrupted = NULL;
		ec->last = &ex->entity[EX_INTR(c)];
		ex_reset_entity(ex, ec->last);
	}
	for (unsigned i = 0; i < ex->nthreads; i++)
		ex_reset_entity(ex, &ex->entity[i]);
}

static void
ex_panic(void *arg, const char *why, const char *file, int line)
{
	struct explore *ex = arg;
	const char *slash = strrchr(file, '/');

	(void)snprintf(ex->why, sizeof(ex->why), "panic: %s (%s:%d)", why,
	    slash != NULL ? slash + 1 : file, line);
	eph__explore_stop(ex, EX_PANIC);
}

enum ex_verdict
eph__explore_run(struct explore *ex)
{
	struct ex_entity *first;

	if (ex->nthreads == 0)
		return (EX_PASS);
	ex_reset(ex);
	eph__panic_set_handler(ex_panic, ex);
	ex->cur = &ex->entity[0];
	ex->running = ex->host;
	ex->strategy->begin(ex);
	first = ex_choose(ex);
	ex_switch(ex, ex->host, first);
	eph__panic_set_handler(NULL, NULL);
	ex->cur = NULL;
	ex_set_quiet(ex, true);
	ex->running = ex->host;
	ex->total_steps += ex->nchoices;
	if (ex->nchoices > ex->k)
		ex->k = ex->nchoices;
	return (ex->verdict);
}

static unsigned
explore_run_op(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	(void)eph__explore_run(ex);
	return (ex->live);
}

static void
ex_call_main(void *arg)
{
	struct explore *ex = arg;

	ex->call_fn(ex->call_arg);
	eph__explore_stop(ex, EX_PASS);
}

enum ex_verdict
eph__explore_call(struct explore *ex, void (*fn)(void *arg), void *arg)
{
	ex->call_fn = fn;
	ex->call_arg = arg;
	eph__fiber_reset(ex->spare, ex_call_main, ex);
	eph__panic_set_handler(ex_panic, ex);
	ex->running = ex->spare;
	eph__fiber_switch(ex->host, ex->spare);
	ex->running = ex->host;
	eph__panic_set_handler(NULL, NULL);
	return (ex->verdict);
}

/* Life */

static void
explore_destroy(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	if (ex->strategy != NULL)
		ex->strategy->destroy(ex);
	for (unsigned i = 0; i < EX_ENTITIES; i++)
		eph__fiber_destroy(ex->entity[i].fiber);
	eph__fiber_destroy(ex->spare);
	eph__fiber_destroy(ex->host);
	free(ex->choices);
	free(ex);
	mc->exec = NULL;
}

int
eph__explore_set_strategy(
    struct explore *ex, const struct ex_strategy *strategy)
{
	if (ex->strategy != NULL)
		ex->strategy->destroy(ex);
	ex->strategy = NULL;
	ex->strategy_state = NULL;
	if (strategy->create(ex) != 0)
		return (ENOMEM);
	ex->strategy = strategy;
	return (0);
}

static const struct eph_exec_ops eph_exec_explore = {
	.name = "explore",
	.summary = "one host thread, and a scheduler that may switch anywhere",
	.lock = explore_mutex_enter,
	.unlock = explore_mutex_exit,
	.sleepq_enter = explore_sleepq_enter,
	.sleepq_exit = explore_sleepq_exit,
	.block = explore_block,
	.unblock = explore_unblock,
	.curthread = explore_curthread,
	.ipi = explore_ipi,
	.poll = explore_poll,
	.spin = explore_spin,
	.point = explore_point,
	.atomic = explore_atomic,
	.timer = explore_timer,
	.untimer = explore_untimer,
	.thread_create = explore_thread_create,
	.run = explore_run_op,
	.destroy = explore_destroy,
};

int
eph__explore_attach(struct eph_machine *mc, struct explore **exp)
{
	struct explore *ex = calloc(1, sizeof(*ex));

	KASSERT(mc->ncpus <= EX_CPUS, "more CPUs than explore has entities");
	if (ex == NULL)
		return (ENOMEM);
	ex->choices = malloc(EX_STEPS_MAX * sizeof(*ex->choices));
	ex->host = eph__fiber_create_host();
	ex->spare = eph__fiber_create(EX_STACK, ex_call_main, ex);
	mc->exec->destroy(mc);
	mc->exec = &eph_exec_explore;
	mc->exec_state = ex;
	mc->mode = EPH_EXPLORE;
	ex->mc = mc;
	ex_set_quiet(ex, true);
	ex->steps_max = 20000;
	if (ex->choices == NULL || ex->host == NULL || ex->spare == NULL)
		return (ENOMEM);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (ex_entity_init(ex, EX_INTR(c), c) != 0)
			return (ENOMEM);
		ex->entity[EX_INTR(c)].td.mc = mc;
	}
	mc->has_points = true;
	mc->before_access = explore_before_access;
	*exp = ex;
	return (0);
}
