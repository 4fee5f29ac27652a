/* SPDX-License-Identifier: BSD-2-Clause */

/* The picture of a comparison: a bar for each row of the table. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "report_compare.h"
#include "result.h"
#include "table.h"

#define PARTS_MAX 6

static double
part_value(const struct point *p, bool timed, unsigned part)
{
	const struct eph_counters *c = &p->res->counters;
	const uint64_t events[] = { c->invlpg_local + c->invlpg_remote,
		c->flush_local + c->flush_remote, c->ipi_sent, c->tlb_miss,
		point_sleeps(p) };
	double v;

	if (timed)
		return (time_share(&p->res->time, &time_columns[part]));
	v = per_map(c, events[part]) * 1000;
	return (isfinite(v) ? v : 0);
}

/* What the table's first columns say. */
void
point_name(const struct shown *w, const struct point *p, char *to, size_t size)
{
	char number[NUMBER_MAX];
	size_t n = (size_t)snprintf(to, size, "%s", p->cfg.design->name);

#define ADD(...)                                                               \
	n += n < size ? (size_t)snprintf(to + n, size - n, __VA_ARGS__) : 0
	if (w->policy)
		ADD(" %s", or_dash(point_policy(p)));
	if (w->shootdown)
		ADD(" %s", or_dash(point_shootdown(p)));
	if (w->machine)
		ADD(" %s", p->cfg.machine);
	if (w->tlb)
		ADD(" %s", point_tlb(p));
	if (w->cpus)
		ADD(" %u CPU%s", p->cfg.cpus, p->cfg.cpus == 1 ? "" : "s");
	if (w->nbufs && point_has_nbufs(p))
		ADD(" %s", number_u64(number, p->cfg.nbufs));
}

/* The input, and what does not vary. */
static void
plot_title(const struct setup *s, const struct shown *w, const struct point *p,
    char *to, size_t size)
{
	char number[NUMBER_MAX];
	size_t n = (size_t)snprintf(to, size, "%s: %s by design",
	    s->workload != NULL ? s->workload : s->trace,
	    s->o->time ? "cycles" : "events");

	if (!w->machine)
		ADD(", %s", p->cfg.machine);
	if (!w->cpus)
		ADD(", %u CPU%s", p->cfg.cpus, p->cfg.cpus == 1 ? "" : "s");
	if (!w->nbufs)
		ADD(", %s buffers", number_u64(number, p->cfg.nbufs));
#undef ADD
}

/* `ran' are those that have results, in the order of the table. */
static int
draw_bars(const struct setup *s, const struct shown *w,
    const struct point *const *ran, size_t n, const char *to,
    struct eph_err *err)
{
	static const char *const events[] = { "invlpg", "flush", "IPI",
		"TLB miss", "sleep" };
	const unsigned parts = s->o->time
	    ? TIME_COLUMNS
	    : (unsigned)(sizeof(events) / sizeof(events[0]));
	double *value = must_alloc(NULL, n * parts, sizeof(*value));
	char(*name)[POINT_NAME] = must_alloc(NULL, n, sizeof(*name));
	const char **bars = must_alloc(NULL, n, sizeof(*bars));
	struct plot_line line[PARTS_MAX];
	char title[512];
	const struct plot plot = { .title = title,
		.x = "",
		.y = s->o->time
		    ? "% of the cycles of all CPUs; the rest is work"
		    : "events per 1,000 maps, on all CPUs together",
		.line = line,
		.nlines = parts,
		.bars = bars };
	int error;

	plot_title(s, w, ran[0], title, sizeof(title));
	for (size_t i = 0; i < n; i++) {
		point_name(w, ran[i], name[i], sizeof(name[i]));
		bars[i] = name[i];
	}
	for (unsigned k = 0; k < parts; k++) {
		line[k] = (struct plot_line){ .n = n, .y = value + k * n };
		line[k].name = s->o->time ? time_columns[k].words : events[k];
		for (size_t i = 0; i < n; i++)
			value[k * n + i] = part_value(ran[i], s->o->time, k);
	}
	error = plot_draw(&plot, to, err);
	free(value);
	free(name);
	free(bars);
	return (error);
}

int
report_plot_comparison(const struct setup *s, const struct point *p, size_t n,
    const char *to, struct eph_err *err)
{
	const struct shown w = find_shown(p, n);
	const struct point **order = sort_points(s, p, n);
	size_t ran = 0;
	int error;

	while (ran < n && order[ran]->status == 0)
		ran++;
	error = draw_bars(s, &w, order, ran, to, err);
	free(order);
	return (error);
}
