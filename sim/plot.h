/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PLOT_H
#define SIM_PLOT_H

/*
 * Curves over the number of buffers, drawn as text, as SVG by ourselves,
 * or as PNG by gnuplot.
 */

#include "ephmap/types.h"

struct plot {
	const char *title;
	const char *x, *y;    /* what the axes are */
	const uint32_t *size; /* npoints, in any order */
	size_t npoints;
	const char **name; /* nlines */
	size_t nlines;
	const double *value; /* value[line * npoints + point] */
};

/* 0 if `to` is "terminal" or a file that can be drawn, by its name. */
int plot_check(const char *to);

/*
 * Draw to standard output or write the file.  Returns 0, or an errno value
 * with `err` set; no part of a file stays then.
 */
int plot_draw(const struct plot *p, const char *to, struct eph_err *err);

#endif /* !SIM_PLOT_H */
