/* SPDX-License-Identifier: BSD-2-Clause */

/* Many runs, side by side. */

#include "report_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"
#include "table.h"
#include "text.h"

static bool
same_text(const char *a, const char *b)
{
	return (strcmp(or_dash(a), or_dash(b)) == 0);
}

uint64_t
point_sleeps(const struct point *p)
{
	return (p->work != NULL ? p->work->map_sleeps : p->res->counters.sleep);
}

struct shown
find_shown(const struct point *p, size_t n)
{
	struct shown w = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct eph_run_config *a = &p[0].cfg, *b = &p[i].cfg;
		const struct eph_counters *c;

		/* Only what was chosen: the designs' own differ anyway. */
		w.policy |= b->policy != NULL;
		w.shootdown |= b->shootdown != NULL;
		w.machine |= strcmp(a->machine, b->machine) != 0;
		w.tlb |= !same_text(a->tlb, b->tlb);
		w.cpus |= a->cpus != b->cpus;
		w.nbufs |= a->nbufs != b->nbufs;
		if (p[i].status != 0)
			continue;
		c = &p[i].res->counters;
		w.in_use |= p[i].res->buffers_peak > 1;
		w.flush |= c->flush_local + c->flush_remote > 0;
		w.sleep |= point_sleeps(&p[i]) > 0;
		w.violations |= p[i].res->violations_total > 0;
	}
	return (w);
}

/* The cheapest first, those without a price behind, refused ones last. */
static int
compare_points(const void *va, const void *vb)
{
	const struct point *a = *(const struct point *const *)va;
	const struct point *b = *(const struct point *const *)vb;
	double pa, pb;

	if (a->status != 0 || b->status != 0)
		return (a->status != 0 && b->status != 0
			? (a > b) - (a < b)
			: (a->status != 0) - (b->status != 0));
	pa = price_of(a);
	pb = price_of(b);
	if (isnan(pa) != isnan(pb))
		return (isnan(pa) ? 1 : -1);
	if (pa != pb && !isnan(pa))
		return (pa < pb ? -1 : 1);
	return ((a > b) - (a < b)); /* as they were typed */
}

/* Columns that name a row. */
unsigned
axes_count(const struct shown *w)
{
	return (1u + w->policy + w->shootdown + w->machine + w->tlb + w->cpus +
	    w->nbufs);
}

void
axes_heading(struct table *t, const struct shown *w)
{
	table_cell(t, "design");
	if (w->policy)
		table_cell(t, "policy");
	if (w->shootdown)
		table_cell(t, "shootdown");
	if (w->machine)
		table_cell(t, "machine");
	if (w->tlb)
		table_cell(t, "TLB");
	if (w->cpus)
		table_cell(t, "CPUs");
	if (w->nbufs)
		table_cell(t, "buffers");
}

static void
print_heading(struct table *t, const struct shown *w)
{
	axes_heading(t, w);
	table_cell(t, "hit %%");
	table_cell(t, "invlpg");
	if (w->flush)
		table_cell(t, "flush");
	table_cell(t, "IPI");
	table_cell(t, "needless");
	table_cell(t, "TLB miss");
	if (w->sleep)
		table_cell(t, "sleep");
	if (w->in_use) {
		table_cell(t, "in use");
		table_cell(t, "at most");
	}
	table_cell(t, "cycles/map");
	table_cell(t, "price");
	if (w->violations)
		table_cell(t, "violations");
	table_rule(t);
}

static void
rate_cell(struct table *t, const struct eph_counters *c, uint64_t events)
{
	char number[NUMBER_MAX];
	const double rate = per_map(c, events) * 1000;

	table_cell(
	    t, "%s", isfinite(rate) ? number_real(number, rate, 1) : "-");
}

static void
buffers_cells(struct table *t, const struct eph_run_result *r)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s",
	    isfinite(r->buffers_mean) ? number_real(number, r->buffers_mean, 1)
				      : "-");
	table_cell(t, "%s", number_u64(number, r->buffers_peak));
}

void
axes_cells(struct table *t, const struct shown *w, const struct point *p)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s", p->cfg.design->name);
	if (w->policy)
		table_cell(t, "%s", or_dash(point_policy(p)));
	if (w->shootdown)
		table_cell(t, "%s", or_dash(point_shootdown(p)));
	if (w->machine)
		table_cell(t, "%s", p->cfg.machine);
	if (w->tlb)
		table_cell(t, "%s", point_tlb(p));
	if (w->cpus)
		table_cell(t, "%u", p->cfg.cpus);
	if (w->nbufs)
		table_cell(t, "%s",
		    point_has_nbufs(p) ? number_u64(number, p->cfg.nbufs)
				       : "-");
}

