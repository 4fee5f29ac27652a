/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_INTERVAL_H
#define SIM_INTERVAL_H

/* What one run, or several, did in each interval of the references. */

#include <jansson.h>
#include <stdio.h>

#include "setup.h"
#include "table.h"

/* References at the begin of the first interval, and at the end of each. */
struct intervals {
	size_t n; /* samples, one more than intervals */
	size_t room;
	uint64_t *references;
	uint64_t *ns;
	struct eph_counters *counters;
};

/* For eph_run_config's sample; `arg' is a struct intervals. */
void interval_take(void *arg, const struct eph_run_sample *s);
void interval_free(struct intervals *iv);

/*
 * --interval can be done with these options and so many references; and
 * --plot has something to draw.  OPTIONS_OK, or OPTIONS_BAD with a message
 * printed.
 */
int interval_check(const struct setup *s, uint64_t references);

/* An array of objects; lines with a header; a table. */
json_t *interval_json(const struct intervals *iv);
void interval_csv(const struct intervals *iv, FILE *out);
void interval_table(const struct intervals *iv, FILE *out);

/* Their parts, for those who have columns of their own before them. */
void interval_csv_head(FILE *out);
void interval_csv_line(const struct intervals *iv, size_t i, FILE *out);
bool interval_timed(const struct intervals *iv);
void interval_from_head(struct table *t, bool timed);
void interval_from(
    struct table *t, const struct intervals *iv, size_t i, bool timed);
void interval_events_head(struct table *t);
void interval_events(struct table *t, const struct intervals *iv, size_t i);
double interval_misses(const struct intervals *iv, size_t i);
double interval_ipis(const struct intervals *iv, size_t i);

/* Draw misses, invlpgs and IPIs; as plot_draw(). */
int interval_plot(const struct intervals *iv, const char *title, const char *to,
    struct eph_err *err);

#endif /* !SIM_INTERVAL_H */
