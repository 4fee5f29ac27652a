/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The clocks of a machine's CPUs.
 *
 * Idea.  Lockstep plays an operation from its beginning to its end, and the
 * operation that begins first is played first.  So when one is played, all
 * that began before it has left its traces: when each lock becomes free,
 * who wrote a cache line last, until when each CPU handles an interrupt.
 * A CPU that needs one of these waits until then.  Nothing is ever undone.
 *
 * Rules, with the prices' names in quotes:
 *
 *	events	a CPU pays for what it counts, when it next looks at its clock
 *	lock	"lock_acquire"; it waits until the lock is free; if another
 *		CPU had it last, two "line_transfer": the lock's line, and
 *		the line of what it guards
 *	line	an atomic update, or a store of a page-table entry, costs a
 *		"line_transfer" if another CPU wrote the line last
 *	send	an interrupt costs its sender "ipi_send"; it arrives
 *		"ipi_deliver" later, and "ipi_deliver_cpu" for each CPU of
 *		the machine but the first
 *	handle	the target takes it when it arrives, or when it has handled
 *		the one before, or when its critical section ends; handling
 *		takes "ipi_handle" and the invalidations, and makes the rest
 *		of what the target does so much later
 *	ack	the initiator goes on when the last target has handled it, and a
 *		"line_transfer" later
 *	packet	where the kernel had one request for all CPUs, who comes
 *		second waits until the first goes on (the protocol's `one_packet`)
 *	fabric	where hardware broadcasts, no CPU is interrupted: one
 *		"tlbi_busy" at a time, then "tlbi_sync" (`hardware`)
 *	sleep	"sleep"; a sleeper goes on when who woke it did so
 *
 * Of the CPUs' critical sections only the last is remembered.  Loads of
 * shared lines are free.
 */

#include "exec/clock_state.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/shootdown.h"
#include "machine/life.h"

#define NOBODY UINT_MAX /* wrote the line */

static void lines_forget(void *arg, const void *p, size_t bytes);

#define LINES_SHIFT_FIRST 54 /* 1,024 lines */

static size_t
lines_bytes(const struct eph_clock *ck)
{
	return ((((size_t)1) << (64 - ck->shift)) * sizeof(*ck->lines));
}

static void
clock_see(struct clock_cpu *cc, const struct eph_counters *c)
{
#define CLOCK_SEE(name, events, price, item) cc->seen.name = (events);
	CLOCK_TOUCHES(CLOCK_SEE)
	CLOCK_OTHERS(CLOCK_SEE)
#undef CLOCK_SEE
	cc->sum = clock_sum(c);
}

int
eph__clock_create(struct eph_machine *mc)
{
	struct eph_clock *ck = eph_machine_alloc(mc, sizeof(*ck));

	if (ck == NULL)
		return (ENOMEM);
	mc->clock = ck;
	eph__machine_plain(mc);
	ck->shift = LINES_SHIFT_FIRST;
	ck->now = eph_machine_alloc(mc, mc->ncpus * sizeof(*ck->now));
	ck->free = eph_machine_alloc(mc, mc->ncpus * sizeof(*ck->free));
	ck->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*ck->cpu));
	ck->lines = eph_machine_alloc(mc, lines_bytes(ck));
	if (ck->now == NULL || ck->free == NULL || ck->cpu == NULL ||
	    ck->lines == NULL) {
		eph__clock_destroy(mc);
		return (ENOMEM);
	}
	/* What making the design took is not paid for. */
	for (unsigned i = 0; i < mc->ncpus; i++)
		clock_see(&ck->cpu[i], &mc->cpus[i]->c);
	eph__mem_on_free(mc->mem, lines_forget, mc);
	return (0);
}

void
eph__clock_destroy(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;

	if (ck == NULL)
		return;
	eph__mem_on_free(mc->mem, NULL, NULL);
	eph_machine_free(mc, ck->now, mc->ncpus * sizeof(*ck->now));
	eph_machine_free(mc, ck->free, mc->ncpus * sizeof(*ck->free));
	eph_machine_free(mc, ck->cpu, mc->ncpus * sizeof(*ck->cpu));
	eph_machine_free(mc, ck->lines, lines_bytes(ck));
	eph_machine_free(mc, ck, sizeof(*ck));
	mc->clock = NULL;
}

