/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The clocks a second time, as doc/time.md states them, in the simplest way:
 * who does something looks through lists of everything that ever happened.
 * Linked in the place of exec/clock.c, exec/latency.c and
 * workload/replay_time.c, from which it takes nothing.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "exec/clock.h"
#include "exec/lockstep.h"
#include "machine/life.h"
#include "workload/replay_time.h"

enum { CPUS = 8, DEEP = 16 };

/* Who wrote a line last; a lock is known by its address. */
struct writer {
	uintptr_t what;
	unsigned cpu;
	uint64_t free_at; /* locks */
	bool gone;
};

struct list {
	void *at;
	size_t n;
	size_t size; /* of one */
};

/* A request that is under way. */
struct request {
	bool hardware;
	bool none; /* nobody was asked */
	uint64_t slowest;
};

struct eph_clock {
	uint64_t spent[CPUS][EPH_CYCLES_N];
	uint64_t paid[CPUS][9]; /* events that were paid for */
	uint64_t maps[CPUS];
	uint64_t handles_until[CPUS];
	uint64_t crit_from[CPUS], crit_to[CPUS];
	uint64_t remote[CPUS]; /* work counted before a handler */
	uint64_t packet_free;
	uint64_t fabric_free;
	struct request under_way[DEEP];
	unsigned depth;
	struct list lines;
	struct list locks;
	struct list map_times;
	struct list unmap_times;
};

/* Lists */

static void *
list_add(struct list *l, size_t size)
{
	l->size = size;
	l->at = realloc(l->at, (l->n + 1) * size);
	if (l->at == NULL)
		abort();
	memset((char *)l->at + l->n * size, 0, size);
	return ((char *)l->at + l->n++ * size);
}

static struct writer *
writer_of(struct list *l, uintptr_t what)
{
	struct writer *w = l->at;

	for (size_t i = l->n; i-- > 0;) {
		if (w[i].what == what && !w[i].gone)
			return (&w[i]);
	}
	return (NULL);
}

/* Time */

static uint64_t
now(const struct eph_clock *ck, unsigned cpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EPH_CYCLES_N; i++)
		sum += ck->spent[cpu][i];
	return (sum);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return (a > b ? a : b);
}

static void
gone(void *arg, const void *p, size_t bytes)
{
	struct eph_clock *ck = ((struct eph_machine *)arg)->clock;
	struct writer *w = ck->lines.at;
	const uintptr_t first = (uintptr_t)p / 64;
	const uintptr_t last = ((uintptr_t)p + bytes - 1) / 64;

	for (size_t i = 0; i < ck->lines.n; i++) {
		if (w[i].what >= first && w[i].what <= last)
			w[i].gone = true;
	}
}

/* What a CPU pays for, one after the other. */
static uint64_t
counted(const struct eph_machine *mc, unsigned cpu, unsigned i, uint64_t *price,
    enum eph_cycles *item)
{
	const struct eph_counters *c = &mc->cpus[cpu]->c;
	const struct eph_costs *p = &mc->costs;
	const struct {
		uint64_t n;
		uint64_t price;
		enum eph_cycles item;
	} events[9] = {
		{ c->invlpg_local, p->invlpg_local, EPH_CYCLES_invlpg },
		{ c->flush_local, p->flush_local, EPH_CYCLES_invlpg },
		{ c->walk_step, p->walk_step, EPH_CYCLES_walk },
		{ c->tlb_hit, p->touch, EPH_CYCLES_touch },
		{ c->tlb_miss, p->touch, EPH_CYCLES_touch },
		{ c->pte_store, p->pte_store, EPH_CYCLES_book },
		{ c->ipiq_msg, p->ipiq_msg, EPH_CYCLES_send },
		{ c->lock_acquire, p->lock_acquire, EPH_CYCLES_lock },
		{ c->sleep, p->sleep, EPH_CYCLES_sleep },
	};

	*price = events[i].price;
	*item = events[i].item;
	return (events[i].n);
}

