/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REPORT_EXPLORE_H
#define REPORT_EXPLORE_H

/* What a search found or did not, as text and as an object. */

#include <jansson.h>
#include <stdio.h>

struct eph_explore_config;
struct eph_explore_result;
struct opts;

/* A time is no part of a result that is compared, unless asked for. */
json_t *report_explore_seconds(const struct opts *o, double seconds);
void report_explore_took(const struct opts *o, double seconds, FILE *f);

/* One search. */
json_t *report_explore_json(const struct opts *o,
    const struct eph_explore_config *cfg, const struct eph_explore_result *r);
void report_explore_print(const struct opts *o,
    const struct eph_explore_config *cfg, const struct eph_explore_result *r);

#endif /* !REPORT_EXPLORE_H */
