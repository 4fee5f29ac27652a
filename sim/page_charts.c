/* SPDX-License-Identifier: BSD-2-Clause */

/* The charts of a report. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "plot.h"
#include "table.h"

#define NAME_MAX_ 128
#define LINES_MAX 40
#define BARS_MAX  32

/* Lines that are gathered group by group. */
struct chart {
	char name[LINES_MAX][NAME_MAX_];
	double *x[LINES_MAX];
	double *y[LINES_MAX];
	double *e[LINES_MAX];
	size_t n[LINES_MAX];
	size_t nlines;
	size_t left_out; /* points of lines that had no room */
	bool errors;
};

static void
chart_free(struct chart *c)
{
	for (size_t i = 0; i < c->nlines; i++) {
		free(c->x[i]);
		free(c->y[i]);
		free(c->e[i]);
	}
	free(c);
}

/* A point; of two at one place the cheaper, which comes first, stays. */
static void
add_point(struct chart *c, const char *name, double x, const struct group *g,
    enum group_metric what)
{
	size_t l = 0, k = 0;

	while (l < c->nlines && strcmp(c->name[l], name) != 0)
		l++;
	if (l == LINES_MAX) {
		c->left_out++;
		return;
	}
	if (l == c->nlines) {
		(void)snprintf(c->name[l], NAME_MAX_, "%s", name);
		c->x[l] = c->y[l] = c->e[l] = NULL;
		c->n[l] = 0;
		c->nlines++;
	}
	while (k < c->n[l] && c->x[l][k] < x)
		k++;
	if (k < c->n[l] && c->x[l][k] == x)
		return;
	c->x[l] = must_alloc(c->x[l], c->n[l] + 1, sizeof(double));
	c->y[l] = must_alloc(c->y[l], c->n[l] + 1, sizeof(double));
	c->e[l] = must_alloc(c->e[l], c->n[l] + 1, sizeof(double));
	memmove(c->x[l] + k + 1, c->x[l] + k, (c->n[l] - k) * sizeof(double));
	memmove(c->y[l] + k + 1, c->y[l] + k, (c->n[l] - k) * sizeof(double));
	memmove(c->e[l] + k + 1, c->e[l] + k, (c->n[l] - k) * sizeof(double));
	c->x[l][k] = x;
	c->y[l][k] = g->mean[what];
	c->e[l][k] = group_deviation(g, what);
	c->errors |= c->e[l][k] > 0;
	c->n[l]++;
}

static int
print_figure(
    FILE *f, const struct plot *p, const char *caption, struct eph_err *err)
{
	int error;

	(void)fputs(
	    p->bars != NULL ? "<figure class=\"bars\">\n" : "<figure>\n", f);
	error = plot_svg_element(p, f, err);
	(void)fputs("<figcaption>", f);
	html_text(f, caption);
	(void)fputs("</figcaption>\n</figure>\n", f);
	return (error);
}

/* Would the lower lines lie on the axis? */
static bool
spans_decades(const struct chart *c)
{
	double low = INFINITY, high = 0;

	for (size_t l = 0; l < c->nlines; l++) {
		for (size_t i = 0; i < c->n[l]; i++) {
			low = fmin(low, c->y[l][i]);
			high = fmax(high, c->y[l][i]);
		}
	}
	return (low > 0 && high > 10 * low);
}

/* The names of all lines of the page, cheapest first; room for LINES_MAX. */
static size_t
names_of_page(const struct groups *gs, char (*name)[NAME_MAX_])
{
	const unsigned but = 1u << GROUP_CPUS | 1u << GROUP_NBUFS;
	size_t n = 0;

	for (size_t i = 0; i < gs->n && n < LINES_MAX; i++) {
		size_t k = 0;

		group_name(gs, &gs->group[i], but, name[n], NAME_MAX_);
		while (strcmp(name[k], name[n]) != 0)
			k++;
		n += k == n ? 1 : 0;
	}
	return (n);
}