static void
print_point(struct table *t, const struct shown *w, const struct point *p,
    double cheapest)
{
	const struct eph_counters *c = &p->res->counters;
	char number[NUMBER_MAX];
	const double hit = hit_ratio(c) * 100, price = price_of(p);

	axes_cells(t, w, p);
	table_cell(t, "%s", isfinite(hit) ? number_real(number, hit, 1) : "-");
	rate_cell(t, c, c->invlpg_local + c->invlpg_remote);
	if (w->flush)
		rate_cell(t, c, c->flush_local + c->flush_remote);
	rate_cell(t, c, c->ipi_sent);
	if (p->cfg.threads)
		table_cell(t, "-");
	else
		rate_cell(t, c, c->needless_ipi);
	rate_cell(t, c, c->tlb_miss);
	if (w->sleep)
		rate_cell(t, c, point_sleeps(p));
	if (w->in_use)
		buffers_cells(t, p->res);
	table_cell(t, "%s",
	    isfinite(price) ? number_real(number, per_map(c, c->cycles), 1)
			    : "-");
	table_cell(t, "%s%s",
	    isfinite(price) && cheapest > 0
		? number_real(number, price / cheapest, 2)
		: "-",
	    isfinite(price) && cheapest > 0 ? "x" : "");
	if (w->violations)
		table_cell(
		    t, "%s", number_u64(number, p->res->violations_total));
	if (p->unsound)
		table_rest(t, p->err.text);
}

/* The most maps a second first, refused ones last. */
static int
compare_rates(const void *va, const void *vb)
{
	const struct point *a = *(const struct point *const *)va;
	const struct point *b = *(const struct point *const *)vb;
	double ra, rb;

	if (a->status != 0 || b->status != 0)
		return (compare_points(va, vb));
	ra = eph_time_rate(&a->res->time);
	rb = eph_time_rate(&b->res->time);
	if (ra != rb)
		return (ra > rb ? -1 : 1);
	return ((a > b) - (a < b)); /* as they were typed */
}

const struct point **
sort_points(const struct setup *s, const struct point *p, size_t n)
{
	const struct point **order = must_alloc(NULL, n, sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &p[i];
	qsort(order, n, sizeof(*order),
	    s->o->time ? compare_rates : compare_points);
	return (order);
}

/*
 * What prices are printed against: the cheapest run that costs anything.
 * (With --touch none a direct map costs nothing.)
 */
static double
price_unit(const struct point *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0 && price_of(order[i]) > 0)
			return (price_of(order[i]));
	}
	return (NAN);
}

/* What does not vary. */
static void
print_common(const struct setup *s, const struct eph_trace_meta *meta,
    const struct shown *w, const struct point *p, FILE *out)
{
	struct text text;
	FILE *f = text_begin(&text);

	(void)fputc('\n', f);
	print_trace_line(s, meta, f);
	if (!w->machine)
		(void)fprintf(f, "Machine %s", p->cfg.machine);
	else
		(void)fputs("Machines as shown", f);
	if (!w->tlb)
		(void)fprintf(f, ", TLB %s",
		    w->machine ? "of the machine" : point_tlb(p));
	if (!w->cpus) {
		(void)fputs(", ", f);
		print_counted(f, p->cfg.cpus, "CPU");
	}
	if (!w->nbufs) {
		(void)fputs(", ", f);
		print_counted(f, p->cfg.nbufs, "buffer");
	}
	(void)fputs(".  ", f);
	print_p_lines(s, meta, f);
	text_end(&text, out);
}

static void
print_how_to_read(const struct shown *w, FILE *out)
{
	struct text text;
	FILE *f = text_begin(&text);

	(void)fprintf(f,
	    "\nFrom invlpg to %s: events per 1,000 maps, on all CPUs "
	    "together, counted exactly.\n"
	    "  hit %%     maps that found the page still mapped\n"
	    "  invlpg    single TLB entries invalidated\n"
	    "%s"
	    "  IPI       CPUs interrupted to invalidate\n"
	    "  needless  of these, who held nothing outdated: a perfect "
	    "shootdown spares them\n"
	    "  TLB miss  touches of the mapping that had to walk the page "
	    "table\n"
	    "%s",
	    w->sleep ? "sleep" : "TLB miss",
	    w->flush ? "  flush     whole TLBs flushed\n" : "",
	    w->sleep
		? "  sleep     sleeps for a free buffer, woken for nothing "
		  "or not\n"
		: "");
	if (w->in_use)
		(void)fputs("in use, at most: buffers that are held, mean and "
			    "peak of the run.\n",
		    f);
	(void)fputs(
	    "cycles/map is modelled: those events times the machine's prices "
	    "(--costs for yours).\n"
	    "price is cycles/map",
	    f);
	(void)fputs(w->machine ? ", in time," : "", f);
	(void)fputs(" against the cheapest that costs "
		    "anything.\n",
	    f);
	text_end(&text, out);
}

/* Under clocks: how much, how long, and where the cycles went. */

static void
print_time_heading(struct table *t, const struct shown *w)
{
	axes_heading(t, w);
	table_cell(t, "Mmaps/s");
	table_cell(t, "p50 us");
	table_cell(t, "p99 us");
	for (size_t i = 0; i < TIME_COLUMNS; i++)
		table_cell(t, "%s", time_columns[i].name);
	table_rule(t);
}

