/* SPDX-License-Identifier: BSD-2-Clause */

/* Many runs, side by side. */

#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"
#include "table.h"

/* Which columns a comparison needs: an axis is shown where it varies. */
struct shown {
	bool policy;
	bool shootdown;
	bool machine;
	bool tlb;
	bool cpus;
	bool nbufs;
	bool in_use; /* mappings are held, not only used and freed */
	bool violations;
};

static bool
same_text(const char *a, const char *b)
{
	return (strcmp(or_dash(a), or_dash(b)) == 0);
}

static struct shown
find_shown(const struct point *p, size_t n)
{
	struct shown w = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct eph_run_config *a = &p[0].cfg, *b = &p[i].cfg;

		/* Only what was chosen: the designs' own differ anyway. */
		w.policy |= b->policy != NULL;
		w.shootdown |= b->shootdown != NULL;
		w.machine |= strcmp(a->machine, b->machine) != 0;
		w.tlb |= !same_text(a->tlb, b->tlb);
		w.cpus |= a->cpus != b->cpus;
		w.nbufs |= a->nbufs != b->nbufs;
		w.in_use |= p[i].status == 0 && p[i].res->buffers_peak > 1;
		w.violations |=
		    p[i].status == 0 && p[i].res->violations_total > 0;
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

static void
print_heading(struct table *t, const struct shown *w)
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
	table_cell(t, "hit %%");
	table_cell(t, "invlpg");
	table_cell(t, "flush");
	table_cell(t, "IPI");
	table_cell(t, "TLB miss");
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

static void
print_axes(struct table *t, const struct shown *w, const struct point *p)
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

	print_axes(t, w, p);
	table_cell(t, "%s", isfinite(hit) ? number_real(number, hit, 1) : "-");
	rate_cell(t, c, c->invlpg_local + c->invlpg_remote);
	rate_cell(t, c, c->flush_local + c->flush_remote);
	rate_cell(t, c, c->ipi_sent);
	rate_cell(t, c, c->tlb_miss);
	rate_cell(t, c, p->work != NULL ? p->work->map_sleeps : c->sleep);
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

static const struct point **
sort_points(const struct point *p, size_t n)
{
	const struct point **order = must_alloc(NULL, n, sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &p[i];
	qsort(order, n, sizeof(*order), compare_points);
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

static void
print_how_to_read(const struct setup *s, const struct eph_trace_meta *meta,
    const struct shown *w, const struct point *p, FILE *out)
{
	(void)fputc('\n', out);
	print_trace_line(s, meta, out);
	if (!w->machine)
		(void)fprintf(out, "Machine %s", p->cfg.machine);
	else
		(void)fputs("Machines as shown", out);
	if (!w->tlb)
		(void)fprintf(out, ", TLB %s",
		    w->machine ? "of the machine" : point_tlb(p));
	if (!w->cpus) {
		(void)fputs(", ", out);
		print_counted(out, p->cfg.cpus, "CPU");
	}
	if (!w->nbufs) {
		(void)fputs(", ", out);
		print_counted(out, p->cfg.nbufs, "buffer");
	}
	(void)fputs(".  ", out);
	print_p_lines(s, meta, out);
	(void)fputs(
	    "\nFrom invlpg to sleep: events per 1,000 maps, on all CPUs "
	    "together, counted exactly.\n"
	    "  hit %     maps that found the page still mapped\n"
	    "  invlpg    single TLB entries invalidated\n"
	    "  flush     whole TLBs flushed\n"
	    "  IPI       CPUs interrupted to invalidate\n"
	    "  TLB miss  touches of the mapping that had to walk the page "
	    "table\n"
	    "  sleep     sleeps for a free buffer, woken for nothing or not\n",
	    out);
	if (w->in_use)
		(void)fputs(
		    "in use, at most: buffers that somebody holds, mean and "
		    "peak of the run.\n",
		    out);
	(void)fputs(
	    "cycles/map is modelled: those events times the machine's prices "
	    "(--costs for yours).\n"
	    "price is cycles/map",
	    out);
	(void)fputs(w->machine ? ", in time," : "", out);
	(void)fputs(" against the cheapest that costs "
		    "anything.\n",
	    out);
}

void
report_print_comparison(const struct setup *s,
    const struct eph_trace_meta *meta, const struct point *p, size_t n,
    FILE *out)
{
	const struct shown w = find_shown(p, n);
	const struct point **order = sort_points(p, n);
	char align[24] = "l";
	struct table *t;
	double cheapest;

	(void)snprintf(align, sizeof(align), "l%s%s%s%s%s%srrrrrrrr%s%s",
	    w.policy ? "l" : "", w.shootdown ? "l" : "", w.machine ? "l" : "",
	    w.tlb ? "l" : "", w.cpus ? "r" : "", w.nbufs ? "r" : "",
	    w.in_use ? "rr" : "", w.violations ? "r" : "");
	t = table_create(align);
	print_heading(t, &w);
	cheapest = price_unit(order, n);
	for (size_t i = 0; i < n; i++) {
		if (order[i]->status == 0) {
			print_point(t, &w, order[i], cheapest);
			continue;
		}
		print_axes(t, &w, order[i]);
		table_rest(t, order[i]->err.text);
	}
	table_print(t, out);
	table_destroy(t);
	print_how_to_read(s, meta, &w, order[0], out);
	free(order);
}
