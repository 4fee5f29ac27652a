/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_COMPARE_TIME_H
#define SIM_COMPARE_TIME_H

/* `ephmap compare --interval': what the runs did, side by side over time. */

#include "interval.h"

struct compare_time {
	const struct setup *s;
	const struct point *p;
	const struct intervals *iv; /* by point; of refused ones empty */
	size_t n;
};

/* A line for each interval of each run, those of one interval together. */
void compare_time_table(const struct compare_time *c, FILE *out);

/* A header, and a line for each interval of each run, run by run. */
void compare_time_csv(const struct compare_time *c, FILE *out);

/* Misses and interrupts of each run; as plot_draw(). */
int compare_time_plot(
    const struct compare_time *c, const char *to, struct eph_err *err);

#endif /* !SIM_COMPARE_TIME_H */