const struct time_column time_columns[TIME_COLUMNS] = {
	{ "TLB", "walks, own invalidations",
	    1u << EPH_CYCLES_walk | 1u << EPH_CYCLES_invlpg },
	{ "ask", "sending IPIs, waiting for answers",
	    1u << EPH_CYCLES_send | 1u << EPH_CYCLES_ack },
	{ "irq", "handling IPIs", 1u << EPH_CYCLES_handle },
	{ "lck", "locks, lines of others",
	    1u << EPH_CYCLES_lock | 1u << EPH_CYCLES_line },
	{ "idl", "idle", 1u << EPH_CYCLES_idle | 1u << EPH_CYCLES_sleep },
};

double
time_share(const struct eph_time *t, const struct time_column *c)
{
	const double all = (double)t->elapsed * t->cpus;
	uint64_t sum = 0;

	for (unsigned k = 0; k < EPH_CYCLES_N; k++)
		sum += (c->items >> k & 1) != 0 ? t->cycles[k] : 0;
	return (all > 0 ? 100 * (double)sum / all : 0);
}

/* Three digits or more. */
static void
time_cell(struct table *t, double v)
{
	char number[NUMBER_MAX];

	table_cell(t, "%s",
	    number_real(number, v,
		v < 1	      ? 3
		    : v < 10  ? 2
		    : v < 100 ? 1
			      : 0));
}

static void
print_time(struct table *t, const struct shown *w, const struct point *p)
{
	const struct eph_time *tm = &p->res->time;

	axes_cells(t, w, p);
	time_cell(t, eph_time_rate(tm) / 1e6);
	time_cell(t, (double)tm->map.p50 / tm->mhz);
	time_cell(t, (double)tm->map.p99 / tm->mhz);
	for (size_t i = 0; i < TIME_COLUMNS; i++)
		table_cell(t, "%.0f", time_share(tm, &time_columns[i]));
	if (p->unsound)
		table_rest(t, p->err.text);
}

static void
print_times_how_to_read(FILE *out)
{
	struct text text;
	FILE *f = text_begin(&text);

	(void)fputs(
	    "\nSimulated time.  Mmaps/s: millions of maps a second, on all CPUs "
	    "together.\np50, p99: of 100 maps 50 and 99 are quicker.  Of the cycles of all CPUs, in "
	    "per cent:\n"
	    "  TLB  walks, and invalidating the CPU's own TLB\n"
	    "  ask  sending IPIs and waiting for answers: who asks pays\n"
	    "  irq  handling them: who is asked pays\n"
	    "  lck  locks, and cache lines that another CPU wrote\n"
	    "  idl  asleep, thinking, or through; the rest is work\n"
	    "--format json has every item, and each CPU's.\n",
	    f);
	text_end(&text, out);
}

static void
print_times(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, size_t n, FILE *out)
{
	const struct shown w = find_shown(p, n);
	const struct point **order = sort_points(s, p, n);
	char align[24];
	struct table *t;

	(void)snprintf(align, sizeof(align), "l%s%s%s%s%s%srrrrrrrr",
	    w.policy ? "l" : "", w.shootdown ? "l" : "", w.machine ? "l" : "",
	    w.tlb ? "l" : "", w.cpus ? "r" : "", w.nbufs ? "r" : "");
	t = table_create(align);
	table_keys(t, axes_count(&w));
	print_time_heading(t, &w);
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0) {
			print_time(t, &w, order[i]);
			continue;
		}
		axes_cells(t, &w, order[i]);
		table_rest(t, order[i]->err.text);
	}
	table_print(t, out);
	table_destroy(t);
	print_common(s, meta, &w, order[0], out);
	print_times_how_to_read(out);
	free(order);
}

void
report_print_comparison(const struct setup *s,
    const struct eph_trace_meta *meta, const struct point *p, size_t n,
    FILE *out)
{
	const struct shown w = find_shown(p, n);
	const struct point **order;
	char align[24];
	struct table *t;
	double cheapest;

	if (s->o->time) {
		print_times(s, meta, p, n, out);
		return;
	}
	order = sort_points(s, p, n);
	(void)snprintf(align, sizeof(align), "l%s%s%s%s%s%srrrrrrr%s%s%s%s",
	    w.policy ? "l" : "", w.shootdown ? "l" : "", w.machine ? "l" : "",
	    w.tlb ? "l" : "", w.cpus ? "r" : "", w.nbufs ? "r" : "",
	    w.flush ? "r" : "", w.sleep ? "r" : "", w.in_use ? "rr" : "",
	    w.violations ? "r" : "");
	t = table_create(align);
	table_keys(t, axes_count(&w));
	print_heading(t, &w);
	cheapest = price_unit(order, n);
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0) {
			print_point(t, &w, order[i], cheapest);
			continue;
		}
		axes_cells(t, &w, order[i]);
		table_rest(t, order[i]->err.text);
	}
	table_print(t, out);
	table_destroy(t);
	print_common(s, meta, &w, order[0], out);
	print_how_to_read(&w, out);
	free(order);
}