/* Pay for one row of CLOCK_EVENTS. */
#define CLOCK_PAY(name, events, price, item)                                   \
	if ((events) != cc->seen.name) {                                       \
		const uint64_t cycles =                                        \
		    ((events)-cc->seen.name) * mc->costs.price;                \
                                                                               \
		now += cycles;                                                 \
		cc->cycles[EPH_CYCLES_##item] += cycles;                       \
		cc->seen.name = (events);                                      \
	}

void
eph__clock_pay(
    struct eph_machine *mc, struct eph_clock *ck, const struct eph_cpu *me)
{
	const struct eph_counters *c = &me->c;
	struct clock_cpu *cc = &ck->cpu[me->id];
	const uint64_t sum = clock_sum(c);
	const uint64_t touches = c->tlb_hit + c->tlb_miss - cc->seen.touch;
	uint64_t now = ck->now[me->id];

	/* Mostly touches with their walks. */
	CLOCK_TOUCHES(CLOCK_PAY)
	if (touches != sum - cc->sum) {
		CLOCK_OTHERS(CLOCK_PAY)
	}
	cc->sum = sum;
	ck->now[me->id] = now;
}
#undef CLOCK_PAY

void
eph__clock_settle(struct eph_machine *mc)
{
	clock_settle(mc, mc->clock, mc->cur);
}

uint64_t
eph__clock_of(const struct eph_machine *mc, unsigned cpu)
{
	return (mc->clock->now[cpu]);
}

void
eph__clock_until(
    struct eph_machine *mc, unsigned cpu, uint64_t at, enum eph_cycles why)
{
	clock_until(mc->clock, cpu, at, why);
}

uint64_t
eph__clock_ns(const struct eph_machine *mc, uint64_t cycles)
{
	return (clock_ns(mc, cycles));
}

uint64_t
eph__clock_cycles(const struct eph_machine *mc, uint64_t ns)
{
	const uint64_t mhz = mc->model->mhz;

	return (ns / 1000 * mhz + (ns % 1000 * mhz + 999) / 1000);
}

uint64_t
eph_clock_now_slow(struct eph_machine *mc)
{
	return (clock_now(mc));
}

uint64_t
eph_clock_ns_slow(struct eph_machine *mc)
{
	return (eph__clock_ns(mc, eph_clock_now_slow(mc)));
}

void
eph_clock_copy_slow(struct eph_machine *mc, size_t bytes)
{
	clock_charge(mc->clock, mc->cur->id,
	    (uint64_t)bytes * mc->costs.copy_page / EPH_PAGE_SIZE,
	    EPH_CYCLES_touch);
}

void
eph_clock_mapped_slow(struct eph_machine *mc, uint64_t since, bool unmap)
{
	if (unmap)
		clock_unmapped(mc, since);
	else
		clock_mapped(mc, since);
}

/* Lines */

static struct clock_line *
lines_find(const struct eph_clock *ck, uintptr_t line)
{
	const size_t mask = (((size_t)1) << (64 - ck->shift)) - 1;
	size_t at = (uint64_t)line * 0x9e3779b97f4a7c15u >> ck->shift;

	while (ck->lines[at].line != 0 && ck->lines[at].line != line)
		at = (at + 1) & mask;
	return (&ck->lines[at]);
}

static void
lines_grow(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;
	const struct eph_clock old = *ck;
	const size_t n = ((size_t)1) << (64 - old.shift);

	ck->shift--;
	ck->lines = eph_machine_alloc(mc, lines_bytes(ck));
	if (ck->lines == NULL)
		PANIC("out of memory for the lines of the clock");
	for (size_t i = 0; i < n; i++) {
		if (old.lines[i].line != 0)
			*lines_find(ck, old.lines[i].line) = old.lines[i];
	}
	eph_machine_free(mc, old.lines, lines_bytes(&old));
}

void
eph_clock_line_slow(struct eph_machine *mc, const volatile void *p)
{
	struct eph_clock *ck = mc->clock;
	const uintptr_t line = (uintptr_t)p >> 6;
	const unsigned me = mc->cur->id;
	struct clock_line *l = lines_find(ck, line);

	if (l->line == 0) {
		if (ck->nlines * 4 >= 3u << (64 - ck->shift)) {
			lines_grow(mc);
			l = lines_find(ck, line);
		}
		ck->nlines++;
		l->line = line;
	} else if (l->cpu != me && l->cpu != NOBODY) {
		clock_charge(ck, me, mc->costs.line_transfer, EPH_CYCLES_line);
	}
	l->cpu = me;
}

/* A block is given back: the next one there is another. */
static void
lines_forget(void *arg, const void *p, size_t bytes)
{
	const struct eph_clock *ck = ((struct eph_machine *)arg)->clock;
	const uintptr_t first = (uintptr_t)p >> 6;
	const uintptr_t n = (bytes + 63) >> 6;
	const size_t all = ((size_t)1) << (64 - ck->shift);

	if (n > all) {
		for (size_t i = 0; i < all; i++) {
			if (ck->lines[i].line - first < n)
				ck->lines[i].cpu = NOBODY;
		}
		return;
	}
	for (uintptr_t line = first; line < first + n; line++) {
		struct clock_line *l = lines_find(ck, line);

		if (l->line != 0)
			l->cpu = NOBODY;
	}
}

/* Locks and critical sections */

void
eph__clock_lock(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	struct clock_cpu *cc = &ck->cpu[me];

	/* Mostly nothing has been counted but the lock itself. */
	if (eph_likely(clock_sum(&mc->cur->c) == cc->sum + 1 &&
		mc->cur->c.lock_acquire == cc->seen.lock_acquire + 1)) {
		clock_charge(ck, me, mc->costs.lock_acquire, EPH_CYCLES_lock);
		cc->seen.lock_acquire++;
		cc->sum++;
	} else {
		clock_settle(mc, ck, mc->cur);
	}
	if (mtx->free_at > ck->now[me]) {
		EPH_COUNT(mc, lock_contended);
		clock_until(ck, me, mtx->free_at, EPH_CYCLES_lock);
	}
	if (mtx->last != 0 && mtx->last != me + 1)
		clock_charge(ck, me, 2 * (uint64_t)mc->costs.line_transfer,
		    EPH_CYCLES_line);
	mtx->last = me + 1;
}

void
eph__clock_unlock(struct eph_machine *mc, struct eph_mutex *mtx)
{
	mtx->free_at = clock_now(mc);
}

void
eph_clock_crit_slow(struct eph_machine *mc, bool enter)
{
	struct clock_cpu *cc = &mc->clock->cpu[mc->cur->id];
	const uint64_t now = eph_clock_now_slow(mc);

	if (enter)
		cc->off = now;
	cc->on = now;
}

/* Interrupts */

/* When the target begins to handle what arrives at `at`. */
static uint64_t
clock_takes(const struct eph_clock *ck, unsigned t, uint64_t at)
{
	const struct clock_cpu *cc = &ck->cpu[t];

	if (at >= cc->off && at < cc->on)
		at = cc->on;
	return (at > ck->free[t] ? at : ck->free[t]);
}

static uint64_t
clock_work(const struct eph_machine *mc, const struct eph_ipi *ipi)
{
	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		return ((uint64_t)ipi->npages * mc->costs.invlpg_remote);
	case EPH_IPI_FLUSH:
		return (mc->costs.flush_remote);
	default:
		return (0); /* its handler tells */
	}
}

