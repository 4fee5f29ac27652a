/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_COSTS_H
#define SIM_COSTS_H

/*
 * Cost profiles that a person writes: for each event of EPH_COSTS its
 * price in cycles, as a JSON object or as lines
 *
 *	# my machine
 *	invlpg_local = 120
 *
 * Events that the file does not name keep the machine's price.
 */

#include "ephmap/sdk/machine.h"

struct cost_file;

/* Returns 0 and sets *cfp, or an errno value with `err` set. */
int costs_read(const char *path, struct cost_file **cfp, struct eph_err *err);
void costs_free(struct cost_file *cf);

/* Change in `costs` what the file names. */
void costs_apply(const struct cost_file *cf, struct eph_costs *costs);

/* Name of price `i` and its value in `costs`; NULL past the last. */
const char *cost_name(unsigned i);
uint32_t cost_value(const struct eph_costs *costs, unsigned i);
void cost_set(struct eph_costs *costs, unsigned i, uint32_t cycles);

#endif /* !SIM_COSTS_H */
