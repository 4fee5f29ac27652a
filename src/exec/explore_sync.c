/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What threads share: page-table entries, atomics, locks, sleep queues.
 * Each comes to the scheduler before it acts.
 */

#include "exec/explore_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "machine/access.h"

/* Page-table entries, and accesses. */

/* Remember whose entry was stored, for the adversary. */
static void
ex_note_page(struct explore *ex, const void *slot)
{
	const struct eph_machine *mc = ex->mc;

	for (unsigned i = 0; i < ex->npages; i++) {
		if (ex->slot[i] == slot)
			return;
	}
	if (ex->npages == EX_PAGES) {
		ex->pages_full = true;
		return;
	}
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

void
eph__explore_point(struct eph_machine *mc, enum eph_point_kind kind,
    const void *obj, const char *what)
{
	struct explore *ex = explore_of(mc);

	if (kind == EPH_POINT_PTE && ex->adversary && !ex->quiet)
		ex_note_page(ex, obj);
	if (ex->quiet)
		return;
	eph__ex_point(ex, kind, obj, true);
	ex_progress(ex);
	if (kind == EPH_POINT_PLAIN && mc->has_observer)
		eph_machine_note(mc, "%s", what);
	ex_clear(ex);
}

/* A load or store: its walk may set A, which others read. */
void
eph__explore_before_access(
    struct eph_machine *mc, eph_va_t va, enum eph_touch touch)
{
	eph__ex_point_access(explore_of(mc),
	    machine_pte(mc, mc->cur, machine_va_index(mc, va)),
	    touch == EPH_TOUCH_WRITE);
	ex_clear(explore_of(mc));
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

static uint64_t
explore_atomic_weak(struct explore *ex, enum eph_atomic_op op, void *obj,
    size_t size, uint64_t value, uint64_t expected, memory_order order)
{
	const unsigned c = ex->cur->cpu;
	uint64_t old;

	if (op == EPH_ATOMIC_LOAD)
		return (eph__ex_load_forwarded(&ex->cpu[c], obj, size));
	if (op == EPH_ATOMIC_STORE && order != memory_order_seq_cst) {
		old = eph__ex_load_forwarded(&ex->cpu[c], obj, size);
		eph__ex_buffer_store(ex, c, obj, size, value);
		return (old);
	}
	eph__ex_buffer_drain(ex, c);
	old = eph__ex_read(obj, size);
	eph__ex_write(obj, size, ex_apply(op, old, value, expected));
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

uint64_t
eph__explore_atomic(struct eph_machine *mc, enum eph_atomic_op op, void *obj,
    size_t size, uint64_t value, uint64_t expected, memory_order order,
    const char *what)
{
	struct explore *ex = explore_of(mc);
	uint64_t old, after;

	eph__ex_point(ex, EPH_POINT_ATOMIC, obj, op != EPH_ATOMIC_LOAD);
	if (eph_unlikely(ex->weak) && !ex->quiet) {
		old = explore_atomic_weak(
		    ex, op, obj, size, value, expected, order);
	} else {
		old = eph__ex_read(obj, size);
		if (op != EPH_ATOMIC_LOAD)
			eph__ex_write(
			    obj, size, ex_apply(op, old, value, expected));
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
	ex_clear(ex);
	return (old);
}

/* Locks */

void
eph__explore_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = ex->cur;

	if (ex->quiet)
		return;
	eph__ex_point(ex, EPH_POINT_LOCK, mtx, true);
	if (mutex_owned(mtx)) {
		if (mtx->owner == &e->td)
			PANIC("a lock is taken by the thread that holds it");
		mc->cur->c.lock_contended++;
		e->waits_for = mtx;
		while (mutex_owned(mtx))
			eph__ex_wait(ex, e, EX_ON_MUTEX);
	}
	/* Relaxed: one host thread. */
	atomic_store_explicit(&mtx->held, 1, memory_order_relaxed);
	mtx->owner = &e->td;
	ex_progress(ex);
	EPH_EVENT(mc, EPH_EV_LOCK, e->cpu, 0, 0, 1, mtx->name);
	ex_clear(ex);
}

void
eph__explore_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct explore *ex = explore_of(mc);

	if (ex->quiet)
		return;
	eph__ex_point(ex, EPH_POINT_UNLOCK, mtx, true);
	if (!mutex_owned(mtx))
		PANIC("releasing a lock that is not held");
	eph__ex_buffer_drain(ex, ex->cur->cpu);
	atomic_store_explicit(&mtx->held, 0, memory_order_relaxed);
	mtx->owner = NULL;
	ex_progress(ex);
	EPH_EVENT(mc, EPH_EV_LOCK, ex->cur->cpu, 0, 1, 0, mtx->name);
	ex_clear(ex);
}

/* Sleeping */

void
eph__explore_sleepq_enter(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);

	if (ex->quiet)
		return;
	eph__ex_point(ex, EPH_POINT_SLEEP, mc->sleepq, true);
	ex_progress(ex);
	ex_clear(ex);
}

void
eph__explore_sleepq_exit(struct eph_machine *mc)
{
	(void)mc;
}

void
eph__explore_block(struct eph_machine *mc, struct eph_thread *td)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = td->exec;

	td->cpu = e->cpu;
	eph__ex_unload_context(ex, e);
	/* What follows a sleep is this thread's own business. */
	e->op =
	    (struct ex_op){ &ex->cpu[e->cpu], EPH_POINT_SLEEP, true, 0, false };
	if (e->wakened)
		eph__ex_yield(ex, e);
	else
		eph__ex_wait(ex, e, EX_ASLEEP);
	e->wakened = false;
	eph__ex_load_context(ex, e);
	ex_clear(ex);
}

void
eph__explore_unblock(struct eph_machine *mc, struct eph_thread *td)
{
	struct explore *ex = explore_of(mc);
	struct ex_entity *e = td->exec;

	ex->progress++;
	if (e->status == EX_ASLEEP)
		eph__ex_set_status(ex, e, EX_READY);
	else
		e->wakened = true;
}

struct eph_thread *
eph__explore_curthread(struct eph_machine *mc)
{
	struct explore *ex = explore_of(mc);
	struct ex_cpu *ec;

	if (ex->cur == NULL)
		return (NULL);
	ec = &ex->cpu[ex->cur->cpu];
	return (ec->thread != NULL ? &ec->thread->td : &ex->cur->td);
}
