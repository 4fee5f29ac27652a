/* SPDX-License-Identifier: BSD-2-Clause */

/* The answer of a report in words. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "table.h"

#define NAME_MAX_ 256

static double
price(const struct group *g)
{
	return (g->mean[METRIC_PRICE]);
}

static bool
has_number(const struct group *g, enum group_axis a, double value)
{
	return (g->axis[a][0] != '\0' && strtod(g->axis[a], NULL) == value);
}

/* The cheapest that costs anything; groups of a trace are in that order. */
static const struct group *
cheapest(const struct groups *gs, size_t first, size_t end, bool buffered)
{
	for (size_t i = first; i < end; i++) {
		const struct group *g = &gs->group[i];

		if (group_ran(g) && price(g) > 0 &&
		    (!buffered || g->axis[GROUP_NBUFS][0] != '\0'))
			return (g);
	}
	return (NULL);
}

static void
say_cost(FILE *f, const struct groups *gs, const struct group *g)
{
	char name[NAME_MAX_], number[NUMBER_MAX];

	group_name(gs, g, 0, name, sizeof(name));
	(void)fputs("<b>", f);
	html_text(f, name);
	(void)fprintf(
	    f, "</b> (%s ns per map", number_real(number, price(g), 1));
	if (g->runs > 1)
		(void)fprintf(f, " &#177; %s over %u seeds",
		    number_real(number, group_deviation(g, METRIC_PRICE), 1),
		    g->runs);
	(void)fputc(')', f);
}

/* Each design by its best, against the cheapest. */
static void
say_designs(FILE *f, const struct groups *gs, size_t first, size_t end)
{
	const struct group *best = cheapest(gs, first, end, false);
	const struct group *sized = cheapest(gs, first, end, true);
	const struct group *last = NULL;
	char number[NUMBER_MAX];
	unsigned refused = 0;

	for (size_t i = first; i < end; i++) {
		refused += gs->group[i].runs == 0;
		if (group_ran(&gs->group[i]))
			last = &gs->group[i];
	}
	if (best == NULL) {
		(void)fputs("<li>Nothing has a price here.</li>\n", f);
		return;
	}
	(void)fputs("<li>The cheapest is ", f);
	say_cost(f, gs, best);
	(void)fputs(".</li>\n", f);
	if (best->axis[GROUP_NBUFS][0] == '\0' && sized != NULL) {
		(void)fputs("<li>Of those with a number of buffers it is ", f);
		say_cost(f, gs, sized);
		(void)fprintf(f, ", %s times as much.</li>\n",
		    number_real(number, price(sized) / price(best), 2));
	}
	if (last != best) {
		(void)fputs("<li>The dearest is ", f);
		say_cost(f, gs, last);
		(void)fprintf(f, ", %s times the cheapest.</li>\n",
		    number_real(number, price(last) / price(best), 1));
	}
	if (refused > 0)
		(void)fprintf(f,
		    "<li>%u combinations cannot do this; the table says "
		    "why.</li>\n",
		    refused);
}

/* The cheapest at a value of one axis, another held at `other'. */
static const struct group *
cheapest_at(const struct groups *gs, size_t first, size_t end,
    enum group_axis a, double value, enum group_axis held, double other)
{
	for (size_t i = first; i < end; i++) {
		const struct group *g = &gs->group[i];

		if (group_ran(g) && price(g) > 0 && has_number(g, a, value) &&
		    (isnan(other) || has_number(g, held, other)))
			return (g);
	}
	return (NULL);
}

/* "A up to 512 buffers, then B": where the order changes. */
static void
say_changes(FILE *f, const struct groups *gs, size_t first, size_t end,
    enum group_axis a, enum group_axis held, double other)
{
	const unsigned but = 1u << a | 1u << held;
	char name[NAME_MAX_], previous[NAME_MAX_] = "", number[NUMBER_MAX];
	double *value, before = 0;
	const size_t n = axis_numbers(gs, first, end, a, &value);

	for (size_t i = 0; i < n; i++) {
		const struct group *g =
		    cheapest_at(gs, first, end, a, value[i], held, other);

		if (g == NULL)
			continue;
		group_name(gs, g, but, name, sizeof(name));
		if (strcmp(name, previous) == 0) {
			before = value[i];
			continue;
		}
		if (previous[0] != '\0')
			(void)fprintf(f, " up to %s, then ",
			    number_real(number, before, 0));
		(void)fputs("<b>", f);
		html_text(f, name);
		(void)fputs("</b>", f);
		(void)strcpy(previous, name);
		before = value[i];
	}
	free(value);
}

static void
say_break_even(FILE *f, const struct groups *gs, size_t first, size_t end)
{
	char number[NUMBER_MAX];
	double *cpus;
	const size_t n = axis_numbers(gs, first, end, GROUP_CPUS, &cpus);

	if (gs->varies[GROUP_NBUFS] && cheapest(gs, first, end, true) != NULL) {
		for (size_t i = 0; i < n; i++) {
			(void)fprintf(f,
			    "<li>By number of buffers, with %s CPU%s, the "
			    "cheapest that has buffers is ",
			    number_real(number, cpus[i], 0),
			    cpus[i] > 1 ? "s" : "");
			say_changes(f, gs, first, end, GROUP_NBUFS, GROUP_CPUS,
			    cpus[i]);
			(void)fputs(".</li>\n", f);
		}
	}
	if (n > 1) {
		(void)fputs(
		    "<li>By number of CPUs, the cheapest of all is ", f);
		say_changes(f, gs, first, end, GROUP_CPUS, GROUP_NBUFS, NAN);
		(void)fputs(".</li>\n", f);
	}
	free(cpus);
}

void
page_answer(FILE *f, const struct groups *gs)
{
	(void)fputs("<h2>Answer</h2>\n", f);
	if (gs->n == 0)
		(void)fputs("<p>There are no results.</p>\n", f);
	for (size_t first = 0, end; first < gs->n; first = end) {
		end = trace_end(gs, first);
		(void)fputs("<h3>", f);
		html_text(f, gs->group[first].axis[GROUP_TRACE]);
		(void)fputs("</h3>\n<ul class=\"answer\">\n", f);
		say_designs(f, gs, first, end);
		say_break_even(f, gs, first, end);
		(void)fputs("</ul>\n", f);
	}
}