/* Hardware's own broadcast, for which no CPU is interrupted. */
static void
clock_broadcast(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;

	eph__clock_until(mc, me, ck->fabric, EPH_CYCLES_ack);
	clock_charge(ck, me, mc->costs.tlbi_busy, EPH_CYCLES_send);
	ck->fabric = ck->now[me];
	clock_charge(ck, me, mc->costs.tlbi_sync, EPH_CYCLES_ack);
}

uint64_t
eph__clock_ipi_begin(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	const uint64_t flight = mc->costs.ipi_deliver +
	    (uint64_t)mc->costs.ipi_deliver_cpu * (mc->ncpus - 1);
	const uint64_t takes = mc->costs.ipi_handle + clock_work(mc, ipi);
	const uint64_t outer = ck->last;

	eph__clock_settle(mc);
	ck->hardware = mc->shootdown->hardware && ipi->kind == EPH_IPI_CALL;
	ck->last = 0;
	if (ck->hardware) {
		clock_broadcast(mc);
		return (outer);
	}
	if (mc->shootdown->one_packet &&
	    !eph_cpuset_isempty(targets, mc->cpuwords))
		eph__clock_until(mc, me, ck->packet, EPH_CYCLES_ack);
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		clock_charge(ck, me, mc->costs.ipi_send, EPH_CYCLES_send);
		ck->free[t] = clock_takes(ck, t, ck->now[me] + flight) + takes;
		clock_charge(ck, t, takes, EPH_CYCLES_handle);
		if (ck->free[t] > ck->last)
			ck->last = ck->free[t];
	}
	return (outer);
}

