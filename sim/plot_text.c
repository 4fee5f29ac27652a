/* SPDX-License-Identifier: BSD-2-Clause */

/* Plots with characters. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "table.h"
#include "text.h"

#define ROWS  20
#define LEFT  10 /* columns before the canvas */
#define WIDTH 200

static const char marks[] = "*o+x#@%&=~abcdefghijklmnpqrstuvwyz";

struct canvas {
	double x0, x1, y1;
	bool log_x;
	int columns;
	char cell[ROWS][WIDTH + 1];
};

static double
scaled_x(const struct canvas *c, double x)
{
	return (c->log_x ? log2(x) : x);
}

static void
find_range(const struct plot *p, struct canvas *c)
{
	c->x0 = INFINITY;
	c->x1 = -INFINITY;
	c->y1 = 0;
	for (size_t l = 0; l < p->nlines; l++) {
		for (size_t i = 0; i < p->line[l].n; i++) {
			const double x = scaled_x(c, p->line[l].x[i]);

			c->x0 = fmin(c->x0, x);
			c->x1 = fmax(c->x1, x);
			c->y1 = fmax(c->y1, p->line[l].y[i]);
		}
	}
	if (!(c->x1 > c->x0))
		c->x1 = c->x0 + 1;
	if (!(c->y1 > 0))
		c->y1 = 1;
}

static void
set_mark(struct canvas *c, double x, double y, char mark)
{
	const double across = (scaled_x(c, x) - c->x0) / (c->x1 - c->x0);
	const int column = (int)lround(across * (c->columns - 1));
	const int row = (int)lround((1 - y / c->y1) * (ROWS - 1));

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

void
plot_text(const struct plot *p)
{
	struct canvas c = { .log_x = p->log_x };
	const int room = (int)text_columns() - LEFT - 2;

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
	(void)printf("\n%s\n%s\n", p->title, p->y);
	for (int r = 0; r < ROWS; r++)
		(void)printf("%8.4g |%s\n", c.y1 * (ROWS - 1 - r) / (ROWS - 1),
		    c.cell[r]);
	(void)printf("%8s +", "");
	for (int i = 0; i < c.columns; i++)
		(void)putchar('-');
	(void)printf("\n%*s%-*.0f%*.0f\n%*s%s\n", LEFT, "", c.columns / 2,
	    c.log_x ? exp2(c.x0) : c.x0, c.columns - c.columns / 2,
	    c.log_x ? exp2(c.x1) : c.x1, LEFT, "", p->x);
	print_legend(p);
}
