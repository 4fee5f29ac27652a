/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_RESULT_H
#define SIM_RESULT_H

/* What came of a run, as a record. */

#include "record.h"
#include "setup.h"

/* The whole of it; a refused run has "refused" and no counters. */
void result_record(
    struct record *r, const struct setup *s, const struct point *p);

/*
 * One line for CSV and databases, of what result_record() gave: the same
 * keys for every run, refused ones too, without objects; those of clocks if
 * `timed`.
 */
void result_flat(struct record *r, const struct record *from, bool timed);

/* Parts of it. */
void result_counters(struct record *r, const struct eph_counters *c);
void result_derived(struct record *rec, const struct eph_run_result *r);
void result_time(struct record *r, const struct eph_time *t);
void result_work(struct record *r, const struct eph_time *t,
    const struct eph_work_result *wr);

/* NaN where there were no maps. */
double per_map(const struct eph_counters *c, uint64_t events);
double hit_ratio(const struct eph_counters *c);

/* Modelled nanoseconds per map: what runs are ordered by. */
double price_of(const struct point *p);

#endif /* !SIM_RESULT_H */
