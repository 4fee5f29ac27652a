/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_REPORT_COMPARE_H
#define SIM_REPORT_COMPARE_H

/* What the table and the picture of a comparison share. */

#include "report.h"
#include "table.h"

/* Which columns a comparison needs: an axis is shown where it varies. */
struct shown {
	bool policy;
	bool shootdown;
	bool machine;
	bool tlb;
	bool cpus;
	bool nbufs;
	bool in_use; /* mappings are held, not only used and freed */
	bool flush;  /* somewhere */
	bool sleep;
	bool violations;
};

struct shown find_shown(const struct point *p, size_t n);

/* The columns that name a row: how many, their headings, their cells. */
unsigned axes_count(const struct shown *w);
void axes_heading(struct table *t, const struct shown *w);
void axes_cells(struct table *t, const struct shown *w, const struct point *p);

/* The same in one line, as a picture has it. */
#define POINT_NAME 160u
void point_name(
    const struct shown *w, const struct point *p, char *to, size_t size);

/*
 * In the order of the table, to be freed: the cheapest first, or under
 * clocks the quickest; refused ones last.
 */
const struct point **sort_points(
    const struct setup *s, const struct point *p, size_t n);

/* Sleeps for a buffer, in a trace or a workload. */
uint64_t point_sleeps(const struct point *p);

/* Under clocks: parts of where the cycles went, short and long. */
struct time_column {
	const char *name;
	const char *words;
	unsigned items; /* of EPH_CYCLES, as bits */
};

#define TIME_COLUMNS 5
extern const struct time_column time_columns[TIME_COLUMNS];

/* In per cent of the cycles of all CPUs. */
double time_share(const struct eph_time *t, const struct time_column *c);

#endif /* !SIM_REPORT_COMPARE_H */