void
eph__clock_settle(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;

	for (unsigned i = 0; i < 9; i++) {
		enum eph_cycles item;
		uint64_t price;
		const uint64_t n = counted(mc, me, i, &price, &item);

		ck->spent[me][item] += (n - ck->paid[me][i]) * price;
		ck->paid[me][i] = n;
	}
}

int
eph__clock_create(struct eph_machine *mc)
{
	struct eph_clock *ck = calloc(1, sizeof(*ck));

	if (ck == NULL || mc->ncpus > CPUS)
		abort();
	mc->clock = ck;
	eph__machine_plain(mc);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		for (unsigned i = 0; i < 9; i++) {
			enum eph_cycles item;
			uint64_t price;

			ck->paid[c][i] = counted(mc, c, i, &price, &item);
		}
	}
	eph__mem_on_free(mc->mem, gone, mc);
	return (0);
}

void
eph__clock_destroy(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;

	if (ck == NULL)
		return;
	eph__mem_on_free(mc->mem, NULL, NULL);
	free(ck->lines.at);
	free(ck->locks.at);
	free(ck->map_times.at);
	free(ck->unmap_times.at);
	free(ck);
	mc->clock = NULL;
}

uint64_t
eph__clock_of(const struct eph_machine *mc, unsigned cpu)
{
	return (now(mc->clock, cpu));
}

void
eph__clock_until(
    struct eph_machine *mc, unsigned cpu, uint64_t at, enum eph_cycles why)
{
	while (now(mc->clock, cpu) < at)
		mc->clock->spent[cpu][why] += at - now(mc->clock, cpu);
}

uint64_t
eph__clock_ns(const struct eph_machine *mc, uint64_t cycles)
{
	return (cycles * 1000 / mc->model->mhz);
}

uint64_t
eph__clock_cycles(const struct eph_machine *mc, uint64_t ns)
{
	return ((ns * mc->model->mhz + 999) / 1000);
}

uint64_t
eph_clock_now_slow(struct eph_machine *mc)
{
	eph__clock_settle(mc);
	return (now(mc->clock, mc->cur->id));
}

uint64_t
eph_clock_ns_slow(struct eph_machine *mc)
{
	return (eph__clock_ns(mc, eph_clock_now_slow(mc)));
}

void
eph_clock_copy_slow(struct eph_machine *mc, size_t bytes)
{
	mc->clock->spent[mc->cur->id][EPH_CYCLES_touch] +=
	    bytes * mc->costs.copy_page / 4096;
}

void
eph_clock_mapped_slow(struct eph_machine *mc, uint64_t since, bool unmap)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	struct list *l = unmap ? &ck->unmap_times : &ck->map_times;
	uint64_t *took = list_add(l, sizeof(*took));

	ck->spent[me][EPH_CYCLES_book] +=
	    unmap ? mc->costs.unmap : mc->costs.map;
	*took = eph_clock_now_slow(mc) - since;
	if (!unmap)
		ck->maps[me]++;
}

/* Lines and locks */

void
eph_clock_line_slow(struct eph_machine *mc, const volatile void *p)
{
	struct eph_clock *ck = mc->clock;
	const uintptr_t line = (uintptr_t)p / 64;
	struct writer *w = writer_of(&ck->lines, line);

	if (w != NULL && w->cpu != mc->cur->id)
		ck->spent[mc->cur->id][EPH_CYCLES_line] +=
		    mc->costs.line_transfer;
	if (w == NULL) {
		w = list_add(&ck->lines, sizeof(*w));
		w->what = line;
	}
	w->cpu = mc->cur->id;
}

void
eph__clock_lock(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	struct writer *w = writer_of(&ck->locks, (uintptr_t)mtx);

	eph__clock_settle(mc);
	if (w == NULL) {
		w = list_add(&ck->locks, sizeof(*w));
		w->what = (uintptr_t)mtx;
		w->cpu = me;
	}
	if (now(ck, me) < w->free_at)
		EPH_COUNT(mc, lock_contended);
	eph__clock_until(mc, me, w->free_at, EPH_CYCLES_lock);
	if (w->cpu != me)
		ck->spent[me][EPH_CYCLES_line] +=
		    2 * (uint64_t)mc->costs.line_transfer;
	w->cpu = me;
}

