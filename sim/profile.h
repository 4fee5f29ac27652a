/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

/*
 * Machines that a person, or `ephmap calibrate', describes in a file of the
 * form of those that are installed (machines/NAME.ini):
 *
 *	[machine]
 *	like = amd64-skylake
 *	mhz = 2600
 *
 *	[costs]
 *	invlpg_local = 120 measured with my own loop
 *
 * A price is cycles, a kind (measured, published, assumed, fitted) and where
 * it is from.  What the file does not say is as the machine that it is like.
 */

#include <stdbool.h>

#include "ephmap/model.h"

struct profile;

/* Does --machine NAME mean a file?  It has a slash, or ends with .ini. */
bool profile_is_file(const char *name);

/*
 * Read it; its name is `path`.  Returns 0 and sets *pp, or an errno value
 * with `err` set: one line with file and line.
 */
int profile_read(const char *path, struct profile **pp, struct eph_err *err);

/* One more, or one less, who holds it; the last frees.  NULL is accepted. */
struct profile *profile_share(struct profile *p);
void profile_free(struct profile *p);
const struct eph_machine_model *profile_model(const struct profile *p);

#endif /* !SIM_PROFILE_H */