static int
draw_chart(FILE *f, const struct groups *gs, const struct chart *c,
    const char *title, const char *x, const char *y, const char *caption,
    struct eph_err *err)
{
	char name[LINES_MAX][NAME_MAX_];
	const char *known[LINES_MAX];
	const size_t nknown = names_of_page(gs, name);
	struct plot_line line[LINES_MAX];
	const struct plot p = { .title = title,
		.x = x,
		.y = y,
		.log_x = true,
		.log_y = spans_decades(c),
		.line = line,
		.nlines = c->nlines,
		.known = known,
		.nknown = nknown };
	char text[512];

	for (size_t i = 0; i < nknown; i++)
		known[i] = name[i];
	for (size_t l = 0; l < c->nlines; l++)
		line[l] = (struct plot_line){ c->name[l], c->n[l], c->x[l],
			c->y[l], c->errors ? c->e[l] : NULL };
	(void)snprintf(text, sizeof(text),
	    "%s  Point at a name, or tap it, and its line stands alone.%s",
	    caption,
	    c->left_out > 0 ? "  Only the 40 cheapest lines are drawn; the "
			      "table has all."
			    : "");
	return (print_figure(f, &p, text, err));
}

/* Over buffers or CPUs; `held' is an axis with the number `at', or NaN. */
static int
chart_over(FILE *f, const struct groups *gs, size_t first, size_t end,
    enum group_axis a, enum group_axis held, double at, struct eph_err *err)
{
	const unsigned but = 1u << a | 1u << held;
	struct chart *c = must_alloc(NULL, 1, sizeof(*c));
	char name[NAME_MAX_], title[256], number[NUMBER_MAX];
	int error = 0;

	memset(c, 0, sizeof(*c));
	for (size_t i = first; i < end; i++) {
		const struct group *g = &gs->group[i];

		if (!group_ran(g) || g->axis[a][0] == '\0' ||
		    (!isnan(at) && strtod(g->axis[held], NULL) != at))
			continue;
		group_name(gs, g, but, name, sizeof(name));
		add_point(c, name, strtod(g->axis[a], NULL), g, METRIC_PRICE);
	}
	if (isnan(at))
		(void)snprintf(title, sizeof(title), "Cost by number of %s",
		    a == GROUP_CPUS ? "CPUs" : "buffers");
	else
		(void)snprintf(title, sizeof(title),
		    "Cost by number of buffers, %s CPU%s",
		    number_real(number, at, 0), at > 1 ? "s" : "");
	if (c->nlines > 0)
		error = draw_chart(f, gs, c, title,
		    a == GROUP_CPUS ? "CPUs" : "buffers", "ns per map",
		    a == GROUP_CPUS
			? "Modelled time of a map by CPUs of the machine; "
			  "each line with its cheapest number of buffers."
			: "Modelled time of a map; lower is better.",
		    err);
	chart_free(c);
	return (error);
}

/* Throughput by CPUs, each line with its best number of buffers. */
static int
chart_scaling(FILE *f, const struct groups *gs, size_t first, size_t end,
    struct eph_err *err)
{
	const unsigned but = 1u << GROUP_CPUS | 1u << GROUP_NBUFS;
	struct chart *c = must_alloc(NULL, 1, sizeof(*c));
	char name[NAME_MAX_];
	int error = 0;

	memset(c, 0, sizeof(*c));
	for (size_t i = first; i < end; i++) {
		const struct group *g = &gs->group[i];

		if (!group_ran(g) || isnan(g->mean[METRIC_RATE]))
			continue;
		group_name(gs, g, but, name, sizeof(name));
		add_point(
		    c, name, strtod(g->axis[GROUP_CPUS], NULL), g, METRIC_RATE);
	}
	if (c->nlines > 0)
		error = draw_chart(f, gs, c, "Throughput by number of CPUs",
		    "CPUs", "million maps a second",
		    "Simulated clocks, all CPUs together; higher is better.  "
		    "Each line with its cheapest number of buffers.",
		    err);
	chart_free(c);
	return (error);
}

/* Parts of each design, in its cheapest combination. */
struct parts {
	const enum group_metric *part;
	unsigned n;
	const char *title, *y, *caption;
};