void
eph__clock_unlock(struct eph_machine *mc, struct eph_mutex *mtx)
{
	struct writer *w = writer_of(&mc->clock->locks, (uintptr_t)mtx);

	w->free_at = eph_clock_now_slow(mc);
}

void
eph_clock_crit_slow(struct eph_machine *mc, bool enter)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;

	ck->crit_to[me] = eph_clock_now_slow(mc);
	if (enter)
		ck->crit_from[me] = ck->crit_to[me];
}

/* Interrupts */

static uint64_t
work_of(const struct eph_machine *mc, const struct eph_ipi *ipi)
{
	if (ipi->kind == EPH_IPI_INVLPG)
		return ((uint64_t)ipi->npages * mc->costs.invlpg_remote);
	return (ipi->kind == EPH_IPI_FLUSH ? mc->costs.flush_remote : 0);
}

uint64_t
eph__clock_ipi_begin(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	struct request *r = &ck->under_way[ck->depth++];

	if (ck->depth == DEEP)
		abort();
	eph__clock_settle(mc);
	r->hardware = mc->shootdown->hardware && ipi->kind == EPH_IPI_CALL;
	r->none = true;
	r->slowest = 0;
	if (r->hardware) {
		eph__clock_until(mc, me, ck->fabric_free, EPH_CYCLES_ack);
		ck->spent[me][EPH_CYCLES_send] += mc->costs.tlbi_busy;
		ck->fabric_free = now(ck, me);
		ck->spent[me][EPH_CYCLES_ack] += mc->costs.tlbi_sync;
		return (0);
	}
	for (unsigned t = 0; t < mc->ncpus; t++) {
		uint64_t at;

		if ((targets[0] >> t & 1) == 0)
			continue;
		if (r->none && mc->shootdown->one_packet)
			eph__clock_until(
			    mc, me, ck->packet_free, EPH_CYCLES_ack);
		r->none = false;
		ck->spent[me][EPH_CYCLES_send] += mc->costs.ipi_send;
		at = now(ck, me) + mc->costs.ipi_deliver;
		for (unsigned more = 1; more < mc->ncpus; more++)
			at += mc->costs.ipi_deliver_cpu;
		if (at >= ck->crit_from[t] && at < ck->crit_to[t])
			at = ck->crit_to[t];
		at = later(at, ck->handles_until[t]);
		at += mc->costs.ipi_handle + work_of(mc, ipi);
		ck->spent[t][EPH_CYCLES_handle] +=
		    mc->costs.ipi_handle + work_of(mc, ipi);
		ck->handles_until[t] = at;
		r->slowest = later(r->slowest, at);
	}
	return (0);
}

void
eph__clock_ipi_end(struct eph_machine *mc, bool wait, uint64_t outer)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;
	const struct request *r = &ck->under_way[--ck->depth];

	(void)outer;
	if (r->hardware)
		return;
	if (wait && !r->none)
		eph__clock_until(mc, me, r->slowest + mc->costs.line_transfer,
		    EPH_CYCLES_ack);
	if (mc->shootdown->one_packet)
		ck->packet_free = later(ck->packet_free, now(ck, me));
}

static uint64_t
remote_work(const struct eph_machine *mc, const struct eph_cpu *t)
{
	return (t->c.invlpg_remote * mc->costs.invlpg_remote +
	    t->c.flush_remote * mc->costs.flush_remote);
}

void
eph__clock_handler_begin(struct eph_machine *mc, struct eph_cpu *target)
{
	eph__clock_settle(mc);
	mc->clock->remote[target->id] = remote_work(mc, target);
}

void
eph__clock_handler_end(struct eph_machine *mc, struct eph_cpu *target)
{
	struct eph_clock *ck = mc->clock;
	struct request *r = &ck->under_way[ck->depth - 1];
	const uint64_t before = now(ck, target->id);

	if (r->hardware)
		return;
	eph__clock_settle(mc);
	ck->spent[target->id][EPH_CYCLES_handle] +=
	    remote_work(mc, target) - ck->remote[target->id];
	ck->handles_until[target->id] += now(ck, target->id) - before;
	r->slowest = later(r->slowest, ck->handles_until[target->id]);
}

