/* SPDX-License-Identifier: BSD-2-Clause */

/* Plots with characters. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "table.h"
#include "text.h"

#define ROWS	   20
#define LEFT	   10 /* columns before the canvas */
#define WIDTH	   200
#define BAR_NUMBER 10 /* columns of the number behind a bar */

static const char marks[] =
    "*o+x#@%&=~abcdefghijklmnpqrstuvwyzABCDEFGHIJKLMNPQRSTUVWXYZ";

struct canvas {
	double x0, x1, y0, y1;
	bool log_x;
	bool log_y;
	int columns;
	char cell[ROWS][WIDTH + 1];
};

static double
scaled_x(const struct canvas *c, double x)
{
	return (c->log_x ? log2(x) : x);
}

static double
scaled_y(const struct canvas *c, double y)
{
	return (c->log_y ? log10(y) : y);
}

static void
find_range(const struct plot *p, struct canvas *c)
{
	c->x0 = INFINITY;
	c->x1 = -INFINITY;
	c->y0 = INFINITY;
	c->y1 = c->log_y ? -INFINITY : 0;
	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++) {
			const double x = scaled_x(c, p->line[l].x[i]);

			c->x0 = fmin(c->x0, x);
			c->x1 = fmax(c->x1, x);
			c->y0 = fmin(c->y0, scaled_y(c, p->line[l].y[i]));
			c->y1 = fmax(c->y1, scaled_y(c, p->line[l].y[i]));
		}
	}
	if (!(c->x1 > c->x0))
		c->x1 = c->x0 + 1;
	/* At 0, unless all would lie in the upper half. */
	if (!c->log_y)
		c->y0 = c->y0 > c->y1 / 2 && c->y0 < c->y1
		    ? c->y0 - (c->y1 - c->y0) / 10
		    : 0;
	if (!(c->y1 > c->y0))
		c->y1 = c->y0 + 1;
}

static void
set_mark(struct canvas *c, double x, double y, char mark)
{
	const double across = (scaled_x(c, x) - c->x0) / (c->x1 - c->x0);
	const int column = (int)lround(across * (c->columns - 1));
	const double up = (scaled_y(c, y) - c->y0) / (c->y1 - c->y0);
	const int row = (int)lround((1 - up) * (ROWS - 1));

	if (row >= 0 && row < ROWS && column >= 0 && column < c->columns &&
	    c->cell[row][column] == ' ')
		c->cell[row][column] = mark;
}

static void
print_legend(const struct plot *p)
{
	unsigned column = 0;

	for (size_t l = 0; l < p->nlines; l++) {
		const char *name = p->line[l].name;
		const unsigned n = (unsigned)strlen(name) + 5;

		if (column > 0 && column + n > text_columns() - 1) {
			(void)putchar('\n');
			column = 0;
		}
		if (column == 0)
			column = (unsigned)printf("%*s", LEFT - 3, "");
		column += (unsigned)printf(
		    "   %c %s", marks[l % (sizeof(marks) - 1)], name);
	}
	(void)putchar('\n');
}

/* The parts of bar `i', each in its mark; returns the columns it took. */
static int
print_parts(const struct plot *p, size_t i, double top, int columns)
{
	double sum = 0;
	int at = 0;

	for (size_t l = 0; l < p->nlines; l++) {
		sum += p->line[l].y[i];
		for (; at < (int)lround(sum / top * columns); at++)
			(void)putchar(marks[l % (sizeof(marks) - 1)]);
	}
	return (at);
}

/* A line for each bar, with what its parts add up to. */
static void
bars_text(const struct plot *p)
{
	const size_t n = p->line[0].n;
	int name = 0, columns;
	double top = 0;

	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		for (size_t l = 0; l < p->nlines; l++)
			sum += p->line[l].y[i];
		top = fmax(top, sum);
		name = (int)fmax(name, (double)strlen(p->bars[i]));
	}
	columns = (int)text_columns() - BAR_NUMBER;
	name = name > columns / 2 ? columns / 2 : name;
	columns -= name + 2;
	for (size_t i = 0; i < n; i++) {
		char number[NUMBER_MAX];
		double sum = 0;
		int at;

		for (size_t l = 0; l < p->nlines; l++)
			sum += p->line[l].y[i];
		(void)printf("%-*.*s |", name, name, p->bars[i]);
		at = print_parts(p, i, top > 0 ? top : 1, columns);
		(void)printf("%*s%*s\n", columns - at, "", BAR_NUMBER,
		    number_real(number, sum, 1));
	}
}

void
plot_text(const struct plot *p)
{
	struct canvas c = { .log_x = p->log_x, .log_y = p->log_y };
	const int room = (int)text_columns() - LEFT - 2;

	text_printf(stdout, "\n%s\n%s\n", p->title, p->y);
	if (p->bars != NULL) {
		bars_text(p);
		print_legend(p);
		return;
	}

	c.columns = room < WIDTH ? room : WIDTH;
	find_range(p, &c);
	for (int r = 0; r < ROWS; r++) {
		memset(c.cell[r], ' ', (size_t)c.columns);
		c.cell[r][c.columns] = '\0';
	}
	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++)
			set_mark(&c, p->line[l].x[i], p->line[l].y[i],
			    marks[l % (sizeof(marks) - 1)]);
	}
	for (int r = 0; r < ROWS; r++) {
		const double y =
		    c.y0 + (c.y1 - c.y0) * (ROWS - 1 - r) / (ROWS - 1);

		(void)printf(
		    "%8.4g |%s\n", c.log_y ? pow(10, y) : y, c.cell[r]);
	}
	(void)printf("%8s +", "");
	for (int i = 0; i < c.columns; i++)
		(void)putchar('-');
	(void)printf("\n%*s%-*.0f%*.0f\n%*s%s\n", LEFT, "", c.columns / 2,
	    c.log_x ? exp2(c.x0) : c.x0, c.columns - c.columns / 2,
	    c.log_x ? exp2(c.x1) : c.x1, LEFT, "", p->x);
	print_legend(p);
}
