/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_REPORT_H
#define SIM_REPORT_H

/*
 * From results to text, for one run or many.
 *
 * JSON is the whole result; CSV and tables say the same in fewer words.
 * Nothing in JSON and CSV depends on the time it took.
 */

#include <jansson.h>
#include <stdio.h>

#include "record.h"
#include "setup.h"

/* One run as an object; a refused one has "refused" and no counters. */
json_t *report_json(const struct setup *s, const struct point *p);

/* A header and one line for each point, in their order. */
void report_print_csv(
    const struct setup *s, const struct point *p, size_t n, FILE *out);

/* One run, with what each number means. */
void report_print_run(const struct setup *s, const struct eph_trace_meta *meta,
    const struct point *p, FILE *out);

/* Many runs, the cheapest first, and how to read them. */
void report_print_comparison(const struct setup *s,
    const struct eph_trace_meta *meta, const struct point *p, size_t n,
    FILE *out);

/*
 * Draw them, to the terminal or a file, as plot_draw().  At least one has
 * run.
 */
int report_plot_comparison(const struct setup *s, const struct point *p,
    size_t n, const char *to, struct eph_err *err);

/* What a person should know and exit status 0 does not say. */
void report_warn(const struct setup *s, const struct point *p, size_t n);

/*
 * Where a table has opt: below how many interrupts no choice of victims
 * comes, whatever it knew (eph_mrc_reuse_bound()).
 */
void report_bound(const struct setup *s, const struct eph_trace_meta *meta,
    const struct eph_oplist *list, const struct point *p, size_t n);

/* Lines that more than one report has. */
const char *or_dash(const char *s);
void print_counted(FILE *out, uint64_t n, const char *thing);
void print_trace_line(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out);
void print_p_lines(
    const struct setup *s, const struct eph_trace_meta *meta, FILE *out);

#endif /* !SIM_REPORT_H */