/* Results */

void
eph_clock_cpu(
    const struct eph_machine *mc, unsigned cpu, struct eph_time_cpu *out)
{
	out->operations = mc->clock->maps[cpu];
	memcpy(out->cycles, mc->clock->spent[cpu], sizeof(out->cycles));
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return ((x > y) - (x < y));
}

/* The whole list, sorted: the first that as many do not exceed. */
static uint64_t
exact(const struct list *l, size_t thousandths)
{
	const uint64_t *v = l->at;
	size_t rank = 0;

	while (rank * 1000 < l->n * thousandths)
		rank++;
	return (l->n == 0 ? 0 : v[rank == 0 ? 0 : rank - 1]);
}

static struct eph_latency
exact_latency(struct list *l)
{
	if (l->n > 0)
		qsort(l->at, l->n, l->size, by_size);
	return ((struct eph_latency){ .n = l->n,
	    .p50 = exact(l, 500),
	    .p90 = exact(l, 900),
	    .p99 = exact(l, 990),
	    .p999 = exact(l, 999),
	    .max = exact(l, 1000) });
}

void
eph__clock_result(struct eph_machine *mc, struct eph_time *out)
{
	struct eph_clock *ck = mc->clock;

	memset(out, 0, sizeof(*out));
	eph__clock_settle(mc);
	out->on = true;
	out->cpus = mc->ncpus;
	out->mhz = mc->model->mhz;
	out->busy_least = UINT64_MAX;
	for (unsigned c = 0; c < mc->ncpus; c++) {
		const uint64_t busy =
		    now(ck, c) - ck->spent[c][EPH_CYCLES_idle];

		out->elapsed = later(out->elapsed, now(ck, c));
		out->busy_most = later(out->busy_most, busy);
		if (busy < out->busy_least)
			out->busy_least = busy;
	}
	for (unsigned c = 0; c < mc->ncpus; c++)
		eph__clock_until(mc, c, out->elapsed, EPH_CYCLES_idle);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		for (unsigned i = 0; i < EPH_CYCLES_N; i++)
			out->cycles[i] += ck->spent[c][i];
		out->operations += ck->maps[c];
	}
	out->map = exact_latency(&ck->map_times);
	out->unmap = exact_latency(&ck->unmap_times);
}

const char *
eph_cycles_name(unsigned i)
{
	(void)i;
	return (NULL);
}

const char *
eph_cycles_desc(unsigned i)
{
	(void)i;
	return (NULL);
}

double
eph_time_rate(const struct eph_time *t)
{
	(void)t;
	return (0);
}

/* The order of lines */

struct naive_line {
	struct eph_op op;
	uint64_t number;
	uint64_t name;
	uint64_t arrives;
	uint64_t ended;
	bool played;
};

struct timed {
	struct eph_machine *mc;
	struct eph_op_source *src;
	const struct eph_time_config *cfg;
	struct list lines;
	size_t now;		/* the line that is being played; n: none */
	uint64_t thought[CPUS]; /* when the CPU has done thinking */
};

static struct naive_line *
line_at(const struct timed *t, size_t i)
{
	return ((struct naive_line *)t->lines.at + i);
}

static bool
has_handle(const struct naive_line *l)
{
	return (l->op.kind != EPH_OP_REF);
}

/* The first line of the CPU that was not played; n: none. */
static size_t
next_of(const struct timed *t, unsigned cpu)
{
	size_t i = 0;

	while (i < t->lines.n &&
	    (line_at(t, i)->played || line_at(t, i)->op.cpu != cpu))
		i++;
	return (i);
}

