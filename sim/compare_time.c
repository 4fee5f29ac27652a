/* SPDX-License-Identifier: BSD-2-Clause */

#include "compare_time.h"

#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "report_compare.h"
#include "result.h"
#include "text.h"

/* Those that ran, in the order of the comparison's table. */
struct ran {
	struct shown shown;
	const struct point **order;
	size_t n;
	const struct compare_time *c;
};

static void
ran_init(struct ran *r, const struct compare_time *c)
{
	r->c = c;
	r->shown = find_shown(c->p, c->n);
	r->order = sort_points(c->s, c->p, c->n);
	r->n = 0;
	while (r->n < c->n && r->order[r->n]->status == 0)
		r->n++;
}

static const struct intervals *
ran_intervals(const struct ran *r, size_t i)
{
	return (&r->c->iv[r->order[i] - r->c->p]);
}

/* All have played the same references. */
static size_t
ran_count(const struct ran *r)
{
	const size_t samples = r->n == 0 ? 0 : ran_intervals(r, 0)->n;

	return (samples == 0 ? 0 : samples - 1);
}

void
compare_time_table(const struct compare_time *c, FILE *out)
{
	char align[32] = "";
	struct table *t;
	struct ran r;
	unsigned axes;
	bool timed;

	ran_init(&r, c);
	axes = axes_count(&r.shown);
	timed = r.n > 0 && interval_timed(ran_intervals(&r, 0));
	memset(align, 'r', 1 + timed);
	memset(align + strlen(align), 'l', axes);
	memset(align + strlen(align), 'r', 7);
	t = table_create(align);
	table_keys(t, 1 + timed + axes);
	interval_from_head(t, timed);
	axes_heading(t, &r.shown);
	interval_events_head(t);
	for (size_t k = 0; k < ran_count(&r); k++) {
		for (size_t i = 0; i < r.n; i++) {
			const struct intervals *iv = ran_intervals(&r, i);

			interval_from(t, iv, k, timed);
			axes_cells(t, &r.shown, r.order[i]);
			interval_events(t, iv, k);
		}
	}
	(void)fputc('\n', out);
	table_print(t, out);
	text_printf(out,
	    "\nEach row: one run from that reference on; events per 1,000 maps "
	    "that returned in it.\n");
	table_destroy(t);
	free(r.order);
}

/* A word and a comma; nothing where there is none. */
static void
put_word(const char *word, FILE *out)
{
	if (word != NULL)
		csv_text(word, out);
	(void)fputc(',', out);
}

void
compare_time_csv(const struct compare_time *c, FILE *out)
{
	(void)fputs("design,policy,shootdown,machine,tlb,cpus,nbufs,", out);
	interval_csv_head(out);
	for (size_t i = 0; i < c->n; i++) {
		const struct point *p = &c->p[i];

		for (size_t k = 0; k + 1 < c->iv[i].n; k++) {
			put_word(p->cfg.design->name, out);
			put_word(point_policy(p), out);
			put_word(point_shootdown(p), out);
			put_word(p->cfg.machine, out);
			put_word(point_tlb(p), out);
			(void)fprintf(out, "%u,", p->cfg.cpus);
			if (point_has_nbufs(p))
				(void)fprintf(out, "%u", p->cfg.nbufs);
			(void)fputc(',', out);
			interval_csv_line(&c->iv[i], k, out);
		}
	}
}

/* Two lines of each run: misses, then interrupts. */
static double
plot_value(const void *arg, size_t line, size_t i, double *error)
{
	const struct ran *r = arg;
	const struct intervals *iv = ran_intervals(r, line / 2);

	*error = 0;
	return (line % 2 == 0 ? interval_misses(iv, i) : interval_ipis(iv, i));
}

int
compare_time_plot(
    const struct compare_time *c, const char *to, struct eph_err *err)
{
	const struct plot frame = { .title = c->s->trace,
		.x = "references",
		.y = "events per reference" };
	char(*name)[POINT_NAME];
	const char **names;
	uint32_t *at;
	struct ran r;
	size_t n;
	int error;

	ran_init(&r, c);
	n = ran_count(&r);
	name = must_alloc(NULL, 2 * r.n + 1, sizeof(*name));
	names = must_alloc(NULL, 2 * r.n + 1, sizeof(*names));
	at = must_alloc(NULL, n + 1, sizeof(*at));
	for (size_t i = 0; i < 2 * r.n; i++) {
		char point[POINT_NAME / 2];

		point_name(&r.shown, r.order[i / 2], point, sizeof(point));
		(void)snprintf(name[i], sizeof(name[i]), "%s %s", point,
		    i % 2 == 0 ? "misses" : "IPIs");
		names[i] = name[i];
	}
	for (size_t k = 0; k < n; k++)
		at[k] = (uint32_t)ran_intervals(&r, 0)->references[k];
	error = plot_numbers(
	    &frame, at, n, false, names, 2 * r.n, plot_value, &r, to, err);
	free(name);
	free(names);
	free(at);
	free(r.order);
	return (error);
}
