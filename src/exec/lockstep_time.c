/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lockstep's time: delays and timers.  See lockstep.c.
 */

#include "exec/lockstep.h"

/* Nothing runs any more: CPUs that did are idle. */
static void
lockstep_rest(struct eph_machine *mc)
{
	EPH_CPUSET_FOREACH(c, mc->busyset, mc->cpuwords)
	{
		atomic_store_explicit(
		    &mc->cpus[c]->idle, 1, memory_order_relaxed);
		mc->cpus[c]->pending = true;
	}
	eph_cpuset_zero(mc->busyset, mc->cpuwords);
}

/* Time passes until `at`. */
static void
lockstep_pass(struct eph_machine *mc, uint64_t at)
{
	const uint64_t ticks = mc->clock_ns / EPH_TICK_NS;

	if (at <= mc->clock_ns)
		return;
	mc->clock_ns = at;
	if (eph_likely(mc->shootflags == 0))
		return;
	/* Under clocks one CPU's time passes while others are busy. */
	if ((mc->shootflags & EPH_SHOOT_IDLE) != 0 && mc->clock == NULL)
		lockstep_rest(mc);
	if ((mc->shootflags & EPH_SHOOT_TICK) != 0 && at / EPH_TICK_NS > ticks)
		eph__lockstep_catch_up_all(mc);
}

/* Timers: a binary heap. */

static bool
timer_before(const struct lockstep_timer *a, const struct lockstep_timer *b)
{
	if (a->at_ns != b->at_ns)
		return (a->at_ns < b->at_ns);
	if (a->cpu != b->cpu)
		return (a->cpu < b->cpu);
	return (a->seq < b->seq);
}

static void
lockstep_no_timer(struct eph_machine *mc, void *arg)
{
	(void)mc;
	(void)arg;
}

int
eph__lockstep_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);
	const struct lockstep_timer t = { at_ns, ls->timer_seq++, cpu, fn,
		arg };
	size_t i;

	if (ls->ntimers == ls->heap_size) {
		size_t n = ls->heap_size == 0 ? 64 : ls->heap_size * 2;
		struct lockstep_timer *heap = eph_mem_grow(mc->mem, ls->heap,
		    ls->heap_size * sizeof(t), n * sizeof(t));

		if (heap == NULL)
			return (ENOMEM);
		ls->heap = heap;
		ls->heap_size = n;
	}
	for (i = ls->ntimers++; i > 0; i = (i - 1) / 2) {
		if (!timer_before(&t, &ls->heap[(i - 1) / 2]))
			break;
		ls->heap[i] = ls->heap[(i - 1) / 2];
	}
	ls->heap[i] = t;
	return (0);
}

/*
 * Kept in the heap as a timer that does nothing: the heap stays a heap, and
 * only a sleep with a timeout that is woken comes here.
 */
void
eph__lockstep_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	struct lockstep *ls = lockstep_of(mc);

	for (size_t i = 0; i < ls->ntimers; i++) {
		if (ls->heap[i].fn != fn || ls->heap[i].arg != arg)
			continue;
		ls->heap[i].fn = lockstep_no_timer;
		return;
	}
}

static struct lockstep_timer
lockstep_timer_pop(struct lockstep *ls)
{
	const struct lockstep_timer first = ls->heap[0];
	const struct lockstep_timer last = ls->heap[--ls->ntimers];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ls->ntimers)
			break;
		if (child + 1 < ls->ntimers &&
		    timer_before(&ls->heap[child + 1], &ls->heap[child]))
			child++;
		if (!timer_before(&ls->heap[child], &last))
			break;
		ls->heap[i] = ls->heap[child];
		i = child;
	}
	ls->heap[i] = last;
	return (first);
}

/*
 * Timers up to `until`.  Whom they wake runs after the step, like any other
 * sleeper.
 */
static void
lockstep_run_timers(struct eph_machine *mc, uint64_t until)
{
	struct lockstep *ls = lockstep_of(mc);

	while (ls->ntimers > 0 && ls->heap[0].at_ns <= until) {
		const struct lockstep_timer t = lockstep_timer_pop(ls);

		lockstep_pass(mc, t.at_ns);
		cpu_enter_inline(mc, t.cpu);
		if (mc->clock != NULL)
			eph__clock_until(mc, t.cpu,
			    eph__clock_cycles(mc, t.at_ns), EPH_CYCLES_idle);
		t.fn(mc, t.arg);
	}
}

void
eph__lockstep_advance(struct eph_machine *mc, uint64_t ns)
{
	if (lockstep_of(mc)->ntimers != 0)
		lockstep_run_timers(mc, ns);
	if (ns > mc->clock_ns)
		lockstep_pass(mc, ns);
}

static void
lockstep_handle_messages(struct eph_machine *mc)
{
	EPH_CPUSET_FOREACH(c, mc->pendset, mc->cpuwords)
	{
		if (lwkt_ipiq_pending(mc, c))
			eph__lockstep_deliver_pending(mc, mc->cpus[c]);
	}
}

/*
 * All clocks are equal: without a cost profile nothing but a delay takes
 * time.
 */
void
eph_lockstep_delay(struct eph_machine *mc, uint64_t ns)
{
	const uint64_t until =
	    ns > UINT64_MAX - mc->clock_ns ? UINT64_MAX : mc->clock_ns + ns;

	/* What was sent before is due first; timers may send more. */
	lockstep_handle_messages(mc);
	lockstep_run_timers(mc, until);
	lockstep_pass(mc, until);
	lockstep_handle_messages(mc);
}

uint64_t
eph_lockstep_next_timer(const struct eph_machine *mc)
{
	const struct lockstep *ls = mc->exec_state;

	return (ls->ntimers > 0 ? ls->heap[0].at_ns : UINT64_MAX);
}