/* May line `i' begin, and when? */
static bool
begins(const struct timed *t, size_t i, uint64_t *at)
{
	const struct naive_line *l = line_at(t, i);
	uint64_t before = 0;

	*at = later(eph__clock_of(t->mc, l->op.cpu),
	    t->cfg->load == EPH_LOAD_OPEN ? l->arrives : t->thought[l->op.cpu]);
	/* A slot has one handle after the other, each from its map on. */
	for (size_t k = 0; has_handle(l) && k < i; k++) {
		const struct naive_line *b = line_at(t, k);

		if (!has_handle(b) || b->op.slot != l->op.slot)
			continue;
		if (!b->played)
			return (false);
		before = b->op.kind == EPH_OP_MAP ? b->ended
						  : later(before, b->ended);
	}
	if (l->op.kind != EPH_OP_MAP)
		*at = later(*at, before);
	return (true);
}

static int
naive_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct timed *t = arg;
	size_t best = t->lines.n;
	uint64_t first = 0;

	(void)err;
	if (t->now < t->lines.n) {
		struct naive_line *l = line_at(t, t->now);

		eph__clock_settle(t->mc);
		l->played = true;
		l->ended = eph__clock_of(t->mc, l->op.cpu);
		t->thought[l->op.cpu] =
		    l->ended + eph__clock_cycles(t->mc, t->cfg->think_ns);
	}
	for (unsigned c = 0; c < t->mc->ncpus; c++) {
		const size_t i = next_of(t, c);
		uint64_t at;

		if (i == t->lines.n || !begins(t, i, &at))
			continue;
		if (best == t->lines.n || at < first) {
			best = i;
			first = at;
		}
	}
	t->now = best;
	*np = 0;
	if (best == t->lines.n)
		return (0);
	eph__lockstep_advance(t->mc, eph__clock_ns(t->mc, first));
	eph__clock_until(
	    t->mc, line_at(t, best)->op.cpu, first, EPH_CYCLES_idle);
	*opsp = &line_at(t, best)->op;
	*np = 1;
	return (0);
}

static void
naive_where(void *arg, size_t i, char *buf, size_t size)
{
	const struct timed *t = arg;

	(void)i;
	(void)snprintf(buf, size, "line %llu",
	    t->now < t->lines.n ? (unsigned long long)line_at(t, t->now)->number
				: 0ull);
}

static uint64_t
naive_line(void *arg, size_t i)
{
	const struct timed *t = arg;

	(void)i;
	return (t->now < t->lines.n ? line_at(t, t->now)->number : 0);
}

static uint64_t
naive_page(void *arg, uint32_t page)
{
	const struct timed *t = arg;

	return (t->src->page_name(t->src->arg, page));
}

static uint64_t
naive_handle(void *arg, size_t i)
{
	const struct timed *t = arg;

	(void)i;
	return (line_at(t, t->now)->name);
}

int
eph__timed_create(struct eph_machine *mc, struct eph_op_source *src,
    const struct eph_time_config *cfg, struct timed **tp,
    struct eph_op_source *out, struct eph_err *err)
{
	struct timed *t = calloc(1, sizeof(*t));
	const struct eph_op *ops;
	uint64_t ns = 0;
	size_t n;

	if (t == NULL)
		abort();
	*tp = t;
	t->mc = mc;
	t->src = src;
	t->cfg = cfg;
	while (src->next(src->arg, &ops, &n, err) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++) {
			struct naive_line *l;

			if (ops[i].kind == EPH_OP_DELAY) {
				ns += eph_op_delay_ns(&ops[i]);
				continue;
			}
			l = list_add(&t->lines, sizeof(*l));
			l->op = ops[i];
			l->arrives = eph__clock_cycles(mc, ns);
			l->number = src->line(src->arg, i);
			if (has_handle(l))
				l->name = src->handle_name(src->arg, i);
		}
	}
	t->now = t->lines.n;
	*out = *src;
	out->next = naive_next;
	out->where = naive_where;
	out->line = naive_line;
	out->page_name = naive_page;
	out->handle_name = naive_handle;
	out->next_use = NULL;
	out->arg = t;
	return (0);
}

/* The replay's loop plays them all. */
bool
eph__timed_refs(struct replay *rp, uint64_t epoch)
{
	(void)rp;
	(void)epoch;
	return (true);
}

void
eph__timed_free(struct timed *t)
{
	if (t == NULL)
		return;
	free(t->lines.at);
	free(t);
}
