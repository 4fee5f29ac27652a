/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_KNOWN_H
#define SIM_KNOWN_H

/*
 * Numbers that may not be known (NAN): how they are printed.
 */

#include <jansson.h>
#include <stddef.h>

#include "ephmap/mrc.h"

/* The number, or null. */
json_t *known_json(double x);

/* The number in `buf`, or "": nothing between the commas. */
const char *known_csv(char *buf, size_t size, double x);

/* Say on standard error of how many of `n` points nothing is known. */
void warn_unknown(const struct eph_mrc_point *points, size_t n);

#endif /* !SIM_KNOWN_H */