#define PARTS_MAX 5

static int
chart_parts(FILE *f, const struct groups *gs, size_t first, size_t end,
    const struct parts *p, struct eph_err *err)
{
	const char *bars[BARS_MAX];
	double value[PARTS_MAX][BARS_MAX], zero[BARS_MAX] = { 0 };
	struct plot_line line[PARTS_MAX];
	size_t n = 0;

	for (size_t i = first; i < end && n < BARS_MAX; i++) {
		const struct group *g = &gs->group[i];
		size_t k = 0;

		while (k < n && strcmp(bars[k], g->axis[GROUP_DESIGN]) != 0)
			k++;
		if (k < n || !group_ran(g))
			continue;
		bars[n] = g->axis[GROUP_DESIGN];
		for (unsigned m = 0; m < p->n; m++)
			value[m][n] = isnan(g->mean[p->part[m]])
			    ? 0
			    : g->mean[p->part[m]];
		n++;
	}
	for (unsigned m = 0; m < p->n; m++)
		line[m] = (struct plot_line){ group_metrics[p->part[m]].title,
			n, zero, value[m], NULL };
	if (n == 0)
		return (0);
	return (print_figure(f,
	    &(struct plot){ .title = p->title,
		.x = "",
		.y = p->y,
		.line = line,
		.nlines = p->n,
		.bars = bars },
	    p->caption, err));
}

static const enum group_metric event_parts[] = { METRIC_INVLPG, METRIC_FLUSH,
	METRIC_IPI, METRIC_TLB_MISS, METRIC_SLEEP };
static const enum group_metric cycle_parts[] = { METRIC_OWN, METRIC_ASK,
	METRIC_HANDLE, METRIC_LOCK, METRIC_IDLE };
static const struct parts events_by_design = { event_parts, PARTS_MAX,
	"Events by design", "events per 1,000 maps",
	"Each design in its cheapest combination, the cheapest on the left.  "
	"Events differ in price: an interrupt costs more than a TLB miss." };
static const struct parts cycles_by_design = { cycle_parts, PARTS_MAX,
	"Where the cycles went", "% of the cycles of all CPUs",
	"Simulated clocks, each design in its cheapest combination; what is "
	"not drawn is work." };

static int
charts_of_trace(FILE *f, const struct groups *gs, size_t first, size_t end,
    struct eph_err *err)
{
	double *cpus, *sizes;
	const size_t ncpus = axis_numbers(gs, first, end, GROUP_CPUS, &cpus);
	const size_t nsizes = axis_numbers(gs, first, end, GROUP_NBUFS, &sizes);
	int error = chart_parts(f, gs, first, end, &events_by_design, err);

	if (gs->timed && error == 0)
		error = chart_parts(f, gs, first, end, &cycles_by_design, err);
	if (gs->timed && ncpus > 1 && error == 0)
		error = chart_scaling(f, gs, first, end, err);

	for (size_t i = 0; i < ncpus && nsizes > 1 && error == 0; i++)
		error = chart_over(
		    f, gs, first, end, GROUP_NBUFS, GROUP_CPUS, cpus[i], err);
	if (ncpus > 1 && error == 0)
		error = chart_over(
		    f, gs, first, end, GROUP_CPUS, GROUP_NBUFS, NAN, err);
	free(cpus);
	free(sizes);
	return (error);
}

int
page_charts(FILE *f, const struct groups *gs, struct eph_err *err)
{
	int error = 0;

	for (size_t first = 0, end; first < gs->n && error == 0; first = end) {
		end = trace_end(gs, first);
		(void)fputs("<h2>", f);
		html_text(f, gs->group[first].axis[GROUP_TRACE]);
		(void)fputs("</h2>\n", f);
		error = charts_of_trace(f, gs, first, end, err);
	}
	if (error != 0) {
		(void)fputs("<p class=\"bad\">The charts are missing: ", f);
		html_text(f, err->text);
		(void)fputs("</p>\n", f);
	}
	return (error);
}
