/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_GROUPS_H
#define SIM_GROUPS_H

/*
 * What a database says, by combination of the axes: each group has the runs
 * that differ in nothing but the seed, as means with their spread.
 */

#include <stdbool.h>

#include "database.h"

enum group_axis {
	GROUP_TRACE,
	GROUP_DESIGN,
	GROUP_POLICY,
	GROUP_SHOOTDOWN,
	GROUP_MACHINE,
	GROUP_TLB,
	GROUP_EXECUTOR,
	GROUP_CPUS,
	GROUP_NBUFS,
	GROUP_TOUCH,
	GROUP_HOLD,
	GROUP_FLAGS,
	GROUP_COSTS,
	GROUP_PLUGIN,
	GROUP_AXES,
};

enum group_metric {
	METRIC_HIT,    /* % of the maps */
	METRIC_INVLPG, /* from here to sleep: per 1,000 maps */
	METRIC_FLUSH,
	METRIC_IPI,
	METRIC_TLB_MISS,
	METRIC_SLEEP,
	METRIC_CYCLES, /* per map */
	METRIC_PRICE,  /* nanoseconds per map */
	METRIC_RATE,   /* from here on with clocks: million maps a second */
	METRIC_OWN,    /* from here on: % of the cycles of all CPUs */
	METRIC_ASK,
	METRIC_HANDLE,
	METRIC_LOCK,
	METRIC_IDLE,
	METRICS,
};

struct group_axis_info {
	const char *column; /* of the database */
	const char *title;  /* of a table */
	bool number;
};

struct group_metric_info {
	const char *key; /* in JSON and CSV */
	const char *title;
};

extern const struct group_axis_info group_axes[GROUP_AXES];

/* A value of a number's axis that is one: a hold may be `20r'. */
bool group_number(unsigned axis, const char *value);
extern const struct group_metric_info group_metrics[METRICS];

struct group {
	char *axis[GROUP_AXES]; /* as text, "" where it means nothing */
	char *digest;		/* of the input */
	char *refused;		/* the reason; NULL: it ran */
	unsigned runs;		/* that have numbers */
	double mean[METRICS];	/* NaN where there is none */
	double m2[METRICS];	/* sum of squared differences to the mean */
	uint64_t violations;
	bool failed;
};

struct groups {
	struct group *group;
	size_t n;
	bool varies[GROUP_AXES];
	bool repeated; /* some group has several runs */
	bool timed;    /* some ran under clocks */
};

/*
 * Read them; `where' is an SQL expression or NULL.  Sorted: by trace, then
 * the cheapest first, then those without a price, then those refused.
 * Returns 0 or an errno value with `err' set.
 */
int groups_read(struct database *db, const char *where, struct groups *gs,
    struct eph_err *err);
void groups_free(struct groups *gs);

/* Standard deviation from run to run; 0 for one run. */
double group_deviation(const struct group *g, enum group_metric m);

#endif /* !SIM_GROUPS_H */