void
eph__clock_ipi_end(struct eph_machine *mc, bool wait, uint64_t outer)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;

	if (!ck->hardware && wait && ck->last != 0)
		eph__clock_until(
		    mc, me, ck->last + mc->costs.line_transfer, EPH_CYCLES_ack);
	if (mc->shootdown->one_packet && ck->now[me] > ck->packet)
		ck->packet = ck->now[me];
	ck->last = outer;
	ck->hardware = false;
}

void
eph__clock_handler_begin(struct eph_machine *mc, struct eph_cpu *target)
{
	struct clock_cpu *cc = &mc->clock->cpu[target->id];

	eph__clock_settle(mc);
	cc->remote = target->c.invlpg_remote * mc->costs.invlpg_remote +
	    target->c.flush_remote * mc->costs.flush_remote;
}

/* The target is current; its events are its own, the invalidations too. */
void
eph__clock_handler_end(struct eph_machine *mc, struct eph_cpu *target)
{
	struct eph_clock *ck = mc->clock;
	struct clock_cpu *cc = &ck->cpu[target->id];
	const uint64_t remote =
	    target->c.invlpg_remote * mc->costs.invlpg_remote +
	    target->c.flush_remote * mc->costs.flush_remote - cc->remote;
	const uint64_t before = ck->now[target->id];

	if (ck->hardware)
		return;
	eph__clock_settle(mc);
	clock_charge(ck, target->id, remote, EPH_CYCLES_handle);
	ck->free[target->id] += ck->now[target->id] - before;
	if (ck->free[target->id] > ck->last)
		ck->last = ck->free[target->id];
}

/* Results */

void
eph_clock_cpu(
    const struct eph_machine *mc, unsigned cpu, struct eph_time_cpu *out)
{
	const struct clock_cpu *cc = &mc->clock->cpu[cpu];

	out->operations = cc->maps;
	memcpy(out->cycles, cc->cycles, sizeof(cc->cycles));
}

void
eph__clock_result(struct eph_machine *mc, struct eph_time *out)
{
	struct eph_clock *ck = mc->clock;

	memset(out, 0, sizeof(*out));
	if (ck == NULL)
		return;
	eph__clock_settle(mc);
	out->on = true;
	out->cpus = mc->ncpus;
	out->mhz = mc->model->mhz;
	out->busy_least = UINT64_MAX;
	for (unsigned c = 0; c < mc->ncpus; c++) {
		const uint64_t busy =
		    ck->now[c] - ck->cpu[c].cycles[EPH_CYCLES_idle];

		if (ck->now[c] > out->elapsed)
			out->elapsed = ck->now[c];
		if (busy < out->busy_least)
			out->busy_least = busy;
		if (busy > out->busy_most)
			out->busy_most = busy;
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		eph__clock_until(mc, c, out->elapsed, EPH_CYCLES_idle);
		for (unsigned i = 0; i < EPH_CYCLES_N; i++)
			out->cycles[i] += ck->cpu[c].cycles[i];
	}
	eph__latency_get(&ck->map, &out->map);
	eph__latency_get(&ck->unmap, &out->unmap);
	out->operations = out->map.n;
}

static const struct {
	const char *name;
	const char *desc;
} cycles_rows[] = {
#define CYCLES_ROW(name, desc) { #name, desc },
	EPH_CYCLES(CYCLES_ROW)
#undef CYCLES_ROW
};

const char *
eph_cycles_name(unsigned i)
{
	return (i < EPH_CYCLES_N ? cycles_rows[i].name : NULL);
}

const char *
eph_cycles_desc(unsigned i)
{
	return (i < EPH_CYCLES_N ? cycles_rows[i].desc : NULL);
}

double
eph_time_rate(const struct eph_time *t)
{
	if (t->elapsed == 0)
		return (0);
	return ((double)t->operations * 1e6 * t->mhz / (double)t->elapsed);
}
