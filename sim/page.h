/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PAGE_H
#define SIM_PAGE_H

/* A report as one HTML page; see `ephmap report'. */

#include <stdio.h>

#include "groups.h"

/* Text between tags, or between the quotes of an attribute. */
void html_text(FILE *f, const char *s);

/* The head and the style, up to the question; and the end. */
void page_begin(FILE *f, const char *question);
void page_end(FILE *f);

/* Every group, in a table that sorts itself. */
void page_table(FILE *f, const struct groups *gs);

/* Who wins where, by how much, and where that changes. */
void page_answer(FILE *f, const struct groups *gs);

/*
 * The charts of each trace.  Returns 0, or an errno value with `err' set
 * when gnuplot is not there or fails: the page then says so.
 */
int page_charts(FILE *f, const struct groups *gs, struct eph_err *err);

/* What page_answer() and page_charts() share. */

/* The design, and of the other axes those that vary but `but' ones. */
void group_name(const struct groups *gs, const struct group *g,
    unsigned but_mask, char *buf, size_t size);

/* The groups of one trace: first and past the last; they are neighbours. */
size_t trace_end(const struct groups *gs, size_t first);

/* Does it have numbers? */
bool group_ran(const struct group *g);

/* The distinct numbers of an axis in [first, end), ascending; caller frees. */
size_t axis_numbers(const struct groups *gs, size_t first, size_t end,
    enum group_axis a, double **valuesp);

#endif /* !SIM_PAGE_H */
