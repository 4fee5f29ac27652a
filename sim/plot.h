/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PLOT_H
#define SIM_PLOT_H

/*
 * Plots: as text on the terminal, or as SVG, PNG and PDF by gnuplot.
 *
 * Lines are told apart by colour, dash and marker together, and each has
 * its name at its end; 40 are different in at least one of the three.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ephmap/types.h"

enum plot_terminal {
	PLOT_SVG,
	PLOT_SVG_IN_PAGE,
	PLOT_PNG,
	PLOT_PDF,
};

struct plot_line {
	const char *name;
	size_t n;
	const double *x;
	const double *y;
	const double *error; /* of y, as +- ; NULL: none */
};

struct plot {
	const char *title;
	const char *x, *y; /* what the axes are */
	bool log_x;	   /* by powers of two */
	bool log_y;	   /* by powers of ten; every y is above 0 */
	const struct plot_line *line;
	size_t nlines;

	/* Names that are known before: in plots of one page a word of them
	 * looks the same.  May be none. */
	const char *const *known;
	size_t nknown;

	/*
	 * Bars instead: each line is a part of the bars, whose names these
	 * are; x and error are not looked at.
	 */
	const char *const *bars;
};

/* 0 if `to` is "terminal" or a file that can be drawn, by its name. */
int plot_check(const char *to);

/*
 * Is it the turn of `to`, which may be NULL?  A file is drawn before anything
 * is printed, so that a failure prints nothing; the terminal's turn is last.
 */
bool plot_turn(const char *to, bool file);

/*
 * Draw to standard output or write the file.  Returns 0, or an errno value
 * with `err` set; no part of a file stays then.
 */
int plot_draw(const struct plot *p, const char *to, struct eph_err *err);

/* Point `i' of a line, and its error. */
typedef double plot_value_fn(
    const void *arg, size_t line, size_t i, double *error);

/*
 * Lines over numbers, with errors or without, in a plot like `frame', of which
 * titles and axes are taken; as plot_draw().
 */
int plot_numbers(const struct plot *frame, const uint32_t *number, size_t n,
    bool errors, const char *const *names, size_t nlines, plot_value_fn *value,
    const void *arg, const char *to, struct eph_err *err);

/*
 * An <svg> element that stands in HTML: text in the page's colour, exact
 * values as tooltips.  Returns as plot_draw().
 */
int plot_svg_element(const struct plot *p, FILE *out, struct eph_err *err);

/* For plot.c: draw with characters. */
void plot_text(const struct plot *p);

/*
 * For plot.c: run gnuplot, writing to `out', which can be read too.  Sizes
 * are in pixels.
 */
int plot_gnuplot(const struct plot *p, enum plot_terminal terminal,
    unsigned width, unsigned height, FILE *out, struct eph_err *err);

#endif /* !SIM_PLOT_H */
